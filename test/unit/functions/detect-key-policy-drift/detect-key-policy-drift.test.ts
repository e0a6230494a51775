import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetKeyPolicyCommand, NotFoundException, PutKeyPolicyCommand } from '@aws-sdk/client-kms';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Edit } from '../../../../functions/detect-key-policy-drift/trigger.ts';
import { takeLease } from '../../../../lib/keys/lease.ts';
import { backUpPolicy, readPolicyBackups } from '../../../../lib/keys/policy-backups.ts';
import { reconcileKeyPolicy } from '../../../../lib/keys/reconcile.ts';
import { granting, keyArn, roleArn } from '../../lib/keys/key-fixture.ts';
import { errorOf } from '../lambda.ts';
import { alice, denied, detail, otherKeyArn, setUp, writer } from './detector-fixture.ts';

describe('the look of the schedule', () => {
  it('reports nothing of keys that are as they are to be', async () => {
    const { look, published, log, kms, count } = await setUp();
    await look();
    expect(published()).toEqual([]);
    expect(log).toEqual([]);
    expect(count()).toBe(0);
    expect(kms.gets()).toBe(1);
  });

  it('measures how much of each key is used', async () => {
    const { look, metrics, knowOther } = await setUp();
    await knowOther();
    await look();
    expect(metrics.map(([name, , { keyArn: key }]) => [name, key]).toSorted()).toEqual([
      ['KeyRoomUsed', keyArn],
      ['KeyRoomUsed', otherKeyArn],
    ]);
    const bytes = Buffer.byteLength(JSON.stringify(granting('a', 'b')));
    expect(metrics.find(([, , { keyArn: key }]) => key === keyArn)?.[1]).toBeCloseTo((bytes / 32_768) * 100, 0);
  });

  it('reports, logs and counts a key that is not, and writes nothing', async () => {
    const { look, published, log, kms, count } = await setUp();
    kms.set(keyArn, granting('b', 'intruder'));
    await look();
    const Detail = detail({ missingRoles: [roleArn('a')], unexpectedRoles: [roleArn('intruder')] });
    expect(published()).toEqual([{ Source: 'infinstor.onboarding', DetailType: 'KeyPolicyDrift', Detail }]);
    expect(log).toEqual([['warn', 'key policy drifted', Detail]]);
    expect(count()).toBe(1);
    expect(kms.puts()).toEqual([]);
  });

  it('looks at every key, whatever one of them is like, and then says what went wrong', async () => {
    const { look, published, kms, knowOther } = await setUp();
    await knowOther();
    kms.set(keyArn, granting('b'));
    kms.client.on(GetKeyPolicyCommand, { KeyId: otherKeyArn }).rejects(new Error('no route to host'));
    await expect(look()).rejects.toMatchObject(
      errorOf('AggregateError', '1 keys could not be looked at, the first for Error: no route to host'),
    );
    expect(published()).toHaveLength(1);
  });

  it('looks at the keys that are known though the table cannot be read whole, and then says so', async () => {
    const { look, published, kms, registry } = await setUp();
    kms.set(keyArn, granting('b'));
    const { send } = registry.documents;
    registry.documents.send = ((command: unknown) =>
      command instanceof ScanCommand
        ? Promise.reject(new Error('no capacity'))
        : Reflect.apply(send, registry.documents, [command])) as never;
    onTestFinished(() => void Object.assign(registry.documents, { send }));
    await expect(look()).rejects.toMatchObject(errorOf('AggregateError', 'no capacity'));
    expect(published()).toHaveLength(1);
  });

  it('looks once at a key of several grants and a lease, and at one whose lease was deleted when the table was read anew', async () => {
    const { look, published, kms, forgetLease, time } = await setUp();
    await look();
    expect(kms.gets()).toBe(1);
    await forgetLease();
    kms.set(keyArn, granting('b'));
    time.now += 7 * 24 * 60 * 60_000;
    await look();
    expect(published()).toMatchObject([{ Detail: detail({ missingRoles: [roleArn('a')] }) }]);
  });

  it('begins with no key when a repair of it would have too little time, and the next look does', async () => {
    const { look, published, kms, left, log } = await setUp();
    kms.set(keyArn, granting('b'));
    left.ms = 239_000;
    await look();
    expect(published()).toEqual([]);
    expect(log).toEqual([['info', 'keys left to the next look', { state: 'left' }]]);
    left.ms = 900_000;
    await look();
    expect(published()).toHaveLength(1);
  });

  it('gives the kept policies of a key an end, whatever becomes of the look', async () => {
    const { look, kms, registry, time } = await setUp();
    const keep = (keptAt: string) =>
      backUpPolicy(registry, keyArn, { keptAt, hash: 'h', policy: '{}', by: 'one', owner: 'one' });
    await keep('2025-01-01T00:00:00.000Z');
    await keep('2025-02-01T00:00:00.000Z');
    kms.client.on(GetKeyPolicyCommand).rejects(new Error('no route to host'));
    await expect(look()).rejects.toMatchObject(errorOf('AggregateError', 'no route to host'));
    const inNinetyDays = time.now + 90 * 24 * 60 * 60_000;
    // The newest is that of before the roles got the key.
    expect(await readPolicyBackups(registry, keyArn, '', time.now)).toHaveLength(3);
    expect(await readPolicyBackups(registry, keyArn, '', inNinetyDays + 1_000)).toHaveLength(1);
  });

  it('says so when EventBridge does not take what is reported', async () => {
    const { look, kms, events } = await setUp();
    kms.set(keyArn, granting('b'));
    events.on(PutEventsCommand).resolves({ FailedEntryCount: 1, Entries: [{ ErrorCode: 'Throttled' }] });
    await expect(look()).rejects.toMatchObject(errorOf('AggregateError', 'EventBridge did not take KeyPolicyDrift'));
  });

  it('leaves a key that is gone alone', async () => {
    const { look, published, kms, log } = await setUp();
    kms.client.on(GetKeyPolicyCommand).rejects(new NotFoundException({ message: 'gone', $metadata: {} }));
    await look();
    expect(published()).toEqual([]);
    expect(log).toEqual([['warn', 'key is gone', { keyArn }]]);
  });

  it('reports a policy that it is not let read', async () => {
    const { look, published, kms } = await setUp();
    kms.client.on(GetKeyPolicyCommand).rejects(denied);
    await look();
    expect(published()).toMatchObject([{ Detail: detail({ reason: { name: denied.name, message: denied.message } }) }]);
  });

  it('reports a policy that is not understood', async () => {
    const { look, published, kms } = await setUp();
    kms.set(keyArn, { Statement: [{ Effect: 'Perhaps' }] });
    await look();
    const reason = { name: 'KeyPolicyNotUnderstood', message: expect.stringContaining('Effect') };
    expect(published()).toMatchObject([{ Detail: detail({ reason }) }]);
  });

  it.each([
    { when: 'before', isKnown: true },
    { when: 'while', isKnown: true },
    { when: 'while', isKnown: false },
  ])('leaves a key to the next look that one of ours takes $when it is read', async ({ when, isKnown }) => {
    const { look, published, kms, registry, time, log } = await setUp();
    const take = (until: number) => takeLease(registry, keyArn, { owner: 'another', until }, time.now);
    // Of a writer that died.
    if (!isKnown) await take(time.now - 1);
    if (when === 'before') await take(time.now + 30_000);
    kms.client.on(GetKeyPolicyCommand).callsFake(async () => {
      if (when === 'while') await take(time.now + 30_000);
      return { Policy: JSON.stringify(granting('b')) };
    });
    await look();
    expect(published()).toEqual([]);
    expect(log).toEqual([['info', 'key policy not looked at', { reason: expect.stringContaining(keyArn) }]]);
    time.now += 31_000 + 90_000;
    kms.client.on(GetKeyPolicyCommand).resolves({ Policy: JSON.stringify(granting('b')) });
    await look();
    expect(published()).toHaveLength(1);
  });

  it('leaves a key to the next look that one of ours writes while it is read', async () => {
    const { look, published, kms, ask, reconciler } = await setUp();
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
    expect(published()).toEqual([]);
    expect(reads).toBeGreaterThan(1);
  });

  it('reads again what may be older than our last write', async () => {
    const { look, published, kms, ask, reconciler } = await setUp();
    await ask('c');
    await reconcileKeyPolicy(reconciler, keyArn, { by: 'another' });
    const older = [[], ['a'], ['a', 'b']];
    kms.client.on(GetKeyPolicyCommand).callsFake(() => {
      const names = older.pop();
      return { Policy: JSON.stringify(names === undefined ? kms.policy(keyArn) : granting(...names)) };
    });
    await look();
    expect(published()).toEqual([]);
    expect(older).toEqual([]);
  });
});

describe('a policy that was written by hand', () => {
  it('is kept, and reported with who wrote it', async () => {
    const { look, published, edited, registry, log } = await setUp();
    const edit = edited(granting('b'));
    await look(edit);
    expect(published()).toMatchObject([{ Detail: detail({ missingRoles: [roleArn('a')], by: alice }) }]);
    expect(log.at(-1)).toEqual(['warn', 'key policy drifted', published()[0]?.Detail]);
    const policyBackups = await readPolicyBackups(registry, keyArn);
    expect(policyBackups.at(-1)).toMatchObject({
      keptAt: new Date(edit.at).toISOString(),
      policy: edit.policy,
      by: alice,
      eventId: 'event',
      hash: expect.stringMatching(/^\w{64}$/),
    });
  });

  it('is kept once when it is reported twice', async () => {
    const { look, published, edited, registry } = await setUp();
    const edit = edited(granting('b'));
    await look(edit);
    await look(edit);
    expect(published()).toHaveLength(2);
    expect(await readPolicyBackups(registry, keyArn)).toHaveLength(2);
  });

  it('is nothing when a function of the deployment wrote it', async () => {
    const { look, edited, published, kms, registry } = await setUp();
    await look(edited(granting('b'), { roleArn: writer }));
    expect(published()).toEqual([]);
    expect(kms.gets()).toBe(0);
    expect(await readPolicyBackups(registry, keyArn)).toHaveLength(1);
  });

  it('is reported when another role wrote it', async () => {
    const { look, edited, published } = await setUp();
    await look(edited(granting('b'), { roleArn: `${writer}-of-another` }));
    expect(published()).toHaveLength(1);
  });

  it('is reported of a key whose lease was deleted, as its grants know it', async () => {
    const { look, edited, published, forgetLease } = await setUp();
    await forgetLease();
    await look(edited(granting('b')));
    expect(published()).toMatchObject([{ Detail: detail({ missingRoles: [roleArn('a')], by: alice }) }]);
  });

  it('of a key that nobody onboarded with is nothing', async () => {
    const { look, edited, published, registry, kms } = await setUp();
    await look(edited(granting('b'), { keyArn: otherKeyArn }));
    expect(published()).toEqual([]);
    expect(kms.gets()).toBe(0);
    expect(await readPolicyBackups(registry, otherKeyArn)).toEqual([]);
  });

  it('is looked at when it can be read, as KMS may tell an older one', async () => {
    const { look, edited, published, kms, time } = await setUp();
    const edit = edited(granting('b'));
    kms.set(keyArn, granting('a', 'b'));
    await expect(look(edit)).rejects.toMatchObject(errorOf('KeyPolicyBusy', 'does not read as it was last written'));
    kms.set(keyArn, granting('b'));
    time.now += 60_000;
    await look(edit);
    expect(published()).toHaveLength(1);
  });

  it('is kept even when it cannot be looked at because one of ours writes', async () => {
    const { look, edited, registry, time } = await setUp();
    await takeLease(registry, keyArn, { owner: 'another', until: time.now + 30_000 }, time.now);
    await expect(look(edited(granting('b')))).rejects.toMatchObject(errorOf('KeyPolicyBusy', 'is being changed'));
    expect(await readPolicyBackups(registry, keyArn)).toHaveLength(2);
  });

  it('is reported with what one of ours undid of it, also by the schedule for a while', async () => {
    const { look, edited, published, kms, ask, reconciler, time } = await setUp();
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
    expect(published()).toMatchObject([{ Detail: detail({ lostStatements: ['Backup'], by: alice }) }]);
    time.now += 110 * 60_000;
    await look();
    expect(published()).toHaveLength(2);
    time.now += 20 * 60_000;
    await look();
    expect(published()).toHaveLength(2);
    // As late as an event may come.
    await look(edit);
    expect(published()).toHaveLength(3);
  });
});
