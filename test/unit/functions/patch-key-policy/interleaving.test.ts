import { GetKeyPolicyCommand, PutKeyPolicyCommand } from '@aws-sdk/client-kms';
import { describe, expect, it } from 'vitest';
import { intercepted } from '../../../../bench/intercepted.ts';
import { patchKeyPolicy } from '../../../../functions/patch-key-policy/patch-key-policy.ts';
import { withdrawGrants } from '../../../../functions/withdraw-grants/withdraw-grants.ts';
import { requestBoundMs } from '../../../../lib/aws/clients.ts';
import type { Reconciler } from '../../../../lib/keys/reconciler.ts';
import { casesInScope } from '../../../scope.ts';
import { keyArn, keyFixture, onboardingOf, roleArn, roleOf } from '../../lib/keys/key-fixture.ts';
import { keyPolicy } from '../key-policy.ts';

const foreign = {
  Sid: 'Allow the backup team',
  Effect: 'Allow',
  Principal: { AWS: '222222222222' },
  Action: 'kms:Decrypt',
  Resource: '*',
};
const policyOf = (...names: string[]) => {
  const { Statement, ...rest } = keyPolicy(...names.map(roleArn));
  return { ...rest, Statement: [foreign, ...Statement] };
};

async function newFixture(roles = ['a', 'b']) {
  const world = await keyFixture(policyOf(), roles);
  const { reconciler, time, states } = world;
  const patch = (name: string, by = reconciler) => patchKeyPolicy(by, keyArn, roleOf(name), onboardingOf(name));
  /** Repeats a writer as the machine does, so much later each time, until it succeeds. */
  async function repeated(work: () => Promise<unknown>, pauseMs: number): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await work();
        return;
      } catch (error) {
        if (attempt === 40 || !(error instanceof Error && error.name === 'KeyPolicyBusy')) throw error;
        time.now += pauseMs;
      }
    }
  }
  return {
    ...world,
    patch,
    repeated,
    untilDone: (name: string, pauseMs: number) => repeated(() => patch(name), pauseMs),
    async expectBoth() {
      expect(world.kms.policy(keyArn)).toEqual(policyOf('a', 'b'));
      expect(await states()).toEqual({ a: 'applied', b: 'applied' });
    },
  };
}
type Fixture = Awaited<ReturnType<typeof newFixture>>;

/**
 * A reconciler whose every call of AWS passes a gate twice: before it is made, and before its answer arrives. What takes longer
 * than a client waits for is given up by it, as in a function.
 */
function gated({ reconciler, time }: Fixture, gate: (passed: number) => Promise<void>): Reconciler {
  let passed = 0;
  async function pass(startedAt: number) {
    passed += 1;
    await gate(passed);
    if (time.now - startedAt > requestBoundMs) throw new Error('The request timed out');
  }
  const behindGate = <Client extends object>(client: Client): Client =>
    intercepted(client, async (call) => {
      const startedAt = time.now;
      await pass(startedAt);
      const [answer] = await Promise.allSettled([call()]);
      await pass(startedAt);
      if (answer.status === 'rejected') throw answer.reason;
      return answer.value;
    });
  return {
    ...reconciler,
    kms: behindGate(reconciler.kms),
    kmsOnce: behindGate(reconciler.kmsOnce),
    iam: behindGate(reconciler.iam),
    registry: { ...reconciler.registry, documents: behindGate(reconciler.registry.documents) },
  };
}

/** Does this for the first await of a writer, the second one and so on, as long as it has so many. @returns how many it has */
async function atEachAwait(run: (pause: number) => Promise<{ reached: boolean }>): Promise<number> {
  let pause = 1;
  while ((await run(pause)).reached) pause += 1;
  return pause - 1;
}

/** It asks for its grant, takes the lease, reads policy and grants, keeps, writes, reads back, settles and releases. */
const awaits = 20;

/** From a minute after a write on, KMS returns the policy from before it: "sometimes minutes". */
function makeStale({ kms, time }: Fixture): void {
  let before: unknown = kms.policy(keyArn);
  let writtenAt = time.now;
  kms.client.on(PutKeyPolicyCommand).callsFake(({ Policy }) => {
    before = kms.policy(keyArn);
    writtenAt = time.now;
    kms.set(keyArn, JSON.parse(Policy));
    return {};
  });
  kms.client.on(GetKeyPolicyCommand).callsFake(() => ({
    Policy: JSON.stringify(time.now - writtenAt > 60_000 ? before : kms.policy(keyArn)),
  }));
}

describe('two writers of one key', () => {
  it.each([
    ['', { pauseMs: 15_000, stale: false, slowMs: 0 }],
    [', when KMS returns old policies', { pauseMs: 61_000, stale: true, slowMs: 0 }],
    // Each call takes nearly as long as a client waits: the lease runs out before the writer has come to write.
    [', when all calls take long', { pauseMs: 15_000, stale: false, slowMs: requestBoundMs / 2 }],
  ])('lose no grant, wherever one stops while the other goes on%s', async (_, { pauseMs, stale, slowMs }) => {
    const reached = await atEachAwait(async (pause) => {
      const world = await newFixture();
      if (stale) makeStale(world);
      let reached = false;
      let second: 'done' | 'busy' = 'busy';
      const first = world.patch(
        'a',
        gated(world, async (passed) => {
          world.time.now += slowMs;
          if (passed !== pause) return;
          reached = true;
          // Without time that passes: while the first one's lease is good, the second one must not get through.
          second = await world.patch('b').then(
            () => 'done',
            () => 'busy',
          );
        }),
      );
      const isFirstDone = await first.then(
        () => true,
        () => false,
      );
      // Who has succeeded is not asked again: nothing would mend what was lost.
      if (!isFirstDone) await world.untilDone('a', pauseMs);
      world.time.now += pauseMs;
      if (second === 'busy') await world.untilDone('b', pauseMs);
      await world.expectBoth();
      return { reached };
    });
    if (slowMs === 0) expect(reached).toBe(awaits);
  });

  it.each([
    ['', 15_000, false],
    [', when KMS returns old policies', 61_000, true],
  ])('lose no grant, wherever one stops until its lease has run out%s', async (_, pauseMs, stale) => {
    const reached = await atEachAwait(async (pause) => {
      const world = await newFixture();
      if (stale) makeStale(world);
      let reached = false;
      const first = world.patch(
        'a',
        gated(world, async (passed) => {
          if (passed !== pause) return;
          reached = true;
          await world.untilDone('b', pauseMs);
          world.time.now += pauseMs;
        }),
      );
      const isFirstDone = await first.then(
        () => true,
        () => false,
      );
      world.time.now += pauseMs;
      if (!isFirstDone) await world.untilDone('a', pauseMs);
      if (!reached) await world.untilDone('b', pauseMs);
      await world.expectBoth();
      return { reached };
    });
    expect(reached).toBe(awaits);
  });

  it('lose no grant, wherever one dies, and the other waits for its lease at most', async () => {
    const reached = await atEachAwait(async (pause) => {
      const world = await newFixture();
      const { promise: died, resolve: die } = Promise.withResolvers<'died'>();
      const first = world.patch(
        'a',
        gated(world, async (passed) => {
          if (passed !== pause) return;
          die('died');
          await new Promise(() => {});
        }),
      );
      const reached = (await Promise.race([first, died])) === 'died';
      const startedAt = world.time.now;
      // It comes again while the lease is good, and in the second after its end.
      await world.untilDone('b', 15_400);
      // The lease, and the second until the next try.
      expect(world.time.now - startedAt).toBeLessThanOrEqual(31_000);
      await world.untilDone('a', 15_000);
      await world.expectBoth();
      return { reached };
    });
    expect(reached).toBe(awaits);
  });
});

describe('an offboarding and an onboarding of one key', () => {
  /** A key that `gone` has or was to have, whose offboarding is about to begin, as is the onboarding of `new`. */
  async function twoWorlds(state: 'applied' | 'pending') {
    const world = await newFixture(['gone', 'new']);
    if (state === 'applied') await world.patch('gone');
    else await world.ask('gone');
    world.time.now += 120_000;
    const withdraw = (by = world.reconciler) =>
      withdrawGrants(by, keyArn, {
        subscriber: { userName: 'gone' },
        // Of whom the subscriber is, as it is for as long as an execution runs.
        executionArn: onboardingOf('gone'),
        roleArns: [roleArn('gone')],
      });
    return {
      ...world,
      withdraw,
      async expectIntents() {
        expect(world.kms.policy(keyArn)).toEqual(policyOf('new'));
        expect(await world.states()).toEqual({ new: 'applied' });
      },
    };
  }

  const writers = [
    ['offboarding', 'onboarding'],
    ['onboarding', 'offboarding'],
  ] as const;
  const orders = writers.flatMap(([first, second]) =>
    (['applied', 'pending'] as const).map((state) => ({ first, second, state })),
  );

  const circumstances = orders.map((order) => [
    { ...order, name: 'at the same time', pauseMs: 15_000, stale: false, slowMs: 0 },
    { ...order, name: 'when KMS returns old policies', pauseMs: 61_000, stale: true, slowMs: 0 },
    { ...order, name: 'when all calls take long', pauseMs: 15_000, stale: false, slowMs: requestBoundMs / 2 },
    // The writer comes to write, and to settle when its lease has run out.
    { ...order, name: 'when calls take some seconds', pauseMs: 15_000, stale: false, slowMs: requestBoundMs / 3 },
  ]);

  // Usually each circumstance once, and each order.
  it.each(
    casesInScope(
      circumstances.flat(),
      circumstances.flatMap((each, place) => each.slice(place, place + 1)),
    ),
  )(
    'lose neither intent, wherever the $first stops while the $second goes on, $name, of a grant that is $state',
    async ({ first, second, state, pauseMs, stale, slowMs }) => {
      const reached = await atEachAwait(async (pause) => {
        const world = await twoWorlds(state);
        if (stale) makeStale(world);
        const works = { onboarding: (by?: Reconciler) => world.patch('new', by), offboarding: world.withdraw };
        let reached = false;
        const isDone = { first: false, second: false };
        await settled(
          works[first](
            gated(world, async (passed) => {
              world.time.now += slowMs;
              if (passed !== pause) return;
              reached = true;
              isDone.second = await settled(works[second]());
            }),
          ).then(() => {
            isDone.first = true;
          }),
        );
        // Who has succeeded is not asked again: nothing would mend what was lost.
        if (!isDone.first) await world.repeated(() => works[first](), pauseMs);
        world.time.now += pauseMs;
        if (!isDone.second) await world.repeated(() => works[second](), pauseMs);
        await world.expectIntents();
        return { reached };
      });
      expect(reached).toBeGreaterThan(slowMs === 0 ? 15 : 1);
    },
  );

  // Usually each of both, and each state.
  it.each(
    casesInScope(
      orders,
      orders.filter(({ first, state }) => (first === 'offboarding') === (state === 'applied')),
    ),
  )(
    'lose neither intent, wherever the $first stops until its lease has run out, of a grant that is $state',
    async ({ first, second, state }) => {
      await atEachAwait(async (pause) => {
        const world = await twoWorlds(state);
        const works = { onboarding: (by?: Reconciler) => world.patch('new', by), offboarding: world.withdraw };
        let reached = false;
        const isDone = await settled(
          works[first](
            gated(world, async (passed) => {
              if (passed !== pause) return;
              reached = true;
              await world.repeated(() => works[second](), 15_000);
              world.time.now += 15_000;
            }),
          ),
        );
        world.time.now += 15_000;
        if (!isDone) await world.repeated(() => works[first](), 15_000);
        if (!reached) await world.repeated(() => works[second](), 15_000);
        await world.expectIntents();
        return { reached };
      });
    },
  );
});

/** Whether work succeeds. */
const settled = (work: Promise<unknown>) =>
  work.then(
    () => true,
    () => false,
  );
