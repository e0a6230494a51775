import {
  CognitoIdentityProviderClient,
  InitiateAuthCommand,
  NotAuthorizedException,
  TooManyRequestsException,
  UserNotFoundException,
} from '@aws-sdk/client-cognito-identity-provider';
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  InternalServiceError,
  InvalidRequestException,
  PutSecretValueCommand,
  ResourceExistsException,
  RestoreSecretCommand,
} from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../../functions/add-user/environment.ts';
import { registryTable } from '../../lib/registry/registry-table.ts';
import { environmentOf } from '../environment.ts';
import { type Answer, fakeInfinStor } from '../fake-infinstor.ts';
import { fakeSecrets, firstVersionId } from '../fake-secrets.ts';
import { errorOf, lambda, now, secret, withTimeLeft } from '../lambda.ts';
import { own } from '../own-record.ts';
import { usersPlan } from '../users-plan.ts';

const { tokenSecretId } = usersPlan;
const aliceSecretId = 'infinstor/test/subscribers/acme/users/alice';
const bobSecretId = 'infinstor/test/subscribers/acme/users/bob';
const inputSecretId = 'infinstor/test/input/acme/bob';
const token = { secretId: tokenSecretId, versionId: firstVersionId, rejections: 0, userIndex: 0 };
const tokens = { idToken: secret('id-token'), refreshToken: secret('refresh'), obtainedAt: now.toISOString() };
/** With every character that forms and JSON escape. */
const bobPassword = secret('b"o\\b+ &%=');
const kept = secret('kept-password');
const added: Answer = { headers: { 'content-type': 'application/json' }, body: 'Successfully created user' };
const duplicate: Answer = { status: 400, body: 'Error User Exists' };
const loginExpired: Answer = {
  headers: { 'content-type': 'text/html' },
  body: '<html><head><meta http-equiv="refresh" content="3;url=/login.html"></head><body>Login expired. Please login again</body></html>',
};
const details = { message: 'refused', $metadata: {} };
const aliceAdded = { userName: 'Alice', outcome: 'added', credentialsSecretId: aliceSecretId };
const afterAlice = { next: 1, hasMore: true, results: [aliceAdded] };

async function setUp({
  stored = {},
  answer = added,
  login = 'refused',
}: {
  stored?: Record<string, unknown>;
  answer?: Answer | (() => Answer);
  login?: 'refused' | 'challenge' | string;
} = {}) {
  const secrets = fakeSecrets({ [tokenSecretId]: tokens, [inputSecretId]: { password: bobPassword }, ...stored });
  const cognito = mockClient(CognitoIdentityProviderClient);
  cognito.on(InitiateAuthCommand).callsFake(({ AuthParameters }) => {
    if (login === 'challenge') return { ChallengeName: 'NEW_PASSWORD_REQUIRED' };
    if (AuthParameters?.PASSWORD !== login)
      throw new NotAuthorizedException({ message: 'Incorrect username or password.', $metadata: {} });
    return { AuthenticationResult: { IdToken: secret('user-id') } };
  });
  const infinstor = await fakeInfinStor({
    get_version: () => ({ body: { cognitoCliClientId: 'cli-client', region: 'eu-north-1' } }),
    addsecondaryuser: () => (typeof answer === 'function' ? answer() : answer),
  });
  const { environment: dynamoDb, ...registry } = await registryTable();
  await own(registry, usersPlan.executionArn, usersPlan.subscriber.userName);
  const values = environmentOf(environmentSchema, {
    REGISTRY_TABLE: registry.tableName,
    INFINSTOR_MLFLOW_URL: infinstor.url,
    INFINSTOR_API_URL: infinstor.url,
  });
  const environment = { ...values, ...dynamoDb };
  const invoke = lambda(() => import('../../../../functions/add-user/handler.ts'), environment);
  const addAlice = () => invoke({ plan: usersPlan, token });
  const addBob = () => invoke({ plan: usersPlan, token, progress: afterAlice });
  const calls = () => infinstor.requests.filter(({ operation }) => operation === 'POST addsecondaryuser');
  const logins = () => cognito.commandCalls(InitiateAuthCommand).map(({ args: [{ input }] }) => input.AuthParameters);
  return { secrets, cognito, infinstor, invoke, addAlice, addBob, calls, logins };
}

const formOf = (body = '') => Object.fromEntries(new URLSearchParams(body));
const resultOf = ({ results }: { results: readonly object[] }) => results.at(-1);

it('makes no call when what InfinStor accepts might not be stored in time: TooLittleTime', async () => {
  const { addBob, calls } = await setUp();
  withTimeLeft(100_000);
  await expect(addBob()).rejects.toMatchObject(errorOf('TooLittleTime', 'addsecondaryuser was not called'));
  expect(calls()).toEqual([]);
});

describe('adding a user', () => {
  it('sends a form with a Bearer token, and takes plain text for an answer, as the setup guide has it', async () => {
    const { addBob, calls, logins, secrets } = await setUp();
    expect(await addBob()).toEqual({
      next: 2,
      hasMore: false,
      results: [aliceAdded, { userName: 'bob', outcome: 'added', credentialsSecretId: bobSecretId }],
    });
    expect(calls()).toMatchObject([
      {
        headers: {
          authorization: `Bearer ${tokens.idToken}`,
          'content-type': 'application/x-www-form-urlencoded',
        },
      },
    ]);
    expect(formOf(calls()[0]?.body)).toEqual({ newuser: 'bob', email: 'bob@acme.example', password: bobPassword });
    expect(secrets.current(bobSecretId)).toEqual({ state: 'created', userName: 'bob', password: bobPassword });
    expect(logins()).toEqual([]);
  });

  it('keeps a password that it generates before the call, and one of the request only after it', async () => {
    const atTheCall: unknown[] = [];
    const { addAlice, addBob, calls, secrets } = await setUp({
      answer: () => {
        atTheCall.push(...secrets.written);
        return added;
      },
    });
    expect(await addAlice()).toEqual({ next: 1, hasMore: true, results: [aliceAdded] });
    const { password } = formOf(calls()[0]?.body);
    expect(password).toMatch(/^.{32}$/);
    expect(atTheCall).toEqual([{ state: 'prepared', userName: 'Alice', password }]);
    expect(secrets.current(aliceSecretId)).toEqual({ state: 'created', userName: 'Alice', password });

    atTheCall.length = 0;
    await addBob();
    expect(atTheCall).toHaveLength(2);
    expect(secrets.written).toHaveLength(3);
  });

  it('uses the password that was prepared', async () => {
    const { addAlice, calls, secrets } = await setUp({
      stored: { [aliceSecretId]: { state: 'prepared', userName: 'Alice', password: kept } },
    });
    await addAlice();
    expect(formOf(calls()[0]?.body)).toMatchObject({ password: kept });
    expect(secrets.written).toEqual([{ state: 'created', userName: 'Alice', password: kept }]);
  });

  it('makes no call for a user who was added', async () => {
    const { addAlice, infinstor, secrets } = await setUp({
      stored: { [aliceSecretId]: { state: 'created', userName: 'Alice', password: kept } },
    });
    expect(resultOf(await addAlice())).toEqual(aliceAdded);
    expect([infinstor.requests, secrets.written]).toEqual([[], []]);
  });

  it('that was added before the offboarding is done again, with the password from then', async () => {
    const { addAlice, calls, secrets } = await setUp();
    let isDeleted = true;
    secrets.client.on(RestoreSecretCommand).callsFake(() => {
      isDeleted = false;
      return {};
    });
    secrets.add(tokenSecretId, { SecretString: JSON.stringify(tokens) });
    secrets.client.on(GetSecretValueCommand, { SecretId: aliceSecretId }).callsFake(() => {
      if (isDeleted) throw new InvalidRequestException({ message: 'marked for deletion', $metadata: {} });
      return {
        SecretString: JSON.stringify({ state: 'created', userName: 'Alice', password: kept }),
        VersionId: firstVersionId,
      };
    });
    const written: string[] = [];
    secrets.client.on(PutSecretValueCommand).callsFake(({ SecretString }) => {
      written.push(`${JSON.parse(SecretString).state} after ${calls().length}`);
      return {};
    });
    expect(resultOf(await addAlice())).toEqual(aliceAdded);
    expect(formOf(calls()[0]?.body)).toMatchObject({ password: kept });
    // A crash in between must not leave a user who is not there as created.
    expect(written).toEqual(['prepared after 0', 'created after 1']);
  });

  it("is for the plan's own users only", async () => {
    const { invoke } = await setUp();
    const event = { plan: usersPlan, token, progress: { next: 2, hasMore: false, results: [] } };
    await expect(invoke(event)).rejects.toMatchObject(errorOf('InvalidStepInput', 'there is no user 2'));
  });
});

describe('a user who exists', () => {
  it.each([
    ['text 400', duplicate],
    ['text 409', { status: 409, body: 'User already exists' }],
    ['a status for refused tokens', { status: 403, body: 'Error User Exists' }],
    ['text 200', { body: 'Error User Exists' }],
    ['JSON 200', { body: { error: 'user bob already exists' } }],
    ["Cognito's error", { status: 400, body: { message: 'UsernameExistsException: User account already exists' } }],
    ['text 500', { status: 500, body: 'Error User Exists' }],
  ] satisfies [string, Answer][])('is ours when our password logs in (%s)', async (_, answer) => {
    const { addBob, logins, secrets } = await setUp({ answer, login: bobPassword });
    expect(resultOf(await addBob())).toMatchObject({ outcome: 'added' });
    expect(logins()).toEqual([{ USERNAME: 'bob', PASSWORD: bobPassword }]);
    expect(secrets.current(bobSecretId)).toMatchObject({ state: 'created', password: bobPassword });
  });

  it('is ours when Cognito wants more', async () => {
    const { addBob } = await setUp({ answer: duplicate, login: 'challenge' });
    expect(resultOf(await addBob())).toMatchObject({ outcome: 'added' });
  });

  it('is ours with the password that was prepared, though the request brings another one', async () => {
    const { addBob, logins, secrets } = await setUp({
      stored: { [bobSecretId]: { state: 'prepared', userName: 'bob', password: kept } },
      answer: duplicate,
      login: kept,
    });
    expect(resultOf(await addBob())).toMatchObject({ outcome: 'added' });
    expect(logins().map((each) => each?.PASSWORD)).toEqual([bobPassword, kept]);
    expect(secrets.current(bobSecretId)).toMatchObject({ state: 'created', password: kept });
  });

  it('is not ours when each of our passwords is refused, which is tried once', async () => {
    const { addBob, logins, secrets } = await setUp({ answer: duplicate });
    expect(resultOf(await addBob())).toEqual({
      userName: 'bob',
      outcome: 'exists',
      error: { ...errorOf('UserExists', 'bob'), remedy: expect.stringContaining('another name') },
    });
    expect(logins()).toHaveLength(1);
    expect(secrets.written).toEqual([]);
  });

  const emailTaken = { status: 400, body: 'An account with the given email already exists.' };

  it('is ours when our password logs in, though the answer speaks of the e-mail address', async () => {
    const { addBob } = await setUp({ answer: emailTaken, login: bobPassword });
    expect(resultOf(await addBob())).toMatchObject({ outcome: 'added' });
  });

  it.each([
    ['an address that another user has', emailTaken, 'InvalidRequest', 'users.1.emailId: '],
    [
      'the name or the address',
      { status: 400, body: 'Username or email already exists' },
      'InfinStorRejected',
      'or email',
    ],
  ])('is rejected when %s exists', async (_, answer, name, message) => {
    const { addBob } = await setUp({ answer });
    expect(resultOf(await addBob())).toMatchObject({ outcome: 'rejected', error: errorOf(name, message) });
  });

  it.each([
    ['the name', duplicate],
    ['the address', emailTaken],
    ['the name or the address', { status: 400, body: 'Username or email already exists' }],
  ])(
    'may be ours when %s exists and a login does not show whose it is, as of a user who is locked, and no other password is tried then',
    async (_, answer) => {
      const { addBob, cognito, logins, secrets } = await setUp({
        answer,
        stored: { [bobSecretId]: { state: 'prepared', userName: 'bob', password: kept } },
      });
      cognito
        .on(InitiateAuthCommand)
        .rejects(new NotAuthorizedException({ message: 'Password attempts exceeded', $metadata: {} }));
      expect(resultOf(await addBob())).toEqual({
        userName: 'bob',
        outcome: 'rejected',
        error: {
          ...errorOf('LoginRejected', 'passes by itself'),
          remedy: expect.stringContaining('send the request again'),
        },
      });
      expect(logins()).toHaveLength(1);
      expect(secrets.written).toEqual([]);
    },
  );

  it.each([
    ['an address that another user has', emailTaken, 'InvalidRequest'],
    ['the name or the address', { status: 400, body: 'Username or email already exists' }, 'InfinStorRejected'],
  ])('is rejected as InfinStor says when %s exists, and the pool has no user of this name', async (_, answer, name) => {
    const { addBob, cognito } = await setUp({ answer });
    cognito.on(InitiateAuthCommand).rejects(new UserNotFoundException(details));
    expect(resultOf(await addBob())).toMatchObject({ outcome: 'rejected', error: errorOf(name, 'InfinStor') });
  });

  it('is asked for again when Cognito has too much to do', async () => {
    const { addBob, cognito } = await setUp({ answer: duplicate });
    cognito.on(InitiateAuthCommand).rejects(new TooManyRequestsException(details));
    await expect(addBob()).rejects.toMatchObject({ name: 'TooManyRequestsException' });
  });
});

describe('a refusal', () => {
  it.each([
    ['text', { status: 400, body: 'Error Password did not conform with policy' }],
    ['text with the status of a success', { body: 'Error Password did not conform with policy' }],
    ['JSON with the status of a success', { body: { errorMessage: 'Password did not conform with policy' } }],
    [
      'a redirect to elsewhere',
      { status: 307, headers: { location: 'https://elsewhere.example' }, body: 'did not conform' },
    ],
  ] satisfies [string, Answer][])("is this user's result (%s)", async (_, answer) => {
    const { addBob, logins, secrets } = await setUp({ answer });
    expect(resultOf(await addBob())).toEqual({
      userName: 'bob',
      outcome: 'rejected',
      error: { ...errorOf('InfinStorRejected', 'did not conform'), remedy: expect.any(String) },
    });
    expect([logins(), secrets.written]).toEqual([[], []]);
  });

  it.each([
    ['as it is', bobPassword],
    ['as JSON has it', JSON.stringify(bobPassword)],
    ['as the form has it', new URLSearchParams({ password: bobPassword }).toString()],
  ])('that quotes the password %s is withheld', async (_, quoted) => {
    const { addBob } = await setUp({ answer: { status: 400, body: `Error ${quoted}` } });
    expect(resultOf(await addBob())).toMatchObject({ error: errorOf('InfinStorRejected', 'withheld') });
  });

  it.each([
    ['says nothing', { body: '' }],
    ['is JSON', { body: { status: 'ok' } }],
    ['is a page', { body: '<html>Welcome</html>' }],
  ] satisfies [string, Answer][])(
    'is what an answer with status 200 means that %s, unless the user logs in',
    async (_, answer) => {
      const refused = await setUp({ answer });
      expect(resultOf(await refused.addBob())).toMatchObject({
        outcome: 'rejected',
        error: errorOf('InfinStorRejected', 'answered 200'),
      });
      const { addBob } = await setUp({ answer, login: bobPassword });
      expect(resultOf(await addBob())).toMatchObject({ outcome: 'added' });
    },
  );

  it.each([
    ['is gone', undefined],
    ['is no JSON', 'no-json'],
    ['has no password', { pass: 'word' }],
  ])("is this user's result when the secret %s, without a call", async (_, content) => {
    const { addBob, calls, secrets } = await setUp({ stored: { [inputSecretId]: content ?? null } });
    if (content === undefined) secrets.remove(inputSecretId);
    expect(resultOf(await addBob())).toMatchObject({
      outcome: 'rejected',
      error: errorOf('InvalidRequest', 'users.1.passwordSecretId: '),
    });
    expect(calls()).toEqual([]);
  });
});

describe('what would hit all users is thrown', () => {
  it.each<[string, string, Answer]>([
    ['TokenRejected', '401', { status: 401, body: { message: 'Unauthorized' } }],
    ['TokenRejected', '403', { status: 403, body: { message: 'Forbidden' } }],
    ['TokenRejected', 'the page of an expired login', loginExpired],
    ['TokenRejected', 'a redirect to the login', { status: 302, headers: { location: '/login.html' }, body: '' }],
    ['InfinStorUnavailable', '429', { status: 429, body: 'slow down' }],
    ['InfinStorUnavailable', '500', { status: 500, body: 'broken' }],
    ['InfinStorUnavailable', '504', { status: 504, body: { message: 'Endpoint request timed out' } }],
    ['InfinStorUnavailable', 'no answer', 'lost'],
  ])('as %s (%s)', async (name, _, answer) => {
    const { addBob, logins } = await setUp({ answer });
    await expect(addBob()).rejects.toMatchObject(errorOf(name, 'addsecondaryuser'));
    expect(logins()).toEqual([]);
  });

  it('as TokenRejected when the token is gone, and InvalidConfiguration when nobody knows where the API is', async () => {
    const { addBob, invoke, secrets, calls } = await setUp();
    const event = { plan: usersPlan, token, progress: afterAlice };
    await expect(invoke(event, { INFINSTOR_API_URL: '' })).rejects.toMatchObject(
      errorOf('InvalidConfiguration', 'infinstorApiUrl'),
    );
    secrets.remove(tokenSecretId);
    await expect(addBob()).rejects.toMatchObject(errorOf('TokenRejected', tokenSecretId));
    expect(calls()).toEqual([]);
  });

  it('as InfinStorRejected when the service is none', async () => {
    const { addBob } = await setUp();
    const elsewhere = await fakeInfinStor({ get_version: () => ({ body: '<html>' }) });
    const { invoke } = await setUp();
    const event = { plan: usersPlan, token, progress: afterAlice };
    await expect(invoke(event, { INFINSTOR_MLFLOW_URL: elsewhere.url })).rejects.toMatchObject({
      name: 'InfinStorRejected',
    });
    expect(resultOf(await addBob())).toMatchObject({ outcome: 'added' });
  });

  it('as OnboardingInProgress, without a call, when another invocation keeps a password first', async () => {
    const { addAlice, calls, secrets } = await setUp();
    secrets.client.on(CreateSecretCommand).rejects(new ResourceExistsException({ message: 'exists', $metadata: {} }));
    await expect(addAlice()).rejects.toMatchObject({ name: 'OnboardingInProgress' });
    expect(calls()).toEqual([]);
  });

  it('as it is, when the password cannot be kept', async () => {
    const { addAlice, addBob, calls, secrets } = await setUp();
    secrets.client.on(CreateSecretCommand).rejects(new InternalServiceError({ message: 'no', $metadata: {} }));
    await expect(addAlice()).rejects.toMatchObject({ name: 'InternalServiceError' });
    expect(calls()).toEqual([]);
    await expect(addBob()).rejects.toMatchObject({ name: 'InternalServiceError' });
  });
});

it('keeps the password also when the secret has come into being meanwhile', async () => {
  const { addBob, secrets } = await setUp({
    answer: () => {
      secrets.client.on(CreateSecretCommand).rejects(new ResourceExistsException({ message: 'exists', $metadata: {} }));
      return added;
    },
  });
  const put: string[] = [];
  secrets.client.on(PutSecretValueCommand).callsFake(({ SecretId }) => {
    put.push(SecretId);
    return {};
  });
  expect(resultOf(await addBob())).toMatchObject({ outcome: 'added' });
  expect(put).toEqual([bobSecretId]);
});

it.each(['INFINSTOR_MLFLOW_URL', 'INFINSTOR_API_URL'] as const)('names the missing variable %s', async (name) => {
  const { invoke } = await setUp();
  await expect(invoke({ plan: usersPlan, token }, { [name]: undefined })).rejects.toMatchObject(
    errorOf('InvalidConfiguration', name),
  );
});
