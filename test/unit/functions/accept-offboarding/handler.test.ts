import {
  CloudFormationClient,
  CloudFormationServiceException,
  DescribeStacksCommand,
  GetTemplateCommand,
  ListStackResourcesCommand,
  type Stack,
  type StackResourceSummary,
} from '@aws-sdk/client-cloudformation';
import { GetKeyPolicyCommand, KMSClient, KMSServiceException, NotFoundException } from '@aws-sdk/client-kms';
import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient, GetCommand, QueryCommand, ScanCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../../functions/accept-offboarding/environment.ts';
import { environmentOf } from '../environment.ts';
import { keyPolicy } from '../key-policy.ts';
import { errorOf, lambda, now } from '../lambda.ts';
import { offboardingArn, ownTags } from '../offboarding-plan.ts';
import { executionArn, stackId } from '../plan.ts';

const roleArn = 'arn:aws:iam::111111111111:role/vendor/RoleForInfinStorMlflowService-Acme';
const keyArn = 'arn:aws:kms:eu-west-1:111111111111:key/11111111-1111-4111-8111-111111111111';
const otherKey = keyArn.replaceAll('1111-', '2222-');
const record = {
  userName: 'Acme',
  emailId: 'mlops@acme.example',
  status: 'ACTIVE',
  executionArn,
  updatedAt: now.toISOString(),
  attempts: [],
  stackId,
  roleArn,
  keyArns: [keyArn],
};
const request = { subscriber: { userName: 'acme' }, confirm: 'acme' };
const live: Stack = {
  StackId: stackId,
  StackName: 'infinstor-subscriber-acme',
  CreationTime: new Date(0),
  StackStatus: 'CREATE_COMPLETE',
  Tags: ownTags,
};
const resource = (LogicalResourceId: string, ResourceType: string, fields: Partial<StackResourceSummary> = {}) => ({
  LogicalResourceId,
  ResourceType,
  PhysicalResourceId: `acme-${LogicalResourceId}`,
  ResourceStatus: 'CREATE_COMPLETE' as const,
  LastUpdatedTimestamp: new Date(0),
  ...fields,
});
const notFound = new CloudFormationServiceException({
  name: 'ValidationError',
  message: 'Stack with id x does not exist',
  $fault: 'client',
  $metadata: {},
});

function setUp(item: object = record, stacks: Record<string, Stack> = { [stackId]: live }) {
  const documents = mockClient(DynamoDBDocumentClient);
  documents.on(GetCommand).resolves({ Item: item });
  documents.on(ScanCommand).resolves({ Items: [] });
  documents.on(UpdateCommand).resolves({});
  const stepFunctions = mockClient(SFNClient);
  stepFunctions.on(DescribeExecutionCommand).resolves({ executionArn, status: 'SUCCEEDED' });
  const cloudFormation = mockClient(CloudFormationClient);
  cloudFormation.on(DescribeStacksCommand).rejects(notFound);
  for (const [name, stack] of Object.entries(stacks)) {
    cloudFormation.on(DescribeStacksCommand, { StackName: name }).resolves({ Stacks: [stack] });
  }
  cloudFormation.on(ListStackResourcesCommand).resolves({ StackResourceSummaries: [] });
  const kms = mockClient(KMSClient);
  kms.on(GetKeyPolicyCommand).resolves({ Policy: JSON.stringify(keyPolicy(roleArn)) });
  const load = () => import('../../../../functions/accept-offboarding/handler.ts');
  const invoke = lambda(load, environmentOf(environmentSchema));
  return {
    documents,
    cloudFormation,
    kms,
    accept: () => invoke({ request, executionArn: offboardingArn }),
    claims: () => documents.commandCalls(UpdateCommand).map(({ args: [{ input }] }) => input),
  };
}

describe('accepting an offboarding', () => {
  it('plans what is to go, and claims the subscriber last of all', async () => {
    const { accept, claims, documents, kms } = setUp();
    expect(await accept()).toEqual({
      subscriber: { userName: 'Acme' },
      executionArn: offboardingArn,
      keepData: true,
      stack: {
        name: 'infinstor-subscriber-acme',
        stackId,
        accountId: '111111111111',
        region: 'eu-west-1',
        tags: Object.fromEntries(ownTags.map(({ Key, Value }) => [Key, Value])),
        pollSeconds: 30,
      },
      // With the path that only the record knows.
      roleArns: [roleArn],
      keyArns: [keyArn],
    });
    expect(claims()).toMatchObject([
      { ExpressionAttributeValues: { ':status': 'OFFBOARDING', ':stackId': stackId, ':keyArns': [keyArn] } },
    ]);
    expect(documents.calls().at(-1)?.args[0]).toBeInstanceOf(UpdateCommand);
    expect(await kms.call(0).thisValue.config.region()).toBe('eu-west-1');
  });

  it('finds roles and keys in the grants and the stack, too', async () => {
    const { accept, documents, cloudFormation } = setUp({ ...record, roleArn: undefined, keyArns: undefined });
    documents.on(ScanCommand).resolves({ Items: [{ pk: `KEY#${otherKey}`, roleArn, userName: 'ACME' }] });
    cloudFormation.on(ListStackResourcesCommand).resolves({
      StackResourceSummaries: [
        resource('Helper', 'AWS::IAM::Role'),
        resource('Gone', 'AWS::IAM::Role', { ResourceStatus: 'DELETE_COMPLETE' }),
        resource('Unmade', 'AWS::IAM::Role', { PhysicalResourceId: undefined }),
      ],
    });
    expect(await accept()).toMatchObject({
      roleArns: ['arn:aws:iam::111111111111:role/infinstor/acme-Helper', roleArn],
      keyArns: [otherKey],
    });
  });

  it('looks for grants on the keys that were asked for, where these are known', async () => {
    const { accept, documents } = setUp({
      ...record,
      attempts: [{ executionArn, startedAt: '2026-01-01T11:00:00.000Z' }],
      asked: { through: executionArn, keyArns: [otherKey, keyArn] },
    });
    const grant = { roleArn, roleId: 'AROA', userName: 'ACME', state: 'pending' };
    const of = (key: string, ...Items: object[]) =>
      documents
        .on(QueryCommand, { ExpressionAttributeValues: { ':pk': `KEY#${key}`, ':from': 'GRANT#', ':to': 'GRANT#~' } })
        .resolves({ Items: Items.map((Item) => ({ ...Item })) });
    of(keyArn, { ...grant, roleArn: 'arn:aws:iam::111111111111:role/other', userName: 'other' });
    of(otherKey, grant, { ...grant, roleArn: 'arn:aws:iam::111111111111:role/past', state: 'withdrawn', expiresAt: 1 });
    expect(await accept()).toMatchObject({ roleArns: [roleArn], keyArns: [keyArn, otherKey] });
    expect(documents.commandCalls(ScanCommand)).toHaveLength(0);
  });

  it.each<[string, object, Record<string, Stack>, string | undefined]>([
    [
      'by its name, when the record knows none',
      { ...record, stackId: undefined, home: { accountId: '111111111111', region: 'eu-west-1' } },
      { 'infinstor-subscriber-acme': live },
      stackId,
    ],
    [
      'by its name, when the one of the record is deleted',
      { ...record, stackId: 'arn:aws:cloudformation:eu-west-1:111111111111:stack/old/1' },
      {
        'arn:aws:cloudformation:eu-west-1:111111111111:stack/old/1': { ...live, StackStatus: 'DELETE_COMPLETE' },
        'infinstor-subscriber-acme': live,
      },
      stackId,
    ],
    ['as the one that it was, when it is gone', record, {}, stackId],
    [
      'as the one of the offboarding before',
      { ...record, stackId: undefined, offboarded: { stackId, keyArns: [], retained: [] } },
      {},
      stackId,
    ],
    ['nowhere, when there was none', { ...record, stackId: undefined }, {}, undefined],
  ])('finds the stack %s', async (_, item, stacks, expected) => {
    const { accept } = setUp(item, stacks);
    expect((await accept()).stack.stackId).toBe(expected);
  });

  it('looks for it where its onboarding has tried to make it, else where the deployment is', async () => {
    const home = { accountId: '111111111111', region: 'ap-south-1' };
    const first = await setUp({ ...record, stackId: undefined, home }, {}).accept();
    expect(first.stack).toMatchObject(home);
    const second = await setUp({ ...record, stackId: undefined }, {}).accept();
    expect(second.stack).toMatchObject({ region: 'us-east-1', pollSeconds: 600 });
  });

  it('does not mind a key that is gone', async () => {
    const { accept, kms } = setUp();
    kms.on(GetKeyPolicyCommand).rejects(new NotFoundException({ message: 'gone', $metadata: {} }));
    expect(await accept()).toMatchObject({ keyArns: [keyArn] });
  });
});

describe('a stack with the tag of version 0.1.0', () => {
  const former = { 'infinstor-onboarding:deployment': 'infinstor/test/', 'infinstor-onboarding:subscriber': 'acme' };
  const older = { ...live, Tags: Object.entries(former).map(([Key, Value]) => ({ Key, Value })) };

  it('is the subscriber’s when the registry knows it by its id, and is recognised by that tag', async () => {
    const { accept } = setUp(record, { [stackId]: older });
    expect(await accept()).toMatchObject({ stack: { stackId, tags: former } });
  });

  it('is nobody’s when it is known by its name alone', async () => {
    const { accept, claims } = setUp({ ...record, stackId: undefined }, { 'infinstor-subscriber-acme': older });
    await expect(accept()).rejects.toMatchObject(errorOf('StackNeedsAttention', 'was not made by'));
    expect(claims()).toEqual([]);
  });
});

describe('an offboarding is refused', () => {
  it.each<[string, Partial<Stack>, string]>([
    ['protected', { EnableTerminationProtection: true }, 'has termination protection'],
    ['somebody else’s', { Tags: [] }, 'was not made by the onboarding of Acme'],
  ])('while the stack is %s: StackNeedsAttention', async (_, fields, message) => {
    const { accept, claims } = setUp(record, { [stackId]: { ...live, ...fields } });
    await expect(accept()).rejects.toMatchObject(errorOf('StackNeedsAttention', message));
    expect(claims()).toEqual([]);
  });

  it('while the stack would take its data along: DataNotRetained, naming only that', async () => {
    const { accept, claims, cloudFormation } = setUp();
    cloudFormation.on(ListStackResourcesCommand).resolves({
      StackResourceSummaries: [
        resource('Bucket', 'AWS::S3::Bucket'),
        resource('Kept', 'AWS::S3::Bucket'),
        resource('Table', 'AWS::DynamoDB::Table'),
        resource('Global', 'AWS::DynamoDB::GlobalTable'),
        resource('Skipped', 'AWS::S3::Bucket', { ResourceStatus: 'DELETE_SKIPPED' }),
        resource('Role', 'AWS::IAM::Role'),
      ],
    });
    const TemplateBody = 'Resources:\n  Kept:\n    DeletionPolicy: Retain\n  Table:\n    DeletionPolicy: Snapshot\n';
    cloudFormation.on(GetTemplateCommand).resolves({ TemplateBody });
    await expect(accept()).rejects.toMatchObject(
      errorOf(
        'DataNotRetained',
        'of Bucket (AWS::S3::Bucket), Table (AWS::DynamoDB::Table), Global (AWS::DynamoDB::GlobalTable)',
      ),
    );
    expect(claims()).toEqual([]);
  });

  const closed = keyPolicy(roleArn).Statement.slice(1);
  it('while the policy of a key cannot be changed: KeyNotUsable, unless nobody is to be taken out of it', async () => {
    const { accept, claims, kms } = setUp();
    const denied = { Sid: 'Freeze', Effect: 'Deny', Principal: '*', Action: 'kms:Put*', Resource: '*' };
    const frozen = (...roles: string[]) => ({ Statement: [...keyPolicy(...roles).Statement, denied] });
    kms.on(GetKeyPolicyCommand).resolves({ Policy: JSON.stringify(frozen(roleArn)) });
    await expect(accept()).rejects.toMatchObject(errorOf('KeyNotUsable', 'statement "Freeze" of its policy denies'));
    kms.on(GetKeyPolicyCommand).resolves({ Policy: JSON.stringify({ Statement: closed }) });
    await expect(accept()).rejects.toMatchObject(errorOf('KeyNotUsable', 'no statement of its policy allows'));
    kms
      .on(GetKeyPolicyCommand)
      .rejects(
        new KMSServiceException({ name: 'AccessDeniedException', message: 'User: x', $fault: 'client', $metadata: {} }),
      );
    await expect(accept()).rejects.toMatchObject(errorOf('KeyNotUsable', 'may not look at it: User: x'));
    expect(claims()).toEqual([]);
    kms.on(GetKeyPolicyCommand).resolves({ Policy: JSON.stringify(frozen()) });
    expect(await accept()).toMatchObject({ keyArns: [keyArn] });
  });

  it('when the registry has no such subscriber: SubscriberNotFound', async () => {
    const { accept, claims, cloudFormation, documents } = setUp();
    documents.on(GetCommand).resolves({});
    await expect(accept()).rejects.toMatchObject(errorOf('SubscriberNotFound', 'acme'));
    expect([...claims(), ...cloudFormation.calls()]).toEqual([]);
  });
});
