import { createHash } from 'node:crypto';

/** How the names of the onboarding's change sets begin: the functions' roles may make no others. */
const changeSetPrefix = 'infinstor-onboarding-';

const digestOf = (executionArn: string) => createHash('sha256').update(executionArn).digest('hex');

/** The name of an execution's change set: a repeat finds it again. */
export const changeSetName = (executionArn: string): string =>
  `${changeSetPrefix}${digestOf(executionArn).slice(0, 40)}`;

/** By what CloudFormation, and all events of the update, know an execution's update of a stack (API reference, ExecuteChangeSet). */
export const updateToken = (executionArn: string): string => `upgrade-${digestOf(executionArn)}`;
