import { type DescribeExecutionOutput, paginateGetExecutionHistory, type SFNClient } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { type AccountRegion, executionArnOf } from '../../lib/aws/arns.ts';
import { describeExecution } from '../../lib/aws/describe-execution.ts';
import { ExecutionSuperseded, remedyFor } from '../../lib/errors.ts';
import { json, parseJson } from '../../lib/json.ts';
import { type Role, roleSchema } from '../../lib/plans/onboarding.ts';
import { originIn, unknownRequester } from '../../lib/plans/origin.ts';
import { pauseOf, readBreaker } from '../../lib/registry/login-breaker.ts';
import type { Registry } from '../../lib/registry/table.ts';
import {
  describeFailure,
  enteredLast,
  type Failure,
  requestedUserName,
} from '../../lib/subscribers/execution-failure.ts';
import {
  type Operation,
  operationOf,
  operations,
  runningStatuses,
  type Status,
} from '../../lib/subscribers/operations.ts';
import { isSuperseded } from '../../lib/subscribers/ownership.ts';
import {
  type Attempt,
  isAmong,
  type Retained,
  readRecord,
  type SubscriberRecord,
} from '../../lib/subscribers/record.ts';

interface Dependencies {
  stateMachineArn: string;
  stepFunctions: SFNClient;
  registry: Registry;
  /** Whose logins an onboarding and an update need. */
  superadminUserName: string;
  now: Date;
}

/** Who asked, and by what they find it again. */
interface Requester {
  requestedBy: string;
  correlationId?: string | undefined;
}

/** An attempt and how it stands, whatever the subscriber's own status is: an update that fails leaves the subscriber ACTIVE. */
interface ShownAttempt extends Omit<Attempt, 'status' | 'requestedBy'>, Requester {
  operation: Operation;
  status: 'RUNNING' | 'SUCCEEDED' | 'FAILED';
}

export interface SubscriberStatus extends Requester {
  userName: string;
  status: Status;
  /** What the execution does or did. */
  operation: Operation;
  executionArn: string;
  /** The state that runs now. */
  step?: string;
  /** Why the execution failed. The subscriber may be ACTIVE all the same: an update that fails takes nothing away. */
  error?: Omit<Failure, 'step'> & { step?: string | undefined; remedy: string };
  /** What exists, as far as the record knows, or the execution's states that were left. */
  credentialsSecretId?: string | undefined;
  /** When the custom token ends, in ISO 8601, as far as that is known. */
  customTokenExpiresAt?: string | undefined;
  /** Where its stack is, or is to be. */
  home?: AccountRegion | undefined;
  stackId?: string | undefined;
  /** The build of the vendor's template that the stack is of; absent where the record does not have it. */
  build?: string | undefined;
  roleArn?: string | undefined;
  /** The keys that the role may use. */
  keyArns?: string[] | undefined;
  /** The users who were added under the subscriber. */
  users?: string[] | undefined;
  /** What offboardings have left. */
  retained?: Retained[] | undefined;
  /** The logins that rest because too many were refused, with the reason: the superadmin's and the subscriber's own. */
  pausedLogins?: { userName: string; until?: string; reason: string }[] | undefined;
  attempts: ShownAttempt[];
}

/** The parts that are read of a state's output: what the steps before it have made. */
const progressSchema = json(
  v.object({
    subscriber: v.optional(v.object({ credentialsSecretId: v.string(), customTokenExpiresAt: v.optional(v.string()) })),
    stack: v.optional(v.object({ stackId: v.string() })),
    role: v.optional(roleSchema),
    keys: v.optional(v.array(v.object({ keyArn: v.string() }))),
  }),
);

/**
 * How a subscriber stands, by the latest of what was done to it. Step Functions is asked, and not the registry alone: the registry learns of an
 * execution's end by an event, which may be late or lost.
 * @param executionName one onboarding of the subscriber; without it, the one that its record belongs to
 * @returns undefined when nothing is known of the subscriber, or of that execution as one of the subscriber's
 */
export async function getSubscriber(
  subscriber: { userName: string; executionName: string | undefined },
  dependencies: Dependencies,
): Promise<SubscriberStatus | undefined> {
  // At the same time, because somebody waits for it.
  const [status, pausedLogins] = await Promise.all([
    statusOf(subscriber, dependencies),
    pausesOf([dependencies.superadminUserName, subscriber.userName], dependencies),
  ]);
  if (status === undefined) return undefined;
  return { ...status, ...(pausedLogins.length > 0 && { pausedLogins }) };
}

async function pausesOf(userNames: readonly string[], { registry, now }: Pick<Dependencies, 'registry' | 'now'>) {
  const pauses = await Promise.all(
    userNames.map(async (userName) => {
      const pause = pauseOf(await readBreaker(registry, userName), now);
      return pause === undefined ? [] : [{ userName, ...pause }];
    }),
  );
  return pauses.flat();
}

async function statusOf(
  { userName, executionName }: { userName: string; executionName: string | undefined },
  { stateMachineArn, stepFunctions, registry }: Omit<Dependencies, 'superadminUserName' | 'now'>,
): Promise<SubscriberStatus | undefined> {
  const record = await readRecord(registry, userName);
  const executionArn =
    executionName === undefined ? record?.executionArn : executionArnOf(stateMachineArn, executionName);
  if (executionArn === undefined) return undefined;
  const execution = await describeExecution(stepFunctions, executionArn);
  const isOfRecord = record?.executionArn === executionArn;
  if (execution === undefined) return isOfRecord ? recordedStatus(record) : undefined;
  const requested = requestedUserName(execution);
  if (requested?.toLowerCase() !== userName.toLowerCase()) return undefined;
  const startedAt = execution.startDate?.toISOString();
  const result = await outcome(stepFunctions, execution, isSuperseded(record, { executionArn, startedAt }));
  const { regained = [], ...created } =
    execution.status === 'SUCCEEDED' ? {} : await createdSoFar(stepFunctions, executionArn);
  return {
    userName: record?.userName ?? requested,
    operation: operationOf(executionArn),
    executionArn,
    ...requesterOf(originIn(parseJson(execution.input ?? ''))),
    ...result,
    ...(isOfRecord && made(record, regained)),
    ...created,
    attempts: (record?.attempts ?? []).map((attempt) =>
      shown(attempt.executionArn === executionArn ? withEnd(attempt, execution, result, record) : attempt),
    ),
  };
}

function shown(attempt: Attempt): ShownAttempt {
  return {
    ...attempt,
    ...requesterOf(attempt),
    operation: operationOf(attempt.executionArn),
    status: attempt.status ?? 'RUNNING',
  };
}

function requesterOf({
  requestedBy,
  correlationId,
}: Partial<Pick<Attempt, 'requestedBy' | 'correlationId'>> = {}): Requester {
  return { requestedBy: requestedBy ?? unknownRequester, ...(correlationId !== undefined && { correlationId }) };
}

/** The record keeps an attempt's end only when the next one begins, which must find the same end as is shown until then. */
function withEnd(
  attempt: Attempt,
  { stopDate }: DescribeExecutionOutput,
  { status, error }: Pick<SubscriberStatus, 'status' | 'error'>,
  record: SubscriberRecord | undefined,
): Attempt {
  if (runningStatuses.includes(status) || stopDate === undefined) return attempt;
  if (error === undefined)
    return { ...attempt, endedAt: completedAt(record, attempt) ?? stopDate.toISOString(), status: 'SUCCEEDED' };
  const { name, step, message } = error;
  return { ...attempt, endedAt: stopDate.toISOString(), status: 'FAILED', error: { name, step, message } };
}

/** When the last step of an attempt wrote that it has succeeded. */
function completedAt(record: SubscriberRecord | undefined, { executionArn }: Attempt): string | undefined {
  const isComplete = record?.executionArn === executionArn && !runningStatuses.includes(record.status);
  return isComplete && record.lastError === undefined ? record.updatedAt : undefined;
}

/** @param isPast whether another execution has taken the subscriber over: what the failure's own remedy advises would be refused */
async function outcome(
  stepFunctions: SFNClient,
  execution: DescribeExecutionOutput,
  isPast: boolean,
): Promise<Pick<SubscriberStatus, 'status' | 'step' | 'error'>> {
  const { running, succeeded, failed } = operations[operationOf(execution.executionArn ?? '')];
  switch (execution.status) {
    case 'SUCCEEDED':
      return { status: succeeded };
    case 'RUNNING':
    case 'PENDING_REDRIVE':
    case undefined: {
      const step = await enteredLast(stepFunctions, execution.executionArn ?? '');
      return { status: running, ...(step !== undefined && { step }) };
    }
    case 'FAILED':
    case 'TIMED_OUT':
    case 'ABORTED': {
      const failure = await describeFailure(stepFunctions, execution);
      return {
        status: failed,
        error: { ...failure, remedy: isPast ? ExecutionSuperseded.remedy : remedyFor(failure.name) },
      };
    }
  }
}

/** What an execution that is not done has made so far. */
async function createdSoFar(
  stepFunctions: SFNClient,
  executionArn: string,
): Promise<
  Pick<SubscriberStatus, 'credentialsSecretId' | 'customTokenExpiresAt' | 'stackId' | 'roleArn' | 'keyArns'> &
    Pick<Role, 'regained'>
> {
  const pages = paginateGetExecutionHistory({ client: stepFunctions }, { executionArn, reverseOrder: true });
  for await (const { events = [] } of pages) {
    const left = events.find(({ stateExitedEventDetails }) => stateExitedEventDetails !== undefined);
    if (left === undefined) continue;
    const progress = v.safeParse(progressSchema, left.stateExitedEventDetails?.output);
    if (!progress.success) return {};
    const { subscriber, stack, role, keys } = progress.output;
    return {
      ...subscriber,
      ...(stack && { stackId: stack.stackId }),
      ...(role && { roleArn: role.roleArn, regained: role.regained }),
      ...(keys && { keyArns: keys.map(({ keyArn }) => keyArn) }),
    };
  }
  return {};
}

/** What the registry itself knows of an execution that Step Functions has forgotten, as it does after 90 days. */
function recordedStatus(record: SubscriberRecord): SubscriberStatus {
  const { userName, executionArn, status, lastError, attempts } = record;
  const forgotten = {
    name: 'ExecutionDoesNotExist',
    message: 'The execution is over, and Step Functions no longer knows how it ended',
    remedy: 'Send the request again: it goes on from what exists.',
  };
  return {
    userName,
    operation: operationOf(executionArn),
    executionArn,
    ...requesterOf(attempts.findLast((attempt) => attempt.executionArn === executionArn)),
    ...(runningStatuses.includes(status)
      ? { status: operations[operationOf(executionArn)].failed, error: forgotten }
      : { status, ...(lastError && { error: lastError }) }),
    ...made(record),
    attempts: attempts.map((attempt) =>
      shown(attempt.executionArn === executionArn ? recordedEnd(attempt, record, forgotten) : attempt),
    ),
  };
}

function recordedEnd(
  attempt: Attempt,
  { status, lastError, updatedAt }: SubscriberRecord,
  { name, message }: { name: string; message: string },
): Attempt {
  if (runningStatuses.includes(status)) return { ...attempt, status: 'FAILED', error: { name, message } };
  if (lastError === undefined) return { ...attempt, endedAt: updatedAt, status: 'SUCCEEDED' };
  const { remedy: _, ...error } = lastError;
  return { ...attempt, endedAt: updatedAt, status: 'FAILED', error };
}

/**
 * What the record knows of.
 * @param regained what an onboarding that is not complete has in its stack, though an offboarding had left it
 */
function made(
  { home, stackId, build, roleArn, keyArns, customTokenExpiresAt, users, offboarded }: SubscriberRecord,
  regained: NonNullable<Role['regained']> = [],
): Pick<
  SubscriberStatus,
  'home' | 'stackId' | 'build' | 'roleArn' | 'keyArns' | 'customTokenExpiresAt' | 'users' | 'retained'
> {
  const retained = (offboarded?.retained ?? []).filter((each) => !isAmong(regained, each));
  return {
    ...{ home, stackId, build, roleArn, keyArns, customTokenExpiresAt, users },
    ...(retained.length > 0 && { retained }),
  };
}
