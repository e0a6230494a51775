import { evaluate, isRecord, type Scope } from './evaluate.ts';
import type { Template } from './template.ts';
import { validationError } from './template-checks.ts';

/** What the stacks of an account in a Region export, by name. */
export type Exports = Map<string, { stackId: string; stackName: string; value: string }>;

/**
 * The names that a template's outputs export, by the output's.
 * @throws AwsError ValidationError for a name that depends on a resource, and for one that two outputs have: the words for both are the sandbox's
 */
export function exportNames(
  { Outputs }: Pick<Template, 'Outputs'>,
  scope: Pick<Scope, 'parameters' | 'pseudoParameters' | 'conditions'>,
): Map<string, string> {
  const names = new Map<string, string>();
  for (const [output, { Export, Condition }] of Object.entries(Outputs)) {
    if (Export === undefined || (Condition !== undefined && scope.conditions[Condition] !== true)) continue;
    const name = nameOf(Export.Name, scope);
    const twin = [...names].find(([, other]) => other === name)?.[0];
    if (twin !== undefined) throw validationError(`Output ${output} exports ${name}, as output ${twin} does`);
    names.set(output, name);
  }
  return names;
}

/** The names of exports that a part of a template imports. */
export function importedNames(
  part: unknown,
  scope: Pick<Scope, 'parameters' | 'pseudoParameters' | 'conditions'>,
): string[] {
  if (Array.isArray(part)) return part.flatMap((item) => importedNames(item, scope));
  if (!isRecord(part)) return [];
  return Object.entries(part).flatMap(([key, value]) =>
    key === 'Fn::ImportValue' ? [nameOf(value, scope)] : importedNames(value, scope),
  );
}

function nameOf(value: unknown, scope: Pick<Scope, 'parameters' | 'pseudoParameters' | 'conditions'>): string {
  try {
    const name = evaluate(value, { ...scope, resources: new Map() });
    if (typeof name === 'string' && name !== '') return name;
  } catch {
    // What it depends on is named below.
  }
  throw validationError(
    `The name of an export must not depend on a resource or an imported value: ${JSON.stringify(value)}`,
  );
}
