import { describe, expect, it } from 'vitest';
import type { StackStatus } from '../../../../../sandbox/services/cloudformation/stack.ts';
import { setUp } from './cloudformation-fixture.ts';

const StackName = 'deployment';

interface Template {
  Resources: Record<string, object>;
  Outputs?: Record<string, object>;
  Parameters?: Record<string, object>;
  Conditions?: Record<string, object>;
  Description?: string;
}

const queue = (seconds: number, more: object = {}, rest: object = {}) => ({
  Type: 'AWS::SQS::Queue',
  Properties: { QueueName: 'refused', MessageRetentionPeriod: seconds, ...more },
  ...rest,
});
const bus = (Name: string, rest: object = {}) => ({ Type: 'AWS::Events::EventBus', Properties: { Name }, ...rest });
const policyOf = (busName: unknown) => ({
  Type: 'AWS::Events::EventBusPolicy',
  Properties: { EventBusName: busName, StatementId: 'all', Statement: { Effect: 'Allow' } },
});
/** Fails whatever it is, since the sandbox does not have the property. */
const failing = {
  Type: 'AWS::SQS::Queue',
  Properties: { QueueName: 'x', MessageRetentionPeriod: 60, FifoQueue: true },
};

/** A world with a stack of this template. */
async function withStack(template: Template, input: object = {}) {
  const world = setUp();
  await world.call('CreateStack', { StackName, TemplateBody: JSON.stringify(template), ...input });
  const { status } = await world.settled(StackName);
  expect(status).toBe('CREATE_COMPLETE');
  const seen = world.cloudFormation.stack(StackName)?.events.length ?? 0;
  return {
    ...world,
    /** Updates it, and returns the events that came of it. */
    async update(next: Template, more: object = {}) {
      await world.call('UpdateStack', { StackName, TemplateBody: JSON.stringify(next), ...more });
      const { events } = await world.settled(StackName);
      return events
        .slice(seen)
        .map(({ LogicalResourceId, ResourceStatus }) => `${LogicalResourceId} ${ResourceStatus}`);
    },
    stack: () => world.cloudFormation.stack(StackName),
    reasons: () =>
      world.cloudFormation.stack(StackName)?.events.map(({ ResourceStatusReason }) => ResourceStatusReason),
    named: (logicalId: string) =>
      world.cloudFormation.stack(StackName)?.resources.find((resource) => resource.logicalId === logicalId),
  };
}

const updated = ['deployment UPDATE_COMPLETE_CLEANUP_IN_PROGRESS', 'deployment UPDATE_COMPLETE'];
const rolledBack = ['deployment UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS', 'deployment UPDATE_ROLLBACK_COMPLETE'];

describe('an update of a stack', () => {
  it('changes in place what differs, and touches nothing else', async () => {
    const { update, stack, named, clock } = await withStack({ Resources: { Queue: queue(60), Bus: bus('events') } });
    const before = named('Queue')?.provisioned?.physicalId;
    expect(await update({ Resources: { Queue: queue(120), Bus: bus('events') } })).toEqual([
      'deployment UPDATE_IN_PROGRESS',
      'Queue UPDATE_IN_PROGRESS',
      'Queue UPDATE_COMPLETE',
      ...updated,
    ]);
    expect(named('Queue')).toMatchObject({ properties: { MessageRetentionPeriod: 120 }, status: 'UPDATE_COMPLETE' });
    expect(named('Queue')?.provisioned?.physicalId).toBe(before);
    expect(stack()?.lastUpdatedTime?.getTime()).toBeLessThanOrEqual(clock.now());
  });

  it('adds and removes resources, and sets the outputs anew', async () => {
    const { update, call } = await withStack({ Resources: { Old: bus('old'), Queue: queue(60) } });
    const Outputs = { Name: { Value: { Ref: 'New' } } };
    expect(await update({ Resources: { Queue: queue(60), New: bus('new') }, Outputs })).toEqual([
      'deployment UPDATE_IN_PROGRESS',
      'New CREATE_IN_PROGRESS',
      'New CREATE_IN_PROGRESS',
      'New CREATE_COMPLETE',
      'deployment UPDATE_COMPLETE_CLEANUP_IN_PROGRESS',
      'Old DELETE_IN_PROGRESS',
      'Old DELETE_COMPLETE',
      'deployment UPDATE_COMPLETE',
    ]);
    expect(await call('DescribeStacks', { StackName })).toMatchObject({
      Stacks: [{ Outputs: [{ OutputKey: 'Name', OutputValue: 'new' }], LastUpdatedTime: expect.any(Date) }],
    });
    const gone = call('DescribeStackResource', { StackName, LogicalResourceId: 'Old' });
    await expect(gone).rejects.toThrow('Resource Old does not exist for stack deployment');
  });

  it('replaces what has another create-only property, and what refers to it', async () => {
    const before = { Resources: { Bus: bus('one'), Policy: policyOf({ Ref: 'Bus' }) } };
    const { update, stack, events } = await withStack(before);
    expect(await update({ Resources: { Bus: bus('two'), Policy: policyOf({ Ref: 'Bus' }) } })).toEqual([
      'deployment UPDATE_IN_PROGRESS',
      'Bus UPDATE_IN_PROGRESS',
      'Bus UPDATE_IN_PROGRESS',
      'Bus UPDATE_COMPLETE',
      'Policy UPDATE_IN_PROGRESS',
      'Policy UPDATE_IN_PROGRESS',
      'Policy UPDATE_COMPLETE',
      'deployment UPDATE_COMPLETE_CLEANUP_IN_PROGRESS',
      'Policy DELETE_IN_PROGRESS',
      'Policy DELETE_COMPLETE',
      'Bus DELETE_IN_PROGRESS',
      'Bus DELETE_COMPLETE',
      'deployment UPDATE_COMPLETE',
    ]);
    const ofBus = (stack()?.events ?? []).filter(({ LogicalResourceId }) => LogicalResourceId === 'Bus');
    expect(ofBus.slice(3).map(({ PhysicalResourceId }) => PhysicalResourceId)).toEqual([
      ...['one', 'two', 'two'],
      ...['one', 'one'],
    ]);
    expect(ofBus[3]?.ResourceStatusReason).toMatch(/requires the creation of a new physical resource/);
    expect(events.busPolicy('two')).toBeDefined();
    expect(events.busPolicy('one')).toBeUndefined();
  });

  it.each([
    ['UpdateReplacePolicy', { Bus: bus('two') }, 'Bus DELETE_SKIPPED'],
    ['DeletionPolicy', { Queue: queue(60) }, 'Bus DELETE_SKIPPED'],
  ])('leaves what %s retains', async (policy, next, event) => {
    const { update, events } = await withStack({ Resources: { Bus: bus('one', { [policy]: 'Retain' }) } });
    expect(await update({ Resources: next })).toContain(event);
    expect(() => events.addBus('one')).toThrow('already exists');
  });

  it('takes the values that the stack has, and the template that it has', async () => {
    const Parameters = { Seconds: { Type: 'Number' }, Name: { Type: 'String' } };
    const Resources = { Queue: queue(60), Bus: bus('') };
    Resources.Bus.Properties = Object.assign(Resources.Bus.Properties, { Name: { Ref: 'Name' } });
    const given = (ParameterKey: string, ParameterValue: string) => ({ ParameterKey, ParameterValue });
    const { call, settled, stack } = await withStack(
      { Parameters, Resources },
      { Parameters: [given('Seconds', '1'), given('Name', 'kept')] },
    );
    await call('UpdateStack', {
      StackName,
      UsePreviousTemplate: 'true',
      Parameters: [given('Seconds', '2'), { ParameterKey: 'Name', UsePreviousValue: 'true' }],
    });
    await settled(StackName);
    expect(stack()).toMatchObject({ status: 'UPDATE_COMPLETE', parameters: { Seconds: '2', Name: 'kept' } });
    const lacking = call('UpdateStack', {
      StackName,
      UsePreviousTemplate: 'true',
      Parameters: [{ ParameterKey: 'Other', UsePreviousValue: 'true' }, given('Seconds', '2'), given('Name', 'x')],
    });
    await expect(lacking).rejects.toThrow('Invalid input for parameter key Other');
  });

  it.each([
    ['the same template', {}],
    ['another description', { Description: 'x' }],
    ['another deletion policy alone', { Resources: { Queue: queue(60, {}, { DeletionPolicy: 'Retain' }) } }],
  ])('has nothing to do with %s', async (_name, difference) => {
    const template = { Resources: { Queue: queue(60) } };
    const { update, stack } = await withStack(template);
    await expect(update({ ...template, ...difference })).rejects.toThrow(/^No updates are to be performed\.$/);
    expect(stack()?.status).toBe('CREATE_COMPLETE');
  });

  it('refuses another type for a resource', async () => {
    const { update } = await withStack({ Resources: { A: queue(60) } });
    await expect(update({ Resources: { A: bus('a') } })).rejects.toThrow(
      'Update of resource type is not permitted. The new template modifies resource type of the following resources: [A]',
    );
  });

  it.each<StackStatus>(['ROLLBACK_COMPLETE', 'UPDATE_IN_PROGRESS', 'UPDATE_ROLLBACK_FAILED', 'DELETE_FAILED'])(
    'refuses a stack in %s',
    async (status) => {
      const { update, cloudFormation, stack } = await withStack({ Resources: { A: queue(60) } });
      cloudFormation.setStatus(StackName, status);
      await expect(update({ Resources: { A: queue(61) } })).rejects.toThrow(
        `Stack:${stack()?.stackId} is in ${status} state and can not be updated.`,
      );
    },
  );

  it('refuses a stack that is not there, and what the sandbox does not have', async () => {
    const { call } = setUp();
    await expect(call('UpdateStack', { StackName: 'nobody', TemplateBody: '{}' })).rejects.toThrow(
      'Stack [nobody] does not exist',
    );
    await expect(call('UpdateStack', { StackName, StackPolicyBody: '{}' })).rejects.toThrow('StackPolicyBody');
  });
});

describe('an update that fails', () => {
  it('is taken back: what was changed, replaced or added', async () => {
    const before = { Resources: { Queue: queue(60), Bus: bus('one'), Policy: policyOf({ Ref: 'Bus' }) } };
    const { update, stack, named, events } = await withStack(before);
    const DependsOn = ['Queue', 'Policy', 'New'];
    const next = {
      Queue: queue(120),
      Bus: bus('two'),
      Policy: policyOf({ Ref: 'Bus' }),
      New: bus('new'),
      Failing: { ...failing, DependsOn },
    };
    const happened = await update({ Resources: next });
    expect(happened.slice(happened.indexOf('Failing CREATE_FAILED'))).toEqual([
      'Failing CREATE_FAILED',
      'deployment UPDATE_ROLLBACK_IN_PROGRESS',
      'Policy UPDATE_IN_PROGRESS',
      'Policy UPDATE_COMPLETE',
      'Bus UPDATE_IN_PROGRESS',
      'Bus UPDATE_COMPLETE',
      'Queue UPDATE_IN_PROGRESS',
      'Queue UPDATE_COMPLETE',
      'deployment UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS',
      'Policy DELETE_IN_PROGRESS',
      'Policy DELETE_COMPLETE',
      'Bus DELETE_IN_PROGRESS',
      'Bus DELETE_COMPLETE',
      'Failing DELETE_COMPLETE',
      'New DELETE_IN_PROGRESS',
      'New DELETE_COMPLETE',
      'deployment UPDATE_ROLLBACK_COMPLETE',
    ]);
    const { ResourceStatusReason: reason } =
      stack()?.events.find(({ ResourceStatus }) => ResourceStatus === 'UPDATE_ROLLBACK_IN_PROGRESS') ?? {};
    expect(reason).toBe('The following resource(s) failed to create: [Failing].');
    expect(named('Queue')?.properties).toMatchObject({ MessageRetentionPeriod: 60 });
    expect(named('Bus')?.provisioned?.physicalId).toBe('one');
    expect(events.busPolicy('one')).toBeDefined();
    // They are gone.
    for (const name of ['two', 'new']) expect(() => events.addBus(name)).not.toThrow();
    expect(stack()?.resources.map(({ logicalId }) => logicalId)).toEqual(['Queue', 'Bus', 'Policy']);
  });

  it('can be repeated when what was wrong is mended', async () => {
    const { update, stack } = await withStack({ Resources: { Queue: queue(60) } });
    expect(await update({ Resources: { Queue: queue(120), Failing: failing } })).toEqual(
      expect.arrayContaining(rolledBack),
    );
    await update({ Resources: { Queue: queue(120) } });
    expect(stack()?.status).toBe('UPDATE_COMPLETE');
  });

  it('names a resource that needs another name before it can be replaced', async () => {
    const rule = (EventBusName: string) => ({
      Type: 'AWS::Events::Rule',
      Properties: { Name: 'forward', EventBusName, EventPattern: { source: ['x'] }, Targets: [] },
    });
    const Buses = { A: bus('a'), B: bus('b') };
    const { update, reasons } = await withStack({
      Resources: { ...Buses, Rule: { ...rule('a'), DependsOn: ['A', 'B'] } },
    });
    expect(await update({ Resources: { ...Buses, Rule: rule('b') } })).toEqual([
      'deployment UPDATE_IN_PROGRESS',
      'Rule UPDATE_IN_PROGRESS',
      'Rule UPDATE_FAILED',
      'deployment UPDATE_ROLLBACK_IN_PROGRESS',
      'Rule UPDATE_COMPLETE',
      ...rolledBack,
    ]);
    expect(reasons()).toContain(
      'CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename forward and update the stack again.',
    );
  });

  it('calls a custom resource again', async () => {
    const custom = (value: string) => ({ Type: 'Custom::Registration', Properties: { ServiceToken: 'arn:x', value } });
    const { update, calls, stack } = await withStack({ Resources: { Custom: custom('a') } });
    expect(await update({ Resources: { Custom: custom('b') } })).toContain('Custom UPDATE_COMPLETE');
    expect(calls.map(({ properties }) => properties.value)).toEqual(['a', 'b']);
    expect(stack()?.status).toBe('UPDATE_COMPLETE');
  });

  it('fails for an export that another stack uses, whether it would go or change', async () => {
    const exporting = (Value: string) => ({
      Resources: { Queue: queue(60) },
      Outputs: { Out: { Value, Export: { Name: 'shared' } } },
    });
    const { update, call, settled, stack, reasons } = await withStack(exporting('one'));
    const user = { Resources: { Bus: bus('x') }, Outputs: { In: { Value: { 'Fn::ImportValue': 'shared' } } } };
    await call('CreateStack', { StackName: 'user', TemplateBody: JSON.stringify(user) });
    await settled('user');
    await update(exporting('two'));
    expect(reasons()).toContain('Export shared cannot be updated as it is in use by user');
    await update({ Resources: { Queue: queue(60) } });
    expect(reasons()).toContain('Export shared cannot be deleted as it is in use by user');
    await update({ ...exporting('one'), Resources: { Queue: queue(61) } });
    expect(stack()?.status).toBe('UPDATE_COMPLETE');
  });
});

describe('ValidateTemplate', () => {
  it('returns parameters and capabilities, and names what is wrong without their values', async () => {
    const { call } = setUp();
    const template = {
      Parameters: { Token: { Type: 'String', NoEcho: true, Description: 'secret' } },
      Resources: { Role: { Type: 'AWS::IAM::Role', Properties: { RoleName: { Ref: 'Token' } } } },
    };
    expect(await call('ValidateTemplate', { TemplateBody: JSON.stringify(template) })).toMatchObject({
      Parameters: [{ ParameterKey: 'Token', NoEcho: true, Description: 'secret' }],
      Capabilities: ['CAPABILITY_NAMED_IAM'],
    });
    const dangling = {
      Resources: { Queue: { Type: 'AWS::SQS::Queue', Properties: { QueueName: { Ref: 'Nothing' } } } },
    };
    await expect(call('ValidateTemplate', { TemplateBody: JSON.stringify(dangling) })).rejects.toThrow(
      'Template format error: Unresolved resource dependencies [Nothing] in the Resources block of the template',
    );
    const unknown = { Resources: { Topic: { Type: 'AWS::EC2::VPC' } } };
    await expect(call('ValidateTemplate', { TemplateBody: JSON.stringify(unknown) })).rejects.toThrow(
      'Unrecognized resource types: [AWS::EC2::VPC]',
    );
  });
});

it('describes a resource', async () => {
  const { call } = await withStack({ Resources: { Bus: bus('events') } });
  expect(await call('DescribeStackResource', { StackName, LogicalResourceId: 'Bus' })).toMatchObject({
    StackResourceDetail: { PhysicalResourceId: 'events', ResourceStatus: 'CREATE_COMPLETE', StackName },
  });
  await expect(call('DescribeStackResource', { StackName: 'nobody', LogicalResourceId: 'Bus' })).rejects.toThrow(
    "Stack 'nobody' does not exist",
  );
});
