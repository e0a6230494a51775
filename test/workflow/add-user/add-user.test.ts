import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { fixtures } from '../../../sandbox/core/account.ts';
import { call } from '../../unit/sandbox/services/call.ts';
import { eventsOf, expectFailure, putSecret, redrive, run, statesOf } from '../sandbox.ts';
import { callsOf, credentialsOf, fault, folderOf, letLoginsBeForgotten, letTokensExpire } from '../subscriber.ts';
import {
  add,
  addUserPath,
  copyOfHost,
  expectAdded,
  expectThere,
  givenUser,
  host,
  keptOf,
  newUser,
  secretIdOf,
  useHost,
} from './adding-users.ts';

const sandbox = useHost();

describe('adding users', () => {
  it('adds one after the other, with passwords that are generated and given, and says so', async () => {
    const list = [newUser(), givenUser(sandbox()), newUser()];
    const report = await add(sandbox(), list);
    await expectAdded(sandbox(), report, list);
    expect(statesOf(report)).toEqual(addUserPath(3));
    expect(new Set(list.map((user) => keptOf(sandbox(), user)?.password)).size).toBe(3);
    expect(eventsOf(sandbox(), report)).toMatchObject([
      { 'detail-type': 'UsersAdded', detail: { userName: host, users: list.map(({ userName }) => ({ userName })) } },
    ]);
  });

  it('takes 25 users at a time', async () => {
    const list = Array.from({ length: 25 }, () => newUser());
    await expectAdded(sandbox(), await add(sandbox(), list), list);
  });

  it('takes what names and addresses may hold, and sends it as it is', async () => {
    const user = newUser({ userName: '9_odd+name=x.y@b-', emailId: "o'neil+x&y=z%20@example.com" });
    await expectAdded(sandbox(), await add(sandbox(), [user]), [user]);
  });

  it("finds the subscriber however its name is written, and logs in as the onboarding's", async () => {
    const user = newUser();
    letTokensExpire(sandbox());
    await expectAdded(sandbox(), await add(sandbox(), [user], 'hOST'), [user]);
  });

  it('converges when it is repeated: without a call for whom it has added', async () => {
    const list = [newUser(), givenUser(sandbox())];
    await add(sandbox(), list);
    const [calls, values] = [callsOf(sandbox(), 'addsecondaryuser'), sandbox().secretsManager.everyValue().length];
    await expectAdded(sandbox(), await add(sandbox(), list), list);
    const more = [...list, newUser()];
    expect(callsOf(sandbox(), 'addsecondaryuser')).toBe(calls);
    expect(sandbox().secretsManager.everyValue()).toHaveLength(values);
    await expectAdded(sandbox(), await add(sandbox(), more), more);
    expect(callsOf(sandbox(), 'addsecondaryuser')).toBe(calls + 1);
  });

  it('takes a name that differs in upper and lower case for the same user', async () => {
    const user = newUser();
    await add(sandbox(), [user]);
    const report = await add(sandbox(), [{ ...user, userName: user.userName.toUpperCase() }]);
    expect(report.output?.users).toMatchObject([{ outcome: 'added', credentialsSecretId: secretIdOf(user) }]);
    await expectThere(sandbox(), user);
  });

  it("is done with the subscriber's own token: the superadmin need not be able to log in", async () => {
    letTokensExpire(sandbox());
    await putSecret(sandbox(), fixtures.superadmin.secretId, {
      userName: 'superadmin',
      password: 'Wrong-Marker-0815!',
    });
    const user = newUser();
    await expectAdded(sandbox(), await add(sandbox(), [user]), [user]);
  });
});

describe("the subscriber's token", () => {
  const logins = () => callsOf(sandbox(), 'InitiateAuth');

  it('is kept for half an hour, then refreshed, and got by password when it cannot be', async () => {
    const subscriber = await copyOfHost(sandbox());
    const expectLogins = async (count: number) => {
      const before = logins();
      const user = newUser();
      await expectAdded(sandbox(), await add(sandbox(), [user], subscriber), [user], { subscriber });
      // The last one is the test's own look.
      expect(logins() - before).toBe(count);
    };
    await expectLogins(1);
    await expectLogins(0);
    letTokensExpire(sandbox());
    await expectLogins(1);
    // Worn out, and its session over: for the step that needs it, and for the one that looks why it was refused.
    letLoginsBeForgotten(sandbox());
    fault(sandbox(), 'cognito:InitiateAuth:error=NotAuthorizedException:2');
    await expectLogins(3);
  });

  it('that is refused is replaced, twice for a user, and no third time', async () => {
    letLoginsBeForgotten(sandbox());
    const list = [newUser(), newUser()];
    fault(sandbox(), 'infinstor:addsecondaryuser:error=LoginExpired:2', { skip: 1 });
    const report = await add(sandbox(), list);
    const again = ['AddUser', 'ObtainSubscriberToken', 'AddUser', 'ObtainSubscriberToken', 'AddUser', 'MoreUsers'];
    const path = ['AcceptUsers', 'ObtainSubscriberToken', 'AddUser', 'MoreUsers', ...again, 'CompleteUsers'];
    expect(statesOf(report)).toEqual(path);
    await expectAdded(sandbox(), report, list);

    letLoginsBeForgotten(sandbox());
    const others = [newUser(), newUser()];
    fault(sandbox(), 'infinstor:addsecondaryuser:error=403:3', { skip: 1 });
    const refused = await add(sandbox(), others);
    await expectFailure(sandbox(), refused, { name: 'TokenRejected', step: 'ObtainSubscriberToken' });
    expect(refused.error?.message).toContain(host);
    expect(sandbox().infinstor.usersOf(host)).toContainEqual({
      userName: others[0]?.userName,
      emailId: others[0]?.emailId,
    });
    // Nobody tries again before the pause is over.
    const paused = await add(sandbox(), others);
    await expectFailure(sandbox(), paused, { name: 'LoginsPaused', step: 'ObtainSubscriberToken' });
    sandbox().clock.advance(16 * 60_000);
    await expectAdded(sandbox(), await redrive(sandbox(), paused), others);
  });

  it('needs a password that is kept: SubscriberPasswordUnknown, until an update gives one', async () => {
    const subscriber = await copyOfHost(sandbox());
    const credentials = v.parse(
      v.pipe(v.string(), v.parseJson(), v.looseObject({ password: v.string() })),
      sandbox().secretsManager.value(credentialsOf(subscriber)),
    );
    const { password, ...others } = credentials;
    await putSecret(sandbox(), credentialsOf(subscriber), others);
    const user = newUser();
    const report = await add(sandbox(), [user], subscriber);
    await expectFailure(sandbox(), report, { name: 'SubscriberPasswordUnknown', step: 'ObtainSubscriberToken' });
    const { passwordSecretId } = givenUser(sandbox(), undefined, subscriber);
    expect(
      (await run(sandbox(), 'update-subscriber', { subscriber: { userName: subscriber }, passwordSecretId })).error,
    ).toBeNull();
    await expectAdded(sandbox(), await add(sandbox(), [user], subscriber), [user], { subscriber });
  });

  it('cannot be had with a wrong password: LoginRejected, which a redrive goes on from', async () => {
    const subscriber = await copyOfHost(sandbox());
    const secretId = credentialsOf(subscriber);
    const right = JSON.parse(sandbox().secretsManager.value(secretId) ?? '');
    await putSecret(sandbox(), secretId, { ...right, password: 'Wrong-Marker-4711!' });
    const user = newUser();
    const report = await add(sandbox(), [user], subscriber);
    await expectFailure(sandbox(), report, { name: 'LoginRejected', step: 'ObtainSubscriberToken' });
    expect(report.error?.message).toContain(subscriber);
    await putSecret(sandbox(), secretId, right);
    await expectAdded(sandbox(), await redrive(sandbox(), report), [user], { subscriber });
  });

  it('cannot be had when Cognito wants more: LoginChallenge, which a redrive goes on from', async () => {
    const subscriber = await copyOfHost(sandbox());
    sandbox().cognito.setStatus(subscriber, 'FORCE_CHANGE_PASSWORD');
    const user = newUser();
    const report = await add(sandbox(), [user], subscriber);
    await expectFailure(sandbox(), report, { name: 'LoginChallenge', step: 'ObtainSubscriberToken' });
    sandbox().cognito.setStatus(subscriber, 'CONFIRMED');
    await expectAdded(sandbox(), await redrive(sandbox(), report), [user], { subscriber });
  });

  it('and the users that an offboarding has scheduled for deletion come back', async () => {
    const subscriber = await copyOfHost(sandbox());
    const user = newUser();
    await add(sandbox(), [user], subscriber);
    const before = keptOf(sandbox(), user, subscriber);
    for (const SecretId of [`${folderOf(subscriber)}/token`, secretIdOf(user, subscriber)]) {
      await call(sandbox().secretsManager.service, 'DeleteSecret', { SecretId });
    }
    const calls = callsOf(sandbox(), 'addsecondaryuser');
    await expectAdded(sandbox(), await add(sandbox(), [user], subscriber), [user], { subscriber });
    expect(keptOf(sandbox(), user, subscriber)).toEqual(before);
    // Somebody might have deleted the user meanwhile.
    expect(callsOf(sandbox(), 'addsecondaryuser')).toBe(calls + 1);
  });
});
