import { beforeAll, describe, expect, it } from 'vitest';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { fixtures } from '../../../sandbox/core/account.ts';
import { casesInScope } from '../../scope.ts';
import { add, expectAdded, givenUser, keptOf, newHost, newUser } from '../add-user/adding-users.ts';
import { expectFailure, expectOneOfEach, onboard, redrive, requestFor, useSandbox } from '../sandbox.ts';
import { letLoginsBeForgotten, lockOut, newRun, onboarded } from '../subscriber.ts';
import { changeable, expectUpdated, kept, update } from '../update/updating.ts';

const sandbox = useSandbox();

/** Of the usual run the causes that are most unlike each other. */
function some(causes: Readonly<Record<string, Cause>>, ...usual: string[]) {
  const all = Object.entries(causes);
  return casesInScope(
    all,
    all.filter(([name]) => usual.includes(name)),
  );
}

// Keeps a session of the superadmin, whichever test is the first.
beforeAll(async () => {
  await onboarded(sandbox(), requestFor('before'));
});

/** Ends the sessions of a user, as somebody does who logs it out everywhere. */
function endSessions(given: Sandbox, userName: string): void {
  letLoginsBeForgotten(given);
  given.cognito.setEnabled(userName, false);
  given.cognito.setEnabled(userName, true);
}

interface Cause {
  make: (given: Sandbox, userName: string) => unknown;
  name?: string;
  says: RegExp;
  mend: (given: Sandbox, userName: string) => unknown;
}

const ofUser: Readonly<Record<string, Cause>> = {
  'that is locked': {
    make: lockOut,
    says: /\(NotAuthorizedException\): .*locked the user, for 15 minutes at most.* passes by itself/,
    async mend({ clock }) {
      // No function that records the failure is to run out of time.
      await clock.quiet();
      clock.advance(16 * 60_000);
    },
  },
  'that is disabled': {
    make: ({ cognito }, userName) => cognito.setEnabled(userName, false),
    says: /\(NotAuthorizedException\): .*disabled the user\. Have it enabled/,
    mend: ({ cognito }, userName) => cognito.setEnabled(userName, true),
  },
  'that must reset its password': {
    make: ({ cognito }, userName) => cognito.setStatus(userName, 'RESET_REQUIRED'),
    says: /\(PasswordResetRequiredException\): .*Reset it in a browser/,
    mend: ({ cognito }, userName) => cognito.setStatus(userName, 'CONFIRMED'),
  },
  'that is asked for a code at every login': {
    make: ({ cognito }, userName) => cognito.setFactor(userName, 'SOFTWARE_TOKEN_MFA'),
    name: 'LoginChallenge',
    says: /SOFTWARE_TOKEN_MFA, .*at every login, also after one in a browser.* turn it off for this user/,
    mend: ({ cognito }, userName) => cognito.setFactor(userName, undefined),
  },
};

const ofAll: Readonly<Record<string, Cause>> = {
  ...ofUser,
  'by a client with a secret': {
    make: ({ cognito }) => cognito.configure({ hasSecret: true }),
    says: /\(NotAuthorizedException\): .*has a client secret/,
    mend: ({ cognito }) => cognito.configure({ hasSecret: false }),
  },
  'by a client without logins by password': {
    make: ({ cognito }) => cognito.configure({ allowsPasswords: false }),
    says: /\(InvalidParameterException\): .*does not allow .*USER_PASSWORD_AUTH/,
    mend: ({ cognito }) => cognito.configure({ allowsPasswords: true }),
  },
  'that a trigger of the pool refuses': {
    make: ({ cognito }) => cognito.configure({ triggerError: 'Trigger-Marker-1' }),
    says: /\(UserLambdaValidationException\): a Lambda trigger/,
    mend: ({ cognito }) => cognito.configure({ triggerError: undefined }),
  },
};

describe("a superadmin's login", () => {
  const { userName } = fixtures.superadmin;

  it.each(some(ofAll, 'that is locked', 'by a client with a secret', 'that a trigger of the pool refuses'))(
    '%s says so, and a redrive goes on when that is over',
    async (_, cause) => {
      const run = newRun('logins');
      endSessions(sandbox(), userName);
      await cause.make(sandbox(), userName);
      const report = await onboard(sandbox(), run.request).finally(() => cause.mend(sandbox(), userName));
      await expectFailure(sandbox(), report, { name: cause.name ?? 'LoginRejected', step: 'ObtainToken' });
      expect(report.error?.message).toMatch(cause.says);
      expect(report.error?.message).not.toContain('Trigger-Marker');
      expectOneOfEach(sandbox(), await redrive(sandbox(), report), run);
    },
  );
});

describe("a subscriber's login", () => {
  it.each(some(ofUser, 'that is disabled', 'that is asked for a code at every login'))(
    '%s says so, and a redrive goes on when that is over',
    async (_, cause) => {
      const subscriber = await newHost(sandbox());
      await cause.make(sandbox(), subscriber);
      const user = newUser();
      const report = await add(sandbox(), [user], subscriber).finally(() => cause.mend(sandbox(), subscriber));
      await expectFailure(sandbox(), report, { name: cause.name ?? 'LoginRejected', step: 'ObtainSubscriberToken' });
      expect(report.error?.message).toMatch(cause.says);
      expect(report.error?.message).toContain(subscriber);
      await expectAdded(sandbox(), await redrive(sandbox(), report), [user], { subscriber });
    },
  );

  it.each(some(ofUser, 'that is locked').filter(([name]) => /locked|disabled/.test(name)))(
    '%s does not make its kept password wrong: an update says what it is, and a redrive goes on',
    async (_, cause) => {
      const subscriber = await changeable(sandbox());
      const { userName, emailId, before } = subscriber;
      await cause.make(sandbox(), userName);
      const report = await update(sandbox(), { subscriber: { userName, emailId } });
      await cause.mend(sandbox(), userName);
      await expectFailure(sandbox(), report, { name: 'LoginRejected', step: 'UpdateSubscriber' });
      expect(report.error?.message).toMatch(cause.says);
      expect(report.error?.message).not.toContain('password of');
      expect(kept(sandbox(), userName)).toEqual(before);
      await expectUpdated(sandbox(), await redrive(sandbox(), report), subscriber, 'emailId');
    },
  );
});

describe('a user under a subscriber', () => {
  it.each(some(ofUser, 'that is locked').filter(([name]) => !name.includes('code')))(
    '%s is not taken for another one, and the same request goes on when that is over',
    async (_, cause) => {
      const subscriber = await newHost(sandbox());
      const user = givenUser(sandbox(), undefined, subscriber);
      await expectAdded(sandbox(), await add(sandbox(), [user], subscriber), [user], { subscriber });
      // What is known of the user is lost, so that the next addition must find out whose it is.
      const { userName } = user;
      sandbox().secretsManager.deleteSecret(
        `infinstor/sandbox/subscribers/${subscriber.toLowerCase()}/users/${userName}`,
      );
      await cause.make(sandbox(), userName);
      const report = await add(sandbox(), [user], subscriber);
      await cause.mend(sandbox(), userName);
      await expectFailure(sandbox(), report, { name: 'UsersNotAdded', step: 'CompleteUsers' });
      expect(report.error?.message).toMatch(/LoginRejected/);
      expect(report.error?.message).toMatch(cause.says);
      expect(keptOf(sandbox(), user, subscriber)).toBeUndefined();
      await expectAdded(sandbox(), await add(sandbox(), [user], subscriber), [user], { subscriber });
    },
  );
});
