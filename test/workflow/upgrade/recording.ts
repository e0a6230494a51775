// What a release writes and passes on, as a fixture keeps it: without secrets, and with the same text in each run.

import { ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { operatorAt } from '../../../sandbox/operator.ts';

const attributeSchema = v.record(v.string(), v.unknown());
export const recordingSchema = v.object({
  /** Items of the registry, as they are on the wire, by what they are of. */
  items: v.record(v.string(), v.record(v.string(), attributeSchema)),
  /** What secrets hold, by their names. */
  secrets: v.record(v.string(), v.record(v.string(), v.string())),
  /** What each function got first, by machine and state. */
  inputs: v.record(v.string(), v.object({ functionName: v.string(), payload: v.unknown() })),
});
export type Recording = v.InferOutput<typeof recordingSchema>;

const confidential = new Set(['password', 'customToken', 'idToken', 'refreshToken']);
const secretSchema = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.string()));
const lambdaSchema = v.object({
  lambdaFunctionScheduledEventDetails: v.object({ resource: v.string(), input: v.string() }),
});
const waitSchema = v.object({ taskScheduledEventDetails: v.object({ parameters: v.string() }) });
const waitParametersSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ FunctionName: v.string(), Payload: v.unknown() }),
);
const enteredSchema = v.object({ stateEnteredEventDetails: v.object({ name: v.string() }) });

/** What differs from run to run, in one text. */
const varying: readonly [RegExp, string][] = [
  [/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '00000000-0000-4000-8000-000000000000'],
  [/\b[0-9a-f]{64}\b/g, '0'.repeat(64)],
  [/\bAROA[A-Z0-9]+/g, 'AROAFAKEFAKEFAKEFAKE0'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '2026-01-01T12:00:00.000Z'],
  [/\bAQC[\w+/=]{40,}/g, 'fake-task-token'],
  [/(:execution:[\w-]+:[\w-]+?)-[0-9a-z]{14}\b/g, '$1-1'],
  [/\b([\w-]*Role)-[0-9A-F]{12}\b/g, '$1-0'],
  [/(-artifactsbucket)-[0-9a-f]{12}\b/g, '$1-0'],
];

function constant(value: unknown, key = ''): unknown {
  if (typeof value === 'string') {
    if (key === 'N' && value.length >= 10) return '1767268800';
    return varying.reduce((text, [form, constantText]) => text.replace(form, constantText), value);
  }
  if (Array.isArray(value)) return value.map((each) => constant(each));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [constant(name), constant(each, name)]));
}

function payloadOf(event: object): { functionName: string; payload: unknown } | undefined {
  const called = v.safeParse(lambdaSchema, event);
  if (called.success) {
    const { resource, input } = called.output.lambdaFunctionScheduledEventDetails;
    return { functionName: resource.split(':').at(-1) ?? '', payload: JSON.parse(input) };
  }
  const waits = v.safeParse(waitSchema, event);
  if (!waits.success) return undefined;
  const { FunctionName, Payload } = v.parse(waitParametersSchema, waits.output.taskScheduledEventDetails.parameters);
  return { functionName: FunctionName.split(':').at(-1) ?? '', payload: Payload };
}

/** What there is of these subscribers and the keys, and what all executions have passed on. */
export async function record(sandbox: Sandbox, userNames: readonly string[]): Promise<Recording> {
  const items: Record<string, Record<string, object>> = {};
  for (const item of await sandbox.dynamoDb.items(sandbox.registryTable)) {
    const text = JSON.stringify(item);
    const userName = userNames.find((name) => text.includes(name));
    const [kind = ''] = String(item.sk?.S).split('#');
    const isOfKey = kind === 'LEASE' || kind === 'POLICY';
    // Of the policies of a key one is enough.
    const name = isOfKey ? `key ${kind}` : `${userName} ${kind}`;
    if ((userName === undefined && !isOfKey) || items[name] !== undefined) continue;
    items[name] = item;
  }
  const client = new SecretsManagerClient(operatorAt(sandbox.endpoint));
  const { SecretList = [] } = await client.send(
    new ListSecretsCommand({ IncludePlannedDeletion: true, MaxResults: 100 }),
  );
  const secrets: Recording['secrets'] = {};
  for (const { Name = '', DeletedDate } of SecretList) {
    const isOfThem = userNames.some((name) => Name.includes(`/subscribers/${name}/`)) || Name.endsWith('-token');
    if (!isOfThem || DeletedDate !== undefined) continue;
    const held = v.parse(secretSchema, sandbox.secretsManager.value(Name));
    secrets[Name] = Object.fromEntries(
      Object.entries(held).map(([key, value]) => [key, confidential.has(key) ? `fake-${key}-of-no-service` : value]),
    );
  }
  const inputs: Recording['inputs'] = {};
  for (const { machine, history } of sandbox.states.executions()) {
    let state = '';
    for (const event of history) {
      const entered = v.safeParse(enteredSchema, event);
      if (entered.success) state = entered.output.stateEnteredEventDetails.name;
      const name = `${machine.name.replace('infinstor-onboarding-sandbox-', '')} ${state}`;
      const payload = payloadOf(event);
      if (payload !== undefined) inputs[name] ??= payload;
    }
  }
  const sorted = <Value>(values: Record<string, Value>) =>
    Object.fromEntries(Object.entries(values).toSorted(([one], [other]) => (one < other ? -1 : 1)));
  return v.parse(recordingSchema, constant({ items: sorted(items), secrets: sorted(secrets), inputs: sorted(inputs) }));
}
