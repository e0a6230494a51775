import { setTimeout as wait } from 'node:timers/promises';

/** How often something may be done: so many times a second, after so many that need not wait. */
export interface Pace {
  perSecond: number;
  burst: number;
}

interface Time {
  /** Milliseconds since the epoch. */
  now(): number;
  wait(milliseconds: number): Promise<unknown>;
}

/**
 * Turns that come no faster than a pace, however many wait for them: a bucket of tokens, as AWS's own rates are.
 * @returns what resolves when it is the caller's turn
 */
export function paced({ perSecond, burst }: Pace, time: Time = { now: Date.now, wait }): () => Promise<void> {
  let tokens = burst;
  let at = time.now();
  return async () => {
    const now = time.now();
    tokens = Math.min(burst, tokens + (Math.max(0, now - at) / 1000) * perSecond) - 1;
    at = now;
    // Below zero are those who wait already: each has its turn after them.
    if (tokens < 0) await time.wait(Math.ceil((-tokens / perSecond) * 1000));
  };
}
