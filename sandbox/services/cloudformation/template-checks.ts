import { AwsError } from '../../core/operation.ts';
import { providerOf, type ResourceProviders } from '../../core/resource-provider.ts';
import { type Dependencies, dependencies, dependencyOrder } from './dependencies.ts';
import { evaluateConditions, type Scope } from './evaluate.ts';
import type { Template } from './template.ts';

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
  requireTypes(template, providers);
  try {
    const conditions = evaluateConditions(template, scope);
    const needs = dependencies(template, conditions);
    dependencyOrder(needs);
    return { conditions, needs };
  } catch (error) {
    throw validationError(error instanceof Error ? error.message : String(error));
  }
}

/** @throws AwsError ValidationError */
function requireTypes(template: Template, providers: ResourceProviders): void {
  const unknown = resourceTypes(template).filter((type) => providerOf(providers, type) === undefined);
  if (unknown.length === 0) return;
  throw validationError(`Template format error: Unrecognized resource types: [${unknown.join(', ')}]`);
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

/** @throws AwsError InsufficientCapabilitiesException */
export function checkCapabilities(template: Template, given: readonly string[]): void {
  // The stronger one includes the other.
  const isGiven = (capability: Capability) =>
    given.includes(capability) || (capability === 'CAPABILITY_IAM' && given.includes('CAPABILITY_NAMED_IAM'));
  const missing = requiredCapabilities(template).filter((capability) => !isGiven(capability));
  if (missing.length > 0) {
    throw new AwsError('InsufficientCapabilitiesException', `Requires capabilities : [${missing.join(', ')}]`);
  }
}

/**
 * A template's ValidateTemplate, after what can be said without values for its parameters.
 * @throws AwsError ValidationError naming unknown resource types, dangling references and cycles
 */
export function validatedTemplate(template: Template, providers: ResourceProviders): object {
  requireTypes(template, providers);
  try {
    dependencyOrder(dependencies(template));
  } catch (error) {
    throw validationError(error instanceof Error ? error.message : String(error));
  }
  return {
    Parameters: Object.entries(template.Parameters).map(([ParameterKey, parameter]) => ({
      ParameterKey,
      DefaultValue: parameter.Default,
      NoEcho: parameter.NoEcho ?? false,
      Description: parameter.Description,
    })),
    Description: template.Description,
    ...capabilitiesOf(template),
    ...(template.Transform.length > 0 && { DeclaredTransforms: template.Transform }),
  };
}

function capabilitiesOf(template: Template): object {
  const Capabilities = requiredCapabilities(template);
  const CapabilitiesReason = 'The following resource(s) require capabilities: [AWS::IAM::Role]';
  return Capabilities.length === 0 ? {} : { Capabilities, CapabilitiesReason };
}

/** A template's GetTemplateSummary. */
export function templateSummary(template: Template): object {
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
    ...capabilitiesOf(template),
    ResourceTypes: resourceTypes(template),
    Version: template.AWSTemplateFormatVersion,
    DeclaredTransforms: template.Transform,
  };
}

export const validationError = (message: string) => new AwsError('ValidationError', message);
