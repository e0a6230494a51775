/**
 * The one clock of the sandbox: services, the state machine engine and (through an offset) the Lambda workers read it.
 * It runs with real time, and a test can turn it forward.
 */
export interface Clock {
  /** The sandbox's time in milliseconds since the epoch. */
  now(): number;
  /** Calls `run` once, `milliseconds` from now on this clock; the returned function cancels it. */
  after(milliseconds: number, run: () => void): () => void;
  /** Calls `run` again and again, every so many milliseconds. Idle time is not skipped for it, or it would never end. */
  every(milliseconds: number, run: () => void): void;
  /** Resolves `milliseconds` from now on this clock; rejects with the signal's reason when aborted. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** Turns the clock forward; timers that come due run in their order. */
  advance(milliseconds: number): void;
  /** How far the clock is ahead of real time, in milliseconds, readable from worker threads as one Float64. */
  readonly offset: SharedArrayBuffer;
  /** Marks work that must be over before idle time is skipped; the returned function ends it. */
  busy(): () => void;
  /** Resolves when nothing works and nothing is waited for, in a clock that skips idle time. */
  quiet(): Promise<void>;
  /** Cancels every timer. */
  stop(): void;
}

export interface ClockOptions {
  /** When true, time in which nothing but timers is pending is skipped: the clock jumps to the next timer. */
  skipIdle?: boolean;
}

/** A time in milliseconds since the epoch in ISO 8601 and whole seconds, as events and policies have it. */
export const isoSeconds = (time: number) => `${new Date(time).toISOString().slice(0, 19)}Z`;

interface Timer {
  due: number;
  /** Whether idle time is skipped for it. */
  awaited: boolean;
  run: () => void;
}

export function createClock({ skipIdle = false }: ClockOptions = {}): Clock {
  const offset = new SharedArrayBuffer(8);
  const ahead = new Float64Array(offset);
  let timers: Timer[] = [];
  let wakeUp: NodeJS.Timeout | undefined;
  let atWork = 0;
  let idleCheck: NodeJS.Immediate | undefined;

  let stopped = false;

  const now = () => Date.now() + (ahead[0] ?? 0);

  function schedule() {
    clearTimeout(wakeUp);
    const next = timers[0];
    if (next === undefined) return;
    // setTimeout takes at most 2^31-1 ms; a longer wait is scheduled again when it fires.
    wakeUp = setTimeout(runDue, Math.min(Math.max(0, next.due - now()), 2 ** 31 - 1));
    checkIdle();
  }

  function runDue() {
    for (let next = timers[0]; next !== undefined && next.due <= now(); next = timers[0]) {
      timers.shift();
      next.run();
    }
    schedule();
  }

  // Two turns of the event loop let answers that are already on their way arrive before time is skipped.
  function checkIdle() {
    if (!skipIdle || idleCheck !== undefined) return;
    idleCheck = setImmediate(() => {
      idleCheck = setImmediate(() => {
        idleCheck = undefined;
        const next = timers.find(({ awaited }) => awaited);
        if (atWork === 0 && next !== undefined) passTo(next.due);
      });
    });
  }

  function advanceTo(time: number) {
    // In whole milliseconds, as real clocks are read; a timer may be due at a fraction of one.
    ahead[0] = (ahead[0] ?? 0) + Math.max(0, Math.ceil(time - now()));
    runDue();
  }

  // Timer by timer, so that what a timer schedules inside the span runs at its own time.
  function passTo(time: number) {
    for (let next = timers[0]; next !== undefined && next.due <= time; next = timers[0]) advanceTo(next.due);
    advanceTo(time);
  }

  function add(milliseconds: number, run: () => void, awaited: boolean) {
    if (stopped) return () => {};
    const timer = { due: now() + milliseconds, run, awaited };
    const position = timers.findIndex(({ due }) => due > timer.due);
    timers.splice(position === -1 ? timers.length : position, 0, timer);
    schedule();
    return () => {
      timers = timers.filter((other) => other !== timer);
      schedule();
    };
  }

  const after = (milliseconds: number, run: () => void) => add(milliseconds, run, true);

  function every(milliseconds: number, run: () => void) {
    add(
      milliseconds,
      () => {
        every(milliseconds, run);
        run();
      },
      false,
    );
  }

  return {
    now,
    after,
    every,
    offset,
    sleep(milliseconds, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const onAbort = () => {
          cancel();
          reject(signal?.reason);
        };
        const cancel = after(milliseconds, () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        });
        signal?.addEventListener('abort', onAbort, { once: true });
      });
    },
    advance: (milliseconds) => passTo(now() + milliseconds),
    busy() {
      atWork += 1;
      let ended = false;
      return () => {
        if (ended) return;
        ended = true;
        atWork -= 1;
        if (atWork === 0) checkIdle();
      };
    },
    async quiet() {
      const isQuiet = () => atWork === 0 && !timers.some(({ awaited }) => awaited);
      // What has just ended may be about to begin something: it must be quiet for some turns of the event loop.
      for (let turns = 0; turns < 10; turns = isQuiet() ? turns + 1 : 0) {
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    },
    stop() {
      // What ends now may still ask for timers, which must not keep the process alive.
      stopped = true;
      timers = [];
      clearTimeout(wakeUp);
      clearImmediate(idleCheck);
    },
  };
}
