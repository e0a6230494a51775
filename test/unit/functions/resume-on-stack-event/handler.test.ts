import type { CloudFormationClient, StackStatus } from '@aws-sdk/client-cloudformation';
import { SendTaskFailureCommand, SendTaskSuccessCommand } from '@aws-sdk/client-sfn';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../../functions/resume-on-stack-event/environment.ts';
import { environmentOf } from '../environment.ts';
import { fakeWait, firstReason, overAlready } from '../fake-wait.ts';
import { errorOf, lambda, now } from '../lambda.ts';
import { executionArn, plan, stackId } from '../plan.ts';

const taskToken = 'task-token';
const inAMinute = now.getTime() / 1000 + 60;
const waiter = { taskToken, executionArn, goal: 'created', expiresAt: inAMinute };

/** The event as CloudFormation sends it. */
const stackEvent = (status: StackStatus) => ({
  version: '0',
  source: 'aws.cloudformation',
  'detail-type': 'CloudFormation Stack Status Change',
  detail: { 'stack-id': stackId, 'status-details': { status, 'status-reason': '' }, 'client-request-token': '' },
});

function setUp(stored: object | null = waiter) {
  const wait = fakeWait();
  wait.documents
    .on(GetCommand)
    .resolves(stored === null ? {} : { Item: { pk: `STACK#${stackId}`, sk: 'WAITER', ...stored } });
  const load = () => import('../../../../functions/resume-on-stack-event/handler.ts');
  const lines: string[] = [];
  return { ...wait, lines, invoke: lambda(load, environmentOf(environmentSchema), lines) };
}

describe('a stack event', () => {
  it('ends the wait that is stored under the stack, read consistently', async () => {
    const { invoke, documents, answers } = setUp();
    await invoke(stackEvent('CREATE_COMPLETE'));
    expect(documents.calls().map(({ args: [{ input }] }) => input)).toEqual([
      { TableName: 'registry', Key: { pk: `STACK#${stackId}`, sk: 'WAITER' }, ConsistentRead: true },
    ]);
    expect(answers()).toEqual([{ taskToken, output: JSON.stringify({ status: 'CREATE_COMPLETE' }) }]);
  });

  it('is logged with the execution that waits', async () => {
    const { invoke, lines } = setUp();
    await invoke(stackEvent('CREATE_COMPLETE'));
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ message: 'step succeeded', executionArn });
  });

  it("fails the wait when the rollback begins, with the first failed resource's reason without the token in it", async () => {
    const { invoke, cloudFormation, answers } = setUp();
    await invoke(stackEvent('ROLLBACK_IN_PROGRESS'));
    const cause = `Stack ${stackId} is ROLLBACK_IN_PROGRESS: ${firstReason}`;
    expect(answers()).toEqual([{ taskToken, error: 'StackFailed', cause }]);
    const client: CloudFormationClient = cloudFormation.call(0).thisValue;
    expect(await client.config.region()).toBe(plan.stack.region);
  });

  it.each<[string, StackStatus, string]>([
    ['deleted', 'DELETE_COMPLETE', 'StackGone'],
    ['settled', 'ROLLBACK_COMPLETE', 'StackSettled'],
  ])('ends a wait for %s in %s with %s', async (goal, status, error) => {
    const { invoke, answers } = setUp({ ...waiter, goal });
    await invoke(stackEvent(status));
    expect(answers()).toEqual([{ taskToken, error, cause: `Stack ${stackId} is ${status}` }]);
  });

  it('ends a wait for deleted in DELETE_FAILED with the reason of the resource that could not be deleted', async () => {
    const { invoke, answers } = setUp({ ...waiter, goal: 'deleted' });
    await invoke(stackEvent('DELETE_FAILED'));
    const cause = `Stack ${stackId} is DELETE_FAILED: ${firstReason}`;
    expect(answers()).toEqual([{ taskToken, error: 'StackNeedsAttention', cause }]);
  });
});

describe('a stack event that changes nothing', () => {
  it.each<[string, StackStatus, object | null]>([
    ['nobody waits for', 'CREATE_COMPLETE', null],
    ['decides nothing', 'CREATE_IN_PROGRESS', waiter],
    ['comes when the wait has expired', 'CREATE_COMPLETE', { ...waiter, expiresAt: now.getTime() / 1000 }],
  ])('is one that %s', async (_, status, stored) => {
    const { invoke, answers } = setUp(stored);
    await invoke(stackEvent(status));
    expect(answers()).toEqual([]);
  });

  it.each(overAlready.map((over) => [over.name, over]))('is one that comes again or late: %s', async (_, over) => {
    const { invoke, stepFunctions } = setUp();
    stepFunctions.on(SendTaskSuccessCommand).rejects(over).on(SendTaskFailureCommand).rejects(over);
    await expect(invoke(stackEvent('CREATE_COMPLETE'))).resolves.toBeUndefined();
    await expect(invoke(stackEvent('ROLLBACK_COMPLETE'))).resolves.toBeUndefined();
  });
});

it('refuses an event that is no stack event: InvalidStepInput', async () => {
  const { invoke, documents } = setUp();
  await expect(invoke({ detail: { 'stack-id': stackId } })).rejects.toMatchObject({ name: 'InvalidStepInput' });
  expect(documents.calls()).toEqual([]);
});

it('names the missing variable REGISTRY_TABLE: InvalidConfiguration', async () => {
  const { invoke } = setUp();
  await expect(invoke(stackEvent('CREATE_COMPLETE'), { REGISTRY_TABLE: undefined })).rejects.toMatchObject(
    errorOf('InvalidConfiguration', 'REGISTRY_TABLE'),
  );
});
