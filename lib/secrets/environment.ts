import * as v from 'valibot';

/** What a function needs to know of the deployment to name subscribers' secrets. */
export const secretPrefixEnvironment = {
  /** Where the subscribers' secrets are, by which their stacks are marked, too: `infinstor/<stage>/`. */
  SECRET_PREFIX: v.pipe(v.string(), v.endsWith('/', 'must end with a slash')),
};

/** What a function needs to know to create secrets. */
export const secretKeyEnvironment = {
  /** The key that encrypts secrets that the deployment creates; empty: AWS's own key for secrets. */
  KMS_KEY_ARN: v.pipe(
    v.string(),
    v.regex(/^$|^arn:aws[\w-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/, 'must be the ARN of a KMS key, or empty'),
  ),
};

/** The superadmin's secrets. */
export const superadminSecretsEnvironment = {
  /** JSON `{userName, password}`, made by the operator. */
  SUPERADMIN_SECRET_ID: v.string(),
  /** The shared token, written by obtain-token and read by create-subscriber. */
  SUPERADMIN_TOKEN_SECRET_ID: v.string(),
};
