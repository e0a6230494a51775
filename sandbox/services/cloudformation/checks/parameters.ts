import type { Template, TemplateParameter } from '../template.ts';
import { validationError } from '../template-checks.ts';

export interface GivenParameter {
  ParameterKey: string;
  ParameterValue: string;
}

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html */
const maxValueBytes = 4096;

/**
 * The value of every parameter of the template, as it is given.
 * @throws AwsError ValidationError for a parameter that is unknown, given twice, missing, not allowed or of a type that the sandbox does not have
 */
export function resolveParameters({ Parameters }: Template, given: readonly GivenParameter[]): Record<string, string> {
  const names = given.map(({ ParameterKey }) => ParameterKey);
  refuse(
    names.filter((name) => !Object.hasOwn(Parameters, name)),
    'do not exist in the template',
  );
  refuse(
    names.filter((name, index) => names.indexOf(name) !== index),
    'are given more than once',
  );

  const defaults = Object.entries(Parameters).flatMap(([name, { Default }]) =>
    Default === undefined ? [] : [[name, Default] as const],
  );
  const values = Object.fromEntries([
    ...defaults,
    ...given.map(({ ParameterKey, ParameterValue }) => [ParameterKey, ParameterValue] as const),
  ]);
  refuse(
    Object.keys(Parameters).filter((name) => !Object.hasOwn(values, name)),
    'must have values',
  );
  for (const [name, parameter] of Object.entries(Parameters)) checkValue(name, values[name] ?? '', parameter);
  return values;
}

/** What `Ref` gives of the parameters: of a list its values, each without the spaces around it. */
export function parameterValues(
  { Parameters }: Pick<Template, 'Parameters'>,
  values: Readonly<Record<string, string>>,
): Record<string, string | readonly string[]> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      isList(Parameters[name]?.Type ?? '') ? itemsOf(value) : value,
    ]),
  );
}

const isList = (type: string) => type === 'CommaDelimitedList' || type === 'List<Number>';
const itemsOf = (value: string) => value.split(',').map((item) => item.trim());

function refuse(names: readonly string[], complaint: string) {
  if (names.length > 0) throw validationError(`Parameters: [${names.join(', ')}] ${complaint}`);
}

const knownTypes = ['String', 'Number', 'CommaDelimitedList', 'List<Number>'];

/**
 * By the rules of https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html. The words for lengths
 * and bounds are like the others; they are not recorded. No message repeats the value: it may be a secret.
 */
function checkValue(name: string, value: string, parameter: TemplateParameter) {
  const { Type, AllowedValues, AllowedPattern, ConstraintDescription } = parameter;
  const { MinLength, MaxLength, MinValue, MaxValue } = parameter;
  if (!knownTypes.includes(Type))
    throw validationError(`The sandbox does not have the type of parameter ${name}, ${Type}`);
  if (Buffer.byteLength(value) > maxValueBytes) {
    throw validationError(`Parameter '${name}' must contain at most ${maxValueBytes} bytes`);
  }
  const broken = (rule: string) =>
    ConstraintDescription === undefined
      ? validationError(`Parameter '${name}' ${rule}`)
      : validationError(`Parameter ${name} failed to satisfy constraint: ${ConstraintDescription}`);
  // Each value of a list must be allowed (aws-cloudformation/cfn-lint#2521, aws-cloudformation/cfn-language-discussion#35).
  for (const item of isList(Type) ? itemsOf(value) : [value]) {
    const isNumber = Type === 'Number' || Type === 'List<Number>';
    if (isNumber && (item.trim() === '' || Number.isNaN(Number(item)))) throw broken('must be a number.');
    if (AllowedValues !== undefined && !AllowedValues.includes(item)) throw broken('must be one of AllowedValues');
    if (AllowedPattern !== undefined && !new RegExp(`^(?:${AllowedPattern})$`).test(item)) {
      throw broken(`must match pattern ${AllowedPattern}`);
    }
    if (isNumber && MinValue !== undefined && Number(item) < MinValue) {
      throw broken(`must be a number not less than ${MinValue}`);
    }
    if (isNumber && MaxValue !== undefined && Number(item) > MaxValue) {
      throw broken(`must be a number not greater than ${MaxValue}`);
    }
  }
  if (Type !== 'String') return;
  if (MinLength !== undefined && value.length < MinLength) {
    throw broken(`must contain at least ${MinLength} characters`);
  }
  if (MaxLength !== undefined && value.length > MaxLength) throw broken(`must contain at most ${MaxLength} characters`);
}
