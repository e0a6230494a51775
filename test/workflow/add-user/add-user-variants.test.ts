import { describe, expect, it } from 'vitest';
import type { SandboxOptions } from '../../../sandbox/boot.ts';
import { expectFailure, statesOf, withSandbox } from '../sandbox.ts';
import { fault } from '../subscriber.ts';
import { add, expectAdded, expectThere, givenUser, newHost, newUser } from './adding-users.ts';

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
      const subscriber = await newHost(given);
      const [lost, expired, taken] = [newUser(), newUser(), newUser()];
      // The second call finds the user of the first one there.
      fault(given, 'infinstor:addsecondaryuser:drop');
      await expectAdded(given, await add(given, [lost], subscriber), [lost], { subscriber, login: expected });
      fault(given, 'infinstor:addsecondaryuser:error=LoginExpired');
      const report = await add(given, [expired], subscriber);
      expect(statesOf(report).filter((state) => state === 'ObtainSubscriberToken')).toHaveLength(2);
      await expectAdded(given, report, [expired], { subscriber, login: expected });

      given.cognito.createUser({ userName: taken.userName, password: 'Another-Marker-1!', email: taken.emailId });
      const refused = await add(given, [taken], subscriber);
      expect(refused.error?.message).toContain(`${taken.userName}: UserExists`);
      expect(given.denials()).toEqual([]);
    }),
  );

  const forms = ['text 400', 'text 403', 'text 409', 'json 409', 'json 200', 'text 200', 'lambda 200'] as const;

  it.each(forms.filter((form) => form !== 'text 403'))('refuses a weak password with %s', (refusal) =>
    withSandbox({ infinstor: { refusal } }, async (given) => {
      const subscriber = await newHost(given);
      const [weak, other] = [givenUser(given, 'weak-password-marker', subscriber), newUser()];
      const report = await add(given, [weak, other], subscriber);
      await expectFailure(given, report, { name: 'UsersNotAdded', step: 'CompleteUsers' });
      expect(report.error?.message).toMatch(/InfinStorRejected .*did not conform/);
      await expectThere(given, other, { subscriber });
      expect(given.infinstor.usersOf(subscriber)).toHaveLength(1);
    }),
  );

  it('lets users log in elsewhere: LoginRejected says that the subscriber may have no password', () =>
    withSandbox({ infinstor: { externalAuth: 'superadmin in the pool' } }, async (given) => {
      const subscriber = await newHost(given);
      const report = await add(given, [newUser()], subscriber);
      await expectFailure(given, report, { name: 'LoginRejected', step: 'ObtainSubscriberToken' });
      expect(report.error?.message).toContain('external auth');
    }));
});
