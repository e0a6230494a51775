import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { createClock } from '../../../../../sandbox/core/clock.ts';
import { type Cognito, createCognito } from '../../../../../sandbox/services/cognito-idp/service.ts';
import { call } from '../call.ts';

const hour = 60 * 60 * 1000;
const password = 'Correct-Horse-1';
const loginAnswer = v.object({
  AuthenticationResult: v.object({
    IdToken: v.string(),
    AccessToken: v.string(),
    RefreshToken: v.optional(v.string()),
  }),
});

function setUp() {
  const clock = createClock({ skipIdle: true });
  const cognito = createCognito({ clock });
  cognito.createUser({ userName: 'superadmin', password, email: 'root@acme.example' });
  const initiate = (AuthFlow: string, AuthParameters: Record<string, string>) =>
    call(cognito.service, 'InitiateAuth', { AuthFlow, AuthParameters, ClientId: cognito.clientId });
  const logIn = (PASSWORD = password, USERNAME = 'superadmin') =>
    initiate('USER_PASSWORD_AUTH', { USERNAME, PASSWORD });
  const tokens = async () => v.parse(loginAnswer, await logIn()).AuthenticationResult;
  return { clock, cognito, initiate, logIn, tokens };
}

const wrong = { code: 'NotAuthorizedException', message: 'Incorrect username or password.' };

describe('logging in with a password', () => {
  it('answers with tokens of the user', async () => {
    const { cognito, logIn, tokens } = setUp();
    expect(await logIn()).toMatchObject({
      ChallengeParameters: {},
      AuthenticationResult: { ExpiresIn: 3600, TokenType: 'Bearer', RefreshToken: expect.any(String) },
    });
    const { IdToken } = await tokens();
    expect(IdToken).toMatch(/^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+$/);
    expect(cognito.userOf(IdToken)).toEqual({ userName: 'superadmin' });
  });

  it('distinguishes an unknown user from a wrong password, unless the pool hides who is missing', async () => {
    const { cognito, logIn } = setUp();
    await expect(logIn('wrong')).rejects.toMatchObject(wrong);
    await expect(logIn(password, 'nobody')).rejects.toMatchObject({ code: 'UserNotFoundException' });
    cognito.hideMissingUsers();
    await expect(logIn(password, 'nobody')).rejects.toMatchObject(wrong);
  });

  it('takes a password and an address that were changed, each alone', async () => {
    const { cognito, logIn } = setUp();
    cognito.changeUser('SUPERADMIN', { password: 'Other-Horse-2' });
    cognito.changeUser('superadmin', { email: 'new@acme.example' });
    await expect(logIn()).rejects.toMatchObject(wrong);
    await expect(logIn('Other-Horse-2')).resolves.toBeDefined();
    expect(cognito.emailOf('SuperAdmin')).toBe('new@acme.example');
    expect(() => cognito.changeUser('nobody', {})).toThrow('User does not exist.');
  });

  it('challenges a user whose password is to be changed', async () => {
    const { cognito, logIn } = setUp();
    cognito.setStatus('SUPERADMIN', 'FORCE_CHANGE_PASSWORD');
    expect(await logIn()).toMatchObject({ ChallengeName: 'NEW_PASSWORD_REQUIRED' });
    expect(() => cognito.setStatus('nobody', 'CONFIRMED')).toThrow('User does not exist.');
  });

  it('refuses a user who logs in elsewhere like one with a wrong password', async () => {
    const { cognito, logIn } = setUp();
    cognito.setStatus('superadmin', 'EXTERNAL_PROVIDER');
    await expect(logIn()).rejects.toMatchObject(wrong);
  });

  it.each([
    [
      'is disabled',
      'NotAuthorizedException',
      'User is disabled.',
      (cognito: Cognito) => cognito.setEnabled('superadmin', false),
    ],
    [
      'is not confirmed',
      'UserNotConfirmedException',
      'User is not confirmed.',
      (cognito: Cognito) => cognito.setStatus('superadmin', 'UNCONFIRMED'),
    ],
    [
      'must choose another password',
      'PasswordResetRequiredException',
      'Password reset required for the user',
      (cognito: Cognito) => cognito.setStatus('superadmin', 'RESET_REQUIRED'),
    ],
  ])('refuses a user who %s', async (_, code, message, change) => {
    const { cognito, logIn } = setUp();
    change(cognito);
    await expect(logIn()).rejects.toMatchObject({ code, message });
    cognito.setEnabled('superadmin', true);
    cognito.setStatus('superadmin', 'CONFIRMED');
    expect(await logIn()).toHaveProperty('AuthenticationResult');
  });

  it('refuses a temporary password after a week', async () => {
    const { clock, cognito, logIn } = setUp();
    cognito.setStatus('superadmin', 'FORCE_CHANGE_PASSWORD');
    clock.advance(7 * 24 * hour - 1);
    expect(await logIn()).toHaveProperty('ChallengeName', 'NEW_PASSWORD_REQUIRED');
    clock.advance(1);
    await expect(logIn()).rejects.toMatchObject({
      code: 'NotAuthorizedException',
      message: 'Temporary password has expired and must be reset by an administrator.',
    });
  });

  it.each(['SOFTWARE_TOKEN_MFA', 'SMS_MFA', 'EMAIL_OTP', 'SELECT_MFA_TYPE', 'MFA_SETUP'] as const)(
    'asks a user with this factor for %s, at every login',
    async (factor) => {
      const { cognito, logIn } = setUp();
      cognito.setFactor('superadmin', factor);
      for (let time = 0; time < 2; time += 1) {
        const answer = await logIn();
        expect(answer).toMatchObject({ ChallengeName: factor, Session: expect.any(String) });
        expect(answer).not.toHaveProperty('AuthenticationResult');
      }
      cognito.setFactor('superadmin', undefined);
      expect(await logIn()).toHaveProperty('AuthenticationResult');
    },
  );

  it.each([
    [
      'a client with a secret',
      { hasSecret: true },
      'NotAuthorizedException',
      'Client 4sandbox0cli0client0000000 is configured with secret but SECRET_HASH was not received',
    ],
    [
      'a client that allows none',
      { allowsPasswords: false },
      'InvalidParameterException',
      'USER_PASSWORD_AUTH flow not enabled for this client',
    ],
    [
      'a trigger that throws',
      { triggerError: 'not from here' },
      'UserLambdaValidationException',
      'PreAuthentication failed with error not from here.',
    ],
  ])('is refused by %s, whatever the password', async (_, client, code, message) => {
    const { cognito, logIn } = setUp();
    cognito.configure(client);
    for (const tried of [password, 'wrong']) await expect(logIn(tried)).rejects.toMatchObject({ code, message });
    expect(cognito.lockoutsOf('superadmin')).toBe(0);
  });

  it('forgets a lockout after 15 minutes without a login, and failures before one only by a right password', async () => {
    const { clock, cognito, logIn } = setUp();
    const fail = async (times: number) => {
      for (let time = 0; time < times; time += 1) {
        await expect(logIn('Wrong-Password-1')).rejects.toMatchObject(wrong);
        clock.advance(16 * 60_000);
      }
    };
    await fail(4);
    expect(cognito.lockoutsOf('superadmin')).toBe(0);
    await logIn();
    await fail(4);
    expect(cognito.lockoutsOf('superadmin')).toBe(0);
    await fail(1);
    expect(cognito.lockoutsOf('superadmin')).toBe(1);
    await fail(4);
    expect(cognito.lockoutsOf('superadmin')).toBe(1);
  });

  it('locks a user after five wrong passwords, for a while', async () => {
    const { clock, logIn } = setUp();
    for (let attempt = 1; attempt <= 5; attempt += 1) await expect(logIn('wrong')).rejects.toMatchObject(wrong);
    await expect(logIn()).rejects.toMatchObject({ message: 'Password attempts exceeded' });
    clock.advance(2000);
    expect(await logIn()).toHaveProperty('AuthenticationResult');
  });

  it('forgets the wrong passwords before a right one', async () => {
    const { logIn } = setUp();
    for (const attempt of ['wrong', 'wrong', 'wrong', 'wrong', password, 'wrong']) {
      await logIn(attempt).catch(() => undefined);
    }
    expect(await logIn()).toHaveProperty('AuthenticationResult');
  });

  it('asks a user with a temporary password for a new one, without tokens', async () => {
    const { cognito, logIn } = setUp();
    cognito.createUser({ userName: 'new', password, email: 'new@acme.example', status: 'FORCE_CHANGE_PASSWORD' });
    const answer = await logIn(password, 'new');
    expect(answer).toMatchObject({ ChallengeName: 'NEW_PASSWORD_REQUIRED', Session: expect.any(String) });
    expect(answer).not.toHaveProperty('AuthenticationResult');
  });

  it('refuses a second user of the same name, ignoring case', () => {
    const { cognito } = setUp();
    expect(cognito.hasUser('SuperAdmin')).toBe(true);
    expect(() => cognito.createUser({ userName: 'SuperAdmin', password, email: 'x@acme.example' })).toThrow(
      'User account already exists',
    );
  });
});

describe('refreshing', () => {
  it.each(['REFRESH_TOKEN_AUTH', 'REFRESH_TOKEN'])('by %s gives a new ID token, and no refresh token', async (flow) => {
    const { clock, cognito, initiate, tokens } = setUp();
    const { RefreshToken = '' } = await tokens();
    clock.advance(2 * hour);
    const answer = v.parse(loginAnswer, await initiate(flow, { REFRESH_TOKEN: RefreshToken })).AuthenticationResult;
    expect(answer).not.toHaveProperty('RefreshToken');
    expect(cognito.userOf(answer.IdToken)).toEqual({ userName: 'superadmin' });
  });

  it('is refused when refresh tokens rotate, which no such call knows; the password still does', async () => {
    const { cognito, initiate, tokens } = setUp();
    const { RefreshToken = '' } = await tokens();
    cognito.rotateRefreshTokens();
    await expect(initiate('REFRESH_TOKEN_AUTH', { REFRESH_TOKEN: RefreshToken })).rejects.toMatchObject({
      code: 'InvalidParameterException',
      message: 'REFRESH_TOKEN_AUTH flow not enabled for this client',
    });
    await expect(tokens()).resolves.toHaveProperty('IdToken');
  });

  it('refuses an unknown, a revoked and an expired token', async () => {
    const { clock, cognito, initiate, tokens } = setUp();
    const revoked = await tokens();
    cognito.setEnabled('superadmin', false);
    cognito.setEnabled('superadmin', true);
    const { RefreshToken = '' } = await tokens();
    const refresh = (REFRESH_TOKEN: string) => initiate('REFRESH_TOKEN_AUTH', { REFRESH_TOKEN });
    await expect(refresh('unknown')).rejects.toMatchObject({
      code: 'NotAuthorizedException',
      message: 'Invalid Refresh Token.',
    });
    await expect(refresh(revoked.RefreshToken ?? '')).rejects.toMatchObject({
      code: 'NotAuthorizedException',
      message: 'Refresh Token has been revoked',
    });
    clock.advance(30 * 24 * hour);
    await expect(refresh(RefreshToken)).rejects.toMatchObject({ message: 'Refresh Token has expired' });
  });
});

describe('verifying an ID token', () => {
  it('knows an expired one by the clock', async () => {
    const { clock, cognito, tokens } = setUp();
    const { IdToken } = await tokens();
    clock.advance(hour - 5000);
    expect(cognito.userOf(IdToken)).toEqual({ userName: 'superadmin' });
    clock.advance(5000);
    expect(cognito.userOf(IdToken)).toBe('expired');
  });

  it('refuses access tokens, changed tokens, tokens of another pool, and anything else', async () => {
    const { cognito, tokens } = setUp();
    const { IdToken, AccessToken } = await tokens();
    const other = await setUp().tokens();
    const [header, , signature] = IdToken.split('.');
    const payload = Buffer.from('{"cognito:username":"root","token_use":"id","exp":9999999999}').toString('base64url');
    const bad = [AccessToken, other.IdToken, `${header}.${payload}.${signature}`, 'anything', ''];
    expect(bad.map((token) => cognito.userOf(token))).toEqual(bad.map(() => undefined));
  });
});

describe('requests that it refuses', () => {
  it('another client', async () => {
    const { cognito } = setUp();
    const input = { AuthFlow: 'USER_PASSWORD_AUTH', AuthParameters: {}, ClientId: 'other' };
    await expect(call(cognito.service, 'InitiateAuth', input)).rejects.toMatchObject({
      code: 'ResourceNotFoundException',
      message: 'User pool client other does not exist.',
    });
  });

  it('a flow that it does not have, and a missing parameter', async () => {
    const { initiate } = setUp();
    const invalid = { code: 'InvalidParameterException' };
    await expect(initiate('USER_SRP_AUTH', {})).rejects.toMatchObject(invalid);
    await expect(initiate('USER_PASSWORD_AUTH', { USERNAME: 'superadmin' })).rejects.toMatchObject({
      ...invalid,
      message: 'Missing required parameter PASSWORD',
    });
  });
});
