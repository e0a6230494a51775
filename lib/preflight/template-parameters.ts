import { createHash } from 'node:crypto';
import type { GetTemplateSummaryOutput } from '@aws-sdk/client-cloudformation';
import { TemplateMismatch } from '../errors.ts';
import { type Fault, fault, listed } from '../faults.ts';
import { refuse } from '../refusals.ts';
import type { StackChoice } from '../requests/onboarding.ts';
import type { ParameterMap } from './onboarding-environment.ts';
import { ownWordsOf, verdictOf } from './parameter-value.ts';

/** What a request says that the template is to do. */
interface Wish extends StackChoice {
  subscriber: { userName: string; emailId: string };
  stack: { parameters: Readonly<Record<string, string>> };
}

/**
 * What a stack is known by: a request for the same build and the same parameters has the same.
 * @param templateUrl where the vendor has the template
 */
export function planHashOf(templateUrl: string, region: string, parameters: Readonly<Record<string, string>>): string {
  const parts = [templateUrl, region, Object.entries(parameters).sort()];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/**
 * The template parameters that say what the request says, without the custom token and the permissions boundary.
 * @throws InvalidRequest when the request sets a parameter that the onboarding sets itself, or chooses what the template does not offer
 */
export function templateParameters(map: ParameterMap, request: Wish): Record<string, string> {
  const { subscriber, encryption } = request;
  const { artifacts, tracking } = encryption;
  const ofBucket = filled(map.artifacts[artifacts.type] ?? {}, keyOf(artifacts));
  const ofTable = filled(map.tracking[tracking.type] ?? {}, keyOf(tracking));
  const own = {
    ...filled(map.subscriber, { userName: subscriber.userName, emailId: subscriber.emailId }),
    ...ofBucket,
    ...ofTable,
  };
  const isOwn = (name: string) =>
    name === map.customToken || Object.hasOwn(own, name) || Object.hasOwn(map.boundary ?? {}, name);
  const taken = Object.keys(request.stack.parameters).filter(isOwn);
  refuse([
    ...offered(map.artifacts[artifacts.type], 'artifacts'),
    ...offered(map.tracking[tracking.type], 'tracking'),
    ...agreeing(ofBucket, ofTable),
    ...taken.map((name) => fault(['stack', 'parameters', name], 'is set by the onboarding itself')),
  ]);
  return { ...own, ...request.stack.parameters };
}

const keyOf = (choice: object): Record<string, string> =>
  'keyArn' in choice && typeof choice.keyArn === 'string' ? { keyArn: choice.keyArn } : {};

/** What is wrong with a choice that the map leaves out. */
const offered = (choice: object | undefined, of: 'artifacts' | 'tracking'): Fault[] =>
  choice !== undefined
    ? []
    : [
        fault(
          ['encryption', of, 'type'],
          "is not offered by the deployment's template: templateParameters has no such choice",
        ),
      ];

/** What is wrong when bucket and table want two things of one parameter: otherwise the bucket would get what was chosen for the table. */
function agreeing(ofBucket: Readonly<Record<string, string>>, ofTable: Readonly<Record<string, string>>): Fault[] {
  const both = Object.keys(ofBucket).filter((name) => Object.hasOwn(ofTable, name) && ofTable[name] !== ofBucket[name]);
  const rule = `must be the same for artifacts and tracking: the template has ${both.join(', ')} for both`;
  return both.length === 0 ? [] : [fault(['encryption'], rule)];
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
  /** Names whose values an existing stack has, and describe calls do not show. */
  hidden?: readonly string[];
  /** The template itself, of which CloudFormation's summary leaves constraints and rules out. */
  text: string;
}

/**
 * Checks parameters against what CloudFormation says that the template takes (GetTemplateSummary knows names, types, defaults and
 * allowed values).
 * @returns what of it only CloudFormation can decide, when the stack is created
 * @throws TemplateMismatch when the deployment's map does not fit the template
 * @throws InvalidRequest when the request's own parameters do not
 */
export function checkParameters(summary: GetTemplateSummaryOutput, fit: Fit): string[] {
  const { parameters, tokenParameter, requested, hidden = [], text } = fit;
  const declared = new Map(summary.Parameters?.map((parameter) => [parameter.ParameterKey ?? '', parameter]));
  const undecided: string[] = [];
  const faults: Fault[] = [];
  const mismatches: string[] = [];
  const isWrong = (name: string, rule: string) => {
    if (requested.includes(name)) faults.push(fault(['stack', 'parameters', name], rule));
    else mismatches.push(`Template parameter ${name}: ${rule}`);
  };
  for (const [name, value] of Object.entries(parameters)) {
    const parameter = declared.get(name);
    if (parameter === undefined) {
      isWrong(name, 'the template of this build has no such parameter');
      continue;
    }
    const verdict = verdictOf(value, {
      type: parameter.ParameterType ?? 'String',
      allowedValues: parameter.ParameterConstraints?.AllowedValues ?? [],
    });
    if (verdict === undefined) continue;
    if ('broken' in verdict) isWrong(name, verdict.broken);
    else undecided.push(`parameter ${name} (${verdict.undecided})`);
  }
  if (!declared.has(tokenParameter)) isWrong(tokenParameter, 'the template of this build has no such parameter');
  for (const [name, { DefaultValue }] of declared) {
    const isGiven = name === tokenParameter || Object.hasOwn(parameters, name) || hidden.includes(name);
    if (!isGiven && DefaultValue === undefined) {
      isWrong(name, 'has no default, and neither the map nor the request sets it');
    }
  }
  // The map first: while it does not fit, no request does.
  if (mismatches.length > 0) {
    const others = faults.map(({ field, rule }) => `${field}: ${rule}`);
    throw new TemplateMismatch(listed([...mismatches, ...others]));
  }
  refuse(faults);
  return [...undecided, ...ownWordsOf(text)];
}

/** Whether describe calls mask a parameter, such as the one that takes the custom token. */
export function isMasked(summary: GetTemplateSummaryOutput, name: string): boolean {
  return summary.Parameters?.find(({ ParameterKey }) => ParameterKey === name)?.NoEcho === true;
}
