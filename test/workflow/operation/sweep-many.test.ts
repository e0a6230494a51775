import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DisableRuleCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { BatchWriteCommand, DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { expect, it } from 'vitest';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { byScope } from '../../scope.ts';
import { ended, onboard, requestFor, startRun, withSandbox } from '../sandbox.ts';

/** How many executions have failed in one outage. */
const count = byScope({ usual: 45, all: 450, long: 3_000 });
const minute = 60_000;
const nameOf = (number: number) => `tenant-${String(number).padStart(4, '0')}`;

/** Executions that have failed, and records that say that these run: nobody has heard of their end. */
async function failUnseen(sandbox: Sandbox): Promise<void> {
  const documents = DynamoDBDocumentClient.from(new DynamoDBClient(operatorAt(sandbox.endpoint)));
  const atOnce = 25;
  for (let first = 0; first < count; first += atOnce) {
    const userNames = Array.from({ length: Math.min(atOnce, count - first) }, (_, place) => nameOf(first + place));
    const puts = await Promise.all(
      userNames.map(async (userName) => {
        const request = { subscriber: { userName }, refused: 'as requests have no such member' };
        const { executionArn } = await startRun(sandbox, 'update-subscriber', request);
        expect((await ended(sandbox, executionArn)).status).toBe('FAILED');
        const keys = { pk: `SUBSCRIBER#${userName}`, sk: 'RECORD' };
        const record = {
          userName,
          status: 'ONBOARDING',
          executionArn,
          attempts: [],
          updatedAt: '2026-01-01T00:00:00.000Z',
        };
        return { PutRequest: { Item: { ...keys, ...record } } };
      }),
    );
    await documents.send(new BatchWriteCommand({ RequestItems: { [sandbox.registryTable]: puts } }));
  }
}

/** How many records still say that something runs. */
async function untrue({ dynamoDb, registryTable }: Sandbox): Promise<number> {
  const items = await dynamoDb.items(registryTable);
  return items.filter(({ sk, status }) => sk?.S === 'RECORD' && status?.S === 'ONBOARDING').length;
}

it(`${count} executions that failed unseen are recorded within an hour, and leave the rate of DescribeExecution to others`, async () => {
  await withSandbox({ rates: true, schedules: true }, async (sandbox) => {
    const events = new EventBridgeClient(operatorAt(sandbox.endpoint));
    await events.send(new DisableRuleCommand({ Name: sandbox.physicalId('RecordFailureRule') }));
    await failUnseen(sandbox);
    // Somebody whose claim asks for the execution before it.
    expect((await onboard(sandbox, requestFor('another'))).status).toBe('SUCCEEDED');
    await sandbox.clock.quiet();
    const begin = sandbox.clock.now();
    const before = sandbox.calls().length;
    sandbox.clock.advance(5 * minute);
    await sandbox.clock.quiet();
    // After the first twenty five a second, for as long as one sweep has.
    const firstOnes = Math.min(count, 800);
    expect(sandbox.clock.now() - begin).toBeGreaterThanOrEqual(5 * minute + ((firstOnes - 20) / 5) * 1_000);
    while ((await untrue(sandbox)) > 0) {
      expect(sandbox.clock.now() - begin).toBeLessThan(60 * minute);
      sandbox.clock.advance(5 * minute);
      expect((await onboard(sandbox, requestFor('another'))).status).toBe('SUCCEEDED');
      await sandbox.clock.quiet();
    }
    const described = sandbox
      .calls()
      .slice(before)
      .filter(({ service, operation }) => service === 'states' && operation === 'DescribeExecution');
    expect(described.filter(({ isThrottled }) => isThrottled)).toEqual([]);
    const bySweeps = described.filter(({ functionName = '' }) => functionName.endsWith('-sweep-executions'));
    expect(bySweeps.length).toBeGreaterThanOrEqual(count);
  });
});
