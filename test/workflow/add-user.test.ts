import * as v from 'valibot';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../cli/report.ts';
import { fixtures } from '../../sandbox/account.ts';
import type { Sandbox, SandboxOptions } from '../../sandbox/boot.ts';
import { parseFault } from '../../sandbox/faults.ts';
import { call } from '../sandbox/services/call.ts';
import { designedRetries, retriesToRun } from './design.ts';
import { packagedMachine } from './packaged-machine.ts';
import {
  ended,
  eventsOf,
  eventually,
  expectFailure,
  hold,
  onboard,
  plaintextMarker,
  putSecret,
  recordOf,
  redrive,
  requestFor,
  run,
  startOnboarding,
  statesOf,
  useSandbox,
  withSandbox,
} from './sandbox.ts';
import { effectsOf, interruptAndRecover, placed, waysAt } from './side-effects.ts';

const sandbox = useSandbox();
/** A subscriber whose users most tests add to. */
const host = 'Host';

beforeAll(async () => {
  expect((await onboard(sandbox(), requestFor(host))).error).toBeNull();
});

afterEach(() => {
  sandbox().faults.clear();
});

interface User {
  userName: string;
  emailId: string;
  passwordSecretId?: string;
}

let users = 0;
let subscribers = 0;

/** A user of its own, whose password is to be generated. */
const newUser = (change: Partial<User> = {}): User => {
  users += 1;
  return { userName: `user-${users}`, emailId: `user-${users}@example.com`, ...change };
};

/** A user of its own, whose password is in a secret of the request. */
function givenUser({ secretsManager }: Sandbox = sandbox(), password?: string): User & { password: string } {
  const user = newUser();
  const given = password ?? `Given-Marker-${user.userName}-1!`;
  const passwordSecretId = `infinstor/sandbox/input/${user.userName}`;
  secretsManager.createSecret(passwordSecretId, JSON.stringify({ password: given }));
  return { ...user, passwordSecretId, password: given };
}

/** A subscriber of its own. */
async function onboarded(given: Sandbox = sandbox()): Promise<string> {
  subscribers += 1;
  const userName = `Adds-${subscribers}`;
  expect((await onboard(given, requestFor(userName))).error).toBeNull();
  return userName;
}

const requestOf = (list: readonly User[], userName: string) => ({
  subscriber: { userName },
  users: list.map(({ userName: name, emailId, passwordSecretId }) => ({ userName: name, emailId, passwordSecretId })),
});
const add = (list: readonly User[], userName = host, given: Sandbox = sandbox()): Promise<Report> =>
  run(given, 'add-user', requestOf(list, userName));

const folderOf = (subscriber: string) => `infinstor/sandbox/subscribers/${subscriber.toLowerCase()}`;
const secretIdOf = (user: User, subscriber = host) => `${folderOf(subscriber)}/users/${user.userName.toLowerCase()}`;
const userSecretSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.strictObject({ state: v.string(), userName: v.string(), password: v.string() }),
);

function kept(user: User, subscriber = host, { secretsManager }: Sandbox = sandbox()) {
  const text = secretsManager.value(secretIdOf(user, subscriber));
  return text === undefined ? undefined : v.parse(userSecretSchema, text);
}

/** How the user pool answers a login. */
async function login({ cognito }: Sandbox, userName: string, password = ''): Promise<string> {
  const AuthParameters = { USERNAME: userName, PASSWORD: password };
  const input = { AuthFlow: 'USER_PASSWORD_AUTH', ClientId: cognito.clientId, AuthParameters };
  return call(cognito.service, 'InitiateAuth', input).then(
    (answer) => ('ChallengeName' in answer ? 'challenge' : 'in'),
    () => 'refused',
  );
}

/** Registry, InfinStor, user pool and secrets agree, and hold the users. */
async function expectAdded(
  report: Report,
  list: readonly (User & { password?: string })[],
  { subscriber = host, given = sandbox(), login: expected = 'in' } = {},
): Promise<void> {
  expect(report.error).toBeNull();
  expect(report.output).toEqual({
    userName: subscriber,
    users: list.map((user) => ({
      userName: user.userName,
      outcome: 'added',
      credentialsSecretId: secretIdOf(user, subscriber),
    })),
  });
  for (const user of list) await expectThere(user, { subscriber, given, login: expected });
  const record = await recordOf(given, subscriber);
  expect(record).toMatchObject({ status: { S: 'ACTIVE' }, executionArn: { S: report.executionArn } });
  expect(record).not.toHaveProperty('lastError');
  expect(record).toHaveProperty('roleArn');
}

const recordSchema = v.object({ users: v.object({ L: v.array(v.object({ S: v.string() })) }) });

/** The users in the subscriber's record. */
async function namesOf(subscriber: string, given: Sandbox): Promise<string[]> {
  return v.parse(recordSchema, await recordOf(given, subscriber)).users.L.map(({ S }) => S);
}

/** A user is in InfinStor once, under the subscriber, in its record, and the password that is kept is the right one. */
async function expectThere(
  user: User & { password?: string },
  { subscriber = host, given = sandbox(), login: expected = 'in' } = {},
): Promise<void> {
  const { userName, emailId } = user;
  const there = given.infinstor.usersOf(subscriber).filter((found) => found.userName === userName);
  expect(there).toEqual([{ userName, emailId }]);
  const secret = kept(user, subscriber, given);
  expect(secret).toMatchObject({ state: 'created', userName, ...(user.password && { password: user.password }) });
  expect(await login(given, userName, secret?.password)).toBe(expected);
  expect((await namesOf(subscriber, given)).filter((name) => name === userName)).toHaveLength(1);
}

/** No token of the subscriber is good any more. */
const later = (given: Sandbox = sandbox()) => given.clock.advance(31 * 60_000);
const fault = (text: string, given: Sandbox = sandbox()) => given.faults.add(parseFault(text));
const callsOf = (operation: string, given: Sandbox = sandbox()) =>
  given.calls().filter((made) => made.operation === operation).length;
const cycle = (count: number) => Array(count).fill(['AddUser', 'MoreUsers']).flat();
const path = (count: number) => ['AcceptUsers', 'ObtainSubscriberToken', ...cycle(count), 'CompleteUsers'];

describe('adding users', () => {
  it('adds one after the other, with passwords that are generated and given, and says so', async () => {
    const list = [newUser(), givenUser(), newUser()];
    const report = await add(list);
    await expectAdded(report, list);
    expect(statesOf(report)).toEqual(path(3));
    expect(new Set(list.map((user) => kept(user)?.password)).size).toBe(3);
    expect(eventsOf(sandbox(), report)).toMatchObject([
      { 'detail-type': 'UsersAdded', detail: { userName: host, users: list.map(({ userName }) => ({ userName })) } },
    ]);
  });

  it('takes 25 users at a time', async () => {
    const list = Array.from({ length: 25 }, () => newUser());
    await expectAdded(await add(list), list);
  });

  it('takes what names and addresses may hold, and sends it as it is', async () => {
    const user = newUser({ userName: '9_odd+name=x.y@b-', emailId: "o'neil+x&y=z%20@example.com" });
    await expectAdded(await add([user]), [user]);
  });

  it("finds the subscriber however its name is written, and logs in as the onboarding's", async () => {
    const user = newUser();
    later();
    await expectAdded(await add([user], 'hOST'), [user]);
  });

  it('converges when it is repeated: without a call for whom it has added', async () => {
    const list = [newUser(), givenUser()];
    await add(list);
    const [calls, values] = [callsOf('addsecondaryuser'), sandbox().secretsManager.everyValue().length];
    await expectAdded(await add(list), list);
    const more = [...list, newUser()];
    expect(callsOf('addsecondaryuser')).toBe(calls);
    expect(sandbox().secretsManager.everyValue()).toHaveLength(values);
    await expectAdded(await add(more), more);
    expect(callsOf('addsecondaryuser')).toBe(calls + 1);
  });

  it('takes a name that differs in upper and lower case for the same user', async () => {
    const user = newUser();
    await add([user]);
    const report = await add([{ ...user, userName: user.userName.toUpperCase() }]);
    expect(report.output?.users).toMatchObject([{ outcome: 'added', credentialsSecretId: secretIdOf(user) }]);
    await expectThere(user);
  });

  it("is done with the subscriber's own token: the superadmin need not be able to log in", async () => {
    later();
    await putSecret(sandbox(), fixtures.superadmin.secretId, {
      userName: 'superadmin',
      password: 'Wrong-Marker-0815!',
    });
    const user = newUser();
    await expectAdded(await add([user]), [user]);
  });
});

describe("the subscriber's token", () => {
  const logins = () => callsOf('InitiateAuth');

  it('is kept for half an hour, then refreshed, and got by password when it cannot be', async () => {
    const subscriber = await onboarded();
    const expectLogins = async (count: number) => {
      const before = logins();
      const user = newUser();
      await expectAdded(await add([user], subscriber), [user], { subscriber });
      // The last one is the test's own look.
      expect(logins() - before).toBe(count);
    };
    await expectLogins(1);
    await expectLogins(0);
    later();
    await expectLogins(1);
    later();
    fault('cognito:InitiateAuth:error=NotAuthorizedException');
    await expectLogins(2);
  });

  it('that is refused is replaced, twice for each user, and no third time', async () => {
    const list = [newUser(), newUser()];
    for (const skip of [0, 1]) {
      sandbox().faults.add({ ...parseFault('infinstor:addsecondaryuser:error=LoginExpired:2'), skip });
    }
    const report = await add(list);
    const again = ['AddUser', 'ObtainSubscriberToken', 'AddUser', 'ObtainSubscriberToken', 'AddUser', 'MoreUsers'];
    expect(statesOf(report)).toEqual(['AcceptUsers', 'ObtainSubscriberToken', ...again, ...again, 'CompleteUsers']);
    await expectAdded(report, list);

    const others = [newUser(), newUser()];
    sandbox().faults.add({ ...parseFault('infinstor:addsecondaryuser:error=403:3'), skip: 1 });
    const refused = await add(others);
    await expectFailure(sandbox(), refused, { name: 'TokenRejected', step: 'ObtainSubscriberToken' });
    expect(refused.error?.message).toContain(host);
    expect(sandbox().infinstor.usersOf(host)).toContainEqual({
      userName: others[0]?.userName,
      emailId: others[0]?.emailId,
    });
    await expectAdded(await add(others), others);
  });

  it('needs a password that is kept: SubscriberPasswordUnknown, until an update gives one', async () => {
    const subscriber = await onboarded();
    const credentials = v.parse(
      v.pipe(v.string(), v.parseJson(), v.looseObject({ password: v.string() })),
      sandbox().secretsManager.value(`${folderOf(subscriber)}/credentials`),
    );
    const { password, ...others } = credentials;
    await putSecret(sandbox(), `${folderOf(subscriber)}/credentials`, others);
    const user = newUser();
    const report = await add([user], subscriber);
    await expectFailure(sandbox(), report, { name: 'SubscriberPasswordUnknown', step: 'ObtainSubscriberToken' });
    const { passwordSecretId } = givenUser();
    expect(
      (await run(sandbox(), 'update-subscriber', { subscriber: { userName: subscriber }, passwordSecretId })).error,
    ).toBeNull();
    await expectAdded(await add([user], subscriber), [user], { subscriber });
  });

  it('cannot be had with a wrong password: LoginRejected, which a redrive goes on from', async () => {
    const subscriber = await onboarded();
    const secretId = `${folderOf(subscriber)}/credentials`;
    const right = JSON.parse(sandbox().secretsManager.value(secretId) ?? '');
    await putSecret(sandbox(), secretId, { ...right, password: 'Wrong-Marker-4711!' });
    const user = newUser();
    const report = await add([user], subscriber);
    await expectFailure(sandbox(), report, { name: 'LoginRejected', step: 'ObtainSubscriberToken' });
    expect(report.error?.message).toContain(subscriber);
    await putSecret(sandbox(), secretId, right);
    await expectAdded(await redrive(sandbox(), report), [user], { subscriber });
  });

  it('cannot be had when Cognito wants more: LoginChallenge, which a redrive goes on from', async () => {
    const subscriber = await onboarded();
    sandbox().cognito.setStatus(subscriber, 'FORCE_CHANGE_PASSWORD');
    const user = newUser();
    const report = await add([user], subscriber);
    await expectFailure(sandbox(), report, { name: 'LoginChallenge', step: 'ObtainSubscriberToken' });
    sandbox().cognito.setStatus(subscriber, 'CONFIRMED');
    await expectAdded(await redrive(sandbox(), report), [user], { subscriber });
  });

  it('and the users that an offboarding has scheduled for deletion come back', async () => {
    const subscriber = await onboarded();
    const user = newUser();
    await add([user], subscriber);
    const before = kept(user, subscriber);
    for (const SecretId of [`${folderOf(subscriber)}/token`, secretIdOf(user, subscriber)]) {
      await call(sandbox().secretsManager.service, 'DeleteSecret', { SecretId });
    }
    const calls = callsOf('addsecondaryuser');
    await expectAdded(await add([user], subscriber), [user], { subscriber });
    expect(kept(user, subscriber)).toEqual(before);
    // Somebody might have deleted the user meanwhile.
    expect(callsOf('addsecondaryuser')).toBe(calls + 1);
  });
});

describe('each user has a result of its own', () => {
  const foreign = 'of-another';
  const result = (report: Report, { userName }: User) => {
    const { message } = report.error ?? {};
    return message?.split(/[:;] (?=[\w-]+: \w+ \()/).find((part) => part.startsWith(`${userName}: `));
  };

  it('added, existing or refused: the execution fails after all have had their turn, and the rest converges', async () => {
    const subscriber = await onboarded();
    await add([newUser({ userName: foreign })], subscriber);
    const weak = givenUser(sandbox(), 'weak-password-marker');
    const [first, taken, last] = [newUser(), newUser({ userName: foreign }), newUser()];
    const report = await add([first, taken, weak, last]);
    await expectFailure(sandbox(), report, { name: 'UsersNotAdded', step: 'CompleteUsers' });
    expect(statesOf(report)).toEqual(path(4));
    expect(report.error?.message).toMatch(/^2 of 4 users of Host were not added: /);
    expect(result(report, taken)).toContain('UserExists');
    expect(result(report, weak)).toMatch(/InfinStorRejected .*did not conform/);
    for (const user of [first, last]) await expectThere(user);
    expect(await namesOf(host, sandbox())).not.toContain(foreign);
    const [added, failed, ...others] = eventsOf(sandbox(), report);
    expect([added?.['detail-type'], failed?.['detail-type'], others]).toEqual(['UsersAdded', 'AddingUsersFailed', []]);
    expect(added?.detail).toMatchObject({
      userName: host,
      users: [
        { userName: first.userName, outcome: 'added' },
        { userName: foreign, outcome: 'exists', error: { name: 'UserExists', remedy: expect.stringMatching(/./) } },
        { userName: weak.userName, outcome: 'rejected', error: { name: 'InfinStorRejected' } },
        { userName: last.userName, outcome: 'added' },
      ],
    });

    // The same again ends the same, and a redrive, too.
    await expectFailure(sandbox(), await redrive(sandbox(), report), { name: 'UsersNotAdded', step: 'CompleteUsers' });
    const corrected = [first, newUser(), { ...weak, ...givenUser(), userName: weak.userName }, last];
    const repeated = await add(corrected.map((user) => ({ ...user, emailId: `${user.userName}@example.com` })));
    expect(repeated.error).toBeNull();
  });

  it('of which one failed, and nobody heard of it: the sweep tells', () =>
    withSandbox({ schedules: true }, async (given) => {
      const subscriber = await onboarded(given);
      const [user, weak] = [newUser(), givenUser(given, 'weak-password-marker')];
      fault('events:ExecutionStatusChange:lose:9', given);
      const report = await add([user, weak], subscriber, given);
      expect(report.error?.name).toBe('UsersNotAdded');
      given.clock.advance(5 * 60_000);
      await expectFailure(given, report, { name: 'UsersNotAdded', step: 'CompleteUsers' });
      await expectThere(user, { subscriber, given });
    }));

  it('of which none was added: there is no event that one was', async () => {
    const report = await add([givenUser(sandbox(), 'weak-password-marker')]);
    await expectFailure(sandbox(), report, { name: 'UsersNotAdded', step: 'CompleteUsers' });
    expect(eventsOf(sandbox(), report)).toMatchObject([{ 'detail-type': 'AddingUsersFailed' }]);
  });

  it.each([
    ['is empty', ''],
    ['is no JSON', 'the-password-marker'],
    ['has no password', '{"pass": "word"}'],
    ['has an empty one', '{"password": ""}'],
  ])('refused when its secret %s, without a call', async (_, text) => {
    const [user, other] = [newUser(), newUser()];
    const passwordSecretId = `infinstor/sandbox/input/${user.userName}`;
    sandbox().secretsManager.createSecret(passwordSecretId, text === '' ? undefined : text);
    const calls = callsOf('addsecondaryuser');
    const report = await add([other, { ...user, passwordSecretId }]);
    expect(result(report, user)).toContain('InvalidRequest (users.1.passwordSecretId: ');
    expect(callsOf('addsecondaryuser')).toBe(calls + 1);
    await expectThere(other);
  });

  it('is added when the request has the password of a user who is there already', async () => {
    const user = givenUser();
    sandbox().cognito.createUser({ userName: user.userName, password: user.password, email: user.emailId });
    const report = await add([user]);
    expect(report.output?.users).toMatchObject([{ userName: user.userName, outcome: 'added' }]);
    expect(kept(user)).toMatchObject({ state: 'created', password: user.password });
  });

  it('stays without a kept password when it exists, and one that was generated stays prepared', async () => {
    const [given, generated] = [givenUser(), newUser()];
    for (const { userName, emailId } of [given, generated]) {
      sandbox().cognito.createUser({ userName, password: 'Another-Marker-1!', email: emailId });
    }
    const expectBoth = async () => {
      const report = await add([given, generated]);
      expect(report.error?.message).toMatch(/^2 of 2 users/);
      expect([result(report, given), result(report, generated)]).toEqual([
        expect.stringContaining('UserExists'),
        expect.stringContaining('UserExists'),
      ]);
    };
    await expectBoth();
    expect(kept(given)).toBeUndefined();
    const prepared = kept(generated);
    expect(prepared?.state).toBe('prepared');
    await expectBoth();
    expect(kept(generated)).toEqual(prepared);
  });
});

describe('a lost answer', () => {
  it.each(['drop', 'error=EndpointTimedOut', 'error=500', 'delay=40000'])(
    '(%s): the call is made again',
    async (kind) => {
      const list = [newUser(), givenUser()];
      for (const skip of [0, 1]) sandbox().faults.add({ ...parseFault(`infinstor:addsecondaryuser:${kind}`), skip });
      const report = await add(list);
      await expectAdded(report, list);
      expect(statesOf(report).filter((state) => state === 'AddUser')).toHaveLength(4);
    },
  );

  it('that stays ends in InfinStorUnavailable, which a redrive goes on from', async () => {
    const list = [newUser(), newUser()];
    sandbox().faults.add({ ...parseFault('infinstor:addsecondaryuser:error=503:6'), skip: 1 });
    const report = await add(list);
    await expectFailure(sandbox(), report, { name: 'InfinStorUnavailable', step: 'AddUser' });
    await expectAdded(await redrive(sandbox(), report), list);
  });

  it('of a user with a generated password is found out also when the next request brings another one', async () => {
    const user = newUser();
    fault('infinstor:addsecondaryuser:kill');
    expect((await add([user])).error?.step).toBe('AddUser');
    const prepared = kept(user);
    const { passwordSecretId } = givenUser();
    expect((await add([{ ...user, ...(passwordSecretId && { passwordSecretId }) }])).error).toBeNull();
    expect(kept(user)).toEqual({ ...prepared, state: 'created' });
    await expectThere(user);
  });
});

/** How InfinStor may differ, and how the user pool then answers a user's login. */
const variants: Record<string, { infinstor: NonNullable<SandboxOptions['infinstor']>; login?: string }> = {
  'makes users with a temporary password': { infinstor: { newUserPassword: 'temporary' }, login: 'challenge' },
  'answers expired logins with a page and 401': { infinstor: { expiredLogin: 'page 401' } },
  'answers expired logins with 401': { infinstor: { expiredLogin: 'json 401' } },
  'answers expired logins with 403': { infinstor: { expiredLogin: 'json 403' } },
  'redirects expired logins': { infinstor: { expiredLogin: 'redirect 302' } },
  ...Object.fromEntries(
    (['text 403', 'text 409', 'json 409', 'json 200', 'text 200', 'lambda 200', 'text 500'] as const).map((form) => [
      `tells of a user who exists with ${form}`,
      { infinstor: { duplicate: form } },
    ]),
  ),
};

describe('adding users where InfinStor', () => {
  it.each(Object.entries(variants))('%s', (_, { infinstor, login: expected = 'in' }) =>
    withSandbox({ infinstor }, async (given) => {
      const subscriber = await onboarded(given);
      const [lost, expired, taken] = [newUser(), newUser(), newUser()];
      // The second call finds the user of the first one there.
      fault('infinstor:addsecondaryuser:drop', given);
      await expectAdded(await add([lost], subscriber, given), [lost], { subscriber, given, login: expected });
      given.faults.add(parseFault('infinstor:addsecondaryuser:error=LoginExpired'));
      const report = await add([expired], subscriber, given);
      expect(statesOf(report).filter((state) => state === 'ObtainSubscriberToken')).toHaveLength(2);
      await expectAdded(report, [expired], { subscriber, given, login: expected });

      given.cognito.createUser({ userName: taken.userName, password: 'Another-Marker-1!', email: taken.emailId });
      const refused = await add([taken], subscriber, given);
      expect(refused.error?.message).toContain(`${taken.userName}: UserExists`);
      expect(given.denials()).toEqual([]);
    }),
  );

  const forms = ['text 400', 'text 403', 'text 409', 'json 409', 'json 200', 'text 200', 'lambda 200'] as const;

  it.each(forms.filter((form) => form !== 'text 403'))('refuses a weak password with %s', (refusal) =>
    withSandbox({ infinstor: { refusal } }, async (given) => {
      const subscriber = await onboarded(given);
      const [weak, other] = [givenUser(given, 'weak-password-marker'), newUser()];
      const report = await add([weak, other], subscriber, given);
      await expectFailure(given, report, { name: 'UsersNotAdded', step: 'CompleteUsers' });
      expect(report.error?.message).toMatch(/InfinStorRejected .*did not conform/);
      await expectThere(other, { subscriber, given });
      expect(given.infinstor.usersOf(subscriber)).toHaveLength(1);
    }),
  );

  it('lets users log in elsewhere: LoginRejected says that the subscriber may have no password', () =>
    withSandbox({ infinstor: { externalAuth: 'superadmin in the pool' } }, async (given) => {
      const subscriber = await onboarded(given);
      const report = await add([newUser()], subscriber, given);
      await expectFailure(given, report, { name: 'LoginRejected', step: 'ObtainSubscriberToken' });
      expect(report.error?.message).toContain('external auth');
    }));
});

describe('a subscriber that', () => {
  it('is not known gets no users', async () => {
    const report = await add([newUser()], 'nobody');
    await expectFailure(sandbox(), report, { name: 'SubscriberNotActive', step: 'AcceptUsers' });
    expect(await recordOf(sandbox(), 'nobody')).toBeUndefined();
  });

  it('could not be onboarded gets no users', async () => {
    fault('infinstor:register:error=503');
    const failed = await onboard(sandbox(), requestFor('half'));
    await expectFailure(sandbox(), failed, { name: 'StackFailed', step: 'WaitForStack' });
    const before = await recordOf(sandbox(), 'half');
    const report = await add([newUser()], 'half');
    await expectFailure(sandbox(), report, { name: 'SubscriberNotActive', step: 'AcceptUsers' });
    expect(await recordOf(sandbox(), 'half')).toEqual(before);
  });

  it('gets users already gets no others meanwhile', async () => {
    const [user, other] = [newUser(), newUser()];
    const goOn = hold(sandbox(), 'infinstor', 'addsecondaryuser');
    const running = add([user]);
    await eventually(sandbox(), () => expect(sandbox().faults.left()).toBe(0));
    const stateMachineArn = sandbox().stateMachineArn.replace('onboard-subscriber', 'add-user');
    const { executionArn } = await startOnboarding({ ...sandbox(), stateMachineArn }, requestOf([other], host));
    const refused = await ended(sandbox(), executionArn);
    expect(refused.error).toMatchObject({ name: 'OnboardingInProgress', step: 'AcceptUsers' });
    goOn();
    await expectAdded(await running, [user]);
  });
});

describe('a bad request', () => {
  const alice = { userName: 'alice', emailId: 'alice@acme.example' };
  const good = { subscriber: { userName: host }, users: [alice] };
  const withUser = (change: object) => ({ ...good, users: [alice, { ...alice, userName: 'bob', ...change }] });
  const secret = (passwordSecretId: unknown) => withUser({ passwordSecretId });
  const named = (userName: unknown) => withUser({ userName });
  const requests: [what: string, request: unknown, field: string][] = [
    ['nothing', {}, 'subscriber'],
    ['no users', { subscriber: good.subscriber }, 'users'],
    ['an empty list', { ...good, users: [] }, 'users'],
    ['26 users', { ...good, users: Array.from({ length: 26 }, (_, n) => ({ ...alice, userName: `u${n}` })) }, 'users'],
    ['one user for a list', { ...good, users: alice }, 'users'],
    ['a list for a user', { ...good, users: [[]] }, 'users.0'],
    ['a name twice', named('ALICE'), 'users'],
    ["the subscriber's own name", named('host'), 'users'],
    ['an unknown field', { ...good, colour: 'green' }, 'colour'],
    [
      'an address of the subscriber',
      { ...good, subscriber: { userName: host, emailId: 'a@b.example' } },
      'subscriber.emailId',
    ],
    ['a stack', { ...good, stack: {} }, 'stack'],
    ['an unknown field of a user', withUser({ role: 'admin' }), 'users.1.role'],
    ['no user name', withUser({ userName: undefined }), 'users.1.userName'],
    ['a number for a name', named(7), 'users.1.userName'],
    ['an empty name', named(''), 'users.1.userName'],
    ['a name of 129 characters', named('a'.repeat(129)), 'users.1.userName'],
    ['a name with a blank', named('bob smith'), 'users.1.userName'],
    ['a name with a slash', named('bob/smith'), 'users.1.userName'],
    ['a name with two dots in a row', named('bob..smith'), 'users.1.userName'],
    ['a name that begins with a dot', named('.bob'), 'users.1.userName'],
    ['a name with a line break', named('bob\n'), 'users.1.userName'],
    ['a name with an umlaut', named('jörg'), 'users.1.userName'],
    ['no address', withUser({ emailId: undefined }), 'users.1.emailId'],
    ['something else for an address', withUser({ emailId: 'bob' }), 'users.1.emailId'],
    ['a password', { ...good, password: plaintextMarker }, 'password'],
    [
      "a subscriber's password",
      { ...good, subscriber: { userName: host, password: plaintextMarker } },
      'subscriber.password',
    ],
    ["a user's password", withUser({ password: plaintextMarker }), 'users.1.password'],
    ["a user's password beside another fault", { users: [{ password: plaintextMarker }] }, 'users.0.password'],
    ['a secret outside input/', secret('infinstor/sandbox/superadmin'), 'users.1.passwordSecretId'],
    ['a secret by way of ..', secret('infinstor/sandbox/input/../superadmin'), 'users.1.passwordSecretId'],
    ['a secret that is not there', secret('infinstor/sandbox/input/absent'), 'users.1.passwordSecretId'],
    ['a prototype key', JSON.parse('{"subscriber":{"userName":"a"},"constructor":{}}'), 'constructor'],
  ];

  it.each(requests)('with %s is refused before any side effect, naming the field', async (_what, request, field) => {
    const values = sandbox().secretsManager.everyValue().length;
    const items = await sandbox().dynamoDb.items(sandbox().registryTable);
    const report = await run(sandbox(), 'add-user', Object(request));
    expect(report.error).toMatchObject({ name: 'InvalidRequest', step: 'AcceptUsers' });
    expect(report.error?.message.startsWith(`${field}: `)).toBe(true);
    expect(sandbox().secretsManager.everyValue()).toHaveLength(values);
    expect(await sandbox().dynamoDb.items(sandbox().registryTable)).toEqual(items);
  });
});

const { states, lambdaFails, retries, catches } = packagedMachine('AddUserMachine');

describe('the edges of the machine', () => {
  const throughSdk = (text: string) => (times: number) =>
    // The SDK tries it three times before the state has failed once.
    sandbox().faults.add({ ...parseFault(text), times: times * 3 });
  const once = (text: string) => (times: number) => sandbox().faults.add({ ...parseFault(text), times });
  /** A user is there, and its login is asked for. */
  const afterDuplicate = (text: string) => (times: number) => {
    sandbox().faults.add({ ...parseFault('infinstor:addsecondaryuser:drop') });
    throughSdk(text)(times);
  };
  /** The causes of the machine's own retries. Errors of Lambda itself come from Lambda, whichever state it is. */
  const causes: Record<string, { cause: (times: number) => void; tokenIsFresh?: boolean; extra?: number }> = {
    'ObtainSubscriberToken InfinStorUnavailable': { cause: once('infinstor:get_version:error=503') },
    'ObtainSubscriberToken TooManyRequestsException': { cause: throughSdk('cognito:InitiateAuth:throttle') },
    'ObtainSubscriberToken InternalErrorException': {
      cause: throughSdk('cognito:InitiateAuth:error=InternalErrorException'),
    },
    'AddUser InfinStorUnavailable': { cause: once('infinstor:addsecondaryuser:error=503') },
    // One more retry, for the lost answer before.
    'AddUser TooManyRequestsException': {
      cause: afterDuplicate('cognito:InitiateAuth:throttle'),
      tokenIsFresh: true,
      extra: 1,
    },
    'AddUser InternalErrorException': {
      cause: afterDuplicate('cognito:InitiateAuth:error=InternalErrorException'),
      tokenIsFresh: true,
      extra: 1,
    },
  };
  const causeOf = (state: string, error: string) =>
    error.startsWith('Lambda.')
      ? {
          cause: (times: number) => sandbox().faults.add(lambdaFails(state, error, times)),
        }
      : causes[`${state} ${error}`];

  async function prepare(tokenIsFresh = false): Promise<User> {
    later();
    if (tokenIsFresh) await add([newUser()]);
    return newUser();
  }

  it('are these', () => {
    expect(states.map(([state]) => state)).toEqual(path(1));
    expect(
      retries.filter(({ error }) => !error.startsWith('Lambda.')).map(({ state, error }) => `${state} ${error}`),
    ).toEqual(Object.keys(causes));
    expect(retries).toEqual(designedRetries['add-user']);
    expect(catches).toEqual([{ state: 'AddUser', error: 'TokenRejected', next: 'ObtainSubscriberToken' }]);
    // Its two ways are in every path above: on to the next user, and to the end.
    expect(states.filter(([, { Choices }]) => Choices.length > 0).map(([state]) => state)).toEqual(['MoreUsers']);
  });

  it.each(retriesToRun('add-user'))(
    '$state, $error: is retried, and forgotten when it passes',
    async ({ state, error }) => {
      const { cause, tokenIsFresh, extra = 0 } = causeOf(state, error) ?? {};
      const user = await prepare(tokenIsFresh);
      cause?.(1);
      const report = await add([user]);
      await expectAdded(report, [user]);
      expect(statesOf(report).filter((name) => name === state)).toHaveLength(2 + extra);
    },
  );

  it.each(retriesToRun('add-user'))(
    '$state, $error: ends the execution after $times retries',
    async ({ state, error, times }) => {
      const { cause, tokenIsFresh } = causeOf(state, error) ?? {};
      const user = await prepare(tokenIsFresh);
      cause?.(times + 1);
      const report = await add([user]);
      await expectFailure(sandbox(), report, { name: error, step: state });
      expect(statesOf(report).filter((name) => name === state)).toHaveLength(times + 1);
      sandbox().faults.clear();
      await expectAdded(await redrive(sandbox(), report), [user]);
    },
  );
});

const straightLine = [
  'accept-users dynamodb:UpdateItem',
  'cognito:InitiateAuth',
  'obtain-subscriber-token secretsmanager:CreateSecret',
  // One with a generated password, and one with a given one.
  'add-user secretsmanager:CreateSecret',
  'infinstor:addsecondaryuser',
  'add-user secretsmanager:PutSecretValue',
  'infinstor:addsecondaryuser #2',
  'add-user secretsmanager:CreateSecret #2',
  'complete-users events:PutEvents',
  'complete-users dynamodb:UpdateItem',
];

describe('the side effects', () => {
  it('are those that are interrupted below', async () => {
    const subscriber = await onboarded();
    expect(await effectsOf(sandbox(), () => add([newUser(), givenUser()], subscriber))).toEqual(straightLine);
  });

  describe.each(placed(straightLine))('$effect', ({ effect, place }) => {
    it.each(waysAt(place))('$kind, then $recovery: all agree', async (way) => {
      // Only the first token of a subscriber makes its secret.
      const subscriber = effect.startsWith('obtain-subscriber-token') ? await onboarded() : host;
      later();
      const list = [newUser(), givenUser()];
      const report = await interruptAndRecover(sandbox(), () => add(list, subscriber), effect, way);
      await expectAdded(report, list, { subscriber });
    });
  });

  it.each(waysAt(1))("a stale token's successor: $kind, then $recovery", async (way) => {
    const list = [newUser()];
    later();
    const effect = 'obtain-subscriber-token secretsmanager:PutSecretValue';
    // The token that an earlier test kept is there.
    await expectAdded(await interruptAndRecover(sandbox(), () => add(list), effect, way), list);
  });

  it.each(['events:PutEvents', 'dynamodb:UpdateItem'])(
    'of a failure, %s: killed, the failure is told all the same',
    async (effect) => {
      const list = [newUser(), givenUser(sandbox(), 'weak-password-marker')];
      const send = () => add(list);
      const report = await interruptAndRecover(sandbox(), send, `complete-users ${effect}`, {
        kind: 'kill',
        recovery: 'redrive',
      });
      await expectFailure(sandbox(), report, { name: 'UsersNotAdded', step: 'CompleteUsers' });
      if (list[0]) await expectThere(list[0]);
    },
  );

  it.each(
    ['obtain-subscriber-token', 'add-user'].flatMap((name, place) => waysAt(place).map((way) => ({ name, ...way }))),
  )('of what was scheduled for deletion, $name RestoreSecret: $kind, then $recovery', async ({ name, ...way }) => {
    const list = [newUser()];
    await add(list);
    const [user = newUser()] = list;
    for (const SecretId of [`${folderOf(host)}/token`, secretIdOf(user)]) {
      await call(sandbox().secretsManager.service, 'DeleteSecret', { SecretId });
    }
    const effect = `${name} secretsmanager:RestoreSecret`;
    await expectAdded(await interruptAndRecover(sandbox(), () => add(list), effect, way), list);
  });
});
