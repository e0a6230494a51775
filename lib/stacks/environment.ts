import * as v from 'valibot';
import { type Accounts, accountsEnvironment } from '../aws/accounts-environment.ts';

/** What a function needs to know to recognize or name subscribers' stacks. */
export const stackNameEnvironment = {
  /** How the names of subscribers' stacks begin: a name has 128 characters at most, and a subscriber's name up to 34. */
  STACK_NAME_PREFIX: v.pipe(
    v.string(),
    v.regex(/^[A-Za-z][A-Za-z0-9-]{0,93}$/, 'must be the beginning of a stack name'),
  ),
};

/** What a function needs to know to set the deadline of a wait for a stack. */
export const stackTimeoutEnvironment = {
  /** After how many minutes the wait for a stack ends. */
  STACK_TIMEOUT_MINUTES: v.pipe(v.string(), v.regex(/^\d+$/, 'must be a number of minutes'), v.transform(Number)),
};

/** What a function needs to know to let CloudFormation act on a stack. */
export const stackServiceRoleEnvironment = {
  ...accountsEnvironment,
  /** The role that CloudFormation acts with in the deployment's account. */
  STACK_SERVICE_ROLE_ARN: v.string(),
};

/** The role that CloudFormation acts with in an account. */
export function stackServiceRoleArn(
  environment: { ACCOUNTS: Accounts; STACK_SERVICE_ROLE_ARN: string },
  accountId: string,
): string {
  return environment.ACCOUNTS[accountId]?.stackServiceRoleArn ?? environment.STACK_SERVICE_ROLE_ARN;
}
