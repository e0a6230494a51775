import {
  DescribeExecutionCommand,
  ExecutionDoesNotExist,
  type ExecutionStatus,
  GetExecutionHistoryCommand,
  SFNClient,
} from '@aws-sdk/client-sfn';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import type { Origin } from '../../../../lib/plans/origin.ts';
import { claim, requireActive } from '../../../../lib/subscribers/claim.ts';
import { statusSchema } from '../../../../lib/subscribers/operations.ts';
import { claimRecord, completeRecord, failRecord, readRecord } from '../../../../lib/subscribers/record.ts';
import { claimOf, executionArn, otherExecutionArn, plan, stackId } from '../../functions/plan.ts';
import { registryTable } from '../registry/registry-table.ts';

const otherPlan = { ...plan, executionArn: otherExecutionArn };
const now = new Date('2026-01-01T12:00:00.000Z');
const inProgress = expect.objectContaining({ name: 'OnboardingInProgress', executionArn: otherExecutionArn });
const failure = { name: 'StackFailed', step: 'WaitForStack', message: '', remedy: '', now: now.toISOString() };

async function setUp() {
  const registry = await registryTable();
  const stepFunctions = new SFNClient({ region: 'us-east-1' });
  const mocked = mockClient(stepFunctions);
  mocked.on(GetExecutionHistoryCommand).resolves({ events: [] });
  return {
    registry,
    stepFunctions: mocked,
    claimBy: async (claimant = plan, more = {}, origin?: Origin) =>
      claim(
        { registry, stepFunctions, now, startedAt: now.toISOString(), origin },
        { ...claimOf(claimant), ...more },
        await readRecord(registry, 'acme'),
      ),
    owner: async () => (await readRecord(registry, 'acme'))?.executionArn,
  };
}

describe('a claim', () => {
  it('makes a new subscriber its own', async () => {
    const { claimBy, owner } = await setUp();
    await claimBy();
    expect(await owner()).toBe(executionArn);
  });

  it('is the same when it is repeated', async () => {
    const { claimBy, registry } = await setUp();
    await claimBy();
    await claimBy();
    expect(await readRecord(registry, 'acme')).toMatchObject({ executionArn, attempts: [{ executionArn }] });
  });

  it('keeps who asked on its attempt, and nothing of who started the execution directly', async () => {
    const { claimBy, registry, stepFunctions } = await setUp();
    stepFunctions.on(DescribeExecutionCommand).resolves({ executionArn, status: 'SUCCEEDED' });
    const origin = { requestedBy: 'arn:aws:iam::111111111111:user/pipeline', correlationId: 'run-7' };
    await claimBy(plan, {}, origin);
    await claimBy(otherPlan);
    const [first, second] = (await readRecord(registry, 'acme'))?.attempts ?? [];
    expect(first).toMatchObject(origin);
    expect(second).toEqual({ executionArn: otherExecutionArn, startedAt: now.toISOString() });
  });

  it('is made again by its own execution after that was recorded as failed, as a redrive needs', async () => {
    const { claimBy, registry } = await setUp();
    await claimBy();
    await failRecord(registry, 'acme', { ...failure, executionArn });
    await claimBy();
    expect(await readRecord(registry, 'acme')).toMatchObject({ executionArn, status: 'ONBOARDING' });
  });

  it.each<ExecutionStatus>(['RUNNING', 'PENDING_REDRIVE'])(
    'is refused while another execution is %s',
    async (status) => {
      const { claimBy, owner, stepFunctions } = await setUp();
      await claimBy(otherPlan);
      stepFunctions
        .on(DescribeExecutionCommand, { executionArn: otherExecutionArn })
        .resolves({ executionArn: otherExecutionArn, status });
      await expect(claimBy()).rejects.toThrow(inProgress);
      expect(await owner()).toBe(otherExecutionArn);
    },
  );

  it.each<ExecutionStatus>(['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'])(
    'takes over from an execution that is %s without a word in the registry',
    async (status) => {
      const { claimBy, owner, stepFunctions } = await setUp();
      await claimBy(otherPlan);
      stepFunctions
        .on(DescribeExecutionCommand, { executionArn: otherExecutionArn })
        .resolves({ executionArn: otherExecutionArn, status });
      await claimBy();
      expect(await owner()).toBe(executionArn);
    },
  );

  it('takes over from an execution that is no longer in the history', async () => {
    const { claimBy, owner, stepFunctions } = await setUp();
    await claimBy(otherPlan);
    stepFunctions.on(DescribeExecutionCommand).rejects(new ExecutionDoesNotExist({ message: '', $metadata: {} }));
    await claimBy();
    expect(await owner()).toBe(executionArn);
  });

  it('is refused while an execution that failed before runs again, as after a redrive', async () => {
    const { claimBy, registry, stepFunctions } = await setUp();
    await claimBy(otherPlan);
    await failRecord(registry, 'acme', { ...failure, executionArn: otherExecutionArn });
    stepFunctions.on(DescribeExecutionCommand).resolves({ executionArn: otherExecutionArn, status: 'RUNNING' });
    await expect(claimBy()).rejects.toThrow(inProgress);
  });

  it('takes over a subscriber that is onboarded', async () => {
    const { claimBy, registry, stepFunctions } = await setUp();
    await claimBy(otherPlan);
    await completeRecord(registry, claimOf(otherPlan), { stackId, roleArn: '', now: now.toISOString() });
    stepFunctions.on(DescribeExecutionCommand).resolves({ executionArn: otherExecutionArn, status: 'SUCCEEDED' });
    await claimBy();
    expect(await readRecord(registry, 'acme')).toMatchObject({ executionArn, status: 'ONBOARDING' });
  });

  it('keeps where the stack is to be, also when who claims next says nothing of it', async () => {
    const { claimBy, registry, stepFunctions } = await setUp();
    const home = { accountId: '222222222222', region: 'eu-west-1' };
    await claimBy(otherPlan, { home });
    expect(await readRecord(registry, 'acme')).toMatchObject({ home });
    stepFunctions.on(DescribeExecutionCommand).resolves({ executionArn: otherExecutionArn, status: 'FAILED' });
    await claimBy();
    expect(await readRecord(registry, 'acme')).toMatchObject({ executionArn, home });
  });

  it('keeps the history of attempts, each with its end', async () => {
    const { claimBy, registry, stepFunctions } = await setUp();
    const arn = (name: string) => `${otherExecutionArn}-${name}`;
    stepFunctions
      .on(DescribeExecutionCommand)
      .resolves({ status: 'FAILED' })
      .on(DescribeExecutionCommand, { executionArn: arn('unseen') })
      .resolves({ status: 'ABORTED', stopDate: new Date(now.getTime() + 1000) })
      .on(GetExecutionHistoryCommand)
      .resolves({
        events: [
          { id: 9, type: 'TaskStateEntered', timestamp: now, stateEnteredEventDetails: { name: 'WaitForStack' } },
        ],
      });
    await claimBy({ ...plan, executionArn: arn('failed') });
    await failRecord(registry, 'acme', { ...failure, executionArn: arn('failed') });
    await claimBy({ ...plan, executionArn: arn('unseen') });
    await claimBy({ ...plan, executionArn: arn('done') });
    await completeRecord(registry, claimOf({ ...plan, executionArn: arn('done') }), {
      stackId,
      roleArn: '',
      now: now.toISOString(),
    });
    await claimBy();
    const startedAt = now.toISOString();
    expect((await readRecord(registry, 'acme'))?.attempts).toEqual([
      {
        executionArn: arn('failed'),
        startedAt,
        endedAt: startedAt,
        status: 'FAILED',
        error: { name: 'StackFailed', step: 'WaitForStack', message: '' },
      },
      {
        executionArn: arn('unseen'),
        startedAt,
        endedAt: '2026-01-01T12:00:01.000Z',
        status: 'FAILED',
        error: { name: 'ABORTED', step: 'WaitForStack', message: 'The execution was stopped in WaitForStack' },
      },
      { executionArn: arn('done'), startedAt, endedAt: startedAt, status: 'SUCCEEDED' },
      { executionArn, startedAt },
    ]);
    expect(await readRecord(registry, 'acme')).not.toHaveProperty('lastError');
  });

  it('finds the end of a failure where Step Functions has it, as the status showed it', async () => {
    const { claimBy, registry, stepFunctions } = await setUp();
    await claimBy(otherPlan);
    await failRecord(registry, 'acme', { ...failure, executionArn: otherExecutionArn });
    const stopDate = new Date(now.getTime() - 300);
    stepFunctions
      .on(DescribeExecutionCommand)
      .resolves({ executionArn: otherExecutionArn, status: 'FAILED', stopDate });
    await claimBy();
    expect((await readRecord(registry, 'acme'))?.attempts[0]).toMatchObject({ endedAt: stopDate.toISOString() });
  });

  /** A subscriber of a dead execution, whom this plan claims before the claim under test is made. */
  async function setUpClaimMeanwhile(faster = otherPlan) {
    const { registry, stepFunctions, ...rest } = await setUp();
    const deadArn = `${otherExecutionArn}-dead`;
    await rest.claimBy({ ...plan, executionArn: deadArn });
    stepFunctions.on(DescribeExecutionCommand).callsFake(async () => {
      await claimRecord(registry, claimOf(faster), {
        previousExecutionArn: deadArn,
        attempts: [],
        now: now.toISOString(),
      });
      return { executionArn: deadArn, status: 'ABORTED' };
    });
    return rest;
  }

  it('is refused when another execution is faster', async () => {
    const { claimBy, owner } = await setUpClaimMeanwhile();
    await expect(claimBy()).rejects.toThrow(inProgress);
    expect(await owner()).toBe(otherExecutionArn);
  });

  it('is accepted when it was made already and its answer was lost', async () => {
    const { claimBy, owner } = await setUpClaimMeanwhile(plan);
    await claimBy();
    expect(await owner()).toBe(executionArn);
  });

  it('is not decided by an error of Step Functions', async () => {
    const { claimBy, owner, stepFunctions } = await setUp();
    await claimBy(otherPlan);
    const denied = Object.assign(new Error('not authorized'), { name: 'AccessDeniedException' });
    stepFunctions.on(DescribeExecutionCommand).rejects(denied);
    await expect(claimBy()).rejects.toBe(denied);
    expect(await owner()).toBe(otherExecutionArn);
  });
});

describe('a subscriber that is to be changed', () => {
  const record = { userName: 'acme', executionArn, updatedAt: '', attempts: [] };

  const may = ['ACTIVE', 'UPDATING', 'UPGRADING', 'ADDING_USERS'] as const;

  it.each(may)('may be %s', (status) => {
    expect(requireActive({ ...record, status }, 'acme')).toEqual({ ...record, status });
  });

  it.each(statusSchema.options.filter((status) => !may.some((other) => other === status)))(
    'may not be %s',
    (status) => {
      const error = { name: 'SubscriberNotActive', message: expect.stringContaining(status) };
      expect(() => requireActive({ ...record, status }, 'acme')).toThrow(expect.objectContaining(error));
    },
  );

  it('must be known', () => {
    const error = { name: 'SubscriberNotActive', message: 'There is no subscriber acme in the registry' };
    expect(() => requireActive(undefined, 'acme')).toThrow(expect.objectContaining(error));
  });
});
