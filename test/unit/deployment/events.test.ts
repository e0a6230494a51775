import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as v from 'valibot';
import { expect, it } from 'vitest';

const templateSchema = v.object({
  template: v.object({ Resources: v.record(v.string(), v.looseObject({ Properties: v.unknown() })) }),
});

/** What osls gets for the params. */
async function resourcesFor(params: Readonly<Record<string, unknown>>) {
  const module: unknown = createRequire(import.meta.url)(join(import.meta.dirname, '../../../deployment/events.cjs'));
  const make = v.parse(v.function(), module);
  const made: unknown = await make({
    resolveVariable: async (name: string) =>
      ({ eventBus: 'default', eventSources: '', ...params })[name.slice('param:'.length)],
  });
  return v.parse(templateSchema, made).template.Resources;
}

it('by default there is nothing of either', async () => {
  expect(await resourcesFor({})).toEqual({});
});

it('a bus for results must exist: a rule on it is made that does nothing', async () => {
  expect(await resourcesFor({ eventBus: 'results' })).toMatchObject({
    ResultsBusExists: { Type: 'AWS::Events::Rule', Properties: { EventBusName: 'results', State: 'DISABLED' } },
  });
});

it('one account that YAML takes for a number may send requests', async () => {
  const { TakeRequestsOfAccounts, ...others } = await resourcesFor({ eventSources: 222222222222 });
  expect(others).toEqual({});
  expect(TakeRequestsOfAccounts?.Properties).toMatchObject({
    Statement: { Principal: { AWS: [{ 'Fn::Sub': expect.stringContaining(':iam::222222222222:root') }] } },
  });
});
