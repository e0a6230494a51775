import type { GetTemplateSummaryOutput } from '@aws-sdk/client-cloudformation';
import type { AccountRegion } from '../../lib/aws/arns.ts';
import { InvalidRequest, TemplateMismatch } from '../../lib/errors.ts';
import type { Request } from '../../lib/requests/onboarding.ts';
import { templateContent } from '../../lib/stacks/template-content.ts';
import type { ParameterMap } from './environment.ts';
import { templateConstraints, verdictOf } from './template-constraints.ts';
import { ruleVerdicts } from './template-rules.ts';

/**
 * The template parameters that say what the request says, without the custom token and the permissions boundary.
 * @throws InvalidRequest when the request sets a parameter that the onboarding sets itself
 */
export function templateParameters(map: ParameterMap, request: Request): Record<string, string> {
  const { subscriber, encryption } = request;
  const { artifacts, tracking } = encryption;
  const own = {
    ...filled(map.subscriber, { userName: subscriber.userName, emailId: subscriber.emailId }),
    ...filled(map.artifacts[artifacts.type], 'keyArn' in artifacts ? { keyArn: artifacts.keyArn } : {}),
    ...filled(map.tracking[tracking.type], 'keyArn' in tracking ? { keyArn: tracking.keyArn } : {}),
  };
  for (const name of Object.keys(request.stack.parameters)) {
    if (name === map.customToken || Object.hasOwn(own, name) || Object.hasOwn(map.boundary ?? {}, name)) {
      throw new InvalidRequest(`stack.parameters.${name}`, 'is set by the onboarding itself');
    }
  }
  return { ...own, ...request.stack.parameters };
}

/** The template parameters that give the template's role its permissions boundary. */
export const boundaryParameters = (map: ParameterMap, boundaryArn: string): Record<string, string> =>
  filled(map.boundary ?? {}, { boundaryArn });

function filled(parameters: Record<string, string>, values: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, template]) => [
      name,
      template.replace(/\{(\w+)\}/g, (placeholder, key: string) => values[key] ?? placeholder),
    ]),
  );
}

interface Fit {
  parameters: Record<string, string>;
  tokenParameter: string;
  /** Names that come from the request, and not from the deployment's map. */
  requested: readonly string[];
  /** The template itself, of which CloudFormation's summary leaves constraints and rules out. */
  text: string;
  /** Where the stack is to be. */
  home: AccountRegion;
}

/**
 * Checks parameters against what CloudFormation says that the template takes, and against the constraints and rules that the template has
 * itself.
 * @returns what of it only CloudFormation can decide, when the stack is created
 * @throws TemplateMismatch when the deployment's map does not fit the template
 * @throws InvalidRequest when the request's own parameters do not
 */
export function checkParameters(summary: GetTemplateSummaryOutput, fit: Fit): string[] {
  const { parameters, tokenParameter, requested, text } = fit;
  const declared = new Map(summary.Parameters?.map((parameter) => [parameter.ParameterKey ?? '', parameter]));
  const mismatch = (name: string, rule: string) =>
    requested.includes(name)
      ? new InvalidRequest(`stack.parameters.${name}`, rule)
      : new TemplateMismatch(`Template parameter ${name}: ${rule}`);
  const content = templateContent(text);
  const constraints = templateConstraints(content);
  const undecided: string[] = [];
  for (const [name, value] of Object.entries(parameters)) {
    const parameter = declared.get(name);
    if (parameter === undefined) throw mismatch(name, 'the template of this build has no such parameter');
    const verdict = verdictOf(value, {
      type: parameter.ParameterType ?? 'String',
      allowedValues: parameter.ParameterConstraints?.AllowedValues ?? [],
      constraints: constraints.get(name) ?? {},
    });
    if (verdict !== undefined && 'broken' in verdict) throw mismatch(name, verdict.broken);
    if (verdict !== undefined) undecided.push(`parameter ${name} (${verdict.undecided})`);
  }
  if (!declared.has(tokenParameter)) throw mismatch(tokenParameter, 'the template of this build has no such parameter');
  for (const [name, { DefaultValue }] of declared) {
    const isGiven = name === tokenParameter || Object.hasOwn(parameters, name);
    if (!isGiven && DefaultValue === undefined) {
      throw new TemplateMismatch(
        `Template parameter ${name}: has no default, and neither the map nor the request sets it`,
      );
    }
  }
  const rules = ruleVerdicts(content, knownValues(summary, fit));
  for (const { rule, description, parameters: about } of rules.broken) {
    const problem = `rule ${rule} of the template does not hold: ${description}`;
    const own = about.find((name) => requested.includes(name));
    throw own === undefined ? new TemplateMismatch(`Of the template's parameters, ${problem}`) : mismatch(own, problem);
  }
  return [...undecided, ...rules.undecided.map((rule) => `rule ${rule}`)];
}

/** What the template's rules can refer to, without the custom token and without values of which the type is not certain. */
function knownValues(
  summary: GetTemplateSummaryOutput,
  { parameters, tokenParameter, home }: Fit,
): Map<string, string | string[]> {
  const values = new Map<string, string | string[]>([
    ['AWS::Region', home.region],
    ['AWS::AccountId', home.accountId],
  ]);
  for (const { ParameterKey: name = '', ParameterType: type = 'String', DefaultValue } of summary.Parameters ?? []) {
    const value = parameters[name] ?? DefaultValue;
    if (value === undefined || name === tokenParameter) continue;
    if (type === 'String' || type === 'Number') values.set(name, value);
    const isList = type === 'CommaDelimitedList' || type === 'List<Number>';
    if (isList && value.trim() !== '') {
      values.set(
        name,
        value.split(',').map((item) => item.trim()),
      );
    }
  }
  return values;
}

/** Whether describe calls mask the parameter that takes the custom token. */
export function isMasked(summary: GetTemplateSummaryOutput, tokenParameter: string): boolean {
  return summary.Parameters?.find(({ ParameterKey }) => ParameterKey === tokenParameter)?.NoEcho === true;
}
