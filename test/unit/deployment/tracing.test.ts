import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as v from 'valibot';
import { expect, it } from 'vitest';

/** What osls gets of a file of the deployment, when `tracing` and all other switches have this value. */
async function made(file: string, value: string): Promise<string> {
  const path = join(import.meta.dirname, '../../../deployment', file);
  const make = v.parse(v.function(), createRequire(import.meta.url)(path));
  return JSON.stringify(await make({ resolveVariable: async () => value }));
}

it.each(['true', 'false'])('of `tracing: %s` functions, state machines and their roles are', async (value) => {
  const functions = await made('functions.cjs', value);
  const machines = await made('machines.cjs', value);
  expect(functions).toContain(`"isTraced":${value}`);
  expect(machines).toContain(`"tracingConfig":{"enabled":${value}}`);
  for (const text of [functions, machines]) expect(text.includes('xray:PutTraceSegments')).toBe(value === 'true');
});
