import { GetKeyPolicyCommand, NotFoundException } from '@aws-sdk/client-kms';
import { describe, expect, it } from 'vitest';
import { patchKeyPolicy } from '../../../../functions/patch-key-policy/patch-key-policy.ts';
import { withdrawGrants } from '../../../../functions/withdraw-grants/withdraw-grants.ts';
import {
  forgetGrant,
  grantsOf,
  readGrants,
  requestGrant,
  settleGrant,
  withdrawGrant,
} from '../../../../lib/keys/grants.ts';
import { reconcileKeyPolicy } from '../../../../lib/keys/reconcile.ts';
import { deployment, granting, keyArn, keyFixture, onboardingOf, roleArn, roleOf } from '../../lib/keys/key-fixture.ts';
import { likeStatements, openStatements } from '../key-policies.ts';
import { keyPolicy } from '../key-policy.ts';
import { own } from '../own-record.ts';

const planOf = (name: string) => ({
  subscriber: { userName: name },
  executionArn: onboardingOf(name),
  roleArns: [roleArn(name)],
});

/** A key that these have, by grants that are applied. */
async function granted(...names: string[]) {
  const world = await keyFixture(granting(), names);
  await world.ask(...names);
  await reconcileKeyPolicy(world.reconciler, keyArn, { by: 'before' });
  expect(world.kms.policy(keyArn)).toEqual(granting(...names));
  const written = world.kms.puts().length;
  return {
    ...world,
    withdraw: (name: string) => withdrawGrants(world.reconciler, keyArn, planOf(name)),
    patch: (name: string) => patchKeyPolicy(world.reconciler, keyArn, roleOf(name), onboardingOf(name)),
    writes: () => world.kms.puts().length - written,
  };
}

const naming = (Sid: string, Principal: object) => ({
  Sid,
  Effect: 'Allow',
  Principal,
  Action: 'kms:Decrypt',
  Resource: '*',
});

describe('withdrawing a grant', () => {
  it('takes one role out of the policy, and forgets it', async () => {
    const { withdraw, kms, states } = await granted('a', 'b');
    expect(await withdraw('a')).toEqual({ keyArn, changed: true });
    expect(kms.policy(keyArn)).toEqual(granting('b'));
    expect(await states()).toEqual({ b: 'applied' });
  });

  it('takes our statements away with the last role', async () => {
    const { withdraw, kms, states } = await granted('a');
    await withdraw('a');
    expect(kms.policy(keyArn)).toEqual(granting());
    expect(await states()).toEqual({});
  });

  it('is done once: a repeat neither writes nor takes the lease', async () => {
    const { withdraw, writes } = await granted('a', 'b');
    await withdraw('a');
    expect(await withdraw('a')).toEqual({ keyArn, changed: false });
    expect(writes()).toBe(1);
  });

  it('writes once for all that are withdrawn at the time, if the policy is known to be the last', async () => {
    const { withdraw, kms, registry, states, writes } = await granted('a', 'b', 'c');
    await withdrawGrant(registry, keyArn, roleOf('b'), onboardingOf('b'));
    await withdraw('a');
    expect(kms.policy(keyArn)).toEqual(granting('c'));
    expect(await withdraw('b')).toEqual({ keyArn, changed: false });
    expect(writes()).toBe(1);
    expect(await states()).toEqual({ c: 'applied' });
  });

  it('writes a policy that reads without the role already, as long as it may be an old one', async () => {
    const { withdraw, kms, time } = await granted('a', 'b');
    time.now += 120_000;
    kms.client.on(GetKeyPolicyCommand).callsFake(() => ({ Policy: JSON.stringify(granting('b')) }));
    expect(await withdraw('a')).toEqual({ keyArn, changed: true });
    expect(kms.policy(keyArn)).toEqual(granting('b'));
  });

  it('takes out a role that the policy names and the registry does not know, under whatever path', async () => {
    const withPath = roleArn('a').replace('role/', 'role/vendor/');
    const { reconciler, registry, kms, states } = await keyFixture(keyPolicy(withPath, roleArn('b')), ['b']);
    await own(registry, onboardingOf('a'), 'a');
    expect(await withdrawGrants(reconciler, keyArn, planOf('a'))).toEqual({ keyArn, changed: true });
    expect(kms.policy(keyArn)).toEqual(granting('b'));
    expect(await states()).toEqual({});
  });

  describe('from roles that stand by a pattern', () => {
    const pattern = roleArn('*');
    const patterned = {
      ...granting(),
      Statement: [...granting().Statement, ...likeStatements(['111111111111'], [pattern])],
    };

    /** A key that the roles of two subscribers have by a pattern. */
    async function byPattern(exclusiveTo?: string) {
      const world = await keyFixture(granting(), ['a', 'b']);
      if (exclusiveTo !== undefined) world.kms.tags.set('infinstor-onboarding:exclusive', exclusiveTo);
      const access = { mode: 'role-pattern', roleNamePrefix: 'RoleForInfinStorMlflowService-' } as const;
      const reconciler = { ...world.reconciler, access };
      await world.ask('a', 'b');
      await reconcileKeyPolicy(reconciler, keyArn, { by: 'before' });
      expect(world.kms.policy(keyArn)).toEqual(patterned);
      return { ...world, reconciler, withdraw: (name: string) => withdrawGrants(reconciler, keyArn, planOf(name)) };
    }

    it('takes the pattern away with the last one, of a key that is the deployment’s alone', async () => {
      const { withdraw, kms, states } = await byPattern(deployment);
      expect(await withdraw('a')).toEqual({ keyArn, changed: false });
      expect(kms.policy(keyArn)).toEqual(patterned);
      expect(await withdraw('b')).toEqual({ keyArn, changed: true });
      expect(kms.policy(keyArn)).toEqual(granting());
      expect(await states()).toEqual({});
    });

    it.each([undefined, deployment.replace('us-east-1', 'eu-west-1')])(
      'leaves the pattern, and reports it, also in a repeat, when the key may be another’s (%s)',
      async (owner) => {
        const { withdraw, kms, states } = await byPattern(owner);
        expect(await withdraw('a')).toEqual({ keyArn, changed: false });
        const left = { keyArn, changed: false, keptPatterns: [pattern] };
        expect(await withdraw('b')).toEqual(left);
        expect(await withdraw('b')).toEqual(left);
        expect(kms.policy(keyArn)).toEqual(patterned);
        expect(await states()).toEqual({});
      },
    );

    it.each([
      ['leaves the pattern beside the roles, when the key may be shared', undefined],
      ['takes the pattern away when the key is the deployment’s alone', deployment],
    ])('%s and its roles come to stand by their ARNs, or it is repaired', async (_, owner) => {
      const { reconciler, kms } = await byPattern(owner);
      const access = { mode: 'role-arns' } as const;
      const request = { by: 'after', exact: true };
      const { keptPatterns } = await reconcileKeyPolicy({ ...reconciler, access }, keyArn, request);
      const like = likeStatements(['111111111111'], [pattern, roleArn('a'), roleArn('b')]);
      expect(keptPatterns).toEqual(owner === undefined ? [pattern] : []);
      expect(kms.policy(keyArn)).toEqual(
        owner === undefined ? { ...granting(), Statement: [...granting().Statement, ...like] } : granting('a', 'b'),
      );
      const puts = kms.puts().length;
      await reconcileKeyPolicy({ ...reconciler, access }, keyArn, request);
      expect(kms.puts()).toHaveLength(puts);
    });

    it('leaves the pattern of another deployment whose roles are named otherwise', async () => {
      const { reconciler, kms } = await byPattern();
      const access = { mode: 'role-pattern', roleNamePrefix: 'RoleFor' } as const;
      await reconcileKeyPolicy({ ...reconciler, access }, keyArn, { by: 'other' });
      const like = likeStatements(['111111111111'], ['arn:aws:iam::111111111111:role/RoleFor*', pattern]);
      expect(kms.policy(keyArn)).toEqual({ ...granting(), Statement: [...granting().Statement, ...like] });
    });

    it('mends the statements of version 0.1.0, which let in what is below another path', async () => {
      const { reconciler, kms, time } = await byPattern();
      time.now += 120_000;
      const open = openStatements(['111111111111'], [pattern]);
      kms.set(keyArn, { ...granting(), Statement: [...granting().Statement, ...open] });
      await reconcileKeyPolicy(reconciler, keyArn, { by: 'after' });
      expect(kms.policy(keyArn)).toEqual(patterned);
    });
  });

  it('of a key that is gone only forgets', async () => {
    const { withdraw, kms, states, writes } = await granted('a', 'b');
    kms.client.on(GetKeyPolicyCommand).rejects(new NotFoundException({ message: 'gone', $metadata: {} }));
    expect(await withdraw('a')).toEqual({ keyArn, changed: false });
    expect(await states()).toEqual({ b: 'applied' });
    expect(writes()).toBe(0);
  });

  it.each([
    ['by its ARN', { AWS: roleArn('a') }],
    ['among others', { AWS: ['arn:aws:iam::111111111111:root', roleArn('a')] }],
    ['under a path', { AWS: roleArn('a').replace('role/', 'role/vendor/') }],
    ['by a session', { AWS: 'arn:aws:sts::111111111111:assumed-role/RoleForInfinStorMlflowService-a/x' }],
  ])('is refused while a statement of somebody else names the role %s', async (_, Principal) => {
    const { withdraw, kms, states, writes } = await granted('a', 'b');
    const { Statement, ...rest } = granting('a', 'b');
    kms.set(keyArn, { ...rest, Statement: [...Statement, naming('Backup', Principal)] });
    await expect(withdraw('a')).rejects.toMatchObject({
      name: 'RoleStillNamed',
      message: `Statement "Backup" of the policy of key ${keyArn} names ${roleArn('a')}, which is to be deleted`,
      keyArn,
      sid: 'Backup',
      roleArn: roleArn('a'),
    });
    expect(writes()).toBe(0);
    expect(await states()).toEqual({ a: 'applied', b: 'applied' });
    // Others are not concerned.
    await withdraw('b');
  });

  it('ends RoleStillNamed when such a statement comes while the policy is being written', async () => {
    const { withdraw, kms, time } = await granted('a', 'b');
    time.now += 120_000;
    const { Statement, ...rest } = granting('a', 'b');
    const foreign = { ...rest, Statement: [...Statement, naming('Late', { AWS: roleArn('a') })] };
    let reads = 0;
    kms.client.on(GetKeyPolicyCommand).callsFake(() => {
      reads += 1;
      // After the first look at it.
      if (reads === 2) kms.set(keyArn, foreign);
      return { Policy: JSON.stringify(kms.policy(keyArn)) };
    });
    await expect(withdraw('a')).rejects.toMatchObject({ name: 'RoleStillNamed', sid: 'Late' });
  });

  it('ends KeyPolicyOrphan while a statement of somebody else names a deleted principal', async () => {
    const { withdraw, kms, writes } = await granted('a');
    const { Statement, ...rest } = granting('a');
    kms.set(keyArn, { ...rest, Statement: [...Statement, naming('Old', { AWS: 'AROADELETEDDELETEDDEL' })] });
    await expect(withdraw('a')).rejects.toMatchObject({ name: 'KeyPolicyOrphan' });
    expect(writes()).toBe(0);
  });

  it('is repeated later when KMS refuses the policy for the sake of another role', async () => {
    const { withdraw, kms, states } = await granted('a', 'b');
    kms.unseen.add(roleArn('b'));
    await expect(withdraw('a')).rejects.toMatchObject({
      name: 'KeyPolicyBusy',
      message: `The policy of key ${keyArn} still names ${roleArn('a')}`,
    });
    expect(await states()).toEqual({ a: 'withdrawn', b: 'applied' });
    kms.unseen.clear();
    await withdraw('a');
    expect(kms.policy(keyArn)).toEqual(granting('b'));
  });
});

describe('a grant that is being withdrawn', () => {
  it('is not applied again by who had read it before', async () => {
    const { registry, reconciler, states, withdraw, kms } = await granted('a', 'b');
    const [grant] = await readGrants(registry, keyArn);
    await withdrawGrant(registry, keyArn, roleOf('a'), onboardingOf('a'));
    if (grant !== undefined) await settleGrant(registry, keyArn, { ...grant, state: 'applied' });
    expect(await states()).toEqual({ a: 'withdrawn', b: 'applied' });
    await reconcileKeyPolicy(reconciler, keyArn, { by: 'another' });
    expect(kms.policy(keyArn)).toEqual(granting('b'));
    await withdraw('a');
    expect(await states()).toEqual({ b: 'applied' });
  });

  it('is asked for again by an onboarding, and then kept from the offboarding', async () => {
    const { registry, patch, states, kms } = await granted('a', 'b');
    await withdrawGrant(registry, keyArn, roleOf('a'), onboardingOf('a'));
    await patch('a');
    await forgetGrant(registry, keyArn, { ...roleOf('a'), executionArn: onboardingOf('a') }, 0);
    expect(kms.policy(keyArn)).toEqual(granting('a', 'b'));
    expect(await states()).toEqual({ a: 'applied', b: 'applied' });
  });
});

it('finds the grants of a subscriber on all keys, whatever its case', async () => {
  const { registry } = await keyFixture();
  const otherKey = keyArn.replace('11111111', '22222222');
  await own(registry, 'onboarding', 'acme', 'acme-2');
  await requestGrant(registry, keyArn, { ...roleOf('a'), userName: 'Acme' }, 'onboarding');
  await requestGrant(registry, otherKey, { ...roleOf('a'), userName: 'acme' }, 'onboarding');
  await requestGrant(registry, keyArn, { ...roleOf('b'), userName: 'acme-2' }, 'onboarding');
  const found = await grantsOf(registry, 'ACME');
  expect(found.toSorted((one, other) => one.keyArn.localeCompare(other.keyArn))).toEqual([
    { keyArn, roleArn: roleArn('a') },
    { keyArn: otherKey, roleArn: roleArn('a') },
  ]);
});
