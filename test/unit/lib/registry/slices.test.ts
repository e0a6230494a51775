import { describe, expect, it } from 'vitest';
import { moveCursor, takeCursor } from '../../../../lib/registry/cursor.ts';
import { type Work, workInSlices } from '../../../../lib/registry/slices.ts';
import { registryTable } from './registry-table.ts';

const minute = 60_000;
const names = (count: number) => Array.from({ length: count }, (_, index) => `t-${String(index).padStart(3, '0')}`);

/** So many things, ten on a page, on a clock that a test turns, and who was worked on. */
async function setUp(count: number) {
  const registry = await registryTable();
  const all = names(count);
  const time = { now: 0 };
  const world = { left: Number.POSITIVE_INFINITY, done: [] as string[] };
  const run = (changes: Partial<Work<string>> = {}) =>
    workInSlices(registry, {
      name: 'sweep',
      async pageAfter(after = '') {
        const rest = all.filter((name) => name > after);
        const items = rest.slice(0, 10).map((name) => ({ place: name, item: name }));
        return { items, end: rest.length > 10 ? items.at(-1)?.place : undefined };
      },
      async each(name) {
        world.left -= 1;
        world.done.push(name);
      },
      mayGoOn: () => world.left > 0,
      atOnce: 3,
      now: () => time.now,
      ...changes,
    });
  /** The next run, and whom it has worked on. */
  const next = async (changes: Partial<Work<string>> & { left?: number } = {}) => {
    const { left = Number.POSITIVE_INFINITY, ...others } = changes;
    Object.assign(world, { left, done: [] });
    const { state, problems } = await run(others);
    return { state, problems, done: world.done.toSorted() };
  };
  return { registry, all, time, world, run, next };
}

describe('work in slices', () => {
  it('does all of it when there is time, each once, and again the next time', async () => {
    const { next, all } = await setUp(34);
    expect(await next()).toEqual({ state: 'over', problems: [], done: all });
    expect((await next()).done).toEqual(all);
  });

  it.each([1, 7, 10, 13])('goes on where the invocation before had no more time, after %i of them', async (left) => {
    const { next, all } = await setUp(34);
    const rounds: string[][] = [];
    for (let state = 'left'; state === 'left'; ) {
      const slice = await next({ left });
      state = slice.state;
      rounds.push(slice.done);
    }
    expect(rounds.flat()).toEqual(all);
    expect(rounds.length).toBeGreaterThanOrEqual(Math.ceil(34 / (left + 2)));
    expect((await next()).done).toEqual(all);
  });

  it('goes on after a thing that goes wrong, and returns why', async () => {
    const { next, world, all } = await setUp(12);
    const each = async (name: string) => {
      if (name === 't-003') throw new Error('spoiled');
      world.done.push(name);
    };
    const { state, problems, done } = await next({ each });
    expect({ state, problems }).toEqual({ state: 'over', problems: [new Error('spoiled')] });
    expect(done).toEqual(all.filter((name) => name !== 't-003'));
  });

  it('leaves a thing at which the function dies to the next round, and does the others before', async () => {
    const { run, next, world, time, all } = await setUp(34);
    // A death takes the whole process: it neither returns nor throws.
    const death = (at: string) =>
      new Promise<string>((resolve) => {
        const each = async (name: string) => {
          if (name !== at) return void world.done.push(name);
          resolve(name);
          await new Promise(() => {});
        };
        void run({ each, atOnce: 1 });
      });
    const seen = new Set<string>();
    for (let tries = 0; tries < 2; tries += 1) {
      world.done = [];
      await death('t-014');
      for (const name of world.done) seen.add(name);
      expect((await next()).state).toBe('held');
      // When Lambda invokes it again.
      time.now += minute;
    }
    const { state, done } = await next();
    expect(state).toBe('over');
    expect([...new Set([...seen, ...done])].toSorted()).toEqual(all.filter((name) => name !== 't-014'));
    expect(done).not.toContain('t-013');
    expect((await next()).done).toEqual(all);
  });

  it('rests for as long as it is asked to after a round, and not within one', async () => {
    const { next, time } = await setUp(12);
    const restMs = 50 * minute;
    expect(await next({ restMs, left: 5 })).toMatchObject({ state: 'left' });
    expect(await next({ restMs })).toMatchObject({ state: 'over' });
    time.now += 49 * minute;
    expect(await next({ restMs })).toEqual({ state: 'resting', problems: [], done: [] });
    time.now += minute;
    expect(await next({ restMs })).toMatchObject({ state: 'over' });
  });

  it('is done by one invocation at a time, and stops when another one has taken over', async () => {
    const { registry, next, time, world } = await setUp(12);
    await takeCursor(registry, 'sweep', { holder: 'other', until: minute }, 0);
    expect(await next()).toMatchObject({ state: 'held', done: [] });
    time.now = minute;
    const each = async (name: string) => {
      world.done.push(name);
      // This one's time is over, and it goes on all the same.
      await takeCursor(registry, 'sweep', { holder: 'other', until: 99 * minute }, 9 * minute);
    };
    expect(await next({ each })).toMatchObject({ state: 'held', done: names(10) });
    expect(await moveCursor(registry, 'sweep', { holder: 'other', until: 0 }, { isOver: true })).toBe(true);
  });

  it('keeps the cursor for as long as it goes on', async () => {
    const { run, next, time, all } = await setUp(34);
    const states: string[] = [];
    let isNested = false;
    const each = async () => {
      time.now += 1_500;
      if (isNested) return;
      isNested = true;
      states.push((await run({ name: 'sweep' })).state);
      isNested = false;
    };
    expect(await next({ each, atOnce: 1 })).toMatchObject({ state: 'over' });
    expect(states).toEqual(all.map(() => 'held'));
  });

  it('gives the cursor back when the things cannot be read', async () => {
    const { next, all } = await setUp(12);
    const pageAfter = async () => {
      throw new Error('no index');
    };
    await expect(next({ pageAfter })).rejects.toThrow('no index');
    expect((await next()).done).toEqual(all);
  });
});
