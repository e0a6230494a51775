import {
  PasswordResetRequiredException,
  UserNotConfirmedException,
  UserNotFoundException,
} from '@aws-sdk/client-cognito-identity-provider';
import {
  GetSecretValueCommand,
  InvalidRequestException,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import type { Answer } from '../fake-infinstor.ts';
import { firstVersionId } from '../fake-secrets.ts';
import { errorOf, now, secret } from '../lambda.ts';
import { otherExecutionArn, plan } from '../plan.ts';
import {
  creating,
  credentialsSecretId,
  customToken,
  emailId,
  type Fixture,
  notAuthorized,
  output,
  password,
  prepared,
  setUp,
  subscriber,
  token,
} from './create-subscriber-fixture.ts';

const otherPlan = { ...plan, executionArn: otherExecutionArn };

describe('a repeat', () => {
  it('does nothing when the custom token is stored', async () => {
    const { invoke, secrets, infinstor } = await setUp({
      stored: { [credentialsSecretId]: { state: 'created', password, emailId, customToken } },
    });
    expect(await invoke({ plan, token })).toEqual({ ...output, changed: false });
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
    const world: Fixture = await setUp({
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

  const passwordSecretId = 'infinstor/test/input/acme';
  const customTokenSecretId = 'infinstor/test/input/token';
  const created = { state: 'created', password, emailId, customToken };

  it.each<[string, object, Partial<typeof plan>, string]>([
    ['another e-mail address', { ...created, emailId: 'changed@acme.example' }, {}, 'changed@acme.example'],
    ['another password', { ...created, password: secret('changed') }, { passwordSecretId }, 'passwordSecretId'],
    [
      'another e-mail address than the call whose token a person supplies',
      { ...creating, emailId: 'changed@acme.example' },
      { customTokenSecretId },
      'changed@acme.example',
    ],
  ])('is SubscriberDiffers, and changes nothing, when it has %s', async (_, stored, changes, named) => {
    const { invoke, secrets, added } = await setUp({
      stored: {
        [credentialsSecretId]: stored,
        [passwordSecretId]: { password },
        [customTokenSecretId]: { customToken: secret('other-token') },
      },
    });
    const differing = invoke({ plan: { ...plan, ...changes }, token });
    await expect(differing).rejects.toMatchObject(errorOf('SubscriberDiffers', named));
    expect([secrets.written, added()]).toEqual([[], []]);
  });

  it('changes nothing when it has the same password and token', async () => {
    const { invoke, secrets } = await setUp({
      stored: {
        [credentialsSecretId]: created,
        [passwordSecretId]: { password },
        [customTokenSecretId]: { customToken },
      },
    });
    const same = { ...plan, passwordSecretId, customTokenSecretId };
    expect(await invoke({ plan: same, token })).toEqual({ ...output, changed: false });
    expect(secrets.written).toEqual([]);
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
    expect(await invoke({ plan: withToken, token })).toEqual({ ...output, changed: written.length > 0 });
    expect(secrets.written).toEqual(written);
    expect(infinstor.requests).toEqual([]);
  });

  it('stays when it is stored during a call that fails then', async () => {
    const world: Fixture = await setUp({
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
