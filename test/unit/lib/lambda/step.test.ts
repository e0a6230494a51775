import { createServer, get } from 'node:http';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { clientConfig } from '../../../../lib/aws/clients.ts';
import { RoleNotFound } from '../../../../lib/errors.ts';
import { type StepContext, step } from '../../../../lib/lambda/step.ts';
import { createSecret, putSecret, putSuccessor, readSecret } from '../../../../lib/secrets/secrets.ts';
import { fakeSecrets } from '../../functions/fake-secrets.ts';
import { context } from '../../functions/lambda.ts';

const environmentSchema = v.object({ LIMIT: v.picklist(['7', '8']), SERVICE_URL: v.pipe(v.string(), v.url()) });
const inputSchema = v.object({ userName: v.string(), stack: v.object({ region: v.string() }) });
type Run = (
  input: v.InferOutput<typeof inputSchema>,
  context: StepContext<v.InferOutput<typeof environmentSchema>>,
) => Promise<unknown>;

const input = { userName: 'acme', stack: { region: 'us-east-1' } };
const marker = 'Marked-1';

let log: string[];

beforeEach(() => {
  log = [];
  vi.stubEnv('LIMIT', '7');
  vi.stubEnv('SERVICE_URL', 'https://mlflow.acme.example');
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((text) => log.push(String(text)) > 0);
  }
});

const some = (run: Run) => step({ name: 'some-step', environment: environmentSchema, input: inputSchema, run });
const invoke = (run: Run, event: unknown = input) => some(run)(event, context);
/** What the invocation is rejected with. */
const failureOf = (run: Run, event?: unknown) =>
  invoke(run, event).then(
    () => undefined,
    (error: unknown) => error,
  );
const unreached: Run = async () => expect.unreachable('the step must not run');

describe('a step', () => {
  it('gets its input and environment as their schemas say, and returns what it returns', async () => {
    const output = await invoke(async (parsed, { environment }) => ({ parsed, environment }), { ...input, other: 1 });
    expect(output).toEqual({
      parsed: input,
      environment: { LIMIT: '7', SERVICE_URL: 'https://mlflow.acme.example' },
    });
  });

  it('has its environment parsed once, before the first input', async () => {
    const handler = some(async (_input, { environment }) => environment.LIMIT);
    await handler(input, context);
    vi.stubEnv('LIMIT', '8');
    expect(await handler(input, context)).toBe('7');
  });

  it('has what its variables name read once, by every process that gets so far', async () => {
    const complete = vi.fn(async (variables: NodeJS.ProcessEnv) => ({ ...variables, LIMIT: '8' }));
    complete.mockRejectedValueOnce(new Error('not now'));
    const handler = step({
      name: 'some-step',
      environment: environmentSchema,
      complete,
      input: inputSchema,
      run: async (_input, { environment }) => environment.LIMIT,
    });
    await expect(handler(input, context)).rejects.toThrow('not now');
    expect([await handler(input, context), await handler(input, context)]).toEqual(['8', '8']);
    expect(complete).toHaveBeenCalledTimes(2);
  });

  it.each([
    ['a missing variable', undefined, 'is required'],
    ['a wrong variable', marker, 'must be one of "7", "8"'],
  ])('does not run with %s', async (_name, value, rule) => {
    vi.stubEnv('LIMIT', value);
    expect(await failureOf(unreached, { wrong: true })).toMatchObject({
      name: 'InvalidConfiguration',
      message: `LIMIT: ${rule}`,
    });
  });

  it.each([
    ['LIMIT', 'a value with an expectation'],
    ['SERVICE_URL', 'a value with none'],
  ])('does not quote what it got for %s (%s)', async (name) => {
    vi.stubEnv(name, marker);
    expect(String(await failureOf(unreached))).toMatch(new RegExp(`^InvalidConfiguration: ${name}: must be`));
    expect(log.join()).not.toContain(marker);
    expect(String(await failureOf(unreached))).not.toContain(marker);
  });

  it.each([
    ['a missing field', { stack: input.stack }, 'userName: is required'],
    ['a wrong field', { ...input, userName: [marker] }, 'userName: must be string'],
    ['a wrong field deep inside', { ...input, stack: { region: { marker } } }, 'stack.region: must be string'],
    ['an input that is no object', marker, '(root): must be Object'],
  ])('does not run with %s', async (_name, event, message) => {
    expect(await failureOf(unreached, event)).toMatchObject({ name: 'InvalidStepInput', message });
  });
});

describe("a step's error", () => {
  it('is thrown as it is when it is of the machine', async () => {
    const error = new RoleNotFound('no role in the stack');
    expect(
      await failureOf(async () => {
        throw error;
      }),
    ).toBe(error);
  });

  const token = `eyJraWQiOiJ4In0.${'a'.repeat(40)}.${'b'.repeat(40)}`;
  const throwing = (): Promise<never> => {
    const details = { $metadata: { requestId: marker }, $response: { body: marker }, secretString: marker };
    const cause = new Error(marker);
    throw Object.assign(new Error(`denied ${token}`, { cause }), { name: 'AccessDeniedException', ...details });
  };

  it("keeps its name for the machine, and loses a client's details and the shapes of secrets", async () => {
    const error = await failureOf(throwing);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'AccessDeniedException', message: 'denied <token>' });
    expect(Object.keys(error ?? {})).toEqual(['name']);
    expect(error).not.toHaveProperty('cause');
    expect(error).toHaveProperty('stack', expect.not.stringContaining(token));
  });

  it('is logged by name and message, and no further', async () => {
    await failureOf(throwing);
    expect(log).toHaveLength(1);
    expect(JSON.parse(log.join())).toMatchObject({
      level: 'ERROR',
      message: 'step failed',
      service: 'some-step',
      errorName: 'AccessDeniedException',
      errorMessage: 'denied <token>',
    });
    expect(log.join()).not.toContain(marker);
  });
});

describe('a secret that a step meets', () => {
  const client = new SecretsManagerClient({ region: 'us-east-1' });
  const schema = v.object({ userName: v.string(), password: v.string() });
  const meetings: [how: string, meet: () => Promise<unknown>][] = [
    ['reads', () => readSecret(client, { secretId: 'a-secret' }, schema)],
    ['creates', () => createSecret(client, { secretId: 'new-secret', keyArn: '' }, { password: marker })],
    ['stores', () => putSecret(client, 'a-secret', { customToken: marker })],
    ['stores as a successor', () => putSuccessor(client, 'a-secret', undefined, { idToken: marker })],
  ];

  it.each(meetings)('is gone from its errors and log lines, when it %s it', async (_, meet) => {
    const secrets = fakeSecrets({ 'a-secret': { userName: 'acme', password: marker } });
    const errors = [new RoleNotFound(`no role: ${marker} of acme`), new Error(`no: ${marker} of acme`)];
    for (const error of errors) {
      const failure = await failureOf(async (_input, { logger }) => {
        await meet();
        logger.info(`seen ${marker}`, { text: [`the ${marker}`] });
        throw error;
      });
      expect(failure).toMatchObject({ message: expect.stringMatching(/^no.*: <redacted> of acme$/) });
      expect(failure).toHaveProperty('stack', expect.not.stringContaining(marker));
    }
    expect(log).toHaveLength(4);
    expect(log.join()).not.toContain(marker);
    expect(secrets.written.every((value) => JSON.stringify(value).includes(marker))).toBe(true);
  });
});

describe("a step's log", () => {
  it('reports a success, without the output', async () => {
    await invoke(async () => ({ userName: marker }));
    expect(log).toHaveLength(1);
    expect(JSON.parse(log.join())).toMatchObject({ level: 'INFO', message: 'step succeeded', service: 'some-step' });
    expect(log.join()).not.toContain(marker);
  });

  it('does not hold the event', async () => {
    await invoke(async (_input, { logger }) => logger.info('working'), { ...input, userName: marker });
    expect(log.join()).toContain('working');
    expect(log.join()).not.toContain(marker);
  });

  it('holds no secret, by name or by shape', async () => {
    await invoke(async (_input, { logger }) =>
      logger.info('working', {
        credentials: { password: marker, customToken: marker, SecretString: marker },
        headers: [{ Authorization: marker }],
        answer: `Custom 11111111-1111-4111-8111-111111111111:${marker.repeat(40)}`,
        userName: 'acme',
      }),
    );
    expect(JSON.parse(log[0] ?? '')).toMatchObject({
      credentials: { password: '<redacted>', customToken: '<redacted>', SecretString: '<redacted>' },
      headers: [{ Authorization: '<redacted>' }],
      answer: '<custom token>',
      userName: 'acme',
    });
  });

  const executionArn = 'arn:aws:states:us-east-1:111111111111:execution:onboard-subscriber:order-7';
  const about = { subscriber: { userName: 'acme' } };
  it.each([
    { place: 'a plan', event: { plan: { ...about, executionArn, correlationId: 'run-1' } } },
    {
      place: "a state machine's input",
      event: { request: { ...about, origin: { requestedBy: 'pipeline', correlationId: 'run-1' } }, executionArn },
    },
    { place: 'an event', event: { detail: { ...about, executionArn, correlationId: 'run-1' } } },
  ])('has in each line whom, which execution and which request $place is about', async ({ event }) => {
    await invoke(async (_input, { logger }) => logger.info('working'), { ...input, ...event });
    expect(log).toHaveLength(2);
    for (const line of log)
      expect(JSON.parse(line)).toMatchObject({ userName: 'acme', executionArn, correlationId: 'run-1' });
  });

  it('has nothing of an event that cannot be a name, an ARN or an id', async () => {
    const origin = { correlationId: 'two words' };
    await invoke(async () => {}, { ...input, request: { subscriber: { userName: 'a b' }, origin }, executionArn: 'x' });
    for (const key of ['userName', 'executionArn', 'correlationId'])
      expect(JSON.parse(log.join())).not.toHaveProperty(key);
  });

  it("does not keep an invocation's keys for the next", async () => {
    const handler = some(async ({ userName }, { logger }) => {
      if (userName === 'acme') logger.appendKeys({ seen: userName });
      logger.info('working');
    });
    await handler(input, context);
    await handler({ ...input, userName: 'beta' }, context);
    const entries: { message: string; seen?: string }[] = log.map((line) => JSON.parse(line));
    const seen = entries.filter(({ message }) => message === 'working').map((entry) => entry.seen);
    expect(seen).toEqual(['acme', undefined]);
  });
});

describe('the connections of before', () => {
  const start = 1_750_000_000_000;

  /** How many connections a service was called over, by two invocations so many milliseconds apart. */
  async function connectionsOfTwo(pause: number, fails = false): Promise<number> {
    let connections = 0;
    const server = createServer((_request, response) => response.end()).on('connection', () => {
      connections += 1;
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
      vi.useRealTimers();
    });
    const { port } = v.parse(v.object({ port: v.number() }), server.address());
    vi.useFakeTimers({ toFake: ['Date'], now: start });
    const handler = some(async () => {
      await new Promise<void>((resolve, reject) => {
        const agent = clientConfig.requestHandler.httpAgent;
        const request = get({ port, host: '127.0.0.1', agent }, (response) => {
          response.resume().once('end', () => setImmediate(resolve));
        });
        request.once('error', reject);
      });
      if (fails) throw new RoleNotFound('no role in the stack');
    });
    const call = () => handler(input, context).catch(() => undefined);
    await call();
    vi.setSystemTime(start + pause);
    await call();
    return connections;
  }

  it('serve the next invocation', async () => {
    expect(await connectionsOfTwo(10_000)).toBe(1);
  });

  it.each([
    ['success', false],
    ['failure', true],
  ])('are closed after a pause in which they may have died, after a %s', async (_end, fails) => {
    expect(await connectionsOfTwo(6 * 60_000, fails)).toBe(2);
  });
});
