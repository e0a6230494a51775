import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as v from 'valibot';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { context } from './lambda.ts';
import { executionArn } from './plan.ts';

const root = join(import.meta.dirname, '../../..');
const target = v.object({ 'Fn::GetAtt': v.tuple([v.string(), v.literal('Arn')]) });
const parameters = v.record(v.string(), v.unknown());
const machineSchema = v.object({
  States: v.record(
    v.string(),
    v.object({
      /** Only a Task has one. */
      Resource: v.optional(v.union([v.object({ 'Fn::Sub': v.string() }), target])),
      Parameters: v.optional(v.union([v.object({ FunctionName: target, Payload: parameters }), parameters])),
    }),
  ),
});
type Input = Record<string, unknown>;

/** What a state hands its function, of the machine's input and of the state that the first step has left. */
function payloadOf(selected: Input | undefined, input: Input): Input {
  if (selected === undefined) return input;
  const values = Object.entries(selected).map(([name, path]) => {
    if (path === '$') return [name, input];
    if (path === '$$.Execution.Id') return [name, executionArn];
    return [name, input[String(path).replace('$.', '')]];
  });
  return Object.fromEntries(values.map(([name = '', value]) => [String(name).replace('.$', ''), value]));
}

const subscriber = { userName: 'Acme' };
const kebab = (name: string) => name.replace(/(?<=.)[A-Z]/g, '-$&').toLowerCase();

/** Every state of every machine, with what it invokes its function with. */
const states = readdirSync(join(root, 'statemachine'))
  .filter((file) => file.endsWith('.asl.json'))
  .flatMap((file) => {
    const { States } = v.parse(machineSchema, JSON.parse(readFileSync(join(root, 'statemachine', file), 'utf8')));
    const tasks = Object.entries(States).filter(([, { Resource }]) => Resource !== undefined);
    return tasks.map(([state, { Resource, Parameters }], index) => {
      const input = index === 0 ? { subscriber } : { plan: { subscriber, executionArn }, stack: {} };
      const isToken = v.is(v.object({ FunctionName: target, Payload: parameters }), Parameters);
      const invoked = isToken ? Parameters.FunctionName : v.parse(target, Resource);
      const payload = payloadOf(isToken ? Parameters.Payload : v.parse(v.optional(parameters), Parameters), input);
      return { machine: file.replace('.asl.json', ''), state, step: kebab(invoked['Fn::GetAtt'][0]), payload };
    });
  });

/** The functions outside the machines whose events name a subscriber or an execution. */
const others: { step: string; event: object; keys: object }[] = [
  { step: 'record-failure', event: { detail: { executionArn, status: 'FAILED' } }, keys: { executionArn } },
  { step: 'get-subscriber', event: { pathParameters: { userName: 'Acme' } }, keys: { userName: 'Acme' } },
  { step: 'accept-event', event: { detail: { subscriber } }, keys: { userName: 'Acme' } },
];

let log: string[];

// A function that another file has loaded knows that file's environment.
beforeAll(() => vi.resetModules());

beforeEach(() => {
  log = [];
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((text) => log.push(String(text)) > 0);
  }
});

/** The line of an invocation that ends before any call, for its environment is missing. */
async function lineOf(step: string, event: object): Promise<unknown> {
  const module: unknown = await import(pathToFileURL(join(root, 'functions', step, 'handler.ts')).href);
  const { handler } = v.parse(v.object({ handler: v.function() }), module);
  await expect(handler(event, context)).rejects.toMatchObject({ name: 'InvalidConfiguration' });
  expect(log).toHaveLength(1);
  return JSON.parse(log[0] ?? '');
}

describe('the log lines', () => {
  it('of states are of all machines', () => {
    expect(states.length).toBeGreaterThan(20);
  });

  it.each(states)('of $state of $machine name the subscriber and the execution', async ({ step, payload }) => {
    expect(await lineOf(step, payload)).toMatchObject({ userName: 'Acme', executionArn });
  });

  it.each(others)('of $step name what its event does', async ({ step, event, keys }) => {
    expect(await lineOf(step, event)).toMatchObject(keys);
  });

  it.each([
    ['a name that cannot be', { request: { subscriber: { userName: 'not a name: "secret"' } } }],
    ['an ARN that cannot be', { executionArn: 'arn:aws:secretsmanager:us-east-1:111111111111:secret:x' }],
    ['something else for a plan', { plan: 'plan', request: [], detail: 7, pathParameters: null }],
  ])('hold no %s', async (_, event) => {
    const line = await lineOf('accept-request', event);
    for (const key of ['userName', 'executionArn']) expect(line).not.toHaveProperty(key);
  });
});
