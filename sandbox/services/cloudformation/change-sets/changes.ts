import { isDeepStrictEqual } from 'node:util';
import { updateRuleOf } from '../../../core/update-rules.ts';
import { dependencyOrder, type Reference, references } from '../dependencies.ts';
import { evaluate } from '../evaluate.ts';
import type { Stack, StackPlan, StackResource } from '../stack.ts';
import type { Template } from '../template.ts';
import type { ChangeDetail, Recreation, ResourceChange } from './change-set.ts';

type Definition = Template['Resources'][string];

/**
 * The change set of a nested stack, from its properties as they will be, as far as these are known; undefined where nested stacks are
 * not looked into, and without an id where nothing within it changes.
 */
export type ChangesWithin = (resource: StackResource, properties: unknown) => { id?: string } | undefined;

/**
 * What an update of a stack to a plan will do to its resources, in the order of their logical ids. Like AWS it compares templates with
 * their parameters, and not what is there: what a person has changed by hand is no change. From the recordings of AWS's answers in
 * localstack/localstack (`tests/aws/services/cloudformation/test_change_set*.snapshot.json`): a parameter's new value comes with a
 * direct modification that is `Dynamic`; an attribute of what is modified may change (`Dynamic`), and that or the reference of what is
 * replaced does (`Static`); a reference to what is modified in place is no change.
 */
export function changesOf(stack: Stack, plan: StackPlan, within: ChangesWithin = () => undefined): ResourceChange[] {
  const existing = new Map(stack.resources.map((resource) => [resource.logicalId, resource]));
  const changes = new Map<string, ResourceChange>();
  for (const logicalId of dependencyOrder(plan.needs)) {
    const definition = plan.template.Resources[logicalId];
    if (definition === undefined) continue;
    const resource = existing.get(logicalId);
    const change =
      resource === undefined
        ? added(logicalId, definition)
        : modified({ stack, plan, resource, definition, others: changes }, within);
    if (change !== undefined) changes.set(logicalId, change);
  }
  for (const resource of existing.values()) {
    if (!plan.needs.has(resource.logicalId)) changes.set(resource.logicalId, removed(resource));
  }
  return [...changes.values()].toSorted((a, b) => (a.LogicalResourceId < b.LogicalResourceId ? -1 : 1));
}

const added = (logicalId: string, { Type }: Definition): ResourceChange => ({
  Action: 'Add',
  LogicalResourceId: logicalId,
  ResourceType: Type,
  ...{ Scope: [], Details: [] },
});

const removed = ({ logicalId, type, deletionPolicy, provisioned }: StackResource): ResourceChange => ({
  Action: 'Remove',
  LogicalResourceId: logicalId,
  ...(provisioned !== undefined && { PhysicalResourceId: provisioned.physicalId }),
  ResourceType: type,
  PolicyAction: deletionPolicy === 'Delete' ? 'Delete' : 'Retain',
  ...{ Scope: [], Details: [] },
});

interface Comparison {
  stack: Stack;
  plan: StackPlan;
  resource: StackResource;
  definition: Definition;
  /** The changes of what it needs. */
  others: ReadonlyMap<string, ResourceChange>;
}

function modified(comparison: Comparison, within: ChangesWithin): ResourceChange | undefined {
  const { stack, plan, resource, definition } = comparison;
  const details = [...propertyDetails(comparison), ...attributeDetails(comparison)];
  const isNested = resource.type === 'AWS::CloudFormation::Stack';
  const properties = isNested ? valueNow(definition.Properties, stack, plan) : {};
  const nested = isNested ? within(resource, 'value' in properties ? properties.value : undefined) : undefined;
  if (details.length === 0 && isNested && (nested === undefined || nested.id !== undefined)) {
    // Its template may have changed; without a look that is seen when it is updated (API reference, `ChangeSource`).
    details.push({
      Target: { Attribute: 'Properties', RequiresRecreation: 'Never' },
      Evaluation: 'Dynamic',
      ChangeSource: 'Automatic',
    });
  }
  if (details.length === 0) return undefined;
  const replacement = replacementOf(details);
  return {
    Action: 'Modify',
    LogicalResourceId: resource.logicalId,
    ...(resource.provisioned !== undefined && { PhysicalResourceId: resource.provisioned.physicalId }),
    ResourceType: definition.Type,
    ...(replacement === 'True' && {
      PolicyAction: resource.isRetainedWhenReplaced ? ('ReplaceAndRetain' as const) : ('ReplaceAndDelete' as const),
    }),
    Replacement: replacement,
    Scope: [...new Set(details.map(({ Target }) => Target.Attribute))],
    Details: details,
    ...(nested?.id !== undefined && { ChangeSetId: nested.id }),
  };
}

/** The change with the most impact counts (API reference, `Replacement`). */
function replacementOf(details: readonly ChangeDetail[]): 'True' | 'False' | 'Conditional' {
  const always = details.filter(({ Target }) => Target.RequiresRecreation === 'Always');
  if (always.some(({ Evaluation }) => Evaluation === 'Static')) return 'True';
  const isPossible = always.length > 0 || details.some(({ Target }) => Target.RequiresRecreation === 'Conditionally');
  return isPossible ? 'Conditional' : 'False';
}

function propertyDetails({ stack, plan, resource, definition, others }: Comparison): ChangeDetail[] {
  const written = stack.template.Resources[resource.logicalId]?.Properties ?? {};
  const names = new Set([...Object.keys(written), ...Object.keys(definition.Properties)]);
  const { properties: old = {} } = resource;
  return [...names].toSorted().flatMap((name) => {
    const expression = definition.Properties[name];
    const isWrittenAnew = !isDeepStrictEqual(written[name], expression);
    const wanted = valueNow(expression, stack, plan);
    const isKnown = 'value' in wanted;
    const isOther = isKnown ? !isDeepStrictEqual(wanted.value, old[name]) : isWrittenAnew;
    const referred = unique(references(expression, plan.scope.conditions));
    const sources = [
      ...(isOther ? direct(referred, isWrittenAnew, isKnown, stack, plan) : []),
      ...referred.flatMap((reference) => ofResource(reference, others)),
    ];
    const target: ChangeDetail['Target'] =
      name === 'Tags'
        ? { Attribute: 'Tags', RequiresRecreation: 'Never' }
        : {
            Attribute: 'Properties',
            Name: name,
            RequiresRecreation: recreation(resource.type, name),
          };
    return sources.map((source) => ({ Target: target, ...source }));
  });
}

type Source = Omit<ChangeDetail, 'Target'>;

/** Why a property has another value than before, as far as it is not due to other resources. */
function direct(
  referred: readonly Reference[],
  isWrittenAnew: boolean,
  isKnown: boolean,
  stack: Stack,
  { parameters }: StackPlan,
): Source[] {
  const changed = referred.filter(
    ({ name, attribute }) =>
      attribute === undefined && Object.hasOwn(parameters, name) && parameters[name] !== stack.parameters[name],
  );
  const isDue = changed.length > 0 && !isWrittenAnew;
  return [
    ...changed.map(
      ({ name }): Source => ({ Evaluation: 'Static', ChangeSource: 'ParameterReference', CausingEntity: name }),
    ),
    { Evaluation: isDue || !isKnown ? 'Dynamic' : 'Static', ChangeSource: 'DirectModification' },
  ];
}

/** Whether a value changes, or may, because another resource does. */
function ofResource({ name, attribute }: Reference, others: ReadonlyMap<string, ResourceChange>): Source[] {
  const { Action, Replacement } = others.get(name) ?? {};
  if (Action !== 'Modify') return [];
  const Evaluation = Replacement === 'True' ? 'Static' : 'Dynamic';
  if (attribute !== undefined) {
    return [{ Evaluation, ChangeSource: 'ResourceAttribute', CausingEntity: `${name}.${attribute}` }];
  }
  return Replacement === 'False' ? [] : [{ Evaluation, ChangeSource: 'ResourceReference', CausingEntity: name }];
}

/** What a property would be with the resources as they are; no value when it needs one that is not there yet. */
function valueNow(expression: unknown, stack: Stack, { scope }: StackPlan): { value: unknown } | object {
  try {
    return { value: evaluate(expression, { ...scope, resources: stack.scope.resources }) };
  } catch {
    return {};
  }
}

function recreation(type: string, name: string): Recreation {
  const { createOnly = [], conditional = [] } = updateRuleOf(type) ?? {};
  if (conditional === 'all' || conditional.includes(name)) return 'Conditionally';
  return createOnly.includes(name) ? 'Always' : 'Never';
}

/** What stands beside the properties. The stack's own tags reach every resource that can have tags. */
function attributeDetails({ stack, plan, resource, definition }: Comparison): ChangeDetail[] {
  const before = stack.template.Resources[resource.logicalId];
  const changed: ChangeDetail['Target']['Attribute'][] = [];
  if (updateRuleOf(resource.type)?.isTagged === true && !isDeepStrictEqual(stack.tags, plan.tags)) changed.push('Tags');
  for (const attribute of ['Metadata', 'DeletionPolicy', 'UpdateReplacePolicy'] as const) {
    if (!isDeepStrictEqual(before?.[attribute], definition[attribute])) changed.push(attribute);
  }
  return changed.map((Attribute) => ({
    Target: { Attribute, RequiresRecreation: 'Never' },
    Evaluation: 'Static',
    ChangeSource: 'DirectModification',
  }));
}

/** Each reference once. */
const unique = (found: readonly Reference[]): Reference[] => [
  ...new Map(found.map((reference) => [`${reference.name}.${reference.attribute ?? ''}`, reference])).values(),
];
