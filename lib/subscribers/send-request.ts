import { isDeepStrictEqual } from 'node:util';
import {
  type DescribeExecutionOutput,
  ExecutionAlreadyExists,
  type SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { ApiProblem } from '../api-problem.ts';
import { executionArnOf, executionNameOf } from '../aws/arns.ts';
import { describeExecution } from '../aws/describe-execution.ts';
import { OnboardingInProgress } from '../errors.ts';
import { parseJson } from '../json.ts';
import { type Origin, requestOf } from '../plans/origin.ts';
import type { Registry } from '../registry/table.ts';
import { mayStart, readTurn, type Turn, takeTurn } from '../registry/turn.ts';
import { apiExecutionName, keyedExecutionName } from '../requests/execution-name.ts';
import { executionInput } from '../requests/start-execution.ts';
import { isRunning, requireEnded } from './claim.ts';
import { requestedUserName } from './execution-failure.ts';
import { machineArnOf, type Operation, operationOf, operations, type Status } from './operations.ts';
import { readRecord } from './record.ts';

/** Who sends a request, and by which key it is known again. */
export interface Call {
  origin: Origin;
  /** Such as `POST /subscribers`. */
  route: string;
  idempotencyKey: string | undefined;
}

/** What a request holds and the machine must not get: a secret takes it, under the execution's name. */
export interface Withheld {
  /** The members of the machine's request that refer to it. */
  reference: object;
  /** Stores it. @returns `other` when something else is stored there, `deleted` when what was stored is to be deleted */
  store: () => Promise<'created' | 'other' | 'deleted'>;
}

/** A request that has been checked. */
export interface Sending extends Call {
  operation: Operation;
  userName: string;
  request: object;
  /** That the record was read just now, and that its execution is over; default: it is looked at. */
  isEnded?: boolean;
  withheld?: ((executionName: string) => Withheld) | undefined;
}

/** What is answered, the same to each repeat. */
export interface Sent {
  userName: string;
  operation: Operation;
  /** The subscriber's, while the execution runs. */
  status: Status;
  executionArn: string;
  /** The path of the API by which the execution's status is read. */
  location: string;
}

export function sentAs(userName: string, executionArn: string): Sent {
  const operation = operationOf(executionArn);
  // Without an operation it is an onboarding.
  const named = operation === 'onboard-subscriber' ? '' : `operation=${operation}&`;
  const location = `/subscribers/${userName}?${named}execution=${executionNameOf(executionArn)}`;
  return { userName, operation, status: operations[operation].running, executionArn, location };
}

export interface SendDependencies {
  stepFunctions: SFNClient;
  registry: Registry;
  /** The machine of onboardings. */
  stateMachineArn: string;
  now: Date;
}

/** The name of the execution that a call asks for; undefined where the call has no key, and so none that is known before. */
export const keyedNameOf = ({ origin, route, idempotencyKey: key }: Call): string | undefined =>
  key === undefined ? undefined : keyedExecutionName({ caller: origin.requestedBy, route, key });

/**
 * Starts the execution that a request asks for. With an idempotency key it is the one that the caller's first request with this key has
 * started, also when it is over: the execution's name follows from caller, route and key, and Step Functions keeps it for 90 days. Whatever
 * is interrupted here is repeated by the same request.
 * @throws OnboardingInProgress while another execution works on the subscriber, also one that another call starts at the same moment; one that was
 * started in another way, and has claimed nothing yet, is noticed by the state machine's first step
 * @throws ApiProblem IdempotencyKeyReused for another request with the same key
 * @throws ApiProblem IdempotencyKeySpent when the key's password was deleted before anything was started with it
 */
export async function sendRequest(sending: Sending, dependencies: SendDependencies): Promise<Sent> {
  const { operation, userName, origin } = sending;
  const { stepFunctions, stateMachineArn, now } = dependencies;
  const machineArn = machineArnOf(stateMachineArn, operation);
  const executionName = keyedNameOf(sending) ?? apiExecutionName(userName, now);
  const executionArn = executionArnOf(machineArn, executionName);
  const sent = sentAs(userName, executionArn);
  const earlier = await lookAround(sending, executionArn, dependencies);
  const withheld = sending.withheld?.(executionName);
  const request = { ...sending.request, ...withheld?.reference };
  if (earlier !== undefined) requireSame(earlier, request);
  // The password of what has succeeded is deleted, and cannot be compared any more.
  if (withheld !== undefined && earlier?.status !== 'SUCCEEDED') {
    const outcome = await withheld.store();
    if (outcome === 'other') throw reused();
    if (outcome === 'deleted' && earlier === undefined) throw spent();
  }
  if (earlier !== undefined) return sent;
  const input = executionInput({ ...request, origin });
  try {
    await stepFunctions.send(new StartExecutionCommand({ stateMachineArn: machineArn, name: executionName, input }));
  } catch (error) {
    if (!(error instanceof ExecutionAlreadyExists)) throw error;
    // The same request was sent twice at the same time; or the client has repeated its call, and the execution is over.
    const other = await describeExecution(stepFunctions, executionArn);
    if (other === undefined) throw notSeenYet();
    requireSame(other, request);
  }
  return sent;
}

/**
 * The execution that the key has started before. Without one nobody else may work on the subscriber, and this call has its turn, after which
 * the others are refused: the state machine's first step would refuse them, a moment after they were accepted here.
 */
async function lookAround(
  { userName, idempotencyKey, isEnded = false }: Sending,
  executionArn: string,
  { stepFunctions, registry, now }: SendDependencies,
): Promise<DescribeExecutionOutput | undefined> {
  const [earlier, record, seen] = await Promise.all([
    idempotencyKey === undefined ? undefined : describeExecution(stepFunctions, executionArn),
    isEnded ? undefined : readRecord(registry, userName),
    readTurn(registry, userName),
  ]);
  if (earlier !== undefined) return earlier;
  await Promise.all([
    record && requireEnded(stepFunctions, record),
    seen && seen.executionArn !== executionArn && requireTurnOver(stepFunctions, userName, seen, now),
  ]);
  const holder = await takeTurn(registry, userName, { executionArn, seen, now });
  if (holder !== executionArn) throw new OnboardingInProgress(userName, holder);
  return undefined;
}

/** @throws OnboardingInProgress while the execution that has the turn runs, or may still be started */
async function requireTurnOver(stepFunctions: SFNClient, userName: string, turn: Turn, now: Date): Promise<void> {
  const execution = await describeExecution(stepFunctions, turn.executionArn);
  // Two requests with one key that name two subscribers may both have taken a turn, and the execution is of one of them.
  const isOther = execution !== undefined && requestedUserName(execution)?.toLowerCase() !== userName.toLowerCase();
  if (isOther) return;
  if (execution === undefined ? mayStart(turn, now) : isRunning(execution))
    throw new OnboardingInProgress(userName, turn.executionArn);
}

function requireSame({ input = '' }: DescribeExecutionOutput, request: object): void {
  // As JSON first: what is undefined is then absent.
  if (!isDeepStrictEqual(requestOf(parseJson(input)), JSON.parse(JSON.stringify(request)))) throw reused();
}

const reused = () =>
  new ApiProblem(
    'IdempotencyKeyReused',
    'Another request was sent with this Idempotency-Key',
    'Send the first request again as it was, or this one with a new key.',
  );

const spent = () =>
  new ApiProblem(
    'IdempotencyKeySpent',
    'The first request with this Idempotency-Key has started nothing, and its password was deleted since',
    'Send the request again with a new key.',
  );

const notSeenYet = () =>
  new ApiProblem(
    'AwsBusy',
    'Step Functions has the execution of this request, and does not show it yet',
    'Send the same request again in some seconds.',
  );
