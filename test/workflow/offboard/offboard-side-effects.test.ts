import { afterEach, describe, expect, it } from 'vitest';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { interruptions } from '../interruptions.ts';
import { eventually, expectOneOfEach, onboard, recordOf, useSandbox } from '../sandbox.ts';
import { effectsOf, faultAt, interruptAndRecover, kinds, oneOf, placed, ways } from '../side-effects.ts';
import { stackOf } from '../subscriber.ts';
import { bucketsOf, expectOffboarded, longOnboarded, offboard } from './offboarding.ts';

// A minute for each resource: a stack's operation is over only after time was skipped, and not meanwhile.
const slow = { resourceDelayMs: 60_000 };

/** Deletes what an offboarding has left of a subscriber's data, and what would be in the way of another onboarding. */
async function leaveNothing(sandbox: Sandbox, userName: string): Promise<void> {
  const { cloudFormation } = sandbox;
  await eventually(sandbox, () => expect(stackOf(sandbox, userName)?.status).not.toBe('DELETE_IN_PROGRESS'));
  if (stackOf(sandbox, userName) !== undefined) return;
  for (const { name } of cloudFormation.tables()) {
    if (name === `InfinStorMlflow-${userName}`) cloudFormation.deleteByHand(name);
  }
}

describe('an offboarding that is interrupted', () => {
  const sandbox = useSandbox(slow);

  afterEach(() => {
    sandbox().faults.clear();
  });

  it('has no side effects but those that are interrupted below', async () => {
    const { userName } = await longOnboarded(sandbox());
    expect(await effectsOf(sandbox(), () => offboard(sandbox(), userName))).toEqual(interruptions.offboarding);
  });

  describe.each(placed(interruptions.offboarding))('after $effect', ({ effect, place }) => {
    const chosen = oneOf([...ways, ...kinds.map((kind) => ({ kind, recovery: 'onboarded again' as const }))], place);

    it.each(chosen.filter((way) => way.recovery !== 'onboarded again'))(
      '$kind, then $recovery: is done',
      async (way) => {
        const subscriber = await longOnboarded(sandbox());
        const send = () => offboard(sandbox(), subscriber.userName);
        await expectOffboarded(sandbox(), await interruptAndRecover(sandbox(), send, effect, way), subscriber);
      },
    );

    it.each(chosen.filter((way) => way.recovery === 'onboarded again'))(
      '$kind, then onboarded again: is done',
      async ({ kind }) => {
        const subscriber = await longOnboarded(sandbox());
        const { userName, keyArn, request } = subscriber;
        sandbox().faults.add(faultAt(effect, kind));
        await offboard(sandbox(), userName);
        expect(sandbox().faults.left()).toBe(0);
        await leaveNothing(sandbox(), userName);
        const report = await onboard(sandbox(), request);
        expectOneOfEach(sandbox(), report, { userName, keyArns: [keyArn] });
        expect(await recordOf(sandbox(), userName)).toMatchObject({ status: { S: 'ACTIVE' } });
        const last = { ...subscriber, stackId: `${report.output?.stackId}` };
        const earlier = last.stackId === subscriber.stackId ? [] : bucketsOf(sandbox(), subscriber);
        await expectOffboarded(sandbox(), await offboard(sandbox(), userName), last, earlier);
      },
    );
  });
});
