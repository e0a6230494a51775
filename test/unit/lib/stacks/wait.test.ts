import {
  CloudFormationClient,
  DescribeStackEventsCommand,
  type ResourceStatus,
  type StackEvent,
} from '@aws-sdk/client-cloudformation';
import {
  InvalidToken,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  SFNClient,
  TaskDoesNotExist,
  TaskTimedOut,
} from '@aws-sdk/client-sfn';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { settleWait } from '../../../../lib/stacks/wait.ts';
import { stackId } from '../../functions/plan.ts';

const taskToken = 'task-token-1';

/** Clients whose stack has these events, a page a list. */
function setUp(...pages: Partial<StackEvent>[][]) {
  const cloudFormation = new CloudFormationClient({ region: 'us-east-1' });
  const events = mockClient(cloudFormation);
  for (const [page, partial] of pages.entries()) {
    const StackEvents = partial.map(
      (event): StackEvent => ({
        StackId: stackId,
        EventId: 'event',
        StackName: 'acme',
        Timestamp: new Date(0),
        ...event,
      }),
    );
    events
      .on(DescribeStackEventsCommand, { StackName: stackId, NextToken: page === 0 ? undefined : String(page) })
      .resolves({ StackEvents, ...(page + 1 < pages.length && { NextToken: String(page + 1) }) });
  }
  const stepFunctions = new SFNClient({ region: 'us-east-1' });
  const machine = mockClient(stepFunctions);
  machine.onAnyCommand().resolves({});
  return {
    machine,
    events,
    settle: (goal: Goal, status: Status) =>
      settleWait({ cloudFormation, stepFunctions }, { taskToken, goal }, { stackId, status }),
    sent: () => machine.calls().map(({ args: [{ input }] }) => input),
  };
}
type Goal = Parameters<typeof settleWait>[1]['goal'];
type Status = Parameters<typeof settleWait>[2]['status'];

const failed = (LogicalResourceId: string, ResourceStatusReason?: string) => ({
  LogicalResourceId,
  PhysicalResourceId: '',
  ResourceStatus: 'CREATE_FAILED' as const,
  ResourceStatusReason,
});

describe('a wait', () => {
  it('goes on while the status decides nothing', async () => {
    const { settle, sent } = setUp();
    expect(await settle('created', 'CREATE_IN_PROGRESS')).toBe(false);
    expect(sent()).toEqual([]);
  });

  it('ends well when the goal is reached', async () => {
    const { settle, machine } = setUp();
    expect(await settle('created', 'CREATE_COMPLETE')).toBe(true);
    expect(machine.commandCalls(SendTaskSuccessCommand).map(({ args: [{ input }] }) => input)).toEqual([
      { taskToken, output: '{"status":"CREATE_COMPLETE"}' },
    ]);
    expect(machine.calls()).toHaveLength(1);
  });

  it.each<[error: string, goal: Goal, status: Status]>([
    ['StackGone', 'deleted', 'DELETE_COMPLETE'],
    ['StackSettled', 'settled', 'UPDATE_COMPLETE'],
  ])('ends in %s for the goal %s in %s', async (error, goal, status) => {
    const { settle, machine } = setUp();
    expect(await settle(goal, status)).toBe(true);
    expect(machine.commandCalls(SendTaskFailureCommand).map(({ args: [{ input }] }) => input)).toEqual([
      { taskToken, error, cause: `Stack ${stackId} is ${status}` },
    ]);
  });

  it.each([
    new TaskTimedOut({ message: '', $metadata: {} }),
    new TaskDoesNotExist({ message: '', $metadata: {} }),
    new InvalidToken({ message: '', $metadata: {} }),
  ])('that is over ($name) stays as it is', async (error) => {
    const { settle, machine } = setUp();
    machine.onAnyCommand().rejects(error);
    expect(await settle('created', 'CREATE_COMPLETE')).toBe(true);
    expect(await settle('deleted', 'DELETE_COMPLETE')).toBe(true);
  });

  it('is not taken for over because of another error', async () => {
    const { settle, machine } = setUp();
    const busy = Object.assign(new Error('slow down'), { name: 'ThrottlingException' });
    machine.onAnyCommand().rejects(busy);
    await expect(settle('created', 'CREATE_COMPLETE')).rejects.toBe(busy);
  });
});

describe('a failed creation', () => {
  const causeOf = async (...pages: Partial<StackEvent>[][]) => {
    const { settle, sent } = setUp(...pages);
    await settle('created', 'ROLLBACK_IN_PROGRESS');
    return sent();
  };
  const failure = (reason: string) => [
    { taskToken, error: 'StackFailed', cause: `Stack ${stackId} is ROLLBACK_IN_PROGRESS: ${reason}` },
  ];

  it('is told by the reason of the resource that failed first, though it is on the last page', async () => {
    const ofStack = { ...failed('acme', 'The following resource(s) failed to create'), PhysicalResourceId: stackId };
    const events = [
      [ofStack, failed('Role', 'Resource creation cancelled')],
      [
        failed('Bucket', 'acme-bucket already exists'),
        { LogicalResourceId: 'Bucket', ResourceStatus: 'CREATE_IN_PROGRESS' as const, ResourceStatusReason: 'started' },
      ],
    ];
    expect(await causeOf(...events)).toEqual(failure('Bucket: acme-bucket already exists'));
  });

  it('of a nested stack is told by the reason of the resource that failed first there', async () => {
    const nested = (logicalId: string, id: string) => ({
      ...failed(logicalId, `Embedded stack ${id} was not successfully created`),
      ResourceType: 'AWS::CloudFormation::Stack',
      PhysicalResourceId: id,
    });
    const { settle, sent, events } = setUp([nested('Access', 'arn:child')]);
    const page = (StackId: string, event: Partial<StackEvent>) =>
      events.on(DescribeStackEventsCommand, { StackName: StackId, NextToken: undefined }).resolves({
        StackEvents: [{ StackId, EventId: 'event', StackName: 'child', Timestamp: new Date(0), ...event }],
      });
    page('arn:child', nested('Deeper', 'arn:grandchild'));
    page('arn:grandchild', failed('Role', 'RoleForInfinStor already exists'));
    await settle('created', 'ROLLBACK_IN_PROGRESS');
    expect(sent()).toEqual(failure('Access: Deeper: Role: RoleForInfinStor already exists'));
  });

  it('of a nested stack that tells none is told by its own reason', async () => {
    const { settle, sent, events } = setUp([
      {
        ...failed('Access', 'Requires capabilities : [CAPABILITY_NAMED_IAM]'),
        ResourceType: 'AWS::CloudFormation::Stack',
        PhysicalResourceId: 'arn:child',
      },
    ]);
    events.on(DescribeStackEventsCommand, { StackName: 'arn:child' }).resolves({ StackEvents: [] });
    await settle('created', 'ROLLBACK_IN_PROGRESS');
    expect(sent()).toEqual(failure('Access: Requires capabilities : [CAPABILITY_NAMED_IAM]'));
  });

  it('is told without the tokens in a reason', async () => {
    const token = `Custom 11111111-1111-4111-8111-111111111111:${'t'.repeat(342)}`;
    expect(await causeOf([failed('Subscriber', `refused ${token}`)])).toEqual(
      failure('Subscriber: refused <custom token>'),
    );
  });

  it.each([
    ['without failures', []],
    ['without a reason', [failed('Bucket')]],
    ['of the stack alone', [{ ...failed('acme', 'cancelled'), PhysicalResourceId: stackId }]],
  ])('is told to have no reason by events %s', async (_name, events) => {
    expect(await causeOf(events)).toEqual(failure('no resource has reported a reason'));
  });
});

describe('a failed deletion', () => {
  const ofStack = (ResourceStatus: ResourceStatus) => ({
    LogicalResourceId: 'acme',
    PhysicalResourceId: stackId,
    ResourceStatus,
    ResourceStatusReason: 'of the stack',
  });
  const notDeleted = (LogicalResourceId: string, ResourceStatusReason: string) => ({
    ...failed(LogicalResourceId, ResourceStatusReason),
    ResourceStatus: 'DELETE_FAILED' as const,
  });
  const failure = (reason: string) => [
    { taskToken, error: 'StackNeedsAttention', cause: `Stack ${stackId} is DELETE_FAILED: ${reason}` },
  ];
  /** Newest first: the stack's creation had failed, and an earlier deletion. */
  const before = [
    ofStack('DELETE_FAILED'),
    notDeleted('Table', 'of an earlier deletion'),
    ofStack('DELETE_IN_PROGRESS'),
    failed('Role', 'of the creation'),
  ];

  it('is told by the reason of the resource that failed first in it', async () => {
    const { settle, sent } = setUp(
      [ofStack('DELETE_FAILED'), notDeleted('Role', 'is still used')],
      [notDeleted('Bucket', 'The bucket you tried to delete is not empty'), ofStack('DELETE_IN_PROGRESS'), ...before],
    );
    expect(await settle('deleted', 'DELETE_FAILED')).toBe(true);
    expect(sent()).toEqual(failure('Bucket: The bucket you tried to delete is not empty'));
  });

  it('of a nested stack is told by the reason of the resource that failed first there', async () => {
    const nested = {
      ...notDeleted('Data', 'Embedded stack arn:child was not successfully deleted'),
      ResourceType: 'AWS::CloudFormation::Stack',
      PhysicalResourceId: 'arn:child',
    };
    const { settle, sent, events } = setUp([ofStack('DELETE_FAILED'), nested, ofStack('DELETE_IN_PROGRESS')]);
    events.on(DescribeStackEventsCommand, { StackName: 'arn:child', NextToken: undefined }).resolves({
      StackEvents: [
        { ...ofStack('DELETE_FAILED'), PhysicalResourceId: 'arn:child' },
        notDeleted('Bucket', 'is not empty'),
        { ...ofStack('DELETE_IN_PROGRESS'), PhysicalResourceId: 'arn:child' },
        failed('Bucket', 'of the creation'),
      ].map((event) => ({ StackId: 'arn:child', EventId: 'e', StackName: 'child', Timestamp: new Date(0), ...event })),
    });
    await settle('deleted', 'DELETE_FAILED');
    expect(sent()).toEqual(failure('Data: Bucket: is not empty'));
  });

  it('that is over, as a later one goes on, ends no wait', async () => {
    const { settle, sent } = setUp([ofStack('DELETE_IN_PROGRESS'), ...before]);
    expect(await settle('deleted', 'DELETE_FAILED')).toBe(false);
    expect(sent()).toEqual([]);
  });

  it('without a reason is told to have none', async () => {
    const { settle, sent } = setUp([ofStack('DELETE_FAILED'), ofStack('DELETE_IN_PROGRESS'), ...before]);
    await settle('deleted', 'DELETE_FAILED');
    expect(sent()).toEqual(failure('no resource has reported a reason'));
  });
});
