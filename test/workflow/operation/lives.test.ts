import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, inject, it } from 'vitest';
import type { KeyPolicy } from '../../../lib/keys/policy-document.ts';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { type AccountRegion, account, otherAccount } from '../../../sandbox/core/account.ts';
import { setUpOtherAccount } from '../../../tools/permissions/other-account.ts';
import { byScope, scope } from '../../scope.ts';
import { redrive, withSandbox } from '../sandbox.ts';
import { policyOf } from '../subscriber.ts';
import { disagreements, estateOf } from './estate.ts';
import { type Life, live, lives, stages } from './life.ts';

const worlds = byScope({ usual: 1, all: 1, long: 20 });
const livesOfWorld = byScope({ usual: 2, all: 20, long: 50 });
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
 * Lets all subscribers live at the same time. The odd ones begin a stage later, so that offboardings and onboardings work on the same
 * keys at the same time. After each step somebody redrives one of each subscriber's failed executions, which others have superseded
 * since, and all that is kept of them must agree.
 * @returns how many attempts failed on the way
 */
async function liveTogether(sandbox: Sandbox, all: readonly Life[], keys: ReadonlyMap<string, KeyPolicy>) {
  let failures = 0;
  const failed = all.map((): string[] => []);
  for (let step = 0; step <= stages.length; step += 1) {
    await Promise.all(
      all.map(async (life, index) => {
        const stage = stages[step - (index % 2)];
        const executions = stage === undefined ? [] : await live(sandbox, `life-${index}`, life, stage);
        failures += executions.length;
        failed[index]?.push(...executions);
      }),
    );
    sandbox.faults.clear();
    await sandbox.clock.quiet();
    await Promise.all(failed.map((executions) => redriveSuperseded(sandbox, executions)));
    await sandbox.clock.quiet();
    expect(disagreements(await estateOf(sandbox, { accountRegions, keys })), `after step ${step}`).toEqual([]);
  }
  return failures;
}

/** Redrives the oldest of these that can still be redriven: what other executions have gone on with. */
async function redriveSuperseded(sandbox: Sandbox, executions: readonly string[]): Promise<void> {
  const executionArn = executions.find((arn) => sandbox.states.execution(arn).status === 'FAILED');
  if (executionArn === undefined) return;
  expect((await redrive(sandbox, { executionArn })).error?.name).toBe('ExecutionSuperseded');
}

describe('onboarded, given users, updated, offboarded and onboarded again', () => {
  it.each(Array.from({ length: worlds }, (_, n) => firstSeed + n))(
    `${livesOfWorld} subscribers leave everything in agreement, whatever goes wrong (seed %i)`,
    async (seed) => {
      // In every other world AWS refuses calls for their rate.
      const options = { packageFolder: inject('accountsPackageFolder'), rates: seed % 2 === 1 };
      await withSandbox(options, async (sandbox) => {
        await setUpOtherAccount(sandbox);
        const keysOf = new Map(accountRegions.map((home, index) => [home, keysIn(sandbox, home, index)]));
        const keys = new Map([...keysOf.values()].flat().map((keyArn) => [keyArn, policyOf(sandbox, keyArn)]));
        const all = fc.sample(lives(keysOf), { seed, numRuns: livesOfWorld });
        expect(await liveTogether(sandbox, all, keys)).toBeGreaterThan(0);
      });
    },
  );
});
