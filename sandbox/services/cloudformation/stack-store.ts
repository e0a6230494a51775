import type { Stack } from './stack.ts';
import { validationError } from './template-checks.ts';

export interface StackStore {
  /** The stack of this id, or the one of this name that is not deleted. */
  find(nameOrId: string): Stack | undefined;
  /** Like `find`; throws ValidationError, in the words of most operations by default. */
  require(nameOrId: string, message?: string): Stack;
  add(stack: Stack): void;
  /** Every stack that was made, the deleted ones too. */
  all(): readonly Stack[];
}

export const isLive = ({ status }: Stack) => status !== 'DELETE_COMPLETE';

export function createStackStore(): StackStore {
  const stacks: Stack[] = [];
  const byId = new Map<string, Stack>();
  /** A name is free for another stack when its stack is deleted, so that the latest one alone can be live. */
  const latestByName = new Map<string, Stack>();

  function find(nameOrId: string): Stack | undefined {
    const latest = latestByName.get(nameOrId);
    return byId.get(nameOrId) ?? (latest !== undefined && isLive(latest) ? latest : undefined);
  }

  return {
    find,
    require(nameOrId, message = `Stack with id ${nameOrId} does not exist`) {
      const stack = find(nameOrId);
      if (stack === undefined) throw validationError(message);
      return stack;
    },
    add(stack) {
      stacks.push(stack);
      byId.set(stack.stackId, stack);
      latestByName.set(stack.stackName, stack);
    },
    all: () => stacks,
  };
}
