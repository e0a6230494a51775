import {
  CognitoIdentityProviderClient,
  InitiateAuthCommand,
  NotAuthorizedException,
} from '@aws-sdk/client-cognito-identity-provider';
import {
  GetSecretValueCommand,
  InvalidRequestException,
  ResourceNotFoundException,
  RestoreSecretCommand,
} from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../../functions/obtain-subscriber-token/environment.ts';
import { registryTable } from '../../lib/registry/registry-table.ts';
import { environmentOf } from '../environment.ts';
import { fakeInfinStor } from '../fake-infinstor.ts';
import { fakeSecrets, firstVersionId } from '../fake-secrets.ts';
import { errorOf, lambda, minutesAgo, now, secret } from '../lambda.ts';
import { own } from '../own-record.ts';
import { usersPlan } from '../users-plan.ts';

const { tokenSecretId, credentialsSecretId } = usersPlan;
const created = { state: 'created', password: secret('password'), customToken: secret('custom') };
const details = { message: 'refused', $metadata: {} };
const byPassword = {
  AuthFlow: 'USER_PASSWORD_AUTH',
  ClientId: 'cli-client',
  AuthParameters: { USERNAME: 'Acme', PASSWORD: created.password },
};
const storedAt = (obtainedAt: string) => ({
  idToken: secret('old-id'),
  refreshToken: secret('old-refresh'),
  obtainedAt,
  passwordVersionId: firstVersionId,
});
const newTokens = { IdToken: secret('new-id'), RefreshToken: secret('new-refresh') };
const progressAt = (next: number) => ({ next, hasMore: true, results: [] });

async function setUp({ token, credentials = created }: { token?: unknown; credentials?: unknown } = {}) {
  const secrets = fakeSecrets({
    ...(token !== undefined && { [tokenSecretId]: token }),
    ...(credentials !== null && { [credentialsSecretId]: credentials }),
  });
  const cognito = mockClient(CognitoIdentityProviderClient);
  cognito.on(InitiateAuthCommand).resolves({ AuthenticationResult: newTokens });
  const infinstor = await fakeInfinStor({
    get_version: () => ({ body: { cognitoCliClientId: 'cli-client', region: 'eu-north-1' } }),
  });
  const load = () => import('../../../../functions/obtain-subscriber-token/handler.ts');
  const { environment: dynamoDb, ...registry } = await registryTable();
  await own(registry, usersPlan.executionArn, usersPlan.subscriber.userName);
  const values = { INFINSTOR_MLFLOW_URL: infinstor.url, REGISTRY_TABLE: registry.tableName };
  const invoke = lambda(load, { ...environmentOf(environmentSchema, values), ...dynamoDb });
  const logins = () => cognito.commandCalls(InitiateAuthCommand).map(({ args: [{ input }] }) => input);
  return { invoke, secrets, cognito, logins };
}

const plan = usersPlan;
const used = { secretId: tokenSecretId, userName: 'Acme', versionId: firstVersionId, rejections: 0, userIndex: 0 };

describe("obtaining a subscriber's token", () => {
  it("logs in as the subscriber, and keeps the token in the subscriber's own secret", async () => {
    const { invoke, secrets, logins } = await setUp();
    const token = await invoke({ plan });
    expect(logins()).toEqual([byPassword]);
    expect(secrets.current(tokenSecretId)).toEqual({
      idToken: secret('new-id'),
      refreshToken: secret('new-refresh'),
      obtainedAt: now.toISOString(),
      passwordVersionId: firstVersionId,
    });
    expect(token).toEqual({ ...used, versionId: secrets.currentVersionId(tokenSecretId) });
  });

  it('uses the kept one, whose users refresh it, and needs no password for that', async () => {
    const { invoke, secrets, logins } = await setUp({ token: storedAt(minutesAgo(600)), credentials: null });
    expect(await invoke({ plan, progress: progressAt(1) })).toEqual({ ...used, userIndex: 1 });
    expect([logins(), secrets.written]).toEqual([[], []]);
  });

  it('stores its own when another invocation has made the secret meanwhile', async () => {
    const { invoke, secrets } = await setUp({ token: storedAt(minutesAgo(1)) });
    const missing = new ResourceNotFoundException({ message: 'not yet', $metadata: {} });
    secrets.client.on(GetSecretValueCommand, { SecretId: tokenSecretId }).rejects(missing);
    const { versionId } = await invoke({ plan });
    expect(secrets.current(tokenSecretId)).toMatchObject({ idToken: secret('new-id') });
    expect(versionId).toBe(secrets.currentVersionId(tokenSecretId));
  });

  it('restores one that is scheduled for deletion', async () => {
    const { invoke, secrets } = await setUp({ token: storedAt(minutesAgo(1)) });
    const scheduled = new InvalidRequestException({ message: 'marked for deletion', $metadata: {} });
    let isDeleted = true;
    secrets.client.on(RestoreSecretCommand).callsFake(() => {
      isDeleted = false;
      return {};
    });
    secrets.client.on(GetSecretValueCommand, { SecretId: tokenSecretId }).callsFake(() => {
      if (isDeleted) throw scheduled;
      return { SecretString: JSON.stringify(storedAt(minutesAgo(1))), VersionId: firstVersionId };
    });
    expect(await invoke({ plan })).toEqual(used);
    expect(secrets.client.commandCalls(RestoreSecretCommand).map(({ args: [{ input }] }) => input)).toEqual([
      { SecretId: tokenSecretId },
    ]);
  });
});

describe('a token that InfinStor refused', () => {
  it('is replaced by a login with the password', async () => {
    const { invoke, logins } = await setUp({ token: storedAt(minutesAgo(1)) });
    expect(await invoke({ plan, token: used })).toMatchObject({ rejections: 1, userIndex: 0 });
    expect(logins()).toEqual([byPassword]);
  });

  it.each([
    [0, undefined, 'the third for the same user', undefined],
    [0, 1, 'the first for the next user', { rejections: 1, userIndex: 1 }],
  ])('counts, after two for user %i, at %j as %s', async (userIndex, next, _, expected) => {
    const { invoke, logins } = await setUp({ token: storedAt(minutesAgo(1)) });
    const progress = next === undefined ? undefined : progressAt(next);
    const result = invoke({ plan, token: { ...used, rejections: 2, userIndex }, progress });
    if (expected !== undefined) {
      expect(await result).toMatchObject(expected);
      return;
    }
    await expect(result).rejects.toMatchObject(errorOf('TokenRejected', '3 tokens of Acme'));
    expect(logins()).toEqual([]);
  });
});

describe('a password that is not known', () => {
  it.each([
    ['no credentials', null],
    ['credentials without one', { state: 'created', customToken: secret('custom') }],
    ['credentials whose password InfinStor is not known to have accepted', { state: 'prepared', password: 'prepared' }],
  ])('is SubscriberPasswordUnknown with %s, and nobody logs in', async (_, credentials) => {
    const { invoke, secrets, logins } = await setUp({ credentials });
    await expect(invoke({ plan })).rejects.toMatchObject(errorOf('SubscriberPasswordUnknown', credentialsSecretId));
    expect([logins(), secrets.written]).toEqual([[], []]);
  });
});

it('is LoginRejected, and tried once, when Cognito refuses the subscriber', async () => {
  const { invoke, cognito, logins } = await setUp();
  cognito.on(InitiateAuthCommand).rejects(new NotAuthorizedException(details));
  await expect(invoke({ plan })).rejects.toMatchObject(errorOf('LoginRejected', 'the login of Acme'));
  expect(logins()).toHaveLength(1);
});

it('names the missing variable INFINSTOR_MLFLOW_URL', async () => {
  const { invoke } = await setUp();
  await expect(invoke({ plan }, { INFINSTOR_MLFLOW_URL: undefined })).rejects.toMatchObject(
    errorOf('InvalidConfiguration', 'INFINSTOR_MLFLOW_URL'),
  );
});
