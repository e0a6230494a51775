// Subscribers under a release of before, in every state in which a deployment may find them.

import { expect } from 'vitest';
import type { Report } from '../../../cli/view/report.ts';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { offboard } from '../offboard/offboarding.ts';
import { eventually, newKey, onboard, requestFor, requestWithKey, run, startOnboarding } from '../sandbox.ts';
import { fault, functionNameOf, onboarded } from '../subscriber.ts';

/** Those whose items and secrets are recorded. */
export const recorded = ['acting', 'failing', 'unclear', 'leaving', 'gone', 'waiting'] as const;

/** The steps of each machine after the first one, in which an execution may stop. */
const stops = {
  onboard: [
    ...['obtain-token', 'create-subscriber', 'deploy-stack', 'await-stack', 'read-role-arn', 'patch-key-policy'],
    ...['verify-subscriber', 'complete-onboarding'],
  ],
  update: ['obtain-token', 'update-subscriber', 'complete-update'],
  'add-user': ['obtain-subscriber-token', 'add-user', 'complete-users'],
  offboard: ['withdraw-grants', 'delete-stack', 'await-stack', 'complete-offboarding'],
};

/** Lets the next invocation of a function fail, so that its execution ends there, and can be redriven. */
function stopAt({ faults }: Sandbox, step: string) {
  const stop = { kind: 'error', name: 'Stopped' } as const;
  faults.add({ service: 'lambda', operation: 'Invoke', fault: stop, times: 1, functionName: functionNameOf(step) });
}

export const updating = (userName: string, emailId: string) => ({ subscriber: { userName, emailId } });
export const adding = (userName: string, ...users: string[]) => ({
  subscriber: { userName },
  users: users.map((user) => ({ userName: `${user}-${userName}`, emailId: `${user}@acme.example` })),
});

/** Executions that have stopped at each step, to be redriven. */
async function stopped(sandbox: Sandbox, keyArn: string): Promise<{ kind: string; step: string; report: Report }[]> {
  const found = [];
  for (const [kind, steps] of Object.entries(stops)) {
    for (const step of steps) {
      const userName = `${kind}-${step}`.slice(0, 34);
      if (kind !== 'onboard') await onboarded(sandbox, requestWithKey(userName, keyArn));
      stopAt(sandbox, step);
      const report = await begin(sandbox, kind, userName, keyArn);
      expect(report.error).toMatchObject({ name: 'Stopped' });
      found.push({ kind, step, report });
    }
  }
  return found;
}

function begin(sandbox: Sandbox, kind: string, userName: string, keyArn: string): Promise<Report> {
  switch (kind) {
    case 'update':
      return run(sandbox, 'update-subscriber', updating(userName, 'then@acme.example'));
    case 'add-user':
      return run(sandbox, 'add-user', adding(userName, 'first', 'second'));
    case 'offboard':
      return offboard(sandbox, userName);
    default:
      return onboard(sandbox, requestWithKey(userName, keyArn));
  }
}

/** Lives them. @returns the executions that have stopped, and the one that waits for its stack */
export async function liveFormerly(sandbox: Sandbox) {
  const keyArn = newKey(sandbox);
  await onboarded(sandbox, requestWithKey('acting', keyArn));
  expect(await run(sandbox, 'add-user', adding('acting', 'alice'))).toMatchObject({ error: null });
  expect(await run(sandbox, 'update-subscriber', updating('acting', 'then@acme.example'))).toMatchObject({
    error: null,
  });
  stopAt(sandbox, 'deploy-stack');
  expect(await onboard(sandbox, requestFor('failing'))).toMatchObject({ status: 'FAILED' });
  fault(sandbox, 'infinstor:add_subscriber:drop');
  expect(await onboard(sandbox, requestFor('unclear'))).toMatchObject({ error: { name: 'SubscriberOutcomeUnknown' } });
  await onboarded(sandbox, requestWithKey('leaving', keyArn));
  stopAt(sandbox, 'delete-stack');
  expect(await offboard(sandbox, 'leaving')).toMatchObject({ status: 'FAILED' });
  await onboarded(sandbox, requestWithKey('gone', keyArn));
  expect(await offboard(sandbox, 'gone')).toMatchObject({ error: null });
  const executions = await stopped(sandbox, keyArn);
  // The event that would end the wait is lost, so that it lasts until the stack is looked at again.
  fault(sandbox, 'events:StackStatusChange:lose', { times: 9 });
  const { executionArn } = await startOnboarding(sandbox, requestWithKey('waiting', keyArn));
  await eventually(sandbox, async () =>
    expect(await sandbox.dynamoDb.items(sandbox.registryTable)).toContainEqual(
      expect.objectContaining({ sk: { S: 'WAITER' }, executionArn: { S: executionArn } }),
    ),
  );
  return { keyArn, executions, waiting: executionArn };
}
