import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Clock, createClock } from '../../../../../sandbox/core/clock.ts';
import type { LambdaError } from '../../../../../sandbox/core/lambda-error.ts';
import type { LambdaFunction } from '../../../../../sandbox/services/lambda/invocation.ts';
import { createLambdaPool, type LambdaPool } from '../../../../../sandbox/services/lambda/pool.ts';
import { byScope } from '../../../../scope.ts';

const source = `
const { writeFileSync } = require('node:fs');
const { readFile } = require('node:fs/promises');
const { get } = require('node:http');
const { threadId } = require('node:worker_threads');
let invocations = 0;

class TokenRejected extends Error {
  name = 'TokenRejected';
  token = 'a secret';
}

module.exports = {
  echo: async (event) => event,
  nothing() {},
  context: (_event, context) => ({ ...context, remaining: context.getRemainingTimeInMillis() }),
  environment: () => ({ ...process.env }),
  thread: () => threadId,
  log(event) { console.log(event.text); console.error('and to stderr'); },
  dates() {
    class Day extends Date { isDay() { return true; } }
    return {
      now: Date.now(), fresh: new Date().getTime(), ofNumber: new Date(0).toISOString(), utc: Date.UTC(1970, 0, 2),
      isDate: new Date() instanceof Date, isDay: new Day(0).isDay(), day: new Day(0).getTime(),
    };
  },
  throws() { throw new TokenRejected('not this one'); },
  throwsText() { throw 'plain'; },
  counter(event) {
    invocations += 1;
    if (event.ending === 'hang') return new Promise(() => {});
    if (event.ending === 'exit') process.exit(1);
    if (event.ending === 'crash') return new Promise(() => setImmediate(() => { throw new RangeError('on its own'); }));
    if (event.crashOn) new BroadcastChannel(event.crashOn).onmessage = ({ data }) => {
      process.once('exit', () => writeFileSync(data, ''));
      throw new RangeError('on its own');
    };
    return invocations;
  },
  async leaves({ leave, wait }) {
    if (leave) setTimeout(() => console.log('left over'), 1000);
    if (wait) await new Promise((resolve) => setTimeout(resolve, 5000));
    return threadId;
  },
  async guarded({ by, url }) {
    const signal = AbortSignal.timeout(5000);
    const text = by === 'fetch'
      ? fetch(url, { signal }).then((response) => response.text())
      : new Promise((resolve, reject) => get(url, { signal }, async (response) => resolve((await response.toArray()).join(''))).on('error', reject));
    return text.catch(() => 'given up');
  },
  async waits(event) {
    const started = Date.now();
    if (event.by === 'timer') await new Promise((resolve) => setTimeout(resolve, 600_000));
    if (event.by === 'signal') await new Promise((resolve) => AbortSignal.timeout(600_000).addEventListener('abort', resolve));
    if (event.by === 'file') for (let read = 0; read < 100; read += 1) await readFile(__filename + '.none').catch(() => {});
    if (event.by === 'cleared') clearTimeout(setTimeout(() => { throw new Error('cleared'); }, 600_000));
    return Date.now() - started;
  },
};
`;

let folder: string;
let clock: Clock;
let pool: LambdaPool;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pool-test-'));
  await writeFile(join(folder, 'bundle.cjs'), source);
  clock = createClock();
  pool = createLambdaPool({ clock, logFolder: folder });
});

afterEach(async () => {
  clock.stop();
  await pool.close();
  await rm(folder, { recursive: true });
});

/** Adds the bundle's export as a function, and returns what invokes it. */
function add(exportName: string, overrides: Partial<LambdaFunction> = {}) {
  const functionArn = `arn:${overrides.functionName ?? exportName}`;
  const bundle = join(folder, 'bundle.cjs');
  // The clock follows real time: what does not wait for a time out must reach none on a busy machine.
  const defaults = { functionName: exportName, environment: {}, roleArn: 'arn:role', timeoutSeconds: 900 };
  const code = { codeSha256: 'hash', lastModified: 0 };
  pool.add({ ...defaults, ...code, functionArn, bundle, exportName, ...overrides });
  return (event: unknown = {}) => pool.invoke(functionArn, event);
}

/** The error of an invocation, with its cause read. */
async function failureOf(invocation: Promise<unknown>) {
  const error: LambdaError = await invocation.then(
    (result) => expect.unreachable(`a result: ${JSON.stringify(result)}`),
    (reason) => reason,
  );
  return { name: error.name, ...JSON.parse(error.cause) };
}

describe('an invocation', () => {
  it.each([[{ a: [1, null, 'é'] }], ['text'], [0], [null]])('hands over and returns JSON: %j', async (event) => {
    expect(await add('echo')(event)).toEqual(event);
  });

  it('returns null for nothing', async () => {
    expect(await add('nothing')()).toBeNull();
  });

  it('gives the handler its context', async () => {
    const context = await add('context', { timeoutSeconds: 60 })();
    expect(context).toMatchObject({
      functionName: 'context',
      invokedFunctionArn: 'arn:context',
      awsRequestId: expect.stringMatching(/^[\da-f-]{36}$/),
      remaining: expect.toSatisfy((remaining: number) => remaining > 0 && remaining <= 60_000),
    });
  });

  it("has the function's own environment and nothing of its parent's", async () => {
    vi.stubEnv('OF_THE_PARENT', 'yes');
    const environment = { STAGE: 'sandbox', AWS_REGION: 'us-east-1' };
    expect(await add('environment', { environment })()).toEqual(environment);
  });

  it("reads the sandbox's clock", async () => {
    const dates = add('dates');
    await dates();
    clock.advance(86_400_000);
    const before = clock.now();
    const read = await dates();
    const time = expect.toSatisfy((at: number) => at >= before && at <= clock.now());
    expect(read).toEqual({
      now: time,
      fresh: time,
      ofNumber: '1970-01-01T00:00:00.000Z',
      utc: 86_400_000,
      isDate: true,
      isDay: true,
      day: 0,
    });
  });

  it('keeps idle time from being skipped', async () => {
    clock = createClock({ skipIdle: true });
    pool = createLambdaPool({ clock, logFolder: folder });
    expect(await add('counter')()).toBe(1);
  });

  it("writes what it logs to the function's file", async () => {
    await add('log')({ text: 'hello' });
    await pool.close();
    const log = await readFile(join(folder, 'log.log'), 'utf8');
    expect(log).toContain('hello\n');
    expect(log).toContain('and to stderr\n');
  });
});

describe('a clock that is turned forward', () => {
  beforeEach(() => {
    clock = createClock({ skipIdle: true });
    pool = createLambdaPool({ clock, logFolder: folder });
  });

  it.each(['timer', 'signal'])('lets a %s of a function come due', async (by) => {
    // It waits for nothing else: the clock goes on by itself.
    expect(await add('waits', { timeoutSeconds: 3600 })({ by })).toBe(600_000);
  });

  it('lets a timer that was cleared rest', async () => {
    const waits = add('waits', { timeoutSeconds: 3600 });
    expect(await waits({ by: 'cleared' })).toBe(0);
    expect(await waits({ by: 'timer' })).toBe(600_000);
  });

  it('lets a timer that a function leaves wait until that one runs again', async () => {
    const [leaves, waits] = [add('leaves', { timeoutSeconds: 3600 }), add('waits', { timeoutSeconds: 3600 })];
    const log = async () => readFile(join(folder, 'leaves.log'), 'utf8');
    expect(await leaves({ leave: true })).toEqual(await leaves());
    // In the same thread, since it has the same bundle.
    await waits({ by: 'timer' });
    expect((await log()) + (await readFile(join(folder, 'waits.log'), 'utf8'))).toBe('');
    await leaves({ wait: true });
    expect(await log()).toContain('left over');
  });

  it('goes on while invocations wait for one that sleeps', async () => {
    const waits = add('waits', { timeoutSeconds: 3600 });
    const slept = await Promise.all(Array.from({ length: 5 }, () => waits({ by: 'timer' })));
    expect(slept).toEqual(Array(5).fill(600_000));
  });

  it('stands still while a function reads files', async () => {
    const start = clock.now();
    expect(await add('waits')({ by: 'file' })).toBe(0);
    expect(clock.now()).toBe(start);
  });

  it.each(['request', 'fetch'])('stands still during a %s of a function, until it is turned', async (by) => {
    const { promise: asked, resolve: onRequest } = Promise.withResolvers<() => void>();
    const server = createServer((_, response) => onRequest(() => response.end('done')));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = v.parse(v.object({ port: v.number() }), server.address());
    const guarded = add('guarded', { timeoutSeconds: 3600 });
    const start = clock.now();
    const answered = guarded({ by, url: `http://127.0.0.1:${port}` });
    const answer = await asked;
    await pool.catchUp();
    expect(clock.now()).toBe(start);
    answer();
    expect(await answered).toBe('done');
    expect(clock.now()).toBe(start);

    const hanging = guarded({ by, url: `http://127.0.0.1:${port}/again` });
    await pool.catchUp();
    clock.advance(5000);
    await pool.catchUp();
    expect(await hanging).toBe('given up');
    server.closeAllConnections();
    server.close();
  });
});

describe('a failed invocation', () => {
  it("has the thrown error's name, and name, message and trace as its cause", async () => {
    expect(await failureOf(add('throws')())).toEqual({
      name: 'TokenRejected',
      errorType: 'TokenRejected',
      errorMessage: 'not this one',
      trace: expect.arrayContaining([expect.stringContaining('not this one'), expect.stringContaining('bundle.cjs')]),
    });
  });

  it.each([
    ['something thrown that is no error', 'throwsText', { name: 'string', errorMessage: 'plain' }],
    ['a missing handler', 'absent', { errorMessage: expect.stringContaining('Function') }],
  ])('reports %s', async (_name, exportName, failure) => {
    expect(await failureOf(add(exportName)())).toMatchObject(failure);
  });

  it('reports a bundle that is not there', async () => {
    const invoke = add('echo', { bundle: join(folder, 'absent.cjs') });
    expect(await failureOf(invoke())).toMatchObject({ errorMessage: expect.stringContaining('absent.cjs') });
  });

  it('names a function that does not exist', async () => {
    await expect(pool.invoke('arn:absent', {})).rejects.toMatchObject({
      name: 'Lambda.ResourceNotFoundException',
      message: expect.stringContaining('arn:absent'),
    });
  });

  it("times out on the sandbox's clock, and the next one has a fresh environment", async () => {
    const counter = add('counter', { timeoutSeconds: 60 });
    expect(await counter()).toBe(1);
    const failure = failureOf(counter({ ending: 'hang' }));
    // The timer is set when the invocation has its worker.
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(60_000);
    expect(await failure).toMatchObject({
      name: 'Sandbox.Timedout',
      errorMessage: expect.stringContaining('Task timed out after 60.00 seconds'),
    });
    expect(await counter()).toBe(1);
  });

  it.each([
    ['exit', { name: 'Runtime.ExitError' }],
    ['crash', { name: 'RangeError', errorMessage: 'on its own' }],
  ])('of an environment that ends by %s is followed by a fresh one', async (ending, failure) => {
    const counter = add('counter');
    expect(await counter()).toBe(1);
    expect(await failureOf(counter({ ending }))).toMatchObject(failure);
    expect(await counter()).toBe(1);
  });

  it('does not follow from a crash after the answer', async () => {
    const counter = add('counter', { timeoutSeconds: 900 });
    expect(await counter({ crashOn: folder })).toBe(1);
    const crashed = join(folder, 'crashed');
    const channel = new BroadcastChannel(folder);
    channel.postMessage(crashed);
    while (!existsSync(crashed)) await new Promise((resolve) => setImmediate(resolve));
    channel.close();
    expect(await counter()).toBe(1);
  });
});

describe('the pool', () => {
  it("keeps environments warm, also after a handler's error, one for each function", async () => {
    const [first, second] = [add('counter'), add('counter', { functionName: 'second' })];
    expect([await first(), await first(), await second()]).toEqual([1, 2, 1]);
    const [thread, throws] = [add('thread', { functionName: 'warm' }), add('throwsText')];
    const id = await thread();
    await failureOf(throws());
    expect(await thread()).toBe(id);
  });

  it('serves more invocations at once than a function has workers, and leaves those of others alone', async () => {
    const thread = add('thread');
    const other = add('thread', { functionName: 'other' });
    const id = await other();
    const threads = await Promise.all(Array.from({ length: 50 }, () => thread()));
    expect(threads).toHaveLength(50);
    expect(new Set(threads).size).toBe(Math.max(2, availableParallelism()));
    const later = await Promise.all(Array.from({ length: 16 }, () => thread()));
    expect(later.filter((worker) => !threads.includes(worker))).toEqual([]);
    expect(await other()).toBe(id);
  });

  it('starts another worker for who waits when one ends without an answer', async () => {
    const counter = add('counter');
    // Each that exits takes a worker with it; more wait than there are workers, and their successors, in any case.
    const workers = Math.max(2, availableParallelism());
    const length = byScope({ usual: 4 * workers, all: 50, long: 50 });
    const endings = Array.from({ length }, (_, index) => (index % 2 === 0 ? 'exit' : 'none'));
    const outcomes = await Promise.allSettled(endings.map((ending) => counter({ ending })));
    expect(outcomes.map(({ status }) => status)).toEqual(
      endings.map((ending) => (ending === 'exit' ? 'rejected' : 'fulfilled')),
    );
  });

  it('starts nothing any more once it is closed, which would keep the process alive', async () => {
    const counter = add('counter');
    await pool.close();
    await expect(counter()).rejects.toMatchObject({ name: 'Lambda.ServiceException' });
  });
});

describe('a freeze', () => {
  it.each(['fetch', 'http'])(
    'leaves a connection of %s that nobody answers, and for which no time passes',
    async (by) => {
      clock = createClock({ skipIdle: true });
      pool = createLambdaPool({ clock, logFolder: folder });
      const asked: (number | undefined)[] = [];
      let dropped: readonly number[] = [];
      const server = createServer(({ socket: { remotePort } }, response) => {
        asked.push(remotePort);
        if (remotePort === undefined || !dropped.includes(remotePort)) response.end('done');
      });
      // Also `fetch` keeps the connection then.
      server.keepAliveTimeout = 600_000;
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      onTestFinished(() => {
        server.closeAllConnections();
        server.close();
      });
      const { port } = v.parse(v.object({ port: v.number() }), server.address());
      const guarded = add('guarded', { timeoutSeconds: 3600 });
      const call = () => guarded({ by, url: `http://127.0.0.1:${port}` });
      expect(await call()).toBe('done');
      dropped = await pool.freeze('arn:guarded');
      expect(dropped).toEqual(asked);
      const start = clock.now();
      expect(await call()).toBe('given up');
      expect(clock.now()).toBe(start + 5000);
      // Over a new one.
      expect(await call()).toBe('done');
      expect(new Set(asked).size).toBe(2);
    },
  );

  it('of a function that has not run drops nothing', async () => {
    add('echo');
    expect(await pool.freeze('arn:echo')).toEqual([]);
  });
});

describe('a function that is put in place of another', () => {
  it('has a new environment, while what runs of the old one ends', async () => {
    add('counter', { functionName: 'same', environment: { BUILD: '1' } });
    expect(await pool.invoke('arn:same', {})).toBe(1);
    const running = pool.invoke('arn:same', {});
    add('environment', { functionName: 'same', environment: { BUILD: '2' } });
    expect(await pool.invoke('arn:same', {})).toEqual({ BUILD: '2' });
    expect(pool.functions().filter(({ functionName }) => functionName === 'same')).toHaveLength(1);
    expect(await running).toBe(2);
  });

  it('is gone when it is removed, but for what runs of it', async () => {
    const running = add('echo')('still');
    pool.remove('arn:echo');
    expect(await running).toBe('still');
    await expect(pool.invoke('arn:echo', {})).rejects.toThrow('Function not found: arn:echo');
    pool.remove('arn:nobody');
  });
});
