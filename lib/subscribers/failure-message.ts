import type { HistoryEvent } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { isRetried } from '../foreign-errors.ts';
import { json } from '../json.ts';
import { redact } from '../redact.ts';
import { shortened } from './shortened.ts';

const lambdaCauseSchema = json(v.object({ errorMessage: v.string() }));
const textSchema = json(v.string());

/** What is shown and kept of a message: an error of the machine itself quotes the state's whole input. */
const maxBytes = 4096;

/** How often the state that an execution ended in was tried, and over how long. */
export interface Tries {
  count: number;
  ms: number;
}

/**
 * What an execution's failure says to a person: the message inside Lambda's JSON, the cause as it is, or, where there is none,
 * what its name means; and of what the state machines try again, how often and for how long that was tried.
 * @param step the state that the execution ended in; undefined when none was entered
 */
export function failureMessage(failure: {
  name: string;
  step: string | undefined;
  cause: string | undefined;
  tries?: Tries | undefined;
}): string {
  const { name, step, cause, tries } = failure;
  // Cut only when nothing is left in it that a cut would make unrecognizable.
  const message = redact(lambdaMessage(cause) ?? cause ?? '');
  const tried =
    tries !== undefined && tries.count > 1 && isRetried(name)
      ? `; the state machine has tried it ${tries.count} times in ${duration(tries.ms)}`
      : '';
  return `${message === '' ? meaning(name, step) : shortened(message, maxBytes)}${tried}`;
}

/** The message inside Lambda's JSON, also when Step Functions has cut that: it keeps 32,768 characters of a cause. */
function lambdaMessage(cause: string | undefined): string | undefined {
  const parsed = v.safeParse(lambdaCauseSchema, cause);
  if (parsed.success) return parsed.output.errorMessage;
  const [, start] = /^\{.*?"errorMessage":\s*"((?:[^"\\]|\\.)*)/s.exec(cause ?? '') ?? [];
  const text = v.safeParse(textSchema, `"${start}"`);
  return start !== undefined && text.success ? text.output : undefined;
}

/**
 * How the state that an execution ended in was tried since it was entered, or since the execution was redriven.
 * @param newestFirst the execution's events, back to where the state was entered
 */
export function triesOf(newestFirst: readonly HistoryEvent[], stopDate: Date | undefined): Tries | undefined {
  const begin = newestFirst.findIndex(
    ({ type, stateEnteredEventDetails }) => stateEnteredEventDetails !== undefined || type === 'ExecutionRedriven',
  );
  const beganAt = newestFirst[begin]?.timestamp;
  if (beganAt === undefined || stopDate === undefined) return undefined;
  const tries = newestFirst.slice(0, begin).filter(({ type }) => /^(Task|LambdaFunction)Scheduled$/.test(type ?? ''));
  return { count: tries.length, ms: stopDate.getTime() - beganAt.getTime() };
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

/** What a state waits for: one for CloudFormation, with a task token, all others for their functions. */
function awaited(step: string | undefined): string {
  if (step === undefined) return '';
  return step === 'WaitForStack'
    ? ', which waited for CloudFormation to finish with the stack'
    : ', whose function had not answered';
}

function meaning(name: string, step: string | undefined): string {
  const where = step === undefined ? 'before its first state' : `in ${step}`;
  switch (name) {
    case 'States.Timeout':
      return `The time limit was reached ${where}${awaited(step)}`;
    case 'ABORTED':
      return `The execution was stopped ${where}`;
    default:
      return `The execution failed ${where}, without a cause`;
  }
}
