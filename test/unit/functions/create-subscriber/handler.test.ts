import {
  InternalServiceError,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand,
} from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import type { Answer } from '../fake-infinstor.ts';
import { errorOf, now, secret, withTimeLeft } from '../lambda.ts';
import { plan } from '../plan.ts';
import {
  credentialsSecretId,
  customToken,
  emailId,
  type Fixture,
  mark,
  output,
  password,
  prepared,
  setUp,
  subscriber,
  superadminToken,
  token,
} from './create-subscriber-fixture.ts';

const unavailable = new InternalServiceError({ message: 'later', $metadata: {} });

describe('creating a subscriber', () => {
  it('sends the raw token and the subscriber with a password', async () => {
    const { invoke, infinstor } = await setUp({ stored: { [credentialsSecretId]: prepared } });
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
    const world: Fixture = await setUp({
      stored: { [credentialsSecretId]: prepared },
      answer: async () => {
        atTheCall = await world.markNow();
        return { body: { customToken } };
      },
    });
    await world.invoke({ plan, token });
    expect(atTheCall).toEqual({ ...mark, at: now.toISOString(), invocationId: expect.any(String) });
    expect(world.secrets.written).toEqual([{ state: 'created', password, emailId, customToken }]);
    expect(await world.markNow()).toBeUndefined();
  });

  it('stores a password that it generates before the call, once for all tries', async () => {
    const { invoke, secrets, infinstor } = await setUp({ answer: () => ({ status: 429, body: '' }) });
    for (let time = 1; time <= 3; time += 1) {
      await expect(invoke({ plan, token })).rejects.toMatchObject({ name: 'InfinStorUnavailable' });
    }
    const sent = infinstor.requests.map(({ body }) => JSON.parse(body).password);
    expect(secrets.written).toEqual([{ state: 'prepared', password: sent[0] }]);
    expect(new Set(sent).size).toBe(1);
  });

  it('makes no call whose answer could not be stored: SecretFull until the oldest version can go', async () => {
    const { invoke, secrets, added, markNow } = await setUp({ stored: { [credentialsSecretId]: prepared } });
    const CreatedDate = (minute: number) => new Date(now.getTime() - minute * 60_000);
    secrets.client.on(ListSecretVersionIdsCommand).resolves({
      Versions: Array.from({ length: 91 }, (_, minute) => ({
        VersionId: `v${minute}`,
        CreatedDate: CreatedDate(minute),
      })),
    });
    await expect(invoke({ plan, token })).rejects.toMatchObject(
      errorOf('SecretFull', 'before 2026-01-02T10:30:00.000Z'),
    );
    expect([added(), secrets.written, await markNow()]).toEqual([[], [], undefined]);
  });

  it('generates a password when the request refers to none', async () => {
    const { invoke, credentials, infinstor } = await setUp();
    await invoke({ plan, token });
    const { password: generated } = JSON.parse(infinstor.requests[0]?.body ?? '');
    expect(generated).toHaveLength(32);
    expect(credentials()).toEqual({ state: 'created', password: generated, emailId, customToken });
  });

  it("takes the password of the request's secret, also when another one was prepared", async () => {
    const passwordSecretId = 'infinstor/test/input/acme/password';
    const { invoke, credentials, infinstor } = await setUp({
      stored: {
        [passwordSecretId]: { password },
        [credentialsSecretId]: { state: 'prepared', password: secret('other') },
      },
    });
    await invoke({ plan: { ...plan, passwordSecretId }, token });
    expect(infinstor.requests[0]?.body).toContain(password);
    expect(credentials()).toEqual({ state: 'created', password, emailId, customToken });
  });

  it("keeps only a reference to the password of the request's secret while InfinStor has not accepted it", async () => {
    const passwordSecretId = 'infinstor/test/input/acme/password';
    const { invoke, secrets } = await setUp({
      stored: { [passwordSecretId]: { password } },
      answer: () => ({ status: 400, body: 'Error Password did not conform with policy' }),
    });
    await expect(invoke({ plan: { ...plan, passwordSecretId }, token })).rejects.toMatchObject({
      name: 'InfinStorRejected',
    });
    expect(secrets.written).toEqual([{ state: 'prepared' }]);
  });

  it('finds the custom token at the configured path', async () => {
    const answer = () => ({ body: { token: secret('other'), data: { value: customToken } } });
    const { invoke, credentials } = await setUp({ answer });
    await invoke({ plan, token }, { CUSTOM_TOKEN_PATH: 'data.value' });
    expect(credentials()).toMatchObject({ state: 'created', customToken });
  });

  it.each([
    ['', ''],
    ['Custom', 'Custom '],
  ])('puts a pair together with the prefix "%s", and keeps and returns when it ends', async (prefix, before) => {
    const expiry = Date.parse('2026-01-08T12:00:00Z') / 1000;
    const answer = () => ({ body: { queue_message_uuid: 'uuid-1', token: secret('half'), expiry } });
    const { invoke, credentials } = await setUp({ answer });
    const customTokenExpiresAt = '2026-01-08T12:00:00.000Z';
    expect(await invoke({ plan, token }, { CUSTOM_TOKEN_PREFIX: prefix })).toMatchObject({ customTokenExpiresAt });
    const kept = { customToken: `${before}uuid-1:${secret('half')}`, customTokenExpiresAt };
    expect(credentials()).toMatchObject({ state: 'created', ...kept });
    // Of what is kept, a repeat says the same.
    expect(await invoke({ plan, token })).toMatchObject({ customTokenExpiresAt, changed: false });
  });

  it('refuses an e-mail address that another user has, by its field, and takes the mark away', async () => {
    const answer = () => ({ status: 400, body: 'An account with the given email already exists.' });
    const { invoke, markNow } = await setUp({ answer });
    await expect(invoke({ plan, token })).rejects.toMatchObject(errorOf('InvalidRequest', 'subscriber.emailId: '));
    expect(await markNow()).toBeUndefined();
  });
});

describe('an input secret that is not usable', () => {
  const secretId = 'infinstor/test/input/acme/password';

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
  ])('is InvalidRequest naming %s and the secret when it has another content', async (field, content) => {
    const { invoke, secrets, infinstor } = await setUp({ stored: { [secretId]: content } });
    await expect(invoke({ plan: { ...plan, [field]: secretId }, token })).rejects.toMatchObject({
      ...errorOf('InvalidRequest', secretId),
      field,
    });
    expect([secrets.written, infinstor.requests]).toEqual([[], []]);
  });
});

describe('a call that fails', () => {
  it.each<[string, string, Answer]>([
    ['TokenRejected', 'the token is refused', { status: 401, body: '' }],
    ['TokenRejected', 'the login is expired', { body: '<html><meta content="0;url=/login.html">Login expired</html>' }],
    ['SubscriberExists', 'the name is taken', { status: 400, body: 'Error User Exists' }],
    ['InfinStorRejected', 'a field is refused', { status: 400, body: `bad password ${password}` }],
  ])('is %s when %s, and leaves no mark in the way of a repeat', async (name, _, answer) => {
    const { invoke, credentials, markNow } = await setUp({
      stored: { [credentialsSecretId]: prepared },
      answer: () => answer,
    });
    await expect(invoke({ plan, token })).rejects.toMatchObject({ name });
    expect([credentials(), await markNow()]).toEqual([prepared, undefined]);
  });

  it('is still that failure, with the mark left behind, when the mark cannot be taken back', async () => {
    const world: Fixture = await setUp({
      answer: async () => {
        // Another mark than its own.
        await world.setMark({ ...mark, invocationId: 'another' });
        return { status: 401, body: '' };
      },
    });
    await expect(world.invoke({ plan, token })).rejects.toMatchObject({ name: 'TokenRejected' });
    expect(await world.markNow()).toMatchObject({ invocationId: 'another' });
  });

  it('is InfinStorUnavailable when no connection comes about, and can be repeated with the same password', async () => {
    const { invoke, credentials, infinstor } = await setUp();
    infinstor.close();
    await expect(invoke({ plan, token })).rejects.toMatchObject({ name: 'InfinStorUnavailable' });
    const afterFirst = credentials();
    await expect(invoke({ plan, token })).rejects.toMatchObject({ name: 'InfinStorUnavailable' });
    expect(afterFirst).toEqual({ state: 'prepared', password: expect.any(String) });
    expect(credentials()).toEqual(afterFirst);
  });

  it.each<[string, Answer]>([
    ['the connection breaks', 'lost'],
    ['the gateway gives up', { status: 504, body: '' }],
    ['the answer has no custom token', { body: { other: secret('other') } }],
    ['the answer is no JSON', { body: 'created' }],
    [
      'what comes after the making of the user is refused',
      {
        status: 401,
        body: 'An error occurred (InvalidPasswordException) when calling the AdminSetUserPassword operation: too weak',
      },
    ],
    ['a rate is exceeded at an unknown point', { status: 400, body: { message: 'Rate exceeded' } }],
  ])('is SubscriberOutcomeUnknown when %s, and keeps the mark', async (_, answer) => {
    const { invoke, markNow, added } = await setUp({ answer: () => answer });
    await expect(invoke({ plan, token })).rejects.toMatchObject({ name: 'SubscriberOutcomeUnknown' });
    expect(added()).toHaveLength(1);
    expect(await markNow()).toMatchObject({ emailId });
  });

  it('says immediately what a login as the subscriber says of a lost answer', async () => {
    const { invoke, logins } = await setUp({
      answer: () => 'lost',
      login: { AuthenticationResult: { IdToken: secret('id') } },
    });
    await expect(invoke({ plan, token })).rejects.toMatchObject(
      errorOf(
        'SubscriberOutcomeUnknown',
        'was sent, and the connection failed (ECONNRESET); InfinStor has the subscriber',
      ),
    );
    expect(logins()).toHaveLength(1);
  });

  it('is TooLittleTime, without a mark, when its token might not be stored in time', async () => {
    const { invoke, markNow, infinstor } = await setUp();
    withTimeLeft(240_000);
    await expect(invoke({ plan, token })).rejects.toMatchObject(errorOf('TooLittleTime', 'add_subscriber'));
    expect([await markNow(), infinstor.requests]).toEqual([undefined, []]);
    withTimeLeft(270_000);
    expect(await invoke({ plan, token })).toEqual(output);
  });

  it('is TooLittleTime without a mark when the mark has taken too long', async () => {
    const { run, credentials, infinstor } = await setUp();
    const left = [270_000, 200_000];
    await expect(run(plan, () => left.shift() ?? 0)).rejects.toMatchObject(errorOf('TooLittleTime', 'add_subscriber'));
    expect(credentials()).toMatchObject({ state: 'prepared' });
    expect(infinstor.requests).toEqual([]);
  });

  it('is TokenRejected, before anything is stored, when the referred version of the token is gone', async () => {
    const { invoke, secrets, infinstor } = await setUp();
    const gone = { ...token, versionId: 'version-0' };
    await expect(invoke({ plan, token: gone })).rejects.toMatchObject({ name: 'TokenRejected' });
    expect([secrets.written, infinstor.requests]).toEqual([[], []]);
  });

  it('keeps the mark when the custom token cannot be stored', async () => {
    const { invoke, secrets, credentials, markNow } = await setUp();
    secrets.client.on(PutSecretValueCommand).rejects(unavailable);
    await expect(invoke({ plan, token })).rejects.toMatchObject({
      name: 'SubscriberOutcomeUnknown',
      message: expect.stringContaining('InternalServiceError'),
    });
    expect(credentials()).toEqual({ state: 'prepared', password: expect.any(String) });
    expect(await markNow()).toMatchObject({ emailId });
  });
});

it.each(['REGISTRY_TABLE', 'INFINSTOR_MLFLOW_URL', 'CUSTOM_TOKEN_PATH', 'CUSTOM_TOKEN_PREFIX'] as const)(
  'names the missing variable %s: InvalidConfiguration',
  async (name) => {
    const { invoke } = await setUp();
    await expect(invoke({ plan, token }, { [name]: undefined })).rejects.toMatchObject(
      errorOf('InvalidConfiguration', name),
    );
  },
);
