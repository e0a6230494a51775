import {
  CognitoIdentityProviderClient,
  InitiateAuthCommand,
  NotAuthorizedException,
  PasswordResetRequiredException,
  TooManyRequestsException,
  UserNotConfirmedException,
  UserNotFoundException,
} from '@aws-sdk/client-cognito-identity-provider';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../../functions/obtain-token/environment.ts';
import { obtainToken } from '../../../../functions/obtain-token/obtain-token.ts';
import type { Token } from '../../../../lib/plans/token.ts';
import { pauseOf, readBreaker } from '../../../../lib/registry/login-breaker.ts';
import { looksAtNewPassword } from '../../../../lib/registry/pause-reasons.ts';
import { registryTable } from '../../lib/registry/registry-table.ts';
import { environmentOf } from '../environment.ts';
import { type Answer, fakeInfinStor } from '../fake-infinstor.ts';
import { fakeSecrets, firstVersionId } from '../fake-secrets.ts';
import { errorOf, lambda, minutesAgo, now, secret } from '../lambda.ts';
import { own } from '../own-record.ts';
import { plan } from '../plan.ts';

const names = { SUPERADMIN_SECRET_ID: 'test/superadmin', SUPERADMIN_TOKEN_SECRET_ID: 'test/superadmin-token' };
const login = {
  AuthFlow: 'USER_PASSWORD_AUTH',
  ClientId: 'cli-client',
  AuthParameters: { USERNAME: 'root', PASSWORD: secret('password') },
};
const newTokens = { IdToken: secret('new-id'), RefreshToken: secret('new-refresh') };
const storedAt = (obtainedAt: string) => ({
  idToken: secret('old-id'),
  refreshToken: secret('old-refresh'),
  obtainedAt,
  passwordVersionId: firstVersionId,
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
  const secrets = fakeSecrets({ ...superadmin, [names.SUPERADMIN_TOKEN_SECRET_ID]: token });
  const cognito = mockClient(CognitoIdentityProviderClient);
  cognito.on(InitiateAuthCommand).resolves({ AuthenticationResult: newTokens });
  const infinstor = await fakeInfinStor({ get_version: () => answer });
  const { environment: dynamoDb, ...registry } = await registryTable();
  await own(registry, plan.executionArn, plan.subscriber.userName);
  const values = environmentOf(environmentSchema, {
    ...names,
    REGISTRY_TABLE: registry.tableName,
    SUPERADMIN_USER_NAME: 'Root',
    INFINSTOR_MLFLOW_URL: infinstor.url,
  });
  const environment = { ...values, ...dynamoDb };
  /** Runs the step at this time, so that several can run at once. */
  const runAt = (minutes: number, previous?: Token) =>
    obtainToken(previous, {
      environment: values,
      registry,
      secrets: new SecretsManagerClient({ region: 'us-east-1' }),
      cognito: (region) => new CognitoIdentityProviderClient({ region }),
      now: new Date(now.getTime() + minutes * 60_000),
    });
  const refuse = (minutes: number, token: Token) => runAt(minutes, token);
  const breaker = () => readBreaker(registry, 'root');
  const run = lambda(() => import('../../../../functions/obtain-token/handler.ts'), environment);
  const invoke = (event: object, changes = {}) => run({ plan, ...event }, changes);
  const logins = () => cognito.commandCalls(InitiateAuthCommand).map(({ args: [{ input }] }) => input);
  const current = () => secrets.current(names.SUPERADMIN_TOKEN_SECRET_ID);
  return { invoke, runAt, refuse, breaker, secrets, cognito, infinstor, logins, current };
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
      passwordVersionId: firstVersionId,
    });
    expect(token).toEqual({
      secretId: names.SUPERADMIN_TOKEN_SECRET_ID,
      userName: 'Root',
      versionId: secrets.currentVersionId(names.SUPERADMIN_TOKEN_SECRET_ID),
      rejections: 0,
    });
  });

  it('is done by one of fifty executions, and the others use its session', async () => {
    const { runAt, logins } = await setUp();
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => runAt(0)));
    const waiting = outcomes.filter(({ status }) => status === 'rejected');
    expect(waiting).toHaveLength(49);
    for (const outcome of waiting) expect(outcome).toMatchObject({ reason: { name: 'LoginInProgress' } });
    const [done] = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    expect(await runAt(0.1)).toEqual(done);
    expect(logins()).toHaveLength(1);
  });

  it('waits for the minute of a login that has died, and counts it', async () => {
    const { runAt, cognito, breaker, logins } = await setUp();
    const { promise, resolve } = Promise.withResolvers<void>();
    let calls = 0;
    cognito.on(InitiateAuthCommand).callsFake(async () => {
      calls += 1;
      resolve();
      if (calls === 1) await new Promise(() => {});
      return { AuthenticationResult: newTokens };
    });
    void runAt(0);
    await promise;
    await expect(runAt(0.9)).rejects.toMatchObject({ name: 'LoginInProgress' });
    expect((await breaker()).logins).toHaveLength(1);
    await runAt(1);
    expect(logins()).toHaveLength(2);
    expect((await breaker()).logins).toEqual([]);
  });
});

describe('a session that is there', () => {
  const reference = {
    secretId: names.SUPERADMIN_TOKEN_SECRET_ID,
    userName: 'Root',
    versionId: firstVersionId,
    rejections: 0,
  };
  const old = { ...reference, versionId: 'version-0' };

  it.each([1, 31, 60 * 24])('is used without any call when it is %i minutes old: its users refresh it', async (age) => {
    const { invoke, secrets, infinstor, logins } = await setUp({ token: storedAt(minutesAgo(age)) });
    expect(await invoke({})).toEqual(reference);
    expect([infinstor.requests, logins(), secrets.written]).toEqual([[], [], []]);
  });

  it('is used when another execution has put it in the place of the refused one', async () => {
    const { invoke, logins } = await setUp({ token: storedAt(minutesAgo(1)) });
    expect(await invoke({ token: old })).toEqual({ ...reference, rejections: 1 });
    expect(logins()).toEqual([]);
  });

  it('is replaced by a login with the password when InfinStor refused it', async () => {
    const { invoke, secrets, logins, current } = await setUp({ token: storedAt(minutesAgo(1)) });
    const token = await invoke({ token: reference });
    expect(logins()).toEqual([login]);
    expect(current()).toMatchObject({ idToken: secret('new-id') });
    expect(token).toMatchObject({ versionId: secrets.currentVersionId(token.secretId), rejections: 1 });
    expect(token.versionId).not.toBe(firstVersionId);
  });

  it('is replaced when Cognito has ended it, which is no refusal of InfinStor', async () => {
    const { invoke, cognito, breaker, logins } = await setUp({ token: storedAt(minutesAgo(55)) });
    cognito.on(InitiateAuthCommand, { AuthFlow: 'REFRESH_TOKEN_AUTH' }).rejects(new NotAuthorizedException(details));
    await invoke({ token: reference });
    expect(logins()).toMatchObject([{ AuthFlow: 'REFRESH_TOKEN_AUTH' }, login]);
    expect(await breaker()).toMatchObject({ refusedTokens: [], renewals: [] });
  });

  it('is given up as TokenRejected, without a login, after the third refusal in one execution', async () => {
    const { invoke, secrets, infinstor, logins } = await setUp({ token: storedAt(minutesAgo(1)) });
    await expect(invoke({ token: { ...reference, rejections: 2 } })).rejects.toMatchObject({ name: 'TokenRejected' });
    expect([infinstor.requests, logins(), secrets.written]).toEqual([[], [], []]);
  });
});

describe('tokens that InfinStor goes on refusing', () => {
  const start = async () => {
    const world = await setUp({ token: storedAt(minutesAgo(1)) });
    // Two logins follow, whose tokens are refused, too.
    let token = await world.runAt(0);
    for (let time = 1; time <= 2; time += 1) token = await world.runAt(time / 10, { ...token, rejections: 0 });
    const paused = await world.runAt(0.3, token).catch((error: unknown) => error);
    return { ...world, token, paused };
  };

  it('are replaced twice, and then LoginsPaused for a while', async () => {
    const { runAt, refuse, paused, token, logins, breaker } = await start();
    expect(paused).toMatchObject(errorOf('LoginsPaused', 'Root are paused until 2026-01-01T12:16:18.000Z: InfinStor'));
    // An execution that begins meanwhile makes no call.
    await expect(runAt(10)).rejects.toMatchObject({ name: 'LoginsPaused', until: '2026-01-01T12:16:18.000Z' });
    expect(pauseOf(await breaker(), new Date(now.getTime() + 10 * 60_000))).toMatchObject({
      until: '2026-01-01T12:16:18.000Z',
    });
    expect(logins()).toHaveLength(2);
    // Then the same session is tried again, which costs no version.
    expect(await runAt(17)).toMatchObject({ versionId: token.versionId });
    expect(pauseOf(await breaker(), new Date(now.getTime() + 17 * 60_000))).toBeUndefined();
    await expect(refuse(17, token)).rejects.toMatchObject({ name: 'LoginsPaused' });
    expect(logins()).toHaveLength(2);
  });

  it('are replaced again when the last login is two hours old', async () => {
    const { refuse, token, logins } = await start();
    await expect(refuse(119, token)).rejects.toMatchObject({ name: 'LoginsPaused' });
    await refuse(121, token);
    expect(logins().filter(({ AuthFlow }) => AuthFlow === 'USER_PASSWORD_AUTH')).toHaveLength(3);
  });

  it('are replaced without waiting when the superadmin secret has changed', async () => {
    const { runAt, secrets, token, logins, breaker } = await start();
    secrets.add(names.SUPERADMIN_SECRET_ID, {
      SecretString: JSON.stringify({ userName: 'root', password: secret('corrected') }),
    });
    expect((await runAt(1)).versionId).not.toBe(token.versionId);
    expect(logins().at(-1)).toMatchObject({ AuthParameters: { PASSWORD: secret('corrected') } });
    expect(pauseOf(await breaker(), new Date(now.getTime() + 2 * 60_000))).toBeUndefined();
  });

  it('count once, however many executions see one refused', async () => {
    const { runAt, breaker } = await setUp({ token: storedAt(minutesAgo(1)) });
    const token = await runAt(0);
    await Promise.allSettled(Array.from({ length: 10 }, () => runAt(0, token)));
    expect((await breaker()).refusedTokens).toHaveLength(1);
  });

  it('cost at most twenty versions a day', async () => {
    const { runAt, secrets } = await start();
    for (let minutes = 1; minutes < 24 * 60; minutes += 5) {
      const token = await runAt(minutes).catch(() => undefined);
      if (token !== undefined) await runAt(minutes, token).catch(() => undefined);
    }
    expect(secrets.written.length).toBeGreaterThan(10);
    expect(secrets.written.length).toBeLessThanOrEqual(15);
  });
});

describe('a password that Cognito goes on refusing', () => {
  it('is tried twice, and never so often that the user is locked', async () => {
    const { runAt, cognito, logins, secrets } = await setUp();
    cognito.on(InitiateAuthCommand).rejects(new NotAuthorizedException(details));
    const refusedAt = async (minutes: number, name: string) =>
      await expect(runAt(minutes)).rejects.toMatchObject({ name });
    await refusedAt(0, 'LoginRejected');
    await refusedAt(1, 'LoginRejected');
    await refusedAt(2, 'LoginsPaused');
    await refusedAt(16.9, 'LoginsPaused');
    await refusedAt(17, 'LoginRejected');
    await refusedAt(40, 'LoginRejected');
    // The fifth wrong password would lock the user.
    for (let hour = 1; hour <= 48; hour += 1) await refusedAt(40 + hour * 60, 'LoginsPaused');
    await expect(runAt(5000)).rejects.toMatchObject(errorOf('LoginsPaused', 'until its password is stored anew'));
    expect(logins()).toHaveLength(4);

    secrets.put(names.SUPERADMIN_SECRET_ID, { userName: 'root', password: secret('right') });
    secrets.add(names.SUPERADMIN_SECRET_ID, {
      SecretString: JSON.stringify({ userName: 'root', password: secret('corrected') }),
    });
    cognito.on(InitiateAuthCommand).resolves({ AuthenticationResult: newTokens });
    expect(await runAt(5001)).toMatchObject({ userName: 'Root' });
  });

  it('leaves one login for a corrected one, at once', async () => {
    const { runAt, cognito, secrets, logins } = await setUp();
    cognito.on(InitiateAuthCommand).rejects(new NotAuthorizedException(details));
    for (const minutes of [0, 1]) await runAt(minutes).catch(() => undefined);
    const correct = (text: string) =>
      secrets.add(names.SUPERADMIN_SECRET_ID, { SecretString: JSON.stringify({ userName: 'root', password: text }) });
    correct(secret('wrong again'));
    await expect(runAt(2)).rejects.toMatchObject({ name: 'LoginRejected' });
    correct(secret('right'));
    await expect(runAt(3)).rejects.toMatchObject({ name: 'LoginsPaused', until: '2026-01-01T12:18:00.000Z' });
    expect(logins()).toHaveLength(3);
  });

  it('promises no login of a corrected one where none is made, be it three logins or two with that password', async () => {
    const { runAt, cognito, secrets, breaker } = await setUp();
    cognito.on(InitiateAuthCommand).rejects(new NotAuthorizedException(details));
    const pausedAt = async (minutes: number) => pauseOf(await breaker(), new Date(now.getTime() + minutes * 60_000));
    const correct = (text: string) =>
      secrets.add(names.SUPERADMIN_SECRET_ID, { SecretString: JSON.stringify({ userName: 'root', password: text }) });
    for (const minutes of [0, 1]) await runAt(minutes).catch(() => undefined);
    const ofPassword = await pausedAt(2);
    expect(ofPassword?.reason).toBe('Cognito has refused its password');
    expect(looksAtNewPassword(ofPassword?.reason ?? '')).toBe(true);
    correct(secret('wrong again'));
    await runAt(2).catch(() => undefined);
    const ofAll = await pausedAt(3);
    expect(ofAll?.reason).toBe('Three logins have failed within 16 minutes; no password is tried before');
    expect(looksAtNewPassword(ofAll?.reason ?? '')).toBe(false);
    correct(secret('right'));
    await expect(runAt(3)).rejects.toMatchObject(errorOf('LoginsPaused', ofAll?.reason ?? 'none'));
  });

  it.each([
    ['is not counted when Cognito has not looked at it', new TooManyRequestsException(details), 0],
    ['is counted when no answer came', new Error('no answer'), 1],
  ])('%s', async (_, error, counted) => {
    const { runAt, cognito, breaker } = await setUp();
    cognito.on(InitiateAuthCommand).rejects(error);
    await expect(runAt(0)).rejects.toBe(error);
    expect(await breaker()).toMatchObject({ logins: Array.from({ length: counted }, () => ({})) });
    expect((await breaker()).lease).toBeUndefined();
  });
});

describe('a login that Cognito refuses for another reason than its password', () => {
  it.each(['User is disabled.', 'Client x is configured with secret but SECRET_HASH was not received'])(
    'is not counted (%s): a redrive need not wait when that is over',
    async (text) => {
      const { runAt, cognito, breaker } = await setUp();
      cognito.on(InitiateAuthCommand).rejects(new NotAuthorizedException({ ...details, message: text }));
      for (let time = 0; time < 6; time += 1)
        await expect(runAt(time)).rejects.toMatchObject({ name: 'LoginRejected' });
      expect(await breaker()).toMatchObject({ logins: [] });
    },
  );

  it('rests when the user is locked, but never until the password is stored anew', async () => {
    const { runAt, cognito, breaker } = await setUp();
    cognito
      .on(InitiateAuthCommand)
      .rejects(new NotAuthorizedException({ ...details, message: 'Password attempts exceeded' }));
    for (const start of [0, 40, 80]) {
      await expect(runAt(start)).rejects.toThrow('passes by itself');
      // A login more would lock the user anew.
      for (const minutes of [start + 1, start + 15.9]) {
        await expect(runAt(minutes)).rejects.toMatchObject({
          ...errorOf('LoginsPaused', 'Cognito has locked the user'),
          until: new Date(now.getTime() + (start + 16) * 60_000).toISOString(),
        });
      }
    }
    expect((await breaker()).refusedPassword).toBeUndefined();
  });

  it('rests when the user is locked also where another password is stored, of which Cognito would know nothing, and then goes on', async () => {
    const { runAt, cognito, secrets, breaker, logins } = await setUp();
    cognito.on(InitiateAuthCommand).rejects(new NotAuthorizedException(details));
    await expect(runAt(0)).rejects.toMatchObject({ name: 'LoginRejected' });
    cognito
      .on(InitiateAuthCommand)
      .rejects(new NotAuthorizedException({ ...details, message: 'Password attempts exceeded' }));
    await expect(runAt(1)).rejects.toThrow('passes by itself');
    secrets.add(names.SUPERADMIN_SECRET_ID, {
      SecretString: JSON.stringify({ userName: 'root', password: secret('corrected') }),
    });
    await expect(runAt(2)).rejects.toMatchObject(errorOf('LoginsPaused', 'Cognito has locked the user'));
    expect(pauseOf(await breaker(), now)).toMatchObject({ reason: 'Cognito has locked the user' });
    expect(logins()).toHaveLength(2);
    cognito.on(InitiateAuthCommand).resolves({ AuthenticationResult: newTokens });
    expect(await runAt(17)).toMatchObject({ userName: 'Root' });
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
    'REGISTRY_TABLE',
    'INFINSTOR_MLFLOW_URL',
    'SUPERADMIN_SECRET_ID',
    'SUPERADMIN_TOKEN_SECRET_ID',
    'SUPERADMIN_USER_NAME',
  ] as const)('lacks %s: InvalidConfiguration names it', async (name) => {
    const { invoke } = await setUp();
    await expect(invoke({}, { [name]: undefined })).rejects.toMatchObject(errorOf('InvalidConfiguration', name));
  });
});
