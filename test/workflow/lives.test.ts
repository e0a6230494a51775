import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type KeyPolicy, parseKeyPolicy } from '../../functions/shared/key-policy.ts';
import { account } from '../../sandbox/account.ts';
import type { Sandbox } from '../../sandbox/boot.ts';
import { disagreements, estateOf } from './estate.ts';
import { type Life, live, lives, stages } from './life.ts';
import { newKey, withSandbox } from './sandbox.ts';

const isLong = process.env.FAST_CHECK_RUNS !== undefined;
const worlds = isLong ? 20 : 1;
const livesOfWorld = isLong ? 50 : 20;
// A run that failed is replayed with the seed that its name tells.
const firstSeed = Number(process.env.LIVES_SEED ?? (isLong ? Date.now() % 1_000_000 : 1));

/**
 * Lets all subscribers live at once. The odd ones begin a stage later, so that offboardings and onboardings work on the same
 * keys at the same time. After each step all that is kept of them must agree.
 */
async function liveTogether(sandbox: Sandbox, all: readonly Life[], keys: ReadonlyMap<string, KeyPolicy>) {
  const homes = [account];
  for (let step = 0; step <= stages.length; step += 1) {
    await Promise.all(
      all.map(async (life, index) => {
        const stage = stages[step - (index % 2)];
        if (stage !== undefined) await live(sandbox, `life-${index}`, life, stage);
      }),
    );
    sandbox.faults.clear();
    await sandbox.clock.quiet();
    expect(disagreements(await estateOf(sandbox, { homes, keys })), `after step ${step}`).toEqual([]);
  }
}

describe('onboarded, given users, updated, offboarded and onboarded again', () => {
  it.each(Array.from({ length: worlds }, (_, n) => firstSeed + n))(
    `${livesOfWorld} subscribers leave everything in agreement, whatever goes wrong (seed %i)`,
    { timeout: 300_000 },
    async (seed) => {
      await withSandbox({}, async (sandbox) => {
        const keyArns = Array.from({ length: 4 }, () => newKey(sandbox));
        const keys = new Map(
          keyArns.map((keyArn) => [keyArn, parseKeyPolicy(JSON.stringify(sandbox.kms.keyPolicy(keyArn)))]),
        );
        const all = fc.sample(lives(new Map([[account, keyArns]])), { seed, numRuns: livesOfWorld });
        await liveTogether(sandbox, all, keys);
      });
    },
  );
});
