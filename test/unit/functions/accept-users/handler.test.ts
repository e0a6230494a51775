import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { DescribeExecutionCommand, type ExecutionStatus, SFNClient } from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../../functions/accept-users/environment.ts';
import { environmentOf } from '../environment.ts';
import { fakeSecrets } from '../fake-secrets.ts';
import { errorOf, lambda, now, secret } from '../lambda.ts';
import { executionArn as onboardingArn } from '../plan.ts';
import { addUserArn, usersPlan } from '../users-plan.ts';

const environment = environmentOf(environmentSchema, { SUPERADMIN_USER_NAME: 'root' });
const passwordSecretId = 'infinstor/test/input/acme/bob';
const record = {
  userName: 'Acme',
  status: 'ACTIVE',
  executionArn: onboardingArn,
  updatedAt: now.toISOString(),
  attempts: [{ executionArn: onboardingArn, startedAt: now.toISOString() }],
};
const request = {
  subscriber: { userName: 'acme' },
  users: [
    { userName: 'Alice', emailId: 'alice@acme.example' },
    { userName: 'bob', emailId: 'bob@acme.example', passwordSecretId },
  ],
};
const event = (changed: object = request) => ({ request: changed, executionArn: addUserArn });

function setUp({
  item = record,
  execution = 'SUCCEEDED',
}: {
  item?: object | undefined;
  execution?: ExecutionStatus;
} = {}) {
  const documents = mockClient(DynamoDBDocumentClient);
  documents
    .on(GetCommand)
    .resolves({})
    .on(GetCommand, { Key: { pk: 'SUBSCRIBER#acme', sk: 'RECORD' } })
    .resolves({ Item: item })
    .on(GetCommand, { Key: { pk: 'SUBSCRIBER#victim', sk: 'RECORD' } })
    .resolves({ Item: { ...record, userName: 'victim', status: 'OFFBOARDED' } })
    .on(UpdateCommand)
    .resolves({});
  const stepFunctions = mockClient(SFNClient);
  stepFunctions.on(DescribeExecutionCommand).resolves({ executionArn: onboardingArn, status: execution });
  const secrets = fakeSecrets({ [passwordSecretId]: { password: secret('bob') } });
  const invoke = lambda(() => import('../../../../functions/accept-users/handler.ts'), environment);
  const claims = () => documents.commandCalls(UpdateCommand).map(({ args: [{ input }] }) => input);
  return { documents, secrets, invoke, claims };
}

describe('accepting users', () => {
  it('plans them under the name that the subscriber was onboarded with, and claims the record', async () => {
    const { invoke, claims } = setUp();
    expect(await invoke(event())).toEqual(usersPlan);
    expect(claims()).toMatchObject([
      {
        Key: { pk: 'SUBSCRIBER#acme', sk: 'RECORD' },
        ConditionExpression: expect.stringContaining('#executionArn = :onlyIfOf'),
        ExpressionAttributeValues: {
          ':status': 'ADDING_USERS',
          ':executionArn': addUserArn,
          ':onlyIfOf': onboardingArn,
          ':attempts': [{ status: 'SUCCEEDED' }, { executionArn: addUserArn }],
        },
      },
    ]);
  });

  it("refuses a subscriber's name for a user, before it claims anything", async () => {
    const { invoke, claims } = setUp();
    const [first] = request.users;
    const victim = { userName: 'Victim', emailId: 'v@acme.example' };
    await expect(invoke(event({ ...request, users: [first, victim] }))).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: 'users.1.userName: must not be the userName of a subscriber',
    });
    expect(claims()).toEqual([]);
  });

  it('accepts its own claim again', async () => {
    const { invoke, claims } = setUp({ item: { ...record, status: 'ADDING_USERS', executionArn: addUserArn } });
    expect(await invoke(event())).toEqual(usersPlan);
    expect(claims()).toEqual([]);
  });

  it.each([
    ['is not known', undefined],
    ['failed', { ...record, status: 'FAILED' }],
    ['is offboarded', { ...record, status: 'OFFBOARDED' }],
    ['is being onboarded', { ...record, status: 'ONBOARDING' }],
  ])('is SubscriberNotActive for a subscriber that %s', async (_, item) => {
    const { documents, invoke, claims } = setUp();
    documents.on(GetCommand).resolves(item === undefined ? {} : { Item: item });
    await expect(invoke(event())).rejects.toMatchObject(errorOf('SubscriberNotActive', 'acme'));
    expect(claims()).toEqual([]);
  });

  it('is OnboardingInProgress while another execution runs, and when one claims first', async () => {
    const running = setUp({ execution: 'RUNNING' });
    await expect(running.invoke(event())).rejects.toMatchObject({ name: 'OnboardingInProgress' });
    expect(running.claims()).toEqual([]);
    const { invoke, documents } = setUp();
    documents.on(UpdateCommand).rejects(new ConditionalCheckFailedException({ message: 'no', $metadata: {} }));
    await expect(invoke(event())).rejects.toMatchObject({ name: 'OnboardingInProgress' });
  });

  it('is InvalidRequest for all secrets that are not there and all names of subscribers, and claims nothing', async () => {
    const { documents, secrets, invoke } = setUp();
    secrets.remove(passwordSecretId);
    documents.on(GetCommand, { Key: { pk: 'SUBSCRIBER#alice', sk: 'RECORD' } }).resolves({ Item: record });
    documents.on(GetCommand, { Key: { pk: 'SUBSCRIBER#eve', sk: 'RECORD' } }).resolves({ Item: record });
    const absent = 'infinstor/test/input/acme/absent';
    const users = [...request.users, { userName: 'eve', emailId: 'e@b.example', passwordSecretId: absent }];
    await expect(invoke(event({ ...request, users }))).rejects.toMatchObject(
      errorOf(
        'InvalidRequest',
        [
          `users.1.passwordSecretId: there is no secret ${passwordSecretId}`,
          `users.2.passwordSecretId: there is no secret ${absent}`,
          'users.0.userName: must not be the userName of a subscriber',
          'users.2.userName: must not be the userName of a subscriber',
        ].join('; '),
      ),
    );
    expect(documents.commandCalls(UpdateCommand)).toEqual([]);
  });

  it("is InvalidRequest for the superadmin's name, ignoring case, before anything is read", async () => {
    const { documents, secrets, invoke } = setUp();
    const [first] = request.users;
    const changed = { ...request, users: [first, { userName: 'Root', emailId: 'a@b.example' }] };
    await expect(invoke(event(changed))).rejects.toMatchObject(errorOf('InvalidRequest', 'users.1.userName: must not'));
    expect([documents.calls(), secrets.client.calls()]).toEqual([[], []]);
  });

  it('is InvalidRequest for a password in it, whatever else is wrong', async () => {
    const { secrets, invoke } = setUp();
    const wrong = { users: [{}, { password: secret('plain') }], colour: 'green' };
    await expect(invoke(event(wrong))).rejects.toMatchObject(errorOf('InvalidRequest', 'users.1.password: must not'));
    expect(secrets.client.calls()).toEqual([]);
  });
});

it.each(['REGISTRY_TABLE', 'SECRET_PREFIX', 'SUPERADMIN_USER_NAME'] as const)(
  'names the missing variable %s',
  async (name) => {
    await expect(setUp().invoke(event(), { [name]: undefined })).rejects.toMatchObject(
      errorOf('InvalidConfiguration', name),
    );
  },
);
