import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import {
  body,
  bucket,
  bus,
  change,
  direct,
  longer,
  missing,
  queue,
  StackName,
  simple,
  target,
  withStack,
} from './change-set-fixture.ts';

describe('a change set of a stack', () => {
  it('says what would change, and changes nothing', async () => {
    const { changeSet, cloudFormation, call } = await withStack(simple);
    const idPattern = /^arn:aws:cloudformation:us-east-1:111111111111:changeSet\/next\/[-0-9a-f]{36}$/;
    const stackId = cloudFormation.stack(StackName)?.stackId;
    expect(await changeSet(longer, { Description: 'longer' })).toEqual({
      StackId: stackId,
      StackName,
      ChangeSetId: expect.stringMatching(idPattern),
      ChangeSetName: 'next',
      ExecutionStatus: 'AVAILABLE',
      Status: 'CREATE_COMPLETE',
      CreationTime: expect.any(Date),
      Description: 'longer',
      IncludeNestedStacks: false,
      NotificationARNs: [],
      RollbackConfiguration: {},
      Capabilities: [],
      Changes: [
        change({
          Action: 'Modify',
          LogicalResourceId: 'Queue',
          PhysicalResourceId: cloudFormation.stack(StackName)?.resources[0]?.provisioned?.physicalId,
          ResourceType: 'AWS::SQS::Queue',
          Replacement: 'False',
          Scope: ['Properties'],
          Details: [direct('MessageRetentionPeriod', 'Never')],
        }),
      ],
    });
    expect(await call('ListChangeSets', { StackName })).toEqual({
      Summaries: [
        {
          StackId: stackId,
          StackName,
          ChangeSetId: expect.stringMatching(idPattern),
          ChangeSetName: 'next',
          ExecutionStatus: 'AVAILABLE',
          Status: 'CREATE_COMPLETE',
          CreationTime: expect.any(Date),
          Description: 'longer',
          IncludeNestedStacks: false,
        },
      ],
    });
    expect(cloudFormation.stack(StackName)).toMatchObject({
      status: 'CREATE_COMPLETE',
      resources: [{ properties: { MessageRetentionPeriod: 60 } }],
    });
  });

  it('is pending, then in progress, then complete', async () => {
    const { call, clock } = await withStack(simple);
    await call('CreateChangeSet', { StackName, ChangeSetName: 'next', TemplateBody: body(longer) });
    const which = { StackName, ChangeSetName: 'next' };
    const pending = { Status: 'CREATE_PENDING', ExecutionStatus: 'UNAVAILABLE', Changes: [] };
    expect(await call('DescribeChangeSet', which)).toMatchObject(pending);
    const refused = /cannot be executed in its current status of \[CREATE_PENDING\]$/;
    await expect(call('ExecuteChangeSet', which)).rejects.toThrow(refused);
    await expect(call('DeleteChangeSet', which)).rejects.toThrow(
      /^An operation on this ChangeSet is currently in progress/,
    );
    await clock.sleep(1000);
    expect(await call('DescribeChangeSet', which)).toMatchObject({ ...pending, Status: 'CREATE_IN_PROGRESS' });
    await clock.quiet();
    expect(await call('DescribeChangeSet', which)).toMatchObject({
      Status: 'CREATE_COMPLETE',
      ExecutionStatus: 'AVAILABLE',
    });
  });

  it('fails when nothing would change, and cannot be executed', async () => {
    const { changeSet, call } = await withStack(simple);
    expect(await changeSet(simple)).toMatchObject({
      Status: 'FAILED',
      StatusReason:
        "The submitted information didn't contain changes. Submit different information to create a change set.",
      ExecutionStatus: 'UNAVAILABLE',
      Changes: [],
    });
    await expect(call('ExecuteChangeSet', { StackName, ChangeSetName: 'next' })).rejects.toMatchObject({
      code: 'InvalidChangeSetStatus',
      message: expect.stringMatching(/^ChangeSet \[arn:.+\] cannot be executed in its current status of \[FAILED\]$/),
    });
    // It keeps its name.
    await expect(changeSet(longer)).rejects.toMatchObject({
      code: 'AlreadyExistsException',
      message: 'ChangeSet next cannot be created due to a mismatch with existing attribute Template',
    });
    await call('DeleteChangeSet', { StackName, ChangeSetName: 'next' });
    expect(await changeSet(longer)).toMatchObject({ Status: 'CREATE_COMPLETE' });
  });

  it('is the same for a call that is repeated with its token', async () => {
    const { call } = await withStack(simple);
    const input = { StackName, ChangeSetName: 'next', TemplateBody: body(longer), ClientToken: 'once' };
    expect(await call('CreateChangeSet', input)).toEqual(await call('CreateChangeSet', input));
    const other = call('CreateChangeSet', { ...input, TemplateBody: body(simple) });
    await expect(other).rejects.toMatchObject({ code: 'AlreadyExistsException' });
    const without = { StackName, ChangeSetName: 'other', TemplateBody: body(longer) };
    await call('CreateChangeSet', without);
    await expect(call('CreateChangeSet', without)).rejects.toMatchObject({ code: 'AlreadyExistsException' });
  });

  it('has no changes of resources when only outputs change, and can be executed', async () => {
    const { changeSet, call, settled } = await withStack(simple);
    const Outputs = { Name: { Value: 'one' } };
    expect(await changeSet({ ...simple, Outputs })).toMatchObject({ Status: 'CREATE_COMPLETE', Changes: [] });
    await call('ExecuteChangeSet', { StackName, ChangeSetName: 'next' });
    expect(await settled(StackName)).toMatchObject({
      status: 'UPDATE_COMPLETE',
      outputs: [{ OutputKey: 'Name', OutputValue: 'one' }],
    });
  });

  it('masks parameters without echo, and knows previous values and the previous template', async () => {
    const template = {
      Parameters: { Token: { Type: 'String', NoEcho: true }, Seconds: { Type: 'Number', Default: 60 } },
      Resources: { Bucket: bucket({ Ref: 'Seconds' }, { Ref: 'Token' }) },
    };
    const { call, clock } = await withStack(template, {
      Parameters: [{ ParameterKey: 'Token', ParameterValue: 'hidden-token' }],
    });
    const Parameters = [
      { ParameterKey: 'Token', UsePreviousValue: 'true' },
      { ParameterKey: 'Seconds', ParameterValue: '90' },
    ];
    const which = { StackName, ChangeSetName: 'next' };
    await call('CreateChangeSet', { ...which, UsePreviousTemplate: 'true', Parameters });
    await clock.quiet();
    expect(await call('DescribeChangeSet', which)).toMatchObject({
      Parameters: [
        { ParameterKey: 'Seconds', ParameterValue: '90' },
        { ParameterKey: 'Token', ParameterValue: '****' },
      ],
      Changes: [
        change({
          Action: 'Modify',
          LogicalResourceId: 'Bucket',
          Replacement: 'False',
          Details: [
            {
              Target: target('CorsConfiguration', 'Never'),
              Evaluation: 'Static',
              ChangeSource: 'ParameterReference',
              CausingEntity: 'Seconds',
            },
            direct('CorsConfiguration', 'Never', 'Dynamic'),
          ],
        }),
      ],
    });
    const unknown = call('CreateChangeSet', {
      ...{ StackName, ChangeSetName: 'other', UsePreviousTemplate: 'true' },
      Parameters: [{ ParameterKey: 'None', UsePreviousValue: 'true' }],
    });
    await expect(unknown).rejects.toMatchObject({ code: 'ValidationError' });
  });

  it('comes in pages', async () => {
    const queues = (seconds: number) => ({
      Resources: Object.fromEntries(
        ['A', 'B', 'C', 'D'].map((name) => [name, queue({ QueueName: name, MessageRetentionPeriod: seconds })]),
      ),
    });
    const { changeSet, call } = await withStack(queues(60));
    expect(await changeSet(queues(90))).toMatchObject({ NextToken: '3' });
    const which = { StackName, ChangeSetName: 'next' };
    expect(await call('DescribeChangeSet', { ...which, NextToken: '3' })).toMatchObject({
      Changes: [change({ LogicalResourceId: 'D' })],
    });
    await expect(call('DescribeChangeSet', { ...which, NextToken: '9' })).rejects.toThrow('Invalid NextToken');
  });

  it('is found by its ARN alone, and by its name with a stack', async () => {
    const { changeSet, call } = await withStack(simple);
    const { ChangeSetId } = v.parse(v.object({ ChangeSetId: v.string() }), await changeSet(longer));
    expect(await call('DescribeChangeSet', { ChangeSetName: ChangeSetId })).toMatchObject({ ChangeSetName: 'next' });
    for (const operation of ['DescribeChangeSet', 'ExecuteChangeSet', 'DeleteChangeSet']) {
      await expect(call(operation, { ChangeSetName: 'next' })).rejects.toThrow(
        'StackName must be specified if ChangeSetName is not specified as an ARN.',
      );
      await expect(call(operation, { ChangeSetName: 'next', StackName: 'none' })).rejects.toMatchObject({
        code: 'ValidationError',
        message: 'Stack [none] does not exist',
      });
    }
    await expect(call('DescribeChangeSet', { StackName, ChangeSetName: 'none' })).rejects.toMatchObject({
      code: 'ChangeSetNotFound',
      statusCode: 404,
      message: missing('none'),
    });
    // To delete what is not there succeeds.
    await call('DeleteChangeSet', { StackName, ChangeSetName: 'none' });
    await call('DeleteChangeSet', { ChangeSetName: ChangeSetId });
    await expect(call('ExecuteChangeSet', { ChangeSetName: ChangeSetId })).rejects.toThrow(missing(ChangeSetId));
  });

  it('is refused where an update is', async () => {
    const { call, cloudFormation } = await withStack(simple);
    const create = (more: object) =>
      call('CreateChangeSet', { StackName, ChangeSetName: 'next', TemplateBody: body(longer), ...more });
    await expect(create({ StackName: 'none' })).rejects.toThrow('Stack [none] does not exist');
    await expect(create({ ChangeSetType: 'CREATE' })).rejects.toThrow(
      'Stack [tenant] already exists and cannot be created again with the changeSet [next].',
    );
    await expect(create({ ChangeSetType: 'IMPORT' })).rejects.toMatchObject({ code: 'ValidationError' });
    await expect(create({ ImportExistingResources: 'true' })).rejects.toMatchObject({ code: 'ValidationError' });
    await expect(create({ OnStackFailure: 'DELETE' })).rejects.toMatchObject({ code: 'ValidationError' });
    await expect(create({ UsePreviousTemplate: 'true' })).rejects.toThrow(/^You cannot specify both/);
    await expect(create({ TemplateBody: body({ Resources: { Queue: bus('x') } }) })).rejects.toThrow(
      /^Update of resource type is not permitted/,
    );
    await expect(create({ RoleARN: 'arn:aws:iam::111111111111:role/none' })).rejects.toThrow(
      /is invalid or cannot be assumed$/,
    );
    const role = { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: { Statement: [] } } };
    await expect(create({ TemplateBody: body({ Resources: { role } }) })).rejects.toMatchObject({
      code: 'InsufficientCapabilitiesException',
    });
    cloudFormation.setStatus(StackName, 'UPDATE_IN_PROGRESS');
    await expect(create({})).rejects.toThrow(/^Stack:arn:.+ is in UPDATE_IN_PROGRESS state and can not be updated\.$/);
    expect(await call('ListChangeSets', { StackName })).toEqual({ Summaries: [] });
  });
});
