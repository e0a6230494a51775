import { DescribeStacksCommand, type StackStatus } from '@aws-sdk/client-cloudformation';
import { GetSecretValueCommand, InvalidRequestException } from '@aws-sdk/client-secrets-manager';
import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { errorOf, secret } from '../lambda.ts';
import { otherExecutionArn, stackId as stackElsewhere } from '../plan.ts';
import { details, setUp, subscriber } from './accept-request-fixture.ts';

const credentialsSecretId = 'infinstor/test/subscribers/acme/credentials';
const passwordSecretId = 'infinstor/test/input/acme/password';
const customTokenSecretId = 'infinstor/test/input/acme/token';
const otherPasswordSecretId = 'infinstor/test/input/acme/other';
const stackId = stackElsewhere.replace('eu-west-1', 'us-east-1');
const { emailId } = subscriber;
const record = {
  userName: 'Acme',
  emailId,
  status: 'ACTIVE',
  executionArn: otherExecutionArn,
  updatedAt: '',
  attempts: [],
  stackId,
  roleArn: 'arn:aws:iam::111111111111:role/RoleForInfinStorMlflowService-Acme',
};
const created = { state: 'created', password: secret('password'), emailId, customToken: secret('custom-token') };
const creating = { state: 'creating', passwordSecretId, emailId, executionArn: otherExecutionArn, invocationId: 'one' };

/** A subscriber that was onboarded before, with these credentials, this record, and a stack with these tags. */
async function setUpKept({
  credentials = created,
  item = record,
  status = 'CREATE_COMPLETE',
  tags = {},
  samePlan = true,
}: {
  credentials?: object | undefined;
  item?: object;
  status?: StackStatus;
  tags?: Record<string, string>;
  samePlan?: boolean;
} = {}) {
  const fixture = setUp();
  // Which hash the plan of a request has, a first onboarding says.
  const { planHash, tags: own } = (await fixture.accept()).stack;
  fixture.documents.resetHistory();
  fixture.cloudFormation.on(DescribeStacksCommand).resolves({
    Stacks: [
      {
        StackName: 'infinstor-subscriber-acme',
        StackId: stackId,
        CreationTime: new Date(0),
        StackStatus: status,
        Tags: Object.entries({ ...own, 'infinstor-onboarding:plan-hash': samePlan ? planHash : 'other', ...tags }).map(
          ([Key, Value]) => ({ Key, Value }),
        ),
      },
    ],
  });
  fixture.documents.on(GetCommand).resolves({ Item: { ...item } });
  fixture.stepFunctions
    .on(DescribeExecutionCommand)
    .resolves({ executionArn: otherExecutionArn, status: 'SUCCEEDED', stopDate: new Date(0) });
  const { client } = fixture.secrets;
  const holds = (secretId: string, value: object) =>
    client
      .on(GetSecretValueCommand, { SecretId: secretId })
      .resolves({ SecretString: JSON.stringify(value), VersionId: 'version-1' });
  holds(credentialsSecretId, credentials);
  holds(passwordSecretId, { password: secret('password') });
  holds(otherPasswordSecretId, { password: secret('other-password') });
  holds(customTokenSecretId, { customToken: secret('supplied') });
  for (const each of [otherPasswordSecretId, customTokenSecretId]) fixture.secrets.put(each, {});
  return fixture;
}

describe('a request for a subscriber that exists', () => {
  it('is accepted when it says what is kept, and says that the subscriber was onboarded', async () => {
    const tags = { team: 'ml' };
    const { accept, claims } = await setUpKept({ tags, item: { ...record, tags } });
    const plan = await accept({ passwordSecretId, stack: { tags } });
    expect(plan).toMatchObject({ onboarded: { stackId } });
    expect(claims()[0]?.args[0].input.ExpressionAttributeValues).toMatchObject({ ':tags': tags });
  });

  it.each<[string, object, Parameters<typeof setUpKept>[0], string[]]>([
    ['e-mail address', { subscriber: { ...subscriber, emailId: 'a@b.example' } }, {}, ['subscriber.emailId']],
    [
      'e-mail address than the registry has, where the credentials have none',
      { subscriber: { ...subscriber, emailId: 'a@b.example' } },
      { credentials: { state: 'created', customToken: 'token' } },
      ['subscriber.emailId'],
    ],
    [
      'spelling of its name',
      { subscriber: { ...subscriber, userName: 'ACME' } },
      { status: 'DELETE_COMPLETE' },
      ['subscriber.userName'],
    ],
    ['password', { passwordSecretId: otherPasswordSecretId }, {}, ['passwordSecretId']],
    [
      'password than was sent, by who supplies the token',
      { passwordSecretId: otherPasswordSecretId, customTokenSecretId },
      { credentials: creating },
      ['passwordSecretId'],
    ],
    ['tag', { stack: { tags: { team: 'ml' } } }, {}, ['stack.tags.team']],
    ['value of a tag', { stack: { tags: { team: 'ml' } } }, { tags: { team: 'ops' } }, ['stack.tags.team']],
    [
      'value of a tag, of a stack that is being made',
      { stack: { tags: { team: 'ml' } } },
      { tags: { team: 'ops' }, status: 'CREATE_IN_PROGRESS' },
      ['stack.tags.team'],
    ],
    [
      'value of a tag, of a stack that is being changed',
      { stack: { tags: { team: 'ml' } } },
      { tags: { team: 'ops' }, status: 'UPDATE_IN_PROGRESS' },
      ['stack.tags.team'],
    ],
    [
      'set of tags than was asked for',
      {},
      { tags: { team: 'ml' }, item: { ...record, tags: { team: 'ml' } } },
      ['stack.tags.team'],
    ],
    [
      'e-mail address, password and tag',
      {
        subscriber: { ...subscriber, emailId: 'a@b.example' },
        passwordSecretId: otherPasswordSecretId,
        stack: { tags: { team: 'ml' } },
      },
      {},
      ['subscriber.emailId', 'passwordSecretId', 'stack.tags.team'],
    ],
  ])('is SubscriberDiffers, and claims nothing, when it has another %s', async (_, request, kept, fields) => {
    const { accept, claims } = await setUpKept(kept);
    const refused = accept(request);
    await expect(refused).rejects.toMatchObject({ ...errorOf('SubscriberDiffers', fields[0] ?? ''), fields });
    expect(claims()).toEqual([]);
  });

  it('names the e-mail address and the spelling that are kept', async () => {
    const { accept } = await setUpKept({ status: 'DELETE_COMPLETE' });
    await expect(accept({ subscriber: { userName: 'ACME', emailId: 'a@b.example' } })).rejects.toThrow(
      `differs in subscriber.userName (kept: Acme), subscriber.emailId (kept: ${emailId})`,
    );
  });

  const corrected = { subscriber: { ...subscriber, emailId: 'a@b.example' }, passwordSecretId: otherPasswordSecretId };
  const deleted = new InvalidRequestException(details);

  it.each<[string, object, Parameters<typeof setUpKept>[0]]>([
    ['corrects what InfinStor was never sent', corrected, { credentials: { state: 'prepared' } }],
    ['corrects what InfinStor may not have', corrected, { credentials: creating }],
    ['leaves out the password', {}, {}],
    ['has the password of the secret that was sent', { passwordSecretId }, { credentials: creating }],
    [
      'has a password where none is kept',
      { passwordSecretId },
      { credentials: { state: 'created', emailId, customToken: 'token' } },
    ],
    ['leaves out a tag that nobody asked for', {}, { tags: { 'cost-center': '1' } }],
    ['leaves out a tag that is gone', {}, { item: { ...record, tags: { team: 'ml' } } }],
    ['has other tags than a stack that is to go', { stack: { tags: { team: 'ml' } } }, { status: 'ROLLBACK_COMPLETE' }],
    [
      'has other tags than a stack of another request that is being made',
      { stack: { tags: { team: 'ml' } } },
      { status: 'CREATE_IN_PROGRESS', samePlan: false },
    ],
  ])('is accepted when it %s', async (_, request, kept) => {
    const { accept, claims } = await setUpKept(kept);
    await accept(request);
    expect(claims()).toHaveLength(1);
  });

  it('is planned with what its offboarding has left', async () => {
    const left = { type: 'AWS::DynamoDB::Table', physicalId: 'acme' };
    const offboarded = { keyArns: [], retained: [{ logicalId: 'Table', ...left }] };
    const { accept } = await setUpKept({ item: { ...record, offboarded } });
    expect(await accept()).toMatchObject({ retained: [left] });
    const nothing = await setUpKept({ item: { ...record, offboarded: { ...offboarded, retained: [] } } });
    expect(await nothing.accept()).not.toHaveProperty('retained');
  });

  it.each([
    ['was offboarded', { offboarded: { keyArns: [], retained: [] }, stackId: undefined }],
    ['has a secret that is to be deleted', {}],
  ])('is left to a later step when it %s', async (_, changes) => {
    const { accept, secrets, claims } = await setUpKept({ item: { ...record, ...changes } });
    secrets.client.on(GetSecretValueCommand, { SecretId: credentialsSecretId }).rejects(deleted);
    await accept(corrected);
    expect(claims()).toHaveLength(1);
  });

  it.each([
    ['gone', undefined, 'there is no secret'],
    ['without a password', { token: 'x' }, 'password'],
  ])('is InvalidRequest when the secret with its password is %s', async (_, value, problem) => {
    const { accept, secrets, claims } = await setUpKept();
    const reads = secrets.client.on(GetSecretValueCommand, { SecretId: otherPasswordSecretId });
    reads.resolves(value === undefined ? {} : { SecretString: JSON.stringify(value) });
    if (value === undefined) secrets.remove(otherPasswordSecretId);
    await expect(accept({ passwordSecretId: otherPasswordSecretId })).rejects.toMatchObject(
      errorOf('InvalidRequest', problem),
    );
    expect(claims()).toEqual([]);
  });
});
