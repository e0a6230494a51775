import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, inject, it } from 'vitest';
import type { KeyPolicy } from '../../../lib/keys/policy-document.ts';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { type AccountRegion, account, otherAccount } from '../../../sandbox/core/account.ts';
import { setUpOtherAccount } from '../../../tools/permissions/other-account.ts';
import { byScope, scope } from '../../scope.ts';
import { withSandbox } from '../sandbox.ts';
import { policyOf } from '../subscriber.ts';
import { disagreements, estateOf } from './estate.ts';
import { type Life, live, lives, stages } from './life.ts';

const worlds = byScope({ usual: 1, all: 1, long: 20 });
const livesOfWorld = byScope({ usual: 6, all: 20, long: 50 });
// A run that failed is replayed with the seed that its name tells.
const firstSeed = Number(process.env.LIVES_SEED ?? (scope === 'long' ? randomInt(1_000_000) : 1));

// The other account's events do not reach the deployment: its stacks are waited for by looking at them.
const accountRegions: readonly AccountRegion[] = [
  account,
  { accountId: otherAccount.accountId, region: account.region },
];

/** Two keys of a home, shared by those who live there. */
function keysIn(sandbox: Sandbox, home: AccountRegion, index: number): string[] {
  return [1, 2].map((n) => {
    const arn = `arn:aws:kms:${home.region}:${home.accountId}:key/88888888-aaaa-4aaa-8aaa-00000000000${index * 2 + n}`;
    sandbox.world(home).kms.createKey({ arn, tags: { 'infinstor-onboarding': 'allowed' } });
    return arn;
  });
}

/**
 * Lets all subscribers live at once. The odd ones begin a stage later, so that offboardings and onboardings work on the same
 * keys at the same time. After each step all that is kept of them must agree.
 * @returns how many attempts failed on the way
 */
async function liveTogether(sandbox: Sandbox, all: readonly Life[], keys: ReadonlyMap<string, KeyPolicy>) {
  let failures = 0;
  for (let step = 0; step <= stages.length; step += 1) {
    const counts = await Promise.all(
      all.map(async (life, index) => {
        const stage = stages[step - (index % 2)];
        return stage === undefined ? 0 : live(sandbox, `life-${index}`, life, stage);
      }),
    );
    failures += counts.reduce((sum, count) => sum + count, 0);
    sandbox.faults.clear();
    await sandbox.clock.quiet();
    expect(disagreements(await estateOf(sandbox, { accountRegions, keys })), `after step ${step}`).toEqual([]);
  }
  return failures;
}

describe('onboarded, given users, updated, offboarded and onboarded again', () => {
  it.each(Array.from({ length: worlds }, (_, n) => firstSeed + n))(
    `${livesOfWorld} subscribers leave everything in agreement, whatever goes wrong (seed %i)`,
    async (seed) => {
      await withSandbox({ packageFolder: inject('accountsPackageFolder') }, async (sandbox) => {
        await setUpOtherAccount(sandbox);
        const keysOf = new Map(accountRegions.map((home, index) => [home, keysIn(sandbox, home, index)]));
        const keys = new Map([...keysOf.values()].flat().map((keyArn) => [keyArn, policyOf(sandbox, keyArn)]));
        const all = fc.sample(lives(keysOf), { seed, numRuns: livesOfWorld });
        expect(await liveTogether(sandbox, all, keys)).toBeGreaterThan(0);
      });
    },
  );
});
