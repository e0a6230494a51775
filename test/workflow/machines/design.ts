// What the machines are designed to be, beside what they are: the tests of their edges run what stands here.

import { isWhole } from '../../scope.ts';

const lambdaServiceErrors = [
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.ClientExecutionTimeoutException',
  'Lambda.TooManyRequestsException',
];

/** An error of a state that is retried, and how often. */
export interface Retried {
  state: string;
  error: string;
  times: number;
}

const retries = (state: string, times: number, ...errors: string[]): Retried[] =>
  errors.map((error) => ({ state, error, times }));
/** What Lambda as a service may throw. */
const ofLambda = (state: string) => retries(state, 6, ...lambdaServiceErrors);
/** InfinStor and the user pool may be out of reach, or busy. */
const ofLogins = (state: string) =>
  retries(state, 5, 'InfinStorUnavailable', 'TooManyRequestsException', 'InternalErrorException');

/** The retries of each machine, in the order of its states. */
export const designedRetries = {
  'onboard-subscriber': [
    ...ofLambda('AcceptRequest'),
    ...ofLogins('ObtainToken'),
    ...ofLambda('ObtainToken'),
    ...retries('CreateSubscriber', 3, 'TooLittleTime'),
    ...retries('CreateSubscriber', 5, 'InfinStorUnavailable'),
    ...retries('CreateSubscriber', 6, 'SubscriberUnsettled'),
    // Any other of Lambda's errors may come after add_subscriber has had its effect.
    ...retries('CreateSubscriber', 6, 'Lambda.TooManyRequestsException'),
    ...ofLambda('DeployStack'),
    ...ofLambda('WaitForStack'),
    ...retries('ReadRoleArn', 6, 'PrincipalNotVisible'),
    ...ofLambda('ReadRoleArn'),
    ...retries('PatchKeyPolicy', 22, 'PrincipalNotVisible'),
    ...retries('PatchKeyPolicy', 100, 'KeyPolicyBusy'),
    ...ofLambda('PatchKeyPolicy'),
    ...ofLogins('VerifySubscriber'),
    ...ofLambda('VerifySubscriber'),
    ...ofLambda('CompleteOnboarding'),
  ],
  'update-subscriber': [
    ...ofLambda('AcceptUpdate'),
    ...ofLogins('ObtainToken'),
    ...ofLambda('ObtainToken'),
    ...retries('UpdateSubscriber', 3, 'TooLittleTime'),
    ...ofLogins('UpdateSubscriber'),
    ...ofLambda('UpdateSubscriber'),
    ...ofLambda('CompleteUpdate'),
  ],
  'add-user': [
    ...ofLambda('AcceptUsers'),
    ...ofLogins('ObtainSubscriberToken'),
    ...ofLambda('ObtainSubscriberToken'),
    ...retries('AddUser', 3, 'TooLittleTime'),
    ...ofLogins('AddUser'),
    ...ofLambda('AddUser'),
    ...ofLambda('CompleteUsers'),
  ],
  'offboard-subscriber': [
    ...ofLambda('AcceptOffboarding'),
    ...retries('WithdrawGrants', 100, 'KeyPolicyBusy'),
    ...ofLambda('WithdrawGrants'),
    ...ofLambda('DeleteStack'),
    ...ofLambda('WaitForStack'),
    ...ofLambda('CompleteOffboarding'),
  ],
} satisfies Record<string, readonly Retried[]>;
type Machine = keyof typeof designedRetries;

/**
 * The retries of a machine that are run. `definition.test.ts` holds every state to the errors of Lambda: the usual run has them in
 * the first state alone.
 */
export function retriesToRun(machine: Machine): readonly Retried[] {
  const all: readonly Retried[] = designedRetries[machine];
  return isWhole ? all : all.filter(({ state, error }) => state === all[0]?.state || !error.startsWith('Lambda.'));
}
