import { BlockList, isIPv6 } from 'node:net';
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
export function holds(condition: Condition, context: LowerCaseContext): boolean {
  const { operator, negated, ifExists, quantifier, key, values } = condition;
  const actual = context.get(key);
  if (operator === 'Null') return values.some((value) => (value.toLowerCase() === 'true') === (actual === undefined));
  if (actual === undefined) return ifExists || quantifier === 'ForAllValues' || (negated && quantifier === undefined);

  const compare = comparisons[operator];
  const matches = (one: string) => values.some((expected) => compare(one, expected)) !== negated;
  if (quantifier === 'ForAllValues') return actual.every(matches);
  if (quantifier === 'ForAnyValue') return actual.some(matches);
  const [only, ...others] = actual;
  if (only === undefined || others.length > 0) {
    throw new Error(`Policy element Condition: ${key} needs a set qualifier, since it can have several values`);
  }
  return matches(only);
}

type Comparison = (actual: string, expected: string) => boolean;

const equal: Comparison = (actual, expected) => actual === expected;
const equalIgnoringCase: Comparison = (actual, expected) => actual.toLowerCase() === expected.toLowerCase();

const comparisons: Readonly<Record<Exclude<ConditionOperator, 'Null'>, Comparison>> = {
  StringEquals: equal,
  StringEqualsIgnoreCase: equalIgnoringCase,
  StringLike: (actual, expected) => matchesPattern(expected, actual),
  NumericEquals: onNumbers(Number, (actual, expected) => actual === expected),
  NumericLessThan: onNumbers(Number, (actual, expected) => actual < expected),
  NumericLessThanEquals: onNumbers(Number, (actual, expected) => actual <= expected),
  NumericGreaterThan: onNumbers(Number, (actual, expected) => actual > expected),
  NumericGreaterThanEquals: onNumbers(Number, (actual, expected) => actual >= expected),
  DateEquals: onNumbers(toTime, (actual, expected) => actual === expected),
  DateLessThan: onNumbers(toTime, (actual, expected) => actual < expected),
  DateLessThanEquals: onNumbers(toTime, (actual, expected) => actual <= expected),
  DateGreaterThan: onNumbers(toTime, (actual, expected) => actual > expected),
  DateGreaterThanEquals: onNumbers(toTime, (actual, expected) => actual >= expected),
  Bool: equalIgnoringCase,
  BinaryEquals: equal,
  IpAddress: isInRange,
  ArnEquals: (actual, expected) => arnMatches(expected, actual),
  ArnLike: (actual, expected) => arnMatches(expected, actual),
};

function onNumbers(
  toNumber: (text: string) => number,
  compare: (actual: number, expected: number) => boolean,
): Comparison {
  return (actual, expected) => compare(toNumber(actual), toNumber(expected));
}

/** Milliseconds since the epoch of a date in ISO 8601, or of seconds since the epoch. */
function toTime(text: string): number {
  // Four digits are a year.
  return /^\d{5,}$/.test(text) ? Number(text) * 1000 : Date.parse(text);
}

function isInRange(address: string, range: string): boolean {
  const family = (text: string) => (isIPv6(text) ? 'ipv6' : 'ipv4');
  // Stryker disable next-line StringLiteral: for the compiler alone, because a text has a first part
  const [network = '', prefix] = range.split('/');
  const list = new BlockList();
  if (prefix === undefined) list.addAddress(network, family(network));
  else list.addSubnet(network, Number(prefix), family(network));
  return list.check(address, family(address));
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
