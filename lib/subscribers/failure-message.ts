import * as v from 'valibot';
import { json } from '../json.ts';
import { redact } from '../redact.ts';

const lambdaCauseSchema = json(v.object({ errorMessage: v.string() }));

/**
 * What an execution's failure says to a person: the message inside Lambda's JSON, the cause as it is, or, where there is none,
 * what its name means.
 * @param step the state that the execution ended in; undefined when none was entered
 */
export function failureMessage(failure: { name: string; step: string | undefined; cause: string | undefined }): string {
  const { name, step, cause } = failure;
  const parsed = v.safeParse(lambdaCauseSchema, cause);
  const message = redact(parsed.success ? parsed.output.errorMessage : (cause ?? ''));
  return message === '' ? meaning(name, step) : message;
}

function meaning(name: string, step: string | undefined): string {
  const where = step === undefined ? 'before its first state' : `in ${step}`;
  switch (name) {
    case 'States.Timeout':
      return `The time limit was reached ${where}`;
    case 'ABORTED':
      return `The execution was stopped ${where}`;
    default:
      return `The execution failed ${where}, without a cause`;
  }
}
