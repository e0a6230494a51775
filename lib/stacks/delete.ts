import {
  type CloudFormationClient,
  CloudFormationServiceException,
  DeleteStackCommand,
} from '@aws-sdk/client-cloudformation';
import { StackNeedsAttention } from '../errors.ts';

/**
 * Begins with the deletion of a stack, without waiting for it.
 * @param roleArn whom CloudFormation acts as. Without it CloudFormation takes the role that the stack was worked on with last, which may
 *   be gone (API reference, DeleteStack); a stack that nests others passes it on to them
 * @throws StackNeedsAttention when the stack has termination protection, which somebody may have set since it was looked at
 */
export async function beginDeletion(
  cloudFormation: CloudFormationClient,
  { stackId, roleArn }: { stackId: string; roleArn: string },
): Promise<void> {
  try {
    await cloudFormation.send(new DeleteStackCommand({ StackName: stackId, RoleARN: roleArn }));
  } catch (error) {
    // CloudFormation has no error of its own for that; these are its words.
    const isProtected =
      error instanceof CloudFormationServiceException &&
      error.name === 'ValidationError' &&
      error.message.includes('TerminationProtection is enabled');
    if (isProtected) throw new StackNeedsAttention(`Stack ${stackId} has termination protection`);
    throw error;
  }
}
