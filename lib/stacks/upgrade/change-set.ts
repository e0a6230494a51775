import {
  type Change,
  ChangeSetNotFoundException,
  type CloudFormationClient,
  CloudFormationServiceException,
  DeleteChangeSetCommand,
  DescribeChangeSetCommand,
  type DescribeChangeSetOutput,
} from '@aws-sdk/client-cloudformation';
import { customResourcesCalled, type Loss, lossesIn } from './changes.ts';

/** A change set, and what it replaces or removes of what an upgrade must keep. */
export interface DescribedChangeSet {
  changeSetId: string;
  status: string;
  statusReason: string;
  executionStatus: string;
  losses: Loss[];
  /** The vendor's custom resources that it certainly calls. */
  customResources: string[];
}

/** A change set by its name or ARN; IAM knows a call that names the stack, too, by that. */
export interface ChangeSetOf {
  name: string;
  stackId: string;
}

/**
 * A change set, with those of the stacks that are nested in its stack.
 * @returns undefined when there is none
 */
export async function describeChangeSet(
  cloudFormation: CloudFormationClient,
  { name, stackId }: ChangeSetOf,
  within = '',
): Promise<DescribedChangeSet | undefined> {
  let first: DescribeChangeSetOutput | undefined;
  const changes: Change[] = [];
  const losses: Loss[] = [];
  const customResources: string[] = [];
  let NextToken: string | undefined;
  do {
    const page = await send(cloudFormation, { name, stackId, NextToken });
    if (page === undefined) return undefined;
    first ??= page;
    changes.push(...(page.Changes ?? []));
    losses.push(...lossesIn(page.Changes ?? [], within));
    for (const { ResourceChange: change } of page.Changes ?? []) {
      const { ChangeSetId: nestedSet, PhysicalResourceId: nestedId } = change ?? {};
      if (change === undefined || nestedSet === undefined || nestedId === undefined) continue;
      const path = `${within}${change.LogicalResourceId}.`;
      const nested = await describeChangeSet(cloudFormation, { name: nestedSet, stackId: nestedId }, path);
      losses.push(...(nested?.losses ?? []));
      customResources.push(...(nested?.customResources ?? []));
    }
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  const {
    ChangeSetId: changeSetId = '',
    Status: status = '',
    StatusReason: statusReason = '',
    ExecutionStatus,
  } = first;
  // What causes a change may stand on another page.
  customResources.push(...customResourcesCalled(changes, within));
  return { changeSetId, status, statusReason, executionStatus: ExecutionStatus ?? '', losses, customResources };
}

async function send(
  cloudFormation: CloudFormationClient,
  { name, stackId, NextToken }: ChangeSetOf & { NextToken: string | undefined },
): Promise<DescribeChangeSetOutput | undefined> {
  try {
    return await cloudFormation.send(
      new DescribeChangeSetCommand({
        ChangeSetName: name,
        StackName: stackId,
        ...(NextToken !== undefined && { NextToken }),
      }),
    );
  } catch (error) {
    if (error instanceof ChangeSetNotFoundException) return undefined;
    throw error;
  }
}

/** Deletes a change set; one that is gone already is nobody's trouble. */
export async function deleteChangeSet(
  cloudFormation: CloudFormationClient,
  { name, stackId }: ChangeSetOf,
): Promise<void> {
  try {
    await cloudFormation.send(new DeleteChangeSetCommand({ ChangeSetName: name, StackName: stackId }));
  } catch (error) {
    if (!(error instanceof ChangeSetNotFoundException)) throw error;
  }
}

/**
 * Whether a change set failed because the stack is already as it is to be. CloudFormation has no status of its own for it; these are its
 * words, of change sets and of updates (aws/aws-cdk, `changeSetHasNoChanges`; aws/aws-cli, `deployer.py`).
 */
export const hasNoChanges = ({ status, statusReason }: DescribedChangeSet): boolean =>
  status === 'FAILED' &&
  (statusReason.startsWith("The submitted information didn't contain changes.") ||
    statusReason.startsWith('No updates are to be performed'));

/** CloudFormation has no error of its own for a stack that something else has begun with since it was looked at; these are its words. */
export const isBusy = (error: unknown): error is CloudFormationServiceException =>
  error instanceof CloudFormationServiceException &&
  error.name === 'ValidationError' &&
  /is in \w+_IN_PROGRESS state and can ?not be updated/.test(error.message);
