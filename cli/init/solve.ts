import type { Plain, Template, TemplateParameter, TemplateResource } from '../vendor-template/content.ts';
import { evaluate, markOf, parametersIn } from '../vendor-template/evaluate.ts';
import { byName } from './part.ts';

/** What a resource turns out to be with some values of the parameters. */
export interface Outcome {
  choice: string;
  /** The parameter whose value stands in the resource, such as the ARN of a key. */
  from?: string | undefined;
}

/** The values of the parameters that a choice needs, or several sets of them that do the same. */
export interface Solution {
  choice: string;
  /** Each without what is at its default for every choice; the first is the one that differs least from the defaults. */
  ways: readonly Readonly<Record<string, string>>[];
}

interface Question {
  template: Template;
  resources: readonly TemplateResource[];
  /** What of a resource decides. */
  property: (resource: TemplateResource) => Plain;
  /** @returns undefined for what is none of the choices */
  read: (value: Plain) => Outcome | undefined;
  /** What stands for the value of the parameter `from`. */
  placeholder: string;
}

/** So many combinations of values are tried. Templates in use have some tens. */
const mostCombinations = 4096;

/**
 * Finds out which values of a template's parameters make what of its resources, by trying all values that it knows of: the allowed
 * ones, those that conditions compare with, the defaults, and for free text a value that has no other place.
 * @returns undefined when there is nothing to find out from: no such resource, or too many combinations
 */
export function solve(question: Question): Solution[] | undefined {
  const { template, resources, property, read } = question;
  if (resources.length === 0) return undefined;
  const parameters = byName(template);
  const relevant = [
    ...parametersIn(
      resources.map((resource) => expressionOf(resource, property)),
      template,
    ),
  ].flatMap(([name, compared]) => {
    const parameter = parameters.get(name);
    return parameter === undefined ? [] : [{ parameter, values: valuesOf(parameter, compared) }];
  });
  if (relevant.reduce((count, { values }) => count * values.length, 1) > mostCombinations) return undefined;
  const found = new Map<string, { cost: number; ways: { way: Map<string, string>; from: string | undefined }[] }>();
  for (const way of combinations(relevant)) {
    const outcome = outcomeOf(resources, property, read, { template, way, parameters });
    if (outcome === undefined) continue;
    const { choice, from } = outcome;
    const cost = [...way].filter(([name, value]) => isChanged(parameters.get(name), value)).length;
    const known = found.get(choice);
    if (known !== undefined && known.cost < cost) continue;
    if (known === undefined || known.cost > cost) found.set(choice, { cost, ways: [{ way, from }] });
    else known.ways.push({ way, from });
  }
  const chosen = [...found.values()].flatMap(({ ways }) => ways);
  const varied = new Set(
    chosen.flatMap(({ way }) =>
      [...way].filter(([name, value]) => isChanged(parameters.get(name), value)).map(([name]) => name),
    ),
  );
  return [...found].map(([choice, { ways }]) => ({
    choice,
    ways: ways.map(({ way, from }) => setting(way, varied, parameters, question.placeholder, from)),
  }));
}

const expressionOf = (resource: TemplateResource, property: Question['property']): Plain => [
  resource.condition === null ? null : { Condition: resource.condition },
  property(resource),
];

/** The values that make a difference. */
function valuesOf({ name, type, default: byDefault, allowedValues }: TemplateParameter, compared: Iterable<string>) {
  if (allowedValues !== null) return allowedValues;
  const known = new Set([...(byDefault === null ? [] : [byDefault]), ...compared]);
  // Only text can be the ARN of something.
  return type === 'String' || known.size === 0 ? [...known, markOf(name)] : [...known];
}

function* combinations(
  relevant: readonly { parameter: TemplateParameter; values: readonly string[] }[],
  before: ReadonlyMap<string, string> = new Map(),
): Generator<Map<string, string>> {
  const [first, ...others] = relevant;
  if (first === undefined) {
    yield new Map(before);
    return;
  }
  for (const value of first.values) {
    yield* combinations(others, new Map(before).set(first.parameter.name, value));
  }
}

interface Trial {
  template: Template;
  way: ReadonlyMap<string, string>;
  parameters: ReadonlyMap<string, TemplateParameter>;
}

/** What all resources that there are then have in common. */
function outcomeOf(
  resources: readonly TemplateResource[],
  property: Question['property'],
  read: Question['read'],
  { template, way, parameters }: Trial,
): Outcome | undefined {
  const defaults = [...parameters.values()].map(
    ({ name, default: byDefault }) => [name, way.get(name) ?? byDefault ?? markOf(name)] as const,
  );
  const scope = { template, values: new Map(defaults) };
  const exists = ({ condition }: TemplateResource) =>
    condition === null || evaluate({ Condition: condition }, scope) === 'true';
  const outcomes = resources.filter(exists).map((resource) => read(evaluate(property(resource), scope)));
  const [first] = outcomes;
  const isCommon = outcomes.every((each) => each?.choice === first?.choice && each?.from === first?.from);
  return isCommon ? first : undefined;
}

const isChanged = (parameter: TemplateParameter | undefined, value: string) => value !== parameter?.default;

function setting(
  way: ReadonlyMap<string, string>,
  varied: ReadonlySet<string>,
  parameters: ReadonlyMap<string, TemplateParameter>,
  placeholder: string,
  from: string | undefined,
): Record<string, string> {
  const entries = [...way].flatMap(([name, value]) => {
    if (name === from) return [[name, placeholder] as const];
    const parameter = parameters.get(name);
    // Another required text is asked for on its own; one that stays at its default need not be named, but a choice from a list is.
    if (value === markOf(name) || !varied.has(name)) return [];
    return parameter?.allowedValues === null && !isChanged(parameter, value) ? [] : [[name, value] as const];
  });
  return Object.fromEntries(entries);
}
