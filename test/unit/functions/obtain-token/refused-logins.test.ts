import {
  InitiateAuthCommand,
  NotAuthorizedException,
  TooManyRequestsException,
} from '@aws-sdk/client-cognito-identity-provider';
import { describe, expect, it } from 'vitest';
import { pauseOf } from '../../../../lib/registry/login-breaker.ts';
import { looksAtNewPassword } from '../../../../lib/registry/pause-reasons.ts';
import type { Answer } from '../fake-infinstor.ts';
import { errorOf, now, secret } from '../lambda.ts';
import { details, names, newTokens, refusals, setUp } from './obtain-token-fixture.ts';

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
