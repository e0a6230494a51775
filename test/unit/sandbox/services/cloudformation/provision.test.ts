import { describe, expect, it } from 'vitest';
import { handlerPermissions, permissionsOf } from '../../../../../sandbox/core/handler-permissions.ts';
import { decide } from '../../../../../sandbox/core/policies/policy.ts';
import { createInput, setUp, templateUrl, trackingWithKey } from './cloudformation-fixture.ts';

const failing = {
  customResource() {
    throw new Error('Expired token');
  },
};

describe('a creation that succeeds', () => {
  it('reports each status of the stack on the event bus, in order', async () => {
    const { call, settled, published } = setUp();
    await call('CreateStack', createInput({}, { ClientRequestToken: 'attempt-1' }));
    const { stackId, events } = await settled('tenant-acme');
    expect(new Set(events.map(({ ClientRequestToken }) => ClientRequestToken))).toEqual(new Set(['attempt-1']));
    const before = events.length;
    await call('DeleteStack', { StackName: 'tenant-acme', ClientRequestToken: 'cleanup' });
    await settled(stackId);
    const later = events.slice(before).map(({ ClientRequestToken }) => ClientRequestToken);
    expect(new Set(later)).toEqual(new Set(['cleanup']));
    const event = (status: string, reason: string, token: string) => ({
      source: 'aws.cloudformation',
      'detail-type': 'CloudFormation Stack Status Change',
      account: '111111111111',
      region: 'us-east-1',
      resources: [stackId],
      detail: {
        'stack-id': stackId,
        'status-details': { status, 'status-reason': reason },
        'client-request-token': token,
      },
    });
    expect(published).toEqual([
      event('CREATE_IN_PROGRESS', 'User Initiated', 'attempt-1'),
      event('CREATE_COMPLETE', '', 'attempt-1'),
      event('DELETE_IN_PROGRESS', 'User Initiated', 'cleanup'),
      event('DELETE_COMPLETE', '', 'cleanup'),
    ]);
  });

  it('begins with what needs nothing and ends with what needs all', async () => {
    const { call, settled } = setUp();
    await call('CreateStack', createInput());
    const { events } = await settled('tenant-acme');
    const lines = events.map(({ LogicalResourceId, ResourceStatus, ResourceStatusReason }) =>
      [LogicalResourceId, ResourceStatus, ResourceStatusReason].join(' ').trim(),
    );
    expect(lines).toEqual([
      'tenant-acme CREATE_IN_PROGRESS User Initiated',
      'ArtifactsBucket CREATE_IN_PROGRESS',
      'TrackingTable CREATE_IN_PROGRESS',
      'ArtifactsBucket CREATE_IN_PROGRESS Resource creation Initiated',
      'ArtifactsBucket CREATE_COMPLETE',
      'TrackingTable CREATE_IN_PROGRESS Resource creation Initiated',
      'TrackingTable CREATE_COMPLETE',
      'ServiceRole CREATE_IN_PROGRESS',
      'ServiceRole CREATE_IN_PROGRESS Resource creation Initiated',
      'ServiceRole CREATE_COMPLETE',
      'Subscriber CREATE_IN_PROGRESS',
      'Subscriber CREATE_IN_PROGRESS Resource creation Initiated',
      'Subscriber CREATE_COMPLETE',
      'tenant-acme CREATE_COMPLETE',
    ]);
  });

  it('acts as the service role, and says what it does', async () => {
    const { call, settled, accesses, serviceRole, cloudFormation } = setUp();
    await call('CreateStack', createInput());
    await settled('tenant-acme');
    expect(new Set(accesses.map(({ caller }) => `${caller.principalArn} via ${caller.via}`))).toEqual(
      new Set([`${serviceRole.arn} via cloudformation.amazonaws.com`]),
    );
    const bucket = `arn:aws:s3:::${cloudFormation.buckets()[0]?.name}`;
    const table = 'arn:aws:dynamodb:us-east-1:111111111111:table/InfinStorMlflow-Acme';
    const role = 'arn:aws:iam::111111111111:role/RoleForInfinStorMlflowService-Acme';
    const of = (type: keyof typeof handlerPermissions, resource: string, properties: string[] = []) =>
      permissionsOf(handlerPermissions[type].create, properties).map((action) => [action, resource]);
    expect(accesses.map(({ access }) => [access.action, access.resource])).toEqual([
      ...of('AWS::S3::Bucket', bucket, ['BucketEncryption', 'CorsConfiguration']),
      ...of('AWS::DynamoDB::Table', table),
      ...of('AWS::IAM::Role', role, ['Policies']),
      ['lambda:InvokeFunction', 'arn:aws:lambda:us-east-1:999999999999:function:infinstor-subscriber'],
    ]);
  });
});

describe('a creation without a service role', () => {
  it('acts with the rights of the caller of CreateStack', async () => {
    const { call, settled, accesses, serviceRole } = setUp();
    await call('CreateStack', { ...createInput(), RoleARN: undefined });
    expect((await settled('tenant-acme')).status).toBe('CREATE_COMPLETE');
    const [first] = accesses;
    expect(first?.caller).toMatchObject({
      arn: expect.stringMatching(/\/cloudformation$/),
      principalArn: serviceRole.arn,
      via: 'cloudformation.amazonaws.com',
    });
  });
});

describe('a creation that fails', () => {
  it('rolls back and keeps the reason', async () => {
    const { call, settled, published, iam, cloudFormation } = setUp(failing);
    await call('CreateStack', createInput({}, { RetainExceptOnCreate: 'true' }));
    const stack = await settled('tenant-acme');
    expect(stack.status).toBe('ROLLBACK_COMPLETE');
    expect(published.map(({ detail }) => detail['status-details'])).toEqual([
      { status: 'CREATE_IN_PROGRESS', 'status-reason': 'User Initiated' },
      {
        status: 'ROLLBACK_IN_PROGRESS',
        'status-reason': 'The following resource(s) failed to create: [Subscriber]. Rollback requested by user.',
      },
      { status: 'ROLLBACK_COMPLETE', 'status-reason': '' },
    ]);
    const failed = stack.events.filter(({ ResourceStatus }) => ResourceStatus === 'CREATE_FAILED');
    expect(failed).toEqual([
      expect.objectContaining({
        LogicalResourceId: 'Subscriber',
        ResourceStatusReason: expect.stringMatching(
          /^Received response status \[FAILED\] from custom resource\. Message returned: Expired token \(RequestId: /,
        ),
      }),
    ]);
    const deleted = stack.events.filter(({ ResourceStatus }) => ResourceStatus === 'DELETE_COMPLETE');
    expect(deleted.map(({ LogicalResourceId }) => LogicalResourceId)).toEqual([
      'Subscriber',
      'ServiceRole',
      'TrackingTable',
      'ArtifactsBucket',
    ]);
    expect(iam.role('RoleForInfinStorMlflowService-Acme')).toBeUndefined();
    expect(cloudFormation.buckets()).toEqual([]);
    expect(cloudFormation.tables()).toEqual([]);
  });

  it('leaves retained resources behind without RetainExceptOnCreate, and the next try fails on them', async () => {
    const { call, settled, cloudFormation } = setUp(failing);
    await call('CreateStack', createInput());
    const { stackId, resources } = await settled('tenant-acme');
    expect(resources.map(({ logicalId, status }) => `${logicalId} ${status}`)).toEqual([
      'ArtifactsBucket DELETE_SKIPPED',
      'TrackingTable DELETE_SKIPPED',
      'ServiceRole DELETE_COMPLETE',
      'Subscriber DELETE_COMPLETE',
    ]);
    expect(cloudFormation.tables()).toHaveLength(1);
    await call('DeleteStack', { StackName: stackId });
    await settled(stackId);
    await call('CreateStack', createInput());
    const next = await settled('tenant-acme');
    expect(next.events.find(({ ResourceStatus }) => ResourceStatus === 'CREATE_FAILED')).toMatchObject({
      LogicalResourceId: 'TrackingTable',
      ResourceStatusReason: 'InfinStorMlflow-Acme already exists',
    });
  });

  it('says of a table that no stack has made that it already exists', async () => {
    const { call, settled, dynamoDb } = setUp();
    await dynamoDb.createTable({
      TableName: 'InfinStorMlflow-Acme',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    });
    await call('CreateStack', createInput());
    const { events } = await settled('tenant-acme');
    expect(events.find(({ ResourceStatus }) => ResourceStatus === 'CREATE_FAILED')).toMatchObject({
      LogicalResourceId: 'TrackingTable',
      ResourceStatusReason: 'InfinStorMlflow-Acme already exists',
    });
  });

  it('cancels what is under way, after the event of the first failure', async () => {
    const { call, settled } = setUp({
      onAccess(_caller, { action }) {
        if (action === 's3:CreateBucket') throw new Error('not authorized to perform: s3:CreateBucket');
      },
    });
    await call('CreateStack', createInput());
    const { events, resources, statusReason, status } = await settled('tenant-acme');
    const failed = events.filter(({ ResourceStatus }) => ResourceStatus === 'CREATE_FAILED');
    expect(
      failed.map(({ LogicalResourceId, ResourceStatusReason }) => [LogicalResourceId, ResourceStatusReason]),
    ).toEqual([
      ['ArtifactsBucket', 'not authorized to perform: s3:CreateBucket'],
      ['TrackingTable', 'Resource creation cancelled'],
    ]);
    expect(events.find(({ ResourceStatus }) => ResourceStatus === 'ROLLBACK_IN_PROGRESS')?.ResourceStatusReason).toBe(
      'The following resource(s) failed to create: [ArtifactsBucket, TrackingTable]. Rollback requested by user.',
    );
    expect([status, statusReason]).toEqual(['ROLLBACK_COMPLETE', undefined]);
    // What was never made cannot be retained.
    expect(resources.map((resource) => resource.status)).toEqual(['DELETE_COMPLETE', 'DELETE_COMPLETE']);
  });

  it('fails on a key that the maker of the table may not use', async () => {
    const { call, settled } = setUp({
      keyActions: 'kms:D*',
      onAccess(caller, access) {
        if (access.action.startsWith('kms:') && !decide(caller, access).allowed) throw new Error(`No ${access.action}`);
      },
    });
    await call('CreateStack', createInput(trackingWithKey));
    const { events, status } = await settled('tenant-acme');
    expect(status).toBe('ROLLBACK_COMPLETE');
    expect(events.find(({ ResourceStatus }) => ResourceStatus === 'CREATE_FAILED')).toMatchObject({
      LogicalResourceId: 'TrackingTable',
      ResourceStatusReason: 'No kms:Encrypt',
    });
  });

  it('fails on a role name that is taken, ignoring case', async () => {
    const { call, settled, iam } = setUp();
    iam.createRole({
      roleName: 'roleforinfinstormlflowservice-acme',
      assumeRolePolicyDocument: { Version: '2012-10-17', Statement: [] },
    });
    await call('CreateStack', createInput());
    const { events } = await settled('tenant-acme');
    expect(events.find(({ ResourceStatus }) => ResourceStatus === 'CREATE_FAILED')).toMatchObject({
      LogicalResourceId: 'ServiceRole',
      ResourceStatusReason: 'Role with name RoleForInfinStorMlflowService-Acme already exists.',
    });
    // The role of somebody else is not part of the rollback.
    expect(iam.role('roleforinfinstormlflowservice-acme')).toBeDefined();
  });

  it.each([
    ['DO_NOTHING', 'CREATE_FAILED'],
    ['DELETE', 'DELETE_COMPLETE'],
  ])('with OnFailure %s ends in %s', async (OnFailure, status) => {
    const { call, settled, cloudFormation } = setUp(failing);
    await call('CreateStack', createInput({}, { OnFailure, RetainExceptOnCreate: 'true' }));
    expect((await settled('tenant-acme')).status).toBe(status);
    expect(cloudFormation.buckets()).toHaveLength(OnFailure === 'DELETE' ? 0 : 1);
  });

  it('ends in ROLLBACK_FAILED when something cannot be deleted', async () => {
    const { call, settled } = setUp({
      ...failing,
      onAccess(_caller, { action }) {
        if (action === 'iam:DeleteRole') throw new Error('not authorized to perform: iam:DeleteRole');
      },
    });
    await call('CreateStack', createInput());
    const { status, statusReason } = await settled('tenant-acme');
    expect([status, statusReason]).toEqual([
      'ROLLBACK_FAILED',
      'The following resource(s) failed to delete: [ServiceRole].',
    ]);
  });

  it('stops at TimeoutInMinutes', async () => {
    const many = Array.from({ length: 40 }, (_, index) => `  B${index}: { Type: 'AWS::S3::Bucket' }`).join('\n');
    const { call, settled, cloudFormation } = setUp({ templates: { many: `Resources:\n${many}` } });
    const TemplateURL = templateUrl('many');
    await call('CreateStack', createInput({}, { TemplateURL, Parameters: [], TimeoutInMinutes: '1' }));
    const { events, status } = await settled('tenant-acme');
    expect(status).toBe('ROLLBACK_COMPLETE');
    const rollback = events.find(({ ResourceStatus }) => ResourceStatus === 'ROLLBACK_IN_PROGRESS');
    expect(rollback?.ResourceStatusReason).toMatch(/^Stack creation time exceeded the specified timeout\./);
    expect(cloudFormation.buckets()).toEqual([]);
  });
});

describe('deletion', () => {
  it('keeps what the template retains', async () => {
    const { call, settled, cloudFormation, iam } = setUp();
    await call('CreateStack', createInput({}, { RetainExceptOnCreate: 'true' }));
    const { stackId } = await settled('tenant-acme');
    await call('DeleteStack', { StackName: stackId });
    expect(cloudFormation.stack(stackId)?.status).toBe('DELETE_IN_PROGRESS');
    expect((await settled(stackId)).status).toBe('DELETE_COMPLETE');
    expect(iam.role('RoleForInfinStorMlflowService-Acme')).toBeUndefined();
    expect(cloudFormation.buckets()).toHaveLength(1);
    expect(cloudFormation.tables()).toHaveLength(1);
  });

  it('stops a creation that is under way', async () => {
    const { call, settled, calls, accesses, published } = setUp();
    await call('CreateStack', createInput());
    await call('DeleteStack', { StackName: 'tenant-acme' });
    const { status } = await settled('tenant-acme');
    expect(status).toBe('DELETE_COMPLETE');
    expect(calls).toEqual([]);
    expect(accesses).toEqual([]);
    expect(published.map(({ detail }) => detail['status-details'].status)).toEqual([
      'CREATE_IN_PROGRESS',
      'DELETE_IN_PROGRESS',
      'DELETE_COMPLETE',
    ]);
  });

  it('acts as the role that the stack was created with, unless it names another one', async () => {
    const { call, settled, accesses, serviceRole } = setUp();
    await call('CreateStack', createInput());
    const { stackId } = await settled('tenant-acme');
    accesses.length = 0;
    await call('DeleteStack', { StackName: stackId });
    await settled(stackId);
    expect(accesses.map(({ caller, access }) => [caller.via, caller.principalArn, access.action])).toEqual([
      ['cloudformation.amazonaws.com', serviceRole.arn, 'iam:GetRole'],
      ['cloudformation.amazonaws.com', serviceRole.arn, 'iam:ListAttachedRolePolicies'],
      ['cloudformation.amazonaws.com', serviceRole.arn, 'iam:ListRolePolicies'],
      ['cloudformation.amazonaws.com', serviceRole.arn, 'iam:DeleteRole'],
      ['cloudformation.amazonaws.com', serviceRole.arn, 'iam:DeleteRolePolicy'],
    ]);
  });

  it('goes on when it is asked for again', async () => {
    const { call, settled, published, cloudFormation } = setUp();
    await call('CreateStack', createInput());
    const { stackId } = await settled('tenant-acme');
    await call('DeleteStack', { StackName: stackId });
    await call('DeleteStack', { StackName: stackId });
    await settled(stackId);
    const deletions = published.filter(({ detail }) => detail['status-details'].status === 'DELETE_IN_PROGRESS');
    expect(deletions).toHaveLength(1);
    expect(cloudFormation.stack(stackId)?.status).toBe('DELETE_COMPLETE');
  });

  it('is refused while the stack rolls back', async () => {
    const { call, clock, cloudFormation } = setUp(failing);
    await call('CreateStack', createInput());
    while (cloudFormation.stack('tenant-acme')?.status === 'CREATE_IN_PROGRESS') await clock.sleep(100);
    await expect(call('DeleteStack', { StackName: 'tenant-acme' })).rejects.toThrow(
      'cannot be deleted while in status ROLLBACK_IN_PROGRESS',
    );
  });
});

it("fails a role to which two of the stack's tags are one", async () => {
  const { call, settled } = setUp();
  const tags = (Key: string) => ({ Key, Value: 'ml' });
  await call('CreateStack', createInput({}, { Tags: [tags('team'), tags('Team')] }));
  const { status, resources } = await settled('tenant-acme');
  expect(status).toBe('ROLLBACK_COMPLETE');
  expect(resources.find(({ type }) => type === 'AWS::IAM::Role')?.provisioned).toBeUndefined();
});
