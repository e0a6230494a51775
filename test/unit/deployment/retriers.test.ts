import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { errorName } from '../../../lib/aws/error-name.ts';

const root = join(import.meta.dirname, '../../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

const retrierSchema = v.strictObject({
  errors: v.array(v.string()),
  IntervalSeconds: v.number(),
  BackoffRate: v.number(),
  MaxAttempts: v.number(),
  MaxDelaySeconds: v.optional(v.number()),
  JitterStrategy: v.literal('FULL'),
});
const retriers = v.parse(
  v.strictObject({
    errors: v.record(v.string(), v.array(v.string())),
    shared: v.array(retrierSchema),
    states: v.record(v.string(), v.array(retrierSchema)),
  }),
  parse(read('statemachine/retriers.yml')),
);
const { throttled = [], failed = [] } = retriers.errors;
const aws = [...throttled, ...failed];

/** The packages of the clients that the functions use. */
const clients = new Set(
  globSync('{functions,lib}/**/*.ts', { cwd: root }).flatMap(
    (file) => read(file).match(/@aws-sdk\/client-[\w-]+/g) ?? [],
  ),
);

/** The exceptions that a client knows by a class: names, and whose fault they are. */
async function exceptionsOf(client: string) {
  const exported = v.parse(v.record(v.string(), v.unknown()), { ...(await import(client)) });
  return Object.values(exported).flatMap((value) => {
    if (typeof value !== 'function' || !(value.prototype instanceof Error) || value.length !== 1) return [];
    const exception: unknown = Reflect.construct(value, [{ message: '', $metadata: {} }]);
    return v.is(exceptionSchema, exception) ? [exception] : [];
  });
}
const exceptionSchema = v.object({ name: v.string(), $fault: v.picklist(['client', 'server']) });

/** The codes by which the SDK's clients decide what to try again. */
function codesOf(list: string): string[] {
  const text = read('node_modules/@smithy/core/dist-es/submodules/retry/service-error-classification/constants.js');
  const [, codes = ''] = new RegExp(`${list} = \\[([^\\]]*)\\]`).exec(text) ?? [];
  return [...codes.matchAll(/"(\w+)"/g)].map(([, code = '']) => code);
}

/** A quota that is used up, which is not over in minutes: the only name that stands for both, and that clients retry. */
const quotas = ['LimitExceededException'];

describe('the errors of AWS that are retried', () => {
  it('are each there once, in one kind', () => {
    const names = Object.values(retriers.errors).flat();
    expect(names).toEqual([...new Set(names)]);
  });

  it('have those that a client of the functions knows as the fault of its service, or as throttling', async () => {
    const all = (await Promise.all([...clients].map(exceptionsOf))).flat();
    expect(all.length).toBeGreaterThan(100);
    const passing = all.filter(
      ({ name, $fault }) => $fault === 'server' || /throttl|too ?many ?requests|requestlimit|throughput/i.test(name),
    );
    expect(passing.length).toBeGreaterThan(15);
    // What its service is to blame for may have had an effect.
    expect(throttled.filter((name) => all.some((each) => each.name === name && each.$fault === 'server'))).toEqual([]);
    expect(aws).toEqual(expect.arrayContaining([...new Set(passing.map(({ name }) => name))]));
  });

  it('have those that the clients try again themselves', () => {
    const codes = [...codesOf('THROTTLING_ERROR_CODES'), ...codesOf('TRANSIENT_ERROR_CODES')];
    expect(codes).toContain('Throttling');
    expect(codes).toEqual(expect.arrayContaining(quotas));
    expect(aws).toEqual(expect.arrayContaining(codes.filter((code) => !quotas.includes(code))));
    expect(aws).not.toEqual(expect.arrayContaining(quotas));
  });

  it('have the names that the functions give to errors of the network, which the clients know by codes', () => {
    const codes = [...codesOf('NODEJS_TIMEOUT_ERROR_CODES'), ...codesOf('NODEJS_NETWORK_ERROR_CODES')];
    expect(codes.length).toBeGreaterThan(5);
    for (const code of codes) {
      expect(aws).toContain(errorName(Object.assign(new Error('no connection'), { code })));
    }
  });
});

describe.each(Object.entries({ shared: retriers.shared, ...retriers.states }))('the retriers %s', (state, list) => {
  it('name kinds of errors that there are', () => {
    expect(Object.keys(retriers.errors)).toEqual(expect.arrayContaining(list.flatMap(({ errors }) => errors)));
  });

  it('are of a state that there is', () => {
    const definitions = globSync('statemachine/*.asl.json', { cwd: root }).map(read);
    expect(definitions).not.toEqual([]);
    expect(state === 'shared' || definitions.some((definition) => definition.includes(`"${state}": {`))).toBe(true);
  });
});
