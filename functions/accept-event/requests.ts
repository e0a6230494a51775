import { requestRules } from '../../lib/requests/environment.ts';
import { checkOffboardingRequest } from '../../lib/requests/offboarding.ts';
import { parseRequest, type RequestRules } from '../../lib/requests/onboarding.ts';
import { checkUpdateRequest } from '../../lib/requests/update.ts';
import { checkUpgradeRequest } from '../../lib/requests/upgrade.ts';
import { checkUsersRequest } from '../../lib/requests/users.ts';
import { machineArnOf, type Operation } from '../../lib/subscribers/operations.ts';
import type { Environment } from './environment.ts';

/** The events that ask for something. */
export const detailTypes = [
  'SubscriberRequested',
  'SubscriberUpdateRequested',
  'SubscriberUpgradeRequested',
  'UsersRequested',
  'SubscriberOffboardingRequested',
] as const;

export type DetailType = (typeof detailTypes)[number];

interface Asked {
  operation: Operation;
  /** @returns the subscriber that it names @throws InvalidRequest naming each field and rule */
  userNameIn: (request: unknown, rules: RequestRules) => string;
}

/** What each event asks for. Its request is the one of the machine. */
const asked = {
  SubscriberRequested: {
    operation: 'onboard-subscriber',
    userNameIn: (request, rules) => parseRequest(request, rules).subscriber.userName,
  },
  SubscriberUpdateRequested: {
    operation: 'update-subscriber',
    userNameIn: (request, rules) => checkUpdateRequest(request, rules).subscriber.userName,
  },
  SubscriberUpgradeRequested: {
    operation: 'upgrade-subscriber',
    userNameIn: (request, rules) => checkUpgradeRequest(request, rules, rules).subscriber.userName,
  },
  UsersRequested: {
    operation: 'add-user',
    userNameIn: (request, rules) => checkUsersRequest(request, rules).subscriber.userName,
  },
  SubscriberOffboardingRequested: {
    operation: 'offboard-subscriber',
    userNameIn: (request) => checkOffboardingRequest(request).userName,
  },
} as const satisfies Record<DetailType, Asked>;

/**
 * What an event asks for, by the rules of the machine's first step.
 * @returns how the request is checked, which throws InvalidRequest or returns the subscriber; and the machine that it is for
 */
export function askedBy(detailType: DetailType, environment: Environment) {
  const { operation, userNameIn } = asked[detailType];
  const { STATE_MACHINE_ARN, ACCOUNT_REGIONS } = environment;
  const rules = requestRules(environment, ACCOUNT_REGIONS, STATE_MACHINE_ARN);
  return {
    userNameIn: (request: unknown) => userNameIn(request, rules),
    stateMachineArn: machineArnOf(STATE_MACHINE_ARN, operation),
  };
}
