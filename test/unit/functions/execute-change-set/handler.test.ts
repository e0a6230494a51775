import {
  CloudFormationClient,
  CloudFormationServiceException,
  DescribeChangeSetCommand,
  DescribeStackEventsCommand,
  ExecuteChangeSetCommand,
  InvalidChangeSetStatusException,
  type StackEvent,
} from '@aws-sdk/client-cloudformation';
import { mockClient } from 'aws-sdk-client-mock';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../../functions/execute-change-set/environment.ts';
import { executeChangeSet } from '../../../../functions/execute-change-set/execute-change-set.ts';
import type { ChangedStack } from '../../../../lib/plans/stack.ts';
import { updateToken } from '../../../../lib/stacks/names.ts';
import { environmentOf } from '../environment.ts';
import { errorOf } from '../lambda.ts';
import { executionArn, otherExecutionArn, plan, stackId } from '../plan.ts';

const stack = {
  stackId,
  goal: 'updated',
  deadline: '2026-01-01T12:30:00.000Z',
  hasChanges: true,
  changeSetId: 'arn:aws:cloudformation:eu-west-1:111111111111:changeSet/infinstor-onboarding-1/1',
  hasGranted: false,
  replaced: [],
} satisfies ChangedStack;
const begun = { ...stack, hasChanges: false, deadline: '2026-01-01T13:00:00.000Z' };

const details = { $fault: 'client', $metadata: {} } as const;
const refusedAs = (name: string, message: string) => new CloudFormationServiceException({ name, message, ...details });
const busy = refusedAs('ValidationError', `Stack:${stackId} is in UPDATE_IN_PROGRESS state and can not be updated.`);
const spent = new InvalidChangeSetStatusException({
  message: 'cannot be executed in its current status',
  $metadata: {},
});

const beginningOf = (token: string): StackEvent => ({
  EventId: '1',
  StackId: stackId,
  StackName: plan.stack.name,
  Timestamp: new Date(0),
  PhysicalResourceId: stackId,
  ResourceStatus: 'UPDATE_IN_PROGRESS',
  ClientRequestToken: token,
});

function setUp(refusal: Error, events: StackEvent[]) {
  const cloudFormation = mockClient(CloudFormationClient);
  cloudFormation.on(ExecuteChangeSetCommand).rejects(refusal);
  cloudFormation.on(DescribeChangeSetCommand).resolves({ Status: 'CREATE_COMPLETE', ExecutionStatus: 'OBSOLETE' });
  cloudFormation.on(DescribeStackEventsCommand).resolves({ StackEvents: events });
  const dependencies = {
    environment: { ...v.parse(environmentSchema, environmentOf(environmentSchema)), STACK_TIMEOUT_MINUTES: 60 },
    cloudFormation: new CloudFormationClient({ region: 'eu-west-1' }),
    now: new Date('2026-01-01T12:00:00.000Z'),
    requireOwn: async () => {},
    wait: async () => {},
  };
  return () => executeChangeSet({ executionArn, stack, keys: [] }, dependencies);
}

describe('a change set that CloudFormation does not execute', () => {
  it('because the stack is busy with something else is tried again: StackBusy', async () => {
    const execute = setUp(busy, [beginningOf(updateToken(otherExecutionArn))]);
    await expect(execute()).rejects.toThrow(expect.objectContaining(errorOf('StackBusy', 'UPDATE_IN_PROGRESS')));
  });

  it('because the stack is busy with this very update, whose answer was lost, has begun', async () => {
    expect(await setUp(busy, [beginningOf(updateToken(executionArn))])()).toEqual(begun);
  });

  it('because it is spent by this very update has begun', async () => {
    expect(await setUp(spent, [beginningOf(updateToken(executionArn))])()).toEqual(begun);
  });

  it('because somebody else has changed the stack needs attention', async () => {
    const execute = setUp(spent, [beginningOf(updateToken(otherExecutionArn))]);
    await expect(execute()).rejects.toThrow(expect.objectContaining(errorOf('StackNeedsAttention', 'somebody else')));
  });

  it('for another reason fails with that', async () => {
    const execute = setUp(refusedAs('ValidationError', 'Role arn:x is invalid'), []);
    await expect(execute()).rejects.toThrow(expect.objectContaining(errorOf('ValidationError', 'Role arn:x')));
  });
});
