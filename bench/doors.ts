// How long each door takes to answer, at one request and at 50 at the same time, in the sandbox: medians, and their ratios to a bare
// function behind the same door (a route of the HTTP API, a rule of the event bus), which does nothing. What a request starts goes on beside the others of its
// burst; between bursts it comes to its end. An event has no answer: its time ends when its function has logged what it did.

import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { strToU8, zipSync } from 'fflate';
import * as v from 'valibot';
import { packageForSandbox } from '../build/package.ts';
import { bootSandbox, type Sandbox } from '../sandbox/boot.ts';
import { parseFault } from '../sandbox/core/faults.ts';
import { operatorAt } from '../sandbox/operator.ts';
import { type ApiMethod, callApi } from '../tools/permissions/call-api.ts';

const concurrencies = [1, 50] as const;
const total = 50;

const bareCode = `exports.handler = async ({ id }) => {
  if (id !== undefined) console.log(JSON.stringify({ eventId: id }));
  return { statusCode: 200, headers: { 'content-type': 'application/json' }, body: '{}' };
};`;

const templateSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.looseObject({ Resources: v.record(v.string(), v.unknown()) }),
);

/** Adds what get-health has for a function that does nothing, with the route `GET /bare`, and a rule for events of the type Bare. */
function withBareFunction(template: string): string {
  const { Resources, ...rest } = v.parse(templateSchema, template);
  const bare = (from: string, changes: readonly (readonly [string | RegExp, string])[]) =>
    Object.entries(Resources).flatMap(([name, resource]) => {
      if (!name.includes(from)) return [];
      const text = changes.reduce((all, [old, own]) => all.replaceAll(old, own), JSON.stringify([name, resource]));
      return [v.parse(v.tuple([v.string(), v.unknown()]), JSON.parse(text))];
    });
  const ofApi = bare('GetHealth', [
    ['GetHealth', 'Bare'],
    ['get-health', 'bare'],
    ['GET /health', 'GET /bare'],
  ]);
  const ofBus = bare('AcceptEvent', [
    ['AcceptEvent', 'Bare'],
    ['accept-event', 'bare'],
    [/"detail-type":\[[^\]]*\]/g, '"detail-type":["Bare"]'],
  ]).filter(([name]) => /Rule$|Permission$/.test(name));
  return JSON.stringify({ ...rest, Resources: { ...Resources, ...Object.fromEntries([...ofApi, ...ofBus]) } });
}

/** One request, which is another one each time. @returns when it is answered */
type Send = () => Promise<void>;
interface Door {
  name: string;
  kind: 'api' | 'bus';
  send: Send;
}

const folder = mkdtempSync(join(tmpdir(), 'doors-'));
const packaged = await packageForSandbox();
for (const file of readdirSync(packaged)) copyFileSync(join(packaged, file), join(folder, file));
writeFileSync(join(folder, 'Bare.zip'), zipSync({ 'dist/bare.cjs': strToU8(bareCode) }));
const sandbox = await bootSandbox({
  packageFolder: folder,
  skipIdle: true,
  schedules: false,
  editTemplate: withBareFunction,
});
let names = 0;
const newName = () => `bench-${++names}`;

try {
  const keyId = await prepare(sandbox);
  // The bare function is the first of its kind.
  const bare = new Map<Door['kind'], number[]>();
  for (const door of doors(sandbox, keyId)) {
    const medians = await measure(door);
    if (!bare.has(door.kind)) bare.set(door.kind, medians);
    const parts = medians.map((ms, place) => {
      const ratio = (ms / (bare.get(door.kind)?.[place] ?? Number.NaN)).toFixed(1);
      return `${ms.toFixed(1).padStart(7)} ms, ${ratio.padStart(5)} times`;
    });
    process.stdout.write(`${door.name.padEnd(42)}${parts.join('  |')}\n`);
  }
} finally {
  await sandbox.close();
  rmSync(folder, { recursive: true });
}

/** The medians of a door's times, in milliseconds, by how many requests come at the same time. */
async function measure({ send }: Door): Promise<number[]> {
  // What is cold at first is not what is asked.
  await Promise.all(Array.from({ length: 10 }, send));
  await sandbox.clock.quiet();
  const medians: number[] = [];
  for (const concurrency of concurrencies) {
    const times: number[] = [];
    while (times.length < total) {
      const burst = Array.from({ length: concurrency }, async () => {
        const startedAt = performance.now();
        await send();
        times.push(performance.now() - startedAt);
      });
      await Promise.all(burst);
      await sandbox.clock.quiet();
    }
    medians.push(times.toSorted((one, other) => one - other)[Math.floor(times.length / 2)] ?? Number.NaN);
  }
  return medians;
}

/** Onboards a subscriber whose key is known then, and lets as many onboardings fail as are retried. @returns the key's id */
async function prepare({ clock, faults, kms }: Sandbox): Promise<string> {
  const keyId = '66666666-ffff-4fff-8fff-666666666666';
  const keyArn = `arn:aws:kms:us-east-1:111111111111:key/${keyId}`;
  kms.createKey({ arn: keyArn, tags: { 'infinstor-onboarding': 'allowed' } });
  const encryption = { tracking: { type: 'customer-managed', keyArn } };
  await send('POST', '/subscribers', [202], { ...requestFor('bench-known'), encryption });
  await clock.quiet();
  const retried = 10 + concurrencies.length * total;
  faults.add({ ...parseFault('infinstor:register:error=503'), times: retried });
  for (let n = 0; n < retried; n += 10) {
    const failing = Array.from({ length: 10 }, (_, more) => requestFor(`bench-failed-${n + more}`));
    await Promise.all(failing.map((request) => send('POST', '/subscribers', [202], request)));
    await clock.quiet();
  }
  return keyId;
}

function requestFor(userName: string) {
  return { subscriber: { userName, emailId: 'mlops@bench.example' } };
}

async function send(method: ApiMethod, path: string, expected: readonly number[], body?: object): Promise<void> {
  const { status, body: answer } = await callApi(sandbox, method, path, body);
  if (!expected.includes(status)) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer)}`);
}

function doors({ logFolder, physicalId }: Sandbox, keyId: string): Door[] {
  const events = new EventBridgeClient(operatorAt(sandbox.endpoint));
  const route = (name: string, expected: number, pathOf: () => string, body?: () => object): Door => {
    const method = v.parse(v.picklist(['GET', 'POST', 'PATCH', 'DELETE']), name.split(' ')[0]);
    return { name, kind: 'api', send: () => send(method, pathOf(), [expected], body?.()) };
  };
  const event = (detailType: string, step: string, detail: () => object): Door => ({
    name: detailType,
    kind: 'bus',
    async send() {
      const entry = { EventBusName: physicalId('OnboardingBus'), Source: 'bench', DetailType: detailType };
      const { Entries: [put] = [] } = await events.send(
        new PutEventsCommand({ Entries: [{ ...entry, Detail: JSON.stringify(detail()) }] }),
      );
      const id = put?.EventId;
      if (id === undefined) throw new Error(`${detailType}: ${put?.ErrorMessage}`);
      await logged(join(logFolder, `infinstor-onboarding-sandbox-${step}.log`), id);
    },
  });
  const request = () => requestFor(newName());
  const subscriber = () => ({ subscriber: { userName: newName() } });
  const update = () => ({ subscriber: { emailId: 'new@bench.example' } });
  const users = () => ({ users: [{ userName: newName(), emailId: 'user@bench.example' }] });
  let retried = 0;
  return [
    route('GET /bare', 200, () => '/bare'),
    route('GET /health', 200, () => '/health'),
    route('GET /openapi.json', 200, () => '/openapi.json'),
    route('GET /subscribers', 200, () => '/subscribers'),
    route('GET /subscribers/{userName}', 200, () => '/subscribers/bench-known'),
    route('GET /keys/{keyId}', 200, () => `/keys/${keyId}`),
    route('GET /quotas', 200, () => '/quotas'),
    route(
      'POST /plans',
      200,
      () => '/plans',
      () => ({ request: request() }),
    ),
    route('POST /subscribers', 202, () => '/subscribers', request),
    // Of subscribers that the first steps find to be none.
    route('PATCH /subscribers/{userName}', 202, () => `/subscribers/${newName()}`, update),
    route('POST /subscribers/{userName}/users', 202, () => `/subscribers/${newName()}/users`, users),
    route('DELETE /subscribers/{userName}', 202, () => {
      const name = newName();
      return `/subscribers/${name}?confirm=${name}`;
    }),
    route('POST /subscribers/{userName}/retry', 202, () => `/subscribers/bench-failed-${retried++}/retry`),
    event('Bare', 'bare', () => ({})),
    event('SubscriberRequested', 'accept-event', request),
    event('SubscriberUpdateRequested', 'accept-event', () => requestFor(newName())),
    event('SubscriberUpgradeRequested', 'accept-event', () => ({ ...subscriber(), stack: { build: '2.3.72' } })),
    event('UsersRequested', 'accept-event', () => ({ ...subscriber(), ...users() })),
    event('SubscriberOffboardingRequested', 'accept-event', () => {
      const userName = newName();
      return { subscriber: { userName }, confirm: userName };
    }),
  ];
}

/** Waits until a function's log has an event's id. */
async function logged(file: string, id: string): Promise<void> {
  for (let size = 0; ; ) {
    const { size: now = 0 } = statSync(file, { throwIfNoEntry: false }) ?? {};
    if (now !== size && readFileSync(file, 'utf8').includes(id)) return;
    size = now;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
