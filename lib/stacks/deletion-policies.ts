import * as v from 'valibot';
import { templateContent } from './template-content.ts';

const templateSchema = v.object({ Resources: v.record(v.string(), v.unknown()) });
const resourceSchema = v.object({ DeletionPolicy: v.string() });

/**
 * The deletion policies that a template, in YAML or JSON, states literally, by logical id. A resource whose policy is missing,
 * computed or unreadable is left out, and then counts as not retained.
 */
export function deletionPolicies(template: string): Map<string, string> {
  const { success, output } = v.safeParse(templateSchema, templateContent(template));
  if (!success) return new Map();
  const policies = Object.entries(output.Resources).flatMap(([logicalId, resource]) => {
    const parsed = v.safeParse(resourceSchema, resource);
    return parsed.success ? [[logicalId, parsed.output.DeletionPolicy] as const] : [];
  });
  return new Map(policies);
}
