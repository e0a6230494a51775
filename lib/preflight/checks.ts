import { KeyPolicyBusy, StepError } from '../errors.ts';

/** How the checks of a request are made: those of a step end with the first fault, those of a plan find all. */
export interface Checks {
  /**
   * Makes a check, which may use the results of others.
   * @returns what gives its result, or throws the check's fault again: a check that uses it has no fault of its own
   */
  attempt<Value>(check: () => Value | Promise<Value>): Promise<() => Value>;
  /** @throws Faults when a check had one */
  settle(): void;
}

/** Everything that is wrong with a request, as far as it could be looked at. */
export class Faults extends Error {
  override readonly name = 'Faults';
  readonly faults: readonly StepError[];

  constructor(faults: readonly StepError[]) {
    super(faults.map(({ name, message }) => `${name}: ${message}`).join('; '));
    this.faults = faults;
  }
}

/** Throws the first fault as it is. */
export const untilFirstFault: Checks = {
  async attempt(check) {
    const value = await check();
    return () => value;
  },
  settle() {},
};

/**
 * Keeps the faults until they are asked for. What is no fault of the request or the world is thrown: AWS's own errors, and a key that
 * somebody else works on at this moment.
 */
export function allFaults(): Checks {
  // Two checks may find the same, such as that an account cannot be reached.
  const faults = new Map<string, StepError>();
  return {
    async attempt(check) {
      try {
        const value = await check();
        return () => value;
      } catch (error) {
        if (!(error instanceof StepError) || error instanceof KeyPolicyBusy) throw error;
        faults.set(`${error.name} ${error.message}`, error);
        return () => {
          throw error;
        };
      }
    },
    settle() {
      if (faults.size > 0) throw new Faults([...faults.values()]);
    },
  };
}
