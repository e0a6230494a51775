import * as v from 'valibot';

const names = [
  'onboard-subscriber',
  'update-subscriber',
  'upgrade-subscriber',
  'add-user',
  'offboard-subscriber',
] as const;

/** What is done to a subscriber, each by the machine of its name. */
export const operationSchema = v.picklist([
  'onboard-subscriber',
  'update-subscriber',
  'upgrade-subscriber',
  'add-user',
  'offboard-subscriber',
]);
export type Operation = v.InferOutput<typeof operationSchema>;

/** How a subscriber stands: what is being done to it, what came of it, or that its onboarding or offboarding failed. */
export const statusSchema = v.picklist([
  'ONBOARDING',
  'UPDATING',
  'UPGRADING',
  'ADDING_USERS',
  'OFFBOARDING',
  'ACTIVE',
  'OFFBOARDED',
  'FAILED',
]);
export type Status = v.InferOutput<typeof statusSchema>;

interface OperationTraits {
  /** The status while it runs. */
  running: Status;
  succeeded: 'ACTIVE' | 'OFFBOARDED';
  /** A subscriber that could not be updated or upgraded is as active as it was. */
  failed: 'ACTIVE' | 'FAILED';
  failedEvent:
    | 'SubscriberOnboardingFailed'
    | 'SubscriberUpdateFailed'
    | 'SubscriberUpgradeFailed'
    | 'AddingUsersFailed'
    | 'SubscriberOffboardingFailed';
  /** Where an execution fails that entered no state. */
  firstState: string;
}

export const operations = {
  'onboard-subscriber': {
    running: 'ONBOARDING',
    succeeded: 'ACTIVE',
    failed: 'FAILED',
    failedEvent: 'SubscriberOnboardingFailed',
    firstState: 'AcceptRequest',
  },
  'update-subscriber': {
    running: 'UPDATING',
    succeeded: 'ACTIVE',
    failed: 'ACTIVE',
    failedEvent: 'SubscriberUpdateFailed',
    firstState: 'AcceptUpdate',
  },
  'upgrade-subscriber': {
    running: 'UPGRADING',
    succeeded: 'ACTIVE',
    failed: 'ACTIVE',
    failedEvent: 'SubscriberUpgradeFailed',
    firstState: 'AcceptUpgrade',
  },
  'add-user': {
    running: 'ADDING_USERS',
    succeeded: 'ACTIVE',
    failed: 'ACTIVE',
    failedEvent: 'AddingUsersFailed',
    firstState: 'AcceptUsers',
  },
  'offboard-subscriber': {
    running: 'OFFBOARDING',
    succeeded: 'OFFBOARDED',
    failed: 'FAILED',
    failedEvent: 'SubscriberOffboardingFailed',
    firstState: 'AcceptOffboarding',
  },
} as const satisfies Record<Operation, OperationTraits>;

/** The statuses of subscribers that something is being done to, as far as the registry knows. */
export const runningStatuses: readonly Status[] = Object.values(operations).map(({ running }) => running);

/**
 * The operation of a machine or an execution, whose ARN holds the machine's name.
 * @throws TypeError for the ARN of another machine
 */
export function operationOf(arn: string): Operation {
  const operation = knownOperationOf(arn);
  if (operation === undefined) throw new TypeError(`${arn} is not of a machine of the onboarding`);
  return operation;
}

/** The same, or undefined for the ARN of another machine. */
export function knownOperationOf(arn: string): Operation | undefined {
  const machine = arn.split(':')[6] ?? '';
  return names.find((name) => machine === name || machine.endsWith(`-${name}`));
}

/** The machine of an operation, by the one of onboardings: a deployment's machines have one name but for the operation. */
export const machineArnOf = (onboardingMachineArn: string, operation: Operation): string =>
  onboardingMachineArn.replace(/onboard-subscriber$/, operation);
