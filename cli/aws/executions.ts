import { setTimeout as wait } from 'node:timers/promises';
import { GetKeyPolicyCommand, KMSClient } from '@aws-sdk/client-kms';
import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { parseKeyArn } from '../../lib/aws/arns.ts';
import { executionNameFor, type Request } from '../request.ts';
import { configurationOf } from '../target/deployment.ts';
import type { Reachable } from '../target/target.ts';
import { type Description, finalStatus } from '../view/report.ts';
import { answer, isServiceError } from './answer.ts';

export interface Clients {
  sfn: SFNClient;
  kms: KeyClients;
  /** Where they call. */
  target: Reachable;
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

/** AWS clients for a target. */
export function connect(target: Reachable): Clients {
  return { sfn: new SFNClient(configurationOf(target)), kms: keyClients(target), target };
}

/** Clients for keys, each in the key's Region; in a sandbox of the operator of the key's account. */
export function keyClients(target: Reachable): KeyClients {
  const clients = new Map<string, KMSClient>();
  return {
    of(keyArn) {
      // What is no key is for the state machine to refuse.
      const home = parseKeyArn(keyArn);
      const name = home === undefined ? '' : `${home.accountId} ${home.region}`;
      const client = clients.get(name) ?? new KMSClient(configurationOf(target, home));
      clients.set(name, client);
      return client;
    },
    destroy() {
      for (const client of clients.values()) client.destroy();
    },
  };
}

/**
 * Starts an execution for the request and returns its ARN.
 * @throws CommandError when it cannot be started
 */
export async function start(
  { sfn, target }: Omit<Clients, 'kms'>,
  stateMachineArn: string,
  request: Request,
): Promise<string> {
  const command = new StartExecutionCommand({
    stateMachineArn,
    name: executionNameFor(request),
    input: JSON.stringify(request),
  });
  const { executionArn } = await answer('Step Functions', sfn.send(command), target);
  if (executionArn === undefined) throw new Error('StartExecution answered without an execution ARN');
  return executionArn;
}

/**
 * Follows an execution to its end, and reports its state at short intervals.
 * @throws CommandError when the endpoint stops answering
 */
export async function follow(
  { sfn, target }: Omit<Clients, 'kms'>,
  executionArn: string,
  onProgress: (snapshot: Snapshot) => void,
): Promise<Snapshot> {
  for (;;) {
    // In this order, so that the history of an execution that is over is whole.
    const description = await answer(
      'Step Functions',
      sfn.send(new DescribeExecutionCommand({ executionArn })),
      target,
    );
    const snapshot = { description, events: await historyOf(sfn, executionArn, target) };
    onProgress(snapshot);
    if (finalStatus(description) !== undefined) return snapshot;
    await wait(pollMilliseconds);
  }
}

async function historyOf(sfn: SFNClient, executionArn: string, target: Reachable): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  let nextToken: string | undefined;
  do {
    const page = await answer(
      'Step Functions',
      sfn.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1000, nextToken })),
      target,
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
  clients: Omit<Clients, 'sfn'>,
  keyArns: readonly string[],
): Promise<Map<string, unknown>> {
  const policies = new Map<string, unknown>();
  for (const keyArn of keyArns) {
    const { policy } = await readKeyPolicy(clients, keyArn);
    if (policy !== undefined) policies.set(keyArn, policy);
  }
  return policies;
}

/**
 * The policy of a key, or why KMS does not return it.
 * @throws CommandError when the endpoint cannot be reached
 */
export async function readKeyPolicy(
  { kms, target }: Omit<Clients, 'sfn'>,
  keyArn: string,
): Promise<{ policy: unknown; refusal?: never } | { policy?: never; refusal: Error }> {
  try {
    const { Policy } = await kms.of(keyArn).send(new GetKeyPolicyCommand({ KeyId: keyArn, PolicyName: 'default' }));
    return { policy: Policy === undefined ? undefined : JSON.parse(Policy) };
  } catch (error) {
    if (!isServiceError(error)) return answer('KMS', Promise.reject(error), target);
    return { refusal: error };
  }
}
