import * as v from 'valibot';

const ruleSchema = v.object({
  RuleCondition: v.optional(v.unknown()),
  Assertions: v.array(v.object({ Assert: v.unknown(), AssertDescription: v.optional(v.string()) })),
});
const templateSchema = v.object({ Rules: v.record(v.string(), v.unknown()) });

/** The values of parameters and pseudo parameters that are known before the stack is made. */
type Values = ReadonlyMap<string, string | readonly string[]>;

interface Verdicts {
  /** Each assertion that does not hold, with the parameters that it is about. */
  broken: { rule: string; description: string; parameters: string[] }[];
  /** The rules that only CloudFormation can decide. */
  undecided: string[];
}

/**
 * Evaluates the rules of a template ("Rules", CloudFormation user guide): CloudFormation does so when a stack is made, which is after the
 * subscriber was created. What is not certain here, such as a rule about the custom token, is left to it.
 */
export function ruleVerdicts(content: unknown, values: Values): Verdicts {
  const template = v.safeParse(templateSchema, content);
  const verdicts: Verdicts = { broken: [], undecided: [] };
  for (const [rule, definition] of Object.entries(template.success ? template.output.Rules : {})) {
    const parsed = v.safeParse(ruleSchema, definition);
    const condition = parsed.success && holds(parsed.output.RuleCondition ?? always, values);
    if (parsed.success && condition === false) continue;
    const assertions = parsed.success ? parsed.output.Assertions : [];
    const results = assertions.map(({ Assert }) => holds(Assert, values));
    if (!parsed.success || condition === undefined || results.includes(undefined)) verdicts.undecided.push(rule);
    if (condition !== true) continue;
    for (const [
      index,
      { Assert, AssertDescription: description = 'its assertion does not hold' },
    ] of assertions.entries()) {
      if (results[index] === false) verdicts.broken.push({ rule, description, parameters: references(Assert) });
    }
  }
  return verdicts;
}

const always = { 'Fn::And': [] };

/** Whether an expression holds; undefined when that is not certain. */
function holds(expression: unknown, values: Values): boolean | undefined {
  const call = callOf(expression);
  const within = (part: unknown) => holds(part, values);
  const value = (part: unknown) => knownValue(part, values);
  const [first, second] = call?.items ?? [];
  switch (call?.name) {
    case 'Fn::And':
      return every(call.items.map(within));
    case 'Fn::Or':
      return some(call.items.map(within));
    case 'Fn::Not':
      return not(within(first));
    case 'Fn::Equals':
      return isSame(value(first), value(second));
    case 'Fn::Contains':
      return isOneOf(value(second), value(first));
    case 'Fn::EachMemberEquals':
      return every(listOf(value(first)).map((item) => isSame(item, value(second))));
    case 'Fn::EachMemberIn':
      return every(listOf(value(first)).map((item) => isOneOf(item, value(second))));
    default:
      return undefined;
  }
}

const not = (result: boolean | undefined) => (result === undefined ? undefined : !result);
const some = (results: readonly (boolean | undefined)[]) =>
  results.includes(true) ? true : results.includes(undefined) ? undefined : false;
const every = (results: readonly (boolean | undefined)[]) => not(some(results.map(not)));

/** One text, several, or undefined: not known here. */
type Value = string | readonly (string | undefined)[] | undefined;

function knownValue(part: unknown, values: Values): Value {
  if (typeof part === 'string' || typeof part === 'number' || typeof part === 'boolean') return String(part);
  if (Array.isArray(part)) {
    return part.map((item) => {
      const value = knownValue(item, values);
      return typeof value === 'string' ? value : undefined;
    });
  }
  const call = callOf(part);
  const [name] = call?.items ?? [];
  return call?.name === 'Ref' && typeof name === 'string' ? values.get(name) : undefined;
}

/** Of what is no list nobody knows. */
const listOf = (value: Value): readonly Value[] => (Array.isArray(value) ? value : [undefined]);
const isOneOf = (value: Value, list: Value) => some(listOf(list).map((item) => isSame(item, value)));

function isSame(one: Value, other: Value): boolean | undefined {
  if (typeof one !== 'string' || typeof other !== 'string') return undefined;
  if (one === other) return true;
  // 1.0 and 1, and in YAML yes and true, may be the same to CloudFormation.
  const isDoubtful =
    Number(one) === Number(other) || [one, other].some((text) => /^(?:yes|no|on|off|y|n)$/i.test(text));
  return isDoubtful ? undefined : false;
}

function callOf(value: unknown): { name: string; items: unknown[] } | undefined {
  const [entry, ...others] = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  if (entry === undefined || others.length > 0 || Array.isArray(value)) return undefined;
  return { name: entry[0], items: Array.isArray(entry[1]) ? entry[1] : [entry[1]] };
}

/** The parameters that an expression refers to. */
function references(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) =>
    key === 'Ref' && typeof member === 'string' ? [member] : references(member),
  );
}
