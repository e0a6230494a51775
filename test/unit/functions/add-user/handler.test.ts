import {
  CreateSecretCommand,
  GetSecretValueCommand,
  InternalServiceError,
  InvalidRequestException,
  PutSecretValueCommand,
  ResourceExistsException,
  RestoreSecretCommand,
} from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import { type Answer, fakeInfinStor } from '../fake-infinstor.ts';
import { firstVersionId } from '../fake-secrets.ts';
import { errorOf, withTimeLeft } from '../lambda.ts';
import { usersPlan } from '../users-plan.ts';
import {
  added,
  afterAlice,
  aliceAdded,
  aliceSecretId,
  bobPassword,
  bobSecretId,
  formOf,
  inputSecretId,
  kept,
  loginExpired,
  resultOf,
  setUp,
  token,
  tokenSecretId,
  tokens,
} from './add-user-fixture.ts';

it('makes no call when what InfinStor accepts might not be stored in time: TooLittleTime', async () => {
  const { addBob, calls } = await setUp();
  withTimeLeft(100_000);
  await expect(addBob()).rejects.toMatchObject(errorOf('TooLittleTime', 'addsecondaryuser was not called'));
  expect(calls()).toEqual([]);
});

describe('adding a user', () => {
  it('sends a form with a Bearer token, and takes plain text for an answer, as the setup guide has it', async () => {
    const { addBob, calls, logins, secrets } = await setUp();
    expect(await addBob()).toEqual({
      next: 2,
      hasMore: false,
      results: [aliceAdded, { userName: 'bob', outcome: 'added', credentialsSecretId: bobSecretId }],
    });
    expect(calls()).toMatchObject([
      {
        headers: {
          authorization: `Bearer ${tokens.idToken}`,
          'content-type': 'application/x-www-form-urlencoded',
        },
      },
    ]);
    expect(formOf(calls()[0]?.body)).toEqual({ newuser: 'bob', email: 'bob@acme.example', password: bobPassword });
    expect(secrets.current(bobSecretId)).toEqual({ state: 'created', userName: 'bob', password: bobPassword });
    expect(logins()).toEqual([]);
  });

  it('keeps a password that it generates before the call, and one of the request only after it', async () => {
    const atTheCall: unknown[] = [];
    const { addAlice, addBob, calls, secrets } = await setUp({
      answer: () => {
        atTheCall.push(...secrets.written);
        return added;
      },
    });
    expect(await addAlice()).toEqual({ next: 1, hasMore: true, results: [aliceAdded] });
    const { password } = formOf(calls()[0]?.body);
    expect(password).toMatch(/^.{32}$/);
    expect(atTheCall).toEqual([{ state: 'prepared', userName: 'Alice', password }]);
    expect(secrets.current(aliceSecretId)).toEqual({ state: 'created', userName: 'Alice', password });

    atTheCall.length = 0;
    await addBob();
    expect(atTheCall).toHaveLength(2);
    expect(secrets.written).toHaveLength(3);
  });

  it('uses the password that was prepared', async () => {
    const { addAlice, calls, secrets } = await setUp({
      stored: { [aliceSecretId]: { state: 'prepared', userName: 'Alice', password: kept } },
    });
    await addAlice();
    expect(formOf(calls()[0]?.body)).toMatchObject({ password: kept });
    expect(secrets.written).toEqual([{ state: 'created', userName: 'Alice', password: kept }]);
  });

  it('makes no call for a user who was added', async () => {
    const { addAlice, infinstor, secrets } = await setUp({
      stored: { [aliceSecretId]: { state: 'created', userName: 'Alice', password: kept } },
    });
    expect(resultOf(await addAlice())).toEqual(aliceAdded);
    expect([infinstor.requests, secrets.written]).toEqual([[], []]);
  });

  it('that was added before the offboarding is done again, with the password from then', async () => {
    const { addAlice, calls, secrets } = await setUp();
    let isDeleted = true;
    secrets.client.on(RestoreSecretCommand).callsFake(() => {
      isDeleted = false;
      return {};
    });
    secrets.add(tokenSecretId, { SecretString: JSON.stringify(tokens) });
    secrets.client.on(GetSecretValueCommand, { SecretId: aliceSecretId }).callsFake(() => {
      if (isDeleted) throw new InvalidRequestException({ message: 'marked for deletion', $metadata: {} });
      return {
        SecretString: JSON.stringify({ state: 'created', userName: 'Alice', password: kept }),
        VersionId: firstVersionId,
      };
    });
    const written: string[] = [];
    secrets.client.on(PutSecretValueCommand).callsFake(({ SecretString }) => {
      written.push(`${JSON.parse(SecretString).state} after ${calls().length}`);
      return {};
    });
    expect(resultOf(await addAlice())).toEqual(aliceAdded);
    expect(formOf(calls()[0]?.body)).toMatchObject({ password: kept });
    // A crash in between must not leave a user who is not there as created.
    expect(written).toEqual(['prepared after 0', 'created after 1']);
  });

  it("is for the plan's own users only", async () => {
    const { invoke } = await setUp();
    const event = { plan: usersPlan, token, progress: { next: 2, hasMore: false, results: [] } };
    await expect(invoke(event)).rejects.toMatchObject(errorOf('InvalidStepInput', 'there is no user 2'));
  });
});

describe('a refusal', () => {
  it.each([
    ['text', { status: 400, body: 'Error Password did not conform with policy' }],
    ['text with the status of a success', { body: 'Error Password did not conform with policy' }],
    ['JSON with the status of a success', { body: { errorMessage: 'Password did not conform with policy' } }],
    [
      'a redirect to elsewhere',
      { status: 307, headers: { location: 'https://elsewhere.example' }, body: 'did not conform' },
    ],
  ] satisfies [string, Answer][])("is this user's result (%s)", async (_, answer) => {
    const { addBob, logins, secrets } = await setUp({ answer });
    expect(resultOf(await addBob())).toEqual({
      userName: 'bob',
      outcome: 'rejected',
      error: { ...errorOf('InfinStorRejected', 'did not conform'), remedy: expect.any(String) },
    });
    expect([logins(), secrets.written]).toEqual([[], []]);
  });

  it.each([
    ['as it is', bobPassword],
    ['as JSON has it', JSON.stringify(bobPassword)],
    ['as the form has it', new URLSearchParams({ password: bobPassword }).toString()],
  ])('that quotes the password %s is withheld', async (_, quoted) => {
    const { addBob } = await setUp({ answer: { status: 400, body: `Error ${quoted}` } });
    expect(resultOf(await addBob())).toMatchObject({ error: errorOf('InfinStorRejected', 'withheld') });
  });

  it.each([
    ['says nothing', { body: '' }],
    ['is JSON', { body: { status: 'ok' } }],
    ['is a page', { body: '<html>Welcome</html>' }],
  ] satisfies [string, Answer][])(
    'is what an answer with status 200 means that %s, unless the user logs in',
    async (_, answer) => {
      const refused = await setUp({ answer });
      expect(resultOf(await refused.addBob())).toMatchObject({
        outcome: 'rejected',
        error: errorOf('InfinStorRejected', 'answered 200'),
      });
      const { addBob } = await setUp({ answer, login: bobPassword });
      expect(resultOf(await addBob())).toMatchObject({ outcome: 'added' });
    },
  );

  it.each([
    ['is gone', undefined],
    ['is no JSON', 'no-json'],
    ['has no password', { pass: 'word' }],
  ])("is this user's result when the secret %s, without a call", async (_, content) => {
    const { addBob, calls, secrets } = await setUp({ stored: { [inputSecretId]: content ?? null } });
    if (content === undefined) secrets.remove(inputSecretId);
    expect(resultOf(await addBob())).toMatchObject({
      outcome: 'rejected',
      error: errorOf('InvalidRequest', 'users.1.passwordSecretId: '),
    });
    expect(calls()).toEqual([]);
  });
});

describe('what would hit all users is thrown', () => {
  it.each<[string, string, Answer]>([
    ['TokenRejected', '401', { status: 401, body: { message: 'Unauthorized' } }],
    ['TokenRejected', '403', { status: 403, body: { message: 'Forbidden' } }],
    ['TokenRejected', 'the page of an expired login', loginExpired],
    ['TokenRejected', 'a redirect to the login', { status: 302, headers: { location: '/login.html' }, body: '' }],
    ['InfinStorUnavailable', '429', { status: 429, body: 'slow down' }],
    ['InfinStorUnavailable', '500', { status: 500, body: 'broken' }],
    ['InfinStorUnavailable', '504', { status: 504, body: { message: 'Endpoint request timed out' } }],
    ['InfinStorUnavailable', 'no answer', 'lost'],
  ])('as %s (%s)', async (name, _, answer) => {
    const { addBob, logins } = await setUp({ answer });
    await expect(addBob()).rejects.toMatchObject(errorOf(name, 'addsecondaryuser'));
    expect(logins()).toEqual([]);
  });

  it('as TokenRejected when the token is gone, and InvalidConfiguration when nobody knows where the API is', async () => {
    const { addBob, invoke, secrets, calls } = await setUp();
    const event = { plan: usersPlan, token, progress: afterAlice };
    await expect(invoke(event, { INFINSTOR_API_URL: '' })).rejects.toMatchObject(
      errorOf('InvalidConfiguration', 'infinstorApiUrl'),
    );
    secrets.remove(tokenSecretId);
    await expect(addBob()).rejects.toMatchObject(errorOf('TokenRejected', tokenSecretId));
    expect(calls()).toEqual([]);
  });

  it('as InfinStorRejected when the service is none', async () => {
    const { addBob } = await setUp();
    const elsewhere = await fakeInfinStor({ get_version: () => ({ body: '<html>' }) });
    const { invoke } = await setUp();
    const event = { plan: usersPlan, token, progress: afterAlice };
    await expect(invoke(event, { INFINSTOR_MLFLOW_URL: elsewhere.url })).rejects.toMatchObject({
      name: 'InfinStorRejected',
    });
    expect(resultOf(await addBob())).toMatchObject({ outcome: 'added' });
  });

  it('as OnboardingInProgress, without a call, when another invocation keeps a password first', async () => {
    const { addAlice, calls, secrets } = await setUp();
    secrets.client.on(CreateSecretCommand).rejects(new ResourceExistsException({ message: 'exists', $metadata: {} }));
    await expect(addAlice()).rejects.toMatchObject({ name: 'OnboardingInProgress' });
    expect(calls()).toEqual([]);
  });

  it('as it is, when the password cannot be kept', async () => {
    const { addAlice, addBob, calls, secrets } = await setUp();
    secrets.client.on(CreateSecretCommand).rejects(new InternalServiceError({ message: 'no', $metadata: {} }));
    await expect(addAlice()).rejects.toMatchObject({ name: 'InternalServiceError' });
    expect(calls()).toEqual([]);
    await expect(addBob()).rejects.toMatchObject({ name: 'InternalServiceError' });
  });
});

it('keeps the password also when the secret has come into being meanwhile', async () => {
  const { addBob, secrets } = await setUp({
    answer: () => {
      secrets.client.on(CreateSecretCommand).rejects(new ResourceExistsException({ message: 'exists', $metadata: {} }));
      return added;
    },
  });
  const put: string[] = [];
  secrets.client.on(PutSecretValueCommand).callsFake(({ SecretId }) => {
    put.push(SecretId);
    return {};
  });
  expect(resultOf(await addBob())).toMatchObject({ outcome: 'added' });
  expect(put).toEqual([bobSecretId]);
});

it.each(['INFINSTOR_MLFLOW_URL', 'INFINSTOR_API_URL'] as const)('names the missing variable %s', async (name) => {
  const { invoke } = await setUp();
  await expect(invoke({ plan: usersPlan, token }, { [name]: undefined })).rejects.toMatchObject(
    errorOf('InvalidConfiguration', name),
  );
});
