import { describe, expect, it } from 'vitest';
import type { Report } from '../../../cli/view/report.ts';
import { eventsOf, expectFailure, redrive, statesOf, withSandbox } from '../sandbox.ts';
import { callsOf, fault } from '../subscriber.ts';
import {
  add,
  addUserPath,
  expectThere,
  givenUser,
  host,
  keptOf,
  namesOf,
  newHost,
  newUser,
  type User,
  useHost,
} from './adding-users.ts';

const sandbox = useHost();

describe('each user has a result of its own', () => {
  const foreign = 'of-another';
  const result = (report: Report, { userName }: User) => {
    const { message } = report.error ?? {};
    return message?.split(/[:;] (?=[\w-]+: \w+ \()/).find((part) => part.startsWith(`${userName}: `));
  };

  it('added, existing or refused: the execution fails after all have had their turn, and the rest converges', async () => {
    const subscriber = await newHost(sandbox());
    await add(sandbox(), [newUser({ userName: foreign })], subscriber);
    const weak = givenUser(sandbox(), 'weak-password-marker');
    const [first, taken, last] = [newUser(), newUser({ userName: foreign }), newUser()];
    const report = await add(sandbox(), [first, taken, weak, last]);
    await expectFailure(sandbox(), report, { name: 'UsersNotAdded', step: 'CompleteUsers' });
    expect(statesOf(report)).toEqual(addUserPath(4));
    expect(report.error?.message).toMatch(/^2 of 4 users of Host were not added: /);
    expect(result(report, taken)).toContain('UserExists');
    expect(result(report, weak)).toMatch(/InfinStorRejected .*did not conform/);
    for (const user of [first, last]) await expectThere(sandbox(), user);
    expect(await namesOf(sandbox(), host)).not.toContain(foreign);
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
    const corrected = [first, newUser(), { ...weak, ...givenUser(sandbox()), userName: weak.userName }, last];
    const repeated = await add(
      sandbox(),
      corrected.map((user) => ({ ...user, emailId: `${user.userName}@example.com` })),
    );
    expect(repeated.error).toBeNull();
  });

  it('of which one failed, and nobody heard of it: the sweep reports it', () =>
    withSandbox({ schedules: true }, async (given) => {
      const subscriber = await newHost(given);
      const [user, weak] = [newUser(), givenUser(given, 'weak-password-marker', subscriber)];
      fault(given, 'events:ExecutionStatusChange:lose:9');
      const report = await add(given, [user, weak], subscriber);
      expect(report.error?.name).toBe('UsersNotAdded');
      given.clock.advance(5 * 60_000);
      await expectFailure(given, report, { name: 'UsersNotAdded', step: 'CompleteUsers' });
      await expectThere(given, user, { subscriber });
    }));

  it('of which none was added: there is no event that one was', async () => {
    const report = await add(sandbox(), [givenUser(sandbox(), 'weak-password-marker')]);
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
    const passwordSecretId = `infinstor/sandbox/input/${host.toLowerCase()}/${user.userName}`;
    sandbox().secretsManager.createSecret(passwordSecretId, text === '' ? undefined : text);
    const calls = callsOf(sandbox(), 'addsecondaryuser');
    const report = await add(sandbox(), [other, { ...user, passwordSecretId }]);
    expect(result(report, user)).toContain('InvalidRequest (users.1.passwordSecretId: ');
    expect(callsOf(sandbox(), 'addsecondaryuser')).toBe(calls + 1);
    await expectThere(sandbox(), other);
  });

  it('is added when the request has the password of a user who is there already', async () => {
    const user = givenUser(sandbox());
    sandbox().cognito.createUser({ userName: user.userName, password: user.password, email: user.emailId });
    const report = await add(sandbox(), [user]);
    expect(report.output?.users).toMatchObject([{ userName: user.userName, outcome: 'added' }]);
    expect(keptOf(sandbox(), user)).toMatchObject({ state: 'created', password: user.password });
  });

  it('stays without a kept password when it exists, and one that was generated stays prepared', async () => {
    const [given, generated] = [givenUser(sandbox()), newUser()];
    for (const { userName, emailId } of [given, generated]) {
      sandbox().cognito.createUser({ userName, password: 'Another-Marker-1!', email: emailId });
    }
    const expectBoth = async () => {
      const report = await add(sandbox(), [given, generated]);
      expect(report.error?.message).toMatch(/^2 of 2 users/);
      expect([result(report, given), result(report, generated)]).toEqual([
        expect.stringContaining('UserExists'),
        expect.stringContaining('UserExists'),
      ]);
    };
    await expectBoth();
    expect(keptOf(sandbox(), given)).toBeUndefined();
    const prepared = keptOf(sandbox(), generated);
    expect(prepared?.state).toBe('prepared');
    await expectBoth();
    expect(keptOf(sandbox(), generated)).toEqual(prepared);
  });
});
