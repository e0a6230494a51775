import {
  CognitoIdentityProviderClient,
  InitiateAuthCommand,
  InvalidParameterException,
  NotAuthorizedException,
  TooManyRequestsException,
} from '@aws-sdk/client-cognito-identity-provider';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { createSessions } from '../../../../lib/infinstor/session.ts';
import { redact, withKnownSecrets } from '../../../../lib/redact.ts';
import { type Answer, fakeInfinStor } from '../../functions/fake-infinstor.ts';
import { fakeSecrets, firstVersionId } from '../../functions/fake-secrets.ts';
import { now, secret } from '../../functions/lambda.ts';

const secretId = 'test/token';
const details = { message: 'refused', $metadata: {} };

/** A session that began so many minutes ago, and what reads it a while later. */
async function setUp({ refreshToken = secret('refresh'), version }: { refreshToken?: string; version?: Answer } = {}) {
  const secrets = fakeSecrets({
    [secretId]: { idToken: secret('first'), refreshToken, obtainedAt: now.toISOString() },
  });
  const cognito = mockClient(CognitoIdentityProviderClient);
  cognito.on(InitiateAuthCommand).callsFake(() => ({
    AuthenticationResult: { IdToken: secret(`refreshed ${cognito.commandCalls(InitiateAuthCommand).length}`) },
  }));
  const infinstor = await fakeInfinStor({
    get_version: () => version ?? { body: { cognitoCliClientId: 'client-1', region: 'us-east-1' } },
  });
  const idTokenOf = createSessions();
  const idTokenAt = (minutes: number, versionId = firstVersionId) =>
    idTokenOf(
      { secretId, versionId },
      {
        secrets: new SecretsManagerClient({ region: 'us-east-1' }),
        mlflowUrl: infinstor.url,
        cognito: (region) => new CognitoIdentityProviderClient({ region }),
        now: new Date(now.getTime() + minutes * 60_000),
      },
    );
  return { idTokenAt, secrets, cognito };
}

describe('the ID token of a session', () => {
  it('is the stored one for half an hour, then a refreshed one, which is kept in memory and never stored', async () => {
    const { idTokenAt, secrets, cognito } = await setUp();
    expect(await idTokenAt(29)).toBe(secret('first'));
    expect([await idTokenAt(30), await idTokenAt(59), await idTokenAt(60)]).toEqual([
      secret('refreshed 1'),
      secret('refreshed 1'),
      secret('refreshed 2'),
    ]);
    expect(cognito.calls()).toHaveLength(2);
    expect(secrets.written).toEqual([]);
  });

  it.each([
    ['refuses the refresh', new NotAuthorizedException(details)],
    ['rotates refresh tokens', new InvalidParameterException(details)],
    ['is throttled', new TooManyRequestsException(details)],
  ])('is used for 55 minutes when Cognito %s', async (_, error) => {
    const { idTokenAt, cognito } = await setUp();
    cognito.on(InitiateAuthCommand).rejects(error);
    expect(await idTokenAt(54)).toBe(secret('first'));
    const name = error instanceof TooManyRequestsException ? 'InfinStorUnavailable' : 'TokenRejected';
    await expect(idTokenAt(55)).rejects.toMatchObject({ name });
  });

  it('is TokenRejected without a call when there is nothing to refresh it with', async () => {
    const { idTokenAt, cognito } = await setUp({ refreshToken: '' });
    await expect(idTokenAt(55)).rejects.toMatchObject({ name: 'TokenRejected' });
    expect(cognito.calls()).toEqual([]);
  });

  it('is InfinStorUnavailable when the user pool cannot be found, and the stored one is worn out', async () => {
    const { idTokenAt } = await setUp({ version: { status: 503, body: '' } });
    expect(await idTokenAt(54)).toBe(secret('first'));
    await expect(idTokenAt(55)).rejects.toMatchObject({ name: 'InfinStorUnavailable' });
  });

  it('is hidden from the texts of every run that uses it', async () => {
    const { idTokenAt } = await setUp();
    const shown = (minutes: number) =>
      withKnownSecrets(async () => {
        const idToken = await idTokenAt(minutes);
        return redact(`no: ${idToken}`);
      });
    // The stored one, a refreshed one, and that one as it is kept in memory.
    for (const minutes of [29, 30, 59]) expect(await shown(minutes)).toBe('no: <redacted>');
  });

  it('is TokenRejected when the version is gone', async () => {
    const { idTokenAt } = await setUp();
    await expect(idTokenAt(1, 'version-0')).rejects.toMatchObject({ name: 'TokenRejected' });
  });
});
