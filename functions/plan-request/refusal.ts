import { InvalidRequest, SecretNotReadable, type StepError } from '../../lib/errors.ts';
import type { PreviewFault } from '../../lib/preflight/preview.ts';

/** So many faults are answered at most: what more is wrong shows when these are mended. */
const maxFaults = 100;

/** What a plan answers of a request that is wrong: the first fault, as the machine would fail with it, and all of them. */
export function refusalOf(faults: readonly StepError[]): Pick<StepError, 'name' | 'message' | 'remedy'> & {
  errors: PreviewFault[];
} {
  const [first] = faults;
  const more = faults.length - 1;
  return {
    name: first?.name ?? '',
    message: `${first?.message ?? ''}${more > 0 ? ` (and ${more} more)` : ''}`,
    remedy: first?.remedy ?? '',
    errors: faults.flatMap(errorsOf).slice(0, maxFaults),
  };
}

function errorsOf(fault: StepError): PreviewFault[] {
  const { name, message, remedy } = fault;
  const field = fault instanceof InvalidRequest || fault instanceof SecretNotReadable ? fault.field : undefined;
  if (field === undefined) return [{ name, rule: message, remedy }];
  return [{ name, ...placeOf(field), rule: message.slice(`${field}: `.length), remedy }];
}

/** A place in the request; `request` stands for the whole. */
function placeOf(field: string): Pick<PreviewFault, 'field' | 'pointer'> {
  const names = field === 'request' ? [] : field.split('.');
  return { field, pointer: names.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('') };
}
