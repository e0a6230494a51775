import { createHash } from 'node:crypto';
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

const digestOf = (executionArn: string) => createHash('sha256').update(executionArn).digest('hex');

/** The name of an execution's change set: a repeat finds it again. The functions' roles may make no others. */
export const changeSetName = (executionArn: string): string =>
  `infinstor-onboarding-${digestOf(executionArn).slice(0, 40)}`;

/** By what CloudFormation, and all events of the update, know an execution's update of a stack (API reference, ExecuteChangeSet). */
export const updateToken = (executionArn: string): string => `upgrade-${digestOf(executionArn)}`;
