import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const makeFunctions: unknown = createRequire(import.meta.url)(join(root, 'deployment/functions.cjs'));

const policies = v.array(v.looseObject({ PolicyName: v.string() }));
const role = v.looseObject({ Properties: v.looseObject({ Policies: policies }) });
const made = v.looseObject({
  template: v.looseObject({ Resources: v.looseObject({ DetectKeyPolicyDriftRole: role }) }),
});

/** The names of detect-key-policy-drift's policies when every param has this value. */
async function policiesWith(value: string): Promise<string[]> {
  if (typeof makeFunctions !== 'function') throw new Error('functions.cjs exports no function');
  const { template } = v.parse(made, await makeFunctions({ resolveVariable: async () => value }));
  return template.Resources.DetectKeyPolicyDriftRole.Properties.Policies.map(({ PolicyName }) => PolicyName);
}

describe('an optional policy of a function', () => {
  it("is its role's when its param is 'true', and only then", async () => {
    expect(await policiesWith('true')).toEqual(['detect-key-policy-drift', 'repair-key-policy']);
    expect(await policiesWith('false')).toEqual(['detect-key-policy-drift']);
  });

  it("is refused when its param is neither 'true' nor 'false'", async () => {
    await expect(policiesWith('yes')).rejects.toThrow('repairKeyPolicies');
  });
});
