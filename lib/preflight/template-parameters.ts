import type { GetTemplateSummaryOutput } from '@aws-sdk/client-cloudformation';
import { InvalidRequest, TemplateMismatch } from '../errors.ts';
import type { Request } from '../requests/onboarding.ts';
import type { ParameterMap } from './onboarding-environment.ts';
import { ownWordsOf, verdictOf } from './parameter-value.ts';

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
}

/**
 * Checks parameters against what CloudFormation says that the template takes (GetTemplateSummary knows names, types, defaults and
 * allowed values).
 * @param refuse gets each fault: TemplateMismatch where the deployment's map does not fit the template, InvalidRequest where the
 *   request's own parameters do not
 * @returns what of it only CloudFormation can decide, when the stack is created
 */
export function checkParameters(
  summary: GetTemplateSummaryOutput,
  fit: Fit,
  refuse: (fault: InvalidRequest | TemplateMismatch) => void,
): string[] {
  const { parameters, tokenParameter, requested, text } = fit;
  const declared = new Map(summary.Parameters?.map((parameter) => [parameter.ParameterKey ?? '', parameter]));
  const mismatch = (name: string, rule: string) =>
    requested.includes(name)
      ? new InvalidRequest(`stack.parameters.${name}`, rule)
      : new TemplateMismatch(`Template parameter ${name}: ${rule}`);
  const undecided: string[] = [];
  for (const [name, value] of Object.entries(parameters)) {
    const parameter = declared.get(name);
    if (parameter === undefined) {
      refuse(mismatch(name, 'the template of this build has no such parameter'));
      continue;
    }
    const verdict = verdictOf(value, {
      type: parameter.ParameterType ?? 'String',
      allowedValues: parameter.ParameterConstraints?.AllowedValues ?? [],
    });
    if (verdict === undefined) continue;
    if ('broken' in verdict) refuse(mismatch(name, verdict.broken));
    else undecided.push(`parameter ${name} (${verdict.undecided})`);
  }
  if (!declared.has(tokenParameter)) {
    refuse(mismatch(tokenParameter, 'the template of this build has no such parameter'));
  }
  for (const [name, { DefaultValue }] of declared) {
    const isGiven = name === tokenParameter || Object.hasOwn(parameters, name);
    if (!isGiven && DefaultValue === undefined) {
      refuse(
        new TemplateMismatch(`Template parameter ${name}: has no default, and neither the map nor the request sets it`),
      );
    }
  }
  return [...undecided, ...ownWordsOf(text)];
}

/** Whether describe calls mask a parameter, such as the one that takes the custom token. */
export function isMasked(summary: GetTemplateSummaryOutput, name: string): boolean {
  return summary.Parameters?.find(({ ParameterKey }) => ParameterKey === name)?.NoEcho === true;
}
