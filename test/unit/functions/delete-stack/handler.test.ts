import {
  CloudFormationClient,
  CloudFormationServiceException,
  DeleteStackCommand,
  DescribeStacksCommand,
  GetTemplateCommand,
  ListStackResourcesCommand,
  StackStatus,
} from '@aws-sdk/client-cloudformation';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../../functions/delete-stack/environment.ts';
import { environmentOf } from '../environment.ts';
import { errorOf, lambda } from '../lambda.ts';
import { offboardingPlan, ownTags } from '../offboarding-plan.ts';
import { accounts } from '../other-account.ts';
import { ownRecord } from '../own-record.ts';
import { stackId } from '../plan.ts';

const serviceRoleArn = 'arn:aws:iam::111111111111:role/stack-service';
const anHourLater = '2026-01-01T13:00:00.000Z';
const validationError = (message: string) =>
  new CloudFormationServiceException({ name: 'ValidationError', message, $fault: 'client', $metadata: {} });
const notFound = validationError(`Stack with id ${stackId} does not exist`);

function setUp({
  status,
  tags = ownTags,
  policy = 'Retain',
}: {
  status?: StackStatus;
  tags?: typeof ownTags;
  policy?: string;
}) {
  ownRecord(offboardingPlan.executionArn);
  const cloudFormation = mockClient(CloudFormationClient);
  cloudFormation.on(DescribeStacksCommand).rejects(notFound);
  if (status !== undefined) {
    const stack = { StackId: stackId, StackName: 'infinstor-subscriber-acme', CreationTime: new Date(0), Tags: tags };
    cloudFormation
      .on(DescribeStacksCommand, { StackName: stackId })
      .resolves({ Stacks: [{ ...stack, StackStatus: status }] });
  }
  cloudFormation.on(ListStackResourcesCommand, { StackName: stackId }).resolves({
    StackResourceSummaries: [
      {
        LogicalResourceId: 'Bucket',
        PhysicalResourceId: 'acme-bucket',
        ResourceType: 'AWS::S3::Bucket',
        ResourceStatus: 'CREATE_COMPLETE',
        LastUpdatedTimestamp: new Date(0),
      },
    ],
  });
  cloudFormation
    .on(GetTemplateCommand, { StackName: stackId, TemplateStage: 'Processed' })
    .resolves({ TemplateBody: JSON.stringify({ Resources: { Bucket: { DeletionPolicy: policy } } }) });
  cloudFormation.on(DeleteStackCommand).resolves({});
  const load = () => import('../../../../functions/delete-stack/handler.ts');
  return {
    cloudFormation,
    invoke: lambda(load, environmentOf(environmentSchema, { STACK_SERVICE_ROLE_ARN: serviceRoleArn })),
    deletions: () => cloudFormation.commandCalls(DeleteStackCommand).map(({ args: [{ input }] }) => input),
  };
}

const waited: StackStatus[] = [
  'CREATE_IN_PROGRESS',
  'ROLLBACK_IN_PROGRESS',
  'UPDATE_IN_PROGRESS',
  'UPDATE_ROLLBACK_IN_PROGRESS',
  'UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS',
  'IMPORT_IN_PROGRESS',
  'IMPORT_ROLLBACK_IN_PROGRESS',
];
const going: StackStatus[] = ['DELETE_IN_PROGRESS', 'DELETE_COMPLETE'];

describe('a stack', () => {
  it.each(waited)('in %s is waited for, and decided about anew', async (status) => {
    const { invoke, deletions } = setUp({ status });
    expect(await invoke({ plan: offboardingPlan })).toEqual({ stackId, goal: 'settled', deadline: anHourLater });
    expect(deletions()).toEqual([]);
  });

  it.each(going)('in %s needs no deletion', async (status) => {
    const { invoke, deletions } = setUp({ status });
    expect(await invoke({ plan: offboardingPlan })).toEqual({ stackId, goal: 'deleted', deadline: anHourLater });
    expect(deletions()).toEqual([]);
  });

  const others = Object.values(StackStatus).filter((status) => ![...waited, ...going].includes(status));
  it.each(others)('in %s is deleted, by its id', async (status) => {
    const { invoke, deletions, cloudFormation } = setUp({ status });
    expect(await invoke({ plan: offboardingPlan })).toEqual({ stackId, goal: 'deleted', deadline: anHourLater });
    expect(deletions()).toEqual([{ StackName: stackId, RoleARN: serviceRoleArn }]);
    expect(await cloudFormation.call(0).thisValue.config.region()).toBe('eu-west-1');
  });

  it('that is not there is left to a wait that ends at once', async () => {
    const { invoke, deletions } = setUp({});
    expect(await invoke({ plan: offboardingPlan })).toMatchObject({ stackId, goal: 'deleted' });
    const { stackId: _, ...unknown } = offboardingPlan.stack;
    const plan = { ...offboardingPlan, stack: unknown };
    expect(await invoke({ plan })).toMatchObject({ stackId: 'infinstor-subscriber-acme', goal: 'deleted' });
    expect(deletions()).toEqual([]);
  });

  it.each([
    ['another subscriber', [ownTags[0], { Key: 'infinstor-onboarding:subscriber', Value: 'other' }]],
    ['another deployment', [{ Key: 'infinstor-onboarding:deployment', Value: 'infinstor/prod/' }, ownTags[1]]],
    ['somebody else', []],
  ])('of %s stays: StackNeedsAttention', async (_, some) => {
    const tags = some.filter((tag) => tag !== undefined);
    const { invoke, deletions } = setUp({ status: 'CREATE_COMPLETE', tags });
    await expect(invoke({ plan: offboardingPlan })).rejects.toMatchObject(
      errorOf('StackNeedsAttention', 'was not made by the onboarding of Acme'),
    );
    expect(deletions()).toEqual([]);
  });

  it('whose template has changed since stays, unless its data may go: DataNotRetained', async () => {
    const { invoke, deletions } = setUp({ status: 'UPDATE_COMPLETE', policy: 'Delete' });
    await expect(invoke({ plan: offboardingPlan })).rejects.toMatchObject(
      errorOf('DataNotRetained', 'Bucket (AWS::S3::Bucket)'),
    );
    expect(deletions()).toEqual([]);
    await invoke({ plan: { ...offboardingPlan, keepData: false } });
    expect(deletions()).toEqual([{ StackName: stackId, RoleARN: serviceRoleArn }]);
  });

  it('of another account is deleted with the role of that account', async () => {
    const { invoke, deletions } = setUp({ status: 'CREATE_COMPLETE' });
    const plan = { ...offboardingPlan, stack: { ...offboardingPlan.stack, accountId: '222222222222' } };
    await invoke({ plan }, { ACCOUNTS: JSON.stringify(accounts) });
    expect(deletions()).toEqual([{ StackName: stackId, RoleARN: accounts['222222222222'].stackServiceRoleArn }]);
  });

  it('that was protected meanwhile stays: StackNeedsAttention', async () => {
    const { invoke, cloudFormation } = setUp({ status: 'CREATE_COMPLETE' });
    cloudFormation
      .on(DeleteStackCommand)
      .rejects(validationError(`Stack [${stackId}] cannot be deleted while TerminationProtection is enabled`));
    await expect(invoke({ plan: offboardingPlan })).rejects.toMatchObject(
      errorOf('StackNeedsAttention', 'has termination protection'),
    );
    const other = validationError(`Role ${serviceRoleArn} is invalid or cannot be assumed`);
    cloudFormation.on(DeleteStackCommand).rejects(other);
    await expect(invoke({ plan: offboardingPlan })).rejects.toMatchObject(errorOf('ValidationError', serviceRoleArn));
  });

  it('is deleted when its data is retained except on creation', async () => {
    const { invoke, deletions } = setUp({ status: 'CREATE_COMPLETE', policy: 'RetainExceptOnCreate' });
    await invoke({ plan: offboardingPlan });
    expect(deletions()).toHaveLength(1);
  });
});
