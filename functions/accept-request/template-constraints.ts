import * as v from 'valibot';

const scalar = v.pipe(v.union([v.string(), v.number(), v.boolean()]), v.transform(String));
const bound = v.optional(v.pipe(scalar, v.transform(Number), v.finite()));
const constraintsSchema = v.object({
  AllowedPattern: v.optional(v.string()),
  MinLength: bound,
  MaxLength: bound,
  MinValue: bound,
  MaxValue: bound,
  ConstraintDescription: v.optional(v.string()),
});
/** What a template itself says of a parameter's value; GetTemplateSummary returns none of it (API reference, ParameterConstraints). */
type Constraints = v.InferOutput<typeof constraintsSchema>;

const templateSchema = v.object({ Parameters: v.record(v.string(), v.unknown()) });

/** The constraints of a template's parameters, by their names. What cannot be read is left out. */
export function templateConstraints(content: unknown): Map<string, Constraints> {
  const template = v.safeParse(templateSchema, content);
  const parameters = Object.entries(template.success ? template.output.Parameters : {});
  return new Map(
    parameters.flatMap(([name, parameter]) => {
      const { success, output } = v.safeParse(constraintsSchema, parameter);
      return success ? [[name, output] as const] : [];
    }),
  );
}

/** Which rule a value breaks; undefined when it breaks none; `undecided` names what only CloudFormation can decide. */
export type Verdict = { broken: string } | { undecided: string } | undefined;

interface Parameter {
  type: string;
  allowedValues: readonly string[];
  constraints: Constraints;
}

/** What CloudFormation takes of a parameter's value (CloudFormation user guide, "Quotas"). */
const maxValueBytes = 4096;

/**
 * Compares a value with what the template says of its parameter (CloudFormation user guide, "Parameters").
 * Of a list, each of its values must be allowed (aws-cloudformation/cfn-lint#2521).
 */
export function verdictOf(value: string, { type, allowedValues, constraints }: Parameter): Verdict {
  if (Buffer.byteLength(value) > maxValueBytes) return { broken: `the value has more than ${maxValueBytes} bytes` };
  const values = itemsOf(value, type);
  if (values === undefined) return { undecided: `the type ${type}` };
  const verdicts = values.flatMap((item) => [
    allowedVerdict(item, type, allowedValues),
    numberVerdict(item, type, constraints),
    textVerdict(item, type, constraints),
  ]);
  const broken = verdicts.find((verdict) => verdict !== undefined && 'broken' in verdict);
  if (broken === undefined || constraints.ConstraintDescription === undefined) {
    return broken ?? verdicts.find((verdict) => verdict !== undefined);
  }
  return { broken: `${constraints.ConstraintDescription} (${broken.broken})` };
}

/** The values to compare; undefined where that is not ours to say. */
function itemsOf(value: string, type: string): string[] | undefined {
  // What CloudFormation makes of an empty list is not documented, and what it compares of an SSM parameter, its name or its value, neither.
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

function numberVerdict(value: string, type: string, { MinValue, MaxValue }: Constraints): Verdict {
  if (!isNumber(type)) return undefined;
  // Other ways to write a number, such as 0x10 and 1_000, are CloudFormation's to judge.
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)$/.test(value)) {
    return /^[\s+\-.\w]*\d[\s+\-.\w]*$/.test(value)
      ? { undecided: 'a number in this form' }
      : { broken: 'must be a number' };
  }
  if (MinValue !== undefined && Number(value) < MinValue) return { broken: `must be at least ${MinValue}` };
  if (MaxValue !== undefined && Number(value) > MaxValue) return { broken: `must be at most ${MaxValue}` };
  return undefined;
}

function textVerdict(value: string, type: string, { AllowedPattern, MinLength, MaxLength }: Constraints): Verdict {
  if (type !== 'String' && type !== 'CommaDelimitedList') return undefined;
  if (type === 'String' && MinLength !== undefined && value.length < MinLength) {
    return { broken: `must have at least ${MinLength} characters` };
  }
  if (type === 'String' && MaxLength !== undefined && value.length > MaxLength) {
    return { broken: `must have at most ${MaxLength} characters` };
  }
  if (AllowedPattern === undefined) return undefined;
  const pattern = patternOf(AllowedPattern);
  // Of other characters than ASCII's Java's classes, such as \s, know less.
  if (pattern === undefined || /[^\x20-\x7e]/.test(value)) return { undecided: `the pattern ${AllowedPattern}` };
  return pattern.test(value) ? undefined : { broken: `must match the pattern ${AllowedPattern}` };
}

const isNumber = (type: string) => type === 'Number' || type === 'List<Number>';

/**
 * The regular expression, if it means the same here as in CloudFormation, whose patterns are Java's ("Regular expressions"): with `u` most of
 * what is Java's alone is an error, and the rest, such as brackets within brackets, is left alone.
 */
function patternOf(pattern: string): RegExp | undefined {
  if (/&&|\[[^\]\\]*(?:\\.[^\]\\]*)*\[|\\[bBpPkGZz]|\(\?[^:=!]/.test(pattern)) return undefined;
  try {
    return new RegExp(`^(?:${pattern})$`, 'u');
  } catch {
    return undefined;
  }
}
