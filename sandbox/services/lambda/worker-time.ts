import { channel } from 'node:diagnostics_channel';
import { ClientRequest } from 'node:http';
import module from 'node:module';
// biome-ignore lint/style/noRestrictedImports: the clock's timers take its place
import timersPromises from 'node:timers/promises';
import * as v from 'valibot';

/** The time that the code of a worker thread sees from now on. */
export interface WorkerTime {
  /** Runs the timers that have come due, in their order. */
  runDue(): void;
  /** Looks whether the code is asleep, now that it may be. */
  check(): void;
  /** Drops the timers of an owner that is gone. */
  forget(owner: unknown): void;
}

interface Source {
  /** The clock's time in milliseconds since the epoch. */
  now: (realTime: () => number) => number;
  /** Whether the clock stands still while anything works. Then timers run only when it has been turned forward. */
  standsStill: () => boolean;
  /** Whose code runs: a timer that it leaves waits until it runs again, as in an environment that is frozen. */
  owner: () => unknown;
  /** Whether there is code that may be asleep. */
  isRunning: () => boolean;
  /** Whether nobody will ever answer what is sent over a socket: to wait for that is no work. */
  isDropped: (socket: unknown) => boolean;
  /** The code waits for nothing but its timers, the first of which is due then (`Infinity`: there is none). */
  onAsleep: (due: number) => void;
  /** It had been reported asleep, and makes a request. */
  onAwake: () => void;
}

/** Makes `Date`, timers and `AbortSignal.timeout` of this thread follow a clock of the sandbox. */
export function followClock(source: Source): WorkerTime {
  const { now, standsStill, owner, isRunning, isDropped, onAsleep, onAwake } = source;
  const timers = new Set<Timer>();
  // biome-ignore lint/plugin/real-time: the clock's take their place
  const real = { Date, setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
  const time = () => now(real.Date.now);
  const own = () => [...timers].filter((timer) => timer.owner === owner());
  /** The requests that the code has under way: while there are any, the timers that watch over them are not waited for. */
  let underWay = 0;
  let isAsleep = false;
  let pendingCheck: NodeJS.Immediate | undefined;

  // Two turns of the event loop let what is already on its way arrive.
  function check(): void {
    if (pendingCheck !== undefined || !standsStill() || !isRunning()) return;
    pendingCheck = setImmediate(() => {
      pendingCheck = setImmediate(() => {
        pendingCheck = undefined;
        if (underWay > 0 || !isRunning()) return;
        if (waitsForSystem()) return check();
        isAsleep = true;
        onAsleep(Math.min(...own().map(({ due }) => due)));
      });
    });
  }

  /** Begins a request; the returned function ends it. */
  function begin(): () => void {
    underWay += 1;
    if (isAsleep) onAwake();
    isAsleep = false;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      underWay -= 1;
      check();
    };
  }

  function setTimer(run: (...parameters: unknown[]) => void, milliseconds = 0, ...parameters: unknown[]) {
    if (!standsStill()) return real.setTimeout(run, milliseconds, ...parameters);
    const timer = new Timer(owner(), time() + milliseconds, () => run(...parameters));
    timers.add(timer);
    check();
    return timer;
  }

  function clearTimer(timer: NodeJS.Timeout | Timer | undefined): void {
    if (timer instanceof Timer) timers.delete(timer);
    else real.clearTimeout(timer);
  }

  const sleep = (milliseconds?: number, value?: unknown) =>
    new Promise((resolve) => setTimer(() => resolve(value), milliseconds));

  globalThis.Date = new Proxy(real.Date, {
    construct: (target, parameters, newTarget) =>
      Reflect.construct(target, parameters.length === 0 ? [time()] : parameters, newTarget),
    get: (target, property) => (property === 'now' ? time : Reflect.get(target, property)),
  });
  const promisified = Symbol.for('nodejs.util.promisify.custom');
  Object.assign(globalThis, {
    setTimeout: Object.assign(setTimer, { [promisified]: sleep }),
    clearTimeout: clearTimer,
  });
  Object.assign(timersPromises, { setTimeout: sleep });
  module.syncBuiltinESMExports();
  AbortSignal.timeout = (milliseconds) => {
    const controller = new AbortController();
    const abort = () => controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
    setTimer(abort, milliseconds).unref();
    return controller.signal;
  };

  // Node publishes the requests of `node:http` and of `fetch`.
  channel('http.client.request.created').subscribe((message) => {
    const { request } = v.parse(clientRequestSchema, message);
    const end = begin();
    request.once('close', end).once('socket', (socket) => {
      if (isDropped(socket)) end();
    });
  });
  const fetches = new Map<unknown, () => void>();
  const endOfFetch = (message: unknown) => {
    const { request } = v.parse(fetchSchema, message);
    fetches.get(request)?.();
    fetches.delete(request);
  };
  channel('undici:request:create').subscribe((message) => {
    fetches.set(v.parse(fetchSchema, message).request, begin());
  });
  channel('undici:client:sendHeaders').subscribe((message) => {
    if (isDropped(v.parse(sentSchema, message).socket)) endOfFetch(message);
  });
  channel('undici:request:trailers').subscribe(endOfFetch);
  channel('undici:request:error').subscribe(endOfFetch);

  return {
    check,
    forget(gone) {
      for (const timer of timers) if (timer.owner === gone) timers.delete(timer);
    },
    runDue() {
      isAsleep = false;
      const due = own()
        .filter((timer) => timer.due <= time())
        .sort((one, other) => one.due - other.due);
      for (const timer of due) if (timers.delete(timer)) timer.run();
      check();
    },
  };
}

const clientRequestSchema = v.object({ request: v.instance(ClientRequest) });
const fetchSchema = v.object({ request: v.unknown() });
const sentSchema = v.object({ socket: v.unknown() });

/** Whether the code waits for the operating system: for a file (`FSReqPromise`, `FSReqCallback`) or a name (`GetAddrInfoReqWrap`). */
const waitsForSystem = () => process.getActiveResourcesInfo().some((name) => name.includes('Req'));

/** A timer on a clock that does not run by itself; it keeps nothing alive. */
class Timer {
  readonly owner: unknown;
  readonly due: number;
  readonly run: () => void;

  constructor(owner: unknown, due: number, run: () => void) {
    this.owner = owner;
    this.due = due;
    this.run = run;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}
