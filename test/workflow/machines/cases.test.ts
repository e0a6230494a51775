import { describe, expect, it } from 'vitest';
import { interruptedNews, interruptions } from '../interruptions.ts';
import { kinds, ways } from '../side-effects.ts';
import { designedRetries } from './design.ts';

// What `test:all` runs: no count may fall.
describe('the cases', () => {
  it.each([
    ['onboarding', 100],
    ['onboarding over a stack that was rolled back', 12],
    ['onboarding with a token that is refused', 28],
    ['onboarding with a token that is supplied', 8],
    ['onboarding of whom InfinStor has not any more', 4],
    ['adding users', 48],
    ['adding users with a token that is refused', 4],
    ['adding users whose secrets were scheduled for deletion', 8],
    ['update', 24],
    ['offboarding', 56],
  ] as const)('of an interrupted run, %s: %i', (operation, count) => {
    expect(casesOf(interruptions[operation], ways).size).toBeGreaterThanOrEqual(count);
  });

  it('of an interrupted run are 292 altogether', () => {
    const all = Object.values(interruptions).map((effects) => casesOf(effects, ways).size);
    expect(sumOf(all)).toBeGreaterThanOrEqual(292);
  });

  it('of an interrupted offboarding, with an onboarding after it, are 28', () => {
    const onboardedAgain = kinds.map((kind) => ({ kind, recovery: 'onboarded again' }));
    expect(casesOf(interruptions.offboarding, onboardedAgain).size).toBeGreaterThanOrEqual(28);
  });

  it.each([
    ['of an onboarding', kinds, 4],
    ['of users that were not added', ['kill'], 2],
    ['of the sweep', ['kill'], 2],
  ] as const)('of interrupted news of a failure, %s: with %j', (news, of, count) => {
    const byItself = of.map((kind) => ({ kind, recovery: 'by itself' }));
    expect(casesOf(interruptedNews[news], byItself).size).toBeGreaterThanOrEqual(count);
  });

  it.each([
    ['onboard-subscriber', 414],
    ['update-subscriber', 188],
    ['add-user', 188],
    ['offboard-subscriber', 231],
  ] as const)('of a retry, %s: %i pairs of a state and an error', (machine, count) => {
    const pairs = designedRetries[machine].map(({ state, error }) => `${state} ${error}`);
    expect(new Set(pairs).size).toBeGreaterThanOrEqual(count);
  });
});

/** Each effect with each way of interrupting it. One that stands in a list twice is one case. */
const casesOf = (effects: readonly string[], all: readonly { kind: string; recovery: string }[]) =>
  new Set(effects.flatMap((effect) => all.map(({ kind, recovery }) => `${effect}, ${kind}, ${recovery}`)));

const sumOf = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0);
