import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { byScope, casesInScope } from '../../scope.ts';
import { interruptedNews, interruptions } from '../interruptions.ts';
import {
  eventsOf,
  eventually,
  expectFailure,
  expectOneOfEach,
  newKey,
  onboard,
  recordOf,
  requestFor,
  useSandbox,
  withSandbox,
} from '../sandbox.ts';
import {
  type Effect,
  effectsOf,
  faultAt,
  interruptAndRecover,
  kinds,
  oneOf,
  partsOf,
  placed,
  type Way,
  ways,
  waysAt,
} from '../side-effects.ts';
import {
  fault,
  letLoginsBeForgotten,
  letTokensExpire,
  newName,
  newRun,
  onboarded,
  type Run,
  stackOf,
  subscribersNamed,
  supplyToken,
} from '../subscriber.ts';

// A minute for each resource: a stack's operation is over only after time was skipped, and not meanwhile.
const sandbox = useSandbox({ resourceDelayMs: 60_000 });

// Keeps a token: every run below finds a stale one, whichever is the first.
beforeAll(async () => {
  await onboarded(sandbox(), requestFor('before'));
});

afterEach(() => {
  sandbox().faults.clear();
});

/** Each key takes a quarter of a run's time, and the second one shows nothing of effects that are not about keys. */
const keysOfRun = byScope({ usual: 1, all: 2, long: 2 });

/** A subscriber with keys of its own, when no token of an earlier run is good any more. */
function freshRun(keys = keysOfRun): Run {
  letTokensExpire(sandbox());
  return newRun(
    'effect',
    Array.from({ length: keys }, () => newKey(sandbox())),
  );
}

/** A stack of the run that was rolled back, and is in the way of the next attempt. */
async function rolledBack(run: Run): Promise<Run> {
  fault(sandbox(), 'infinstor:register:error=503');
  const failed = await onboard(sandbox(), run.request);
  await expectFailure(sandbox(), failed, { name: 'StackFailed', step: 'WaitForStack' });
  const status = () => stackOf(sandbox(), run.userName)?.status;
  await eventually(sandbox(), async () => expect(await status()).toBe('ROLLBACK_COMPLETE'));
  return run;
}

/** Sends the run's request, interrupts it after an effect, and sends it again or redrives it. */
const interrupted = (run: Run, effect: Effect, way: Way) =>
  interruptAndRecover(sandbox(), () => onboard(sandbox(), run.request), effect, way);

describe('the straight line', () => {
  it('has no side effects but those that are interrupted below', async () => {
    const run = freshRun(2);
    expect(await effectsOf(sandbox(), () => onboard(sandbox(), run.request))).toEqual(interruptions.onboarding);
  });

  const lostForEver = 'infinstor:add_subscriber';

  const ofBothKeys: readonly Effect[] = interruptions.onboarding.filter((effect) =>
    effect.startsWith('patch-key-policy'),
  );

  /** The effects are the same on both keys: the usual run has the first key's and the second one's in turns. */
  function isOnOtherKey(effect: Effect): boolean {
    const [half, place] = [ofBothKeys.length / 2, ofBothKeys.indexOf(effect)];
    if (place < 0) return effect === 'accept-request dynamodb:TransactWriteItems #2';
    return place < half === (place % half) % 2 > 0;
  }

  const straight = placed(interruptions.onboarding)
    .filter(({ effect }) => effect !== lostForEver)
    .map(({ effect, place }) => ({
      effect,
      keys: /patch-key-policy|accept-request dynamodb:TransactWriteItems/.test(effect) ? 2 : keysOfRun,
      ways: isOnOtherKey(effect) ? casesInScope(ways, []) : waysAt(place),
    }));

  describe.each(straight.filter((each) => each.ways.length > 0))('$effect', ({ effect, keys, ways: own }) => {
    it.each(own)('$kind, then $recovery: one of each', async (way) => {
      const run = freshRun(keys);
      expectOneOfEach(sandbox(), await interrupted(run, effect, way), run);
      expect(await recordOf(sandbox(), run.userName)).toMatchObject({ status: { S: 'ACTIVE' } });
    });
  });

  describe(lostForEver, () => {
    it.each(waysAt(interruptions.onboarding.indexOf(lostForEver)))(
      '$kind, then $recovery: one subscriber, no stack, until its token is supplied',
      async (way) => {
        const run = freshRun();
        const report = await interrupted(run, lostForEver, way);
        await expectFailure(sandbox(), report, { name: 'SubscriberOutcomeUnknown', step: 'CreateSubscriber' });
        expect(report.error?.message).toContain('InfinStor has the subscriber');
        expect(subscribersNamed(sandbox(), run.userName)).toHaveLength(1);
        expect(stackOf(sandbox(), run.userName)).toBeUndefined();

        const request = { ...run.request, ...supplyToken(sandbox(), run.userName) };
        expectOneOfEach(sandbox(), await onboard(sandbox(), request), run);
      },
    );
  });
});

describe('beside the straight line', () => {
  const refused = interruptions['onboarding with a token that is refused'];

  /** A run whose first token is refused: the mark is taken back, and made again with the token of a new login. */
  function refusedRun(): Run {
    letLoginsBeForgotten(sandbox());
    fault(sandbox(), 'infinstor:add_subscriber:error=401');
    // Fresh, so that the only login is the one by password.
    return newRun('refused', [], newName('refused'));
  }

  it.each(placed(refused))('a token that is refused, $effect: one subscriber', async ({ effect, place }) => {
    for (const way of waysAt(place)) {
      const run = refusedRun();
      expectOneOfEach(sandbox(), await interrupted(run, effect, way), run);
    }
  });

  const supplied = interruptions['onboarding with a token that is supplied'];

  it.each(placed(supplied))('a custom token that the request supplies, $effect', async ({ effect, place }) => {
    for (const way of waysAt(place + 3)) {
      const run = freshRun();
      fault(sandbox(), 'infinstor:add_subscriber:drop');
      await onboard(sandbox(), run.request);
      const withToken = { ...run, request: { ...run.request, ...supplyToken(sandbox(), run.userName) } };
      expectOneOfEach(sandbox(), await interrupted(withToken, effect, way), run);
    }
  });
});

const overARolledBackStack = interruptions['onboarding over a stack that was rolled back'];

describe('the way over a stack that was rolled back', () => {
  it('has no further side effects but those that are interrupted below', async () => {
    const run = await rolledBack(freshRun());
    const effects = await effectsOf(sandbox(), () => onboard(sandbox(), run.request));
    // The last event of the rollback may find the first attempt's wait, which is over, during the second.
    const further = effects.filter((effect) => /(DeleteStack|SendTaskFailure|CreateStack)$/.test(effect));
    expect(further).toHaveLength(overARolledBackStack.length);
    expect(further).toEqual(expect.arrayContaining([...overARolledBackStack]));
  });

  describe.each(placed(overARolledBackStack))('$effect', ({ effect, place }) => {
    it.each(waysAt(place))('$kind, then $recovery: one of each', async (way) => {
      const run = await rolledBack(freshRun());
      expectOneOfEach(sandbox(), await interrupted(run, effect, way), run);
    });
  });
});

describe('the record of a failure', () => {
  const effects = interruptedNews['of an onboarding'];
  /** Ends in ReadRoleArn. */
  const fail = (run: Run) => {
    fault(sandbox(), 'iam:GetRole:error=AccessDenied');
    return onboard(sandbox(), run.request);
  };

  it('has no side effects but those that are interrupted below', async () => {
    // The failure of an earlier run may still be being recorded.
    await sandbox().clock.quiet();
    const run = freshRun();
    const recorded = await effectsOf(sandbox(), async () => {
      await expectFailure(sandbox(), await fail(run), { name: 'AccessDenied', step: 'ReadRoleArn' });
    });
    expect(recorded.filter((effect) => effect.startsWith('record-failure'))).toEqual(effects);
  });

  it.each(effects.flatMap((effect, place) => oneOf(kinds, place).map((kind) => ({ effect, kind }))))(
    '$effect, $kind: it is told all the same',
    async ({ effect, kind }) => {
      const run = freshRun();
      sandbox().faults.add(faultAt(effect, kind));
      await expectFailure(sandbox(), await fail(run), { name: 'AccessDenied', step: 'ReadRoleArn' });
      expect(sandbox().faults.left()).toBe(0);
    },
  );
});

describe('the sweep', () => {
  // Its first run comes five minutes after the deployment, when the execution has ended unseen.
  const effects = interruptedNews['of the sweep'].map((effect) => ({ effect, ...partsOf(effect) }));

  it.each(effects)('that dies after $call tells of the failure all the same', ({ effect }) =>
    withSandbox({ schedules: true }, async (given) => {
      fault(given, 'events:ExecutionStatusChange:lose', { times: 9 });
      fault(given, 'iam:GetRole:error=AccessDenied');
      const report = await onboard(given, requestFor('unseen'));
      expect(eventsOf(given, report)).toEqual([]);
      given.faults.add(faultAt(effect, 'kill'));
      given.clock.advance(5 * 60_000);
      await expectFailure(given, report, { name: 'AccessDenied', step: 'ReadRoleArn' });
    }),
  );
});
