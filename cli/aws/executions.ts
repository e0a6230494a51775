import { setTimeout as wait } from 'node:timers/promises';
import { GetKeyPolicyCommand, KMSClient } from '@aws-sdk/client-kms';
import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  ListStateMachinesCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { parseKeyArn } from '../../lib/aws/arns.ts';
import type { Operation } from '../../lib/subscribers/operations.ts';
import { account } from '../../sandbox/core/account.ts';
import { operatorAt } from '../../sandbox/operator.ts';
import { CommandError } from '../command-error.ts';
import { executionNameFor, type Request } from '../request.ts';
import { type Description, finalStatus } from '../view/report.ts';
import { answer, isServiceError, unreachable } from './answer.ts';

export interface Clients {
  sfn: SFNClient;
  kms: KeyClients;
}

/** Clients for keys in any account and Region. */
export interface KeyClients {
  of(keyArn: string): KMSClient;
  destroy(): void;
}

/** An execution as it stands: its description and its history so far. */
export interface Snapshot {
  description: Description;
  events: HistoryEvent[];
}

const pollMilliseconds = 150;

/** AWS clients of the sandbox's operator at an endpoint. */
export function connect(endpoint: string): Clients {
  const configuration = operatorAt(endpoint);
  return { sfn: new SFNClient(configuration), kms: keyClients(endpoint) };
}

/** Clients for keys, each of the operator of the key's account. */
export function keyClients(endpoint: string): KeyClients {
  const clients = new Map<string, KMSClient>();
  return {
    of(keyArn) {
      // What is no key is for the state machine to refuse.
      const home = parseKeyArn(keyArn) ?? account;
      const name = `${home.accountId} ${home.region}`;
      const client = clients.get(name) ?? new KMSClient(operatorAt(endpoint, home));
      clients.set(name, client);
      return client;
    },
    destroy() {
      for (const client of clients.values()) client.destroy();
    },
  };
}

/**
 * The ARN of an operation's state machine.
 * @throws CommandError when the endpoint cannot be reached or has no such state machine
 */
export async function findMachine({ sfn }: Pick<Clients, 'sfn'>, operation: Operation): Promise<string> {
  let nextToken: string | undefined;
  do {
    const page = await answer('Step Functions', sfn.send(new ListStateMachinesCommand({ nextToken })));
    const machine = page.stateMachines?.find(({ name }) => name?.endsWith(operation));
    if (machine?.stateMachineArn !== undefined) return machine.stateMachineArn;
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  throw new CommandError(
    'StateMachineDoesNotExist',
    `The endpoint has no state machine ${operation}`,
    'Start a sandbox with `npm run sandbox` and pass the endpoint that it prints.',
  );
}

/**
 * Starts an execution for the request and returns its ARN.
 * @throws CommandError when it cannot be started
 */
export async function start({ sfn }: Pick<Clients, 'sfn'>, stateMachineArn: string, request: Request): Promise<string> {
  const command = new StartExecutionCommand({
    stateMachineArn,
    name: executionNameFor(request),
    input: JSON.stringify(request),
  });
  const { executionArn } = await answer('Step Functions', sfn.send(command));
  if (executionArn === undefined) throw new Error('StartExecution answered without an execution ARN');
  return executionArn;
}

/**
 * Follows an execution to its end, and reports its state at short intervals.
 * @throws CommandError when the endpoint stops answering
 */
export async function follow(
  { sfn }: Pick<Clients, 'sfn'>,
  executionArn: string,
  onProgress: (snapshot: Snapshot) => void,
): Promise<Snapshot> {
  for (;;) {
    // In this order, so that the history of an execution that is over is whole.
    const description = await answer('Step Functions', sfn.send(new DescribeExecutionCommand({ executionArn })));
    const snapshot = { description, events: await historyOf(sfn, executionArn) };
    onProgress(snapshot);
    if (finalStatus(description) !== undefined) return snapshot;
    await wait(pollMilliseconds);
  }
}

async function historyOf(sfn: SFNClient, executionArn: string): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  let nextToken: string | undefined;
  do {
    const page = await answer(
      'Step Functions',
      sfn.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1000, nextToken })),
    );
    events.push(...(page.events ?? []));
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return events;
}

/**
 * The policies of keys, by key ARN. A key whose policy KMS does not return is left out: an unknown key is for the state machine
 * to refuse.
 * @throws CommandError when the endpoint cannot be reached
 */
export async function readKeyPolicies(
  { kms }: Pick<Clients, 'kms'>,
  keyArns: readonly string[],
): Promise<Map<string, unknown>> {
  const policies = new Map<string, unknown>();
  for (const keyArn of keyArns) {
    const { policy } = await readKeyPolicy({ kms }, keyArn);
    if (policy !== undefined) policies.set(keyArn, policy);
  }
  return policies;
}

/**
 * The policy of a key, or why KMS does not return it.
 * @throws CommandError when the endpoint cannot be reached
 */
export async function readKeyPolicy(
  { kms }: Pick<Clients, 'kms'>,
  keyArn: string,
): Promise<{ policy: unknown; refusal?: never } | { policy?: never; refusal: Error }> {
  try {
    const { Policy } = await kms.of(keyArn).send(new GetKeyPolicyCommand({ KeyId: keyArn, PolicyName: 'default' }));
    return { policy: Policy === undefined ? undefined : JSON.parse(Policy) };
  } catch (error) {
    if (!isServiceError(error)) throw unreachable(error);
    return { refusal: error };
  }
}
