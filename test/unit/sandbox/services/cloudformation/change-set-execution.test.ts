import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { body, bucket, change, longer, missing, queue, StackName, simple, withStack } from './change-set-fixture.ts';
import { setUp, templateUrl } from './cloudformation-fixture.ts';

describe('the execution of a change set', () => {
  it('updates the stack, and is reported on the bus', async () => {
    const { changeSet, call, settled, published } = await withStack(simple);
    await changeSet(longer);
    published.length = 0;
    const which = { StackName, ChangeSetName: 'next' };
    await call('ExecuteChangeSet', { ...which, ClientRequestToken: 'token-1' });
    expect(await call('DescribeChangeSet', which)).toMatchObject({
      Status: 'CREATE_COMPLETE',
      ExecutionStatus: 'EXECUTE_IN_PROGRESS',
    });
    await expect(call('ExecuteChangeSet', { ...which, ClientRequestToken: 'token-1' })).rejects.toMatchObject({
      code: 'InvalidChangeSetStatus',
      message: expect.stringMatching(/cannot be executed in its current execution status of \[EXECUTE_IN_PROGRESS\]$/),
    });
    await expect(call('DeleteChangeSet', which)).rejects.toMatchObject({ code: 'InvalidChangeSetStatus' });
    expect(await settled(StackName)).toMatchObject({
      status: 'UPDATE_COMPLETE',
      resources: [{ properties: { MessageRetentionPeriod: 120 } }],
    });
    expect(published.map(({ detail }) => [detail['status-details'].status, detail['client-request-token']])).toEqual([
      ['UPDATE_IN_PROGRESS', 'token-1'],
      ['UPDATE_COMPLETE_CLEANUP_IN_PROGRESS', 'token-1'],
      ['UPDATE_COMPLETE', 'token-1'],
    ]);
    const executed = await call('DescribeChangeSet', which);
    expect(executed).toMatchObject({ ExecutionStatus: 'EXECUTE_COMPLETE' });
    expect(await call('ListChangeSets', { StackName })).toEqual({ Summaries: [] });
    expect(await call('DescribeStacks', { StackName })).toMatchObject({
      Stacks: [{ ChangeSetId: v.parse(v.object({ ChangeSetId: v.string() }), executed).ChangeSetId }],
    });
    // An executed one does not keep its name.
    expect(await changeSet(simple)).toMatchObject({ Status: 'CREATE_COMPLETE' });
  });

  it('makes the others of the stack obsolete, as an update without one does', async () => {
    const { changeSet, call, settled } = await withStack(simple);
    await changeSet(longer);
    const other = v.parse(
      v.object({ Id: v.string() }),
      await call('CreateChangeSet', { StackName, ChangeSetName: 'other', TemplateBody: body(longer) }),
    );
    await call('ExecuteChangeSet', { StackName, ChangeSetName: 'next' });
    await settled(StackName);
    await expect(call('ExecuteChangeSet', { StackName, ChangeSetName: 'other' })).rejects.toThrow(missing('other'));
    await expect(call('ExecuteChangeSet', { ChangeSetName: other.Id })).rejects.toThrow(
      /cannot be executed in its current execution status of \[OBSOLETE\]$/,
    );
    const last = v.parse(v.object({ ChangeSetId: v.string() }), await changeSet(simple));
    await call('UpdateStack', { StackName, TemplateBody: body(simple) });
    await settled(StackName);
    expect(await call('DescribeChangeSet', { ChangeSetName: last.ChangeSetId })).toMatchObject({
      ExecutionStatus: 'OBSOLETE',
    });
    expect(await call('ListChangeSets', { StackName })).toEqual({ Summaries: [] });
  });

  it.each(['DELETE_IN_PROGRESS', 'UPDATE_ROLLBACK_FAILED', 'UPDATE_IN_PROGRESS'] as const)(
    'is refused while the stack is in %s',
    async (status) => {
      const { changeSet, call, cloudFormation } = await withStack(simple);
      await changeSet(longer);
      cloudFormation.setStatus(StackName, status);
      await expect(call('ExecuteChangeSet', { StackName, ChangeSetName: 'next' })).rejects.toMatchObject({
        code: 'ValidationError',
        message: expect.stringMatching(`is in ${status} state and can not be updated.$`),
      });
    },
  );

  it('is taken back when it fails, or stays as it is when the rollback is disabled', async () => {
    const failing = {
      Resources: { ...longer.Resources, Second: queue({ QueueName: 'two', FifoQueue: true }, { DependsOn: 'Queue' }) },
    };
    for (const [more, execution, status] of [
      [{}, {}, 'UPDATE_ROLLBACK_COMPLETE'],
      [{}, { DisableRollback: 'false' }, 'UPDATE_ROLLBACK_COMPLETE'],
      [{}, { DisableRollback: 'true' }, 'UPDATE_FAILED'],
      [{ OnStackFailure: 'DO_NOTHING' }, {}, 'UPDATE_FAILED'],
    ] as const) {
      const { changeSet, call, settled } = await withStack(simple);
      await changeSet(failing, more);
      await call('ExecuteChangeSet', { StackName, ChangeSetName: 'next', ...execution });
      expect(await settled(StackName)).toMatchObject({
        status,
        resources: [
          { properties: { MessageRetentionPeriod: status === 'UPDATE_FAILED' ? 120 : 60 } },
          ...(status === 'UPDATE_FAILED' ? [{ status: 'CREATE_FAILED' }] : []),
        ],
      });
      expect(await call('DescribeChangeSet', { StackName, ChangeSetName: 'next' })).toMatchObject({
        ExecutionStatus: 'EXECUTE_FAILED',
      });
    }
    const { changeSet, call } = await withStack(simple);
    await changeSet(longer, { OnStackFailure: 'ROLLBACK' });
    const both = call('ExecuteChangeSet', { StackName, ChangeSetName: 'next', DisableRollback: 'true' });
    await expect(both).rejects.toMatchObject({ code: 'ValidationError' });
  });

  it('acts with the role of the change set, which the stack keeps, or with the rights of who executes it', async () => {
    const { changeSet, call, settled, serviceRole, cloudFormation, caller } = await withStack({
      Resources: { Bucket: bucket(60) },
    });
    await changeSet({ Resources: { Bucket: bucket(90) } }, { RoleARN: serviceRole.arn });
    expect(cloudFormation.stack(StackName)?.roleArn).toBeUndefined();
    await call('ExecuteChangeSet', { StackName, ChangeSetName: 'next' });
    expect(await settled(StackName)).toMatchObject({
      roleArn: serviceRole.arn,
      status: 'UPDATE_COMPLETE',
      creator: caller,
    });
  });
});

describe('a change set for a new stack', () => {
  it('puts the stack into review, and makes it when it is executed', async () => {
    const { call, clock, settled, published } = setUp();
    const input = { StackName, ChangeSetName: 'first', ChangeSetType: 'CREATE', TemplateBody: body(simple) };
    await call('CreateChangeSet', input);
    await clock.quiet();
    expect(published.map(({ detail }) => detail['status-details'].status)).toEqual(['REVIEW_IN_PROGRESS']);
    const [inReview] = v.parse(
      v.object({ Stacks: v.array(v.looseObject({ StackId: v.string() })) }),
      await call('DescribeStacks', { StackName }),
    ).Stacks;
    expect(inReview).toMatchObject({ StackStatus: 'REVIEW_IN_PROGRESS', StackStatusReason: 'User Initiated' });
    const which = { StackName, ChangeSetName: 'first' };
    expect(await call('DescribeChangeSet', which)).toMatchObject({
      Changes: [
        change({ Action: 'Add', LogicalResourceId: 'Queue', ResourceType: 'AWS::SQS::Queue', Scope: [], Details: [] }),
      ],
    });
    const update = call('CreateChangeSet', { ...input, ChangeSetName: 'second', ChangeSetType: 'UPDATE' });
    await expect(update).rejects.toThrow('Stack [tenant] does not exist');
    await expect(call('UpdateStack', { StackName, TemplateBody: body(longer) })).rejects.toThrow(
      /is in REVIEW_IN_PROGRESS state and can not be updated\.$/,
    );
    // Another one of the same stack.
    await call('CreateChangeSet', { ...input, ChangeSetName: 'second' });
    await call('ExecuteChangeSet', which);
    const stack = await settled(StackName);
    expect(stack).toMatchObject({ stackId: inReview?.StackId, status: 'CREATE_COMPLETE', resources: [{}] });
    await expect(call('ExecuteChangeSet', { StackName, ChangeSetName: 'second' })).rejects.toThrow(missing('second'));
  });

  it('can give up what fails, and the stack with it', async () => {
    const failing = { Resources: { Queue: queue({ QueueName: 'one', FifoQueue: true }) } };
    for (const [more, execution, status] of [
      [{}, {}, 'ROLLBACK_COMPLETE'],
      [{ OnStackFailure: 'DELETE' }, {}, 'DELETE_COMPLETE'],
      [{}, { DisableRollback: 'true' }, 'CREATE_FAILED'],
    ] as const) {
      const { call, clock, cloudFormation } = setUp();
      const created = await call('CreateChangeSet', {
        ...{ StackName, ChangeSetName: 'first', ChangeSetType: 'CREATE', TemplateBody: body(failing), ...more },
      });
      await clock.quiet();
      await call('ExecuteChangeSet', { StackName, ChangeSetName: 'first', ...execution });
      await clock.quiet();
      const { StackId } = v.parse(v.object({ StackId: v.string() }), created);
      expect(cloudFormation.stack(StackId)?.status).toBe(status);
    }
  });

  it('leaves nothing when it is refused, and gives way to CreateStack and DeleteStack', async () => {
    const { call, cloudFormation, settled, clock } = setUp();
    const input = { StackName, ChangeSetName: 'first', ChangeSetType: 'CREATE', TemplateBody: body(simple) };
    await expect(call('CreateChangeSet', { ...input, TemplateBody: '{}' })).rejects.toMatchObject({
      code: 'ValidationError',
    });
    await expect(call('CreateChangeSet', { ...input, StackName: '1' })).rejects.toMatchObject({
      code: 'ValidationError',
    });
    expect(cloudFormation.stack(StackName)).toBeUndefined();
    const { Id, StackId } = v.parse(
      v.object({ Id: v.string(), StackId: v.string() }),
      await call('CreateChangeSet', input),
    );
    expect(await call('CreateStack', { StackName, TemplateBody: body(simple) })).toEqual({ StackId });
    await settled(StackName);
    await clock.quiet();
    expect(await call('DescribeChangeSet', { ChangeSetName: Id })).toMatchObject({
      Status: 'CREATE_COMPLETE',
      ExecutionStatus: 'OBSOLETE',
    });
    await call('CreateChangeSet', { ...input, StackName: 'second' });
    await call('DeleteStack', { StackName: 'second' });
    await clock.quiet();
    expect(cloudFormation.stack('second')).toBeUndefined();
  });
});

describe('what IAM is asked about a change set', () => {
  const tags = [{ Key: 'team', Value: 'mlops' }];

  it('is the stack with its tags, and what the request has', async () => {
    const { access, call, settled, cloudFormation, serviceRole } = setUp();
    await call('CreateStack', { StackName, TemplateBody: body(simple), Tags: tags });
    await settled(StackName);
    const resource = cloudFormation.stack(StackName)?.stackId;
    const url = templateUrl('customer');
    const Tags = [{ Key: 'team', Value: 'other' }];
    const input = { StackName, ChangeSetName: 'next', TemplateURL: url, RoleARN: serviceRole.arn, Tags };
    const requested = { 'aws:RequestTag/team': 'other', 'aws:TagKeys': ['team'] };
    expect(access('CreateChangeSet', input)).toEqual([
      {
        action: 'cloudformation:CreateChangeSet',
        resource,
        context: {
          'aws:ResourceTag/team': 'mlops',
          ...requested,
          'cloudformation:ChangeSetName': 'next',
          'cloudformation:TemplateUrl': url,
          'cloudformation:RoleArn': serviceRole.arn,
        },
      },
      {
        action: 'cloudformation:TagResource',
        resource,
        context: { ...requested, 'cloudformation:CreateAction': 'CreateChangeSet' },
      },
      expect.objectContaining({ action: 's3:GetObject' }),
      expect.objectContaining({ action: 'iam:PassRole', resource: serviceRole.arn }),
    ]);
    for (const operation of ['DescribeChangeSet', 'ExecuteChangeSet', 'DeleteChangeSet']) {
      expect(access(operation, { StackName, ChangeSetName: 'next' })).toEqual([
        {
          action: `cloudformation:${operation}`,
          resource,
          context: { 'aws:ResourceTag/team': 'mlops', 'cloudformation:ChangeSetName': 'next' },
        },
      ]);
    }
    expect(access('ListChangeSets', { StackName })).toEqual([
      { action: 'cloudformation:ListChangeSets', resource, context: { 'aws:ResourceTag/team': 'mlops' } },
    ]);
  });

  it('is the stack that is not there yet, and an ARN where the call names no stack', () => {
    const { access } = setUp();
    expect(
      access('CreateChangeSet', { StackName, ChangeSetName: 'next', ChangeSetType: 'CREATE', TemplateBody: '{}' }),
    ).toEqual([
      {
        action: 'cloudformation:CreateChangeSet',
        resource: 'arn:aws:cloudformation:us-east-1:111111111111:stack/tenant/*',
        context: { 'cloudformation:ChangeSetName': 'next' },
      },
    ]);
    const ChangeSetName = 'arn:aws:cloudformation:us-east-1:111111111111:changeSet/next/1';
    expect(access('ExecuteChangeSet', { ChangeSetName })).toEqual([
      {
        action: 'cloudformation:ExecuteChangeSet',
        resource: ChangeSetName,
        context: { 'cloudformation:ChangeSetName': ChangeSetName },
      },
    ]);
  });
});
