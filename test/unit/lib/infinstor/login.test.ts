import { readFileSync } from 'node:fs';
import {
  CognitoIdentityProviderClient,
  CognitoIdentityProviderServiceException,
  InitiateAuthCommand,
  type InitiateAuthResponse,
  InvalidParameterException,
  NotAuthorizedException,
  PasswordResetRequiredException,
  TooManyRequestsException,
  UnsupportedOperationException,
  UserNotConfirmedException,
  UserNotFoundException,
} from '@aws-sdk/client-cognito-identity-provider';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { logIn, refresh } from '../../../../lib/infinstor/login.ts';
import { refusalOf } from '../../../../lib/infinstor/login-refusal.ts';

const superadmin = { userName: 'superadmin', password: 'Marked-1' };
const details = { message: 'Incorrect username or password: Marked-1', $metadata: {} };
const refusals = [
  new NotAuthorizedException(details),
  new UserNotFoundException(details),
  new UserNotConfirmedException(details),
  new PasswordResetRequiredException(details),
];

/** A Cognito that gives this answer, or this error. */
function setUp(answer: InitiateAuthResponse | Error) {
  const client = new CognitoIdentityProviderClient({ region: 'us-east-1' });
  const cognito = mockClient(client);
  if (answer instanceof Error) cognito.on(InitiateAuthCommand).rejects(answer);
  else cognito.on(InitiateAuthCommand).resolves(answer);
  return {
    login: { cognito: client, clientId: 'client-1' },
    inputs: () => cognito.commandCalls(InitiateAuthCommand).map(({ args: [{ input }] }) => input),
  };
}

describe('a login', () => {
  it("is the vendor's: with user name and password", async () => {
    const { login, inputs } = setUp({ AuthenticationResult: { IdToken: 'id', RefreshToken: 'refresh' } });
    expect(await logIn(login, superadmin)).toEqual({ idToken: 'id', refreshToken: 'refresh' });
    expect(inputs()).toEqual([
      {
        AuthFlow: 'USER_PASSWORD_AUTH',
        ClientId: 'client-1',
        AuthParameters: { USERNAME: 'superadmin', PASSWORD: 'Marked-1' },
      },
    ]);
  });

  it('may come without a refresh token', async () => {
    const { login } = setUp({ AuthenticationResult: { IdToken: 'id' } });
    expect(await logIn(login, superadmin)).toEqual({ idToken: 'id', refreshToken: '' });
  });

  it.each<[name: string, text: string, refusal: string, says: RegExp]>([
    ['NotAuthorizedException', 'Incorrect username or password.', 'wrong-password', /the password is wrong/],
    ['NotAuthorizedException', 'Password attempts exceeded', 'locked', /locked .* passes by itself: wait 16 minutes/],
    ['NotAuthorizedException', 'User is disabled.', 'disabled', /disabled the user\. Have it enabled/],
    [
      'NotAuthorizedException',
      'Temporary password has expired and must be reset by an administrator.',
      'temporary-expired',
      /temporary one that has expired/,
    ],
    [
      'NotAuthorizedException',
      'User account has expired, it must be reset by an administrator.',
      'temporary-expired',
      /temporary one that has expired/,
    ],
    [
      'NotAuthorizedException',
      'Client 6g164jiups96hiec2e43tv0nt6 is configured with secret but SECRET_HASH was not received',
      'client-secret',
      /has a client secret, .* must name a client that has none/,
    ],
    [
      'NotAuthorizedException',
      'Unable to verify secret hash for client 6g164jiups96hiec2e43tv0nt6',
      'client-secret',
      /has a client secret/,
    ],
    ['NotAuthorizedException', 'Unable to login because of security reasons.', 'blocked', /threat protection/],
    ['NotAuthorizedException', 'PreAuthentication failed with error User is disabled.', 'trigger', /Lambda trigger/],
    ['NotAuthorizedException', 'Something else: Marked-1', 'unknown', /not known here/],
    ['UserNotFoundException', 'User does not exist.', 'no-such-user', /has no such user/],
    ['UserNotConfirmedException', 'User is not confirmed.', 'not-confirmed', /not confirmed its sign-up/],
    [
      'PasswordResetRequiredException',
      'Password reset required for the user',
      'reset-required',
      /Reset it in a browser/,
    ],
    ['ResourceNotFoundException', 'User pool client client-1 does not exist.', 'no-client', /cognitoCliClientId/],
    [
      'InvalidParameterException',
      'USER_PASSWORD_AUTH flow not enabled for this client',
      'no-flow',
      /does not allow .*USER_PASSWORD_AUTH/,
    ],
    ['InvalidParameterException', "Value 'Marked-1' failed to satisfy constraint", 'invalid', /as they are written/],
    ['UserLambdaValidationException', 'PreAuthentication failed with error Marked-1.', 'trigger', /Lambda trigger/],
    ['ForbiddenException', 'Request not allowed due to WAF block.', 'firewall', /AWS WAF/],
    ['InvalidUserPoolConfigurationException', 'Marked-1', 'pool', /not set up/],
  ])(
    'that is refused by %s, %j, says of %s what to do, without the words of Cognito',
    async (name, text, refusal, says) => {
      const error = new CognitoIdentityProviderServiceException({
        name,
        $fault: 'client',
        $metadata: {},
        message: text,
      });
      const { login, inputs } = setUp(error);
      const rejected = await logIn(login, superadmin).catch((thrown: unknown) => thrown);
      expect(rejected).toMatchObject({
        name: 'LoginRejected',
        reason: name,
        refusal,
        message: expect.stringMatching(says),
      });
      expect(rejected).toHaveProperty('message', expect.stringContaining(`the login of superadmin (${name}): `));
      expect(String(rejected)).not.toContain(superadmin.password);
      expect(String(rejected)).not.toContain(text);
      expect(inputs()).toHaveLength(1);
    },
  );

  it('has a cause for every error that InitiateAuth has, except those of its rate and of Cognito itself', () => {
    const types = 'node_modules/@aws-sdk/client-cognito-identity-provider/dist-types/commands/InitiateAuthCommand.d.ts';
    const names = [...readFileSync(types, 'utf8').matchAll(/@throws \{@link (\w+Exception)\} \(/g)].map(
      ([, name = '']) => name,
    );
    expect(names.length).toBeGreaterThan(15);
    expect(names.filter((name) => refusalOf({ name, message: '' }) === undefined)).toEqual([
      'InternalErrorException',
      'TooManyRequestsException',
    ]);
  });

  it.each(['UnknownError', 'ThrottlingException'])('leaves %s, which is none of them, as it is', async (name) => {
    const error = new CognitoIdentityProviderServiceException({ name, $fault: 'client', $metadata: {}, message: 'x' });
    await expect(logIn(setUp(error).login, superadmin)).rejects.toBe(error);
  });

  it.each([
    ['NEW_PASSWORD_REQUIRED', /Log in as this user in a browser once/, /every login/],
    ['SOFTWARE_TOKEN_MFA', /at every login, .* turn it off for this user/, /browser once/],
    ['SMS_MFA', /at every login/, /browser once/],
    ['EMAIL_OTP', /at every login/, /browser once/],
    ['SELECT_MFA_TYPE', /at every login/, /browser once/],
    ['MFA_SETUP', /would not help.* every login/, /browser once/],
    ['CUSTOM_CHALLENGE', /logs in by password alone/, /browser once/],
  ] as const)('that is answered with %s says what helps', async (ChallengeName, says, saysNot) => {
    const rejected = await logIn(setUp({ ChallengeName }).login, superadmin).catch((thrown: unknown) => thrown);
    expect(rejected).toMatchObject({ name: 'LoginChallenge', message: expect.stringMatching(says) });
    expect(rejected).toHaveProperty('message', expect.not.stringMatching(saysNot));
  });

  it.each([
    ['NEW_PASSWORD_REQUIRED', 'NEW_PASSWORD_REQUIRED'],
    ['SOFTWARE_TOKEN_MFA', 'SOFTWARE_TOKEN_MFA'],
    [undefined, 'unknown'],
  ] as const)('stops at the challenge %s, which comes as a success', async (ChallengeName, challenge) => {
    const { login } = setUp({ ChallengeName });
    await expect(logIn(login, superadmin)).rejects.toThrow(
      expect.objectContaining({ name: 'LoginChallenge', challenge, message: expect.stringContaining(challenge) }),
    );
  });

  it('is no use without an ID token', async () => {
    const { login } = setUp({ AuthenticationResult: { AccessToken: 'access' } });
    await expect(logIn(login, superadmin)).rejects.toThrow(expect.objectContaining({ name: 'LoginRejected' }));
  });

  it('leaves an error that may pass as it is', async () => {
    const busy = new TooManyRequestsException(details);
    await expect(logIn(setUp(busy).login, superadmin)).rejects.toBe(busy);
  });
});

describe('a refresh', () => {
  it.each([
    ['keeps the old refresh token when none comes', {}, 'old'],
    ['keeps the old refresh token when an empty one comes', { RefreshToken: '' }, 'old'],
    ['takes the new refresh token', { RefreshToken: 'new' }, 'new'],
  ])('%s', async (_name, more, refreshToken) => {
    const { login, inputs } = setUp({ AuthenticationResult: { IdToken: 'id', ...more } });
    expect(await refresh(login, 'old')).toEqual({ idToken: 'id', refreshToken });
    expect(inputs()).toEqual([
      { AuthFlow: 'REFRESH_TOKEN_AUTH', ClientId: 'client-1', AuthParameters: { REFRESH_TOKEN: 'old' } },
    ]);
  });

  it('is refused when it comes without an ID token, so that the password is used', async () => {
    expect(await refresh(setUp({ AuthenticationResult: {} }).login, 'old')).toHaveProperty('refused');
  });

  it.each<[refusal: Error, why: string]>([
    [new NotAuthorizedException({ message: 'Refresh Token has expired', $metadata: {} }), 'has expired'],
    [new NotAuthorizedException({ message: 'Refresh Token has been revoked', $metadata: {} }), 'was revoked'],
    [new NotAuthorizedException({ message: 'Invalid Refresh Token.', $metadata: {} }), 'used up by rotation'],
    ...refusals.map((refusal): [Error, string] => [refusal, '']),
    // With rotation, the client has no such flow.
    [
      new InvalidParameterException({
        message: 'REFRESH_TOKEN_AUTH flow not enabled for this client',
        $metadata: {},
      }),
      'does not allow',
    ],
    [new UnsupportedOperationException(details), 'does not allow'],
  ])('is refused when Cognito refuses it by %s, and says why', async (refusal, why) => {
    const answer = await refresh(setUp(refusal).login, 'old');
    expect(answer).toEqual({ refused: expect.stringMatching(`^${refusal.name}: .*${why}`) });
    expect(JSON.stringify(answer)).not.toContain(superadmin.password);
  });

  it('is refused when Cognito answers with a challenge', async () => {
    expect(await refresh(setUp({ ChallengeName: 'SMS_MFA' }).login, 'old')).toEqual({
      refused: expect.stringContaining('SMS_MFA'),
    });
  });

  it('leaves an error that may pass as it is', async () => {
    const busy = new TooManyRequestsException(details);
    await expect(refresh(setUp(busy).login, 'old')).rejects.toBe(busy);
  });
});
