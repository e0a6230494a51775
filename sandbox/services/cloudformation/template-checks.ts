import { AwsError } from '../../core/operation.ts';
import { providerOf, type ResourceProviders } from '../../core/resource-provider.ts';
import { type Dependencies, dependencies, dependencyOrder } from './dependencies.ts';
import { evaluateConditions, type Scope } from './evaluate.ts';
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
 * The conditions for these parameters, and what each resource needs first, once everything that the template refers to is
 * known to exist.
 * @throws AwsError ValidationError naming unknown resource types, dangling references and cycles
 */
export function checkTemplate(
  template: Template,
  scope: Pick<Scope, 'parameters' | 'pseudoParameters'>,
  providers: ResourceProviders,
): { conditions: Record<string, boolean>; needs: Dependencies } {
  const unknown = resourceTypes(template).filter((type) => providerOf(providers, type) === undefined);
  if (unknown.length > 0) {
    throw validationError(`Template format error: Unrecognized resource types: [${unknown.join(', ')}]`);
  }
  try {
    const conditions = evaluateConditions(template, scope);
    const needs = dependencies(template, conditions);
    dependencyOrder(needs);
    return { conditions, needs };
  } catch (error) {
    throw validationError(error instanceof Error ? error.message : String(error));
  }
}

const resourceTypes = ({ Resources }: Template) => [...new Set(Object.values(Resources).map(({ Type }) => Type))];

type Capability = 'CAPABILITY_IAM' | 'CAPABILITY_NAMED_IAM' | 'CAPABILITY_AUTO_EXPAND';

/** What the caller must acknowledge: a custom name of a role needs CAPABILITY_NAMED_IAM, whatever the conditions say. */
function requiredCapabilities({ Resources, Transform }: Template): Capability[] {
  const ofIam = Object.values(Resources).filter(({ Type }) => Type.startsWith('AWS::IAM::'));
  const isNamed = ofIam.some(({ Properties }) => 'RoleName' in Properties || 'ManagedPolicyName' in Properties);
  return [
    ...(ofIam.length === 0 ? [] : [isNamed ? ('CAPABILITY_NAMED_IAM' as const) : ('CAPABILITY_IAM' as const)]),
    ...(Transform.length === 0 ? [] : ['CAPABILITY_AUTO_EXPAND' as const]),
  ];
}

/**
 * @throws AwsError InsufficientCapabilitiesException
 * @throws AwsError ValidationError for a template with a macro, of which the sandbox has none
 */
export function checkCapabilities(template: Template, given: readonly string[]): void {
  const [macro] = template.Transform;
  // The stronger one includes the other.
  const isGiven = (capability: Capability) =>
    given.includes(capability) || (capability === 'CAPABILITY_IAM' && given.includes('CAPABILITY_NAMED_IAM'));
  const missing = requiredCapabilities(template).filter((capability) => !isGiven(capability));
  if (missing.length > 0) {
    throw new AwsError('InsufficientCapabilitiesException', `Requires capabilities : [${missing.join(', ')}]`);
  }
  if (macro !== undefined) throw validationError(`No transform named ${macro} found.`);
}

/** A template's GetTemplateSummary. */
export function templateSummary(template: Template): object {
  const capabilities = requiredCapabilities(template);
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
    ...(capabilities.length > 0 && {
      Capabilities: capabilities,
      CapabilitiesReason: 'The following resource(s) require capabilities: [AWS::IAM::Role]',
    }),
    ResourceTypes: resourceTypes(template),
    Version: template.AWSTemplateFormatVersion,
    DeclaredTransforms: template.Transform,
  };
}

export const validationError = (message: string) => new AwsError('ValidationError', message);
