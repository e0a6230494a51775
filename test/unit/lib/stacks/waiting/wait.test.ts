import {
  CloudFormationClient,
  DescribeStackEventsCommand,
  type HookStatus,
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
import { settleWait } from '../../../../../lib/stacks/waiting/wait.ts';
import { stackId } from '../../../functions/plan.ts';

const executionArn = 'arn:aws:states:us-east-1:111111111111:execution:x-upgrade-subscriber:one';
const taskToken = 'task-token-1';

const stackEvent = (event: Partial<StackEvent>): StackEvent => ({
  StackId: stackId,
  EventId: 'event',
  StackName: 'acme',
  Timestamp: new Date(0),
  ...event,
});

/** Clients whose stack has these events, a page a list. */
function setUp(...pages: Partial<StackEvent>[][]) {
  const cloudFormation = new CloudFormationClient({ region: 'us-east-1' });
  const events = mockClient(cloudFormation);
  for (const [page, partial] of pages.entries()) {
    const StackEvents = partial.map(stackEvent);
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
    settle: (goal: Goal, status: Status, statusReason?: string) =>
      settleWait(
        { cloudFormation, stepFunctions },
        { taskToken, goal, executionArn },
        { stackId, status, statusReason },
      ),
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

  it('is reported by the reason of the resource that failed first, though it is on the last page', async () => {
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

  it('of a nested stack is reported by the reason of the resource that failed first there', async () => {
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

  it('of a nested stack that has none is reported by its own reason', async () => {
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

  it('is reported without the tokens in a reason', async () => {
    const token = `Custom 11111111-1111-4111-8111-111111111111:${'t'.repeat(342)}`;
    expect(await causeOf([failed('Subscriber', `refused ${token}`)])).toEqual(
      failure('Subscriber: refused <custom token>'),
    );
  });

  const cancelled = 'Resource creation cancelled';
  const ofStack = (ResourceStatus: ResourceStatus, ResourceStatusReason: string) => ({
    LogicalResourceId: 'acme',
    PhysicalResourceId: stackId,
    ...{ ResourceStatus, ResourceStatusReason },
  });
  const began = ofStack('CREATE_IN_PROGRESS', 'User Initiated');
  const hook = (LogicalResourceId: string, HookStatus: HookStatus, HookStatusReason?: string) => ({
    LogicalResourceId,
    ResourceStatus: 'CREATE_IN_PROGRESS' as const,
    ...{ HookType: 'Acme::Guard::Hook', HookStatus, HookStatusReason },
  });

  it('is reported by the reason of a resource that failed for itself, though another was cancelled before', async () => {
    const events = [failed('Late', 'is too late'), failed('Role', 'is taken'), failed('Bucket', cancelled), began];
    expect(await causeOf(events)).toEqual(failure('Role: is taken'));
  });

  it.each<[string, ResourceStatus, string]>([
    ['a rollback', 'ROLLBACK_IN_PROGRESS', 'No export named missing found. Rollback requested by user.'],
    ['no rollback', 'CREATE_FAILED', 'No export named missing found.'],
    ['a deletion', 'DELETE_IN_PROGRESS', 'No export named missing found. Delete requested by user.'],
  ])("of no resource is reported by the stack's own reason, with %s", async (_name, status, reason) => {
    const later = ofStack('ROLLBACK_FAILED', 'The following resource(s) failed to delete: [Bucket].');
    expect(await causeOf([later, failed('Bucket', cancelled), stackEvent(ofStack(status, reason)), began])).toEqual(
      failure('No export named missing found.'),
    );
  });

  it("of no resource in a nested stack is reported by the nested stack's own reason", async () => {
    const nested = {
      ...failed('Access', 'Embedded stack arn:child was not successfully created'),
      ...{ ResourceType: 'AWS::CloudFormation::Stack', PhysicalResourceId: 'arn:child' },
    };
    const { settle, sent, events } = setUp([nested]);
    const own = ofStack('CREATE_FAILED', 'Export with name x is already exported by stack other.');
    events.on(DescribeStackEventsCommand, { StackName: 'arn:child' }).resolves({
      StackEvents: [stackEvent({ ...own, PhysicalResourceId: 'arn:child' })],
    });
    await settle('created', 'ROLLBACK_IN_PROGRESS');
    expect(sent()).toEqual(failure('Access: Export with name x is already exported by stack other.'));
  });

  it('that no event explains is reported by the reason that came with the status', async () => {
    const { settle, sent } = setUp([stackEvent(began)]);
    await settle('created', 'ROLLBACK_IN_PROGRESS', 'No transform named X found. Rollback requested by user.');
    expect(sent()).toEqual(failure('No transform named X found.'));
  });

  it("by a hook is reported with the hook's reason", async () => {
    const refused = [
      failed('Bucket', 'The following hook(s) failed: [Acme::Guard::Hook]'),
      hook('Bucket', 'HOOK_COMPLETE_FAILED', 'bucket has no key'),
      hook('Bucket', 'HOOK_IN_PROGRESS'),
      hook('Table', 'HOOK_COMPLETE_FAILED', 'only warned of'),
    ];
    expect(await causeOf(refused)).toEqual(
      failure('Bucket: The following hook(s) failed: [Acme::Guard::Hook]: bucket has no key'),
    );
    const named = [
      failed('Bucket', 'The following hook(s) failed: [H] : no key'),
      hook('Bucket', 'HOOK_COMPLETE_FAILED', 'no key'),
    ];
    expect(await causeOf(named)).toEqual(failure('Bucket: The following hook(s) failed: [H] : no key'));
    expect(await causeOf([hook('acme', 'HOOK_COMPLETE_FAILED', 'no such stacks')])).toEqual(failure('no such stacks'));
  });

  it.each<[name: string, reason: string, events: Partial<StackEvent>[]]>([
    [
      'is not blamed on a hook that only warns',
      'Bucket: is taken',
      [
        failed('Bucket', 'is taken'),
        { ...hook('Bucket', 'HOOK_COMPLETE_FAILED', 'no key'), HookFailureMode: 'WARN' },
        { ...hook('Bucket', 'HOOK_FAILED', 'is broken'), HookFailureMode: 'WARN' },
      ],
    ],
    [
      'of the stack is not blamed on a hook that only warns',
      'No export named missing found.',
      [
        stackEvent(ofStack('ROLLBACK_IN_PROGRESS', 'No export named missing found.')),
        { ...hook('acme', 'HOOK_COMPLETE_FAILED', 'no tags'), HookFailureMode: 'WARN' },
      ],
    ],
    [
      'is reported with the words of a hook that failed itself, where its mode is FAIL',
      'Bucket: The following hook(s) failed: [Acme::Guard::Hook]: AccessDenied of the hook',
      [
        failed('Bucket', 'The following hook(s) failed: [Acme::Guard::Hook]'),
        { ...hook('Bucket', 'HOOK_FAILED', 'AccessDenied of the hook'), HookFailureMode: 'FAIL' },
      ],
    ],
  ])('%s: %s', async (_, reason, events) => {
    expect(await causeOf(events)).toEqual(failure(reason));
  });

  it.each([
    `Resource handler returned message: "Value '…' is too long (Service: Ssm, Status Code: 400)"`,
    `Invalid request provided: 1 validation error detected: Value '…' at 'value'`,
    `Value '…' at 'environment.variables' failed to satisfy constraint`,
  ])('of a native resource quotes no custom token whose shape nobody knows: %s', async (words) => {
    const token = 'aB3+xYz9/Qw7Er5Ty1Ui0Op2As4'.repeat(6);
    const events = [failed('Setting', words.replace('…', token))];
    expect(await causeOf(events)).toEqual(failure(`Setting: ${words.replace('…', '<redacted>')}`));
  });

  it("keeps names and request ids of a native resource's reason", async () => {
    const id = 'vlR7PnpV2Ce81l0PRw6jlUpck7Jo5ZsQjryTjKlc5aLWGVHPZLj5NeC6qMa0emYBDXOo6QBU0Wo=';
    const reason = `Resource handler returned message: "arn:aws:s3:::infinstor-acme-artifacts-1x2y3z4a5b6c7 already exists (Service: S3, Status Code: 409, Request ID: 4VRT4J6D4N8YRPVQ, Extended Request ID: ${id})" (RequestToken: 11111111-1111-4111-8111-111111111111, HandlerErrorCode: AlreadyExists)`;
    expect(await causeOf([failed('Bucket', reason)])).toEqual(failure(`Bucket: ${reason}`));
  });

  it('keeps the name of the log stream of a custom resource, and no property', async () => {
    const stream = '2026/11/30/[$LATEST]0123456789abcdef0123456789abcdef';
    const reason = `Received response status [FAILED] from custom resource. Message returned: See the details in CloudWatch Log Stream: ${stream} (RequestId: 11111111-1111-4111-8111-111111111111)`;
    const ResourceProperties = '{"CustomToken":"opaque"}';
    expect(await causeOf([{ ...failed('Subscriber', reason), ResourceProperties }])).toEqual(
      failure(`Subscriber: ${reason}`),
    );
  });

  it.each([
    ['without failures', []],
    ['without a reason', [failed('Bucket')]],
    ['of cancelled resources', [failed('Bucket', cancelled)]],
  ])('is reported to have no reason by events %s', async (_name, events) => {
    expect(await causeOf(events)).toEqual(failure('neither a resource nor the stack has reported a reason'));
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

  it('is reported by the reason of the resource that failed first in it', async () => {
    const { settle, sent } = setUp(
      [ofStack('DELETE_FAILED'), notDeleted('Role', 'is still used')],
      [notDeleted('Bucket', 'The bucket you tried to delete is not empty'), ofStack('DELETE_IN_PROGRESS'), ...before],
    );
    expect(await settle('deleted', 'DELETE_FAILED')).toBe(true);
    expect(sent()).toEqual(failure('Bucket: The bucket you tried to delete is not empty'));
  });

  it('of a nested stack is reported by the reason of the resource that failed first there', async () => {
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

  it("of no resource is reported by the stack's own reason", async () => {
    const { settle, sent } = setUp([ofStack('DELETE_FAILED'), ofStack('DELETE_IN_PROGRESS'), ...before]);
    await settle('deleted', 'DELETE_FAILED');
    expect(sent()).toEqual(failure('of the stack'));
  });

  it('that CloudFormation gives up ends the wait, with its reason', async () => {
    const reason = 'Delete canceled. Cannot delete export x as it is in use by other.';
    const canceled = { ...ofStack('CREATE_COMPLETE'), ResourceStatusReason: reason };
    const { settle, sent } = setUp([canceled, ofStack('DELETE_IN_PROGRESS'), ...before]);
    expect(await settle('deleted', 'CREATE_COMPLETE')).toBe(false);
    expect(await settle('deleted', 'CREATE_COMPLETE', reason)).toBe(true);
    expect(sent()).toEqual([
      { taskToken, error: 'StackNeedsAttention', cause: `Stack ${stackId} is CREATE_COMPLETE: ${reason}` },
    ]);
  });

  it('that was given up before goes on when it has begun again', async () => {
    const reason = 'Delete canceled. Cannot delete export x as it is in use by other.';
    const { settle, sent } = setUp([
      ofStack('DELETE_IN_PROGRESS'),
      { ...ofStack('CREATE_COMPLETE'), ResourceStatusReason: reason },
    ]);
    expect(await settle('deleted', 'CREATE_COMPLETE', reason)).toBe(false);
    expect(sent()).toEqual([]);
  });
});
