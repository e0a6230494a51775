import {
  CognitoIdentityProviderClient,
  InitiateAuthCommand,
  NotAuthorizedException,
  PasswordResetRequiredException,
  TooManyRequestsException,
  UserNotFoundException,
} from '@aws-sdk/client-cognito-identity-provider';
import { InternalServiceError, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../../functions/update-subscriber/environment.ts';
import { registryTable } from '../../lib/registry/registry-table.ts';
import { environmentOf } from '../environment.ts';
import { type Answer, fakeInfinStor } from '../fake-infinstor.ts';
import { fakeSecrets, firstVersionId } from '../fake-secrets.ts';
import { errorOf, lambda, now, secret, withTimeLeft } from '../lambda.ts';
import { own } from '../own-record.ts';
import { updatePlan } from '../update-plan.ts';

const { credentialsSecretId, passwordSecretId = '' } = updatePlan;
const token = { secretId: 'test/superadmin-token', versionId: firstVersionId, rejections: 0 };
const superadminToken = { idToken: secret('id-token'), refreshToken: secret('refresh'), obtainedAt: now.toISOString() };
const password = secret('new-password');
const created = { state: 'created', password: secret('password'), customToken: secret('custom-token') };
const emailOnly = {
  ...updatePlan,
  passwordSecretId: undefined,
  changed: ['emailId'] as const,
};
const loginExpired =
  '<html><head><meta http-equiv="refresh" content="3;url=/login.html"></head><body>Login expired. Please login again</body></html>';

async function setUp({
  stored = created,
  answer = () => ({ body: 'Successfully updated subscriber' }),
  login = { AuthenticationResult: { IdToken: secret('subscriber-token') } },
  isExternalAuth = 'false',
}: {
  stored?: unknown;
  answer?: () => Answer;
  login?: Error | object;
  isExternalAuth?: string;
} = {}) {
  const pool = mockClient(CognitoIdentityProviderClient);
  if (login instanceof Error) pool.on(InitiateAuthCommand).rejects(login);
  else pool.on(InitiateAuthCommand).resolves(login);
  const logins = () => pool.commandCalls(InitiateAuthCommand).map(({ args: [{ input }] }) => input.AuthParameters);
  const secrets = fakeSecrets({
    [token.secretId]: superadminToken,
    [passwordSecretId]: { password },
    ...(stored !== undefined && { [credentialsSecretId]: stored }),
  });
  const infinstor = await fakeInfinStor({
    update_subscriber: answer,
    get_version: () => ({ body: { cognitoCliClientId: 'client-1', region: 'us-east-1', isExternalAuth } }),
  });
  const { environment: dynamoDb, ...registry } = await registryTable();
  await own(registry, updatePlan.executionArn, updatePlan.subscriber.userName);
  const values = environmentOf(environmentSchema, {
    REGISTRY_TABLE: registry.tableName,
    INFINSTOR_MLFLOW_URL: infinstor.url,
    CUSTOM_TOKEN_PATH: 'new.token',
    CUSTOM_TOKEN_PREFIX: '',
  });
  const environment = { ...values, ...dynamoDb };
  const invoke = lambda(() => import('../../../../functions/update-subscriber/handler.ts'), environment);
  const credentials = () => secrets.current(credentialsSecretId);
  const updates = () => infinstor.requests.filter(({ operation }) => operation === 'POST update_subscriber');
  const sent = () => updates().map(({ body }) => JSON.parse(body));
  return { invoke, secrets, credentials, infinstor, updates, sent, logins };
}

it('calls nothing when what InfinStor accepts might not be stored in time: TooLittleTime', async () => {
  const { invoke, infinstor } = await setUp();
  withTimeLeft(200_000);
  const failure = errorOf('TooLittleTime', 'update_subscriber was not called');
  await expect(invoke({ plan: updatePlan, token })).rejects.toMatchObject(failure);
  expect(infinstor.requests).toEqual([]);
});

describe('updating a subscriber', () => {
  it('sends the raw token, and JSON as the setup guide has it', async () => {
    const { invoke, infinstor, sent } = await setUp();
    expect(await invoke({ plan: updatePlan, token })).toEqual({ isTokenNew: false });
    expect(infinstor.requests).toMatchObject([
      {
        operation: 'POST update_subscriber',
        headers: { authorization: superadminToken.idToken, 'content-type': 'application/json' },
      },
    ]);
    expect(sent()).toEqual([{ userName: 'Acme', password, emailId: 'new@acme.example' }]);
  });

  it('stores the new password only after InfinStor has accepted it', async () => {
    let atTheCall: unknown;
    const { invoke, secrets, credentials } = await setUp({
      answer: () => {
        atTheCall = credentials();
        return { body: {} };
      },
    });
    await invoke({ plan: updatePlan, token });
    expect(atTheCall).toEqual(created);
    expect(secrets.written).toEqual([{ ...created, password, emailId: 'new@acme.example' }]);
  });

  it('sends the kept password where every field is sent, and stores the e-mail address beside it', async () => {
    const { invoke, secrets, sent } = await setUp();
    await invoke({ plan: emailOnly, token });
    expect(sent()).toEqual([{ userName: 'Acme', password: created.password, emailId: 'new@acme.example' }]);
    expect(secrets.written).toEqual([{ ...created, emailId: 'new@acme.example' }]);
  });

  it("sends the kept password only when a login shows that it is still the subscriber's", async () => {
    const { invoke, logins } = await setUp();
    await invoke({ plan: updatePlan, token });
    expect(logins()).toEqual([]);
    await invoke({ plan: emailOnly, token });
    expect(logins()).toEqual([{ USERNAME: 'Acme', PASSWORD: password }]);
  });

  it.each([
    ['another', new NotAuthorizedException({ message: 'Incorrect username or password.', $metadata: {} })],
    ['to choose another', new PasswordResetRequiredException({ message: 'Password reset required', $metadata: {} })],
  ])('would set the password back of a subscriber that has %s: InvalidRequest, and no call', async (_, login) => {
    const { invoke, updates } = await setUp({ login });
    await expect(invoke({ plan: emailOnly, token })).rejects.toMatchObject(
      errorOf('InvalidRequest', 'passwordSecretId: is required: the stored password of Acme no longer logs in'),
    );
    expect(updates()).toEqual([]);
  });

  it.each([
    ['is locked for a while', 'Password attempts exceeded', 'passes by itself'],
    ['is disabled', 'User is disabled.', 'Have it enabled'],
    ['nobody knows why is not let in', 'something new', 'not known here'],
  ])(
    'does not call the kept password wrong of a subscriber who %s: LoginRejected, and no call',
    async (_, text, says) => {
      const { invoke, updates } = await setUp({ login: new NotAuthorizedException({ message: text, $metadata: {} }) });
      await expect(invoke({ plan: emailOnly, token })).rejects.toMatchObject(errorOf('LoginRejected', says));
      expect(updates()).toEqual([]);
    },
  );

  it.each([
    ['Cognito asks for more', { login: { ChallengeName: 'SOFTWARE_TOKEN_MFA' } }],
    ['the pool has no such user', { login: new UserNotFoundException({ message: 'no', $metadata: {} }) }],
    [
      'users log in elsewhere',
      { login: new NotAuthorizedException({ message: 'no', $metadata: {} }), isExternalAuth: 'true' },
    ],
  ])('sends the kept password when %s', async (_, parts) => {
    const { invoke, updates } = await setUp(parts);
    await invoke({ plan: emailOnly, token });
    expect(updates()).toHaveLength(1);
  });

  it('makes no call while Cognito cannot say', async () => {
    const login = new TooManyRequestsException({ message: 'Rate exceeded', $metadata: {} });
    const { invoke, updates } = await setUp({ login });
    await expect(invoke({ plan: emailOnly, token })).rejects.toMatchObject({ name: 'TooManyRequestsException' });
    expect(updates()).toEqual([]);
  });

  it.each([
    ['the e-mail address', { ...emailOnly, sent: ['emailId'] }, { emailId: 'new@acme.example' }],
    ['the password', { ...updatePlan, sent: ['password'] }, { password }],
  ])('sends nothing but %s where only that is to be sent', async (_, plan, fields) => {
    const { invoke, sent } = await setUp();
    await invoke({ plan, token });
    expect(sent()).toEqual([{ userName: 'Acme', ...fields }]);
  });

  it('does without the password of a subscriber that was given its token, where it is not sent', async () => {
    const { invoke, secrets } = await setUp({ stored: { state: 'created', customToken: created.customToken } });
    await invoke({ plan: { ...emailOnly, sent: ['emailId'] }, token });
    const { password: _, ...rest } = created;
    expect(secrets.written).toEqual([{ ...rest, emailId: 'new@acme.example' }]);
  });

  it('needs that password where it is sent: InvalidRequest, and no call', async () => {
    const { invoke, infinstor } = await setUp({ stored: { state: 'created', customToken: created.customToken } });
    await expect(invoke({ plan: emailOnly, token })).rejects.toMatchObject(
      errorOf('InvalidRequest', 'passwordSecretId: is required: the password of Acme is not known here'),
    );
    expect(infinstor.requests).toEqual([]);
  });

  it.each([
    ['at the configured place', { new: { token: secret('next') } }],
    ['at a known one', { customToken: secret('next') }],
  ])('stores a new custom token %s, also when the password stays', async (_, body) => {
    const { invoke, secrets } = await setUp({ answer: () => ({ body }) });
    expect(await invoke({ plan: emailOnly, token })).toEqual({ isTokenNew: true });
    expect(secrets.written).toEqual([{ ...created, emailId: 'new@acme.example', customToken: secret('next') }]);
  });

  it('keeps when the token ends that the answer repeats without saying so, and takes a new end', async () => {
    const known = { ...created, customTokenExpiresAt: '2027-01-15T08:00:00.000Z' };
    let body: object = { customToken: created.customToken };
    const { invoke, secrets } = await setUp({ stored: known, answer: () => ({ body }) });
    const same = { isTokenNew: false, customTokenExpiresAt: known.customTokenExpiresAt };
    expect(await invoke({ plan: emailOnly, token })).toEqual(same);
    body = { customToken: created.customToken, expiry: 1_900_000_000 };
    const customTokenExpiresAt = new Date(1_900_000_000_000).toISOString();
    expect(await invoke({ plan: emailOnly, token })).toEqual({ isTokenNew: false, customTokenExpiresAt });
    body = { customToken: secret('next') };
    expect(await invoke({ plan: emailOnly, token })).toEqual({ isTokenNew: true });
    const emailId = 'new@acme.example';
    expect(secrets.written).toEqual([
      { ...known, emailId },
      { ...known, emailId, customTokenExpiresAt },
      { ...created, emailId, customToken: secret('next') },
    ]);
  });

  it('stores nothing when it is repeated, though it calls again', async () => {
    const { invoke, secrets, sent } = await setUp();
    await invoke({ plan: updatePlan, token });
    await invoke({ plan: updatePlan, token });
    expect(sent()).toHaveLength(2);
    expect(secrets.written).toHaveLength(1);
  });

  it('is OnboardingInProgress when somebody else stores credentials meanwhile', async () => {
    const { invoke, secrets, credentials } = await setUp();
    secrets.client.on(PutSecretValueCommand).callsFakeOnce(({ SecretId, ClientRequestToken }) => {
      // Another successor of the version that was read.
      secrets.add(SecretId, { ClientRequestToken, SecretString: JSON.stringify({ ...created, password: 'other' }) });
      return secrets.add(SecretId, { ClientRequestToken, SecretString: JSON.stringify(created) });
    });
    await expect(invoke({ plan: updatePlan, token })).rejects.toMatchObject({ name: 'OnboardingInProgress' });
    expect(credentials()).toMatchObject({ password: 'other' });
  });

  it('tries to store what InfinStor has accepted for longer than other calls', async () => {
    const { invoke, secrets } = await setUp();
    secrets.client.on(PutSecretValueCommand).rejects(new InternalServiceError({ message: 'later', $metadata: {} }));
    await expect(invoke({ plan: updatePlan, token })).rejects.toMatchObject({ name: 'InternalServiceError' });
  });

  it.each([
    ['there is no such secret', undefined],
    ['its subscriber was not created', { state: 'prepared', password: secret('password') }],
  ])('is InvalidConfiguration, without a call, when of the credentials %s', async (_, stored) => {
    const { invoke, infinstor, secrets } = await setUp();
    if (stored === undefined) secrets.remove(credentialsSecretId);
    else secrets.add(credentialsSecretId, { SecretString: JSON.stringify(stored) });
    await expect(invoke({ plan: updatePlan, token })).rejects.toMatchObject(
      errorOf('InvalidConfiguration', credentialsSecretId),
    );
    expect(infinstor.requests).toEqual([]);
  });

  it('is TokenRejected, without a call, when the token is gone', async () => {
    const { invoke, infinstor } = await setUp();
    const gone = { ...token, versionId: 'version-of-old' };
    await expect(invoke({ plan: updatePlan, token: gone })).rejects.toMatchObject({ name: 'TokenRejected' });
    expect(infinstor.requests).toEqual([]);
  });
});

describe('an answer of update_subscriber', () => {
  it.each<[name: string, error: string, answer: Answer]>([
    ['401', 'TokenRejected', { status: 401, body: '' }],
    ['403', 'TokenRejected', { status: 403, body: { message: 'Forbidden' } }],
    ['the login page and 200', 'TokenRejected', { body: loginExpired }],
    ['the login page and 401', 'TokenRejected', { status: 401, body: loginExpired }],
    ['a redirect to the login page', 'TokenRejected', { status: 302, headers: { location: '/login.html' }, body: '' }],
    ['a refusal', 'InfinStorRejected', { status: 400, body: 'Error Malformed JSON body' }],
    ['a weak password and 403', 'InfinStorRejected', { status: 403, body: 'Password did not conform with policy' }],
    ['an unknown user and 403', 'InfinStorRejected', { status: 403, body: { message: 'User does not exist.' } }],
    ["Cognito's unknown user and 401", 'InfinStorRejected', { status: 401, body: 'UserNotFoundException' }],
    ['an error and 200', 'InfinStorRejected', { body: 'Error User does not exist' }],
    ['an error as JSON and 200', 'InfinStorRejected', { body: { errorMessage: 'no', errorType: 'Exception' } }],
    ['a page and 200', 'InfinStorRejected', { body: '<html>Welcome</html>' }],
    ['a redirect elsewhere', 'InfinStorRejected', { status: 307, headers: { location: '/x' }, body: '' }],
    ['404', 'InfinStorRejected', { status: 404, body: 'not found' }],
    ['429', 'InfinStorUnavailable', { status: 429, body: '' }],
    ['500', 'InfinStorUnavailable', { status: 500, body: 'Error User does not exist' }],
    ['504', 'InfinStorUnavailable', { status: 504, body: '' }],
    ['408', 'InfinStorUnavailable', { status: 408, body: '' }],
    ['303', 'InfinStorUnavailable', { status: 303, headers: { location: '/done' }, body: '' }],
    ['a broken connection', 'InfinStorUnavailable', 'lost'],
  ])('with %s ends in %s, and nothing is stored', async (_name, error, answer) => {
    const { invoke, secrets } = await setUp({ answer: () => answer });
    await expect(invoke({ plan: updatePlan, token })).rejects.toMatchObject(errorOf(error, 'update_subscriber'));
    expect(secrets.written).toEqual([]);
  });

  it.each([
    ['nothing and 204', { status: 204, body: '' }],
    ['an empty object', { body: {} }],
    ['text', { body: 'OK' }],
    ['no error', { body: { error: null, status: 'updated' } }],
  ])('with %s is a success', async (_, answer) => {
    const { invoke, credentials } = await setUp({ answer: () => answer });
    await invoke({ plan: updatePlan, token });
    expect(credentials()).toMatchObject({ password });
  });

  it.each([
    ['a refusal', { status: 400, body: `no: ${password}` }],
    ['an error and 200', { body: { error: `no: ${password}` } }],
  ])('that quotes the password is withheld: %s', async (_, answer) => {
    const { invoke } = await setUp({ answer: () => answer });
    await expect(invoke({ plan: updatePlan, token })).rejects.toMatchObject(
      errorOf('InfinStorRejected', 'its answer is withheld, because it quotes the password'),
    );
  });

  it('that never can have been asked for is InfinStorUnavailable', async () => {
    const { invoke, infinstor } = await setUp();
    infinstor.close();
    await expect(invoke({ plan: updatePlan, token })).rejects.toMatchObject(
      errorOf('InfinStorUnavailable', 'update_subscriber: the connection failed (ECONNREFUSED)'),
    );
  });
});

it.each(['INFINSTOR_MLFLOW_URL', 'CUSTOM_TOKEN_PATH', 'CUSTOM_TOKEN_PREFIX'])(
  'names the missing variable %s: InvalidConfiguration',
  async (name) => {
    const { invoke } = await setUp();
    await expect(invoke({ plan: updatePlan, token }, { [name]: undefined })).rejects.toMatchObject(
      errorOf('InvalidConfiguration', name),
    );
  },
);
