import type { Stack as CloudFormationStack, GetTemplateSummaryOutput } from '@aws-sdk/client-cloudformation';
import { InvalidRequest } from '../../errors.ts';
import type { StackChoice } from '../../requests/onboarding.ts';
import type { UpgradeRequest } from '../../requests/upgrade.ts';
import type { SubscriberRecord } from '../../subscribers/record.ts';
import type { ParameterMap } from '../onboarding-environment.ts';
import { boundaryParameters, templateParameters } from '../template-parameters.ts';

/** What describe calls show in place of a value whose parameter is NoEcho. */
const mask = '****';

export interface Looked {
  map: ParameterMap;
  request: Pick<UpgradeRequest, 'stack' | 'encryption'>;
  record: Pick<SubscriberRecord, 'userName' | 'emailId'>;
  stack: Pick<CloudFormationStack, 'Parameters'>;
  /** The template to bring the stack to. */
  summary: GetTemplateSummaryOutput;
  boundaryArn: string;
}

/** The parameters of a stack that is brought to another template or other values. */
export interface UpgradeParameters {
  /** Those that get another value than the stack has. */
  given: Record<string, string>;
  /** Those that keep the value that the stack has. */
  kept: string[];
  /** The kept ones whose values are not shown. */
  hidden: string[];
  /** All values that are known, to be compared with what the template takes. */
  known: Record<string, string>;
  /** What an onboarding request for the same would set: the stack is known by it. */
  requested: Record<string, string>;
}

/**
 * The parameters that an upgrade sets. What the request does not name keeps the value that the stack has, the custom token among it; the
 * parameters of a choice that is given up get the template's default again, as if the stack had been made so.
 * @throws InvalidRequest when the request leaves a choice out that the stack's parameters do not show
 */
export function upgradeParameters({ map, request, record, stack, summary, boundaryArn }: Looked): UpgradeParameters {
  const declared = new Map(summary.Parameters?.map((parameter) => [parameter.ParameterKey ?? '', parameter]));
  const existing = new Map(
    stack.Parameters?.map(({ ParameterKey = '', ParameterValue = '' }) => [ParameterKey, ParameterValue]),
  );
  const shown = new Map([...existing].filter(([, value]) => value !== mask));
  const chosen = request.stack?.parameters ?? {};
  const { userName, emailId = '' } = record;
  const ofTheMap = templateParameters(map, {
    subscriber: { userName, emailId },
    encryption: encryptionOf(map, request.encryption ?? {}, shown),
    stack: { parameters: chosen },
  });
  const ofSubscriber = Object.keys(map.subscriber);
  // A role keeps the boundary that it was made with (functions/deploy-stack/resources.yml): only a stack without the choice gets it.
  const boundary = Object.fromEntries(
    Object.entries(boundaryParameters(map, boundaryArn)).filter(([name]) => !existing.has(name)),
  );
  const keptBoundary = Object.keys(map.boundary ?? {}).filter((name) => existing.has(name) && declared.has(name));
  const isMapped = (name: string) => name === map.customToken || namesOf(map).has(name);
  // What nobody named: of the template that the stack was made from, or of the request then.
  const others = [...existing.keys()].filter(
    (name) => declared.has(name) && !isMapped(name) && !Object.hasOwn(chosen, name),
  );
  const requested = Object.fromEntries<string>([
    // As its onboarding said it: whether the name's spelling or the address differs since is not the stack's affair.
    ...Object.entries(ofTheMap).map(([name, value]): [string, string] => [
      name,
      ofSubscriber.includes(name) ? (shown.get(name) ?? value) : value,
    ]),
    ...others
      .filter((name) => shown.get(name) !== declared.get(name)?.DefaultValue)
      .flatMap((name) => entryOf(shown, name)),
  ]);
  const wanted = { ...requested, ...boundary };
  const given = Object.fromEntries(Object.entries(wanted).filter(([name, value]) => shown.get(name) !== value));
  const kept = [
    ...Object.keys(wanted).filter((name) => !Object.hasOwn(given, name)),
    ...others.filter((name) => !Object.hasOwn(wanted, name)),
    ...keptBoundary,
  ];
  return {
    given,
    kept,
    hidden: kept.filter((name) => !shown.has(name)),
    known: { ...given, ...Object.fromEntries(kept.flatMap((name) => entryOf(shown, name))) },
    requested,
  };
}

const entryOf = (values: ReadonlyMap<string, string>, name: string): [string, string][] => {
  const value = values.get(name);
  return value === undefined ? [] : [[name, value]];
};

/** The names of all parameters that the deployment's map sets. */
function namesOf({ subscriber, artifacts, tracking, boundary = {} }: ParameterMap): ReadonlySet<string> {
  const choices = [...Object.values(artifacts), ...Object.values(tracking)];
  return new Set([subscriber, boundary, ...choices].flatMap((parameters) => Object.keys(parameters ?? {})));
}

type Encryption = StackChoice['encryption'];

/** What the request chooses, and for what it leaves out, what the stack has. */
function encryptionOf(
  map: ParameterMap,
  { artifacts, tracking }: NonNullable<UpgradeRequest['encryption']>,
  shown: ReadonlyMap<string, string>,
): Encryption {
  return {
    artifacts: artifacts ?? artifactsOf(map, shown) ?? unclear('artifacts'),
    tracking: tracking ?? trackingOf(map, shown) ?? unclear('tracking'),
  };
}

function unclear(part: keyof Encryption): never {
  throw new InvalidRequest(
    `encryption.${part}`,
    "is required: the stack's parameters show none of the choices of the deployment's templateParameters",
  );
}

function artifactsOf(
  { artifacts }: ParameterMap,
  shown: ReadonlyMap<string, string>,
): Encryption['artifacts'] | undefined {
  const keyed = choiceIn(artifacts['sse-kms-customer-managed'], shown);
  if (keyed?.keyArn !== undefined) return { type: 'sse-kms-customer-managed', keyArn: keyed.keyArn };
  if (choiceIn(artifacts['sse-kms-aws-managed'], shown)) return { type: 'sse-kms-aws-managed' };
  return choiceIn(artifacts['sse-s3'], shown) && { type: 'sse-s3' };
}

function trackingOf(
  { tracking }: ParameterMap,
  shown: ReadonlyMap<string, string>,
): Encryption['tracking'] | undefined {
  const keyed = choiceIn(tracking['customer-managed'], shown);
  if (keyed?.keyArn !== undefined) return { type: 'customer-managed', keyArn: keyed.keyArn };
  if (choiceIn(tracking['aws-managed'], shown)) return { type: 'aws-managed' };
  return choiceIn(tracking['aws-owned'], shown) && { type: 'aws-owned' };
}

/** Whether a stack's parameters are those of a choice, with the key that they name; undefined when they are not. */
function choiceIn(
  choice: Readonly<Record<string, string>> | undefined,
  shown: ReadonlyMap<string, string>,
): { keyArn: string | undefined } | undefined {
  if (choice === undefined) return undefined;
  let keyArn: string | undefined;
  for (const [name, value] of Object.entries(choice)) {
    const existing = shown.get(name);
    if (existing === undefined) return undefined;
    const [before = '', after] = value.split('{keyArn}');
    if (after === undefined) {
      if (existing !== value) return undefined;
      continue;
    }
    if (existing.length <= before.length + after.length || !existing.startsWith(before) || !existing.endsWith(after))
      return undefined;
    keyArn = existing.slice(before.length, existing.length - after.length);
  }
  return { keyArn };
}
