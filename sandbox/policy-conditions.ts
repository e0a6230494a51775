import type { Condition, ConditionOperator } from './policy-document.ts';

/** Condition keys and their values at the time of a call. */
export type Context = Readonly<Record<string, string | readonly string[]>>;

/** The context with its keys in lower case: condition keys ignore case. */
export type LowerCaseContext = ReadonlyMap<string, readonly string[]>;

export function lowerCaseContext(context: Context): LowerCaseContext {
  return new Map(
    Object.entries(context).map(([key, value]) => [key.toLowerCase(), typeof value === 'string' ? [value] : value]),
  );
}

/**
 * Whether a condition holds.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html and, for keys with
 * several values, …/reference_policies_condition-single-vs-multi-valued-context-keys.html
 * @throws Error when a key with several values is asked about without a set qualifier
 */
export function holds({ operator, ifExists, quantifier, key, values }: Condition, context: LowerCaseContext): boolean {
  const actual = context.get(key);
  if (operator === 'Null') return values.some((value) => (value.toLowerCase() === 'true') === (actual === undefined));
  if (actual === undefined) return ifExists || isNegated(operator) || quantifier === 'ForAllValues';

  const matches = (one: string) => {
    const isAny = values.some((expected) => compare(operator, one, expected));
    return isNegated(operator) ? !isAny : isAny;
  };
  if (quantifier === 'ForAllValues') return actual.every(matches);
  if (quantifier === 'ForAnyValue') return actual.some(matches);
  const [only, ...others] = actual;
  if (only === undefined || others.length > 0) {
    throw new Error(`Policy element Condition: ${key} needs a set qualifier, since it can have several values`);
  }
  return matches(only);
}

const isNegated = (operator: ConditionOperator) => operator === 'StringNotEquals';

function compare(operator: Exclude<ConditionOperator, 'Null'>, actual: string, expected: string): boolean {
  switch (operator) {
    case 'StringEquals':
    case 'StringNotEquals':
      return actual === expected;
    case 'StringEqualsIgnoreCase':
    case 'Bool':
      return actual.toLowerCase() === expected.toLowerCase();
    case 'StringLike':
      return matchesPattern(expected, actual);
    case 'ArnEquals':
    case 'ArnLike':
      return arnMatches(expected, actual);
  }
}

/** ArnEquals and ArnLike are the same: wildcards, in each of the six components by itself. */
function arnMatches(pattern: string, arn: string): boolean {
  const expected = arnComponents(pattern);
  const actual = arnComponents(arn);
  return (
    actual.length === 6 &&
    expected.length === 6 &&
    // Stryker disable next-line StringLiteral: for the compiler alone, as both have six components.
    expected.every((component, index) => matchesPattern(component, actual[index] ?? ''))
  );
}

function arnComponents(arn: string): string[] {
  const parts = arn.split(':');
  return parts.length > 5 ? [...parts.slice(0, 5), parts.slice(5).join(':')] : parts;
}

/** Whether the whole text matches a pattern of `*` (any text) and `?` (any character). */
export function matchesPattern(pattern: string, text: string): boolean {
  return (
    pattern === text ||
    // Stryker disable next-line ConditionalExpression, StringLiteral: its expression says the same, but slower.
    pattern === '*' ||
    // Most patterns are plain names, and to compile an expression for each costs more than all else about a policy.
    (/[*?]/.test(pattern) && toExpression(pattern).test(text))
  );
}

function toExpression(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's');
}
