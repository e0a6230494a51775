import { setTimeout as wait } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { diffKeyPolicies } from '../../lib/key-policy-diff.ts';
import { type PolicyBackup, policyBackupSchema } from '../../lib/keys/policy-backups.ts';
import { failureMessage } from '../../lib/subscribers/failure-message.ts';
import { answer } from '../aws/answer.ts';
import { type KeyClients, keyClients, readKeyPolicy } from '../aws/executions.ts';
import { documentOf, statementChanges } from '../aws/policy-backup.ts';
import { getKeyRoom } from '../aws/room.ts';
import type { Outcome } from '../command.ts';
import { CommandError, usageError } from '../command-error.ts';
import type { Session } from '../session.ts';
import { configurationOf, findDeployment } from '../target/deployment.ts';
import type { Reachable } from '../target/target.ts';
import { type BackupListing, listText, type Restoration, restoredText, showText } from '../view/key-policies-text.ts';
import { restoreRemedyFor } from '../view/restore-failure.ts';
import { keyRoomText } from '../view/room/key-room-text.ts';
import { markedLine } from '../view/summary.ts';
import type { Terminal } from '../view/terminal.ts';

interface Clients {
  documents: DynamoDBDocumentClient;
  lambda: LambdaClient;
  kms: KeyClients;
  target: Reachable;
}

interface Surroundings {
  terminal: Terminal;
  wait: (milliseconds: number) => Promise<unknown>;
}

/** The pauses before a restore is tried again: in all longer than a lease, and longer than KMS may return an old policy. */
const busyMs = [2_000, 4_000, 8_000, 16_000, 32_000] as const;

/**
 * Shows the room on a key and lists the policies that were kept of it, or shows one of them, or restores it, and shows each try of that
 * as it runs.
 * @throws CommandError named InvalidRequest when no such policy is kept; named as KMS's error when nothing is kept of a key that
 * it does not know; named as the function's error when a policy cannot be restored; or when the endpoint has no deployment
 */
export async function keyPolicies(
  {
    words: [keyArn = ''],
    options: { show: shownId, restore: restoredId },
  }: { words: readonly string[]; options: { show?: string | undefined; restore?: string | undefined } },
  session: Session,
  pause: Surroundings['wait'] = wait,
): Promise<Outcome> {
  if (shownId !== undefined && restoredId !== undefined) throw usageError('Give either --show or --restore, not both');
  const target = await session.reach();
  const deployment = await findDeployment(target);
  const { functionName, registryTable } = deployment;
  const clients = connect(target);
  const { terminal } = session;
  try {
    if (restoredId !== undefined) {
      const request = { keyArn, policyId: restoredId };
      return await restore(clients, functionName('restore-key-policy'), request, { terminal, wait: pause });
    }
    const kept = await readBackups(clients, registryTable, keyArn);
    if (shownId !== undefined) return await show(clients, keyArn, chosen(kept, keyArn, shownId), terminal);
    const room = await getKeyRoom(keyArn, { target, deployment });
    const { document, text } = await list(clients, keyArn, kept, terminal);
    return { document: { ...document, room }, text: `${keyRoomText(keyArn, room, terminal)}${text}` };
  } finally {
    clients.documents.destroy();
    clients.lambda.destroy();
    clients.kms.destroy();
  }
}

function connect(target: Reachable): Clients {
  const configuration = configurationOf(target);
  return {
    documents: DynamoDBDocumentClient.from(new DynamoDBClient(configuration)),
    lambda: new LambdaClient(configuration),
    kms: keyClients(target),
    target,
  };
}

async function list(
  clients: Clients,
  keyArn: string,
  kept: readonly PolicyBackup[],
  terminal: Terminal,
): Promise<Outcome> {
  const { policy: current, refusal } = await readKeyPolicy(clients, keyArn);
  if (refusal !== undefined && kept.length === 0) {
    throw new CommandError(
      refusal.name,
      `No policy of ${keyArn} is kept, and KMS does not return the one in force: ${refusal.message}`,
      "Check the key's ARN; a policy is kept only of keys that a subscriber was onboarded with.",
    );
  }
  const documents = [...kept.map(documentOf), current];
  const listing: BackupListing[] = kept.map(({ policy: _, ...rest }, index) => {
    const next = documents[index + 1];
    return { ...rest, changes: next === undefined ? null : statementChanges(documents[index], next) };
  });
  return {
    document: { status: 'SUCCEEDED', keyArn, policies: listing, error: null },
    text: listText(keyArn, listing, terminal),
  };
}

async function show(clients: Clients, keyArn: string, kept: PolicyBackup, terminal: Terminal): Promise<Outcome> {
  const shown = { ...kept, policy: documentOf(kept) };
  const current = await inForce(clients, keyArn);
  return {
    document: {
      status: 'SUCCEEDED',
      keyArn,
      ...shown,
      inForce: current ?? null,
      difference: current === undefined ? null : diffKeyPolicies(current, shown.policy).map(markedLine),
      error: null,
    },
    text: showText(keyArn, shown, current, terminal),
  };
}

async function restore(
  clients: Clients,
  functionName: string,
  request: { keyArn: string; policyId: string },
  { terminal, wait }: Surroundings,
): Promise<Outcome> {
  const { keyArn } = request;
  terminal.write(`\nRestoring the key policy of ${keyArn} …\n`);
  const before = await inForce(clients, keyArn);
  const restored = await restoreWhenFree(clients, functionName, request, { terminal, wait });
  const after = await inForce(clients, keyArn);
  // A try without a clear answer of KMS may have written it.
  const differs = before !== undefined && after !== undefined && diffKeyPolicies(before, after).length > 0;
  const restoration = { ...restored, changed: restored.changed || differs, before, after };
  return {
    document: { status: 'SUCCEEDED', ...restoration, error: null },
    text: restoredText(restoration, terminal),
  };
}

/** The kept policies of a key, the oldest first. */
async function readBackups({ documents, target }: Clients, tableName: string, keyArn: string): Promise<PolicyBackup[]> {
  const kept: PolicyBackup[] = [];
  let ExclusiveStartKey: Record<string, unknown> | undefined;
  do {
    const command = new QueryCommand({
      TableName: tableName,
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
      // DynamoDB removes what has expired up to days late.
      FilterExpression: 'attribute_not_exists(expiresAt) OR expiresAt > :now',
      ExpressionAttributeValues: { ':pk': `KEY#${keyArn}`, ':prefix': 'POLICY#', ':now': Date.now() / 1000 },
      ExclusiveStartKey,
    });
    const { Items = [], LastEvaluatedKey } = await answer('DynamoDB', documents.send(command), target);
    kept.push(...v.parse(v.array(policyBackupSchema), Items));
    ExclusiveStartKey = LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
  return kept;
}

function chosen(kept: readonly PolicyBackup[], keyArn: string, policyId: string): PolicyBackup {
  const found = kept.find(({ id }) => id === policyId);
  if (found !== undefined) return found;
  throw new CommandError(
    'InvalidRequest',
    `No policy ${policyId} of key ${keyArn} is kept`,
    restoreRemedyFor('InvalidRequest'),
  );
}

/** The key's policy now; undefined when KMS does not return it. */
async function inForce(clients: Clients, keyArn: string): Promise<unknown> {
  return (await readKeyPolicy(clients, keyArn)).policy;
}

const restoredSchema = v.object({
  keyArn: v.string(),
  policyId: v.string(),
  changed: v.boolean(),
  previousPolicyId: v.optional(v.nullable(v.string()), null),
  refusedRoles: v.optional(v.array(v.object({ roleArn: v.string(), name: v.string(), message: v.string() })), []),
});
const errorSchema = v.object({ errorType: v.string() });

/** Has the deployment restore a policy; waits while another writer has the key. */
async function restoreWhenFree(
  { lambda, target }: Clients,
  functionName: string,
  request: { keyArn: string; policyId: string },
  { terminal, wait }: Surroundings,
): Promise<Omit<Restoration, 'before' | 'after'>> {
  for (let attempt = 1; ; attempt += 1) {
    const startedAt = performance.now();
    const end = terminal.begin(attempt === 1 ? 'RestoreKeyPolicy' : `RestoreKeyPolicy (attempt ${attempt})`);
    const ending = (mark: 'done' | 'retried' | 'failed', note?: string) =>
      end({ mark, milliseconds: performance.now() - startedAt, ...(note !== undefined && { note }) });
    try {
      const restored = await invoke(lambda, functionName, request, target);
      ending('done');
      return restored;
    } catch (error) {
      const pause = busyMs[attempt - 1];
      const name = error instanceof Error ? error.name : 'failed';
      if (name !== 'KeyPolicyBusy' || pause === undefined) {
        ending('failed', name);
        throw error;
      }
      ending('retried', name);
      const endOfWait = terminal.begin(`wait before attempt ${attempt + 1}`);
      await wait(pause);
      endOfWait({ mark: 'waited', milliseconds: pause });
    }
  }
}

async function invoke(lambda: LambdaClient, functionName: string, request: object, target: Reachable) {
  const command = new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(request) });
  const { FunctionError, Payload } = await answer('Lambda', lambda.send(command), target);
  const payload = Payload?.transformToString() ?? '';
  if (FunctionError === undefined) return v.parse(v.pipe(v.string(), v.parseJson(), restoredSchema), payload);
  const { errorType: name } = v.parse(v.pipe(v.string(), v.parseJson(), errorSchema), payload);
  const message = failureMessage({ name, step: undefined, cause: payload });
  throw new CommandError(name, message, restoreRemedyFor(name), 'RestoreKeyPolicy');
}
