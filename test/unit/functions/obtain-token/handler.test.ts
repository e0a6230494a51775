import {
  type CognitoIdentityProviderClient,
  InitiateAuthCommand,
  NotAuthorizedException,
} from '@aws-sdk/client-cognito-identity-provider';
import { describe, expect, it } from 'vitest';
import { pauseOf } from '../../../../lib/registry/login-breaker.ts';
import { firstVersionId } from '../fake-secrets.ts';
import { errorOf, minutesAgo, now, secret } from '../lambda.ts';
import { details, login, names, newTokens, setUp, storedAt } from './obtain-token-fixture.ts';

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
