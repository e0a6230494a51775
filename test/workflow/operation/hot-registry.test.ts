import { DynamoDBClient, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import { expect, it } from 'vitest';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { partitionOf } from '../../../sandbox/services/dynamodb/throughput.ts';
import { ended, eventually, hold, newKey, recordOf, requestWithKey, startOnboarding, withSandbox } from '../sandbox.ts';
import { functionNameOf, rolesOn } from '../subscriber.ts';

/** Writes so many items of 390 KB in one transaction, as much as one may: some thousand units, which their partitions owe from then on. */
async function heat(sandbox: Sandbox, itemOf: (number: number) => { pk: string; status?: string }): Promise<void> {
  const accessKey = { accessKeyId: 'AKIAINARUSH000000001', secretAccessKey: 'secret-of-one-in-a-rush' };
  const document = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'dynamodb:*', Resource: '*' }] };
  sandbox.iam.createUser({ userName: 'rush', policies: [{ name: 'all', document }], accessKey });
  const client = new DynamoDBClient({ ...operatorAt(sandbox.endpoint), credentials: accessKey, maxAttempts: 1 });
  const TransactItems = Array.from({ length: 10 }, (_, number) => {
    const { pk, status } = itemOf(number);
    const Item = {
      ...{ pk: { S: pk }, sk: { S: `HEAVY#${number}` }, lastError: { S: 'x'.repeat(390 * 1024) } },
      ...(status !== undefined && { status: { S: status } }),
    };
    return { Put: { TableName: sandbox.registryTable, Item } };
  });
  await client.send(new TransactWriteItemsCommand({ TransactItems }));
}

/** Names of items in other partitions of the table than this one's. */
function elsewhere(pk: string): string[] {
  const names = Array.from({ length: 100 }, (_, number) => `HEAVY#${number}`);
  return names.filter((name) => partitionOf({ S: name }) !== partitionOf({ S: pk })).slice(0, 10);
}

const userName = 'hot';
const pk = `SUBSCRIBER#${userName}`;

const cases = [
  {
    what: 'the partition of its record',
    ...{ step: 'accept-request', operation: 'UpdateItem', index: false },
    itemOf: () => ({ pk }),
  },
  {
    what: 'the partition of its status in the index',
    ...{ step: 'accept-request', operation: 'UpdateItem', index: true },
    itemOf: (number: number) => ({ pk: elsewhere(pk)[number] ?? '', status: 'ONBOARDING' }),
  },
  {
    what: 'the partition of its key, of which a transaction writes',
    ...{ step: 'patch-key-policy', operation: 'TransactWriteItems', index: false },
    itemOf: (_: number, keyArn: string) => ({ pk: `KEY#${keyArn}` }),
  },
];

it.each(cases)('an onboarding gets over it when $what has nothing left', async ({ step, operation, index, itemOf }) => {
  await withSandbox({ rates: true }, async (sandbox) => {
    const keyArn = newKey(sandbox);
    const functionName = functionNameOf(step);
    const release = hold(sandbox, 'dynamodb', operation, { functionName });
    const { executionArn } = await startOnboarding(sandbox, requestWithKey(userName, keyArn));
    const made = () => sandbox.calls().filter((call) => call.functionName === functionName);
    await eventually(sandbox, () => expect(made().map((call) => call.operation)).toContain(operation));
    await heat(sandbox, (number) => itemOf(number, keyArn));
    release();
    const report = await ended(sandbox, executionArn);
    expect(report.error).toBeNull();
    expect(
      made()
        .filter(({ isThrottled }) => isThrottled)
        .map((call) => call.operation),
    ).toContain(operation);
    expect(await recordOf(sandbox, userName)).toMatchObject({ status: { S: 'ACTIVE' } });
    expect(rolesOn(sandbox, keyArn)).toEqual([report.output?.roleArn]);
    const where = {
      TableName: sandbox.registryTable,
      ...(index && { GlobalSecondaryIndexName: 'subscribers-by-status' }),
    };
    expect(throttleEvents(sandbox, where)).toBeGreaterThan(0);
  });
});

/** What CloudWatch has of the writes that were refused in the last hour. */
function throttleEvents({ cloudWatch, clock }: Sandbox, where: Record<string, string>): number {
  const minute = 60_000;
  const end = Math.floor(clock.now() / minute) * minute;
  const times = Array.from({ length: 60 }, (_, place) => end - (59 - place) * minute);
  const metric = { namespace: 'AWS/DynamoDB', name: 'WriteThrottleEvents', dimensions: where };
  const points = cloudWatch.points(metric, { statistic: 'Sum', period: 60, times });
  return [...points.values()].reduce((all, value) => all + value, 0);
}
