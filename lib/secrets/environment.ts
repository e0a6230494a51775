import * as v from 'valibot';

/** What a function needs to know of the deployment to name subscribers' secrets. */
export const secretPrefixEnvironment = {
  /** Where the subscribers' secrets are, by which their stacks are marked, too: `infinstor/<stage>/`. */
  SECRET_PREFIX: v.pipe(v.string(), v.endsWith('/', 'must end with a slash')),
};

/** What a function needs to know to write or delete the passwords that requests to the API hold. */
export const apiPasswordEnvironment = {
  /** Where these passwords are: `infinstor/<stage>/input/api/`. */
  API_PASSWORD_PREFIX: v.string(),
};
