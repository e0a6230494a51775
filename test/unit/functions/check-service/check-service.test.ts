import {
  CognitoIdentityProviderClient,
  InitiateAuthCommand,
  NotAuthorizedException,
} from '@aws-sdk/client-cognito-identity-provider';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { checkService } from '../../../../functions/check-service/check-service.ts';
import { environmentSchema } from '../../../../functions/check-service/environment.ts';
import { parse } from '../../../../lib/parse.ts';
import { countRefusedToken, pauseTokens, readBreaker } from '../../../../lib/registry/login-breaker.ts';
import { registryTable } from '../../lib/registry/registry-table.ts';
import { environmentOf } from '../environment.ts';
import { type Answer, fakeInfinStor } from '../fake-infinstor.ts';
import { fakeSecrets, firstVersionId } from '../fake-secrets.ts';
import { lambda, minutesAgo, now, secret } from '../lambda.ts';

const names = { SUPERADMIN_SECRET_ID: 'test/superadmin', SUPERADMIN_TOKEN_SECRET_ID: 'test/superadmin-token' };
const superadmin = { userName: 'root', password: secret('password') };
const wrongPassword = new NotAuthorizedException({ message: 'Incorrect username or password.', $metadata: {} });
const stored = (passwordVersionId: string) => ({
  ...{ idToken: secret('id'), refreshToken: secret('refresh'), obtainedAt: minutesAgo(20), passwordVersionId },
});

async function setUp({
  token = null,
  kept = superadmin,
  answer = { body: { cognitoCliClientId: 'client', region: 'eu-north-1' } },
}: {
  token?: unknown;
  kept?: unknown;
  answer?: Answer;
} = {}) {
  const secrets = fakeSecrets({
    ...(kept === 'none' ? {} : { [names.SUPERADMIN_SECRET_ID]: kept }),
    [names.SUPERADMIN_TOKEN_SECRET_ID]: token,
  });
  const cognito = mockClient(CognitoIdentityProviderClient);
  const tokens = { IdToken: secret('new-id'), RefreshToken: secret('new-refresh') };
  cognito.on(InitiateAuthCommand).resolves({ AuthenticationResult: tokens });
  const infinstor = await fakeInfinStor({ get_version: () => answer });
  const { environment: dynamoDb, ...registry } = await registryTable();
  const values = environmentOf(environmentSchema, {
    ...{ ...names, REGISTRY_TABLE: registry.tableName, SUPERADMIN_USER_NAME: 'Root' },
    ...{ INFINSTOR_MLFLOW_URL: infinstor.url, STACK_EVENT_REGIONS: 'us-east-1,eu-west-1' },
  });
  const environment = parse(environmentSchema, values, (field) => new Error(field));
  const look = () =>
    checkService({
      ...{ environment, registry, now },
      secrets: new SecretsManagerClient({ region: 'us-east-1' }),
      cognito: (region) => new CognitoIdentityProviderClient({ region }),
    });
  const flows = () => cognito.commandCalls(InitiateAuthCommand).map(({ args: [{ input }] }) => input.AuthFlow);
  const invoke = lambda(() => import('../../../../functions/check-service/handler.ts'), { ...values, ...dynamoDb });
  return { look, invoke, flows, cognito, secrets, registry };
}

describe('a service that is in order', () => {
  it('is logged in to once, and the session is kept for onboardings', async () => {
    const { look, flows, secrets } = await setUp();
    expect(await look()).toEqual({
      service: { mlflowUrl: expect.any(String), region: 'eu-north-1' },
      superadmin: { secretId: names.SUPERADMIN_SECRET_ID },
      login: { userName: 'root', since: now.toISOString() },
      stackEventRegions: ['us-east-1', 'eu-west-1'],
    });
    expect(flows()).toEqual(['USER_PASSWORD_AUTH']);
    expect(secrets.current(names.SUPERADMIN_TOKEN_SECRET_ID)).toMatchObject({ idToken: secret('new-id') });
    await look();
    expect(flows()).toEqual(['USER_PASSWORD_AUTH', 'REFRESH_TOKEN_AUTH']);
  });

  it('has a session that is refreshed, and not made anew', async () => {
    const { look, flows, secrets } = await setUp({ token: stored(firstVersionId) });
    expect(await look()).toMatchObject({ login: { since: minutesAgo(20) } });
    expect(flows()).toEqual(['REFRESH_TOKEN_AUTH']);
    expect(secrets.current(names.SUPERADMIN_TOKEN_SECRET_ID)).toMatchObject({ idToken: secret('id') });
  });

  it('is logged in to again when the session is of an earlier password', async () => {
    const { look, flows } = await setUp({ token: stored('an-earlier-version-of-the-secret-00000') });
    expect(await look()).toMatchObject({ login: { since: now.toISOString() } });
    expect(flows()).toEqual(['USER_PASSWORD_AUTH']);
  });

  it('is answered as the HTTP API would, without a secret', async () => {
    const { invoke } = await setUp();
    const answer = await invoke({ version: '2.0' });
    expect(answer).toMatchObject({ statusCode: 200 });
    expect(JSON.stringify(answer)).not.toContain(secret('password'));
  });
});

describe('what is wrong', () => {
  it.each([
    ['is not there', 'none', 'there is no such secret'],
    ['has no password', { userName: 'root' }, 'password: is required'],
    ['is of somebody else', { ...superadmin, userName: 'other' }, 'superadminUserName'],
  ])('with a secret that %s is said, and nobody logs in', async (_what, kept, message) => {
    const { look, flows } = await setUp({ kept });
    expect(await look()).toMatchObject({
      superadmin: { error: { name: 'InvalidConfiguration', message: expect.stringContaining(message) } },
      login: null,
    });
    expect(flows()).toEqual([]);
  });

  it('with the service is said, and nobody logs in', async () => {
    const { look, flows } = await setUp({ answer: { status: 503, body: {} } });
    expect(await look()).toMatchObject({ service: { error: { name: 'InfinStorUnavailable' } }, login: null });
    expect(flows()).toEqual([]);
  });

  it('with the password is found by one login a time, of which the breaker allows two', async () => {
    const { look, flows, cognito, registry } = await setUp();
    cognito.on(InitiateAuthCommand).rejects(wrongPassword);
    for (const name of ['LoginRejected', 'LoginRejected', 'LoginsPaused', 'LoginsPaused']) {
      expect(await look()).toMatchObject({ login: { error: { name } } });
    }
    expect(flows()).toHaveLength(2);
    expect((await readBreaker(registry, 'Root')).logins).toHaveLength(2);
  });

  it('with a session that is over is mended by a login', async () => {
    const { look, flows, cognito } = await setUp({ token: stored(firstVersionId) });
    cognito
      .on(InitiateAuthCommand, { AuthFlow: 'REFRESH_TOKEN_AUTH' })
      .rejects(new NotAuthorizedException({ message: 'Refresh Token has been revoked', $metadata: {} }));
    expect(await look()).toMatchObject({ login: { since: now.toISOString() } });
    expect(flows()).toEqual(['REFRESH_TOKEN_AUTH', 'USER_PASSWORD_AUTH']);
  });

  it('with every token is not answered by another login', async () => {
    const { look, flows, registry } = await setUp({ token: stored(firstVersionId) });
    const user = { userName: 'Root', now };
    const breaker = await readBreaker(registry, 'Root');
    await pauseTokens(registry, user, await countRefusedToken(registry, { ...user, versionId: 'refused' }, breaker));
    expect(await look()).toMatchObject({ login: { error: { name: 'LoginsPaused' } } });
    expect(flows()).toEqual([]);
  });
});
