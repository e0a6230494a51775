/** Which rule a value breaks; undefined when it breaks none; `undecided` names what only CloudFormation can decide. */
type Verdict = { broken: string } | { undecided: string } | undefined;

/** What CloudFormation takes of a parameter's value (CloudFormation user guide, "Quotas"). */
const maxValueBytes = 4096;

/**
 * Compares a value with what GetTemplateSummary says of its parameter: its type and its allowed values, of which each value of a list must
 * be one (aws-cloudformation/cfn-lint#2521).
 */
export function verdictOf(
  value: string,
  { type, allowedValues }: { type: string; allowedValues: readonly string[] },
): Verdict {
  if (Buffer.byteLength(value) > maxValueBytes) return { broken: `the value has more than ${maxValueBytes} bytes` };
  const values = itemsOf(value, type);
  if (values === undefined) return { undecided: `the type ${type}` };
  const verdicts = values.flatMap((item) => [allowedVerdict(item, type, allowedValues), numberVerdict(item, type)]);
  return (
    verdicts.find((verdict) => verdict !== undefined && 'broken' in verdict) ??
    verdicts.find((verdict) => verdict !== undefined)
  );
}

/** The values to compare; undefined where that is not ours to say. */
function itemsOf(value: string, type: string): string[] | undefined {
  // What CloudFormation makes of an empty list is not documented, nor what it compares of an SSM parameter: its name or its value.
  const isList = type === 'CommaDelimitedList' || type.startsWith('List<');
  if (type.startsWith('AWS::SSM::') || (isList && value.trim() === '')) return undefined;
  return isList ? value.split(',').map((item) => item.trim()) : [value];
}

function allowedVerdict(value: string, type: string, allowed: readonly string[]): Verdict {
  if (allowed.length === 0 || allowed.includes(value)) return undefined;
  // 1.0 and 1 may be the same to it.
  const isLikeOne = isNumber(type) && allowed.some((other) => Number(other) === Number(value));
  return isLikeOne
    ? { undecided: 'AllowedValues of a number' }
    : { broken: `the template allows only ${allowed.join(', ')}` };
}

function numberVerdict(value: string, type: string): Verdict {
  if (!isNumber(type) || /^[+-]?(?:\d+\.?\d*|\.\d+)$/.test(value)) return undefined;
  // Other ways to write a number, such as 0x10 and 1e3, are CloudFormation's to judge.
  return /\d/.test(value) ? { undecided: 'a number in this form' } : { broken: 'must be a number' };
}

const isNumber = (type: string) => type === 'Number' || type === 'List<Number>';

/** What a template may say of values beside that, and GetTemplateSummary does not return (API reference, ParameterConstraints). */
const ofParameters = ['AllowedPattern', 'MinLength', 'MaxLength', 'MinValue', 'MaxValue'];

/**
 * Those of these words that a template has: a parser of YAML would be a tenth of the function's bundle. `Rules` counts only as a section of
 * the template: resources have such a property, too.
 */
export function ownWordsOf(text: string): string[] {
  const found = ofParameters.filter((word) => new RegExp(`\\b${word}["']?\\s*:`).test(text));
  return hasRules(text) ? [...found, 'Rules'] : found;
}

function hasRules(text: string): boolean {
  if (/^["']?Rules["']?\s*:/m.test(text)) return true;
  try {
    return Object.hasOwn(Object(JSON.parse(text)), 'Rules');
  } catch {
    return false;
  }
}
