import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { RedriveExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, afterEach, beforeAll, expect, inject } from 'vitest';
import { connect, follow, start } from '../../cli/aws/executions.ts';
import { sandboxAt } from '../../cli/target/target.ts';
import { type Report, reportOf } from '../../cli/view/report.ts';
import { summaryText } from '../../cli/view/summary.ts';
import { grantedRoles, parseKeyPolicy } from '../../lib/keys/key-policy.ts';
import { type Operation, operationOf, operations } from '../../lib/subscribers/operations.ts';
import { bootSandbox, type Sandbox, type SandboxOptions } from '../../sandbox/boot.ts';
import { operatorAt } from '../../sandbox/operator.ts';
import { overBudget } from '../../scripts/time-budgets.ts';
import { sessionFor } from '../unit/cli/session.ts';
import { malformedEvents } from './published-events.ts';
import { leaksOf } from './secret-scan.ts';

/** What runs have shown to people and callers. A sandbox looks at what came after its boot: others may stand around it, or within. */
export const spoken: string[] = [];

/** The password of requests that must not hold one. */
export const plaintextMarker = 'Plain-Marker-4711!';

/** Time is skipped, and what a deployment does by itself every some minutes rests: it looks at all that a file has made so far. */
const quick = () => ({ packageFolder: inject('packageFolder'), skipIdle: true, schedules: false, alarms: false });

/**
 * A sandbox for all tests of a file; its own time is skipped, and no test knows its port. After the last test, no role was
 * denied anything, no function has made more calls than its time is reckoned for, no event breaks its schema, and no run has left a secret anywhere.
 */
export function useSandbox(options: Partial<SandboxOptions> = {}): () => Sandbox {
  let sandbox: Sandbox | undefined;
  let heard = 0;
  beforeAll(async () => {
    heard = spoken.length;
    sandbox = await bootSandbox({ ...quick(), ...options });
  });
  // What a test leaves going on, such as a stack that is rolled back, must not take the next one's faults. A test that has failed may
  // have released nothing of what it held.
  afterEach(() => {
    for (const release of held.splice(0)) release();
    return sandbox?.clock.quiet();
  });
  afterAll(async () => {
    if (sandbox === undefined) return;
    try {
      expect(sandbox.denials().filter(({ principalArn }) => isFunction(principalArn))).toEqual([]);
      expect(malformedEvents(sandbox)).toEqual([]);
      expect(overBudget(sandbox.calls())).toEqual([]);
      expect(await leaksOf(sandbox, spoken.slice(heard), [plaintextMarker])).toEqual([]);
    } finally {
      await sandbox.close();
    }
  });
  return () => {
    if (sandbox === undefined) throw new Error('The sandbox is there only inside tests');
    return sandbox;
  };
}

/** What releases the calls that the test holds. */
const held: (() => void)[] = [];

/** Of the deployment's own roles: what others are denied is none of its least privilege. */
const isFunction = (principalArn: string) => principalArn.includes(':role/infinstor-onboarding-');

/** A sandbox for one test, whose runs may leave secrets in just these places. */
export async function withSandbox(
  options: Partial<SandboxOptions>,
  use: (sandbox: Sandbox) => Promise<void>,
  expectedLeaks: readonly string[] = [],
): Promise<void> {
  const heard = spoken.length;
  const sandbox = await bootSandbox({ ...quick(), ...options });
  try {
    await use(sandbox);
    expect(await leaksOf(sandbox, spoken.slice(heard), [plaintextMarker])).toEqual(expectedLeaks);
  } finally {
    await sandbox.close();
  }
}

/** Sends a request to the machine of an operation and follows it to its end. */
export async function run(sandbox: Sandbox, operation: Operation, request: object): Promise<Report> {
  const { executionArn } = await startRun(sandbox, operation, request);
  return ended(sandbox, executionArn);
}

/** Sends a request to the machine of an operation, and returns as soon as it is started. */
export async function startRun({ endpoint, stateMachineArn, clock }: Sandbox, operation: Operation, request: object) {
  const clients = connect(sandboxAt(endpoint));
  const machineArn = stateMachineArn.replace('onboard-subscriber', operation);
  // A test may wait for what the execution does before this call has reached the sandbox: until then, something is left to do.
  const started = clock.busy();
  try {
    return { executionArn: await start(clients, machineArn, { ...request }) };
  } finally {
    started();
  }
}

/** Sends a request to the real machine and follows it to its end. */
export const onboard = (sandbox: Sandbox, request: object): Promise<Report> =>
  run(sandbox, 'onboard-subscriber', request);

/** Sends a request to the real machine, and returns as soon as it is started. */
export const startOnboarding = (sandbox: Sandbox, request: object) => startRun(sandbox, 'onboard-subscriber', request);

/**
 * Waits until an assertion holds, or throws its error when nothing is left to do that could make it hold. No real time decides:
 * it is tried again when something has happened in the sandbox.
 */
export async function eventually({ clock }: Sandbox, assertion: () => unknown): Promise<void> {
  for (let mayChange = true; ; ) {
    const progress = clock.progress();
    try {
      await assertion();
      return;
    } catch (error) {
      if (!mayChange) {
        if (error instanceof Error) error.message = `Nothing is left to do on the clock: ${error.message}`;
        throw error;
      }
      mayChange = await progress;
    }
  }
}

/** Follows an execution to its end. */
export async function ended(sandbox: Sandbox, executionArn: string): Promise<Report> {
  const execution = sandbox.states.execution(executionArn);
  // Not `eventually`: an error with its stack at each step of each run takes a twentieth of the sandbox's time.
  while (execution.status === 'RUNNING') {
    if ((await sandbox.clock.progress()) || execution.status !== 'RUNNING') continue;
    throw new Error(`Nothing is left to do on the clock: ${executionArn} still runs`);
  }
  const clients = connect(sandboxAt(sandbox.endpoint));
  const { description, events } = await follow(clients, executionArn, () => {});
  const report = reportOf(description, events, new Map());
  spoken.push(
    JSON.stringify(report),
    summaryText(
      { operation: operationOf(executionArn), userName: undefined, at: sessionFor(sandbox.endpoint) },
      report,
      new Map(),
      {
        paint: (_style, text) => text,
        columns: undefined,
      },
    ),
  );
  return report;
}

/** Lets the next call of an operation, by anybody or by one function, wait until the returned function is called. While it waits, no time is skipped. */
export function hold(
  { faults }: Sandbox,
  service: string,
  operation: string,
  caller: { functionName?: string } = {},
): () => void {
  const { promise: until, resolve } = Promise.withResolvers<void>();
  faults.add({ service, operation, fault: { kind: 'hold', until }, times: 1, ...caller });
  held.push(resolve);
  return resolve;
}

/** Redrives an execution and follows it to its end. */
export async function redrive(sandbox: Sandbox, { executionArn }: Pick<Report, 'executionArn'>): Promise<Report> {
  const arn = executionArn ?? '';
  await connect(sandboxAt(sandbox.endpoint)).sfn.send(new RedriveExecutionCommand({ executionArn: arn }));
  return ended(sandbox, arn);
}

/** Stores a secret as a person would. */
export async function putSecret({ endpoint }: Sandbox, SecretId: string, value: object): Promise<void> {
  const client = new SecretsManagerClient(operatorAt(endpoint));
  await client.send(new PutSecretValueCommand({ SecretId, SecretString: JSON.stringify(value) }));
}

/** The subscriber's record in the registry. */
export async function recordOf({ dynamoDb, registryTable }: Sandbox, userName: string) {
  const items = await dynamoDb.items(registryTable);
  return items.find(({ pk, sk }) => pk?.S === `SUBSCRIBER#${userName.toLowerCase()}` && sk?.S === 'RECORD');
}

/** Items of the registry without those that only say which request has its turn. */
export const withoutTurns = <Item extends Readonly<Record<string, { S?: string | undefined }>>>(
  items: readonly Item[],
): Item[] => items.filter(({ pk }) => pk?.S?.startsWith('TURN#') !== true);

/** The project's own events about an execution. */
export function eventsOf({ events }: Sandbox, { executionArn }: Pick<Report, 'executionArn'>) {
  return events
    .published()
    .filter(
      ({ source, detail }) =>
        source === 'infinstor.onboarding' && 'executionArn' in detail && detail.executionArn === executionArn,
    );
}

/**
 * Expects a failure to be reported everywhere with the same step, error and remedy: by the report, by one kind of event, and by the
 * record, unless nothing was claimed.
 */
export async function expectFailure(
  sandbox: Sandbox,
  report: Report,
  { name, step }: { name: string; step: string },
): Promise<void> {
  expect(report).toMatchObject({ status: 'FAILED', error: { name, step } });
  const { remedy, message } = report.error ?? {};
  expect(message).not.toBe('');
  // A redriven execution may have failed otherwise before.
  const operation = operations[operationOf(report.executionArn ?? '')];
  const expected = {
    'detail-type': operation.failedEvent,
    detail: expect.objectContaining({ name, step, message, remedy }),
  };
  await eventually(sandbox, () => expect(eventsOf(sandbox, report)).toContainEqual(expect.objectContaining(expected)));
  const record = async () =>
    (await sandbox.dynamoDb.items(sandbox.registryTable)).find(
      ({ sk, executionArn }) => sk?.S === 'RECORD' && executionArn?.S === report.executionArn,
    );
  if (step === operation.firstState) {
    expect(await record()).toBeUndefined();
    return;
  }
  const lastError = { name: { S: name }, step: { S: step }, message: { S: message }, remedy: { S: remedy } };
  // What an earlier attempt left may stand there before.
  await eventually(sandbox, async () =>
    expect(await record()).toMatchObject({ status: { S: operation.failed }, lastError: { M: lastError } }),
  );
}

/** The function behind the vendor's custom resources, which the stacks' role may call. */
export const serviceToken = 'arn:aws:lambda:us-east-1:999999999999:function:infinstor-subscriber';

let keys = 0;

/** A customer managed key of its own, which may be used for onboarding. */
export function newKey({ kms }: Sandbox, definition: Partial<Parameters<Sandbox['kms']['createKey']>[0]> = {}): string {
  keys += 1;
  const arn = `arn:aws:kms:us-east-1:111111111111:key/55555555-eeee-4eee-8eee-${String(keys).padStart(12, '0')}`;
  kms.createKey({ arn, tags: { 'infinstor-onboarding': 'allowed' }, ...definition });
  return arn;
}

export const requestFor = (userName: string) => ({ subscriber: { userName, emailId: 'mlops@example.com' } });

/** A request whose table is encrypted with this key. */
export const requestWithKey = (userName: string, keyArn: string) => ({
  ...requestFor(userName),
  encryption: { tracking: { type: 'customer-managed', keyArn } },
});

/** Expects a success that has left exactly one subscriber, one stack, one table and, on each key, one grant. */
export function expectOneOfEach(
  { infinstor, cloudFormation, kms }: Sandbox,
  report: Report,
  { userName, keyArns }: { userName: string; keyArns: readonly string[] },
): void {
  expect(report.error).toBeNull();
  expect(infinstor.subscribers().filter((subscriber) => subscriber.userName === userName)).toHaveLength(1);
  const stack = cloudFormation.stack(`infinstor-subscriber-sandbox-${userName.toLowerCase()}`);
  expect(stack?.status).toBe('CREATE_COMPLETE');
  expect(stack?.stackId).toBe(report.output?.stackId);
  expect(cloudFormation.tables().filter(({ name }) => name === `InfinStorMlflow-${userName}`)).toHaveLength(1);
  for (const keyArn of keyArns) {
    const policy = kms.keyPolicy(keyArn);
    expect(policy.Statement).toHaveLength(3);
    expect(grantedRoles(parseKeyPolicy(JSON.stringify(policy)))).toEqual([report.output?.roleArn]);
  }
}

/** The states of a run in the order in which they were entered or retried. */
export function statesOf({ history }: Report): string[] {
  return history.map(({ state }) => state);
}

export const happyPath = [
  'AcceptRequest',
  'ObtainToken',
  'CreateSubscriber',
  'DeployStack',
  'WaitForStack',
  'ReadRoleArn',
  'PatchKeyPolicy',
  'VerifySubscriber',
  'CompleteOnboarding',
];

export const offboardingPath = [
  'AcceptOffboarding',
  'WithdrawGrants',
  'DeleteStack',
  'WaitForStack',
  'CompleteOffboarding',
];
