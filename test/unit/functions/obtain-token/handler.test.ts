import {
  CognitoIdentityProviderClient,
  InitiateAuthCommand,
  NotAuthorizedException,
  PasswordResetRequiredException,
  TooManyRequestsException,
  UserNotConfirmedException,
  UserNotFoundException,
} from '@aws-sdk/client-cognito-identity-provider';
import { GetSecretValueCommand, ResourceNotFoundException } from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../../functions/obtain-token/environment.ts';
import { environmentOf } from '../environment.ts';
import { type Answer, fakeInfinStor } from '../fake-infinstor.ts';
import { fakeSecrets, firstVersionId } from '../fake-secrets.ts';
import { errorOf, lambda, minutesAgo, now, secret } from '../lambda.ts';
import { ownRecord } from '../own-record.ts';
import { plan } from '../plan.ts';

const names = { SUPERADMIN_SECRET_ID: 'test/superadmin', SUPERADMIN_TOKEN_SECRET_ID: 'test/superadmin-token' };
const login = {
  AuthFlow: 'USER_PASSWORD_AUTH',
  ClientId: 'cli-client',
  AuthParameters: { USERNAME: 'root', PASSWORD: secret('password') },
};
const refreshed = {
  AuthFlow: 'REFRESH_TOKEN_AUTH',
  ClientId: 'cli-client',
  AuthParameters: { REFRESH_TOKEN: secret('old-refresh') },
};
const newTokens = { IdToken: secret('new-id'), RefreshToken: secret('new-refresh') };
const storedAt = (obtainedAt: string) => ({
  idToken: secret('old-id'),
  refreshToken: secret('old-refresh'),
  obtainedAt,
});
const version: Answer = { body: { cognitoCliClientId: 'cli-client', region: 'eu-north-1' } };
const details = { message: 'refused', $metadata: {} };
const refusals = [
  new NotAuthorizedException(details),
  new UserNotFoundException(details),
  new UserNotConfirmedException(details),
  new PasswordResetRequiredException(details),
];

async function setUp({
  token = null,
  superadmin = { [names.SUPERADMIN_SECRET_ID]: { userName: 'root', password: secret('password') } },
  answer = version,
}: {
  token?: unknown;
  superadmin?: Record<string, unknown>;
  answer?: Answer;
} = {}) {
  ownRecord();
  const secrets = fakeSecrets({ ...superadmin, [names.SUPERADMIN_TOKEN_SECRET_ID]: token });
  const cognito = mockClient(CognitoIdentityProviderClient);
  cognito.on(InitiateAuthCommand).resolves({ AuthenticationResult: newTokens });
  const infinstor = await fakeInfinStor({ get_version: () => answer });
  const environment = environmentOf(environmentSchema, {
    ...names,
    SUPERADMIN_USER_NAME: 'Root',
    INFINSTOR_MLFLOW_URL: infinstor.url,
  });
  const run = lambda(() => import('../../../../functions/obtain-token/handler.ts'), environment);
  const invoke = (event: object, changes = {}) => run({ plan, ...event }, changes);
  const logins = () => cognito.commandCalls(InitiateAuthCommand).map(({ args: [{ input }] }) => input);
  const current = () => secrets.current(names.SUPERADMIN_TOKEN_SECRET_ID);
  return { invoke, secrets, cognito, infinstor, logins, current };
}

describe('obtaining the first token', () => {
  it('logs in at the discovered Cognito client and stores the token before referring to it', async () => {
    const { invoke, secrets, cognito, infinstor, logins, current } = await setUp();
    const token = await invoke({});
    expect(infinstor.requests).toMatchObject([{ operation: 'GET get_version', headers: { authorization: 'None' } }]);
    expect(logins()).toEqual([login]);
    const client: CognitoIdentityProviderClient = cognito.call(0).thisValue;
    expect(await client.config.region()).toBe('eu-north-1');
    expect(current()).toEqual({
      idToken: secret('new-id'),
      refreshToken: secret('new-refresh'),
      obtainedAt: now.toISOString(),
    });
    expect(token).toEqual({
      secretId: names.SUPERADMIN_TOKEN_SECRET_ID,
      versionId: secrets.currentVersionId(names.SUPERADMIN_TOKEN_SECRET_ID),
      rejections: 0,
    });
  });

  it('goes on with the token of the execution that stored one at the same time', async () => {
    const { invoke, secrets, cognito, current } = await setUp();
    const first = await invoke({});
    const noValueYet = new ResourceNotFoundException({ message: 'no value yet', $metadata: {} });
    secrets.client.on(GetSecretValueCommand, { SecretId: names.SUPERADMIN_TOKEN_SECRET_ID }).rejects(noValueYet);
    cognito.on(InitiateAuthCommand).resolves({ AuthenticationResult: { ...newTokens, IdToken: secret('too-late') } });
    expect(await invoke({})).toEqual(first);
    expect(cognito.calls()).toHaveLength(2);
    expect(current()).toMatchObject({ idToken: secret('new-id') });
  });
});

describe('a token that is there', () => {
  const reference = { secretId: names.SUPERADMIN_TOKEN_SECRET_ID, versionId: firstVersionId, rejections: 0 };

  it('is used while it is younger than 30 minutes, without any call', async () => {
    const { invoke, secrets, infinstor, logins } = await setUp({ token: storedAt(minutesAgo(29.99)) });
    expect(await invoke({})).toEqual(reference);
    expect([infinstor.requests, logins(), secrets.written]).toEqual([[], [], []]);
  });

  const old = { ...reference, versionId: 'version-0' };

  it.each([
    ['refreshed when it is 30 minutes old', minutesAgo(30), {}, refreshed, 0],
    [
      'refreshed when it has taken the place of a refused one, and is stale',
      minutesAgo(30),
      { token: old },
      refreshed,
      1,
    ],
    ['replaced by a login with the password when InfinStor refused it', minutesAgo(1), { token: reference }, login, 1],
    ['replaced by a login also when it is refused and stale', minutesAgo(40), { token: reference }, login, 1],
  ])('is %s', async (_, obtainedAt, event, expectedLogin, rejections) => {
    const { invoke, secrets, logins, current } = await setUp({ token: storedAt(obtainedAt) });
    const token = await invoke(event);
    expect(logins()).toEqual([expectedLogin]);
    expect(current()).toMatchObject({ idToken: secret('new-id') });
    expect(token).toMatchObject({ versionId: secrets.currentVersionId(token.secretId), rejections });
    expect(token.versionId).not.toBe(firstVersionId);
  });

  it('is used when another execution has put it in the place of the refused one', async () => {
    const { invoke, logins } = await setUp({ token: storedAt(minutesAgo(1)) });
    expect(await invoke({ token: old })).toEqual({ ...reference, rejections: 1 });
    expect(logins()).toEqual([]);
  });

  it('keeps its refresh token when the refresh brings none', async () => {
    const { invoke, cognito, current } = await setUp({ token: storedAt(minutesAgo(40)) });
    cognito.on(InitiateAuthCommand).resolves({ AuthenticationResult: { IdToken: secret('new-id') } });
    await invoke({});
    expect(current()).toMatchObject({ idToken: secret('new-id'), refreshToken: secret('old-refresh') });
  });

  it('is replaced by a login with the password when Cognito refuses the refresh', async () => {
    const { invoke, cognito, logins, current } = await setUp({ token: storedAt(minutesAgo(40)) });
    cognito.on(InitiateAuthCommand, { AuthFlow: 'REFRESH_TOKEN_AUTH' }).rejects(new NotAuthorizedException(details));
    await invoke({});
    expect(logins()).toEqual([refreshed, login]);
    expect(current()).toMatchObject({ idToken: secret('new-id') });
  });

  it('is given up as TokenRejected, without a login, after the third refusal in one execution', async () => {
    const { invoke, secrets, infinstor, logins } = await setUp({ token: storedAt(minutesAgo(1)) });
    await expect(invoke({ token: { ...reference, rejections: 2 } })).rejects.toMatchObject({ name: 'TokenRejected' });
    expect([infinstor.requests, logins(), secrets.written]).toEqual([[], [], []]);
    expect(await invoke({ token: { ...reference, rejections: 1 } })).toMatchObject({ rejections: 2 });
  });
});

describe('a login that fails', () => {
  it.each(refusals.map((refusal) => [refusal.name, refusal] as const))(
    'is LoginRejected after %s, and tried once',
    async (_, refusal) => {
      const { invoke, secrets, cognito, logins } = await setUp();
      cognito.on(InitiateAuthCommand).rejects(refusal);
      await expect(invoke({})).rejects.toMatchObject(errorOf('LoginRejected', refusal.name));
      expect(logins()).toHaveLength(1);
      expect(secrets.written).toEqual([]);
    },
  );

  it.each([
    ['names external auth as a possible cause where users log in elsewhere', 'true', true],
    ['does not name it elsewhere', 'false', false],
  ])('%s', async (_, isExternalAuth, isNamed) => {
    const { invoke, cognito } = await setUp({
      answer: { body: { cognitoCliClientId: 'cli-client', region: 'eu-north-1', isExternalAuth } },
    });
    cognito.on(InitiateAuthCommand).rejects(new NotAuthorizedException(details));
    await expect(invoke({})).rejects.toMatchObject({
      name: 'LoginRejected',
      message: isNamed ? expect.stringContaining('external auth') : expect.not.stringContaining('external auth'),
    });
  });

  it('is LoginChallenge when Cognito asks for something', async () => {
    const { invoke, secrets, cognito } = await setUp();
    cognito.on(InitiateAuthCommand).resolves({ ChallengeName: 'NEW_PASSWORD_REQUIRED', Session: secret('session') });
    await expect(invoke({})).rejects.toMatchObject({ name: 'LoginChallenge', challenge: 'NEW_PASSWORD_REQUIRED' });
    expect(secrets.written).toEqual([]);
  });

  it("keeps the name of Cognito's throttling, and nothing else of it", async () => {
    const { invoke, cognito } = await setUp();
    cognito
      .on(InitiateAuthCommand)
      .rejects(Object.assign(new TooManyRequestsException(details), { $response: { body: secret('response') } }));
    await expect(invoke({})).rejects.toMatchObject({ name: 'TooManyRequestsException' });
  });

  it.each<[string, string, Answer]>([
    ['InfinStorUnavailable', 'answers 503', { status: 503, body: '' }],
    ['InfinStorUnavailable', 'gives no answer', 'lost'],
    ['InfinStorRejected', 'is something else', { body: '<html>' }],
  ])('is %s when the service %s, before Cognito is asked', async (name, _, answer) => {
    const { invoke, logins } = await setUp({ answer });
    await expect(invoke({})).rejects.toMatchObject({ name });
    expect(logins()).toEqual([]);
  });
});

describe('a deployment that is wrong', () => {
  it.each([
    ['missing', {}, 'there is no such secret'],
    ['no JSON', { [names.SUPERADMIN_SECRET_ID]: `root:${secret('password')}` }, 'must be JSON'],
    [
      "another user's",
      { [names.SUPERADMIN_SECRET_ID]: { userName: 'admin', password: secret('password') } },
      'superadminUserName, Root',
    ],
    ['incomplete', { [names.SUPERADMIN_SECRET_ID]: { userName: 'root', pasword: secret('password') } }, 'password'],
  ])('has a superadmin secret that is %s: InvalidConfiguration names it', async (_, superadmin, reason) => {
    const { invoke, logins } = await setUp({ superadmin });
    await expect(invoke({})).rejects.toMatchObject({
      name: 'InvalidConfiguration',
      message: expect.stringMatching(new RegExp(`${names.SUPERADMIN_SECRET_ID}.*${reason}`)),
    });
    expect(logins()).toEqual([]);
  });

  it.each([
    'INFINSTOR_MLFLOW_URL',
    'SUPERADMIN_SECRET_ID',
    'SUPERADMIN_TOKEN_SECRET_ID',
    'SUPERADMIN_USER_NAME',
  ] as const)('lacks %s: InvalidConfiguration names it', async (name) => {
    const { invoke } = await setUp();
    await expect(invoke({}, { [name]: undefined })).rejects.toMatchObject(errorOf('InvalidConfiguration', name));
  });
});
