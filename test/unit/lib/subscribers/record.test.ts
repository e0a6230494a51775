import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import type { Registry } from '../../../../lib/registry/table.ts';
import { putWaiter, readWaiter } from '../../../../lib/stacks/waiting/waiter.ts';
import {
  claimRecord,
  completeRecord,
  failRecord,
  readRecord,
  withFormerStacks,
} from '../../../../lib/subscribers/record.ts';
import { own } from '../../functions/own-record.ts';
import { claimOf, executionArn, otherExecutionArn, plan, stackId } from '../../functions/plan.ts';
import { registryTable } from '../registry/registry-table.ts';

const otherPlan = { ...plan, executionArn: otherExecutionArn };
const first = { previousExecutionArn: undefined, attempts: [], now: '2026-01-01T12:00:00.000Z' };
const result = { stackId, roleArn: 'arn:aws:iam::111111111111:role/acme', now: '2026-01-01T12:30:00.000Z' };
const failure = {
  executionArn,
  name: 'StackFailed',
  step: 'WaitForStack',
  message: 'the bucket exists',
  remedy: 'Remove the cause.',
  now: '2026-01-01T12:20:00.000Z',
};

async function item({ documents, tableName }: Registry, pk: string, sk: string) {
  const { Item } = await documents.send(new GetCommand({ TableName: tableName, Key: { pk, sk } }));
  return Item;
}
const record = (registry: Registry) => item(registry, 'SUBSCRIBER#acme', 'RECORD');

describe("a subscriber's record", () => {
  it('is made by the first claim', async () => {
    const registry = await registryTable();
    expect(await claimRecord(registry, claimOf(plan), first)).toBe(true);
    expect(await record(registry)).toEqual({
      pk: 'SUBSCRIBER#acme',
      sk: 'RECORD',
      userName: 'Acme',
      emailId: 'mlops@acme.example',
      status: 'ONBOARDING',
      executionArn,
      updatedAt: first.now,
      attempts: [{ executionArn, startedAt: first.now }],
      schemaVersion: 2,
    });
  });

  it('is the same in whatever case the name is written', async () => {
    const registry = await registryTable();
    await claimRecord(registry, claimOf(plan), first);
    expect(await readRecord(registry, 'aCME')).toMatchObject({ userName: 'Acme', executionArn });
  });

  it('is undefined before anybody claims it', async () => {
    expect(await readRecord(await registryTable(), 'acme')).toBeUndefined();
  });

  it('is not claimed by who has read none when there is one', async () => {
    const registry = await registryTable();
    await claimRecord(registry, claimOf(plan), first);
    expect(await claimRecord(registry, claimOf(otherPlan), first)).toBe(false);
    expect(await readRecord(registry, 'acme')).toMatchObject({ executionArn });
  });

  it('goes to one of two executions that read the same record', async () => {
    const registry = await registryTable();
    await claimRecord(registry, claimOf(plan), first);
    const claims = ['one', 'two'].map((name) =>
      claimRecord(registry, claimOf({ ...plan, executionArn: `${executionArn}-${name}` }), {
        ...first,
        previousExecutionArn: executionArn,
      }),
    );
    expect((await Promise.all(claims)).toSorted()).toEqual([false, true]);
  });

  it('keeps the attempts that it is given, and begins one', async () => {
    const registry = await registryTable();
    await claimRecord(registry, claimOf(otherPlan), first);
    const attempts = [{ executionArn: otherExecutionArn, startedAt: first.now, status: 'FAILED' as const }];
    const now = '2026-01-02T12:00:00.000Z';
    await claimRecord(registry, claimOf(plan), { previousExecutionArn: otherExecutionArn, attempts, now });
    expect(await record(registry)).toMatchObject({
      executionArn,
      attempts: [...attempts, { executionArn, startedAt: now }],
    });
  });

  it('keeps the latest 50 attempts, so that it never outgrows an item of DynamoDB', async () => {
    const registry = await registryTable();
    const attempts = Array.from({ length: 50 }, (_, index) => ({ executionArn: `${index}`, startedAt: first.now }));
    await claimRecord(registry, claimOf(plan), { ...first, attempts });
    const kept = (await readRecord(registry, 'acme'))?.attempts.map((attempt) => attempt.executionArn);
    expect(kept).toHaveLength(50);
    expect(kept).toEqual([...attempts.slice(1).map((attempt) => attempt.executionArn), executionArn]);
  });

  it('says why its execution failed', async () => {
    const registry = await registryTable();
    await claimRecord(registry, claimOf(plan), first);
    expect(await failRecord(registry, 'ACME', failure)).toBe(true);
    const { executionArn: _, now, ...lastError } = failure;
    expect(await record(registry)).toMatchObject({ status: 'FAILED', lastError, updatedAt: now, executionArn });
  });

  it('says what became of the subscriber, and no longer why an attempt before failed', async () => {
    const registry = await registryTable();
    await claimRecord(registry, claimOf(plan), first);
    await failRecord(registry, 'acme', failure);
    expect(await completeRecord(registry, claimOf(plan), { ...result, keyArns: ['key-1'] })).toBe(true);
    const { now, ...outcome } = result;
    expect(await record(registry)).toMatchObject({ status: 'ACTIVE', ...outcome, keyArns: ['key-1'], updatedAt: now });
    expect(await record(registry)).not.toHaveProperty('lastError');
  });

  it("is not changed by another execution's end", async () => {
    const registry = await registryTable();
    await claimRecord(registry, claimOf(otherPlan), first);
    const before = await record(registry);
    expect(await completeRecord(registry, claimOf(plan), result)).toBe(false);
    expect(await failRecord(registry, 'acme', failure)).toBe(false);
    expect(await record(registry)).toEqual(before);
  });

  it('is not made by an end without a claim', async () => {
    const registry = await registryTable();
    expect(await failRecord(registry, 'acme', failure)).toBe(false);
    expect(await record(registry)).toBeUndefined();
  });
});

describe('a waiter', () => {
  const expiresAt = 1_767_272_400;
  const at = (seconds: number) => new Date(seconds * 1000);
  const waiter = { taskToken: 'token-1', executionArn, goal: 'created', expiresAt } as const;
  const stored = { ...waiter, userName: 'acme' };

  it('is found by the stack until it expires, though DynamoDB deletes it later', async () => {
    const registry = await registryTable();
    await own(registry, executionArn, 'acme');
    await putWaiter(registry, stackId, 'acme', waiter);
    expect(await readWaiter(registry, stackId, at(expiresAt - 1))).toEqual(stored);
    expect(await readWaiter(registry, stackId, at(expiresAt))).toBeUndefined();
    expect(await item(registry, `STACK#${stackId}`, 'WAITER')).toMatchObject(stored);
  });

  it('is the latest one', async () => {
    const registry = await registryTable();
    await own(registry, executionArn, 'acme');
    await putWaiter(registry, stackId, 'acme', waiter);
    await putWaiter(registry, stackId, 'acme', { ...waiter, taskToken: 'token-2', goal: 'deleted' });
    expect(await readWaiter(registry, stackId, at(0))).toMatchObject({ taskToken: 'token-2', goal: 'deleted' });
  });

  it('is undefined for another stack', async () => {
    const registry = await registryTable();
    await own(registry, executionArn, 'acme');
    await putWaiter(registry, stackId, 'acme', waiter);
    expect(await readWaiter(registry, `${stackId}0`, at(0))).toBeUndefined();
  });

  it('is not put by an execution that was superseded', async () => {
    const registry = await registryTable();
    await own(registry, otherExecutionArn, 'acme');
    await putWaiter(registry, stackId, 'acme', { ...waiter, executionArn: otherExecutionArn });
    await expect(putWaiter(registry, stackId, 'acme', waiter)).rejects.toMatchObject({ name: 'ExecutionSuperseded' });
    expect(await readWaiter(registry, stackId, at(0))).toMatchObject({ executionArn: otherExecutionArn });
  });
});

it.each([
  ['none of a new subscriber', undefined, {}],
  ['none of one whose stack it is', { stackId: 'one' }, {}],
  ['the one that it replaces', { stackId: 'zero' }, { formerStackIds: ['zero'] }],
  [
    'those that were known, each once',
    { stackId: 'b', formerStackIds: ['a', 'b', 'one'] },
    { formerStackIds: ['a', 'b'] },
  ],
])('a new stack leaves %s to be reported', (_, record, expected) => {
  expect(withFormerStacks(record, 'one')).toEqual(expected);
});

it('has room for the longest messages of as many attempts as are kept', async () => {
  const registry = await registryTable();
  // A cause has at most 32,768 characters, each of up to four bytes.
  const message = '😀'.repeat(16_384);
  const error = { name: 'StackFailed', step: 'WaitForStack', message };
  const attempts = Array.from({ length: 60 }, () => ({
    executionArn,
    startedAt: first.now,
    status: 'FAILED' as const,
    error,
  }));
  expect(await claimRecord(registry, claimOf(plan), { ...first, attempts })).toBe(true);
  await failRecord(registry, 'Acme', { ...failure, message });
  const kept = (await readRecord(registry, 'Acme'))?.attempts ?? [];
  expect(kept).toHaveLength(50);
  for (const { error: shown } of kept.slice(0, -1)) {
    expect(shown?.message).toMatch(/^(?:😀){250,}…$/u);
    expect(Buffer.byteLength(shown?.message ?? '')).toBeLessThanOrEqual(1024);
  }
});
