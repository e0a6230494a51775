import type { Clock } from '../../../core/clock.ts';
import type { Iam } from '../../iam/service.ts';
import type { Stack, StackResource, Transitions } from '../stack.ts';
import { callerFor } from './caller.ts';
import { messageOf } from './message-of.ts';
import { paceOf } from './pace.ts';

interface Parts {
  clock: Clock;
  iam: Pick<Iam, 'serviceCaller'>;
  transitions: Transitions;
  /** How long each resource takes. */
  resourceDelayMs: number;
}

/** What deletes the resources of a stack, the last first, and what ends a deletion of the stack itself. */
export function createDeletion({ clock, iam, transitions, resourceDelayMs }: Parts) {
  async function finishDeletion(stack: Stack, inCreation: boolean, retained: readonly string[] = []): Promise<void> {
    // It takes its time, also when there is nothing left to delete.
    await takeTime(stack);
    const problem = await deleteResources(stack, inCreation, retained);
    transitions.stack(stack, problem === undefined ? 'DELETE_COMPLETE' : 'DELETE_FAILED', problem);
  }

  /** Returns what went wrong. */
  async function deleteResources(
    stack: Stack,
    inCreation: boolean,
    retained: readonly string[] = [],
  ): Promise<string | undefined> {
    for (const resource of stack.resources.toReversed()) {
      if (resource.status === 'DELETE_COMPLETE' || resource.status === 'DELETE_SKIPPED') continue;
      const isKept = retained.includes(resource.logicalId) || isRetained(resource, stack, inCreation);
      await deleteOrLeave(stack, resource, isKept);
    }
    const failed = stack.resources.filter(({ status }) => status === 'DELETE_FAILED').map(({ logicalId }) => logicalId);
    return failed.length === 0 ? undefined : `The following resource(s) failed to delete: [${failed.join(', ')}].`;
  }

  /** Deletes a resource, or what it was before an update replaced it; what is to be retained stays, and does not count any more. */
  async function deleteOrLeave(stack: Stack, resource: StackResource, isKept: boolean): Promise<void> {
    if (resource.provisioned === undefined) transitions.resource(stack, resource, 'DELETE_COMPLETE');
    else if (isKept) transitions.resource(stack, resource, 'DELETE_SKIPPED');
    else await deleteResource(stack, resource);
  }

  /** The deployment is made and deleted in no time of the clock. */
  async function takeTime(stack: Stack): Promise<void> {
    if (!stack.isDeployment) await clock.sleep(paceOf(stack, resourceDelayMs));
  }

  async function deleteResource(stack: Stack, resource: StackResource): Promise<void> {
    transitions.resource(stack, resource, 'DELETE_IN_PROGRESS');
    await takeTime(stack);
    try {
      await resource.provisioned?.delete?.(callerFor(iam, stack));
      transitions.resource(stack, resource, 'DELETE_COMPLETE');
    } catch (error) {
      transitions.resource(stack, resource, 'DELETE_FAILED', messageOf(error));
    }
  }

  return { deleteResources, finishDeletion, deleteOrLeave, takeTime };
}

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html */
export function isRetained(
  { deletionPolicy }: StackResource,
  { retainExceptOnCreate }: Stack,
  inCreation: boolean,
): boolean {
  switch (deletionPolicy) {
    case 'Delete':
      return false;
    case 'Retain':
      return !(inCreation && retainExceptOnCreate);
    case 'RetainExceptOnCreate':
      return !inCreation;
  }
}
