import type { Clock } from '../../../core/clock.ts';
import type { ResourceProviders } from '../../../core/resource-provider.ts';
import type { Iam } from '../../iam/service.ts';
import { conditionValue, evaluate } from '../evaluate.ts';
import type { Stack, Transitions } from '../stack.ts';
import { createCreation, isCreating } from './create-resources.ts';
import { createDeletion } from './delete-resources.ts';
import { messageOf } from './message-of.ts';

interface Parts {
  clock: Clock;
  iam: Pick<Iam, 'serviceCaller'>;
  providers: ResourceProviders;
  transitions: Transitions;
  /** How long each resource takes. */
  resourceDelayMs: number;
}

/** The operations on stacks as they go on after their call was answered; a stack's `work` settles at their end. */
export interface Provisioner {
  create(stack: Stack): void;
  /** Leaves the resources of these logical ids where they are. */
  delete(stack: Stack, retained: readonly string[]): void;
}

export function createProvisioner(parts: Parts): Provisioner {
  const { transitions } = parts;
  const { createResources } = createCreation(parts);
  const { deleteResources, finishDeletion } = createDeletion(parts);

  async function create(stack: Stack): Promise<void> {
    const failure = (await createResources(stack)) ?? (isCreating(stack) ? setOutputs(stack) : undefined);
    if (!isCreating(stack)) return;
    if (failure === undefined) return transitions.stack(stack, 'CREATE_COMPLETE');
    switch (stack.onFailure) {
      case 'DO_NOTHING':
        return transitions.stack(stack, 'CREATE_FAILED', failure);
      case 'ROLLBACK': {
        transitions.stack(stack, 'ROLLBACK_IN_PROGRESS', `${failure} Rollback requested by user.`);
        const problem = await deleteResources(stack, true);
        return transitions.stack(stack, problem === undefined ? 'ROLLBACK_COMPLETE' : 'ROLLBACK_FAILED', problem);
      }
      case 'DELETE':
        transitions.stack(stack, 'DELETE_IN_PROGRESS', `${failure} Delete requested by user.`);
        return finishDeletion(stack, true);
    }
  }

  return {
    create(stack) {
      transitions.stack(stack, 'CREATE_IN_PROGRESS', 'User Initiated');
      stack.work = create(stack);
    },
    delete(stack, retained) {
      transitions.stack(stack, 'DELETE_IN_PROGRESS', 'User Initiated');
      // A creation that is under way ends at its next resource.
      stack.work = stack.work.then(() => finishDeletion(stack, false, retained));
    },
  };
}

/** Returns why the outputs have no value. */
function setOutputs(stack: Stack): string | undefined {
  const { template, scope } = stack;
  try {
    stack.outputs = Object.entries(template.Outputs)
      .filter(([, { Condition }]) => conditionValue(Condition, scope.conditions))
      .map(([OutputKey, { Value, Description }]) => ({
        OutputKey,
        OutputValue: String(evaluate(Value, scope)),
        Description,
      }));
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
