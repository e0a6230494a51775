import { afterEach, describe, expect, it } from 'vitest';
import type { Sandbox, SandboxOptions } from '../../../sandbox/boot.ts';
import { casesInScope } from '../../scope.ts';
import { expectFailure, statesOf, useSandbox, withSandbox } from '../sandbox.ts';
import { fault } from '../subscriber.ts';
import { add, copyOfHost, expectAdded, expectThere, givenUser, newHost, newUser } from './adding-users.ts';

/** How InfinStor may differ, and how the user pool then answers a user's login. */
interface Variant {
  infinstor: NonNullable<SandboxOptions['infinstor']>;
  login?: 'in' | 'challenge';
}
const variants: Record<string, Variant> = {
  'makes users with a temporary password': { infinstor: { newUserPassword: 'temporary' }, login: 'challenge' },
  'answers expired logins with a page and 401': { infinstor: { expiredLogin: 'page 401' } },
  'answers expired logins with 401': { infinstor: { expiredLogin: 'json 401' } },
  'answers expired logins with 403': { infinstor: { expiredLogin: 'json 403' } },
  'redirects expired logins': { infinstor: { expiredLogin: 'redirect 302' } },
  ...Object.fromEntries(
    (['text 403', 'text 409', 'json 409', 'json 200', 'text 200', 'lambda 200', 'text 500'] as const).map((form) => [
      `says that a user exists with ${form}`,
      { infinstor: { duplicate: form } },
    ]),
  ),
};

type Scenario = (given: Sandbox, subscriber: string, variant: Variant) => Promise<void>;

const findsItsOwnUser: Scenario = async (given, subscriber, { login = 'in' }) => {
  const lost = newUser();
  // The second call finds the user of the first one there.
  fault(given, 'infinstor:addsecondaryuser:drop');
  await expectAdded(given, await add(given, [lost], subscriber), [lost], { subscriber, login });
};

const logsInAgain: Scenario = async (given, subscriber, { login = 'in' }) => {
  const expired = newUser();
  fault(given, 'infinstor:addsecondaryuser:error=LoginExpired');
  const report = await add(given, [expired], subscriber);
  expect(statesOf(report).filter((state) => state === 'ObtainSubscriberToken')).toHaveLength(2);
  await expectAdded(given, report, [expired], { subscriber, login });
};

const refusesUserOfAnother: Scenario = async (given, subscriber) => {
  const taken = newUser();
  given.cognito.createUser({ userName: taken.userName, password: 'Another-Marker-1!', email: taken.emailId });
  const refused = await add(given, [taken], subscriber);
  expect(refused.error?.message).toContain(`${taken.userName}: UserExists`);
};

/**
 * What is done in each variant; in the usual run what its difference concerns: the forms of an answer that says that a user exists are
 * met by turns with the request's own user and with another's.
 */
const cases = Object.entries(variants).flatMap(([name, variant], place) => {
  const all = [findsItsOwnUser, logsInAgain, refusesUserOfAnother];
  const usual = all.filter((scenario) => {
    if (variant.login !== undefined) return true;
    if ('expiredLogin' in variant.infinstor) return scenario === logsInAgain;
    return scenario === (place % 2 === 0 ? findsItsOwnUser : refusesUserOfAnother);
  });
  const scenarios = casesInScope(all, usual);
  return scenarios.length === 0 ? [] : [{ name, variant, scenarios }];
});

describe('adding users where InfinStor', () => {
  const sandbox = useSandbox();

  afterEach(() => {
    sandbox().faults.clear();
    sandbox().infinstor.vary({});
  });

  it.each(cases)('$name', async ({ variant, scenarios }) => {
    const subscriber = await copyOfHost(sandbox());
    sandbox().infinstor.vary(variant.infinstor);
    for (const scenario of scenarios) await scenario(sandbox(), subscriber, variant);
    expect(sandbox().denials()).toEqual([]);
  });

  const forms = ['text 400', 'text 409', 'json 409', 'json 200', 'text 200', 'lambda 200'] as const;

  it.each(casesInScope(forms, ['text 400', 'json 200']))('refuses a weak password with %s', async (refusal) => {
    const given = sandbox();
    const subscriber = await copyOfHost(given);
    given.infinstor.vary({ refusal });
    const [weak, other] = [givenUser(given, 'weak-password-marker', subscriber), newUser()];
    const report = await add(given, [weak, other], subscriber);
    await expectFailure(given, report, { name: 'UsersNotAdded', step: 'CompleteUsers' });
    expect(report.error?.message).toMatch(/InfinStorRejected .*did not conform/);
    await expectThere(given, other, { subscriber });
    expect(given.infinstor.usersOf(subscriber)).toHaveLength(1);
  });

  it('lets users log in elsewhere: LoginRejected says that the subscriber may have no password', () =>
    withSandbox({ infinstor: { externalAuth: 'superadmin in the pool' } }, async (given) => {
      const subscriber = await newHost(given);
      const report = await add(given, [newUser()], subscriber);
      await expectFailure(given, report, { name: 'LoginRejected', step: 'ObtainSubscriberToken' });
      expect(report.error?.message).toContain('external auth');
    }));
});
