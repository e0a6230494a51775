import { join, resolve } from 'node:path';
import * as v from 'valibot';
import { functionNames } from '../build/build.ts';

const isObjectSchema = (value: unknown): value is v.ObjectSchema<v.ObjectEntries, undefined> =>
  v.is(v.looseObject({ kind: v.literal('schema'), type: v.literal('object'), entries: v.looseObject({}) }), value);
const moduleSchema = v.looseObject({
  environmentSchema: v.custom<v.ObjectSchema<v.ObjectEntries, undefined>>(isObjectSchema),
});

/** The schema of each function's environment, by the name of its folder. */
export async function environmentSchemas(): Promise<Map<string, v.ObjectSchema<v.ObjectEntries, undefined>>> {
  const folder = resolve(import.meta.dirname, '..', 'functions');
  const loaded = (await functionNames()).map(async (step) => {
    const module: unknown = await import(join(folder, step, 'environment.ts'));
    return [step, v.parse(moduleSchema, module).environmentSchema] as const;
  });
  return new Map(await Promise.all(loaded));
}
