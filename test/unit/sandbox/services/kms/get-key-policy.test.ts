import { beforeEach, describe, expect, it } from 'vitest';
import {
  call,
  callerOf,
  canonical,
  clock,
  createRole,
  decideUse,
  deployer,
  document,
  enableIam,
  get,
  iam,
  invalidPrincipals,
  keyArn,
  kms,
  put,
  read,
  rootArn,
  setUp,
  stopTime,
  use,
} from './kms-fixture.ts';

beforeEach(setUp);

describe('a role that is deleted', () => {
  let subscriber: string;
  let roleId: string;

  beforeEach(async () => {
    subscriber = createRole('subscriber');
    roleId = iam.principalId(subscriber) ?? 'none';
    await put(document(enableIam, use([deployer.principalArn, subscriber])));
    iam.deleteRole('subscriber');
  });

  it('stands in the policy as its unique id', async () => {
    const policy = await get();
    expect(policy).toContain(roleId);
    expect(policy).not.toContain(subscriber);
  });

  it('makes every later PutKeyPolicy fail that carries it', async () => {
    await expect(put(await get())).rejects.toThrow(invalidPrincipals);
  });

  it('does not get its access back by being made again', async () => {
    const caller = callerOf(createRole('subscriber'));
    expect(decideUse(caller, keyArn, ['kms:Decrypt']).allowed).toBe(false);
    expect(await get()).toContain(roleId);

    await put(document(enableIam, use([deployer.principalArn, subscriber])));
    expect(decideUse(caller, keyArn, ['kms:Decrypt']).allowed).toBe(true);
    expect(await get()).not.toContain(roleId);
  });
});

describe('GetKeyPolicy', () => {
  it('returns another order than was written, and the same policy', async () => {
    const roles = ['a', 'b', 'c'].map((name) => createRole(name));
    const written = document(enableIam, use(roles), { ...use(roles.slice(0, 1)), Sid: 'one' });
    await put(written);
    const [first, second] = [await read(), await read()];
    for (const { Statement } of [first, second]) {
      expect(Statement[1]?.Principal.AWS).not.toEqual(roles);
      expect(Statement[1]?.Action).not.toEqual(use(roles).Action);
      expect(Statement[2]?.Principal.AWS).toBe(roles[0]);
    }
    expect(canonical(first)).toEqual(canonical(written));
    expect(canonical(second)).toEqual(canonical(written));
    expect(second.Statement[1]?.Principal.AWS).not.toEqual(first.Statement[1]?.Principal.AWS);
  });

  it('shows an account that was written as an id by its root ARN', async () => {
    await put(document(enableIam, use('222222222222')));
    expect(await get()).toContain('arn:aws:iam::222222222222:root');
  });

  it('knows no policy but default', async () => {
    await expect(call('GetKeyPolicy', { KeyId: keyArn, PolicyName: 'other' })).rejects.toThrow(
      "1 validation error detected: Value 'other' at 'policyName' failed to satisfy constraint: Member must satisfy enum value set: [default]",
    );
  });
});

describe('delayed reads', () => {
  beforeEach(stopTime);
  const oldest = () => 0;
  const sids = async () => (await read()).Statement.map(({ Sid }) => Sid);
  const putSids = (...names: string[]) => put(document(enableIam, ...names.map((Sid) => use(rootArn, { Sid }))));
  const root = 'Enable IAM User Permissions';

  it('tell any policy that was in force lately, and no other', async () => {
    let number = 0;
    kms.delayReads(60_000, () => number);
    await putSids('first');
    clock.advance(30_000);
    await putSids('second');
    const told = async () => {
      const all: unknown[] = [];
      for (number of [0, 0.34, 0.67, 1]) all.push((await sids()).at(-1));
      return all;
    };
    expect(await told()).toEqual([root, 'first', 'second', 'second']);
    clock.advance(29_999);
    expect(await told()).toEqual([root, 'first', 'second', 'second']);
    clock.advance(1);
    expect(await told()).toEqual(['first', 'first', 'second', 'second']);
    clock.advance(30_000);
    expect(await told()).toEqual(['second', 'second', 'second', 'second']);
  });

  it('choose by chance, change nothing of what is in force, and end', async () => {
    kms.delayReads(60_000);
    await putSids('first');
    const told = new Set<unknown>();
    for (let reads = 0; reads < 100; reads += 1) told.add((await sids()).at(-1));
    expect(told).toEqual(new Set([root, 'first']));
    expect(kms.keyPolicy(keyArn).Statement).toHaveLength(2);
    kms.delayReads(0, oldest);
    expect(await sids()).toEqual([root, 'first']);
  });

  it('are those of one key', async () => {
    const arn = `${keyArn.slice(0, -1)}2`;
    kms.createKey({ arn, tags: kms.tags(keyArn) });
    kms.delayReads(60_000, oldest);
    await call('PutKeyPolicy', { KeyId: arn, Policy: JSON.stringify(document(enableIam, use(rootArn))) });
    await putSids('first');
    await putSids('second');
    expect(await sids()).toEqual([root]);
  });

  it('return an old policy as it would be now', async () => {
    const subscriber = createRole('subscriber');
    const roleId = iam.principalId(subscriber);
    await put(document(enableIam, use([deployer.principalArn, subscriber])));
    await putSids('second');
    // The one between the first and the last.
    kms.delayReads(60_000, () => 0.5);
    expect(await get()).toContain(subscriber);
    iam.deleteRole('subscriber');
    createRole('subscriber');
    expect(await get()).toContain(roleId);
    expect(await get()).not.toContain(subscriber);
  });
});
