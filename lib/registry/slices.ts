import { randomUUID } from 'node:crypto';
import { moveCursor, type Place, takeCursor } from './cursor.ts';
import type { Registry } from './table.ts';

/** A part of the things that there are, in the order of their places. */
export interface Page<Item> {
  items: readonly { place: string; item: Item }[];
  /** Where the next part begins; undefined: this was the last one. */
  end: string | undefined;
}

export interface Work<Item> {
  /** Of the cursor. */
  name: string;
  /** The things that come after a place; after none: the first ones. Their places ascend as texts do. */
  pageAfter(after: string | undefined): Promise<Page<Item>>;
  /** Does it with one of them; may be repeated. */
  each(item: Item): Promise<unknown>;
  /** Whether there is time for another one. */
  mayGoOn(): boolean;
  /** How many are worked on at the same time. */
  atOnce: number;
  /** How long a round rests after it was over, in milliseconds; default: the next invocation begins the next one. */
  restMs?: number;
  /** Milliseconds since the epoch. */
  now(): number;
}

export interface Done {
  /** What went wrong with single things. */
  problems: readonly unknown[];
  /** `over`: the round has come to its end; `left`: there was no time for the rest; `held`: another invocation is at it; `resting`. */
  state: 'over' | 'left' | 'held' | 'resting';
}

/** How many things an invocation that dies leaves in doubt: each write of the cursor is for so many. */
const inHandAtOnce = 25;

/**
 * How long an invocation has the cursor from a write of it on, in milliseconds. Lambda invokes again a minute after a death (developer guide, "Error handling for
 * asynchronous invocations"), and finds it free. Who is slower may be overtaken, and stops then: what is done twice is done no worse.
 */
const holdMs = 55_000;

/**
 * Does the same with many things in rounds, of which an invocation does what it has time for: the next one goes on there. One thing that goes wrong keeps
 * no other from its turn, nor does one at which the function dies: those that were in hand then are taken one at a time, each marked as done before it is
 * begun, so that the one that kills has its next turn in the next round.
 * @throws what `pageAfter` and the registry throw
 */
export async function workInSlices<Item>(registry: Registry, work: Work<Item>): Promise<Done> {
  const holder = randomUUID();
  const until = () => work.now() + holdMs;
  const taken = await takeCursor(registry, work.name, { holder, until: until() }, work.now());
  if (taken === undefined) return { problems: [], state: 'held' };
  let { after, inHand: suspect, endedAt } = taken;
  const problems: unknown[] = [];
  let isHeld = true;
  const move = async (place: Place, isOver = false): Promise<boolean> => {
    isHeld = await moveCursor(registry, work.name, { holder, until: until() }, { endedAt, ...place, isOver });
    return isHeld;
  };
  const isResting =
    after === undefined && suspect === undefined && endedAt !== undefined && work.now() < endedAt + (work.restMs ?? 0);
  try {
    while (!isResting && work.mayGoOn()) {
      const { items, end } = await work.pageAfter(after);
      for (let first = 0; first < items.length; ) {
        const isSuspect = suspect !== undefined && (items[first]?.place ?? '') <= suspect;
        const inHand = items.slice(first, first + (isSuspect ? 1 : inHandAtOnce));
        const last = inHand.at(-1)?.place;
        if (!(await move(isSuspect ? { after: last, inHand: suspect } : { after, inHand: last })))
          return { problems, state: 'held' };
        const begun = await workOn(inHand, work, problems);
        after = inHand[begun - 1]?.place ?? after;
        first += begun;
        if (!isSuspect) suspect = undefined;
        if (first < items.length && !work.mayGoOn()) return { problems, state: 'left' };
      }
      if (suspect !== undefined && (end === undefined || end > suspect)) suspect = undefined;
      after = end;
      if (end === undefined) {
        endedAt = work.now();
        return { problems, state: 'over' };
      }
    }
    return { problems, state: isResting ? 'resting' : 'left' };
  } finally {
    if (isHeld) await move({ after, inHand: suspect }, true);
  }
}

/** @returns how many of the first ones were begun: as long as there is time */
async function workOn<Item>(
  things: Page<Item>['items'],
  { each, mayGoOn, atOnce }: Work<Item>,
  problems: unknown[],
): Promise<number> {
  let begun = 0;
  const worker = async () => {
    for (let thing = things[begun]; thing !== undefined && (begun === 0 || mayGoOn()); thing = things[begun]) {
      begun += 1;
      try {
        await each(thing.item);
      } catch (error) {
        problems.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return begun;
}
