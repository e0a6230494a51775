import type { DescribeExecutionCommandOutput, HistoryEvent } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { remedyFor } from '../../lib/errors.ts';
import { failureMessage, triesOf } from '../../lib/subscribers/failure-message.ts';
import type { CommandError, CommandFault } from '../command-error.ts';
import { type Attempt, attemptsOf } from './attempts.ts';

/** An execution as DescribeExecution returns it. */
export type Description = Pick<
  DescribeExecutionCommandOutput,
  'executionArn' | 'status' | 'startDate' | 'stopDate' | 'error' | 'cause' | 'output'
>;

export type Status = 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

export interface Failure {
  name: string;
  /** The state, or the function outside the machine, that failed; null when none was entered. */
  step: string | null;
  message: string;
  remedy: string;
  /** Each place of the request that is wrong, by its JSON Pointer, when it was found before anything was started. */
  errors?: readonly CommandFault[];
}

/** The document that `--json` prints. */
export interface Report {
  status: Status;
  /** Null when nothing was started. */
  executionArn: string | null;
  durationMs: number;
  /** States entered plus retries. */
  transitions: number;
  output: Output | null;
  /** The secret with the subscriber's password and custom token, as soon as a state has named it. */
  credentialsSecretId: string | null;
  error: Failure | null;
  /** The policies of the request's keys after the run, by key ARN. */
  keyPolicies: Record<string, unknown>;
  history: { state: string; attempt: number; enteredAt: string; exitedAt: string | null }[];
}

/** What the machines put out: of the subscriber what each of them knows, and what came of it. */
export const outputSchema = v.looseObject({
  userName: v.string(),
  stackId: v.optional(v.nullable(v.string())),
  roleArn: v.optional(v.string()),
  keyArns: v.optional(v.array(v.string())),
  /** Of an onboarding: whether InfinStor was seen to use the role; null when that was not checked. */
  verified: v.optional(v.nullable(v.boolean())),
  /** What of the subscriber was changed; false or empty: nothing, everything was there already. */
  changed: v.optional(v.union([v.boolean(), v.array(v.string())])),
  /** Of an upgrade: the build that the stack is of, and what was replaced or removed. */
  build: v.optional(v.string()),
  replaced: v.optional(v.array(v.string())),
  /** Of users that were to be added. */
  users: v.optional(
    v.array(v.looseObject({ userName: v.string(), outcome: v.string(), credentialsSecretId: v.optional(v.string()) })),
  ),
  /** Of an offboarding: what of the stack is still there, and what is left for a person to do. */
  retained: v.optional(v.array(v.looseObject({ type: v.string(), physicalId: v.string() }))),
  byHand: v.optional(v.array(v.string())),
});
export type Output = v.InferOutput<typeof outputSchema>;

/** The status of an execution that is over, or undefined while it runs. */
export function finalStatus({ status }: Pick<Description, 'status'>): Status | undefined {
  switch (status) {
    case 'SUCCEEDED':
    case 'FAILED':
    case 'TIMED_OUT':
    case 'ABORTED':
      return status;
    case 'RUNNING':
    case 'PENDING_REDRIVE':
    case undefined:
      return undefined;
  }
}

/**
 * The report of an execution that is over, from its description and its whole history.
 * @throws Error when the execution still runs
 */
export function reportOf(
  description: Description,
  events: readonly HistoryEvent[],
  keyPolicies: ReadonlyMap<string, unknown>,
): Report {
  const status = finalStatus(description);
  if (status === undefined) throw new Error(`${description.executionArn} is still running`);
  const { executionArn = null, startDate, stopDate, output } = description;
  const attempts = attemptsOf(events);
  return {
    status,
    executionArn,
    durationMs: startDate && stopDate ? stopDate.getTime() - startDate.getTime() : 0,
    transitions: attempts.length,
    output: status === 'SUCCEEDED' ? outputOf(output) : null,
    credentialsSecretId: credentialsSecretIdOf(events),
    error: status === 'SUCCEEDED' ? null : failureOf(status, description, attempts.at(-1), events),
    keyPolicies: Object.fromEntries(keyPolicies),
    history: attempts.map(({ state, attempt, enteredAt, exitedAt }) => ({
      state,
      attempt,
      enteredAt: enteredAt.toISOString(),
      exitedAt: exitedAt?.toISOString() ?? null,
    })),
  };
}

/** A failure of the command itself, or of what it asked for outside an execution. */
export function failureOfCommand({ name, step, message, remedy, errors }: CommandError): Failure {
  return { name, step, message, remedy, ...(errors && { errors }) };
}

/** The report of a run that the command itself could not begin or follow to its end. */
export function brokenOff(error: CommandError, executionArn: string | null): Report {
  return {
    status: 'FAILED',
    executionArn,
    durationMs: 0,
    transitions: 0,
    output: null,
    credentialsSecretId: null,
    error: failureOfCommand(error),
    keyPolicies: {},
    history: [],
  };
}

const ofRequest: ReadonlySet<string> = new Set(['InvalidRequest', 'PlanChanged']);

/** The exit status of the command: 0 succeeded, 2 invalid request, usage or plan, 1 any other failure. */
export function exitStatus({
  error,
}: {
  error: { name: string; errors?: Failure['errors'] | undefined } | null;
}): 0 | 1 | 2 {
  if (error === null) return 0;
  // Only a request has places that are wrong.
  return ofRequest.has(error.name) || error.errors !== undefined ? 2 : 1;
}

/** The output of a succeeded execution; null for what no machine puts out. */
export function outputOf(output: string | undefined): Output | null {
  const result = v.safeParse(outputSchema, parseJson(output ?? ''));
  return result.success ? result.output : null;
}

const credentialsSchema = v.object({ credentialsSecretId: v.string() });
/** Where the states' outputs name the secret: an onboarding when it exists, the others in their plans. */
const stateOutputSchema = v.union([v.object({ subscriber: credentialsSchema }), v.object({ plan: credentialsSchema })]);

/** The subscriber's credentials secret, by the states that were left; null while none has named it. */
function credentialsSecretIdOf(events: readonly HistoryEvent[]): string | null {
  const [found] = events.toReversed().flatMap(({ stateExitedEventDetails: exited }) => {
    const result = v.safeParse(stateOutputSchema, parseJson(exited?.output ?? ''));
    if (!result.success) return [];
    return [('subscriber' in result.output ? result.output.subscriber : result.output.plan).credentialsSecretId];
  });
  return found ?? null;
}

function failureOf(
  status: Exclude<Status, 'SUCCEEDED'>,
  { error, cause, stopDate }: Description,
  last: Attempt | undefined,
  events: readonly HistoryEvent[],
) {
  const step = last?.state;
  const name = error ?? nameOf(status);
  const tries = triesOf(events.toReversed(), stopDate);
  return { name, step: step ?? null, message: failureMessage({ name, step, cause, tries }), remedy: remedyFor(name) };
}

function nameOf(status: Exclude<Status, 'SUCCEEDED'>): string {
  switch (status) {
    case 'FAILED':
      return 'States.TaskFailed';
    case 'TIMED_OUT':
      return 'States.Timeout';
    case 'ABORTED':
      return 'ABORTED';
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
