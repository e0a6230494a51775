import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetKeyPolicyCommand, KMSServiceException, NotFoundException, PutKeyPolicyCommand } from '@aws-sdk/client-kms';
import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import {
  type Detector,
  detectKeyPolicyDrift,
} from '../../../functions/detect-key-policy-drift/detect-key-policy-drift.ts';
import type { Edit } from '../../../functions/detect-key-policy-drift/trigger.ts';
import { readKeptPolicies } from '../../../functions/shared/kept-policies.ts';
import { releaseLease, takeLease } from '../../../functions/shared/key-registry.ts';
import { reconcileKeyPolicy } from '../../../functions/shared/reconcile-key-policy.ts';
import { keyPolicy } from '../key-policy.ts';
import { errorOf } from '../lambda.ts';
import { keyArn, keyWorld, roleArn } from '../shared/key-world.ts';

const otherKeyArn = keyArn.replaceAll('1111-', '2222-');
const writer = 'arn:aws:iam::111111111111:role/patch-key-policy';
const alice = 'arn:aws:iam::111111111111:user/alice';
const granting = (...names: string[]) => keyPolicy(...names.map(roleArn));
const refusal = (name: string) =>
  new KMSServiceException({ name, message: `KMS said ${name}`, $fault: 'client', $metadata: {} });
const denied = refusal('AccessDeniedException');

/** Roles a and b that have the key since an hour, and the function. */
async function setUp({ repairs = false } = {}) {
  const world = await keyWorld(granting(), ['a', 'b', 'c']);
  const { registry, reconciler, kms, time } = world;
  await world.ask('a', 'b');
  await reconcileKeyPolicy(reconciler, keyArn, { by: 'an execution' });
  time.now += 60 * 60_000;
  kms.client.resetHistory();

  const events = mockClient(EventBridgeClient);
  events.on(PutEventsCommand).resolves({ FailedEntryCount: 0 });
  const log: unknown[][] = [];
  let count = 0;
  const detector: Detector = {
    registry,
    reconcilerOf: () => reconciler,
    events: new EventBridgeClient({ region: 'us-east-1' }),
    writers: [writer],
    repairs,
    logger: {
      info: (...line) => void log.push(['info', ...line]),
      warn: (...line) => void log.push(['warn', ...line]),
    },
    count: () => {
      count += 1;
    },
  };
  /** What CloudTrail tells of a policy that alice has just written. */
  function edited(policy: object, changes: Partial<Edit> = {}): Edit {
    kms.set(keyArn, policy);
    const at = Math.floor(time.now / 1000) * 1000;
    return { eventId: 'event', keyArn, policy: JSON.stringify(policy), by: alice, roleArn: undefined, at, ...changes };
  }
  return {
    ...world,
    detector,
    events,
    log,
    count: () => count,
    edited,
    look: (edit?: Edit) => detectKeyPolicyDrift(edit, detector),
    told: () =>
      events.commandCalls(PutEventsCommand).map(({ args: [{ input }] }) => {
        const [{ Source, DetailType, Detail } = {}, ...others] = input.Entries ?? [];
        expect(others).toEqual([]);
        return { Source, DetailType, Detail: JSON.parse(Detail ?? '') };
      }),
    forgetLease: () =>
      registry.documents.send(
        new DeleteCommand({ TableName: registry.tableName, Key: { pk: `KEY#${keyArn}`, sk: 'LEASE' } }),
      ),
    /** Makes the registry know another key. */
    async knowOther() {
      const lease = { owner: 'another', until: time.now };
      await takeLease(registry, otherKeyArn, lease, time.now);
      await releaseLease(registry, otherKeyArn, lease, undefined);
      kms.set(otherKeyArn, granting());
    },
  };
}

const detail = (difference: object) => ({
  keyArn,
  missingRoles: [],
  unexpectedRoles: [],
  orphanedIds: [],
  lostStatements: [],
  reason: null,
  omitted: 0,
  repaired: 'no',
  by: null,
  ...difference,
});

describe('the look of the schedule', () => {
  it('tells nothing of keys that are as they are to be', async () => {
    const { look, told, log, kms, count } = await setUp();
    await look();
    expect(told()).toEqual([]);
    expect(log).toEqual([]);
    expect(count()).toBe(0);
    expect(kms.gets()).toBe(1);
  });

  it('tells, logs and counts a key that is not, and writes nothing', async () => {
    const { look, told, log, kms, count } = await setUp();
    kms.set(keyArn, granting('b', 'intruder'));
    await look();
    const Detail = detail({ missingRoles: [roleArn('a')], unexpectedRoles: [roleArn('intruder')] });
    expect(told()).toEqual([{ Source: 'infinstor.onboarding', DetailType: 'KeyPolicyDrift', Detail }]);
    expect(log).toEqual([['warn', 'key policy drifted', Detail]]);
    expect(count()).toBe(1);
    expect(kms.puts()).toEqual([]);
  });

  it('looks at every key, whatever one of them is like, and then says what went wrong', async () => {
    const { look, told, kms, knowOther } = await setUp();
    await knowOther();
    kms.set(keyArn, granting('b'));
    kms.client.on(GetKeyPolicyCommand, { KeyId: otherKeyArn }).rejects(new Error('no route to host'));
    await expect(look()).rejects.toMatchObject(
      errorOf('AggregateError', '1 keys could not be looked at, the first for Error: no route to host'),
    );
    expect(told()).toHaveLength(1);
  });

  it('looks once at a key of several grants and a lease, and still at one whose lease was deleted', async () => {
    const { look, told, kms, forgetLease } = await setUp();
    await look();
    expect(kms.gets()).toBe(1);
    await forgetLease();
    kms.set(keyArn, granting('b'));
    await look();
    expect(told()).toMatchObject([{ Detail: detail({ missingRoles: [roleArn('a')] }) }]);
  });

  it('says so when EventBridge does not take what is told', async () => {
    const { look, kms, events } = await setUp();
    kms.set(keyArn, granting('b'));
    events.on(PutEventsCommand).resolves({ FailedEntryCount: 1, Entries: [{ ErrorCode: 'Throttled' }] });
    await expect(look()).rejects.toMatchObject(errorOf('AggregateError', 'EventBridge did not take KeyPolicyDrift'));
  });

  it('leaves a key that is gone alone', async () => {
    const { look, told, kms, log } = await setUp();
    kms.client.on(GetKeyPolicyCommand).rejects(new NotFoundException({ message: 'gone', $metadata: {} }));
    await look();
    expect(told()).toEqual([]);
    expect(log).toEqual([['warn', 'key is gone', { keyArn }]]);
  });

  it('tells of a policy that it is not let read', async () => {
    const { look, told, kms } = await setUp();
    kms.client.on(GetKeyPolicyCommand).rejects(denied);
    await look();
    expect(told()).toMatchObject([{ Detail: detail({ reason: { name: denied.name, message: denied.message } }) }]);
  });

  it('tells of a policy that is not understood', async () => {
    const { look, told, kms } = await setUp();
    kms.set(keyArn, { Statement: [{ Effect: 'Perhaps' }] });
    await look();
    const reason = { name: 'KeyPolicyNotUnderstood', message: expect.stringContaining('Effect') };
    expect(told()).toMatchObject([{ Detail: detail({ reason }) }]);
  });

  it.each([
    { when: 'before', isKnown: true },
    { when: 'while', isKnown: true },
    { when: 'while', isKnown: false },
  ])('leaves a key to the next look that one of ours takes $when it is read', async ({ when, isKnown }) => {
    const { look, told, kms, registry, time, log } = await setUp();
    const take = (until: number) => takeLease(registry, keyArn, { owner: 'another', until }, time.now);
    // Of a writer that died.
    if (!isKnown) await take(time.now - 1);
    if (when === 'before') await take(time.now + 30_000);
    kms.client.on(GetKeyPolicyCommand).callsFake(async () => {
      if (when === 'while') await take(time.now + 30_000);
      return { Policy: JSON.stringify(granting('b')) };
    });
    await look();
    expect(told()).toEqual([]);
    expect(log).toEqual([['info', 'key policy not looked at', { reason: expect.stringContaining(keyArn) }]]);
    time.now += 31_000 + 90_000;
    kms.client.on(GetKeyPolicyCommand).resolves({ Policy: JSON.stringify(granting('b')) });
    await look();
    expect(told()).toHaveLength(1);
  });

  it('leaves a key to the next look that one of ours writes while it is read', async () => {
    const { look, told, kms, ask, reconciler } = await setUp();
    await ask('c');
    let reads = 0;
    kms.client.on(GetKeyPolicyCommand).callsFake(async () => {
      const Policy = JSON.stringify(kms.policy(keyArn));
      reads += 1;
      if (reads > 1) return { Policy };
      await reconcileKeyPolicy(reconciler, keyArn, { by: 'another' });
      return { Policy: JSON.stringify(granting()) };
    });
    await look();
    expect(told()).toEqual([]);
    expect(reads).toBeGreaterThan(1);
  });

  it('reads again what may be older than our last write', async () => {
    const { look, told, kms, ask, reconciler } = await setUp();
    await ask('c');
    await reconcileKeyPolicy(reconciler, keyArn, { by: 'another' });
    const older = [[], ['a'], ['a', 'b']];
    kms.client.on(GetKeyPolicyCommand).callsFake(() => {
      const names = older.pop();
      return { Policy: JSON.stringify(names === undefined ? kms.policy(keyArn) : granting(...names)) };
    });
    await look();
    expect(told()).toEqual([]);
    expect(older).toEqual([]);
  });
});

describe('a policy that was written by hand', () => {
  it('is kept, and told with who wrote it', async () => {
    const { look, told, edited, registry, log } = await setUp();
    const edit = edited(granting('b'));
    await look(edit);
    expect(told()).toMatchObject([{ Detail: detail({ missingRoles: [roleArn('a')], by: alice }) }]);
    expect(log.at(-1)).toEqual(['warn', 'key policy drifted', told()[0]?.Detail]);
    const keptPolicies = await readKeptPolicies(registry, keyArn);
    expect(keptPolicies.at(-1)).toMatchObject({
      keptAt: new Date(edit.at).toISOString(),
      policy: edit.policy,
      by: alice,
      eventId: 'event',
      hash: expect.stringMatching(/^\w{64}$/),
    });
  });

  it('is kept once when it is told twice', async () => {
    const { look, told, edited, registry } = await setUp();
    const edit = edited(granting('b'));
    await look(edit);
    await look(edit);
    expect(told()).toHaveLength(2);
    expect(await readKeptPolicies(registry, keyArn)).toHaveLength(2);
  });

  it('is nothing when a function of the deployment wrote it', async () => {
    const { look, edited, told, kms, registry } = await setUp();
    await look(edited(granting('b'), { roleArn: writer }));
    expect(told()).toEqual([]);
    expect(kms.gets()).toBe(0);
    expect(await readKeptPolicies(registry, keyArn)).toHaveLength(1);
  });

  it('is told when another role wrote it', async () => {
    const { look, edited, told } = await setUp();
    await look(edited(granting('b'), { roleArn: `${writer}-of-another` }));
    expect(told()).toHaveLength(1);
  });

  it('is told of a key whose lease was deleted, as its grants know it', async () => {
    const { look, edited, told, forgetLease } = await setUp();
    await forgetLease();
    await look(edited(granting('b')));
    expect(told()).toMatchObject([{ Detail: detail({ missingRoles: [roleArn('a')], by: alice }) }]);
  });

  it('of a key that nobody onboarded with is nothing', async () => {
    const { look, edited, told, registry, kms } = await setUp();
    await look(edited(granting('b'), { keyArn: otherKeyArn }));
    expect(told()).toEqual([]);
    expect(kms.gets()).toBe(0);
    expect(await readKeptPolicies(registry, otherKeyArn)).toEqual([]);
  });

  it('is looked at when it can be read, as KMS may tell an older one', async () => {
    const { look, edited, told, kms, time } = await setUp();
    const edit = edited(granting('b'));
    kms.set(keyArn, granting('a', 'b'));
    await expect(look(edit)).rejects.toMatchObject(errorOf('KeyPolicyBusy', 'does not read as it was last written'));
    kms.set(keyArn, granting('b'));
    time.now += 60_000;
    await look(edit);
    expect(told()).toHaveLength(1);
  });

  it('is kept even when it cannot be looked at because one of ours writes', async () => {
    const { look, edited, registry, time } = await setUp();
    await takeLease(registry, keyArn, { owner: 'another', until: time.now + 30_000 }, time.now);
    await expect(look(edited(granting('b')))).rejects.toMatchObject(errorOf('KeyPolicyBusy', 'is being changed'));
    expect(await readKeptPolicies(registry, keyArn)).toHaveLength(2);
  });

  it('is told with what one of ours undid of it, also by the schedule for a while', async () => {
    const { look, edited, told, kms, ask, reconciler, time } = await setUp();
    const backup = {
      Sid: 'Backup',
      Effect: 'Allow',
      Principal: { AWS: '222222222222' },
      Action: 'kms:Decrypt',
      Resource: '*',
    };
    let edit: Edit | undefined;
    kms.client.on(PutKeyPolicyCommand).callsFakeOnce(({ KeyId, Policy }) => {
      // Later than what was kept before the write.
      time.now += 5_000;
      const policy = granting('a', 'b');
      edit = edited({ ...policy, Statement: [...policy.Statement, backup] });
      kms.set(KeyId, JSON.parse(Policy));
      return {};
    });
    await ask('c');
    await reconcileKeyPolicy(reconciler, keyArn, { by: 'another' });
    await look(edit);
    expect(told()).toMatchObject([{ Detail: detail({ lostStatements: ['Backup'], by: alice }) }]);
    time.now += 110 * 60_000;
    await look();
    expect(told()).toHaveLength(2);
    time.now += 20 * 60_000;
    await look();
    expect(told()).toHaveLength(2);
    // As late as an event may come.
    await look(edit);
    expect(told()).toHaveLength(3);
  });
});

describe('a repair', () => {
  it('is made where the deployment opts in, and kept', async () => {
    const { look, told, kms, registry, states } = await setUp({ repairs: true });
    kms.set(keyArn, granting('b', 'intruder'));
    await look();
    const difference = { missingRoles: [roleArn('a')], unexpectedRoles: [roleArn('intruder')], repaired: 'yes' };
    expect(told()).toMatchObject([{ Detail: detail(difference) }]);
    expect(kms.policy(keyArn)).toEqual(granting('a', 'b'));
    expect(await states()).toEqual({ a: 'applied', b: 'applied' });
    expect((await readKeptPolicies(registry, keyArn)).at(-1)).toMatchObject({ by: 'detect-key-policy-drift' });
    await look();
    expect(told()).toHaveLength(1);
  });

  it('is not made of what is not ours', async () => {
    const { look, told, kms } = await setUp({ repairs: true });
    kms.set(keyArn, { Statement: [{ Effect: 'Perhaps' }] });
    await look();
    expect(told()).toMatchObject([{ Detail: { repaired: 'no' } }]);
    expect(kms.puts()).toEqual([]);
  });

  it('is told as made in part, and logged, when a role does not get the key', async () => {
    const { look, told, kms, log } = await setUp({ repairs: true });
    kms.set(keyArn, granting());
    kms.unseen.add(roleArn('b'));
    await look();
    expect(told()).toMatchObject([{ Detail: { repaired: 'partly' } }]);
    expect(kms.policy(keyArn)).toEqual(granting('a'));
    expect(log).toEqual([
      [
        'warn',
        'role does not get the key',
        expect.objectContaining({ keyArn, roleArn: roleArn('b'), errorName: 'PrincipalNotVisible' }),
      ],
      ['warn', 'key policy drifted', expect.objectContaining({ keyArn, repaired: 'partly' })],
    ]);
  });

  it('is told as failed, and logged, when KMS refuses it', async () => {
    const { look, told, kms, log } = await setUp({ repairs: true });
    kms.set(keyArn, granting('b'));
    kms.client.on(PutKeyPolicyCommand).rejects(denied);
    await look();
    expect(kms.puts()).toHaveLength(1);
    expect(told()).toMatchObject([{ Detail: { repaired: 'failed' } }]);
    expect(log).toEqual([
      [
        'warn',
        'key policy not repaired',
        expect.objectContaining({ keyArn, errorName: denied.name, errorMessage: denied.message }),
      ],
      ['warn', 'key policy drifted', expect.objectContaining({ keyArn, repaired: 'failed' })],
    ]);
  });

  it('waits until KMS can tell no older policy than what was written by hand just after ours', async () => {
    const { look, told, kms, ask, reconciler, edited, time } = await setUp({ repairs: true });
    await ask('c');
    await reconcileKeyPolicy(reconciler, keyArn, { by: 'another' });
    time.now += 1_000;
    await look(edited(granting('b')));
    expect(told()).toMatchObject([{ Detail: { repaired: 'yes', by: alice } }]);
    expect(kms.policy(keyArn)).toEqual(granting('a', 'b', 'c'));
  });

  it('is tried again when KMS is asked too often, and given up after a minute', async () => {
    const { look, told, kms, log, time } = await setUp({ repairs: true });
    kms.set(keyArn, granting('b'));
    kms.client.on(PutKeyPolicyCommand).rejects(refusal('ThrottlingException'));
    const before = time.now;
    await look();
    expect(kms.puts()).toHaveLength(4);
    expect(time.now - before).toBeGreaterThan(60_000);
    expect(told()).toMatchObject([{ Detail: { repaired: 'failed' } }]);
    expect(log).toMatchObject([
      ['warn', 'key policy not repaired', { errorName: 'KeyPolicyBusy' }],
      ['warn', 'key policy drifted', { repaired: 'failed' }],
    ]);
  });
});
