import { type CloudFormationClient, paginateListStackResources } from '@aws-sdk/client-cloudformation';

export interface StackResource {
  /** The stack that it is of: the one that was asked for, or one nested in it. */
  stackId: string;
  /** With the logical ids of the stacks that it is nested in before it, `Inner.Bucket`. */
  path: string;
  logicalId: string;
  type: string;
  physicalId: string;
  status: string;
}

/**
 * What a stack and the stacks nested in it have made, what of it is deleted, too. CloudFormation knows it for 90 days after the
 * stack is gone, by the stack's id.
 */
export async function stackResources(
  cloudFormation: CloudFormationClient,
  stackId: string,
  within = '',
): Promise<StackResource[]> {
  const resources: StackResource[] = [];
  const pages = paginateListStackResources({ client: cloudFormation }, { StackName: stackId });
  for await (const { StackResourceSummaries = [] } of pages) {
    for (const summary of StackResourceSummaries) {
      const { LogicalResourceId: logicalId = '', PhysicalResourceId: physicalId } = summary;
      const { ResourceType: type = '', ResourceStatus: status = '' } = summary;
      // Without one it has not been made.
      if (physicalId) resources.push({ stackId, path: within + logicalId, logicalId, type, physicalId, status });
    }
  }
  const nested = resources.filter(({ type, physicalId }) => isStack(type) && physicalId.startsWith('arn:'));
  const deeper = [];
  for (const { physicalId, path } of nested) {
    deeper.push(...(await stackResources(cloudFormation, physicalId, `${path}.`)));
  }
  return [...resources, ...deeper];
}

const isStack = (type: string) => type === 'AWS::CloudFormation::Stack';

/** Whether a resource is there, and of its stack: not one that was deleted, nor one that a deletion has left. */
export const isThere = ({ status }: StackResource) => status !== 'DELETE_COMPLETE' && status !== 'DELETE_SKIPPED';
