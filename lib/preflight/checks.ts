import type { AccountRegion } from '../aws/arns.ts';
import { InvalidRequest, KeyPolicyBusy, StepError } from '../errors.ts';
import { isRefusal, together } from '../refusals.ts';
import type { SubscriberRecord } from '../subscribers/record.ts';
import type { Template } from './pinned-template.ts';

/** How the checks of a request are made: those of a step end where the request is known to be wrong, those of a plan find everything. */
export interface Checks {
  /**
   * Makes a check, which may use the results of others.
   * @returns what gives its result, or throws the check's fault again: a check that uses it has no fault of its own
   */
  attempt<Value>(check: () => Value | Promise<Value>): Promise<() => Value>;
  /** What comes is not worth its calls when a check before had a fault: there a step ends. @throws StepError */
  pause(): void;
  /** @throws StepError or Faults when a check had a fault */
  settle(): void;
}

/** What is another thing for a step, which acts, and for a plan, which only looks. */
export interface Ways {
  checks: Checks;
  /** Refuses the request while, or because, somebody else works on the subscriber. */
  requireTurn(record: SubscriberRecord | undefined): Promise<void>;
  /** Where CloudFormation reads a template that is too long to stand in a call, and in which account and Region it is asked. */
  templateSource(template: Template, home: AccountRegion): Promise<{ url: string; asked: AccountRegion }>;
  info(message: string): void;
  warn(message: string): void;
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

/** The checks of a step, which ends with one error: of a refused request with everything that was found until the next pause. */
export function oneError(): Checks {
  const found: StepError[] = [];
  const settle = () => {
    const error = asOne(found);
    if (error !== undefined) throw error;
  };
  return {
    async attempt(check) {
      try {
        const value = await check();
        return () => value;
      } catch (error) {
        if (!isRefusal(error)) throw asOne(found) ?? error;
        // Also thrown by a check that has asked for the result.
        if (!found.includes(error)) found.push(error);
        return () => {
          throw error;
        };
      }
    },
    pause: settle,
    settle,
  };
}

/** What is wrong with the request itself comes before what is wrong with what it names. */
function asOne(found: readonly StepError[]): StepError | undefined {
  const [first, ...others] = found;
  if (first === undefined) return undefined;
  const [other, ...rest] = others.filter((error) => !(error instanceof InvalidRequest));
  if (!(first instanceof InvalidRequest) || other === undefined) return together(first, others);
  const invalid = others.filter((error) => error instanceof InvalidRequest);
  return together(together(first, invalid), [together(other, rest)]);
}

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
    pause() {},
    settle() {
      if (faults.size > 0) throw new Faults([...faults.values()]);
    },
  };
}
