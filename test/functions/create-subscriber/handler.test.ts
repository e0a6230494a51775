import {
  CognitoIdentityProviderClient,
  InitiateAuthCommand,
  NotAuthorizedException,
  PasswordResetRequiredException,
  UserNotConfirmedException,
  UserNotFoundException,
} from '@aws-sdk/client-cognito-identity-provider';
import {
  GetSecretValueCommand,
  InternalServiceError,
  InvalidRequestException,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { createSubscriber } from '../../../functions/create-subscriber/create-subscriber.ts';
import type { Plan } from '../../../functions/shared/plan.ts';
import { type Answer, fakeInfinStor } from '../fake-infinstor.ts';
import { fakeSecrets, firstVersionId } from '../fake-secrets.ts';
import { errorOf, lambda, now, secret } from '../lambda.ts';
import { executionArn, otherExecutionArn, plan } from '../plan.ts';

const { credentialsSecretId, subscriber } = plan;
const token = { secretId: 'test/superadmin-token', versionId: firstVersionId, rejections: 0 };
const superadminToken = { idToken: secret('id-token'), refreshToken: secret('refresh'), obtainedAt: now.toISOString() };
const password = secret('password');
const customToken = secret('custom-token');
const otherPlan = { ...plan, executionArn: otherExecutionArn };
const { emailId } = subscriber;
const output = { credentialsSecretId, emailId };
const prepared = { state: 'prepared', password };
const creating = { state: 'creating', password, emailId, executionArn, invocationId: 'an-invocation' };
const notAuthorized = new NotAuthorizedException({ message: 'Incorrect username or password.', $metadata: {} });
const unavailable = new InternalServiceError({ message: 'later', $metadata: {} });

/**
 * The function with these secrets beside the superadmin token, an InfinStor that answers add_subscriber so, and a user pool that
 * answers a login as the subscriber so.
 */
async function setUp({
  stored = {},
  answer = () => ({ body: { customToken } }),
  login = notAuthorized,
  isExternalAuth = 'false',
}: {
  stored?: Record<string, unknown>;
  answer?: () => Answer | Promise<Answer>;
  login?: Error | object;
  isExternalAuth?: string;
} = {}) {
  const pool = mockClient(CognitoIdentityProviderClient);
  if (login instanceof Error) pool.on(InitiateAuthCommand).rejects(login);
  else pool.on(InitiateAuthCommand).resolves(login);
  const logins = () => pool.commandCalls(InitiateAuthCommand).map(({ args: [{ input }] }) => input.AuthParameters);
  const secrets = fakeSecrets({ [token.secretId]: superadminToken, ...stored });
  const credentials = () => secrets.current(credentialsSecretId);
  const infinstor = await fakeInfinStor({
    add_subscriber: answer,
    get_version: () => ({ body: { cognitoCliClientId: 'client-1', region: 'us-east-1', isExternalAuth } }),
  });
  const added = () => infinstor.requests.filter(({ operation }) => operation === 'POST add_subscriber');
  const environment = { INFINSTOR_MLFLOW_URL: infinstor.url, CUSTOM_TOKEN_PATH: 'customToken' };
  const invoke = lambda(() => import('../../../functions/create-subscriber/handler.ts'), environment);
  const client = new SecretsManagerClient({ region: 'us-east-1' });
  /** Runs the step without Lambda around it, so that several can run at once. */
  const run = (plan: Plan) =>
    createSubscriber(
      { plan, token },
      {
        environment,
        secrets: client,
        patientSecrets: client,
        cognito: (region) => new CognitoIdentityProviderClient({ region }),
        now,
      },
    );
  return { invoke, run, secrets, credentials, infinstor, added, logins };
}
type World = Awaited<ReturnType<typeof setUp>>;

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
    const { invoke, secrets, credentials } = await setUp({
      stored: { [credentialsSecretId]: prepared },
      answer: () => {
        atTheCall = credentials();
        return { body: { customToken } };
      },
    });
    await invoke({ plan, token });
    expect(atTheCall).toEqual({ ...creating, invocationId: expect.any(String) });
    expect(secrets.written).toEqual([atTheCall, { state: 'created', password, emailId, customToken }]);
  });

  it('generates a password when the request refers to none', async () => {
    const { invoke, credentials, infinstor } = await setUp();
    await invoke({ plan, token });
    const { password: generated } = JSON.parse(infinstor.requests[0]?.body ?? '');
    expect(generated).toHaveLength(32);
    expect(credentials()).toEqual({ state: 'created', password: generated, emailId, customToken });
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
    expect(credentials()).toEqual({ state: 'created', password, emailId, customToken });
  });

  it("keeps only a reference to the password of the request's secret while InfinStor has not accepted it", async () => {
    const passwordSecretId = 'infinstor/test/input/acme';
    const { invoke, secrets } = await setUp({
      stored: { [passwordSecretId]: { password } },
      answer: () => ({ status: 400, body: 'Error Password did not conform with policy' }),
    });
    await expect(invoke({ plan: { ...plan, passwordSecretId }, token })).rejects.toMatchObject({
      name: 'InfinStorRejected',
    });
    expect(secrets.written).toEqual([
      { state: 'creating', passwordSecretId, emailId, executionArn, invocationId: expect.any(String) },
      { state: 'prepared' },
    ]);
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
      stored: { [credentialsSecretId]: { state: 'created', password, emailId, customToken } },
    });
    expect(await invoke({ plan, token })).toEqual(output);
    expect([secrets.written, infinstor.requests]).toEqual([[], []]);
  });

  const cognitoDetails = { message: 'not told', $metadata: {} };

  it.each<[string, Error | object, string]>([
    ['whose login succeeds', { AuthenticationResult: { IdToken: secret('id') } }, 'InfinStor has the subscriber'],
    ['whose login is challenged', { ChallengeName: 'NEW_PASSWORD_REQUIRED' }, 'InfinStor has the subscriber'],
    ['that is not confirmed', new UserNotConfirmedException(cognitoDetails), 'InfinStor has the subscriber'],
    [
      'whose password is to be reset',
      new PasswordResetRequiredException(cognitoDetails),
      'InfinStor has the subscriber',
    ],
    ['whose login is refused, which proves nothing', notAuthorized, 'could not be found out'],
    ['that nobody can ask for', new Error('timeout'), 'could not be found out'],
  ])('never repeats a call whose answer was lost, of a subscriber %s', async (_, login, words) => {
    const { invoke, secrets, added, logins } = await setUp({ stored: { [credentialsSecretId]: creating }, login });
    await expect(invoke({ plan, token })).rejects.toMatchObject(errorOf('SubscriberOutcomeUnknown', words));
    expect([secrets.written, added()]).toEqual([[], []]);
    // Once: repeated bad passwords lock accounts.
    expect(logins()).toEqual([{ USERNAME: subscriber.userName, PASSWORD: password }]);
  });

  const absent = new UserNotFoundException(cognitoDetails);

  it('makes the call, with the same password, when the user pool says that there is no such user', async () => {
    const { invoke, added, credentials } = await setUp({ stored: { [credentialsSecretId]: creating }, login: absent });
    expect(await invoke({ plan, token })).toEqual(output);
    expect(added()).toHaveLength(1);
    expect(credentials()).toEqual({ state: 'created', password, emailId, customToken });
  });

  it('waits while an earlier call may still be under way: SubscriberUnsettled', async () => {
    const { run, secrets, added } = await setUp({ stored: { [credentialsSecretId]: creating }, login: absent });
    secrets.client.on(GetSecretValueCommand, { SecretId: credentialsSecretId }).resolves({
      SecretString: JSON.stringify(creating),
      VersionId: firstVersionId,
      CreatedDate: new Date(now.getTime() - 119_000),
    });
    await expect(run(plan)).rejects.toMatchObject({ name: 'SubscriberUnsettled' });
    expect([secrets.written, added()]).toEqual([[], []]);
  });

  it('makes no call when users log in elsewhere: the pool need not know the subscriber', async () => {
    const { invoke, added, logins } = await setUp({
      stored: { [credentialsSecretId]: creating },
      login: absent,
      isExternalAuth: 'true',
    });
    await expect(invoke({ plan, token })).rejects.toMatchObject({ name: 'SubscriberOutcomeUnknown' });
    expect([added(), logins()]).toEqual([[], []]);
  });

  it.each<[string, Answer]>([
    ['SubscriberExists', { status: 400, body: 'Error User Exists' }],
    ['TokenRejected', { status: 401, body: '' }],
  ])('leaves the token alone that an earlier call stores meanwhile, when its own ends %s', async (name, answer) => {
    const created = { state: 'created', password, emailId, customToken };
    const world: World = await setUp({
      stored: { [credentialsSecretId]: creating },
      login: absent,
      answer: async () => {
        const command = new PutSecretValueCommand({
          SecretId: credentialsSecretId,
          SecretString: JSON.stringify(created),
        });
        await new SecretsManagerClient({ region: 'us-east-1' }).send(command);
        return answer;
      },
    });
    await expect(world.run(plan)).rejects.toMatchObject({ name });
    expect(world.credentials()).toEqual(created);
  });

  it('tells the e-mail address that InfinStor has, and not that of a request that comes again', async () => {
    const created = { state: 'created', password, emailId: 'changed@acme.example', customToken };
    const { invoke } = await setUp({ stored: { [credentialsSecretId]: created } });
    expect(await invoke({ plan, token })).toEqual({ credentialsSecretId, emailId: 'changed@acme.example' });
  });

  it("keeps the password of the request's secret when a login shows that InfinStor has accepted it", async () => {
    const passwordSecretId = 'infinstor/test/input/acme';
    const { password: _, ...referring } = { ...creating, passwordSecretId };
    const { invoke, credentials } = await setUp({
      stored: { [credentialsSecretId]: referring, [passwordSecretId]: { password } },
      login: { AuthenticationResult: { IdToken: secret('id') } },
    });
    await expect(invoke({ plan, token })).rejects.toMatchObject({ name: 'SubscriberOutcomeUnknown' });
    expect(credentials()).toEqual(creating);
  });

  it("takes a request's secret that is scheduled for deletion for one that is gone", async () => {
    const { password: _, ...referring } = { ...creating, passwordSecretId: 'input' };
    const customTokenSecretId = 'infinstor/test/input/token';
    const { invoke, secrets, credentials } = await setUp({
      stored: { [credentialsSecretId]: referring, [customTokenSecretId]: { customToken } },
    });
    const marked = new InvalidRequestException({ message: 'marked for deletion', $metadata: {} });
    secrets.client.on(GetSecretValueCommand, { SecretId: 'input' }).rejects(marked);
    await invoke({ plan: { ...plan, customTokenSecretId }, token });
    expect(credentials()).toEqual({ state: 'created', emailId, customToken });
  });

  it("asks with the password of the request's secret, and not at all when that is gone", async () => {
    const passwordSecretId = 'infinstor/test/input/acme';
    const { password: _, ...referring } = { ...creating, passwordSecretId };
    const given = await setUp({
      stored: { [credentialsSecretId]: referring, [passwordSecretId]: { password } },
      login: absent,
    });
    await given.invoke({ plan: { ...plan, passwordSecretId }, token });
    expect(given.logins()).toMatchObject([{ PASSWORD: password }]);
    expect(given.credentials()).toEqual({ state: 'created', password, emailId, customToken });

    const gone = await setUp({ stored: { [credentialsSecretId]: referring }, login: absent });
    await expect(gone.invoke({ plan, token })).rejects.toMatchObject({ name: 'SubscriberOutcomeUnknown' });
    expect([gone.logins(), gone.added()]).toEqual([[], []]);
  });

  it('at once of two that find nobody there makes one call', async () => {
    const { run, added } = await setUp({ stored: { [credentialsSecretId]: creating }, login: absent });
    const outcomes = await Promise.allSettled([run(plan), run(otherPlan)]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(added()).toHaveLength(1);
  });
});

describe('of two executions', () => {
  it.each<[string, Record<string, unknown>]>([
    ['without credentials', {}],
    ['on prepared ones', { [credentialsSecretId]: prepared }],
  ])('at once, %s, one calls and stores its token, the other is OnboardingInProgress', async (_, stored) => {
    const { run, credentials, infinstor } = await setUp({ stored });
    const outcomes = await Promise.allSettled([run(plan), run(otherPlan)]);
    expect(outcomes).toEqual(
      expect.arrayContaining([
        { status: 'fulfilled', value: output },
        { status: 'rejected', reason: expect.objectContaining({ name: 'OnboardingInProgress' }) },
      ]),
    );
    expect(infinstor.requests).toHaveLength(1);
    const { password: sent } = JSON.parse(infinstor.requests[0]?.body ?? '');
    expect(credentials()).toEqual({ state: 'created', password: sent, emailId, customToken });
  });

  it('at once, of one execution that was stopped and redriven, one calls', async () => {
    const { run, infinstor } = await setUp({ stored: { [credentialsSecretId]: prepared } });
    const outcomes = await Promise.allSettled([run(plan), run(plan)]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(infinstor.requests).toHaveLength(1);
  });

  it('one that looked before the other was refused is OnboardingInProgress', async () => {
    const { run, secrets, credentials, infinstor } = await setUp({
      stored: { [credentialsSecretId]: prepared },
      answer: () => ({ status: 400, body: 'refused' }),
    });
    await expect(run(plan)).rejects.toMatchObject({ name: 'InfinStorRejected' });
    secrets.client
      .on(GetSecretValueCommand, { SecretId: credentialsSecretId })
      .resolves({ SecretString: JSON.stringify(prepared), VersionId: firstVersionId });
    await expect(run(otherPlan)).rejects.toMatchObject({ name: 'OnboardingInProgress' });
    expect(infinstor.requests).toHaveLength(1);
    expect(credentials()).toEqual(prepared);
  });
});

describe('the custom token of a subscriber that exists', () => {
  const customTokenSecretId = 'infinstor/test/input/acme-token';
  const withToken = { ...plan, customTokenSecretId };

  const created = { state: 'created', password, emailId, customToken };
  const withoutPassword = { state: 'created', customToken };

  it.each<[string, Record<string, unknown>, unknown[]]>([
    ['without credentials', {}, [withoutPassword]],
    ["after a lost answer, whose password may be the subscriber's", { [credentialsSecretId]: creating }, [created]],
    ["after a refusal, whose password is not the subscriber's", { [credentialsSecretId]: prepared }, [withoutPassword]],
    [
      "after a lost answer, with the password of the request's secret",
      { [credentialsSecretId]: { ...creating, password: undefined, passwordSecretId: 'input' }, input: { password } },
      [created],
    ],
    [
      'in the place of an older token, whose password stays',
      { [credentialsSecretId]: { ...created, customToken: secret('expired') } },
      [created],
    ],
    ['by no write when it is stored already', { [credentialsSecretId]: created }, []],
  ])('is stored without a call, %s', async (_, stored, written) => {
    const { invoke, secrets, infinstor } = await setUp({
      stored: { ...stored, [customTokenSecretId]: { customToken } },
    });
    expect(await invoke({ plan: withToken, token })).toEqual(output);
    expect(secrets.written).toEqual(written);
    expect(infinstor.requests).toEqual([]);
  });

  it('stays when it is stored during a call that fails then', async () => {
    const world: World = await setUp({
      stored: { [credentialsSecretId]: prepared, [customTokenSecretId]: { customToken } },
      answer: async () => {
        await world.run({ ...otherPlan, customTokenSecretId });
        return { status: 401, body: '' };
      },
    });
    await expect(world.run(plan)).rejects.toMatchObject({ name: 'TokenRejected' });
    expect(world.credentials()).toEqual(created);
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
    const { invoke, credentials } = await setUp({
      stored: { [credentialsSecretId]: prepared },
      answer: () => answer,
    });
    await expect(invoke({ plan, token })).rejects.toMatchObject({ name });
    expect(credentials()).toEqual(prepared);
  });

  it('is still that failure, with the mark left behind, when the mark cannot be taken back', async () => {
    const { invoke, secrets, credentials } = await setUp({ answer: () => ({ status: 401, body: '' }) });
    secrets.client.on(PutSecretValueCommand).rejects(unavailable);
    await expect(invoke({ plan, token })).rejects.toMatchObject({ name: 'TokenRejected' });
    expect(credentials()).toMatchObject({ state: 'creating' });
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
  ])('is SubscriberOutcomeUnknown when %s, and keeps the mark', async (_, answer) => {
    const { invoke, credentials, added } = await setUp({ answer: () => answer });
    await expect(invoke({ plan, token })).rejects.toMatchObject({ name: 'SubscriberOutcomeUnknown' });
    expect(added()).toHaveLength(1);
    expect(credentials()).toMatchObject({ state: 'creating' });
  });

  it('tells at once what a login as the subscriber says of a lost answer', async () => {
    const { invoke, logins } = await setUp({
      answer: () => 'lost',
      login: { AuthenticationResult: { IdToken: secret('id') } },
    });
    await expect(invoke({ plan, token })).rejects.toMatchObject(
      errorOf(
        'SubscriberOutcomeUnknown',
        'was sent, and the connection failed (UND_ERR_SOCKET); InfinStor has the subscriber',
      ),
    );
    expect(logins()).toHaveLength(1);
  });

  it('is TokenRejected, before anything is stored, when the referred version of the token is gone', async () => {
    const { invoke, secrets, infinstor } = await setUp();
    const gone = { ...token, versionId: 'version-0' };
    await expect(invoke({ plan, token: gone })).rejects.toMatchObject({ name: 'TokenRejected' });
    expect([secrets.written, infinstor.requests]).toEqual([[], []]);
  });

  it('keeps the mark when the custom token cannot be stored', async () => {
    const { invoke, secrets, credentials } = await setUp();
    secrets.client.on(PutSecretValueCommand).rejects(unavailable);
    await expect(invoke({ plan, token })).rejects.toMatchObject({
      name: 'SubscriberOutcomeUnknown',
      message: expect.stringContaining('InternalServiceError'),
    });
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
