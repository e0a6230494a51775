// js-yaml, where the rest of the project has `yaml`: 46 KB of a bundle rather than 115.
import { CORE_SCHEMA, defineMappingTag, defineScalarTag, defineSequenceTag, load } from 'js-yaml';
import * as v from 'valibot';

/** What CloudFormation's short forms, such as `!Ref`, compute. */
const computed = Symbol('computed');
const shortForm = { matchByTagPrefix: true, identify: () => false };
const schema = CORE_SCHEMA.withTags(
  defineScalarTag('!', { ...shortForm, resolve: () => computed }),
  defineSequenceTag('!', { ...shortForm, create: () => [], addItem: () => {}, finalize: () => computed }),
  defineMappingTag('!', {
    ...shortForm,
    create: () => ({}),
    addPair: () => '',
    has: () => false,
    keys: () => [],
    get: () => undefined,
    finalize: () => computed,
  }),
);

const templateSchema = v.object({ Resources: v.record(v.string(), v.unknown()) });
const resourceSchema = v.object({ DeletionPolicy: v.string() });

/**
 * The deletion policies that a template, in YAML or JSON, states literally, by logical id. A resource whose policy is missing,
 * computed or unreadable is left out, and then counts as not retained.
 */
export function deletionPolicies(template: string): Map<string, string> {
  const { success, output } = v.safeParse(templateSchema, read(template));
  if (!success) return new Map();
  const policies = Object.entries(output.Resources).flatMap(([logicalId, resource]) => {
    const parsed = v.safeParse(resourceSchema, resource);
    return parsed.success ? [[logicalId, parsed.output.DeletionPolicy] as const] : [];
  });
  return new Map(policies);
}

function read(template: string): unknown {
  try {
    return load(template, { schema });
  } catch {
    return undefined;
  }
}
