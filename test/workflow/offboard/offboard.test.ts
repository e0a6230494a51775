import { CloudFormationClient, DeleteStackCommand } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, describe, expect, it } from 'vitest';
import { operatorAt } from '../../../sandbox/operator.ts';
import {
  eventsOf,
  eventually,
  expectFailure,
  newKey,
  offboardingPath,
  onboard,
  recordOf,
  requestFor,
  requestWithKey,
  run,
  statesOf,
  useSandbox,
} from '../sandbox.ts';
import { fault, letTokensExpire, roleArnOf, rolesOn, stackNameOf, stackOf } from '../subscriber.ts';
import { expectOffboarded, expectUntouched, longOnboarded, offboard, passDays } from './offboarding.ts';

// A minute for each resource: a stack's operation is over only after time was skipped, and not meanwhile.
const sandbox = useSandbox({ resourceDelayMs: 60_000 });

afterEach(() => {
  sandbox().faults.clear();
});

describe('an offboarding', () => {
  it('takes everything away but the data, and says what is left', async () => {
    const subscriber = await longOnboarded(sandbox(), 'Leaving');
    const report = await offboard(sandbox(), 'Leaving');
    expect(statesOf(report)).toEqual(offboardingPath);
    await expectOffboarded(sandbox(), report, subscriber);
    expect(eventsOf(sandbox(), report)).toMatchObject([{ 'detail-type': 'SubscriberOffboarded' }]);
  });

  it('converges: a second one succeeds with the same result, also in a year', async () => {
    const subscriber = await longOnboarded(sandbox());
    const first = await offboard(sandbox(), subscriber.userName);
    const second = await offboard(sandbox(), subscriber.userName.toUpperCase());
    await expectOffboarded(sandbox(), second, subscriber);
    expect(second.output).toEqual(first.output);
    await passDays(sandbox(), 400);
    expect((await offboard(sandbox(), subscriber.userName)).output).toEqual({ ...first.output, secrets: [] });
  });

  it('names the users under the subscriber, whom InfinStor keeps as well, also when it is repeated', async () => {
    const { userName } = await longOnboarded(sandbox());
    const users = ['ann', 'bea'].map((name) => ({ userName: `${name}-${userName}`, emailId: `${name}@example.com` }));
    await run(sandbox(), 'add-user', { subscriber: { userName }, users });
    const task = `Delete subscriber ${userName}, and under it ann-${userName}, bea-${userName}, in InfinStor`;
    for (let times = 0; times < 2; times += 1) {
      const { output } = await offboard(sandbox(), userName);
      expect(output?.byHand?.[0]).toContain(task);
    }
  });

  it('deletes every secret of the subscriber, and none of another whose name begins so', async () => {
    const subscriber = await longOnboarded(sandbox(), 'sec');
    const other = await longOnboarded(sandbox(), 'sec-2');
    const { secretsManager } = sandbox();
    const folder = 'infinstor/sandbox/subscribers/sec';
    const names = [...Array(12).keys()].map((n) => `${folder}/users/user-${n}`);
    for (const name of [...names, `${folder}/token`]) {
      secretsManager.createSecret(name, JSON.stringify({ note: 'a secret' }));
    }
    const report = await offboard(sandbox(), 'sec');
    expect(report.output).toMatchObject({
      secrets: [`${folder}/credentials`, `${folder}/token`, ...names.toSorted()],
    });
    for (const name of names) expect(secretsManager.value(name)).toBeUndefined();
    expectUntouched(sandbox(), other);
    await expectOffboarded(sandbox(), await offboard(sandbox(), 'sec-2'), other);
    expect(subscriber.userName).toBe('sec');
  });

  it('takes the grants of an onboarding that failed in PatchKeyPolicy, and reads no others', async () => {
    const keyArn = newKey(sandbox());
    fault(sandbox(), 'kms:PutKeyPolicy:error=Refused:9');
    expect((await onboard(sandbox(), requestWithKey('halfway', keyArn))).error?.step).toBe('PatchKeyPolicy');
    sandbox().faults.clear();
    // Only the grant, and what was asked for, say so.
    expect(await recordOf(sandbox(), 'halfway')).not.toHaveProperty('keyArns');
    const report = await offboard(sandbox(), 'halfway');
    expect(report.error).toBeNull();
    expect(report.output).toMatchObject({ keyArns: [keyArn] });
    const scans = sandbox()
      .calls()
      .filter(({ operation }) => operation === 'Scan');
    expect(scans.map(({ invocation }) => invocation?.split('#')[0])).not.toContain('accept-offboarding');
  });

  it('takes the role out of every key that it was ever given, by an earlier version too', async () => {
    const subscriber = await longOnboarded(sandbox());
    const { userName } = subscriber;
    const other = newKey(sandbox());
    // A grant that only the registry knows of, as an onboarding leaves it that failed in PatchKeyPolicy, and a record without what was asked for.
    const { dynamoDb, registryTable, endpoint } = sandbox();
    const grant = (await dynamoDb.items(registryTable)).find(({ sk }) => sk?.S === `GRANT#${roleArnOf(userName)}`);
    const client = new DynamoDBClient(operatorAt(endpoint));
    await client.send(
      new PutItemCommand({
        TableName: registryTable,
        Item: { ...(grant ?? {}), pk: { S: `KEY#${other}` }, state: { S: 'pending' } },
      }),
    );
    const Key = { pk: { S: `SUBSCRIBER#${userName.toLowerCase()}` }, sk: { S: 'RECORD' } };
    await client.send(new UpdateItemCommand({ TableName: registryTable, Key, UpdateExpression: 'REMOVE asked' }));
    const report = await offboard(sandbox(), userName);
    expect(report.error).toBeNull();
    expect(report.output).toMatchObject({ keyArns: [subscriber.keyArn, other] });
    expect(rolesOn(sandbox(), other)).toEqual([]);
  });

  it('is done with a subscriber whose stack and keys somebody has deleted', async () => {
    const { userName, keyArn, stackId } = await longOnboarded(sandbox());
    const client = new CloudFormationClient(operatorAt(sandbox().endpoint));
    await client.send(new DeleteStackCommand({ StackName: stackNameOf(userName) }));
    await eventually(sandbox(), () => expect(stackOf(sandbox(), userName)).toBeUndefined());
    const report = await offboard(sandbox(), userName);
    await expectOffboarded(sandbox(), report, { userName, keyArn, stackId });
  });

  it('is done with a subscriber whose creation has failed, and who has no stack at all', async () => {
    fault(sandbox(), 'infinstor:add_subscriber:error=400');
    const failed = await onboard(sandbox(), requestFor('never-made'));
    await expectFailure(sandbox(), failed, { name: 'InfinStorRejected', step: 'CreateSubscriber' });
    const report = await offboard(sandbox(), 'never-made');
    expect(statesOf(report)).toEqual(offboardingPath);
    expect(report).toMatchObject({ error: null, output: { stackId: null, keyArns: [], retained: [] } });
    expect(await recordOf(sandbox(), 'never-made')).toMatchObject({ status: { S: 'OFFBOARDED' } });
    expect((await offboard(sandbox(), 'never-made')).output).toEqual(report.output);
  });

  it('is done with a stack that was rolled back, of which nothing is to be kept', async () => {
    letTokensExpire(sandbox());
    fault(sandbox(), 'infinstor:register:error=503');
    const failed = await onboard(sandbox(), requestFor('rolled-back'));
    await expectFailure(sandbox(), failed, { name: 'StackFailed', step: 'WaitForStack' });
    const report = await offboard(sandbox(), 'rolled-back');
    expect(report).toMatchObject({ error: null, output: { keyArns: [], retained: [] } });
    expect(stackOf(sandbox(), 'rolled-back')).toBeUndefined();
  });
});
