// Each public error is brought about, says its cause and its remedy, and leaves a state in which the commands of its section in the
// runbook work.

import { afterEach, describe, expect, it } from 'vitest';
import * as errors from '../../../lib/errors.ts';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { useSandbox, withSandbox } from '../sandbox.ts';
import { oneOf } from '../side-effects.ts';
import type { Cause } from './cause.ts';
import { causes } from './causes.ts';
import { commandsOfRunbook, runSection } from './runbook-section.ts';

// A minute for each resource: a stack's operation is over only after time was skipped, and not meanwhile.
const shared = useSandbox({ resourceDelayMs: 60_000, environment: { VERIFY: 'require' } });

afterEach(() => {
  shared().faults.clear();
});

const names = Object.entries<unknown>({ ...errors }).flatMap(([name, value]) =>
  typeof value === 'function' && value.prototype instanceof errors.StepError ? [name] : [],
);

it('every public error has a cause, and every cause is one of a public error', () => {
  expect([...new Set(causes.map(({ error }) => error))].toSorted()).toEqual(names.toSorted());
});

it.each(commandsOfRunbook())(
  'the runbook writes a command with options that its operation has: %s',
  async (_, read) => {
    await expect(read()).resolves.not.toThrow();
  },
);

/** The usual run has one cause of each error: the first of one, the second of the next, and so on. */
const chosen = [...Map.groupBy(causes, ({ error }) => error).values()].flatMap(oneOf);

describe.each(chosen)('$error, because $because,', (cause) => {
  it('says so, and the commands of its section of the runbook run', async () => {
    if (cause.options === undefined) await expectCause(shared(), cause);
    else await withSandbox(cause.options(), (given) => expectCause(given, cause));
  });
});

async function expectCause(sandbox: Sandbox, cause: Cause): Promise<void> {
  const { error, within = error, step, says, remedy } = cause;
  const left = await cause.provoke(sandbox);
  expect(left.report.error).toMatchObject({ name: within, step, message: expect.stringMatching(says) });
  expect(left.report.error?.remedy).toBe(errors.remedyFor(within));
  expect(left.report.error?.remedy).toMatch(remedy);
  sandbox.faults.clear();
  // What is still going on, such as a rollback or the record of the failure.
  await sandbox.clock.quiet();
  const { common, own, ownLeftOut } = await runSection(sandbox, error, left, cause.foreign);
  expect(common).toBeGreaterThanOrEqual(4);
  // Of a section that has commands, one at least is run.
  expect(own, `${ownLeftOut} commands of the section are left out`).toBeGreaterThanOrEqual(ownLeftOut === 0 ? 0 : 1);
}
