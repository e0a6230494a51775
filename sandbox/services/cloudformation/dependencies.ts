import { attributeName, conditionValue, functionCall, isRecord, subReferences } from './evaluate.ts';
import type { Template } from './template.ts';

type Conditions = Readonly<Record<string, boolean>>;
/** The logical ids that each resource needs first, by its own. */
export type Dependencies = ReadonlyMap<string, readonly string[]>;

/**
 * The logical ids that each resource needs first, by its references and `DependsOn`, in the template's order. With
 * conditions, what they leave out is no resource, and only the chosen branch of an `Fn::If` counts.
 * @throws Error in CloudFormation's words, naming references to nothing in resources and outputs
 */
export function dependencies(template: Template, conditions?: Conditions): Dependencies {
  const isThere = ({ Condition }: { Condition?: string | undefined }) =>
    conditions === undefined || conditionValue(Condition, conditions);
  const resources = Object.entries(template.Resources).filter(([, resource]) => isThere(resource));
  const logicalIds = new Set(resources.map(([logicalId]) => logicalId));

  function resolve(value: unknown, section: 'Resources' | 'Outputs'): string[] {
    const names = references(value, conditions)
      .map(({ name }) => name)
      .filter((name) => !isParameter(name, template));
    const unresolved = names.filter((name) => !logicalIds.has(name));
    if (unresolved.length > 0) throw unresolvedDependencies(unresolved, section);
    return names;
  }

  const found = resources.map(([logicalId, { Properties, DependsOn }]) => {
    const unknown = DependsOn.filter((name) => !Object.hasOwn(template.Resources, name));
    if (unknown.length > 0) throw unresolvedDependencies(unknown, 'Resources');
    // To depend on a resource that a condition leaves out is no error.
    const explicit = DependsOn.filter((name) => logicalIds.has(name));
    return [logicalId, [...explicit, ...resolve(Properties, 'Resources')]] as const;
  });
  for (const output of Object.values(template.Outputs)) if (isThere(output)) resolve(output.Value, 'Outputs');
  return new Map(found);
}

/**
 * The logical ids in an order in which every resource comes after those that it needs, else in the template's order.
 * @throws Error in CloudFormation's words, naming a cycle
 */
export function dependencyOrder(needs: Dependencies): string[] {
  const order = new Set<string>();

  function visit(logicalId: string, path: readonly string[]) {
    if (order.has(logicalId)) return;
    if (path.includes(logicalId)) {
      const cycle = path.slice(path.indexOf(logicalId));
      throw new Error(`Circular dependency between resources: [${cycle.join(', ')}]`);
    }
    for (const needed of needs.get(logicalId) ?? []) visit(needed, [...path, logicalId]);
    order.add(logicalId);
  }

  for (const logicalId of needs.keys()) visit(logicalId, []);
  return [...order];
}

/** What a value refers to: a parameter or a resource by its name, or an attribute of a resource. */
export interface Reference {
  name: string;
  attribute?: string;
}

/** With conditions, only the chosen branch of an `Fn::If` counts. */
export function references(value: unknown, conditions: Conditions | undefined): Reference[] {
  const within = (part: unknown) => references(part, conditions);
  if (Array.isArray(value)) return value.flatMap(within);
  if (!isRecord(value)) return [];
  const call = functionCall(value);
  switch (call?.name) {
    case 'Ref':
      return typeof call.argument === 'string' ? [{ name: call.argument }] : [];
    case 'Fn::GetAtt': {
      const { logicalId: name, attribute } = attributeName(call.argument);
      return [{ name, attribute }];
    }
    case 'Fn::Sub': {
      const named = subReferences(call.argument).map((reference): Reference => {
        const [name = reference, ...attribute] = reference.split('.');
        return attribute.length === 0 ? { name } : { name, attribute: attribute.join('.') };
      });
      // The variables of the second form may hold functions themselves.
      return [...named, ...(Array.isArray(call.argument) ? within(call.argument[1]) : [])];
    }
    case 'Fn::If': {
      if (!Array.isArray(call.argument)) return [];
      const [condition, whenTrue, whenFalse] = call.argument;
      if (conditions === undefined) return within([whenTrue, whenFalse]);
      return within(conditionValue(String(condition), conditions) ? whenTrue : whenFalse);
    }
    default:
      return Object.values(value).flatMap(within);
  }
}

const pseudo = ['AccountId', 'NoValue', 'Partition', 'Region', 'StackId', 'StackName', 'URLSuffix'];

const isParameter = (name: string, { Parameters }: Template) =>
  Object.hasOwn(Parameters, name) || pseudo.some((suffix) => name === `AWS::${suffix}`);

const unresolvedDependencies = (names: readonly string[], section: string) =>
  new Error(
    `Template format error: Unresolved resource dependencies [${[...new Set(names)].join(', ')}] in the ${section} block of the template`,
  );
