// The registry is lost, or restored to an earlier time, and made again from what AWS shows.

import { DeleteItemCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { expect, it } from 'vitest';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import type { WireItem } from '../../../sandbox/services/dynamodb/wire.ts';
import { isWhole } from '../../scope.ts';
import { runCommand } from '../command-line.ts';
import { offboard } from '../offboard/offboarding.ts';
import {
  ended,
  hold,
  newKey,
  onboard,
  recordOf,
  requestFor,
  requestWithKey,
  run,
  startOnboarding,
  withSandbox,
} from '../sandbox.ts';
import { functionNameOf, onboarded, rolesOn } from '../subscriber.ts';
import { adding, updating } from './former-lives.ts';

const rebuild = ({ endpoint }: Sandbox, ...options: string[]) =>
  runCommand(['rebuild-registry', ...options, '--endpoint', endpoint], {});
const confirmed = (sandbox: Sandbox) => rebuild(sandbox, '--confirm', 'sandbox');

const keysOf = ({ pk = {}, sk = {} }: WireItem) => ({ pk, sk }) as { pk: { S: string }; sk: { S: string } };
const itemsOf = ({ dynamoDb, registryTable }: Sandbox) => dynamoDb.items(registryTable);

/** Throws items away, as a restore to the time before them would. */
async function lose(sandbox: Sandbox, isLost: (item: WireItem) => boolean): Promise<void> {
  const client = new DynamoDBClient(operatorAt(sandbox.endpoint));
  for (const item of (await itemsOf(sandbox)).filter(isLost)) {
    await client.send(new DeleteItemCommand({ TableName: sandbox.registryTable, Key: keysOf(item) }));
  }
}

/** Every drift that the check finds now. */
async function drifts(sandbox: Sandbox) {
  const before = sandbox.events.published().length;
  const Payload = JSON.stringify({ id: 'look', 'detail-type': 'Scheduled Event' });
  const look = new InvokeCommand({ FunctionName: functionNameOf('detect-key-policy-drift'), Payload });
  expect((await new LambdaClient(operatorAt(sandbox.endpoint)).send(look)).FunctionError).toBeUndefined();
  return sandbox.events
    .published()
    .slice(before)
    .filter((event) => event['detail-type'] === 'KeyPolicyDrift');
}

it('an empty registry is made again, once: status, update, users, offboardings and the check for drift work', () =>
  withSandbox({}, async (sandbox) => {
    const keyArn = newKey(sandbox);
    await onboarded(sandbox, requestFor('Crowd'));
    expect(await run(sandbox, 'add-user', adding('Crowd', 'alice'))).toMatchObject({ error: null });
    await onboarded(sandbox, requestWithKey('Keyed', keyArn));
    await onboarded(sandbox, requestWithKey('gone', keyArn));
    expect(await offboard(sandbox, 'gone')).toMatchObject({ error: null });
    await lose(sandbox, () => true);

    const shown = await rebuild(sandbox);
    expect(shown.document).toMatchObject({ status: 'SUCCEEDED', written: 0, left: [] });
    expect(await itemsOf(sandbox)).toEqual([]);
    const wrote = await confirmed(sandbox);
    expect(wrote.document).toMatchObject({
      written: 5,
      changes: [
        { kind: 'record', userName: 'Crowd', what: expect.stringMatching(/^ACTIVE, which was not there, stack arn:/) },
        { kind: 'record', userName: 'gone', what: 'OFFBOARDED, which was not there' },
        { kind: 'record', userName: 'Keyed', what: expect.stringMatching(/^ACTIVE/) },
        { kind: 'grant', userName: 'Keyed', what: expect.stringContaining(keyArn) },
        { kind: 'key', userName: 'Keyed', what: `${keyArn} is checked for drift` },
      ],
    });
    const again = await confirmed(sandbox);
    expect(again.document).toMatchObject({ written: 0, changes: [] });
    expect(again.text).toBe('\nThe registry has all that AWS shows.\n');
    const inShell = await runCommand(['rebuild-registry', 'sandbox'], { AWS_ENDPOINT_URL: sandbox.endpoint });
    expect(inShell).toEqual(again);
    expect(await recordOf(sandbox, 'crowd')).toMatchObject({
      ...{ userName: { S: 'Crowd' }, schemaVersion: { N: '2' }, users: { L: [{ S: 'alice-crowd' }] } },
    });

    expect(await drifts(sandbox)).toEqual([]);
    const at = ['--endpoint', sandbox.endpoint];
    expect((await runCommand(['status', 'Keyed', ...at], {})).document).toMatchObject({
      status: 'ACTIVE',
      keyArns: [keyArn],
    });
    expect((await runCommand(['status', 'gone', ...at], {})).document).toMatchObject({ status: 'OFFBOARDED' });
    expect(await run(sandbox, 'update-subscriber', updating('Keyed', 'new@acme.example'))).toMatchObject({
      error: null,
    });
    expect(await run(sandbox, 'add-user', adding('Crowd', 'bob'))).toMatchObject({ error: null });
    expect(await onboard(sandbox, requestFor('Crowd'))).toMatchObject({ error: null, output: { changed: [] } });
    expect(await offboard(sandbox, 'Keyed')).toMatchObject({ error: null });
    expect(rolesOn(sandbox, keyArn)).toEqual([]);
    await sandbox.cloudFormation.deleteByHand('InfinStorMlflow-gone');
    expect(await onboard(sandbox, requestWithKey('gone', keyArn))).toMatchObject({ error: null });
    expect(await drifts(sandbox)).toEqual([]);
  }));

it.each(isWhole ? ['an hour ago'] : [])(
  'a registry of %s is brought to what AWS shows now, and keeps what it knows besides',
  () =>
    withSandbox({}, async (sandbox) => {
      const keyArn = newKey(sandbox);
      await onboarded(sandbox, requestWithKey('leaves', keyArn));
      await onboarded(sandbox, requestWithKey('stays', keyArn));
      const then = await itemsOf(sandbox);
      expect(await offboard(sandbox, 'leaves')).toMatchObject({ error: null });
      await onboarded(sandbox, requestWithKey('comes', keyArn));
      await lose(sandbox, () => true);
      const client = new DynamoDBClient(operatorAt(sandbox.endpoint));
      for (const item of then) {
        // As if the update of this one had run then.
        const isRunning = item.pk?.S === 'SUBSCRIBER#stays';
        const Item = { ...item, ...(isRunning && { status: { S: 'UPDATING' } }) } as never;
        await client.send(new PutItemCommand({ TableName: sandbox.registryTable, Item }));
      }
      expect((await confirmed(sandbox)).document).toMatchObject({ written: 5 });
      expect((await confirmed(sandbox)).document).toMatchObject({ changes: [] });
      expect(await recordOf(sandbox, 'leaves')).toMatchObject({ status: { S: 'OFFBOARDED' } });
      expect(await recordOf(sandbox, 'leaves')).not.toHaveProperty('stackId');
      expect(await recordOf(sandbox, 'stays')).toMatchObject({
        status: { S: 'ACTIVE' },
        emailId: { S: 'mlops@example.com' },
      });
      expect(await recordOf(sandbox, 'comes')).toMatchObject({ status: { S: 'ACTIVE' } });
      expect(await drifts(sandbox)).toEqual([]);
      expect(await offboard(sandbox, 'comes')).toMatchObject({ error: null });
      expect(await offboard(sandbox, 'stays')).toMatchObject({ error: null });
      expect(rolesOn(sandbox, keyArn)).toEqual([]);
    }),
);

it('while an execution runs, or newer code has written, nothing is written', () =>
  withSandbox({}, async (sandbox) => {
    const release = hold(sandbox, 'iam', 'GetRole');
    const { executionArn } = await startOnboarding(sandbox, requestFor('runs'));
    await expect(confirmed(sandbox)).rejects.toMatchObject({
      ...{ name: 'ExecutionsRunning', message: expect.stringContaining(executionArn) },
    });
    release();
    expect(await ended(sandbox, executionArn)).toMatchObject({ status: 'SUCCEEDED' });
    const client = new DynamoDBClient(operatorAt(sandbox.endpoint));
    const Item = { ...(await recordOf(sandbox, 'runs')), schemaVersion: { N: '3' } } as never;
    await client.send(new PutItemCommand({ TableName: sandbox.registryTable, Item }));
    const before = await itemsOf(sandbox);
    await expect(confirmed(sandbox)).rejects.toMatchObject({ name: 'NewerDataVersion' });
    await expect(rebuild(sandbox, '--confirm', 'other')).rejects.toMatchObject({ name: 'NewerDataVersion' });
    expect(await itemsOf(sandbox)).toEqual(before);
  }));
