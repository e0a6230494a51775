import { InvalidRequest, SecretNotReadable, type StepError } from '../../lib/errors.ts';
import { faultAt } from '../../lib/faults.ts';
import type { PreviewFault } from '../../lib/preflight/preview.ts';

/** So many faults are answered at most: what more is wrong shows when these are mended. */
const maxFaults = 100;

/** What a plan answers of a request that is wrong: the first fault, as the machine would fail with it, and all of them. */
export function refusalOf(faults: readonly StepError[]): Pick<StepError, 'name' | 'message' | 'remedy'> & {
  errors: PreviewFault[];
} {
  const [first] = faults;
  const errors = faults.flatMap(errorsOf);
  // The message of the first names all of its own.
  const more = faults.slice(1).flatMap(errorsOf).length;
  return {
    name: first?.name ?? '',
    message: `${first?.message ?? ''}${more > 0 ? ` (and ${more} more)` : ''}`,
    remedy: first?.remedy ?? '',
    errors: errors.slice(0, maxFaults),
  };
}

function errorsOf(error: StepError): PreviewFault[] {
  const { name, message, remedy } = error;
  if (error instanceof InvalidRequest) return error.faults.map((each) => ({ name, ...each, remedy }));
  if (!(error instanceof SecretNotReadable) || error.field === undefined) return [{ name, rule: message, remedy }];
  return [{ name, ...faultAt(error.field, message.slice(`${error.field}: `.length)), remedy }];
}
