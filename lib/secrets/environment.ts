import * as v from 'valibot';

/** What a function needs to know of the deployment to name subscribers' secrets. */
export const secretPrefixEnvironment = {
  /** Where the subscribers' secrets are, by which their stacks are marked, too: `infinstor/<stage>/`. */
  SECRET_PREFIX: v.pipe(v.string(), v.endsWith('/', 'must end with a slash')),
};

/** The superadmin's secrets. */
export const superadminSecretsEnvironment = {
  /** JSON `{userName, password}`, made by the operator. */
  SUPERADMIN_SECRET_ID: v.string(),
  /** The shared token, written by obtain-token and read by create-subscriber. */
  SUPERADMIN_TOKEN_SECRET_ID: v.string(),
};
