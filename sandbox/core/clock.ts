// biome-ignore-all lint/plugin/real-time: the one place that reads real time
// biome-ignore-all lint/style/noRestrictedGlobals: the one place that waits in real time

/**
 * The one clock of the sandbox: services, the state machine engine and (through shared memory) the Lambda workers read it.
 * It runs with real time, or only on its own: then a test can turn it forward, and no real second decides anything.
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
  /** What worker threads read the clock from: see `timeOf`. */
  readonly shared: SharedArrayBuffer;
  /** Whether time passes only when nothing else is left to do. */
  readonly skipsIdle: boolean;
  /** How far a clock that runs with real time was turned ahead of it, in milliseconds; 0 for one that does not run with it. */
  aheadOfRealTime(): number;
  /** Marks work that must be over before idle time is skipped; the returned function ends it. */
  busy(): () => void;
  /**
   * For a clock that skips idle time: resolves with true when some work has ended or a timer has run, and with false when nothing
   * is left to do. Nothing works then, and nothing but repeated timers is pending.
   */
  progress(): Promise<boolean>;
  /** Something has happened that may be waited for, and is neither the end of work nor a timer. */
  progressed(): void;
  /** Resolves when nothing is left to do, in a clock that skips idle time. */
  quiet(): Promise<void>;
  /** Cancels every timer. */
  stop(): void;
}

export interface ClockOptions {
  /**
   * When true, the clock does not run with real time. It stands still while anything works, and jumps to the next timer when
   * nothing but timers is pending.
   */
  skipIdle?: boolean;
}

/** The time of a clock, in milliseconds since the epoch, from its shared memory: how far it is ahead, and of what. */
export const timeOf = ([ahead = 0, isAheadOfRealTime = 0]: Float64Array, realTime: () => number) =>
  isAheadOfRealTime ? realTime() + ahead : ahead;

/** A time in milliseconds since the epoch in ISO 8601 and whole seconds, as events and policies have it. */
export const isoSeconds = (time: number) => `${new Date(time).toISOString().slice(0, 19)}Z`;

interface Timer {
  due: number;
  /** Whether idle time is skipped for it. */
  awaited: boolean;
  run: () => void;
}

export function createClock({ skipIdle = false }: ClockOptions = {}): Clock {
  const shared = new SharedArrayBuffer(16);
  const state = new Float64Array(shared);
  state.set(skipIdle ? [Date.now(), 0] : [0, 1]);
  let timers: Timer[] = [];
  let wakeUp: NodeJS.Timeout | undefined;
  let atWork = 0;
  let idleCheck: NodeJS.Immediate | undefined;
  let dueCheck: NodeJS.Immediate | undefined;

  let stopped = false;
  /** Who waits for progress. */
  let waiting: ((isProgress: boolean) => void)[] = [];

  const now = () => timeOf(state, Date.now);

  function schedule() {
    clearTimeout(wakeUp);
    const next = timers[0];
    if (next === undefined) return;
    if (skipIdle) {
      // What is due waits for nobody's work, but for its turn.
      if (next.due <= now()) dueCheck ??= setImmediate(runDue);
      else checkIdle();
      return;
    }
    // setTimeout takes at most 2^31-1 ms; a longer wait is scheduled again when it fires.
    wakeUp = setTimeout(runDue, Math.min(Math.max(0, next.due - now()), 2 ** 31 - 1));
  }

  function runDue() {
    dueCheck = undefined;
    for (let next = timers[0]; next !== undefined && next.due <= now(); next = timers[0]) {
      timers.shift();
      next.run();
      resolveWaiting(true);
    }
    schedule();
  }

  function resolveWaiting(isProgress: boolean) {
    const resolved = waiting;
    waiting = [];
    for (const resolve of resolved) resolve(isProgress);
  }

  // Some turns of the event loop let what is already on its way arrive: before time is skipped, and more of them before it is
  // said that nothing is left to do.
  function checkIdle(turns = 1) {
    if (!skipIdle || stopped || idleCheck !== undefined) return;
    idleCheck = setImmediate(() => {
      idleCheck = undefined;
      if (atWork > 0) return;
      const next = timers.find(({ awaited }) => awaited);
      if (next !== undefined && turns >= 2) passTo(next.due);
      else if (next !== undefined || (waiting.length > 0 && turns < 50)) checkIdle(turns + 1);
      else resolveWaiting(false);
    });
  }

  function advanceTo(time: number) {
    // In whole milliseconds, as real clocks are read; a timer may be due at a fraction of one.
    state[0] = (state[0] ?? 0) + Math.max(0, Math.ceil(time - now()));
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

  const progress = () =>
    new Promise<boolean>((resolve) => {
      waiting.push(resolve);
      checkIdle();
    });

  return {
    now,
    after,
    every,
    shared,
    skipsIdle: skipIdle,
    aheadOfRealTime: () => (skipIdle ? 0 : (state[0] ?? 0)),
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
        resolveWaiting(true);
        if (atWork === 0) checkIdle();
      };
    },
    progress,
    progressed: () => resolveWaiting(true),
    async quiet() {
      while (await progress());
    },
    stop() {
      // What ends now may still ask for timers, which must not keep the process alive.
      stopped = true;
      timers = [];
      clearTimeout(wakeUp);
      clearImmediate(idleCheck);
      clearImmediate(dueCheck);
      resolveWaiting(false);
    },
  };
}
