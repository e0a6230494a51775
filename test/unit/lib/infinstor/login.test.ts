import {
  CognitoIdentityProviderClient,
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

  it.each(refusals)('is refused by $name, without the words of Cognito', async (refusal) => {
    const { login, inputs } = setUp(refusal);
    await expect(logIn(login, superadmin)).rejects.toThrow(
      expect.objectContaining({
        name: 'LoginRejected',
        message: `Cognito refused the login of superadmin: ${refusal.name}`,
      }),
    );
    expect(inputs()).toHaveLength(1);
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

  it('is undefined when it comes without an ID token, so that the password is used', async () => {
    expect(await refresh(setUp({ AuthenticationResult: {} }).login, 'old')).toBeUndefined();
  });

  // The last two: with rotation, the client has no such flow.
  it.each([...refusals, new InvalidParameterException(details), new UnsupportedOperationException(details)])(
    'is undefined when Cognito refuses it by $name',
    async (refusal) => {
      expect(await refresh(setUp(refusal).login, 'old')).toBeUndefined();
    },
  );

  it('is undefined when Cognito answers with a challenge', async () => {
    expect(await refresh(setUp({ ChallengeName: 'SMS_MFA' }).login, 'old')).toBeUndefined();
  });

  it('leaves an error that may pass as it is', async () => {
    const busy = new TooManyRequestsException(details);
    await expect(refresh(setUp(busy).login, 'old')).rejects.toBe(busy);
  });
});
