import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const folder = join(import.meta.dirname, '../../../functions');
const steps = readdirSync(folder).filter((step) => existsSync(join(folder, step, 'environment.ts')));

const definition = v.object({ environment: v.array(v.string()) });
const module = v.object({
  environmentSchema: v.object({ entries: v.record(v.string(), v.looseObject({ type: v.string() })) }),
});

// A schema that is made from another one gets what is added to that one later.
describe.each(steps)('%s', (step) => {
  it('has the variables that it asks for, and no others', async () => {
    const { environment } = v.parse(definition, parse(readFileSync(join(folder, step, 'function.yml'), 'utf8')));
    const { entries } = v.parse(module, await import(join(folder, step, 'environment.ts'))).environmentSchema;
    const required = Object.entries(entries).flatMap(([name, { type }]) => (type === 'optional' ? [] : [name]));
    expect(environment.toSorted()).toEqual(expect.arrayContaining(required));
    expect(Object.keys(entries)).toEqual(expect.arrayContaining(environment));
  });
});
