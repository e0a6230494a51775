import { InvalidRequest, StepError } from './errors.ts';
import { type Fault, listed } from './faults.ts';

/**
 * The errors that say what is wrong with a request, or with what it names. No other one is waited for, because it says nothing of the request,
 * and may be over when the step is tried again.
 */
const refusals: ReadonlySet<string> = new Set([
  'InvalidRequest',
  'SecretNotReadable',
  'KeyNotUsable',
  'KeyPolicyFull',
  'KeyPolicyOrphan',
  'KeyPolicyNotUnderstood',
]);

export const isRefusal = (error: unknown): error is StepError => error instanceof StepError && refusals.has(error.name);

/** Refuses a request that has faults. @throws InvalidRequest naming all of them */
export function refuse(faults: readonly Fault[]): void {
  if (faults.length > 0) throw new InvalidRequest(faults);
}

/** The faults that a check of a request finds; every other error is thrown. */
export function faultsOf(check: () => unknown): readonly Fault[] {
  try {
    check();
    return [];
  } catch (error) {
    if (error instanceof InvalidRequest) return error.faults;
    throw error;
  }
}

/**
 * Checks things that have nothing to do with each other, and none of which changes anything, one after the other, so that a request is refused for all
 * that is wrong with it.
 * @returns what was found of each
 * @throws what is refused, together; and when nothing is, what else goes wrong
 */
export async function checkEach<Item, Result>(
  items: readonly Item[],
  check: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const found: StepError[] = [];
  for (const item of items) {
    try {
      results.push(await check(item));
    } catch (error) {
      if (isRefusal(error)) found.push(error);
      else if (found.length === 0) throw error;
      else break;
    }
  }
  const [first, ...others] = found;
  if (first !== undefined) throw together(first, others);
  return results;
}

/** The same for two checks, of which the second one returns something. */
export async function checkBoth<Result>(first: () => Promise<unknown>, second: () => Promise<Result>): Promise<Result> {
  const refused = await first().then(
    () => undefined,
    (error: unknown) => {
      if (isRefusal(error)) return error;
      throw error;
    },
  );
  if (refused === undefined) return second();
  await second().catch((error: unknown) => {
    if (isRefusal(error)) throw together(refused, [error]);
  });
  throw refused;
}

/** One error for several: by the name of the first, with what the others say. */
export function together(first: StepError, others: readonly StepError[]): StepError {
  const isInvalid = (error: StepError) => error instanceof InvalidRequest;
  const faults = [first, ...others].flatMap((error) => (error instanceof InvalidRequest ? error.faults : []));
  const error = isInvalid(first) ? new InvalidRequest(faults) : first;
  const rest = others.filter((other) => !(isInvalid(first) && isInvalid(other)));
  const texts = rest.map(({ name, message }) => (name === first.name ? message : `${name}: ${message}`));
  error.message = listed([...new Set([error.message, ...texts])], '; also ');
  return error;
}
