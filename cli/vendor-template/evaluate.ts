import { isList, mapOf, type Plain, type PlainMap, type Template, textOf } from './content.ts';

/** What a template's expressions are evaluated with: the values of its parameters, by their names. */
export interface Scope {
  template: Pick<Template, 'conditions' | 'mappings'>;
  values: ReadonlyMap<string, string>;
}

/** What only CloudFormation knows stands between these, which no template has. */
const [open, close] = ['\u{E000}', '\u{E001}'];
const unknown = (what: string) => `${open}${what}${close}`;
const unknownPart = new RegExp(`${open}[^${close}]*${close}`, 'g');

/** A value that a parameter may have and nothing else has: where it turns up, the parameter's value does. */
export const markOf = (parameter: string): string => unknown(`parameter ${parameter}`);

/** Text with `*` in place of what is not known, as in a pattern of names. */
export const patternOf = (text: string): string => text.replace(unknownPart, '*').replace(/\*+/g, '*');

/** How deep conditions may refer to conditions. More is a circle, which CloudFormation refuses. */
const mostSteps = 50;

/** `AWS::NoValue`: the property is not there. */
const noValue = unknown('no value');

/**
 * Evaluates an expression of a template: what depends on parameters as it would be with these values, and for what only the stack
 * knows, such as ARNs of its resources, a mark; null for `AWS::NoValue`.
 * @throws Error when conditions refer to each other in a circle
 */
export function evaluate(expression: Plain, scope: Scope): Plain {
  const value = reduced(expression, scope, 0);
  return isValue(value) ? value : null;
}

function reduced(expression: Plain, scope: Scope, steps: number): Plain {
  if (steps > mostSteps) throw new Error('The conditions of the template refer to each other');
  if (isList(expression)) return expression.map((each) => reduced(each, scope, steps)).filter(isValue);
  const map = mapOf(expression);
  if (map === undefined) return expression;
  const [[name = '', argument = null] = [], ...others] = Object.entries(map);
  if (others.length === 0 && (name === 'Ref' || name === 'Condition' || name.startsWith('Fn::'))) {
    return call(name, argument, scope, steps + 1);
  }
  const entries = Object.entries(map).map(([key, value]) => [key, reduced(value, scope, steps)] as const);
  return Object.fromEntries(entries.filter(([, value]) => isValue(value)));
}

const isValue = (value: Plain) => value !== noValue;

function call(name: string, argument: Plain, scope: Scope, steps: number): Plain {
  const given = (place: number): Plain => (isList(argument) ? (argument[place] ?? null) : null);
  const list = () => (isList(argument) ? argument : []);
  const holds = (condition: Plain) => isTrue(condition, scope, steps);
  switch (name) {
    case 'Ref':
      return refer(textOf(argument) ?? '', scope);
    case 'Fn::If':
      return reduced(given(isTrue(namedCondition(given(0)), scope, steps) ? 1 : 2), scope, steps);
    case 'Condition':
    case 'Fn::Equals':
    case 'Fn::Not':
    case 'Fn::And':
    case 'Fn::Or':
      return String(holds({ [name]: argument }));
    case 'Fn::Sub':
      return substitute(argument, scope, steps);
    case 'Fn::Join': {
      const parts = reduced(given(1), scope, steps);
      return isList(parts)
        ? parts.map((part) => textOf(part) ?? unknown('part')).join(textOf(given(0)) ?? '')
        : unknown(name);
    }
    case 'Fn::FindInMap': {
      const [first, second, third] = list().map((each) => textOf(reduced(each, scope, steps)) ?? '');
      return mapOf(mapOf(scope.template.mappings[first ?? ''])?.[second ?? ''])?.[third ?? ''] ?? unknown(name);
    }
    case 'Fn::Select': {
      const choices = reduced(given(1), scope, steps);
      return (isList(choices) ? choices[Number(textOf(given(0)))] : undefined) ?? unknown(name);
    }
    default:
      return unknown(`${name} ${JSON.stringify(argument)}`);
  }
}

const refer = (name: string, { values }: Scope): string =>
  name === 'AWS::NoValue' ? noValue : (values.get(name) ?? unknown(name));

/** The name of a condition alone, as in `Fn::If`, means the condition. */
const namedCondition = (condition: Plain): Plain => {
  const name = textOf(condition);
  return name === undefined ? condition : { Condition: name };
};

function isTrue(condition: Plain, scope: Scope, steps: number): boolean {
  if (steps > mostSteps) throw new Error('The conditions of the template refer to each other');
  const [[name = '', argument = null] = []] = Object.entries(mapOf(condition) ?? {});
  const list = isList(argument) ? argument : [argument];
  const holds = (each: Plain) => isTrue(each, scope, steps + 1);
  switch (name) {
    case 'Condition':
      return holds(scope.template.conditions[textOf(argument) ?? ''] ?? null);
    case 'Fn::Equals': {
      const [one, other] = list.map((each) => reduced(each, scope, steps));
      return JSON.stringify(one) === JSON.stringify(other);
    }
    case 'Fn::Not':
      return !list.every(holds);
    case 'Fn::And':
      return list.every(holds);
    case 'Fn::Or':
      return list.some(holds);
    default:
      return false;
  }
}

function substitute(argument: Plain, scope: Scope, steps: number): string {
  const [text, own] = isList(argument) ? argument : [argument];
  const values: PlainMap = mapOf(own) ?? {};
  return (textOf(text) ?? '').replace(/\$\{(!?)([^}]*)\}/g, (whole, isLiteral: string, name: string) => {
    if (isLiteral !== '') return whole.replace('!', '');
    const value = Object.hasOwn(values, name) ? reduced(values[name] ?? null, scope, steps) : refer(name.trim(), scope);
    return textOf(value) ?? unknown(name);
  });
}

/**
 * The parameters that an expression depends on, also by way of conditions, each with what it is compared with there.
 * @returns by the parameter's name, the texts
 */
export function parametersIn(expression: Plain, template: Template): Map<string, Set<string>> {
  const names = new Set(template.parameters.map(({ name }) => name));
  const found = new Map<string, Set<string>>();
  const looked = new Set<string>();
  const add = (name: string) => {
    if (names.has(name) && !found.has(name)) found.set(name, new Set());
  };
  const lookInto = (value: Plain): void => {
    if (isList(value)) for (const each of value) lookInto(each);
    const map = mapOf(value);
    if (map === undefined) return;
    for (const [name, argument] of Object.entries(map)) {
      if (name === 'Ref') add(textOf(argument) ?? '');
      if (name === 'Fn::Sub') {
        const [text] = isList(argument) ? argument : [argument];
        for (const [, variable = ''] of (textOf(text ?? null) ?? '').matchAll(/\$\{([^!}][^}]*)\}/g))
          add(variable.trim());
      }
      if (name === 'Condition') lookIntoCondition(textOf(argument));
      if (name === 'Fn::If' && isList(argument)) lookIntoCondition(textOf(argument[0]));
      lookInto(argument);
      if (name === 'Fn::Equals' && isList(argument)) compare(argument);
    }
  };
  const lookIntoCondition = (name: string | undefined): void => {
    if (name === undefined || looked.has(name)) return;
    looked.add(name);
    lookInto(template.conditions[name] ?? null);
  };
  const compare = (sides: readonly Plain[]): void => {
    const literals = sides.flatMap((side) => textOf(side) ?? []);
    for (const side of sides) {
      const compared = found.get(textOf(mapOf(side)?.Ref) ?? '');
      for (const literal of literals) compared?.add(literal);
    }
  };
  lookInto(expression);
  return found;
}
