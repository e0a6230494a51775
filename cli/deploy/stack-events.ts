import {
  CloudFormationClient,
  CloudFormationServiceException,
  paginateDescribeStackEvents,
  type StackEvent,
} from '@aws-sdk/client-cloudformation';
import { configurationOf, stackNameOf } from '../target/deployment.ts';
import type { Reachable } from '../target/target.ts';

/** The place where a stack is. */
export interface StackPlace {
  target: Reachable;
  region: string;
}

/**
 * The events of a stage's stack, newest first, down to one that is known.
 * @param untilId the event that was the newest before; undefined: all
 * @returns none of a stack that there is not, or may not be looked at: what is known of a failure then is what osls says
 */
export async function newEvents({ target, region }: StackPlace, untilId: string | undefined): Promise<StackEvent[]> {
  const client = new CloudFormationClient({ ...configurationOf(target), region });
  const found: StackEvent[] = [];
  try {
    for await (const page of paginateDescribeStackEvents({ client }, { StackName: stackNameOf(target.stage) })) {
      for (const event of page.StackEvents ?? []) {
        if (event.EventId === untilId) return found;
        found.push(event);
      }
    }
    return found;
  } catch (error) {
    if (error instanceof CloudFormationServiceException) return [];
    throw error;
  } finally {
    client.destroy();
  }
}

/** The newest event of a stage's stack. */
export async function newestEventId(place: StackPlace): Promise<string | undefined> {
  const client = new CloudFormationClient({ ...configurationOf(place.target), region: place.region });
  try {
    const pages = paginateDescribeStackEvents({ client }, { StackName: stackNameOf(place.target.stage) });
    for await (const { StackEvents: [newest] = [] } of pages) return newest?.EventId;
    return undefined;
  } catch (error) {
    if (error instanceof CloudFormationServiceException) return undefined;
    throw error;
  } finally {
    client.destroy();
  }
}

/**
 * The resource that failed first, in CloudFormation's words: others are cancelled because of it.
 * @param events newest first
 */
export function firstFailure(events: readonly StackEvent[]): string | undefined {
  const failed = events.filter(
    ({ ResourceStatus = '', ResourceStatusReason = '' }) =>
      ResourceStatus.endsWith('_FAILED') &&
      ResourceStatusReason !== '' &&
      !/^Resource \w+ cancelled/.test(ResourceStatusReason),
  );
  // The stack's own failure lists those of its resources.
  const ofResources = failed.filter(({ PhysicalResourceId, StackId }) => PhysicalResourceId !== StackId);
  const first = ofResources.at(-1) ?? failed.at(-1) ?? rolledBack(events);
  if (first === undefined) return undefined;
  return `${first.LogicalResourceId} (${first.ResourceType}): ${first.ResourceStatusReason}`;
}

/** Why a stack is rolled back in which no resource has failed, such as an output or an export that cannot be. */
const rolledBack = (events: readonly StackEvent[]) =>
  events.findLast(
    ({ ResourceStatus = '', ResourceStatusReason, PhysicalResourceId, StackId }) =>
      PhysicalResourceId === StackId &&
      /ROLLBACK_IN_PROGRESS$/.test(ResourceStatus) &&
      ResourceStatusReason !== undefined,
  );
