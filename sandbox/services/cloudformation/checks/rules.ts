import { evaluate, isRecord } from '../evaluate.ts';
import type { Template } from '../template.ts';
import { validationError } from '../template-checks.ts';

type Parameters = Readonly<Record<string, string | readonly string[]>>;

/**
 * The assertions of a template's rules: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html.
 * CloudFormation's words are not recorded; that they carry the assertion's description is documented.
 * @throws AwsError ValidationError for the first that does not hold, and for a function that the sandbox does not have
 */
export function checkRules({ Rules }: Pick<Template, 'Rules'>, parameters: Parameters): void {
  const holds = (expression: unknown) => ruleHolds(expression, parameters);
  for (const [name, { RuleCondition, Assertions }] of Object.entries(Rules)) {
    if (RuleCondition !== undefined && !holds(RuleCondition)) continue;
    for (const { Assert, AssertDescription } of Assertions) {
      if (holds(Assert)) continue;
      throw validationError(`Template error: rule ${name} failed: ${AssertDescription ?? 'its assertion is false'}`);
    }
  }
}

function ruleHolds(expression: unknown, parameters: Parameters): boolean {
  const [name = '', argument] = isRecord(expression) ? (Object.entries(expression)[0] ?? []) : [];
  const items = Array.isArray(argument) ? argument : [];
  const within = (part: unknown) => ruleHolds(part, parameters);
  const value = (part: unknown) => valueIn(part, parameters);
  const strings = (part: unknown) => [value(part)].flat().map(String);
  switch (name) {
    case 'Fn::And':
      return items.every(within);
    case 'Fn::Or':
      return items.some(within);
    case 'Fn::Not':
      return !within(items[0]);
    case 'Fn::Equals':
      return String(value(items[0])) === String(value(items[1]));
    case 'Fn::Contains':
      return strings(items[0]).includes(String(value(items[1])));
    case 'Fn::EachMemberEquals':
      return strings(items[0]).every((item) => item === String(value(items[1])));
    case 'Fn::EachMemberIn':
      return strings(items[0]).every((item) => strings(items[1]).includes(item));
    default:
      throw validationError(`The sandbox does not have ${name || JSON.stringify(expression)} in a rule`);
  }
}

function valueIn(part: unknown, parameters: Parameters): unknown {
  try {
    return evaluate(part, { parameters, pseudoParameters: {}, conditions: {}, resources: new Map() });
  } catch (error) {
    throw validationError(error instanceof Error ? error.message : String(error));
  }
}
