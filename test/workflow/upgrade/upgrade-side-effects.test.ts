import { afterEach, describe, expect, it } from 'vitest';
import { isWhole } from '../../scope.ts';
import { interruptions } from '../interruptions.ts';
import { useSandbox } from '../sandbox.ts';
import { effectsOf, interruptAndRecover, placed, waysAt } from '../side-effects.ts';
import { rolesOn } from '../subscriber.ts';
import { changeSetsOf, changes, expectUpgraded, publish, toBoth, upgradable, upgrade } from './upgrading.ts';

// A minute for each resource: a stack's operation is over only after time was skipped, and not meanwhile.
const sandbox = useSandbox({ resourceDelayMs: 60_000 });

afterEach(() => {
  sandbox().faults.clear();
});

/** Those of the steps of an onboarding are interrupted in its tests each time, and here where all cases are wanted. */
const isOwn = ({ effect }: { effect: string }) =>
  isWhole || /-upgrade events|-upgrade dynamodb:UpdateItem|change-set/.test(effect);

describe('the side effects', () => {
  it('are those that are interrupted below', async () => {
    const subscriber = await upgradable(sandbox());
    const build = publish(sandbox(), changes.policy);
    const effects = await effectsOf(sandbox(), () => upgrade(sandbox(), toBoth(subscriber, build)));
    expect(effects.filter((effect) => !effect.startsWith('await-stack') || !effect.includes('#'))).toEqual(
      interruptions.upgrade,
    );
  });

  describe.each(placed(interruptions.upgrade).filter(isOwn))('$effect', ({ effect, place }) => {
    it.each(waysAt(place))('$kind, then $recovery: all agree', async (way) => {
      const subscriber = await upgradable(sandbox());
      const build = publish(sandbox(), changes.policy);
      const send = () => upgrade(sandbox(), toBoth(subscriber, build));
      await expectUpgraded(sandbox(), await interruptAndRecover(sandbox(), send, effect, way), subscriber, { build });
    });
  });
});

describe.each(placed(interruptions['upgrade that is refused, or finds nothing to do']))(
  '$effect',
  ({ effect, place }) => {
    it.each(waysAt(place))('$kind, then $recovery: no change set is left', async (way) => {
      const subscriber = await upgradable(sandbox());
      const build = publish(sandbox(), changes.bucket);
      const send = () => upgrade(sandbox(), toBoth(subscriber, build));
      const report = await interruptAndRecover(sandbox(), send, effect, way);
      expect(report.error).toMatchObject({ name: 'UpgradeWouldReplace', step: 'PrepareChangeSet' });
      expect(await changeSetsOf(sandbox(), subscriber.userName)).toEqual([]);
    });
  },
);

describe.each(placed(isWhole ? interruptions['upgrade that replaces the role'] : []))(
  '$effect',
  ({ effect, place }) => {
    it.each(waysAt(place))('$kind, then $recovery: the new role alone has the keys', async (way) => {
      const subscriber = await upgradable(sandbox());
      const { userName, before, after, roleArn } = subscriber;
      const build = publish(sandbox(), changes.role);
      const send = () => upgrade(sandbox(), { ...toBoth(subscriber, build), allow: ['ServiceRole'] });
      const report = await interruptAndRecover(sandbox(), send, effect, way);
      expect(report.error).toBeNull();
      expect(report.output).toMatchObject({ userName, roleArn: `${roleArn}-2` });
      for (const keyArn of [before, after]) expect(rolesOn(sandbox(), keyArn)).toEqual([`${roleArn}-2`]);
    });
  },
);
