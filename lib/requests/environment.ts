import * as v from 'valibot';
import type { AccountRegions } from '../aws/accounts-environment.ts';
import { arnOwner } from '../aws/arns.ts';
import { stackRegionsEnvironment } from '../aws/homes.ts';
import { InvalidConfiguration } from '../errors.ts';
import { secretPrefixEnvironment } from '../secrets/environment.ts';
import { inputSecretPrefix } from '../secrets/names.ts';
import type { RequestRules } from './onboarding.ts';

/** The superadmin's user name, which nobody else may have. Only obtain-token may read the secret that has it, with its password. */
export const superadminNameEnvironment = { SUPERADMIN_USER_NAME: v.pipe(v.string(), v.nonEmpty('must not be empty')) };

/** A comma separated list, which may be empty. */
const list = v.pipe(
  v.string(),
  v.transform((text) => (text === '' ? [] : text.split(','))),
  // With a space beside it a name would never be one of a request.
  v.array(v.pipe(v.string(), v.regex(/^\S(.*\S)?$/, 'must be separated by commas, without spaces'))),
);

/** What a function needs to know of the deployment to parse requests. */
export const requestEnvironment = {
  ...secretPrefixEnvironment,
  ...superadminNameEnvironment,
  ...stackRegionsEnvironment,
  /** The template parameters that a request may set. */
  ALLOWED_STACK_PARAMETERS: list,
  /** The keys that a request's tags may have. */
  ALLOWED_TAG_KEYS: list,
};
const requestEnvironmentSchema = v.object(requestEnvironment);

/**
 * @param accounts the accounts beside the deployment's own
 * @param ownArn an ARN of the deployment, whose account and Region are a request's defaults
 * @throws InvalidConfiguration
 */
export function requestRules(
  environment: v.InferOutput<typeof requestEnvironmentSchema>,
  accounts: AccountRegions,
  ownArn: string,
): RequestRules {
  const own = arnOwner(ownArn);
  if (accounts[own.accountId] !== undefined) {
    throw new InvalidConfiguration("accounts: must not have the deployment's own account");
  }
  const others = Object.entries(accounts).map(([accountId, { regions }]) => [accountId, regions] as const);
  return {
    inputSecretPrefix: inputSecretPrefix(environment.SECRET_PREFIX),
    own,
    superadminUserName: environment.SUPERADMIN_USER_NAME,
    allowedStackParameters: environment.ALLOWED_STACK_PARAMETERS,
    allowedTagKeys: environment.ALLOWED_TAG_KEYS,
    stackRegions: new Map([[own.accountId, environment.STACK_REGIONS], ...others]),
  };
}
