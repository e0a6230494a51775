import { afterEach, describe, expect, it } from 'vitest';
import { interruptions } from '../interruptions.ts';
import { useSandbox } from '../sandbox.ts';
import { effectsOf, interruptAndRecover, placed, waysAt } from '../side-effects.ts';
import { both, changeableCopy, expectUpdated, update } from './updating.ts';

const sandbox = useSandbox();

afterEach(() => {
  sandbox().faults.clear();
});

it('of the e-mail address alone has one more side effect: the login as the subscriber', async () => {
  const { userName, emailId } = await changeableCopy(sandbox());
  const effects = await effectsOf(sandbox(), () => update(sandbox(), { subscriber: { userName, emailId } }));
  expect(effects).toEqual([
    ...interruptions.update.slice(0, 2),
    'cognito:InitiateAuth #2',
    ...interruptions.update.slice(2),
  ]);
});

describe('the side effects', () => {
  it('are those that are interrupted below', async () => {
    const subscriber = await changeableCopy(sandbox());
    expect(await effectsOf(sandbox(), () => update(sandbox(), both(subscriber)))).toEqual(interruptions.update);
  });

  describe.each(placed(interruptions.update))('$effect', ({ effect, place }) => {
    it.each(waysAt(place))('$kind, then $recovery: all agree', async (way) => {
      const subscriber = await changeableCopy(sandbox());
      const report = await interruptAndRecover(sandbox(), () => update(sandbox(), both(subscriber)), effect, way);
      await expectUpdated(sandbox(), report, subscriber, 'emailId, password');
    });
  });
});
