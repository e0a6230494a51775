// Errors of InfinStor, of logins there, and of secrets.

import * as v from 'valibot';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { fixtures } from '../../../sandbox/core/account.ts';
import { call } from '../../unit/sandbox/services/call.ts';
import { newUser } from '../add-user/adding-users.ts';
import { packagedMachine } from '../machines/packaged-machine.ts';
import { onboard, putSecret, requestFor, run } from '../sandbox.ts';
import {
  credentialsOf,
  endSession,
  fault,
  holdLogin,
  letLoginsBeForgotten,
  lockOut,
  newName,
  onboarded,
  takeMarkAway,
} from '../subscriber.ts';
import { afterwards, type Cause, failBefore, type Left } from './cause.ts';

const { secretId: superadmin, userName: superadminName } = fixtures.superadmin;
const contentSchema = v.pipe(v.string(), v.parseJson(), v.looseObject({}));

/** The session is over, and earlier refusals are forgotten; what is changed for it is as before when the test is over. */
async function withoutSession(sandbox: Sandbox): Promise<void> {
  letLoginsBeForgotten(sandbox);
  const before = v.parse(contentSchema, sandbox.secretsManager.value(superadmin));
  afterwards(async () => {
    sandbox.cognito.setStatus(superadminName, 'CONFIRMED');
    await putSecret(sandbox, superadmin, before);
    letLoginsBeForgotten(sandbox);
  });
  await endSession(sandbox);
}

/** Onboards a subscriber of its own. */
async function onboarding(sandbox: Sandbox): Promise<Left> {
  const userName = newName('cause');
  return { userName, report: await onboard(sandbox, requestFor(userName)) };
}

const withFault = (text: string) => (sandbox: Sandbox) => {
  fault(sandbox, text);
  return onboarding(sandbox);
};

/** What no service around a step can bring about in the sandbox: its function ends so. */
const fromFunction = (error: string, message: string) => (sandbox: Sandbox) => {
  const rule = packagedMachine('OnboardSubscriber').lambdaFails('CreateSubscriber', error, 999);
  sandbox.faults.add({ ...rule, fault: { kind: 'error', name: error, message } });
  return onboarding(sandbox);
};

/** A superadmin whom the user pool does not let in, whatever its password is. */
const ofPool = (
  because: string,
  says: RegExp,
  { make, mend }: Record<'make' | 'mend', (sandbox: Sandbox) => unknown>,
): Omit<Cause, 'error' | 'remedy'> => ({
  because,
  step: 'ObtainToken',
  says,
  async provoke(sandbox) {
    await withoutSession(sandbox);
    afterwards(() => mend(sandbox));
    await make(sandbox);
    return onboarding(sandbox);
  },
});
const nothing = () => {};

const causesOfPool: readonly Cause[] = [
  ...[
    ofPool(
      'wrong passwords have locked the superadmin',
      /^Cognito refused the login of superadmin \(NotAuthorizedException\): .*locked the user, for 15 minutes at most/,
      // It passes by itself, when refusals are forgotten.
      { make: (sandbox) => lockOut(sandbox, superadminName), mend: nothing },
    ),
    ofPool(
      'an administrator has disabled the superadmin',
      /^Cognito refused the login of superadmin \(NotAuthorizedException\): .*disabled the user/,
      {
        make: ({ cognito }) => cognito.setEnabled(superadminName, false),
        mend: ({ cognito }) => cognito.setEnabled(superadminName, true),
      },
    ),
    ofPool(
      'the app client has a secret',
      /^Cognito refused the login of superadmin \(NotAuthorizedException\): .*has a client secret/,
      {
        make: ({ cognito }) => cognito.configure({ hasSecret: true }),
        mend: ({ cognito }) => cognito.configure({ hasSecret: false }),
      },
    ),
  ].map((cause): Cause => ({ ...cause, error: 'LoginRejected', remedy: /what the message says/ })),
  {
    error: 'LoginChallenge',
    remedy: /what the message says of the challenge/,
    ...ofPool(
      'the superadmin is asked for a code at every login',
      /superadmin with the challenge SOFTWARE_TOKEN_MFA.*at every login, also after one in a browser/,
      {
        make: ({ cognito }) => cognito.setFactor(superadminName, 'SOFTWARE_TOKEN_MFA'),
        mend: ({ cognito }) => cognito.setFactor(superadminName, undefined),
      },
    ),
  },
];

export const causesOfLogins: readonly Cause[] = [
  {
    error: 'InvalidConfiguration',
    because: 'somebody has damaged the kept credentials',
    step: 'AcceptRequest',
    says: /^Secret infinstor\S+credentials, \w+: /,
    remedy: /Correct the value that is named/,
    async provoke(sandbox) {
      const userName = newName('cause');
      await onboarded(sandbox, requestFor(userName));
      await putSecret(sandbox, credentialsOf(userName), { state: 7 });
      return { userName, report: await onboard(sandbox, requestFor(userName)) };
    },
  },
  {
    error: 'InvalidConfiguration',
    because: "the superadmin's secret has another form",
    step: 'ObtainToken',
    says: /^Secret infinstor\/sandbox\/superadmin, \w+: /,
    remedy: /Correct the value that is named/,
    // Of damaged credentials.
    foreign: /AWSPREVIOUS|put-secret-value --secret-id \S+credentials/,
    async provoke(sandbox) {
      await withoutSession(sandbox);
      await putSecret(sandbox, superadmin, { name: 'x' });
      return onboarding(sandbox);
    },
  },
  {
    error: 'LoginRejected',
    because: "the superadmin's password is wrong",
    step: 'ObtainToken',
    says: /^Cognito refused the login of superadmin \(NotAuthorizedException\): the password is wrong/,
    remedy: /password/,
    async provoke(sandbox) {
      await withoutSession(sandbox);
      await putSecret(sandbox, superadmin, { userName: superadminName, password: 'Wrong-Marker-4711!' });
      return onboarding(sandbox);
    },
  },
  ...causesOfPool,
  {
    error: 'LoginChallenge',
    because: "the superadmin's password is a temporary one",
    step: 'ObtainToken',
    says: /superadmin with the challenge NEW_PASSWORD_REQUIRED.*browser/,
    remedy: /what the message says of the challenge/,
    async provoke(sandbox) {
      await withoutSession(sandbox);
      sandbox.cognito.setStatus(superadminName, 'FORCE_CHANGE_PASSWORD');
      return onboarding(sandbox);
    },
  },
  {
    error: 'TokenRejected',
    because: 'InfinStor refuses three tokens in a row',
    step: 'ObtainToken',
    says: /superadmin/,
    remedy: /refuses fresh tokens/,
    async provoke(sandbox) {
      await withoutSession(sandbox);
      fault(sandbox, 'infinstor:add_subscriber:error=401:3');
      return onboarding(sandbox);
    },
  },
  {
    error: 'LoginsPaused',
    because: 'InfinStor has just refused three tokens',
    step: 'ObtainToken',
    says: /^Logins of superadmin are paused until 20\S+Z: /,
    remedy: /after the time in it/,
    async provoke(sandbox) {
      await withoutSession(sandbox);
      fault(sandbox, 'infinstor:add_subscriber:error=401:3');
      await onboarding(sandbox);
      return onboarding(sandbox);
    },
  },
  {
    error: 'LoginInProgress',
    because: 'another execution has its turn to log in, and does nothing with it',
    step: 'ObtainToken',
    says: /^Another execution is logging in as superadmin/,
    remedy: /Wait a minute/,
    async provoke(sandbox) {
      await withoutSession(sandbox);
      // It runs well once, with what it has of the session that is over.
      const tried = { state: 'ObtainToken', error: 'LoginInProgress', times: 20 };
      failBefore(sandbox, 'OnboardSubscriber', { ...tried, skip: 1 });
      await holdLogin(sandbox, superadminName, 150);
      return onboarding(sandbox);
    },
  },
  {
    error: 'SubscriberPasswordUnknown',
    because: 'the credentials have no password',
    step: 'ObtainSubscriberToken',
    says: /^The password of subscriber \S+ is not known here: secret \S+ has none/,
    remedy: /update-subscriber/,
    async provoke(sandbox) {
      const userName = newName('cause');
      await onboarded(sandbox, requestFor(userName));
      const { password, ...others } = v.parse(contentSchema, sandbox.secretsManager.value(credentialsOf(userName)));
      await putSecret(sandbox, credentialsOf(userName), others);
      const user = newUser();
      const report = await run(sandbox, 'add-user', { subscriber: { userName }, users: [user] });
      return { userName, user: user.userName, report };
    },
  },
  {
    error: 'InfinStorUnavailable',
    because: 'the service is down',
    step: 'ObtainToken',
    says: /get_version.*503/,
    remedy: /Check that the InfinStor service is up/,
    async provoke(sandbox) {
      await withoutSession(sandbox);
      return withFault('infinstor:get_version:error=503:99')(sandbox);
    },
  },
  {
    error: 'TooLittleTime',
    because: 'the calls before took too long',
    step: 'CreateSubscriber',
    says: /too little time is left/,
    remedy: /which of them answers slowly/,
    provoke: fromFunction('TooLittleTime', 'add_subscriber was not called: too little time is left'),
  },
  {
    error: 'InfinStorRejected',
    because: 'InfinStor refuses the subscriber',
    step: 'CreateSubscriber',
    says: /add_subscriber.*400/,
    remedy: /Correct what InfinStor's answer names/,
    provoke: withFault('infinstor:add_subscriber:error=400'),
  },
  {
    error: 'InfinStorRejected',
    because: 'InfinStor refuses an update',
    step: 'UpdateSubscriber',
    says: /update_subscriber.*400/,
    remedy: /Correct what InfinStor's answer names/,
    async provoke(sandbox) {
      const userName = newName('cause');
      await onboarded(sandbox, requestFor(userName));
      fault(sandbox, 'infinstor:update_subscriber:error=400');
      const subscriber = { userName, emailId: 'refused@example.com' };
      return { userName, report: await run(sandbox, 'update-subscriber', { subscriber }) };
    },
  },
  {
    error: 'SubscriberExists',
    because: 'somebody else has created it',
    step: 'CreateSubscriber',
    says: /^InfinStor already has a subscriber \S+, whose custom token is not known here$/,
    remedy: /customTokenSecretId/,
    async provoke(sandbox) {
      const { userName } = await withFault('infinstor:add_subscriber:drop')(sandbox);
      await takeMarkAway(sandbox, userName);
      return { userName, report: await onboard(sandbox, requestFor(userName)) };
    },
  },
  {
    error: 'SubscriberUnsettled',
    because: 'an earlier call may still have its effect',
    step: 'CreateSubscriber',
    says: /may still be under way/,
    remedy: /Wait a few minutes/,
    provoke: fromFunction('SubscriberUnsettled', 'an earlier call of add_subscriber may still be under way'),
  },
  {
    error: 'SubscriberOutcomeUnknown',
    because: 'a call had no effect, and nobody said so',
    step: 'CreateSubscriber',
    says: /no such user at this moment/,
    remedy: /send the request again/,
    provoke: withFault('infinstor:add_subscriber:error=500'),
  },
  {
    error: 'SubscriberOutcomeUnknown',
    because: 'the answer of a call was lost',
    step: 'CreateSubscriber',
    says: /InfinStor has the subscriber/,
    remedy: /customTokenSecretId/,
    provoke: withFault('infinstor:add_subscriber:drop'),
  },
  {
    error: 'SecretFull',
    because: 'something stores versions of the credentials all the time',
    step: 'CreateSubscriber',
    says: /^Secret infinstor\S+credentials has \d+ versions that cannot be removed, of about 100, and takes no further ones before 20/,
    remedy: /stored so many versions/,
    async provoke(sandbox) {
      const { userName } = await withFault('infinstor:add_subscriber:error=400')(sandbox);
      const SecretId = credentialsOf(userName);
      const SecretString = sandbox.secretsManager.value(SecretId);
      for (let time = 0; time < 92; time += 1) {
        await call(sandbox.secretsManager.service, 'PutSecretValue', { SecretId, SecretString });
      }
      return { userName, report: await onboard(sandbox, requestFor(userName)) };
    },
  },
  {
    error: 'SubscriberNotVerified',
    because: "InfinStor does not answer the subscriber's question",
    step: 'VerifySubscriber',
    says: /^Subscriber \S+ could not be verified: customerinfo: InfinStor answered 400/,
    remedy: /verify: warn/,
    provoke: withFault('infinstor:customerinfo:error=400'),
  },
];
