import type { Stack } from '@aws-sdk/client-cloudformation';

/** The name of a subscriber's stack. Subscribers are unique ignoring case, and so are their stacks. */
export const stackName = (prefix: string, userName: string) => `${prefix}${userName.toLowerCase()}`;

/** The tags by which a stack is recognised as ours, and its request as the same. */
export const ownershipTags = {
  /** The deployment's id: a stack of another stage, account or Region is not ours. */
  deployment: 'infinstor-onboarding:deployment',
  subscriber: 'infinstor-onboarding:subscriber',
  planHash: 'infinstor-onboarding:plan-hash',
} as const;

interface DeploymentNames {
  DEPLOYMENT_ID: string;
  /** With the stage. Stacks of version 0.1.0 have it in place of the id, which deployments of one stage name share. */
  SECRET_PREFIX: string;
}

/**
 * The tags of every stack of a subscriber.
 * @param known the stack that the registry has of the subscriber, by its id: with the tag of version 0.1.0 it is ours, too
 */
export function ownershipTagsOf(
  { DEPLOYMENT_ID, SECRET_PREFIX }: DeploymentNames,
  userName: string,
  known?: Pick<Stack, 'Tags'>,
): Record<string, string> {
  const isFormer = known?.Tags?.some(({ Key, Value }) => Key === ownershipTags.deployment && Value === SECRET_PREFIX);
  return {
    [ownershipTags.deployment]: isFormer ? SECRET_PREFIX : DEPLOYMENT_ID,
    [ownershipTags.subscriber]: userName.toLowerCase(),
  };
}
