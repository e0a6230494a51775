import { DescribeExecutionCommand, ExecutionDoesNotExist, type ExecutionStatus, SFNClient } from '@aws-sdk/client-sfn';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { isSuperseded, requireNotSuperseded, requireOwn, startOf } from '../../../../lib/subscribers/ownership.ts';
import { readRecord } from '../../../../lib/subscribers/record.ts';
import { own } from '../../functions/own-record.ts';
import { executionArn, otherExecutionArn, plan } from '../../functions/plan.ts';
import { registryTable } from '../registry/registry-table.ts';

const at = (minute: number) => `2026-01-01T12:${String(minute).padStart(2, '0')}:00.000Z`;
const attempt = (arn: string, minute: number) => ({ executionArn: arn, startedAt: at(minute) });
const recordOf = (...attempts: ReturnType<typeof attempt>[]) => ({
  executionArn: attempts.at(-1)?.executionArn ?? '',
  attempts,
});

it("requires that the subscriber's record is the execution's", async () => {
  const registry = await registryTable();
  const superseded = { name: 'ExecutionSuperseded' };
  await expect(requireOwn(registry, plan)).rejects.toMatchObject({ ...superseded, owner: undefined });
  await own(registry, otherExecutionArn, 'Acme');
  await expect(requireOwn(registry, plan)).rejects.toMatchObject({ ...superseded, owner: otherExecutionArn });
  await own(registry, executionArn, 'ACME');
  expect(await requireOwn(registry, plan)).toMatchObject({ executionArn });
});

describe('an execution is superseded', () => {
  it.each<[string, Parameters<typeof isSuperseded>[0], string | undefined, boolean]>([
    ['by nobody, of a new subscriber', undefined, at(1), false],
    ['by none, having the subscriber', recordOf(attempt(executionArn, 1)), at(1), false],
    ['by none, having it again', recordOf(attempt(otherExecutionArn, 2), attempt(executionArn, 1)), at(1), false],
    ['by one after its own attempt', recordOf(attempt(executionArn, 1), attempt(otherExecutionArn, 2)), at(1), true],
    ['by one after it, whenever it began', recordOf(attempt(executionArn, 1), attempt('x', 0)), undefined, true],
    ['by one that was started later', recordOf(attempt(otherExecutionArn, 2)), at(1), true],
    ['by none, when its own start is not known', recordOf(attempt(otherExecutionArn, 2)), undefined, false],
    ['by none that was started before', recordOf(attempt(otherExecutionArn, 1)), at(2), false],
    ['by none that was started at the same time', recordOf(attempt(otherExecutionArn, 1)), at(1), false],
    ['by one before the latest', recordOf(attempt('x', 3), attempt(otherExecutionArn, 0)), at(1), true],
  ])('%s', (_, record, startedAt, expected) => {
    expect(isSuperseded(record, { executionArn, startedAt })).toBe(expected);
  });
});

describe('a superseded execution', () => {
  it.each<[ExecutionStatus, string]>([
    ['RUNNING', 'OnboardingInProgress'],
    ['PENDING_REDRIVE', 'OnboardingInProgress'],
    ['SUCCEEDED', 'ExecutionSuperseded'],
    ['FAILED', 'ExecutionSuperseded'],
  ])('is refused by the name that is true: the other one is %s, %s', async (status, name) => {
    const registry = await registryTable();
    await own(registry, otherExecutionArn, 'Acme');
    const stepFunctions = new SFNClient({ region: 'us-east-1' });
    mockClient(stepFunctions).on(DescribeExecutionCommand, { executionArn: otherExecutionArn }).resolves({ status });
    const record = await readRecord(registry, 'Acme');
    const started = { executionArn, startedAt: '2026-01-01T11:57:59.999Z' };
    await expect(requireNotSuperseded(stepFunctions, record, started)).rejects.toMatchObject({ name });
    await requireNotSuperseded(stepFunctions, record, { ...started, startedAt: '2026-01-01T11:58:00.000Z' });
  });
});

it('an execution is refused as superseded by one that Step Functions has forgotten, and never of a new subscriber', async () => {
  const stepFunctions = new SFNClient({ region: 'us-east-1' });
  const gone = new ExecutionDoesNotExist({ message: 'gone', $metadata: {} });
  mockClient(stepFunctions).on(DescribeExecutionCommand).rejects(gone);
  const registry = await registryTable();
  await own(registry, otherExecutionArn, 'Acme');
  const started = { executionArn, startedAt: '2026-01-01T11:57:59.999Z' };
  const refusal = requireNotSuperseded(stepFunctions, await readRecord(registry, 'Acme'), started);
  await expect(refusal).rejects.toMatchObject({ name: 'ExecutionSuperseded', owner: otherExecutionArn });
  await requireNotSuperseded(stepFunctions, undefined, started);
  expect(await startOf(stepFunctions, { executionArn, startedAt: undefined })).toEqual({
    executionArn,
    startedAt: undefined,
  });
});

it('asks Step Functions for the start of an execution from before it was passed', async () => {
  const stepFunctions = new SFNClient({ region: 'us-east-1' });
  const startDate = new Date(at(3));
  const asked = mockClient(stepFunctions);
  asked.on(DescribeExecutionCommand, { executionArn }).resolves({ startDate });
  expect(await startOf(stepFunctions, { executionArn, startedAt: at(1) })).toMatchObject({ startedAt: at(1) });
  expect(asked.calls()).toEqual([]);
  expect(await startOf(stepFunctions, { executionArn, startedAt: undefined })).toMatchObject({ startedAt: at(3) });
});
