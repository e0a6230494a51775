import * as v from 'valibot';
import { json } from '../json.ts';
import { redact } from '../redact.ts';
import { shortened } from './shortened.ts';

const lambdaCauseSchema = json(v.object({ errorMessage: v.string() }));
const textSchema = json(v.string());

/** What is shown and kept of a message: an error of the machine itself quotes the state's whole input. */
const maxBytes = 4096;

/**
 * What an execution's failure says to a person: the message inside Lambda's JSON, the cause as it is, or, where there is none,
 * what its name means.
 * @param step the state that the execution ended in; undefined when none was entered
 */
export function failureMessage(failure: { name: string; step: string | undefined; cause: string | undefined }): string {
  const { name, step, cause } = failure;
  // Cut only when nothing is left in it that a cut would make unrecognizable.
  const message = redact(lambdaMessage(cause) ?? cause ?? '');
  return message === '' ? meaning(name, step) : shortened(message, maxBytes);
}

/** The message inside Lambda's JSON, also when Step Functions has cut that: it keeps 32,768 characters of a cause. */
function lambdaMessage(cause: string | undefined): string | undefined {
  const parsed = v.safeParse(lambdaCauseSchema, cause);
  if (parsed.success) return parsed.output.errorMessage;
  const [, start] = /^\{.*?"errorMessage":\s*"((?:[^"\\]|\\.)*)/s.exec(cause ?? '') ?? [];
  const text = v.safeParse(textSchema, `"${start}"`);
  return start !== undefined && text.success ? text.output : undefined;
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
