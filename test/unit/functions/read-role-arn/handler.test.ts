import {
  CloudFormationClient,
  ListStackResourcesCommand,
  type StackResourceSummary,
} from '@aws-sdk/client-cloudformation';
import { GetRoleCommand, IAMClient, NoSuchEntityException, type Role } from '@aws-sdk/client-iam';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../../functions/read-role-arn/environment.ts';
import { environmentOf } from '../environment.ts';
import { errorOf, lambda } from '../lambda.ts';
import { plan, role, stack, stackId } from '../plan.ts';

const event = { plan, stack };
const { roleName, roleId } = role;
// A path and a partition, neither of which the stack tells.
const roleArn = `arn:aws-us-gov:iam::111111111111:role/vendor/${roleName}`;
const iamRole: Role = { Path: '/vendor/', RoleName: roleName, RoleId: roleId, Arn: roleArn, CreateDate: new Date(0) };

// A nested stack's physical id is its ARN.
const child = 'arn:aws-us-gov:cloudformation:eu-west-1:111111111111:stack/child/1';
const grandchild = 'arn:aws-us-gov:cloudformation:eu-west-1:111111111111:stack/grandchild/1';

const resource = (PhysicalResourceId: string | undefined, ResourceType = 'AWS::IAM::Role'): StackResourceSummary => ({
  LogicalResourceId: PhysicalResourceId ?? 'Pending',
  PhysicalResourceId,
  ResourceType,
  LastUpdatedTimestamp: new Date(0),
  ResourceStatus: 'CREATE_COMPLETE',
});

/** The function, with a stack whose resources come in these pages. */
function setUp(...pages: StackResourceSummary[][]) {
  const cloudFormation = mockClient(CloudFormationClient);
  pages.forEach((StackResourceSummaries, index) => {
    const NextToken = index + 1 < pages.length ? `page-${index + 1}` : undefined;
    const request = { StackName: stackId, NextToken: index === 0 ? undefined : `page-${index}` };
    cloudFormation.on(ListStackResourcesCommand, request).resolves({ StackResourceSummaries, NextToken });
  });
  const iam = mockClient(IAMClient);
  iam.on(GetRoleCommand, { RoleName: roleName }).resolves({ Role: iamRole });
  const environment = environmentOf(environmentSchema);
  const invoke = lambda(() => import('../../../../functions/read-role-arn/handler.ts'), environment);
  return { invoke, cloudFormation, iam };
}

describe("the stack's role", () => {
  it('is found by its name on any page, and its ARN and id come from IAM', async () => {
    const others = [
      resource('InfinStorBucket', 'AWS::S3::Bucket'),
      resource('SomeOtherRole'),
      resource(undefined),
      resource(`${roleName}-policy`, 'AWS::IAM::ManagedPolicy'),
    ];
    const { invoke, cloudFormation } = setUp(others, [], [resource(roleName)]);
    expect(await invoke(event)).toEqual({ roleName, roleArn, roleId });
    const client: CloudFormationClient = cloudFormation.call(0).thisValue;
    expect(await client.config.region()).toBe(plan.stack.region);
  });

  it('is the one that is there, where an update has replaced another', async () => {
    const replaced = {
      ...resource('RoleForInfinStorMlflowService-Acme-before'),
      ResourceStatus: 'DELETE_COMPLETE' as const,
    };
    const { invoke } = setUp([replaced, resource(roleName)]);
    expect(await invoke(event)).toEqual({ roleName, roleArn, roleId });
    await expect(setUp([replaced]).invoke(event)).rejects.toMatchObject(errorOf('RoleNotFound', stackId));
  });

  it('comes with what an offboarding had left and this stack owns', async () => {
    const table = { type: 'AWS::DynamoDB::Table', physicalId: 'InfinStorMlflow-Acme' };
    const bucket = { type: 'AWS::S3::Bucket', physicalId: 'acme-1' };
    const left = { type: 'AWS::DynamoDB::Table', physicalId: 'acme-left' };
    const { invoke } = setUp([
      resource(roleName),
      resource(table.physicalId, table.type),
      resource(bucket.physicalId, 'AWS::S3::BucketPolicy'),
      { ...resource(left.physicalId, left.type), ResourceStatus: 'DELETE_SKIPPED' },
    ]);
    const returning = { plan: { ...plan, retained: [table, bucket, left] }, stack };
    expect(await invoke(returning)).toEqual({ roleName, roleArn, roleId, regained: [table] });
    const nothing = { plan: { ...plan, retained: [bucket] }, stack };
    expect(await invoke(nothing)).toEqual({ roleName, roleArn, roleId });
  });

  it('is found whatever the case of the configured prefix, as role names are unique ignoring case', async () => {
    const { invoke } = setUp([resource(roleName)]);
    expect(await invoke(event, { ROLE_NAME_PREFIX: 'roleforinfinstormlflowservice-' })).toMatchObject({ roleName });
  });

  it('is found in a stack nested in a nested one, on any page', async () => {
    const { invoke, cloudFormation } = setUp([resource(child, 'AWS::CloudFormation::Stack')], [resource('Other')]);
    cloudFormation
      .on(ListStackResourcesCommand, { StackName: child, NextToken: undefined })
      .resolves({ StackResourceSummaries: [resource('Another')], NextToken: 'next' })
      .on(ListStackResourcesCommand, { StackName: child, NextToken: 'next' })
      .resolves({ StackResourceSummaries: [resource(grandchild, 'AWS::CloudFormation::Stack')] })
      .on(ListStackResourcesCommand, { StackName: grandchild })
      .resolves({ StackResourceSummaries: [resource(roleName)] });
    expect(await invoke(event)).toEqual({ roleName, roleArn, roleId });
  });

  it('is RoleAmbiguous when a nested stack has another that fits', async () => {
    const { invoke, cloudFormation } = setUp([resource(child, 'AWS::CloudFormation::Stack'), resource(roleName)]);
    cloudFormation
      .on(ListStackResourcesCommand, { StackName: child })
      .resolves({ StackResourceSummaries: [resource(`${roleName}-2`)] });
    await expect(invoke(event)).rejects.toMatchObject(errorOf('RoleAmbiguous', `${roleName}, ${roleName}-2`));
  });

  it('is RoleNotFound when no role has the prefix', async () => {
    const { invoke, iam } = setUp([resource(`Other-${roleName}`)]);
    await expect(invoke(event)).rejects.toMatchObject(errorOf('RoleNotFound', stackId));
    expect(iam.calls()).toEqual([]);
  });

  it('is RoleAmbiguous when several have it, which are named', async () => {
    const { invoke, iam } = setUp([resource(roleName)], [resource(`${roleName}-2`)]);
    await expect(invoke(event)).rejects.toMatchObject(errorOf('RoleAmbiguous', `${roleName}, ${roleName}-2`));
    expect(iam.calls()).toEqual([]);
  });

  it('is PrincipalNotVisible, which is retried, while IAM does not show it', async () => {
    const { invoke, iam } = setUp([resource(roleName)]);
    iam.on(GetRoleCommand).rejects(new NoSuchEntityException({ message: 'no such role', $metadata: {} }));
    await expect(invoke(event)).rejects.toMatchObject({ name: 'PrincipalNotVisible' });
  });

  it('is RoleNotFound when IAM returns nothing of it', async () => {
    const { invoke, iam } = setUp([resource(roleName)]);
    iam.on(GetRoleCommand).resolves({});
    await expect(invoke(event)).rejects.toMatchObject({ name: 'RoleNotFound' });
  });
});

it.each([
  ['missing', undefined],
  ['empty, which would fit every role', ''],
])('refuses a prefix that is %s: InvalidConfiguration', async (_, prefix) => {
  const { invoke } = setUp([resource(roleName)]);
  await expect(invoke(event, { ROLE_NAME_PREFIX: prefix })).rejects.toMatchObject(
    errorOf('InvalidConfiguration', 'ROLE_NAME_PREFIX'),
  );
});
