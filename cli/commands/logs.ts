import { type HistoryEvent, SFNClient } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { executionNameOf } from '../../lib/aws/arns.ts';
import { operationOf } from '../../lib/subscribers/operations.ts';
import { getSubscriber } from '../aws/functions.ts';
import { descriptionOf, historyOf } from '../aws/history.ts';
import { logGroupOf, readLogs } from '../aws/logs.ts';
import type { Outcome } from '../command.ts';
import { CommandError, usageError } from '../command-error.ts';
import { timeBefore } from '../duration.ts';
import type { Session } from '../session.ts';
import { configurationOf, type Deployment, findDeployment } from '../target/deployment.ts';
import type { Reachable } from '../target/target.ts';
import { logEntryOf, logText } from '../view/log-text.ts';

interface Options {
  execution?: string | undefined;
  since?: string | undefined;
  step?: string | undefined;
  jsonl?: boolean | undefined;
}

/** Functions that log about an execution, and are none of its states: those that start it, resume it, and record its failure. */
const besideStates = ['post-subscribers', 'accept-event', 'resume-on-stack-event', 'record-failure'] as const;

/** A line may be written by a function that is asked before the execution starts, and by one that is invoked when it is over. */
const beforeMs = 60_000;
const afterMs = 15 * 60_000;

/**
 * The lines that the deployment's functions have logged for an execution of a subscriber, in their order.
 * @throws CommandError named SubscriberNotFound, InvalidRequest for wrong options, ExecutionDoesNotExist when Step Functions does not know the execution any more
 */
export async function logs(
  { words: [userName = ''], options }: { words: readonly string[]; options: Options },
  session: Session,
  now = new Date(),
): Promise<Outcome> {
  if (options.jsonl === true && session.json) throw usageError('Give either --json or --jsonl, not both');
  const since = options.since === undefined ? undefined : timeBefore(now, options.since, '--since');
  const target = await session.reach();
  const deployment = await findDeployment(target);
  const executionArn = await executionOf(userName, options.execution, { target, deployment });
  const { functions, from, to } = await placesOf(executionArn, { target, deployment });
  const names = options.step === undefined ? functions : functionsOfStep(options.step, functions);
  const { lines, without } = await readLogs(
    {
      executionArn,
      functionNames: names.map(({ name }) => deployment.functionName(name)),
      from: since !== undefined && since > from ? since : from,
      to,
    },
    target,
  );
  const prefix = deployment.functionName('');
  const entries = lines.map((line) => logEntryOf(line, line.functionName.slice(prefix.length)));
  if (options.jsonl === true) {
    for (const entry of entries) session.printLine(entry);
    return { document: {}, isPrinted: true, text: '' };
  }
  // Functions that were not needed yet have none, and say nothing.
  const missing = without.filter((name) => !isBesideStates(name.slice(prefix.length))).map(logGroupOf);
  return {
    document: { userName, executionArn, lines: entries, missingLogGroups: missing },
    text: textOf(
      entries,
      { executionArn, missing, isSearchedWhole: options.step === undefined && since === undefined },
      session,
    ),
  };
}

const isBesideStates = (name: string) => besideStates.some((each) => each === name);

async function executionOf(
  userName: string,
  name: string | undefined,
  at: { target: Reachable; deployment: Deployment },
): Promise<string> {
  const { executionArn, attempts } = await getSubscriber(userName, at);
  if (name === undefined) return executionArn;
  const found = attempts.find(
    (attempt) => executionNameOf(attempt.executionArn) === name || attempt.executionArn === name,
  );
  if (found !== undefined) return found.executionArn;
  const names = attempts.map((attempt) => executionNameOf(attempt.executionArn)).join(', ');
  throw usageError(`${userName} has no execution ${name}; its attempts are ${names || 'not recorded'}`);
}

/** Which functions an execution has invoked, in their order, and when it ran. */
async function placesOf(executionArn: string, { target, deployment }: { target: Reachable; deployment: Deployment }) {
  const sfn = new SFNClient(configurationOf(target));
  try {
    const description = await descriptionOf(sfn, executionArn, target);
    // With data: the function behind a state that waits for a task token stands in its parameters.
    const events = await historyOf(sfn, executionArn, target, true);
    if (description === undefined || events === undefined) throw forgotten(executionArn, deployment);
    const { startDate = new Date(0), stopDate } = description;
    return {
      functions: [
        ...invokedBy(events, deployment.functionName('')),
        ...besideStates.map((name) => ({ name, states: new Set<string>() })),
      ],
      from: new Date(startDate.getTime() - beforeMs),
      to: stopDate === undefined ? undefined : new Date(stopDate.getTime() + afterMs),
    };
  } finally {
    sfn.destroy();
  }
}

/** A function by the name of its folder, and the states that have invoked it. */
interface InvokedFunction {
  name: string;
  states: ReadonlySet<string>;
}

function invokedBy(events: readonly HistoryEvent[], prefix: string): InvokedFunction[] {
  const found = new Map<string, Set<string>>();
  let state = '';
  for (const event of events) {
    state = event.stateEnteredEventDetails?.name ?? state;
    const whole = functionNameOf(event);
    if (whole?.startsWith(prefix) !== true) continue;
    const name = whole.slice(prefix.length);
    found.set(name, (found.get(name) ?? new Set()).add(state));
  }
  return [...found].map(([name, states]) => ({ name, states }));
}

const parametersSchema = v.pipe(v.string(), v.parseJson(), v.object({ FunctionName: v.string() }));

/** The function that an event says is invoked; its name stands in an ARN. */
function functionNameOf({
  lambdaFunctionScheduledEventDetails: scheduled,
  taskScheduledEventDetails: task,
}: HistoryEvent): string | undefined {
  const parameters = v.safeParse(parametersSchema, task?.parameters);
  const arn = scheduled?.resource ?? (parameters.success ? parameters.output.FunctionName : undefined);
  return arn?.split(':')[6] ?? arn;
}

/** @param step a state, or a function by the name of its folder */
function functionsOfStep(step: string, functions: readonly InvokedFunction[]): InvokedFunction[] {
  const found = functions.filter(({ name, states }) => name === step || states.has(step));
  if (found.length > 0) return found;
  const names = functions.flatMap(({ name, states }) => [...states, name]).join(', ');
  throw usageError(`The execution has no step ${step}; it has ${names}`);
}

function forgotten(executionArn: string, deployment: Deployment): CommandError {
  return new CommandError(
    'ExecutionDoesNotExist',
    `Step Functions no longer has the execution ${executionNameOf(executionArn)} of ${operationOf(executionArn)}, and so not which functions it has invoked`,
    `Search the log groups ${logGroupOf(deployment.functionName('*'))} in CloudWatch Logs for its ARN, as far as the param logRetentionDays has kept them.`,
  );
}

interface Found {
  executionArn: string;
  missing: readonly string[];
  isSearchedWhole: boolean;
}

function textOf(
  entries: readonly ReturnType<typeof logEntryOf>[],
  { executionArn, missing, isSearchedWhole }: Found,
  { terminal }: Session,
): string {
  const nothing = isSearchedWhole
    ? `No lines of ${executionArn}: CloudWatch Logs has them some seconds after they are written, and for as long as the param logRetentionDays says.\n`
    : `No such lines of ${executionArn}.\n`;
  const gone = missing.map((name) => `There is no log group ${name}.\n`).join('');
  return (entries.length === 0 ? nothing : logText(entries, terminal)) + gone;
}
