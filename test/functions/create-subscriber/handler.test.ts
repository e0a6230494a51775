import { InternalServiceError, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import { type Answer, fakeInfinStor } from '../fake-infinstor.ts';
import { fakeSecrets, firstVersionId } from '../fake-secrets.ts';
import { errorOf, lambda, now, secret } from '../lambda.ts';
import { plan } from '../plan.ts';

const { credentialsSecretId, subscriber } = plan;
const token = { secretId: 'test/superadmin-token', versionId: firstVersionId, rejections: 0 };
const superadminToken = { idToken: secret('id-token'), refreshToken: secret('refresh'), obtainedAt: now.toISOString() };
const password = secret('password');
const customToken = secret('custom-token');
const output = { credentialsSecretId };

/** The function with these secrets beside the superadmin token, and an InfinStor that answers add_subscriber so. */
async function setUp({
  stored = {},
  answer = () => ({ body: { customToken } }),
}: {
  stored?: Record<string, unknown>;
  answer?: () => Answer;
} = {}) {
  const secrets = fakeSecrets({ [token.secretId]: superadminToken, ...stored });
  const credentials = () => secrets.current(credentialsSecretId);
  const infinstor = await fakeInfinStor({ add_subscriber: answer });
  const environment = { INFINSTOR_MLFLOW_URL: infinstor.url, CUSTOM_TOKEN_PATH: 'customToken' };
  const invoke = lambda(() => import('../../../functions/create-subscriber/handler.ts'), environment);
  return { invoke, secrets, credentials, infinstor };
}

describe('creating a subscriber', () => {
  it('sends the raw token and the subscriber with a password', async () => {
    const { invoke, infinstor } = await setUp({
      stored: { [credentialsSecretId]: { state: 'prepared', password } },
    });
    expect(await invoke({ plan, token })).toEqual(output);
    expect(infinstor.requests).toMatchObject([
      {
        operation: 'POST add_subscriber',
        headers: { authorization: superadminToken.idToken, 'content-type': 'application/json' },
      },
    ]);
    expect(JSON.parse(infinstor.requests[0]?.body ?? '')).toEqual({ ...subscriber, password });
  });

  it('marks the call as begun before it is made, and stores the custom token before it is over', async () => {
    let atTheCall: unknown;
    const { invoke, secrets, credentials } = await setUp({
      stored: { [credentialsSecretId]: { state: 'prepared', password } },
      answer: () => {
        atTheCall = credentials();
        return { body: { customToken } };
      },
    });
    await invoke({ plan, token });
    expect(atTheCall).toEqual({ state: 'creating', password });
    expect(secrets.written).toEqual([atTheCall, { state: 'created', password, customToken }]);
  });

  it('generates a password when the request refers to none', async () => {
    const { invoke, credentials, infinstor } = await setUp();
    await invoke({ plan, token });
    const { password: generated } = JSON.parse(infinstor.requests[0]?.body ?? '');
    expect(generated).toHaveLength(32);
    expect(credentials()).toEqual({ state: 'created', password: generated, customToken });
  });

  it("takes the password of the request's secret, also when another one was prepared", async () => {
    const passwordSecretId = 'infinstor/test/input/acme';
    const { invoke, credentials, infinstor } = await setUp({
      stored: {
        [passwordSecretId]: { password },
        [credentialsSecretId]: { state: 'prepared', password: secret('other') },
      },
    });
    await invoke({ plan: { ...plan, passwordSecretId }, token });
    expect(infinstor.requests[0]?.body).toContain(password);
    expect(credentials()).toEqual({ state: 'created', password, customToken });
  });

  it('finds the custom token at the configured path', async () => {
    const answer = () => ({ body: { token: secret('other'), data: { value: customToken } } });
    const { invoke, credentials } = await setUp({ answer });
    await invoke({ plan, token }, { CUSTOM_TOKEN_PATH: 'data.value' });
    expect(credentials()).toMatchObject({ state: 'created', customToken });
  });
});

describe('a repeat', () => {
  it('does nothing when the custom token is stored', async () => {
    const { invoke, secrets, infinstor } = await setUp({
      stored: { [credentialsSecretId]: { state: 'created', password, customToken } },
    });
    expect(await invoke({ plan, token })).toEqual(output);
    expect([secrets.written, infinstor.requests]).toEqual([[], []]);
  });

  it('never repeats a call whose answer was lost: SubscriberOutcomeUnknown', async () => {
    const { invoke, secrets, infinstor } = await setUp({
      stored: { [credentialsSecretId]: { state: 'creating', password } },
    });
    await expect(invoke({ plan, token })).rejects.toMatchObject({ name: 'SubscriberOutcomeUnknown' });
    expect([secrets.written, infinstor.requests]).toEqual([[], []]);
  });
});

describe('the custom token of a subscriber that exists', () => {
  const customTokenSecretId = 'infinstor/test/input/acme-token';
  const withToken = { ...plan, customTokenSecretId };

  it.each([
    ['without credentials', undefined, { state: 'created', customToken }],
    [
      "after a lost answer, whose password may be the subscriber's",
      'creating',
      { state: 'created', password, customToken },
    ],
    ["after a refusal, whose password is not the subscriber's", 'prepared', { state: 'created', customToken }],
  ])('is stored without a call, %s', async (_, state, expected) => {
    const credentials = state === undefined ? {} : { [credentialsSecretId]: { state, password } };
    const { invoke, secrets, infinstor } = await setUp({
      stored: { ...credentials, [customTokenSecretId]: { customToken } },
    });
    expect(await invoke({ plan: withToken, token })).toEqual(output);
    expect(secrets.written).toEqual([expected]);
    expect(infinstor.requests).toEqual([]);
  });
});

describe('an input secret that is not usable', () => {
  const secretId = 'infinstor/test/input/acme';

  it.each(['passwordSecretId', 'customTokenSecretId'])('is InvalidRequest naming %s when it is gone', async (field) => {
    const { invoke, secrets, infinstor } = await setUp();
    const event = { plan: { ...plan, [field]: secretId }, token };
    await expect(invoke(event)).rejects.toMatchObject({ name: 'InvalidRequest', field });
    expect([secrets.written, infinstor.requests]).toEqual([[], []]);
  });

  it.each([
    ['passwordSecretId', { pasword: password }],
    ['passwordSecretId', password],
    ['customTokenSecretId', { customToken: '', other: customToken }],
  ])('is InvalidConfiguration naming the secret when %s has another content', async (field, content) => {
    const { invoke, infinstor } = await setUp({ stored: { [secretId]: content } });
    await expect(invoke({ plan: { ...plan, [field]: secretId }, token })).rejects.toMatchObject(
      errorOf('InvalidConfiguration', secretId),
    );
    expect(infinstor.requests).toEqual([]);
  });
});

describe('a call that fails', () => {
  it.each<[string, string, Answer]>([
    ['TokenRejected', 'the token is refused', { status: 401, body: '' }],
    ['TokenRejected', 'the login is expired', { body: '<html><meta content="0;url=/login.html">Login expired</html>' }],
    ['SubscriberExists', 'the name is taken', { status: 400, body: 'Error User Exists' }],
    ['InfinStorRejected', 'a field is refused', { status: 400, body: `bad password ${password}` }],
  ])('is %s when %s, and leaves no mark in the way of a repeat', async (name, _, answer) => {
    const { invoke, credentials } = await setUp({
      stored: { [credentialsSecretId]: { state: 'prepared', password } },
      answer: () => answer,
    });
    await expect(invoke({ plan, token })).rejects.toMatchObject({ name });
    expect(credentials()).toEqual({ state: 'prepared', password });
  });

  it('is InfinStorUnavailable when no connection comes about, and can be repeated with the same password', async () => {
    const { invoke, credentials, infinstor } = await setUp();
    infinstor.close();
    await expect(invoke({ plan, token })).rejects.toMatchObject({ name: 'InfinStorUnavailable' });
    const prepared = credentials();
    await expect(invoke({ plan, token })).rejects.toMatchObject({ name: 'InfinStorUnavailable' });
    expect(prepared).toEqual({ state: 'prepared', password: expect.any(String) });
    expect(credentials()).toEqual(prepared);
  });

  it.each<[string, Answer]>([
    ['the connection breaks', 'lost'],
    ['the gateway gives up', { status: 504, body: '' }],
    ['the answer has no custom token', { body: { other: secret('other') } }],
    ['the answer is no JSON', { body: 'created' }],
  ])('is SubscriberOutcomeUnknown when %s, and keeps the mark', async (_, answer) => {
    const { invoke, credentials, infinstor } = await setUp({ answer: () => answer });
    await expect(invoke({ plan, token })).rejects.toMatchObject({ name: 'SubscriberOutcomeUnknown' });
    expect(infinstor.requests).toHaveLength(1);
    expect(credentials()).toMatchObject({ state: 'creating' });
  });

  it('is TokenRejected, before anything is stored, when the referred version of the token is gone', async () => {
    const { invoke, secrets, infinstor } = await setUp();
    const gone = { ...token, versionId: 'version-0' };
    await expect(invoke({ plan, token: gone })).rejects.toMatchObject({ name: 'TokenRejected' });
    expect([secrets.written, infinstor.requests]).toEqual([[], []]);
  });

  it('keeps the mark when the custom token cannot be stored', async () => {
    const { invoke, secrets, credentials } = await setUp();
    secrets.client.on(PutSecretValueCommand).rejects(new InternalServiceError({ message: 'later', $metadata: {} }));
    await expect(invoke({ plan, token })).rejects.toMatchObject({ name: 'InternalServiceError' });
    expect(credentials()).toMatchObject({ state: 'creating' });
  });
});

it.each(['INFINSTOR_MLFLOW_URL', 'CUSTOM_TOKEN_PATH'] as const)(
  'names the missing variable %s: InvalidConfiguration',
  async (name) => {
    const { invoke } = await setUp();
    await expect(invoke({ plan, token }, { [name]: undefined })).rejects.toMatchObject(
      errorOf('InvalidConfiguration', name),
    );
  },
);
