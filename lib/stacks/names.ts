/** The name of a subscriber's stack. Subscribers are unique ignoring case, and so are their stacks. */
export const stackName = (prefix: string, userName: string) => `${prefix}${userName.toLowerCase()}`;

/** The tags by which a stack is recognised as ours, and its request as the same. */
export const ownershipTags = {
  /** The deployment's secret prefix, which holds its stage: another stage's stack is not ours. */
  deployment: 'infinstor-onboarding:deployment',
  subscriber: 'infinstor-onboarding:subscriber',
  planHash: 'infinstor-onboarding:plan-hash',
} as const;

/**
 * The tags of every stack of a subscriber.
 * @param secretPrefix the deployment's
 */
export const ownershipTagsOf = (secretPrefix: string, userName: string) => ({
  [ownershipTags.deployment]: secretPrefix,
  [ownershipTags.subscriber]: userName.toLowerCase(),
});
