import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { DescribeExecutionCommand, type ExecutionStatus, SFNClient } from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../../functions/accept-update/environment.ts';
import { environmentOf } from '../environment.ts';
import { fakeSecrets } from '../fake-secrets.ts';
import { errorOf, lambda, now, secret } from '../lambda.ts';
import { executionArn as onboardingArn } from '../plan.ts';
import { updateArn, updatePlan } from '../update-plan.ts';

const passwordSecretId = updatePlan.passwordSecretId ?? '';
const environment = environmentOf(environmentSchema);
const record = {
  userName: 'Acme',
  emailId: 'mlops@acme.example',
  status: 'ACTIVE',
  executionArn: onboardingArn,
  updatedAt: now.toISOString(),
  attempts: [{ executionArn: onboardingArn, startedAt: now.toISOString() }],
};

function setUp({
  item = record,
  execution = 'SUCCEEDED',
}: {
  item?: object | undefined;
  execution?: ExecutionStatus;
} = {}) {
  const documents = mockClient(DynamoDBDocumentClient);
  documents.on(GetCommand).resolves({ Item: item }).on(UpdateCommand).resolves({});
  const stepFunctions = mockClient(SFNClient);
  stepFunctions.on(DescribeExecutionCommand).resolves({ executionArn: onboardingArn, status: execution });
  const secrets = fakeSecrets({ [passwordSecretId]: { password: secret('new-password') } });
  const invoke = lambda(() => import('../../../../functions/accept-update/handler.ts'), environment);
  const claims = () => documents.commandCalls(UpdateCommand).map(({ args: [{ input }] }) => input);
  return { documents, secrets, invoke, claims };
}

const request = { subscriber: { userName: 'acme', emailId: 'new@acme.example' }, passwordSecretId };
const event = (changed: object = request) => ({ request: changed, executionArn: updateArn });

describe('accepting an update', () => {
  it('plans it for the name that the subscriber was onboarded under, and claims the record', async () => {
    const { invoke, claims } = setUp();
    expect(await invoke(event())).toEqual(updatePlan);
    expect(claims()).toMatchObject([
      {
        Key: { pk: 'SUBSCRIBER#acme', sk: 'RECORD' },
        ConditionExpression: expect.stringContaining('#executionArn = :onlyIfOf'),
        ExpressionAttributeValues: {
          ':userName': 'Acme',
          ':status': 'UPDATING',
          ':executionArn': updateArn,
          ':onlyIfOf': onboardingArn,
          ':attempts': [{ status: 'SUCCEEDED' }, { executionArn: updateArn }],
        },
      },
    ]);
  });

  it('leaves the registered e-mail address alone until InfinStor has accepted the new one', async () => {
    const { invoke, claims } = setUp();
    await invoke(event());
    expect(claims()[0]?.UpdateExpression).not.toContain('emailId');
  });

  it.each([
    ['an e-mail address', { subscriber: request.subscriber }, 'new@acme.example', ['emailId']],
    ['a password', { subscriber: { userName: 'acme' }, passwordSecretId }, 'mlops@acme.example', ['password']],
  ])('that changes %s alone sends InfinStor the rest as it is kept', async (_, changing, emailId, changed) => {
    const { invoke } = setUp();
    const plan = await invoke(event(changing));
    expect(plan).toMatchObject({ subscriber: { userName: 'Acme', emailId }, changed, sent: ['emailId', 'password'] });
  });

  it('sends InfinStor only what changes where the deployment says so', async () => {
    const { invoke } = setUp();
    const plan = await invoke(event({ subscriber: request.subscriber }), { UPDATE_SUBSCRIBER_FIELDS: 'changed' });
    expect(plan).toMatchObject({ changed: ['emailId'], sent: ['emailId'], passwordSecretId: undefined });
  });

  it('needs the e-mail address that the registry does not know, unless only what changes is sent', async () => {
    const { emailId: _, ...unknown } = record;
    const { invoke, claims } = setUp({ item: unknown });
    const changing = event({ subscriber: { userName: 'acme' }, passwordSecretId });
    await expect(invoke(changing)).rejects.toMatchObject(errorOf('InvalidRequest', 'subscriber.emailId: is required'));
    expect(claims()).toEqual([]);
    expect(await invoke(changing, { UPDATE_SUBSCRIBER_FIELDS: 'changed' })).toMatchObject({
      subscriber: { userName: 'Acme', emailId: undefined },
      sent: ['password'],
    });
  });

  it.each([
    ['is not there', { ...request, passwordSecretId: 'infinstor/test/input/acme/absent' }],
    ['lies elsewhere', { ...request, passwordSecretId: 'infinstor/test/superadmin' }],
  ])('refuses a secret that %s, and claims nothing', async (_, refused) => {
    const { invoke, claims } = setUp();
    await expect(invoke(event(refused))).rejects.toMatchObject(errorOf('InvalidRequest', 'passwordSecretId: '));
    expect(claims()).toEqual([]);
  });

  it('names a secret that is not there and an address that is not known at once', async () => {
    const { invoke, claims, documents } = setUp();
    documents.on(GetCommand).resolves({ Item: { ...record, emailId: undefined } });
    const changing = event({ subscriber: { userName: 'acme' }, passwordSecretId: 'infinstor/test/input/acme/absent' });
    await expect(invoke(changing, { UPDATE_SUBSCRIBER_FIELDS: 'all' })).rejects.toMatchObject(
      errorOf('InvalidRequest', 'no secret infinstor/test/input/acme/absent; subscriber.emailId: is required'),
    );
    expect(claims()).toEqual([]);
  });

  it.each([
    ['there is no such subscriber', undefined],
    ['it is being onboarded', { ...record, status: 'ONBOARDING' }],
    ['its onboarding failed', { ...record, status: 'FAILED' }],
    ['it is offboarded', { ...record, status: 'OFFBOARDED' }],
  ])('is SubscriberNotActive when %s', async (_, item) => {
    const { invoke, claims, documents } = setUp();
    documents.on(GetCommand).resolves(item === undefined ? {} : { Item: item });
    await expect(invoke(event())).rejects.toMatchObject({ name: 'SubscriberNotActive' });
    expect(claims()).toEqual([]);
  });

  it('is OnboardingInProgress while another execution changes the subscriber, and when one is faster', async () => {
    const running = setUp({ item: { ...record, status: 'ADDING_USERS' }, execution: 'RUNNING' });
    await expect(running.invoke(event())).rejects.toMatchObject({ name: 'OnboardingInProgress' });
    expect(running.claims()).toEqual([]);
    const { invoke, documents } = setUp();
    const lost = new ConditionalCheckFailedException({ message: 'The conditional request failed', $metadata: {} });
    documents.on(UpdateCommand).rejects(lost);
    await expect(invoke(event())).rejects.toMatchObject({ name: 'OnboardingInProgress' });
  });

  it('accepts its own claim when it is repeated', async () => {
    const { invoke, claims } = setUp({ item: { ...record, status: 'UPDATING', executionArn: updateArn } });
    expect(await invoke(event())).toEqual(updatePlan);
    expect(claims()).toEqual([]);
  });
});

it.each(Object.keys(environment))('names the missing variable %s: InvalidConfiguration', async (name) => {
  const { invoke } = setUp();
  await expect(invoke(event(), { [name]: undefined })).rejects.toMatchObject(errorOf('InvalidConfiguration', name));
});
