// What the machines are designed to be, beside what they are: the tests of their edges run what stands here.

import { casesInScope } from '../../scope.ts';

/** AWS was called too often: the call had no effect. */
const throttling = [
  'BandwidthLimitExceeded',
  'EC2ThrottledException',
  'KmsThrottled',
  'KmsThrottlingException',
  'PriorRequestNotComplete',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'SlowDown',
  'ThrottledException',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
  'TransactionConflictException',
  'TransactionInProgressException',
  'Lambda.TooManyRequestsException',
];
/** AWS failed, or gave no answer. */
const failures = [
  'DependencyTimeoutException',
  'InternalErrorException',
  'InternalException',
  'InternalServerError',
  'InternalServerException',
  'InternalServiceError',
  'KMSInternalException',
  'KeyUnavailableException',
  'PolicyEvaluationException',
  'ServiceFailureException',
  'InternalError',
  'InternalFailure',
  'ServiceFailure',
  'ServiceUnavailable',
  'ServiceUnavailableException',
  'RequestTimeout',
  'RequestTimeoutException',
  'TimeoutError',
  'NetworkingError',
  'ServerError',
];
const lambdaServiceErrors = [
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.ClientExecutionTimeoutException',
];
const deaths = ['Lambda.Unknown', 'Sandbox.Timedout', 'Runtime.ExitError', 'Runtime.OutOfMemory'];

const backoff = { IntervalSeconds: 2, BackoffRate: 2, JitterStrategy: 'FULL' };
const twoMinutes = { ...backoff, MaxAttempts: 6 };
/** As long as a rush may last. */
const aQuarterOfAnHour = { ...backoff, MaxDelaySeconds: 60, MaxAttempts: 30 };
/** A day, which is as long as a machine runs. */
const aDay = { ...backoff, MaxDelaySeconds: 300, MaxAttempts: 1000 };

/** The retriers that a state shares with others, after its own. */
export function sharedRetriers(state: string) {
  switch (state) {
    // What comes after add_subscriber has had its effect is for a person to see.
    case 'CreateSubscriber':
      return [
        { ErrorEquals: throttling, ...aQuarterOfAnHour },
        { ErrorEquals: failures, ...twoMinutes },
      ];
    // Its timeout is the slow poll.
    case 'WaitForStack':
      return [{ ErrorEquals: [...throttling, ...failures, ...lambdaServiceErrors, ...deaths], ...aDay }];
    default:
      return [
        { ErrorEquals: throttling, ...aQuarterOfAnHour },
        { ErrorEquals: [...failures, ...lambdaServiceErrors, ...deaths, 'States.Timeout'], ...twoMinutes },
      ];
  }
}

export const isShared = ({ state, error }: Pick<Retried, 'state' | 'error'>): boolean =>
  sharedRetriers(state).some(({ ErrorEquals }) => ErrorEquals.includes(error));

/** An error of a state that is retried, and how often. */
export interface Retried {
  state: string;
  error: string;
  times: number;
}

const retries = (state: string, times: number, ...errors: string[]): Retried[] =>
  errors.map((error) => ({ state, error, times }));
/** What all states share. */
const shared = (state: string): Retried[] =>
  sharedRetriers(state).flatMap(({ ErrorEquals, MaxAttempts }) => retries(state, MaxAttempts, ...ErrorEquals));
/** InfinStor may be out of reach, or busy. */
const ofInfinStor = (state: string) => retries(state, 5, 'InfinStorUnavailable');

/** The retries of each machine, in the order of its states. */
export const designedRetries = {
  'onboard-subscriber': [
    ...retries('AcceptRequest', 100, 'KeyPolicyBusy'),
    ...shared('AcceptRequest'),
    ...retries('ObtainToken', 20, 'LoginInProgress'),
    ...ofInfinStor('ObtainToken'),
    ...shared('ObtainToken'),
    ...retries('CreateSubscriber', 3, 'TooLittleTime'),
    ...retries('CreateSubscriber', 5, 'InfinStorUnavailable'),
    ...retries('CreateSubscriber', 6, 'SubscriberUnsettled'),
    ...shared('CreateSubscriber'),
    ...shared('DeployStack'),
    ...shared('WaitForStack'),
    ...retries('ReadRoleArn', 6, 'PrincipalNotVisible'),
    ...shared('ReadRoleArn'),
    ...retries('PatchKeyPolicy', 22, 'PrincipalNotVisible'),
    ...retries('PatchKeyPolicy', 100, 'KeyPolicyBusy'),
    ...shared('PatchKeyPolicy'),
    ...ofInfinStor('VerifySubscriber'),
    ...shared('VerifySubscriber'),
    ...shared('CompleteOnboarding'),
  ],
  'update-subscriber': [
    ...shared('AcceptUpdate'),
    ...retries('ObtainToken', 20, 'LoginInProgress'),
    ...ofInfinStor('ObtainToken'),
    ...shared('ObtainToken'),
    ...retries('UpdateSubscriber', 3, 'TooLittleTime'),
    ...ofInfinStor('UpdateSubscriber'),
    ...shared('UpdateSubscriber'),
    ...shared('CompleteUpdate'),
  ],
  'upgrade-subscriber': [
    ...retries('AcceptUpgrade', 100, 'KeyPolicyBusy'),
    ...shared('AcceptUpgrade'),
    ...retries('PrepareChangeSet', 60, 'StackBusy'),
    ...shared('PrepareChangeSet'),
    ...retries('ReadRoleArn', 6, 'PrincipalNotVisible'),
    ...shared('ReadRoleArn'),
    ...retries('PatchKeyPolicy', 22, 'PrincipalNotVisible'),
    ...retries('PatchKeyPolicy', 100, 'KeyPolicyBusy'),
    ...shared('PatchKeyPolicy'),
    ...retries('ExecuteChangeSet', 60, 'StackBusy'),
    ...shared('ExecuteChangeSet'),
    ...shared('WaitForStack'),
    ...retries('WithdrawGrants', 100, 'KeyPolicyBusy'),
    ...shared('WithdrawGrants'),
    ...shared('CompleteUpgrade'),
  ],
  'add-user': [
    ...shared('AcceptUsers'),
    ...retries('ObtainSubscriberToken', 20, 'LoginInProgress'),
    ...ofInfinStor('ObtainSubscriberToken'),
    ...shared('ObtainSubscriberToken'),
    ...retries('AddUser', 3, 'TooLittleTime'),
    ...ofInfinStor('AddUser'),
    ...shared('AddUser'),
    ...shared('CompleteUsers'),
  ],
  'offboard-subscriber': [
    ...retries('AcceptOffboarding', 100, 'KeyPolicyBusy'),
    ...shared('AcceptOffboarding'),
    ...retries('WithdrawGrants', 100, 'KeyPolicyBusy'),
    ...shared('WithdrawGrants'),
    ...shared('DeleteStack'),
    ...shared('WaitForStack'),
    ...shared('CompleteOffboarding'),
  ],
} satisfies Record<string, readonly Retried[]>;
type Machine = keyof typeof designedRetries;

/** One of each kind of the shared errors: which of a kind it is decides nothing but the list that it stands in. */
const oneOfEachKind = [
  'Throttling',
  'InternalFailure',
  'Lambda.TooManyRequestsException',
  'Lambda.ServiceException',
  'Runtime.ExitError',
  'States.Timeout',
];

/** What the usual run has of these kinds where it has not all: three machines share them out. */
const usualKinds: Partial<Record<Machine, readonly string[]>> = {
  'offboard-subscriber': ['Throttling', 'Runtime.ExitError'],
  'update-subscriber': ['InternalFailure', 'States.Timeout'],
  'add-user': ['Lambda.TooManyRequestsException', 'Lambda.ServiceException'],
};

/**
 * The retries of a machine that are run. `definition.test.ts` holds every state to the shared errors: the usual run has one of each
 * kind in the first state of an onboarding, and of the other machines together, and `npm run test:all` one of each kind in every state,
 * and all of them in the first state of an onboarding.
 */
export function retriesToRun(machine: Machine): readonly Retried[] {
  const designed: readonly Retried[] = designedRetries[machine];
  const first = designed[0]?.state;
  const isUsual = (retried: Retried) =>
    !isShared(retried) || ((usualKinds[machine] ?? oneOfEachKind).includes(retried.error) && retried.state === first);
  const isRun = (retried: Retried) =>
    isUsual(retried) ||
    (retried.state === first && machine === 'onboard-subscriber') ||
    oneOfEachKind.includes(retried.error);
  return casesInScope(designed.filter(isRun), designed.filter(isUsual));
}

/**
 * Those of them that end an execution when there are too many, of the shared ones one of each kind. A wait for a stack goes on until
 * its machine's time is over.
 */
export const endsToRun = (machine: Machine): readonly Retried[] =>
  retriesToRun(machine).filter(
    (retried) => retried.state !== 'WaitForStack' && (!isShared(retried) || oneOfEachKind.includes(retried.error)),
  );
