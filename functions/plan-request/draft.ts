import type { KMSClient } from '@aws-sdk/client-kms';
import type { AccountRegion } from '../../lib/aws/arns.ts';
import type { Checks } from '../../lib/preflight/checks.ts';
import type { OnboardingDependencies } from '../../lib/preflight/onboarding.ts';
import type { Change, KeyPolicyChange, StackPreview } from '../../lib/preflight/preview.ts';
import type { SubscriberRecord } from '../../lib/subscribers/record.ts';
import type { Environment } from './environment.ts';

export interface Dependencies extends OnboardingDependencies {
  environment: Environment;
  kms: (home: AccountRegion) => KMSClient;
  /** The function's own ARN. */
  ownArn: string;
}

/** How a request is looked at, without anything being done for it. */
export interface Looking {
  checks: Checks;
  /** Refuses a request while an execution works on the subscriber, as its claim would be. */
  requireTurn(record: SubscriberRecord | undefined): Promise<void>;
  warn(message: string): void;
}

/** What one operation would do, and what that depends on. */
export interface Draft {
  userName: string;
  changes: Change[];
  stack?: StackPreview;
  keyPolicies: KeyPolicyChange[];
  /** How many states the machine goes through, when each has its first try. */
  transitions: number;
  /** By how many secrets there are more then, or fewer. */
  secrets: number;
  /** What decides beside all this, with what is not shown: it goes into the hash alone. */
  seen: object;
}
