// The names of secrets, all below the deployment's prefix (`infinstor/<stage>/`). A subscriber's name is in lower case there, since
// subscribers are unique ignoring case.

/** Where the secrets lie that requests may refer to, each subscriber's in a folder of its own. */
export const inputSecretPrefix = (prefix: string) => `${prefix}input/`;

/**
 * Where the secrets lie that a subscriber's requests may refer to, with the slash at the end.
 * @param inputPrefix what inputSecretPrefix returns
 */
export const subscriberInputPrefix = (inputPrefix: string, userName: string) =>
  `${inputPrefix}${userName.toLowerCase()}/`;

/** Where the secrets of a subscriber lie, with the slash at the end. */
export const subscriberSecretPrefix = (prefix: string, userName: string) =>
  `${prefix}subscribers/${userName.toLowerCase()}/`;

/** The secret with a subscriber's password and custom token. */
export const credentialsSecretId = (prefix: string, userName: string) =>
  `${subscriberSecretPrefix(prefix, userName)}credentials`;

/** The secret with the password of a user under a subscriber. */
export const userSecretId = (prefix: string, subscriberName: string, userName: string) =>
  `${subscriberSecretPrefix(prefix, subscriberName)}users/${userName.toLowerCase()}`;

/** The secret with a token of a subscriber, by which users are added under it. */
export const tokenSecretId = (prefix: string, userName: string) => `${subscriberSecretPrefix(prefix, userName)}token`;
