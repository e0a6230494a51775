import {
  type CloudFormationClient,
  CloudFormationServiceException,
  DescribeStacksCommand,
  type Stack,
} from '@aws-sdk/client-cloudformation';

/** Of the first of these names and ids that a stack has which is not deleted: that stack. */
export async function describeLiveStack(
  cloudFormation: CloudFormationClient,
  ...namesAndIds: readonly (string | undefined)[]
): Promise<Stack | undefined> {
  for (const nameOrId of namesAndIds) {
    const stack = nameOrId === undefined ? undefined : await describeStack(cloudFormation, nameOrId);
    if (stack !== undefined && stack.StackStatus !== 'DELETE_COMPLETE') return stack;
  }
  return undefined;
}

/** The stack of this name (only a live one) or id (also a deleted one); undefined when there is none. */
export async function describeStack(
  cloudFormation: CloudFormationClient,
  nameOrId: string,
): Promise<Stack | undefined> {
  try {
    const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName: nameOrId }));
    return Stacks?.[0];
  } catch (error) {
    // CloudFormation has no error of its own for "not found" here; these are its words.
    const isNotFound =
      error instanceof CloudFormationServiceException &&
      error.name === 'ValidationError' &&
      error.message.endsWith('does not exist');
    if (isNotFound) return undefined;
    throw error;
  }
}
