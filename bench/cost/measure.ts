// What is paid for of one operation of each kind, of one run of each schedule, and of these runs over a registry with many subscribers: written
// to scripts/cost/measured.json, of which `npm run draw-cost` makes docs/cost.md. Each operation is done once before, so that no function is cold.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import * as v from 'valibot';
import { packageForSandbox } from '../../build/package.ts';
import { connect, start } from '../../cli/aws/executions.ts';
import { sandboxAt } from '../../cli/target/target.ts';
import { bootSandbox } from '../../sandbox/boot.ts';
import { fixtures } from '../../sandbox/core/account.ts';
import { operatorAt } from '../../sandbox/operator.ts';
import {
  type Measured,
  measuredFile,
  measuredSchema,
  type RunAtScale,
  type Size,
  type Use,
} from '../../scripts/cost/measured.ts';
import { callApi } from '../../tools/permissions/call-api.ts';
import { cpuSeconds } from '../profile.ts';
import { lookAtKeys } from '../scale/drift.ts';
import { registryOf } from '../scale/registry.ts';
import { sweeperOf } from '../scale/sweep.ts';
import { advance, beginTime } from '../scale/world.ts';
import { countUnits } from './units.ts';

const minute = 60_000;
const sandbox = await bootSandbox({
  packageFolder: await packageForSandbox(),
  skipIdle: true,
  schedules: false,
  alarms: false,
});
const units = countUnits(sandbox.dynamoDb);
const clients = connect(sandboxAt(sandbox.endpoint));
const lambda = new LambdaClient(operatorAt(sandbox.endpoint));
const service = 'infinstor-onboarding-sandbox';

const inSandbox = await measuredInSandbox().finally(sandbox.close);
// Only now: a sandbox has a time of its own.
beginTime();
const atScale = { 1: await runsOver(1), 1000: await runsOver(1_000), 10000: await runsOver(10_000) };
const measured: Measured = { ...inSandbox, atScale };
writeFileSync(measuredFile, `${JSON.stringify(v.parse(measuredSchema, measured), undefined, 2)}\n`);
process.stdout.write(`Written to ${measuredFile}: now npm run draw-cost\n`);

/** What of it a sandbox says. */
async function measuredInSandbox(): Promise<Omit<Measured, 'atScale'>> {
  const small = await lifeOf('bench-warm', false).then(() => lifeOf('bench-cost', false));
  await lifeOf('bench-warm-keys', true);
  const withKeys = await lifeOf('bench-keys', true, { stays: true });
  const scheduled = await scheduledRuns().then(scheduledRuns);
  return {
    operations: {
      onboarding: small.onboarding,
      onboardingWithKeys: withKeys.onboarding,
      update: small.update,
      addedUser: small.addedUser,
      // Of one who has keys, of which one is changed.
      upgrade: withKeys.upgrade,
      offboarding: small.offboarding,
      status: small.status,
      list: small.list,
    },
    scheduled,
    registry: await storedOf('bench-keys'),
  };
}

/** What a subscriber goes through. @param stays whether it is not offboarded */
async function lifeOf(userName: string, hasKeys: boolean, { stays = false } = {}) {
  const subscriber = { userName, emailId: 'mlops@acme.example' };
  const keys = {
    artifacts: { type: 'sse-kms-customer-managed', keyArn: fixtures.artifactsKeyArn },
    tracking: { type: 'customer-managed', keyArn: fixtures.trackingKeyArn },
  };
  const onboarding = await spentOn(() =>
    run('onboard-subscriber', { subscriber, ...(hasKeys && { encryption: keys }) }),
  );
  const status = await spentOn(() => api(`/subscribers/${userName}`));
  const list = await spentOn(() => api('/subscribers'));
  const update = await spentOn(() =>
    run('update-subscriber', { subscriber: { ...subscriber, emailId: 'new@acme.example' } }),
  );
  const user = { userName: `${userName}-one`, emailId: 'one@acme.example' };
  const addedUser = await spentOn(() => run('add-user', { subscriber: { userName }, users: [user] }));
  const tracking = { type: hasKeys ? 'aws-managed' : 'aws-owned' };
  const upgrade = await spentOn(() =>
    run('upgrade-subscriber', { subscriber: { userName }, encryption: { tracking } }),
  );
  const offboarding = await spentOn(() =>
    stays ? Promise.resolve() : run('offboard-subscriber', { subscriber: { userName }, confirm: userName }),
  );
  return { onboarding, status, list, update, addedUser, upgrade, offboarding };
}

async function run(machine: string, request: Record<string, unknown>): Promise<void> {
  const machineArn = sandbox.stateMachineArn.replace('onboard-subscriber', machine);
  const executionArn = await start(clients, machineArn, request);
  await sandbox.clock.quiet();
  const { status, error, cause } = sandbox.states.execution(executionArn);
  if (status !== 'SUCCEEDED') throw new Error(`${machine} ended ${status}: ${error} ${cause}`);
}

async function api(path: string): Promise<void> {
  const { status, body } = await callApi(sandbox, 'GET', path);
  if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
}

async function scheduledRuns() {
  const invoke = (name: string) =>
    spentOn(async () => {
      const event = {
        id: '00000000-0000-4000-8000-000000000000',
        source: 'aws.events',
        'detail-type': 'Scheduled Event',
        detail: {},
        time: new Date(sandbox.clock.now()).toISOString(),
      };
      const asked = { FunctionName: `${service}-${name}`, Payload: JSON.stringify(event) };
      const { FunctionError, Payload } = await lambda.send(new InvokeCommand(asked));
      if (FunctionError !== undefined) throw new Error(`${name}: ${Buffer.from(Payload ?? '').toString('utf8')}`);
    });
  // Each has its turn again.
  sandbox.clock.advance(61 * minute);
  return {
    sweepExecutions: await invoke('sweep-executions'),
    sweepPasswords: await invoke('sweep-passwords'),
    drift: await invoke('detect-key-policy-drift'),
    checkQuotas: await invoke('check-quotas'),
  };
}

/** What some work takes, of all that is paid for. */
async function spentOn(work: () => Promise<unknown>): Promise<Use> {
  await sandbox.clock.quiet();
  // Metrics are by the minute.
  sandbox.clock.advance(2 * minute);
  const before = state();
  const since = Math.floor(sandbox.clock.now() / minute) * minute;
  const cpu = { all: process.cpuUsage(), main: process.threadCpuUsage() };
  await work();
  await sandbox.clock.quiet();
  const processor = cpuSeconds(process.cpuUsage(cpu.all)) - cpuSeconds(process.threadCpuUsage(cpu.main));
  const after = state();
  const calls = sandbox.calls().slice(before.calls);
  const count = (test: (call: (typeof calls)[number]) => boolean) => calls.filter(test).length;
  const isInfinstor = ({ service: of, operation }: (typeof calls)[number]) =>
    ['infinstor', 'cognito'].includes(of) && operation !== 'register';
  const invocations = invocationsSince(since);
  const total = Object.values(invocations).reduce((sum, times) => sum + times, 0);
  return {
    transitions: after.transitions - before.transitions,
    invocations,
    awsCalls: count(({ service: of }) => !['infinstor', 'cognito'].includes(of)),
    infinstorCalls: count(isInfinstor),
    processorMs: total === 0 ? 0 : Math.max(0, Math.round(100 * processor) * 10),
    dynamoDbReads: after.reads - before.reads,
    dynamoDbWrites: after.writes - before.writes,
    secretCalls: count(({ service: of }) => of === 'secretsmanager'),
    secretsMade: count(({ operation }) => operation === 'CreateSecret'),
    kmsCalls: count(({ service: of }) => of === 'kms'),
    events: after.events - before.events,
    apiRequests: Object.keys(invocations).some((name) => /^(get|list|post|patch|delete)-/.test(name) && total === 1)
      ? 1
      : 0,
    logLines: after.logLines - before.logLines,
    logBytes: after.logBytes - before.logBytes,
  };
}

function state() {
  const logs = readdirSync(sandbox.logFolder).filter((name) => name.startsWith(service));
  const text = logs.map((name) => readFileSync(join(sandbox.logFolder, name), 'utf8')).join('');
  const transitions = sandbox.states.executions().map(({ history }) => {
    const ofType = (pattern: RegExp) => history.filter(({ type }) => pattern.test(type)).length;
    // A retry is a transition as well.
    const retries = ofType(/^(Task|LambdaFunction)Scheduled$/) - ofType(/^TaskStateEntered$/);
    return ofType(/StateEntered$/) + Math.max(0, retries);
  });
  return {
    ...units,
    transitions: transitions.reduce((sum, each) => sum + each, 0),
    calls: sandbox.calls().length,
    events: sandbox.events.published().filter(({ source }) => source === 'infinstor.onboarding').length,
    logBytes: Buffer.byteLength(text),
    logLines: text.split('\n').length - 1,
  };
}

function invocationsSince(since: number): Record<string, number> {
  const times: number[] = [];
  for (let time = since; time <= sandbox.clock.now(); time += minute) times.push(time);
  const found: Record<string, number> = {};
  for (const metric of sandbox.cloudWatch.metricNames()) {
    const { FunctionName = '' } = metric.dimensions;
    if (metric.namespace !== 'AWS/Lambda' || metric.name !== 'Invocations' || FunctionName === '') continue;
    const points = sandbox.cloudWatch.points(metric, { statistic: 'Sum', period: 60, times });
    const sum = [...points.values()].reduce((all, value) => all + value, 0);
    if (sum > 0) found[FunctionName.slice(service.length + 1)] = sum;
  }
  return Object.fromEntries(Object.entries(found).toSorted());
}

async function storedOf(userName: string) {
  const items = (await sandbox.dynamoDb.items(sandbox.registryTable)).filter((item) =>
    JSON.stringify(item).includes(userName),
  );
  // With what DynamoDB adds to each item (developer guide, "DynamoDB item sizes and formats"), and an entry of 400 bytes in the index.
  const bytes = items.reduce((sum, item) => sum + Buffer.byteLength(JSON.stringify(item)) + 100, 500);
  return { items: items.length, bytes };
}

async function runsOver(count: Size) {
  const { registry, spent } = await registryOf(count);
  const { sweep } = sweeperOf(registry, { unseen: 0, others: 0 });
  const taken = async (later: number, work: (remainingMs: () => number) => Promise<unknown>): Promise<RunAtScale> => {
    advance(later);
    const [before, begin] = [{ ...spent }, Date.now()];
    const found = await work(() => 300_000 - (Date.now() - begin));
    return {
      reads: spent.reads - before.reads,
      writes: spent.writes - before.writes,
      calls: spent.calls - before.calls,
      keys: Number(/^(\d+) keys/.exec(String(found))?.[1] ?? 0),
    };
  };
  const look = (remainingMs: () => number) => lookAtKeys(registry, count, () => 600_000 + remainingMs());
  return {
    sweepHourly: await taken(minute, sweep),
    sweep: await taken(5 * minute, sweep),
    driftWeekly: await taken(minute, look),
    drift: await taken(60 * minute, look),
    driftDaily: await taken(24 * 60 * minute, look),
  };
}
