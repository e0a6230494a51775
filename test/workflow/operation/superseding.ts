// Executions that fail, are superseded by others, and are redriven then.

import { expect } from 'vitest';
import type { Report } from '../../../cli/view/report.ts';
import type { Operation } from '../../../lib/subscribers/operations.ts';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { packagedMachine } from '../machines/packaged-machine.ts';
import { offboarding } from '../offboard/offboarding.ts';
import { newKey, redrive, run } from '../sandbox.ts';
import { effectsOf } from '../side-effects.ts';
import { credentialsOf, newName, newRun, onboarded, stackOf, subscribersNamed } from '../subscriber.ts';
import { readOnlyStates } from './read-only-states.ts';

/** The machines as they are deployed. */
export const machines = {
  'onboard-subscriber': packagedMachine('OnboardSubscriber'),
  'update-subscriber': packagedMachine('UpdateSubscriberMachine'),
  'upgrade-subscriber': packagedMachine('UpgradeSubscriber'),
  'add-user': packagedMachine('AddUserMachine'),
  'offboard-subscriber': packagedMachine('OffboardSubscriber'),
} as const satisfies Record<Operation, ReturnType<typeof packagedMachine>>;

/** The states of a machine that change anything. */
export const actingStates = (operation: Operation): string[] =>
  machines[operation].states
    .filter(([name, { Type }]) => Type === 'Task' && !Object.hasOwn(readOnlyStates, name))
    .map(([name]) => name);

/** A subscriber that several executions are about, each with the same key. */
export function newSubject(sandbox: Sandbox) {
  const keyArn = newKey(sandbox);
  const userName = newName('superseded');
  const { request } = newRun(userName, [keyArn], userName);
  const passwordSecretId = `infinstor/sandbox/input/${userName}/new-password`;
  sandbox.secretsManager.createSecret(passwordSecretId, JSON.stringify({ password: `Given-Marker-${userName}-1!` }));
  const requests: Record<Operation, object> = {
    'onboard-subscriber': request,
    'update-subscriber': { subscriber: { userName }, passwordSecretId },
    'upgrade-subscriber': { subscriber: { userName }, encryption: { tracking: { type: 'aws-managed' } } },
    'add-user': { subscriber: { userName }, users: [{ userName: `${userName}-u`, emailId: 'u@example.com' }] },
    'offboard-subscriber': offboarding(userName),
  };
  return { userName, keyArn, requests };
}
export type Subject = ReturnType<typeof newSubject>;

/** What may be done to a subscriber after an execution about it has failed, each of which must succeed. */
export const supersedings: Readonly<Record<Operation, readonly (readonly Operation[])[]>> = {
  'onboard-subscriber': [
    ['onboard-subscriber'],
    ['onboard-subscriber', 'offboard-subscriber'],
    ['onboard-subscriber', 'update-subscriber'],
  ],
  'update-subscriber': [['update-subscriber'], ['offboard-subscriber'], ['add-user']],
  'upgrade-subscriber': [['upgrade-subscriber'], ['offboard-subscriber'], ['update-subscriber']],
  'add-user': [['update-subscriber'], ['offboard-subscriber'], ['add-user']],
  'offboard-subscriber': [
    ['onboard-subscriber'],
    ['offboard-subscriber', 'onboard-subscriber'],
    ['onboard-subscriber', 'update-subscriber'],
  ],
};

/** Sends an execution's request and lets it fail at a state, before that has done anything. */
export async function failAt(sandbox: Sandbox, subject: Subject, operation: Operation, state: string): Promise<Report> {
  sandbox.faults.add(machines[operation].lambdaFails(state, 'InvalidConfiguration', 1));
  const report = await run(sandbox, operation, subject.requests[operation]);
  expect(report.error).toMatchObject({ name: 'InvalidConfiguration', step: state });
  return report;
}

/** Lets others have their turn, which must succeed. */
async function supersede(sandbox: Sandbox, subject: Subject, others: readonly Operation[]): Promise<void> {
  // A moment later at least: an execution that is started in the same millisecond is no later one.
  for (const operation of others) {
    sandbox.clock.advance(1_000);
    await sandbox.clock.quiet();
    if (operation === 'onboard-subscriber') await freeNames(sandbox, subject);
    const report = await run(sandbox, operation, subject.requests[operation]);
    expect({ operation, error: report.error }).toEqual({ operation, error: null });
  }
}

/** What an offboarding has left of the subscriber's data stands in the way of another stack. */
async function freeNames(sandbox: Sandbox, { userName }: Subject): Promise<void> {
  const table = `InfinStorMlflow-${userName}`;
  const isLeft = sandbox.cloudFormation.tables().some(({ name }) => name === table);
  if (isLeft && stackOf(sandbox, userName) === undefined) await sandbox.cloudFormation.deleteByHand(table);
}

/** All that an execution could have changed. */
async function worldOf(sandbox: Sandbox, { userName, keyArn }: Subject) {
  const { dynamoDb, registryTable, kms, secretsManager, iam } = sandbox;
  const items = (await dynamoDb.items(registryTable)).map((item) => JSON.stringify(item)).toSorted();
  const stack = stackOf(sandbox, userName);
  return {
    items,
    stack: stack && { id: stack.stackId, status: stack.status },
    role: iam.role(`RoleForInfinStorMlflowService-${userName}`)?.arn,
    policy: kms.keyPolicy(keyArn),
    credentials: secretsManager.value(credentialsOf(userName)),
    subscribers: JSON.stringify(subscribersNamed(sandbox, userName)),
  };
}

/**
 * Redrives a superseded execution: it ends in the state that it enters, and nothing has changed. Calls of DynamoDB may be refused there, so
 * it is what the registry holds that counts; of everything else not a single call that changes anything may be made.
 */
export async function expectNothingDone(
  sandbox: Sandbox,
  subject: Subject,
  old: Report,
  state: string,
): Promise<Report> {
  const before = await worldOf(sandbox, subject);
  let redriven: Report | undefined;
  const effects = await effectsOf(sandbox, async () => {
    redriven = await redrive(sandbox, old);
    await sandbox.clock.quiet();
  });
  if (redriven === undefined) throw new Error('nothing was redriven');
  expect(redriven.error).toMatchObject({ name: 'ExecutionSuperseded', step: state });
  expect(effects.filter((effect) => !effect.includes(' dynamodb:'))).toEqual(['record-failure events:PutEvents']);
  expect(await worldOf(sandbox, subject)).toEqual(before);
  return redriven;
}

/** A subscriber of whom executions of this kind have failed, one after the other, each at another of these states, and whom others have had since. */
export async function supersededAt(
  sandbox: Sandbox,
  operation: Operation,
  states: readonly string[],
  others: readonly Operation[],
) {
  const subject = await subjectFor(sandbox, operation);
  const failed = new Map<string, Report>();
  for (const state of states) {
    // A moment later, as below.
    sandbox.clock.advance(1_000);
    failed.set(state, await failAt(sandbox, subject, operation, state));
    await sandbox.clock.quiet();
  }
  await supersede(sandbox, subject, others);
  return { subject, failed };
}

/** A subscriber with whom an execution of this kind can begin. */
export async function subjectFor(sandbox: Sandbox, operation: Operation): Promise<Subject> {
  const subject = newSubject(sandbox);
  if (operation !== 'onboard-subscriber') await onboarded(sandbox, subject.requests['onboard-subscriber']);
  return subject;
}
