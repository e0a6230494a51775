import { expect, it } from 'vitest';
import { paced } from '../../../lib/pace.ts';

/** Turns on a clock of its own, and when each came, in milliseconds. */
function setUp(perSecond: number, burst: number) {
  const time = { now: 0, waited: 0 };
  const turn = paced(
    { perSecond, burst },
    {
      now: () => time.now,
      async wait(milliseconds) {
        time.waited = milliseconds;
      },
    },
  );
  return {
    time,
    async wait() {
      time.waited = 0;
      await turn();
      return time.waited;
    },
  };
}

it('the first turns need not wait, and those after them come as fast as the pace is', async () => {
  const { wait } = setUp(5, 3);
  const waits: number[] = [];
  for (let turn = 0; turn < 6; turn += 1) waits.push(await wait());
  expect(waits).toEqual([0, 0, 0, 200, 400, 600]);
});

it('what was not used comes back, and no more than the first turns', async () => {
  const { wait, time } = setUp(5, 3);
  for (let turn = 0; turn < 3; turn += 1) await wait();
  time.now += 400;
  expect([await wait(), await wait(), await wait()]).toEqual([0, 0, 200]);
  time.now += 60_000;
  expect([await wait(), await wait(), await wait(), await wait()]).toEqual([0, 0, 0, 200]);
});

it('a clock that goes back gives nothing', async () => {
  const { wait, time } = setUp(5, 1);
  await wait();
  time.now -= 60_000;
  expect(await wait()).toBe(200);
});
