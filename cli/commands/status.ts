import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { SFNClient } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { describeExecution } from '../../lib/aws/describe-execution.ts';
import { type Operation, operationOf } from '../../lib/subscribers/operations.ts';
import { operatorAt } from '../../sandbox/operator.ts';
import type { StatusArguments } from '../arguments.ts';
import { answer } from '../aws/answer.ts';
import { findMachine } from '../aws/executions.ts';
import { type SubscriberStatus, statusSchema } from '../aws/subscriber-status.ts';
import { CommandError } from '../command-error.ts';
import type { Request } from '../request.ts';
import { statusText } from '../view/status-text.ts';
import type { Layout } from '../view/terminal.ts';

const responseSchema = v.object({ statusCode: v.number(), body: v.pipe(v.string(), v.parseJson()) });

const refusalSchema = v.object({ error: v.object({ name: v.string(), message: v.string(), remedy: v.string() }) });

/** What a subscriber's status is read with. */
type Clients = Record<'sfn', SFNClient> & Record<'lambda', LambdaClient>;

/**
 * How a subscriber stands: the document that `--json` prints, and the text for people.
 * @throws CommandError named SubscriberNotFound for one that the deployment does not know
 */
export async function subscriberStatus(
  { userName, endpoint }: StatusArguments,
  layout: Layout,
): Promise<{ document: object; text: string }> {
  const status = await withClients(endpoint, (clients) => readStatus(clients, userName));
  return { document: { ...status, error: status.error ?? null }, text: statusText(status, endpoint, layout) };
}

/**
 * The operation and request of a subscriber's latest attempt.
 * @throws CommandError named InvalidRequest when it runs or has succeeded, and ExecutionDoesNotExist when Step Functions no
 * longer has the request
 */
export async function failedRequest({
  userName,
  endpoint,
}: Pick<StatusArguments, 'userName' | 'endpoint'>): Promise<{ operation: Operation; request: Request }> {
  return withClients(endpoint, async (clients) => {
    const { executionArn, error } = await readStatus(clients, userName);
    const operation = operationOf(executionArn);
    if (error === undefined) {
      throw new CommandError(
        'InvalidRequest',
        `The latest attempt of ${userName}, ${operation}, has not failed`,
        'A request that was rejected in its first step is not recorded as an attempt: correct its file and send that again.',
      );
    }
    const execution = await answer('Step Functions', describeExecution(clients.sfn, executionArn));
    if (execution === undefined) {
      throw new CommandError(
        'ExecutionDoesNotExist',
        'Step Functions no longer has the request: the execution ended more than 90 days ago',
        'Send the request again from its file: it continues from what exists.',
      );
    }
    const requestSchema = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.unknown()));
    return { operation, request: v.parse(requestSchema, execution.input) };
  });
}

/** The keys that a subscriber's role may use, as far as the deployment knows; none of an unknown subscriber. */
export async function knownKeyArns(endpoint: string, userName: string): Promise<string[]> {
  try {
    return (await withClients(endpoint, (clients) => readStatus(clients, userName))).keyArns ?? [];
  } catch (error) {
    if (error instanceof CommandError && error.name === 'SubscriberNotFound') return [];
    throw error;
  }
}

async function withClients<Result>(endpoint: string, use: (clients: Clients) => Promise<Result>): Promise<Result> {
  const configuration = operatorAt(endpoint);
  const clients = { sfn: new SFNClient(configuration), lambda: new LambdaClient(configuration) };
  try {
    return await use(clients);
  } finally {
    for (const client of Object.values(clients)) client.destroy();
  }
}

/** Asks the function behind `GET /subscribers/{userName}`, as the API does. */
async function readStatus(clients: Clients, userName: string): Promise<SubscriberStatus> {
  const machineArn = await findMachine(clients, 'onboard-subscriber');
  const machine = machineArn.slice(machineArn.lastIndexOf(':') + 1);
  const FunctionName = machine.replace(/onboard-subscriber$/, 'get-subscriber');
  const Payload = JSON.stringify({ version: '2.0', pathParameters: { userName } });
  const invocation = await answer('Lambda', clients.lambda.send(new InvokeCommand({ FunctionName, Payload })));
  const payload = invocation.Payload?.transformToString() ?? '';
  if (invocation.FunctionError !== undefined) {
    throw new CommandError(
      'StatusUnknown',
      `The function ${FunctionName} failed`,
      'Read its log, and run the command again.',
      'GetSubscriber',
    );
  }
  const { statusCode, body } = v.parse(v.pipe(v.string(), v.parseJson(), responseSchema), payload);
  if (statusCode === 200) return v.parse(statusSchema, body);
  const { name, message, remedy } = v.parse(refusalSchema, body).error;
  throw new CommandError(name, message, remedy);
}
