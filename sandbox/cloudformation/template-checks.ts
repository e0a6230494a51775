import { AwsError } from '../service.ts';
import { dependencyOrder } from './dependencies.ts';
import { evaluateConditions, type Scope } from './evaluate.ts';
import { providerOf, type ResourceProviders } from './resource-provider.ts';
import type { Template, TemplateParameter } from './template.ts';

export interface GivenParameter {
  ParameterKey: string;
  ParameterValue: string;
}

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html */
const maxValueBytes = 4096;

/**
 * The value of every parameter of the template.
 * @throws AwsError ValidationError for a parameter that is unknown, given twice, missing or not allowed
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

function refuse(names: readonly string[], complaint: string) {
  if (names.length > 0) throw validationError(`Parameters: [${names.join(', ')}] ${complaint}`);
}

/** No message repeats the value: it may be a secret. */
function checkValue(name: string, value: string, parameter: TemplateParameter) {
  const { Type, AllowedValues, AllowedPattern, ConstraintDescription } = parameter;
  if (Buffer.byteLength(value) > maxValueBytes) {
    throw validationError(`Parameter '${name}' must contain at most ${maxValueBytes} bytes`);
  }
  const broken = (rule: string) =>
    ConstraintDescription === undefined
      ? validationError(`Parameter '${name}' ${rule}`)
      : validationError(`Parameter ${name} failed to satisfy constraint: ${ConstraintDescription}`);
  if (Type === 'Number' && (value.trim() === '' || Number.isNaN(Number(value)))) throw broken('must be a number.');
  if (AllowedValues !== undefined && !AllowedValues.includes(value)) throw broken('must be one of AllowedValues');
  if (AllowedPattern !== undefined && !new RegExp(`^(?:${AllowedPattern})$`).test(value)) {
    throw broken(`must match pattern ${AllowedPattern}`);
  }
}

/**
 * The conditions for these parameters, once everything that the template refers to is known to be there.
 * @throws AwsError ValidationError naming unknown resource types, dangling references and cycles
 */
export function checkTemplate(
  template: Template,
  scope: Pick<Scope, 'parameters' | 'pseudoParameters'>,
  providers: ResourceProviders,
): Record<string, boolean> {
  const unknown = resourceTypes(template).filter((type) => providerOf(providers, type) === undefined);
  if (unknown.length > 0) {
    throw validationError(`Template format error: Unrecognized resource types: [${unknown.join(', ')}]`);
  }
  try {
    const conditions = evaluateConditions(template, scope);
    dependencyOrder(template, conditions);
    return conditions;
  } catch (error) {
    throw validationError(error instanceof Error ? error.message : String(error));
  }
}

const resourceTypes = ({ Resources }: Template) => [...new Set(Object.values(Resources).map(({ Type }) => Type))];

/**
 * What the caller must acknowledge; undefined when nothing. The sandbox has one IAM resource type, and a custom name needs
 * CAPABILITY_NAMED_IAM, whatever the conditions say.
 */
function requiredCapability({ Resources }: Template): 'CAPABILITY_IAM' | 'CAPABILITY_NAMED_IAM' | undefined {
  const roles = Object.values(Resources).filter(({ Type }) => Type === 'AWS::IAM::Role');
  if (roles.length === 0) return undefined;
  return roles.some(({ Properties }) => 'RoleName' in Properties) ? 'CAPABILITY_NAMED_IAM' : 'CAPABILITY_IAM';
}

/** @throws AwsError InsufficientCapabilitiesException */
export function checkCapabilities(template: Template, given: readonly string[]): void {
  const required = requiredCapability(template);
  // The stronger one includes the other.
  if (required === undefined || given.includes(required) || given.includes('CAPABILITY_NAMED_IAM')) return;
  throw new AwsError('InsufficientCapabilitiesException', `Requires capabilities : [${required}]`);
}

/** A template's GetTemplateSummary. */
export function templateSummary(template: Template): object {
  const capability = requiredCapability(template);
  return {
    Parameters: Object.entries(template.Parameters).map(([ParameterKey, parameter]) => ({
      ParameterKey,
      DefaultValue: parameter.Default,
      ParameterType: parameter.Type,
      NoEcho: parameter.NoEcho ?? false,
      Description: parameter.Description,
      ParameterConstraints: parameter.AllowedValues === undefined ? {} : { AllowedValues: parameter.AllowedValues },
    })),
    Description: template.Description,
    ...(capability !== undefined && {
      Capabilities: [capability],
      CapabilitiesReason: 'The following resource(s) require capabilities: [AWS::IAM::Role]',
    }),
    ResourceTypes: resourceTypes(template),
    Version: template.AWSTemplateFormatVersion,
    DeclaredTransforms: [],
  };
}

export const validationError = (message: string) => new AwsError('ValidationError', message);
