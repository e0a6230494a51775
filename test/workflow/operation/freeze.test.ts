import { afterEach, describe, expect, it } from 'vitest';
import type { Report } from '../../../cli/view/report.ts';
import type { Freeze } from '../../../sandbox/services/lambda/freezes.ts';
import { casesInScope } from '../../scope.ts';
import { add, newUser } from '../add-user/adding-users.ts';
import { packagedMachine } from '../machines/packaged-machine.ts';
import { offboard } from '../offboard/offboarding.ts';
import { expectOneOfEach, newKey, onboard, statesOf, useSandbox } from '../sandbox.ts';
import { callsOf, fault, letTokensExpire, newName, newRun, onboarded, subscribersNamed } from '../subscriber.ts';
import { both, changeable, update } from '../update/updating.ts';
import { upgradable, upgrade, withKey } from '../upgrade/upgrading.ts';

const sandbox = useSandbox();

afterEach(() => {
  sandbox().faults.clear();
});

/** Runs of each machine, of a subscriber of their own, when no token of an earlier run is good any more: each logs in and obtains one. */
const runs: Record<string, () => Promise<() => Promise<Report>>> = {
  async OnboardSubscriber() {
    const keyArns = [newKey(sandbox())];
    const { userName, request } = newRun('frozen', keyArns);
    letTokensExpire(sandbox());
    return async () => {
      const report = await onboard(sandbox(), request);
      expectOneOfEach(sandbox(), report, { userName, keyArns });
      return report;
    };
  },
  async AddUserMachine() {
    const { userName, request } = newRun('frozen');
    await onboarded(sandbox(), request);
    letTokensExpire(sandbox());
    return async () => {
      const users = [newUser(), newUser()];
      const report = await add(sandbox(), users, userName);
      expect(sandbox().infinstor.usersOf(userName)).toHaveLength(2);
      return report;
    };
  },
  async UpdateSubscriberMachine() {
    const subscriber = await changeable(sandbox());
    return () => update(sandbox(), both(subscriber));
  },
  async UpgradeSubscriber() {
    const { userName, after } = await upgradable(sandbox());
    return () => upgrade(sandbox(), { subscriber: { userName }, ...withKey(after) });
  },
  async OffboardSubscriber() {
    const userName = newName('frozen');
    await onboarded(sandbox(), newRun(userName, [newKey(sandbox())], userName).request);
    return () => offboard(sandbox(), userName);
  },
};

/** The steps of a machine that its run has. */
const stepsOf = (machine: string) =>
  [...packagedMachine(machine).functionOf.values()]
    .map((name) => name.replace('infinstor-onboarding-sandbox-', ''))
    // Only for a role that is replaced, which PatchKeyPolicy tries until KMS sees it. An offboarding has the same function.
    .filter((step) => machine !== 'UpgradeSubscriber' || step !== 'withdraw-grants');

/** The states of a run that nothing befalls. Every function of it keeps an environment warm, with connections that are pooled. */
async function statesOfWarmRun(machine: string): Promise<string[]> {
  const report = await (await runs[machine]?.())?.();
  expect(report?.error).toBeNull();
  return report === undefined ? [] : statesOf(report);
}

/**
 * Runs a machine with these functions frozen before their first invocation, as a run that nothing befalls, until each was frozen with a
 * connection open. On a busy computer one may have lost its thread, and with it its connections, since it was warm: such a freeze proves nothing.
 */
async function freezeAll(machine: string, steps: readonly string[]): Promise<void> {
  const without = new Set(steps);
  for (let tries = 0; tries < 3 && without.size > 0; tries += 1) {
    for (const { step, flows } of await runFrozen(machine, steps)) if (flows > 0) without.delete(step);
  }
  expect([...without]).toEqual([]);
}

async function runFrozen(machine: string, steps: readonly string[]): Promise<readonly Freeze[]> {
  // Just before, as no connection lives for ever.
  const usual = await statesOfWarmRun(machine);
  const go = await runs[machine]?.();
  const frozenBefore = sandbox().freezes().length;
  for (const step of steps) fault(sandbox(), `lambda:${step}:freeze`);
  const report = await go?.();
  expect(report?.error).toBeNull();
  // Nothing was tried again.
  expect(report && statesOf(report)).toEqual(usual);
  const freezes = sandbox().freezes().slice(frozenBefore);
  expect(freezes.map(({ step }) => step).toSorted()).toEqual(steps.toSorted());
  return freezes;
}

const machines = Object.keys(runs);

describe.each(machines)('%s', (machine) => {
  it('ends as ever when each of its functions was frozen, with its connections dropped', async () => {
    await freezeAll(machine, stepsOf(machine));
  });

  it.each(casesInScope(stepsOf(machine), []))('ends as ever when %s was frozen', async (step) => {
    await freezeAll(machine, [step]);
  });
});

it('add_subscriber is called once, over no connection of before a freeze', async () => {
  // So that there is one: a service may let its callers keep it for longer than six minutes.
  await onboarded(sandbox(), newRun('before').request);
  const { userName, request } = newRun('frozen');
  const before = callsOf(sandbox(), 'add_subscriber');
  fault(sandbox(), 'lambda:create-subscriber:freeze');
  await onboarded(sandbox(), request);
  expect(callsOf(sandbox(), 'add_subscriber')).toBe(before + 1);
  expect(subscribersNamed(sandbox(), userName)).toHaveLength(1);
});
