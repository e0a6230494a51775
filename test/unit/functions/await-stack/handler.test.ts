import {
  type CloudFormationClient,
  CloudFormationServiceException,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  type ResourceStatus,
  type StackStatus,
} from '@aws-sdk/client-cloudformation';
import { InternalServerError } from '@aws-sdk/client-dynamodb';
import { KmsThrottlingException, SendTaskSuccessCommand } from '@aws-sdk/client-sfn';
import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../../functions/await-stack/environment.ts';
import { environmentOf } from '../environment.ts';
import { fakeWait, firstReason, overAlready } from '../fake-wait.ts';
import { errorOf, lambda, minutesAgo, now } from '../lambda.ts';
import { executionArn, plan, stack, stackId } from '../plan.ts';

const taskToken = 'task-token';
const event = { plan, stack, taskToken };

function setUp(status: StackStatus) {
  const wait = fakeWait();
  wait.documents.on(TransactWriteCommand).resolves({});
  wait.cloudFormation.on(DescribeStacksCommand, { StackName: stackId }).resolves({
    Stacks: [{ StackName: 'infinstor-subscriber-acme', CreationTime: new Date(0), StackStatus: status }],
  });
  const invoke = lambda(() => import('../../../../functions/await-stack/handler.ts'), environmentOf(environmentSchema));
  return { ...wait, invoke };
}

describe('beginning to wait', () => {
  it('stores who waits, until a minute after the wait, and then looks at the stack once', async () => {
    const { invoke, documents, cloudFormation, answers } = setUp('CREATE_IN_PROGRESS');
    expect(await invoke(event)).toBeUndefined();
    const [stored, ...others] = documents.calls();
    const Item = {
      pk: `STACK#${stackId}`,
      sk: 'WAITER',
      taskToken,
      executionArn,
      userName: 'Acme',
      goal: 'created',
      expiresAt: now.getTime() / 1000 + plan.stack.pollSeconds + 60,
      schemaVersion: 2,
    };
    // Only while the subscriber is this execution's.
    const ConditionCheck = expect.objectContaining({ Key: { pk: 'SUBSCRIBER#acme', sk: 'RECORD' } });
    expect(stored?.args[0].input).toEqual({
      TransactItems: [{ Put: { TableName: 'registry', Item } }, { ConditionCheck }],
    });
    expect(others).toEqual([]);
    const [looked] = cloudFormation.calls();
    expect(cloudFormation.calls()).toHaveLength(1);
    expect(looked && stored?.calledBefore(looked)).toBe(true);
    const client: CloudFormationClient = looked?.thisValue;
    expect(await client.config.region()).toBe(plan.stack.region);
    expect(answers()).toEqual([]);
  });

  it('does not look at the stack when nobody would be found waiting', async () => {
    const { invoke, documents, cloudFormation } = setUp('CREATE_COMPLETE');
    documents.on(TransactWriteCommand).rejects(new InternalServerError({ message: 'later', $metadata: {} }));
    await expect(invoke(event)).rejects.toMatchObject({ name: 'InternalServerError' });
    expect(cloudFormation.calls()).toEqual([]);
  });
});

describe('a stack that is decided already', () => {
  it('ends the wait with success when it is what the wait is for', async () => {
    const { invoke, answers } = setUp('CREATE_COMPLETE');
    await invoke(event);
    expect(answers()).toEqual([{ taskToken, output: JSON.stringify({ status: 'CREATE_COMPLETE' }) }]);
  });

  it("ends it with StackFailed and the first failed resource's reason, without the token in it", async () => {
    const { invoke, answers } = setUp('ROLLBACK_IN_PROGRESS');
    await invoke(event);
    const cause = `Stack ${stackId} is ROLLBACK_IN_PROGRESS: ${firstReason}`;
    expect(answers()).toEqual([{ taskToken, error: 'StackFailed', cause }]);
  });

  it.each<['deleted' | 'settled', StackStatus, string]>([
    ['deleted', 'DELETE_COMPLETE', 'StackGone'],
    ['settled', 'ROLLBACK_COMPLETE', 'StackSettled'],
  ])('ends a wait for %s in %s with %s', async (goal, status, error) => {
    const { invoke, answers } = setUp(status);
    await invoke({ ...event, stack: { ...stack, goal } });
    expect(answers()).toEqual([{ taskToken, error, cause: `Stack ${stackId} is ${status}` }]);
  });

  it('ends a wait for deleted in DELETE_FAILED with the reason of the resource that could not be deleted', async () => {
    const { invoke, answers } = setUp('DELETE_FAILED');
    await invoke({ ...event, stack: { ...stack, goal: 'deleted' } });
    const cause = `Stack ${stackId} is DELETE_FAILED: ${firstReason}`;
    expect(answers()).toEqual([{ taskToken, error: 'StackNeedsAttention', cause }]);
  });

  it('counts as deleted when CloudFormation no longer knows it', async () => {
    const { invoke, cloudFormation, answers } = setUp('DELETE_IN_PROGRESS');
    const message = `Stack with id ${stackId} does not exist`;
    cloudFormation
      .on(DescribeStacksCommand)
      .rejects(
        new CloudFormationServiceException({ name: 'ValidationError', message, $fault: 'client', $metadata: {} }),
      );
    await invoke({ ...event, stack: { ...stack, goal: 'deleted' } });
    expect(answers()).toMatchObject([{ error: 'StackGone' }]);
  });

  it.each(overAlready.map((over) => [over.name, over]))('is left when the wait is over: %s', async (_, over) => {
    const { invoke, stepFunctions } = setUp('CREATE_COMPLETE');
    stepFunctions.on(SendTaskSuccessCommand).rejects(over);
    await expect(invoke(event)).resolves.toBeUndefined();
  });

  it('is not lost when Step Functions cannot take the answer: the step fails', async () => {
    const { invoke, stepFunctions } = setUp('CREATE_COMPLETE');
    const refusal = new KmsThrottlingException({ message: 'slow down', $metadata: {} });
    stepFunctions.on(SendTaskSuccessCommand).rejects(refusal);
    await expect(invoke(event)).rejects.toMatchObject({ name: 'KmsThrottlingException' });
  });
});

describe('the deadline', () => {
  const withDeadline = (deadline: string) => ({ ...event, stack: { ...stack, deadline } });

  it('ends the wait for a stack that is still in progress: StackTimedOut', async () => {
    const { invoke, answers } = setUp('CREATE_IN_PROGRESS');
    await expect(invoke(withDeadline(minutesAgo(0.01)))).rejects.toMatchObject(
      errorOf('StackTimedOut', 'CREATE_IN_PROGRESS'),
    );
    expect(answers()).toEqual([]);
  });

  it('names what the stack waits for: the resource that is longest in progress, within a nested stack its own', async () => {
    const { invoke, cloudFormation } = setUp('CREATE_IN_PROGRESS');
    const nestedId = 'arn:aws:cloudformation:us-east-1:111111111111:stack/nested/1';
    const eventOf = (LogicalResourceId: string, ResourceType: string, ResourceStatus: ResourceStatus, id?: string) => ({
      ...{ StackId: stackId, StackName: 'acme', EventId: LogicalResourceId, Timestamp: new Date(0) },
      ...{ LogicalResourceId, ResourceType, ResourceStatus, PhysicalResourceId: id ?? LogicalResourceId },
    });
    cloudFormation.on(DescribeStackEventsCommand, { StackName: stackId }).resolves({
      StackEvents: [
        eventOf('Table', 'AWS::DynamoDB::Table', 'CREATE_IN_PROGRESS'),
        eventOf('Role', 'AWS::IAM::Role', 'CREATE_COMPLETE'),
        eventOf('Nested', 'AWS::CloudFormation::Stack', 'CREATE_IN_PROGRESS', nestedId),
        eventOf('Role', 'AWS::IAM::Role', 'CREATE_IN_PROGRESS'),
        eventOf('acme', 'AWS::CloudFormation::Stack', 'CREATE_IN_PROGRESS', stackId),
      ],
    });
    cloudFormation.on(DescribeStackEventsCommand, { StackName: nestedId }).resolves({
      StackEvents: [
        eventOf('Trouble', 'Custom::Trouble', 'CREATE_IN_PROGRESS'),
        eventOf('nested', 'AWS::CloudFormation::Stack', 'CREATE_IN_PROGRESS', nestedId),
      ],
    });
    await expect(invoke(withDeadline(minutesAgo(1)))).rejects.toMatchObject(
      errorOf('StackTimedOut', 'it waits for Nested: Trouble (Custom::Trouble), CREATE_IN_PROGRESS'),
    );
  });

  it('names nothing where nothing is in progress', async () => {
    const { invoke } = setUp('CREATE_IN_PROGRESS');
    const message = expect.stringMatching(/^Stack \S+ is still CREATE_IN_PROGRESS after \S+Z$/);
    await expect(invoke(withDeadline(minutesAgo(1)))).rejects.toMatchObject({ name: 'StackTimedOut', message });
  });

  it('does not end it on the very moment', async () => {
    const { invoke } = setUp('CREATE_IN_PROGRESS');
    await expect(invoke(withDeadline(minutesAgo(0)))).resolves.toBeUndefined();
  });

  it('does not count when the stack is complete', async () => {
    const { invoke, answers } = setUp('CREATE_COMPLETE');
    await invoke(withDeadline(minutesAgo(1)));
    expect(answers()).toMatchObject([{ taskToken, output: expect.any(String) }]);
  });
});

it('names the missing variable REGISTRY_TABLE: InvalidConfiguration', async () => {
  const { invoke } = setUp('CREATE_COMPLETE');
  await expect(invoke(event, { REGISTRY_TABLE: undefined })).rejects.toMatchObject(
    errorOf('InvalidConfiguration', 'REGISTRY_TABLE'),
  );
});
