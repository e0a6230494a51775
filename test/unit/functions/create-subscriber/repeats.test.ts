import {
  NotAuthorizedException,
  PasswordResetRequiredException,
  UserNotConfirmedException,
  UserNotFoundException,
} from '@aws-sdk/client-cognito-identity-provider';
import { GetSecretValueCommand, InvalidRequestException } from '@aws-sdk/client-secrets-manager';
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
  mark,
  notAuthorized,
  output,
  password,
  prepared,
  setUp,
  subscriber,
  token,
} from './create-subscriber-fixture.ts';

const otherPlan = { ...plan, executionArn: otherExecutionArn };
/** What a call leaves whose answer was lost. */
const unresolved = { stored: { [credentialsSecretId]: prepared }, marked: mark };
/** The same, as releases up to 0.1.0 left it. */
const formerly = { stored: { [credentialsSecretId]: creating } };

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
    ['whose login succeeds', { AuthenticationResult: { IdToken: secret('id') } }, 'the subscriber: its login succeeds'],
    ['whose login is challenged', { ChallengeName: 'NEW_PASSWORD_REQUIRED' }, 'the subscriber: its login succeeds'],
    [
      'that is not confirmed',
      new UserNotConfirmedException(cognitoDetails),
      'InfinStor has the subscriber: Cognito answers a login with UserNotConfirmedException',
    ],
    [
      'that is disabled',
      new NotAuthorizedException({ message: 'User is disabled.', $metadata: {} }),
      'InfinStor has the subscriber: Cognito answers a login with NotAuthorizedException (disabled)',
    ],
    [
      'that is locked, which proves nothing',
      new NotAuthorizedException({ message: 'Password attempts exceeded', $metadata: {} }),
      'could not be found out by a login: Cognito answers a login with NotAuthorizedException (locked)',
    ],
    [
      'whose password is to be reset',
      new PasswordResetRequiredException(cognitoDetails),
      'InfinStor has the subscriber',
    ],
    ['whose login is refused, which proves nothing', notAuthorized, 'could not be found out'],
    ['that nobody can ask for', new Error('timeout'), 'could not be found out'],
  ])('never repeats a call whose answer was lost, of a subscriber %s', async (_, login, words) => {
    const { invoke, secrets, added, logins } = await setUp({ ...unresolved, login });
    await expect(invoke({ plan, token })).rejects.toMatchObject(errorOf('SubscriberOutcomeUnknown', words));
    expect([secrets.written, added()]).toEqual([[], []]);
    // Once: repeated bad passwords lock accounts.
    expect(logins()).toEqual([{ USERNAME: subscriber.userName, PASSWORD: password }]);
  });

  const absent = new UserNotFoundException(cognitoDetails);

  it.each([
    ['in the record', unresolved],
    ['in the secret, as releases up to 0.1.0 kept it', formerly],
  ])(
    'makes the call, with the same password, when the pool says that there is no such user: mark %s',
    async (_, left) => {
      const { invoke, added, credentials, markNow } = await setUp({ ...left, login: absent });
      expect(await invoke({ plan, token })).toEqual(output);
      expect(added()).toMatchObject([{ body: JSON.stringify({ ...subscriber, password }) }]);
      expect(credentials()).toEqual({ state: 'created', password, emailId, customToken });
      expect(await markNow()).toBeUndefined();
    },
  );

  it('never repeats a call whose mark a release up to 0.1.0 has left in the secret', async () => {
    const { invoke, secrets, added } = await setUp({ ...formerly });
    await expect(invoke({ plan, token })).rejects.toMatchObject({ name: 'SubscriberOutcomeUnknown' });
    expect([secrets.written, added()]).toEqual([[], []]);
  });

  it('makes the call when a person has taken the mark away', async () => {
    const { invoke, added } = await setUp({ stored: { [credentialsSecretId]: prepared } });
    expect(await invoke({ plan, token })).toEqual(output);
    expect(added()).toHaveLength(1);
  });

  it('takes away a mark that stands beside the token of its call', async () => {
    const { invoke, secrets, added, markNow } = await setUp({
      stored: { [credentialsSecretId]: { state: 'created', password, emailId, customToken } },
      marked: mark,
    });
    expect(await invoke({ plan, token })).toEqual({ ...output, changed: false });
    expect([secrets.written, added(), await markNow()]).toEqual([[], [], undefined]);
  });

  it.each([
    [119, 'SubscriberUnsettled'],
    [120, undefined],
  ])('waits while an earlier call may still be under way: after %i s %s', async (seconds, name) => {
    const at = new Date(now.getTime() - seconds * 1000).toISOString();
    const { run, secrets, added } = await setUp({ ...unresolved, marked: { ...mark, at }, login: absent });
    if (name === undefined) {
      expect(await run(plan)).toEqual(output);
      return;
    }
    await expect(run(plan)).rejects.toMatchObject({ name });
    expect([secrets.written, added()]).toEqual([[], []]);
  });

  it('waits for a call whose mark a release up to 0.1.0 has left in the secret', async () => {
    const { run, secrets, added } = await setUp({ ...formerly, login: absent });
    secrets.client.on(GetSecretValueCommand, { SecretId: credentialsSecretId }).resolves({
      SecretString: JSON.stringify(creating),
      VersionId: firstVersionId,
      CreatedDate: new Date(now.getTime() - 119_000),
    });
    await expect(run(plan)).rejects.toMatchObject({ name: 'SubscriberUnsettled' });
    expect(added()).toEqual([]);
  });

  it('makes no call when users log in elsewhere: the pool need not know the subscriber', async () => {
    const { invoke, added, logins } = await setUp({
      ...unresolved,
      login: absent,
      isExternalAuth: 'true',
    });
    await expect(invoke({ plan, token })).rejects.toMatchObject({ name: 'SubscriberOutcomeUnknown' });
    expect([added(), logins()]).toEqual([[], []]);
  });

  it.each<[string, Answer]>([
    ['SubscriberExists', { status: 400, body: 'Error User Exists' }],
    ['TokenRejected', { status: 401, body: '' }],
    ['InfinStorUnavailable', { status: 429, body: '' }],
  ])('lets the mark stand for the earlier call when its own ends %s', async (name, answer) => {
    const { run, markNow, secrets } = await setUp({ ...unresolved, login: absent, answer: () => answer });
    await expect(run(plan)).rejects.toMatchObject({ name });
    // As old as the earlier call: the next one need not wait.
    expect(await markNow()).toEqual({ ...mark, invocationId: expect.not.stringMatching(mark.invocationId) });
    expect(secrets.written).toEqual([]);
    await expect(run(plan)).rejects.toMatchObject({ name });
  });

  const passwordSecretId = 'infinstor/test/input/acme/password';
  const customTokenSecretId = 'infinstor/test/input/acme/token';
  const created = { state: 'created', password, emailId, customToken };

  it.each<[string, object, Partial<typeof plan>, string]>([
    ['another e-mail address', { ...created, emailId: 'changed@acme.example' }, {}, 'changed@acme.example'],
    ['another password', { ...created, password: secret('changed') }, { passwordSecretId }, 'passwordSecretId'],
    [
      'another e-mail address than the call of a release up to 0.1.0 whose token a person supplies',
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

  it('keeps when the token ends that a person supplies, and when it is the same one, what was known of it', async () => {
    const end = '2027-01-15T08:00:00.000Z';
    const stored = { [credentialsSecretId]: created, [customTokenSecretId]: { customToken, expiry: 1_800_000_000 } };
    const given = { ...plan, customTokenSecretId };
    const first = await setUp({ stored });
    const known = { changed: false, customTokenExpiresAt: end };
    expect(await first.invoke({ plan: given, token })).toEqual({ ...output, ...known });
    expect(first.secrets.written).toEqual([{ ...created, customTokenExpiresAt: end }]);
    const again = { [credentialsSecretId]: { ...created, customTokenExpiresAt: end } };
    const second = await setUp({ stored: { ...again, [customTokenSecretId]: { customToken } } });
    expect(await second.invoke({ plan: given, token })).toEqual({ ...output, ...known });
    expect(second.secrets.written).toEqual([]);
    const third = await setUp({ stored: { ...again, [customTokenSecretId]: { customToken: secret('other-token') } } });
    expect(await third.invoke({ plan: given, token })).toEqual({ ...output, changed: true });
    expect(third.credentials()).not.toHaveProperty('customTokenExpiresAt');
  });

  const referring = { ...mark, passwordSecretId };
  const without = { [credentialsSecretId]: { state: 'prepared' } };
  const { password: _password, ...creatingWithout } = creating;

  it.each([
    ['in the record', { stored: without, marked: referring }, prepared, mark],
    [
      'in the secret',
      { stored: { [credentialsSecretId]: { ...creatingWithout, passwordSecretId } } },
      creating,
      undefined,
    ],
  ])(
    "keeps the password of the request's secret when a login shows that InfinStor has accepted it: mark %s",
    async (_, left, kept, keptMark) => {
      const { invoke, credentials, markNow, secrets } = await setUp({
        ...left,
        stored: { ...left.stored, [passwordSecretId]: { password } },
        login: { AuthenticationResult: { IdToken: secret('id') } },
      });
      for (let time = 1; time <= 2; time += 1) {
        await expect(invoke({ plan, token })).rejects.toMatchObject({ name: 'SubscriberOutcomeUnknown' });
        expect(credentials()).toEqual(kept);
        expect(await markNow()).toEqual(keptMark);
      }
      expect(secrets.written).toHaveLength(1);
    },
  );

  it("takes a request's secret that is scheduled for deletion for one that is gone", async () => {
    const { invoke, secrets, credentials, markNow } = await setUp({
      stored: { ...without, [customTokenSecretId]: { customToken } },
      marked: { ...mark, passwordSecretId: 'input' },
    });
    const deleted = new InvalidRequestException({ message: 'marked for deletion', $metadata: {} });
    secrets.client.on(GetSecretValueCommand, { SecretId: 'input' }).rejects(deleted);
    await invoke({ plan: { ...plan, customTokenSecretId }, token });
    expect(credentials()).toEqual({ state: 'created', emailId, customToken });
    expect(await markNow()).toBeUndefined();
  });

  it("asks with the password of the request's secret, and not at all when that is gone", async () => {
    const given = await setUp({
      stored: { ...without, [passwordSecretId]: { password } },
      marked: referring,
      login: absent,
    });
    await given.invoke({ plan: { ...plan, passwordSecretId }, token });
    expect(given.logins()).toMatchObject([{ PASSWORD: password }]);
    expect(given.credentials()).toEqual({ state: 'created', password, emailId, customToken });

    const gone = await setUp({ stored: without, marked: referring, login: absent });
    await expect(gone.invoke({ plan, token })).rejects.toMatchObject({ name: 'SubscriberOutcomeUnknown' });
    expect([gone.logins(), gone.added()]).toEqual([[], []]);
  });

  it('at once of two that find nobody there makes one call', async () => {
    const { run, added } = await setUp({ ...unresolved, login: absent });
    const outcomes = await Promise.allSettled([run(plan), run(plan)]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(added()).toHaveLength(1);
  });
});

describe('of two invocations', () => {
  it.each<[string, Record<string, unknown>]>([
    ['without credentials', {}],
    ['on prepared ones', { [credentialsSecretId]: prepared }],
  ])('of one execution at once, %s, one calls and stores its token', async (_, stored) => {
    const { run, credentials, infinstor, markNow } = await setUp({ stored });
    const outcomes = await Promise.allSettled([run(plan), run(plan)]);
    expect(outcomes).toEqual(
      expect.arrayContaining([
        { status: 'fulfilled', value: output },
        { status: 'rejected', reason: expect.objectContaining({ name: 'OnboardingInProgress' }) },
      ]),
    );
    expect(infinstor.requests).toHaveLength(1);
    const { password: sent } = JSON.parse(infinstor.requests[0]?.body ?? '');
    expect(credentials()).toEqual({ state: 'created', password: sent, emailId, customToken });
    expect(await markNow()).toBeUndefined();
  });

  it('the one whose execution the record no longer belongs to is OnboardingInProgress, and calls nothing', async () => {
    const { run, claim, infinstor, markNow } = await setUp({ stored: { [credentialsSecretId]: prepared } });
    await claim(otherPlan, plan.executionArn);
    await expect(run(plan)).rejects.toMatchObject({ name: 'OnboardingInProgress' });
    expect([infinstor.requests, await markNow()]).toEqual([[], undefined]);
  });

  it('the one that looked before the other went through to its end is OnboardingInProgress', async () => {
    const world: Fixture = await setUp({ stored: { [credentialsSecretId]: prepared } });
    let reads = 0;
    const created = { state: 'created', password, emailId, customToken };
    // The other's token comes after the first read, and its mark is gone again.
    world.secrets.client.on(GetSecretValueCommand, { SecretId: credentialsSecretId }).callsFake(() => {
      reads += 1;
      const [value, VersionId] = reads === 1 ? [prepared, firstVersionId] : [created, 'version-2'];
      return { SecretString: JSON.stringify(value), VersionId, CreatedDate: new Date(0) };
    });
    await expect(world.run(plan)).rejects.toMatchObject({ name: 'OnboardingInProgress' });
    expect([world.added(), await world.markNow()]).toEqual([[], undefined]);
  });
});

describe('the custom token of a subscriber that exists', () => {
  const customTokenSecretId = 'infinstor/test/input/acme/token';
  const withToken = { ...plan, customTokenSecretId };

  const created = { state: 'created', password, emailId, customToken };
  const withoutPassword = { state: 'created', customToken };

  it.each<[string, Record<string, unknown>, unknown[], object?]>([
    ['without credentials', {}, [withoutPassword]],
    [
      "after a lost answer, whose password may be the subscriber's",
      { [credentialsSecretId]: prepared },
      [created],
      mark,
    ],
    ['after a lost answer of a release up to 0.1.0', { [credentialsSecretId]: creating }, [created]],
    ["after a refusal, whose password is not the subscriber's", { [credentialsSecretId]: prepared }, [withoutPassword]],
    [
      "after a lost answer, with the password of the request's secret",
      { [credentialsSecretId]: { state: 'prepared' }, input: { password } },
      [created],
      { ...mark, passwordSecretId: 'input' },
    ],
    [
      'in the place of an older token, whose password stays',
      { [credentialsSecretId]: { ...created, customToken: secret('expired') } },
      [created],
    ],
    ['by no write when it is stored already', { [credentialsSecretId]: created }, []],
  ])('is stored without a call, %s', async (_, stored, written, marked) => {
    const { invoke, secrets, infinstor, markNow } = await setUp({
      stored: { ...stored, [customTokenSecretId]: { customToken } },
      marked: marked && { ...marked },
    });
    expect(await invoke({ plan: withToken, token })).toEqual({ ...output, changed: written.length > 0 });
    expect(secrets.written).toEqual(written);
    expect([infinstor.requests, await markNow()]).toEqual([[], undefined]);
  });

  it('stays when it is stored during a call that fails then', async () => {
    const world: Fixture = await setUp({
      stored: { [credentialsSecretId]: prepared, [customTokenSecretId]: { customToken } },
      answer: async () => {
        await world.run({ ...plan, customTokenSecretId });
        return { status: 401, body: '' };
      },
    });
    await expect(world.run(plan)).rejects.toMatchObject({ name: 'TokenRejected' });
    expect(world.credentials()).toEqual(created);
  });
});
