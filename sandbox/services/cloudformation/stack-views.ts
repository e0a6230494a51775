import type { Stack } from './stack.ts';
import { validationError } from './template-checks.ts';

/**
 * Far below AWS's page, which is documented nowhere: a client that does not follow NextToken is found out. Of many, a tenth.
 */
export const pageSizeOf = ({ length }: readonly unknown[]) => Math.max(3, Math.ceil(length / 10));

/** A stack as DescribeStacks answers it; parameters that the template marks `NoEcho` are masked. */
export function describeStack(stack: Stack): object {
  const { template, parameters } = stack;
  return {
    StackId: stack.stackId,
    StackName: stack.stackName,
    ChangeSetId: stack.changeSetId,
    ParentId: stack.nestedIn?.parentId,
    RootId: stack.nestedIn?.rootId,
    Description: template.Description,
    Parameters: Object.entries(parameters).map(([ParameterKey, value]) => ({
      ParameterKey,
      ParameterValue: template.Parameters[ParameterKey]?.NoEcho === true ? '****' : value,
    })),
    CreationTime: stack.creationTime,
    LastUpdatedTime: stack.lastUpdatedTime,
    DeletionTime: stack.deletionTime,
    StackStatus: stack.status,
    StackStatusReason: stack.statusReason,
    DisableRollback: stack.onFailure === 'DO_NOTHING',
    TimeoutInMinutes: stack.timeoutInMinutes,
    NotificationARNs: [],
    Capabilities: stack.capabilities,
    Outputs: stack.outputs,
    RoleARN: stack.roleArn,
    Tags: stack.tags,
    EnableTerminationProtection: stack.enableTerminationProtection,
    RetainExceptOnCreate: stack.retainExceptOnCreate,
  };
}

/** The stack's events, newest first. Pages continue where they were although new events have come since. */
export function eventPage({ events }: Stack, nextToken: string | undefined): object {
  const end = nextToken === undefined ? events.length : position(nextToken, events.length);
  const start = Math.max(0, end - pageSizeOf(events));
  return { StackEvents: events.slice(start, end).toReversed(), ...(start > 0 && { NextToken: String(start) }) };
}

/** The stack's resources, in the order in which their creation began. */
export function resourcePage({ resources }: Stack, nextToken: string | undefined): object {
  const start = nextToken === undefined ? 0 : position(nextToken, resources.length);
  const end = start + pageSizeOf(resources);
  return {
    StackResourceSummaries: resources.slice(start, end).map((resource) => ({
      LogicalResourceId: resource.logicalId,
      PhysicalResourceId: resource.provisioned?.physicalId,
      ResourceType: resource.type,
      LastUpdatedTimestamp: resource.updated,
      ResourceStatus: resource.status,
      ResourceStatusReason: resource.statusReason,
    })),
    ...(end < resources.length && { NextToken: String(end) }),
  };
}

/** One of its resources as DescribeStackResource answers it. @throws AwsError ValidationError when it has none of this logical id */
export function describeResource({ stackId, stackName, template, resources }: Stack, logicalId: string): object {
  const resource = resources.find((candidate) => candidate.logicalId === logicalId);
  if (resource === undefined) throw validationError(`Resource ${logicalId} does not exist for stack ${stackName}`);
  return {
    StackId: stackId,
    StackName: stackName,
    LogicalResourceId: logicalId,
    PhysicalResourceId: resource.provisioned?.physicalId,
    ResourceType: resource.type,
    LastUpdatedTimestamp: resource.updated,
    ResourceStatus: resource.status,
    ResourceStatusReason: resource.statusReason,
    Metadata: JSON.stringify(template.Resources[logicalId]?.Metadata ?? {}),
    DriftInformation: { StackResourceDriftStatus: 'NOT_CHECKED' },
  };
}

/** A page of ListStacks, the newest stack first. */
export function stackPage(stacks: readonly Stack[], nextToken: string | undefined): object {
  const start = nextToken === undefined ? 0 : position(nextToken, stacks.length);
  const end = start + pageSizeOf(stacks);
  return {
    StackSummaries: stacks
      .toReversed()
      .slice(start, end)
      .map((stack) => ({
        StackId: stack.stackId,
        StackName: stack.stackName,
        TemplateDescription: stack.template.Description,
        CreationTime: stack.creationTime,
        DeletionTime: stack.deletionTime,
        StackStatus: stack.status,
        StackStatusReason: stack.statusReason,
        ParentId: stack.nestedIn?.parentId,
        RootId: stack.nestedIn?.rootId,
      })),
    ...(end < stacks.length && { NextToken: String(end) }),
  };
}

/** @throws AwsError ValidationError for a token that no page has given */
export function position(nextToken: string, length: number): number {
  const index = Number(nextToken);
  if (Number.isInteger(index) && index > 0 && index <= length) return index;
  throw validationError('Invalid NextToken');
}
