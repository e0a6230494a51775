import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type Clock, createClock, timeOf } from '../../../../sandbox/core/clock.ts';

/** Lets the event loop turn often enough for a clock to find itself idle. */
async function turns() {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe('a clock that is turned', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
  });

  it('runs a timer when real time has passed', () => {
    const clock = createClock();
    const run = vi.fn();
    clock.after(1000, run);
    vi.advanceTimersByTime(999);
    expect(run).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(run).toHaveBeenCalledOnce();
  });

  it('waits longer than setTimeout can', () => {
    const setTimeout = vi.spyOn(globalThis, 'setTimeout');
    const clock = createClock();
    const run = vi.fn();
    clock.after(2 ** 31 + 5, run);
    vi.advanceTimersByTime(2 ** 31 + 4);
    expect(run).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(run).toHaveBeenCalledOnce();
    // More overflows, and fires at once.
    expect(setTimeout.mock.calls.every(([, delay = 0]) => delay < 2 ** 31)).toBe(true);
  });

  it('runs timers in the order in which they come due, each at its time, and those of one time as they were made', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { maxLength: 20 }), fc.nat(1000), (delays, span) => {
        const clock = createClock();
        const start = clock.now();
        const ran: { delay: number; index: number; at: number }[] = [];
        delays.forEach((delay, index) => {
          clock.after(delay, () => ran.push({ delay, index, at: clock.now() - start }));
        });
        clock.advance(span);
        const due = delays
          .map((delay, index) => ({ delay, index, at: delay }))
          .filter(({ delay }) => delay <= span)
          .sort((a, b) => a.delay - b.delay || a.index - b.index);
        expect(ran).toEqual(due);
        expect(clock.now() - start).toBe(span);
        clock.stop();
      }),
    );
  });

  it('knows how far it is ahead of real time, which passes for both', () => {
    const clock = createClock();
    expect(clock.aheadOfRealTime()).toBe(0);
    clock.advance(360_000);
    vi.advanceTimersByTime(1000);
    expect(clock.aheadOfRealTime()).toBe(360_000);
    const skipping = createClock({ skipIdle: true });
    skipping.advance(1000);
    expect(skipping.aheadOfRealTime()).toBe(0);
    skipping.stop();
  });

  it('runs what a timer schedules inside the span at its own time', () => {
    const clock = createClock();
    const start = clock.now();
    const times: number[] = [];
    const again = () => {
      times.push(clock.now() - start);
      clock.after(30, again);
    };
    clock.after(30, again);
    clock.advance(100);
    expect(times).toEqual([30, 60, 90]);
  });

  it('does not run a cancelled timer, nor any after stop', () => {
    const clock = createClock();
    const run = vi.fn();
    const cancel = clock.after(10, run);
    clock.after(10, run);
    cancel();
    clock.advance(9);
    clock.stop();
    clock.after(10, run);
    clock.advance(10);
    expect(run).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('reads whole milliseconds, whatever the delays', () => {
    const clock = createClock();
    const times: number[] = [];
    clock.after(0.3, () => times.push(clock.now()));
    clock.after(1.7, () => times.push(clock.now()));
    clock.advance(2.5);
    expect([...times, clock.now()].every(Number.isInteger)).toBe(true);
    expect(times).toHaveLength(2);
  });

  it('shows worker threads how far it is ahead', () => {
    const clock = createClock();
    // biome-ignore lint/plugin/real-time: faked here
    const faked = Date.now;
    const read = () => timeOf(new Float64Array(clock.shared), faked);
    expect(read()).toBe(faked());
    clock.advance(5000);
    clock.advance(1);
    expect(read()).toBe(faked() + 5001);
    expect(clock.now()).toBe(read());
  });

  it('sleeps until its time', async () => {
    const clock = createClock();
    const awake = vi.fn();
    const sleep = clock.sleep(100).then(awake);
    clock.advance(99);
    await turns();
    expect(awake).not.toHaveBeenCalled();
    clock.advance(1);
    await sleep;
  });

  it.each([
    ['before', true],
    ['during', false],
  ])('ends a sleep that is aborted %s it with the reason, and leaves no timer', async (_when, before) => {
    const clock = createClock();
    const abortion = new AbortController();
    if (before) abortion.abort(new Error('enough'));
    const sleep = clock.sleep(100, abortion.signal);
    abortion.abort(new Error('enough'));
    await expect(sleep).rejects.toThrow('enough');
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a clock that skips idle time', () => {
  const anHour = 3_600_000;

  it('jumps from timer to timer', async () => {
    const clock = createClock({ skipIdle: true });
    const start = clock.now();
    await clock.sleep(anHour);
    await clock.sleep(anHour);
    expect(clock.now() - start).toBeGreaterThanOrEqual(2 * anHour);
  });

  it('does not jump without being asked to', async () => {
    const clock = createClock();
    const awake = vi.fn();
    clock.after(anHour, awake);
    await turns();
    expect(awake).not.toHaveBeenCalled();
    clock.stop();
  });

  it('does not jump before all work is over', async () => {
    const clock = createClock({ skipIdle: true });
    const endOfOne = clock.busy();
    const endOfOther = clock.busy();
    const awake = vi.fn();
    const sleep = clock.sleep(anHour).then(awake);
    endOfOne();
    // Ending the same work again ends nothing else.
    endOfOne();
    await turns();
    expect(awake).not.toHaveBeenCalled();
    endOfOther();
    await sleep;
  });

  it('does not jump for what is called again and again, but calls it on its way', async () => {
    const clock = createClock({ skipIdle: true });
    const again = vi.fn();
    clock.every(anHour / 2, again);
    await turns();
    expect(again).not.toHaveBeenCalled();
    await clock.sleep(anHour);
    expect(again).toHaveBeenCalledTimes(2);
    clock.stop();
  });

  it('stands still meanwhile, however long that takes', () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 0 });
    const clock = createClock({ skipIdle: true });
    vi.setSystemTime(anHour);
    expect(clock.now()).toBe(0);
    vi.useRealTimers();
    clock.stop();
  });

  it('runs what is due now although something works', async () => {
    const clock = createClock({ skipIdle: true });
    clock.busy();
    await new Promise<void>((resolve) => clock.after(0, resolve));
    clock.stop();
  });

  it.each<[string, (clock: Clock) => void]>([
    ['work ends', (clock) => clock.busy()()],
    ['a timer runs', (clock) => void clock.after(anHour, () => {})],
    ['something else happens', (clock) => clock.progressed()],
  ])('reports progress when %s', async (_, happen) => {
    const clock = createClock({ skipIdle: true });
    const progress = clock.progress();
    happen(clock);
    expect(await progress).toBe(true);
    clock.stop();
  });

  it('reports that nothing is left to do, but not while something works', async () => {
    const clock = createClock({ skipIdle: true });
    clock.every(anHour, () => {});
    expect(await clock.progress()).toBe(false);
    const endOfWork = clock.busy();
    const told = vi.fn();
    const quiet = clock.quiet().then(told);
    for (let turn = 0; turn < 30; turn += 1) await turns();
    expect(told).not.toHaveBeenCalled();
    endOfWork();
    await quiet;
    clock.stop();
  });
});
