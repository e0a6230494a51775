// A deployment in whose life nothing goes wrong, with its schedules and alarms.

import { expect } from 'vitest';
import type { Sandbox } from '../../../../sandbox/boot.ts';
import { operations } from '../../../../scripts/operations.ts';
import { newKey, onboard, requestWithKey, run } from '../../sandbox.ts';
import { messagesOf, stateOf } from './alarmed.ts';
import { minute } from './causes.ts';

/** Lets minutes pass, so that what a schedule runs has ended before the next one. */
async function pass({ clock }: Sandbox, minutes: number): Promise<void> {
  for (let passed = 0; passed < minutes; passed += 5) {
    clock.advance(5 * minute);
    await clock.quiet();
  }
}

/** One subscriber from its onboarding to its offboarding. */
async function live(sandbox: Sandbox, userName: string): Promise<void> {
  const subscriber = { userName };
  const { status } = await onboard(sandbox, requestWithKey(userName, newKey(sandbox)));
  expect(status).toBe('SUCCEEDED');
  await run(sandbox, 'update-subscriber', { subscriber: { userName, emailId: 'new@example.com' } });
  await run(sandbox, 'add-user', {
    subscriber,
    users: [{ userName: `${userName}-user`, emailId: 'user@example.com' }],
  });
  await run(sandbox, 'offboard-subscriber', { subscriber, confirm: userName });
}

/** Expects that no alarm is raised in so many hours, after the first, in which every schedule runs for the first time. */
export async function expectSilence(sandbox: Sandbox, hours: number): Promise<void> {
  const { clock, cloudWatch } = sandbox;
  await pass(sandbox, 65);
  const from = clock.now();
  for (let passed = 0; passed < hours; passed += 1) {
    if (passed % 12 === 0) await live(sandbox, `hour-${passed}`);
    await pass(sandbox, 60);
  }
  const raised = cloudWatch.transitions().filter(({ to, time }) => to === 'ALARM' && time > from);
  expect(raised.map(({ alarmName, reason }) => ({ alarmName, reason }))).toEqual([]);
  for (const name of Object.keys(operations.alarms)) expect(stateOf(sandbox, name), name).not.toBe('ALARM');
  expect(stateOf(sandbox, 'sweeps-absent')).toBe('OK');
  // Its first state is ALARM, because of the sweeps that had not run.
  expect(messagesOf(sandbox, 'wake-somebody').at(-1)).toMatchObject({ NewStateValue: 'OK' });
  expectListedMetrics(sandbox);
}

/** Expects that what functions log as metrics is right, and is one of the list. */
function expectListedMetrics({ cloudWatch }: Sandbox): void {
  expect(cloudWatch.invalidLines()).toEqual([]);
  const own = cloudWatch.metricNames().filter(({ namespace }) => namespace === 'infinstor-onboarding-sandbox');
  expect(own.length).toBeGreaterThan(3);
  for (const { name, dimensions } of own) {
    expect(Object.keys(operations.metrics)).toContain(name);
    expect(dimensions).toEqual({});
  }
}
