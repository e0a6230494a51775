import { afterEach, describe, expect, it } from 'vitest';
import { operations } from '../../../../scripts/operations.ts';
import { byScope, isWhole } from '../../../scope.ts';
import { useSandbox, withSandbox } from '../../sandbox.ts';
import { alarmName, messagesOf, stateOf, withAlarms } from './alarmed.ts';
import { causes, minute } from './causes.ts';
import { expectSilence } from './normal-life.ts';

// Longer than the machine itself runs: a stack that never ends is then the machine's time limit.
const sandbox = useSandbox({ ...withAlarms, environment: { STACK_TIMEOUT_MINUTES: '3000' } });

/** In the usual run one of each source of metrics: a service, a function's log, a queue, a math of what is absent. */
const usual = ['executions-failed', 'infinstor-unavailable', 'events-refused', 'sweeps-absent', 'api-errors'];
const some = Object.entries(operations.alarms)
  .filter(([name]) => isWhole || usual.includes(name))
  .map(([name, alarm]) => ({ name, ...alarm }));

/** Minutes that pass, at each of which CloudWatch looks at the alarms. */
function pass(minutes: number): void {
  for (let passed = 0; passed < minutes; passed += 1) {
    sandbox().clock.advance(minute);
    sandbox().cloudWatch.evaluate();
  }
}

afterEach(() => sandbox().faults.clear());

describe('each alarm', () => {
  it('has a cause', () => {
    expect(Object.keys(causes)).toEqual(Object.keys(operations.alarms));
  });

  it.each(some)(
    '$name is raised, and says what it means and where to read on',
    async ({ name, means, runbook, missing }) => {
      const { make, times = 1, everyMinutes = 5, afterMinutes = 1 } = causes[name] ?? { make: () => {} };
      // What other tests have done lies before everything that it looks at.
      sandbox().clock.advance(24 * 60 * minute);
      sandbox().cloudWatch.evaluate();
      if (missing !== 'breaching') expect(stateOf(sandbox(), name)).not.toBe('ALARM');
      const before = messagesOf(sandbox(), name).length;
      for (let time = 1; time <= times; time += 1) {
        await make(sandbox());
        pass(time === times ? afterMinutes : everyMinutes);
      }
      expect(stateOf(sandbox(), name)).toBe('ALARM');
      const messages = messagesOf(sandbox(), name);
      if (missing !== 'breaching') expect(messages).toHaveLength(before + 1);
      expect(messages.at(-1)).toMatchObject({
        AlarmName: alarmName(name),
        NewStateValue: 'ALARM',
        AlarmDescription: expect.stringContaining(`${means} What to do: docs/runbook.md, "${runbook}"`),
      });
    },
  );
});

it.each(byScope<number[]>({ usual: [], all: [24], long: [24, 24 * 7] }))(
  'no alarm is raised in %i hours of normal life',
  async (hours) => {
    const options = { ...withAlarms, schedules: true, alarms: true };
    await withSandbox(options, (given) => expectSilence(given, hours));
  },
);

describe('the alarm that wakes', () => {
  it('is raised with one that wakes', async () => {
    await causes['events-undelivered']?.make(sandbox());
    pass(1);
    expect(stateOf(sandbox(), 'events-undelivered')).toBe('ALARM');
    expect(stateOf(sandbox(), 'wake-somebody')).toBe('ALARM');
    expect(messagesOf(sandbox(), 'wake-somebody').at(-1)).toMatchObject({ NewStateValue: 'ALARM' });
  });
});
