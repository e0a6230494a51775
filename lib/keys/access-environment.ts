import * as v from 'valibot';
import { type Accounts, accountsEnvironment } from '../aws/accounts-environment.ts';
import type { KeyAccess } from './key-policy.ts';

/** What a function needs to know of the deployment to recognize the role that InfinStor assumes. */
export const roleNameEnvironment = {
  /** How that role's name begins; the vendor's guide says `RoleForInfinStorMlflowService-`. */
  ROLE_NAME_PREFIX: v.pipe(v.string(), v.nonEmpty('must not be empty')),
};

/** What a function needs to know of the deployment to say the ARN of that role before it has seen it. */
export const roleArnEnvironment = {
  ...roleNameEnvironment,
  /** Its IAM path (API reference of IAM, `CreateRole`, `Path`). */
  ROLE_PATH: v.pipe(
    v.string(),
    v.regex(/^\/(?:[!-~]+\/)?$/, 'must be an IAM path: it begins and ends with a slash, such as / or /infinstor/'),
  ),
};

/** What a function needs to know of the deployment to write our statements into key policies. */
export const keyAccessEnvironment = {
  KEY_ACCESS: v.picklist(['role-arns', 'role-pattern']),
  ...roleNameEnvironment,
};

export function keyAccess(environment: { KEY_ACCESS: KeyAccess['mode']; ROLE_NAME_PREFIX: string }): KeyAccess {
  switch (environment.KEY_ACCESS) {
    case 'role-arns':
      return { mode: 'role-arns' };
    case 'role-pattern':
      return { mode: 'role-pattern', roleNamePrefix: environment.ROLE_NAME_PREFIX };
  }
}

/** What a function needs to know of the deployment to recognize who writes key policies. */
export const keyPolicyWritersEnvironment = {
  ...accountsEnvironment,
  /** The roles of the deployment's functions that write key policies, by ARN. */
  KEY_POLICY_WRITERS: v.pipe(
    v.string(),
    v.transform((arns) => arns.split(',')),
  ),
};

/** The roles that write the policies of an account's keys. */
export function keyPolicyWriters(
  { ACCOUNTS, KEY_POLICY_WRITERS }: { ACCOUNTS: Accounts; KEY_POLICY_WRITERS: readonly string[] },
  accountId: string,
): readonly string[] {
  const account = ACCOUNTS[accountId];
  return account === undefined ? KEY_POLICY_WRITERS : [account.roleArn];
}
