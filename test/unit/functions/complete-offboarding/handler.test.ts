import {
  CloudFormationClient,
  CloudFormationServiceException,
  ListStackResourcesCommand,
} from '@aws-sdk/client-cloudformation';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  DeleteSecretCommand,
  InternalServiceError,
  InvalidRequestException,
  ListSecretsCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../../functions/complete-offboarding/environment.ts';
import { environmentOf } from '../environment.ts';
import { errorOf, lambda } from '../lambda.ts';
import { offboardingArn, offboardingPlan } from '../offboarding-plan.ts';
import { otherExecutionArn, stackId } from '../plan.ts';

const folder = 'infinstor/test/subscribers/acme/';
const bucket = { logicalId: 'Bucket', type: 'AWS::S3::Bucket', physicalId: 'acme-bucket' };
const notOurs = new ConditionalCheckFailedException({ message: 'The conditional request failed', $metadata: {} });
const record = (fields: object = {}) => ({
  userName: 'Acme',
  status: 'OFFBOARDING',
  executionArn: offboardingArn,
  updatedAt: '',
  attempts: [],
  ...fields,
});

function setUp(environment = {}) {
  /** What was done, in order. */
  const done: string[] = [];
  const documents = mockClient(DynamoDBDocumentClient);
  documents.on(GetCommand).resolves({ Item: record() });
  documents.on(UpdateCommand).callsFake(({ UpdateExpression }) => {
    done.push(UpdateExpression.includes('#status') ? 'closed' : 'emptied');
    return {};
  });
  const cloudFormation = mockClient(CloudFormationClient);
  const resource = (logicalId: string, ResourceStatus: 'DELETE_COMPLETE' | 'DELETE_SKIPPED') => ({
    LogicalResourceId: logicalId,
    PhysicalResourceId: `acme-${logicalId.toLowerCase()}`,
    ResourceType: 'AWS::S3::Bucket',
    ResourceStatus,
    LastUpdatedTimestamp: new Date(0),
  });
  cloudFormation.on(ListStackResourcesCommand, { StackName: stackId }).resolves({
    StackResourceSummaries: [resource('Gone', 'DELETE_COMPLETE'), resource('Bucket', 'DELETE_SKIPPED')],
  });
  const secrets = mockClient(SecretsManagerClient);
  secrets.on(ListSecretsCommand).resolves({
    SecretList: [{ Name: `${folder}users/bob` }, { Name: `infinstor/test/subscribers/acme-2/credentials` }],
  });
  secrets.on(DeleteSecretCommand).callsFake(({ SecretId }) => {
    done.push(`deleted ${SecretId}`);
    return {};
  });
  const events = mockClient(EventBridgeClient);
  events.on(PutEventsCommand).callsFake(() => {
    done.push('published');
    return { FailedEntryCount: 0, Entries: [{ EventId: 'event-1' }] };
  });
  const load = () => import('../../../../functions/complete-offboarding/handler.ts');
  const invoke = lambda(load, {
    ...environmentOf(environmentSchema, { SECRET_RECOVERY_DAYS: '14' }),
    ...environment,
  });
  return {
    documents,
    cloudFormation,
    secrets,
    events,
    done,
    invoke: (keys: object[] = []) => invoke({ plan: offboardingPlan, keys }),
  };
}

describe('completing an offboarding', () => {
  it('empties the record, deletes the secrets, reports it and closes the record, in this order', async () => {
    const { invoke, done, documents, secrets } = setUp();
    expect(await invoke()).toMatchObject({
      userName: 'Acme',
      stackId,
      keyArns: offboardingPlan.keyArns,
      retained: [bucket],
      secrets: [`${folder}credentials`, `${folder}users/bob`],
    });
    expect(done).toEqual([
      'emptied',
      `deleted ${folder}credentials`,
      `deleted ${folder}users/bob`,
      'published',
      'closed',
    ]);
    expect(documents.commandCalls(UpdateCommand).map(({ args: [{ input }] }) => input)).toMatchObject([
      {
        UpdateExpression: expect.stringMatching(
          /REMOVE #stackId, #build, #templateSha256, #formerStackIds, #roleArn, #keyArns, #customTokenExpiresAt, #users$/,
        ),
        ConditionExpression: expect.stringContaining('#executionArn = :onlyIfOf'),
        ExpressionAttributeValues: {
          ':onlyIfOf': offboardingArn,
          ':offboarded': { stackId, keyArns: offboardingPlan.keyArns, keptPatterns: [], retained: [bucket] },
        },
      },
      {
        ConditionExpression: expect.stringContaining('#executionArn = :onlyIfOf'),
        ExpressionAttributeValues: { ':onlyIfOf': offboardingArn, ':status': 'OFFBOARDED' },
      },
    ]);
    expect(secrets.commandCalls(DeleteSecretCommand)[0]?.args[0].input).toMatchObject({ RecoveryWindowInDays: 14 });
  });

  it('does nothing for an execution whose subscriber another one has taken over', async () => {
    const { invoke, documents, done } = setUp();
    documents.on(GetCommand).resolves({ Item: record({ executionArn: otherExecutionArn }) });
    documents.on(UpdateCommand).rejects(notOurs);
    await expect(invoke()).rejects.toMatchObject(errorOf('ExecutionSuperseded', otherExecutionArn));
    expect(done).toEqual([]);
  });

  it('is reported when another execution takes the subscriber over at its end', async () => {
    const { invoke, documents } = setUp();
    documents.on(GetCommand).resolvesOnce({ Item: record() });
    documents.on(GetCommand).resolves({ Item: record({ executionArn: otherExecutionArn }) });
    documents.on(UpdateCommand).resolvesOnce({}).rejects(notOurs);
    await expect(invoke()).rejects.toMatchObject(errorOf('ExecutionSuperseded', otherExecutionArn));
  });

  it('reports what was reported before of the same stack, though CloudFormation has forgotten it', async () => {
    const { invoke, documents, cloudFormation } = setUp();
    const before = { stackId, keyArns: ['arn:aws:kms:eu-west-1:111111111111:key/before'], retained: [bucket] };
    documents.on(GetCommand).resolves({ Item: record({ offboarded: before }) });
    expect(await invoke()).toMatchObject({
      retained: [bucket],
      keyArns: [...before.keyArns, ...offboardingPlan.keyArns],
    });
    expect(cloudFormation.calls()).toEqual([]);
  });

  it('reports the patterns of roles that stay in key policies, also of a key that a repeat does not look at', async () => {
    const { invoke, documents, events } = setUp();
    const [keyArn = ''] = offboardingPlan.keyArns;
    const pattern = 'arn:aws:iam::111111111111:role/RoleFor*';
    const earlier = { keyArn: 'arn:aws:kms:eu-west-1:111111111111:key/before', pattern };
    const before = {
      stackId,
      keyArns: [earlier.keyArn],
      keptPatterns: [earlier, { keyArn, pattern: 'old' }],
      retained: [],
    };
    documents.on(GetCommand).resolves({ Item: record({ offboarded: before }) });
    const keptPatterns = [earlier, { keyArn, pattern }];
    const output = await invoke([{ keyArn, changed: false, keptPatterns: [pattern] }]);
    expect(output).toMatchObject({
      keptPatterns,
      byHand: [
        expect.any(String),
        expect.stringContaining(`Take ${pattern} out of the policy of key ${earlier.keyArn} when`),
        `Take ${pattern} out of the policy of key ${keyArn} when no other deployment uses the key, or tag the key with infinstor-onboarding:exclusive: 111111111111/us-east-1/infinstor-onboarding-test for the onboarding to do so`,
      ],
    });
    const [entry] = events.commandCalls(PutEventsCommand)[0]?.args[0].input.Entries ?? [];
    expect(JSON.parse(entry?.Detail ?? '')).toMatchObject({ keptPatterns });
    expect(documents.commandCalls(UpdateCommand)[0]?.args[0].input.ExpressionAttributeValues).toMatchObject({
      ':offboarded': { keptPatterns },
    });
  });

  it('knows nothing that was kept of a stack that CloudFormation has forgotten', async () => {
    const { invoke, cloudFormation } = setUp();
    const message = `Stack with id ${stackId} does not exist`;
    cloudFormation
      .on(ListStackResourcesCommand)
      .rejects(
        new CloudFormationServiceException({ name: 'ValidationError', message, $fault: 'client', $metadata: {} }),
      );
    expect(await invoke()).toMatchObject({ retained: [] });
  });

  it('counts a secret that is scheduled already, and not one that is gone', async () => {
    const { invoke, secrets } = setUp();
    secrets
      .on(DeleteSecretCommand, { SecretId: `${folder}credentials` })
      .rejects(new ResourceNotFoundException({ message: 'gone', $metadata: {} }))
      .on(DeleteSecretCommand, { SecretId: `${folder}users/bob` })
      .rejects(new InvalidRequestException({ message: 'scheduled', $metadata: {} }));
    expect(await invoke()).toMatchObject({ secrets: [`${folder}users/bob`] });
  });

  it('deletes the others when one secret cannot be deleted', async () => {
    const { invoke, secrets, done } = setUp();
    secrets
      .on(DeleteSecretCommand, { SecretId: `${folder}credentials` })
      .rejects(new InternalServiceError({ message: 'later', $metadata: {} }));
    await expect(invoke()).rejects.toMatchObject({ name: 'InternalServiceError' });
    expect(secrets.commandCalls(DeleteSecretCommand, { SecretId: `${folder}users/bob` })).toHaveLength(1);
    expect(done).not.toContain('closed');
  });

  it('leaves the record open when a secret cannot be deleted', async () => {
    const { invoke, secrets, done } = setUp();
    secrets.on(DeleteSecretCommand).rejects(new InternalServiceError({ message: 'later', $metadata: {} }));
    await expect(invoke()).rejects.toMatchObject({ name: 'InternalServiceError' });
    expect(done).toEqual(['emptied']);
  });

  it.each(['6', '31', 'a week'])(
    'needs a window that Secrets Manager allows, and not %s: InvalidConfiguration',
    async (days) => {
      const { invoke, done } = setUp({ SECRET_RECOVERY_DAYS: days });
      await expect(invoke()).rejects.toMatchObject(errorOf('InvalidConfiguration', 'SECRET_RECOVERY_DAYS'));
      expect(done).toEqual([]);
    },
  );
});
