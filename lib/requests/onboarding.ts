import * as v from 'valibot';
import type { AccountRegion } from '../aws/arns.ts';
import { type Fault, fault, type Path } from '../faults.ts';
import {
  dictionary,
  emailIdSchema,
  fields,
  foreignSecrets,
  type InputSecrets,
  inputSecretIdSchema,
  keyArnSchema,
  object,
  type Parts,
  parseFields,
  regardless,
  shownAccounts,
  superadminFault,
  userNameSchema,
} from './fields.ts';

const artifacts = v.variant('type', [
  fields({ type: v.literal('sse-s3') }),
  fields({ type: v.literal('sse-kms-aws-managed') }),
  fields({ type: v.literal('sse-kms-customer-managed'), keyArn: keyArnSchema }),
]);

const tracking = v.variant('type', [
  fields({ type: v.literal('aws-owned') }),
  fields({ type: v.literal('aws-managed') }),
  fields({ type: v.literal('customer-managed'), keyArn: keyArnSchema }),
]);

const parameterName = v.pipe(v.string(), v.regex(/^[A-Za-z0-9]{1,255}$/, 'must be the name of a template parameter'));
/** Parameters of the template that a request sets. */
export const stackParametersSchema = object(
  dictionary(parameterName, v.pipe(v.string('must be a string'), v.maxBytes(4096, 'must be at most 4,096 bytes'))),
);

/** By way of upper case, because there are letters that only meet there, such as the long s; others only meet in lower case, such as the Kelvin sign. */
const folded = (key: string) => key.toUpperCase().toLowerCase();

/** The pairs of keys that differ in nothing but case. */
function sameKeys(tags: object): [string, string][] {
  const seen = new Map<string, string>();
  return Object.keys(tags).flatMap((key): [string, string][] => {
    const other = seen.get(folded(key));
    if (other !== undefined) return [[other, key]];
    seen.set(folded(key), key);
    return [];
  });
}

const tagKey = v.pipe(
  v.string(),
  v.regex(
    /^(?!aws:|infinstor-onboarding)/iu,
    'must not begin with aws: or infinstor-onboarding, which AWS and the onboarding reserve',
  ),
  // IAM's rule is the narrowest, and the tags reach the role (IAM API reference, "Tag").
  v.maxLength(128, 'must be a tag key of at most 128 characters'),
  v.regex(
    /^[\p{L}\p{Z}\p{N}_.:/=+@-]+$/u,
    'must be a tag key that IAM takes: letters of any script, digits, blanks and _.:/=+@-',
  ),
);
const isOfTags = (value: unknown): value is Record<string, string> => typeof value === 'object' && value !== null;
const tags = object(
  v.pipe(
    dictionary(
      tagKey,
      v.pipe(
        v.string('must be a string'),
        v.regex(/^[\p{L}\p{Z}\p{N}_.:/=+@-]{1,256}$/u, 'must be 1 to 256 letters, digits, blanks and _.:/=+@-'),
      ),
    ),
    // Of a role IAM allows no two such (IAM user guide, "Tags for IAM resources").
    v.rawCheck(({ dataset, addIssue }) => {
      for (const pair of sameKeys(Object(dataset.value))) {
        addIssue({ message: `has the keys ${pair.join(' and ')}, which to IAM are one, as it ignores case` });
      }
    }),
    // CloudFormation allows 50 tags, of which three are the onboarding's.
    regardless(isOfTags, v.maxEntries(47, 'must be at most 47 tags')),
  ),
);

/** A build of the vendor's template. */
export const buildSchema = v.pipe(
  v.string('must be a string'),
  v.regex(/^\d+(\.\d+){1,5}$/, 'must be digits and dots, such as 2.3.72'),
);

/** In place of an account id: the configured account with the most room. */
export const autoAccount = 'auto';
const accountIdSchema = v.pipe(
  v.string('must be a string'),
  v.regex(/^(?:\d{12}|auto)$/, 'must be an account id of 12 digits, or auto'),
);

const stack = object(
  fields({
    build: v.optional(buildSchema),
    accountId: v.optional(accountIdSchema),
    region: v.optional(v.string('must be a string')),
    parameters: v.optional(stackParametersSchema),
    tags: v.optional(tags),
  }),
);

/** How what the stack stores is encrypted. */
export const encryptionSchema = object(fields({ artifacts: v.optional(artifacts), tracking: v.optional(tracking) }));

/** A request for the machine `onboard-subscriber`, in itself. */
export const onboardingSchema = object(
  fields({
    subscriber: object(fields({ userName: userNameSchema, emailId: emailIdSchema })),
    passwordSecretId: v.optional(inputSecretIdSchema),
    customTokenSecretId: v.optional(inputSecretIdSchema),
    stack: v.optional(stack),
    encryption: v.optional(encryptionSchema),
  }),
);

/** What a request chooses of a stack, which an upgrade may change. */
export interface StackChoice {
  encryption: { artifacts: v.InferOutput<typeof artifacts>; tracking: v.InferOutput<typeof tracking> };
}

/** The same, of which a part may be left out. */
export interface Chosen {
  encryption: v.InferOutput<typeof encryptionSchema>;
}

export interface Request extends StackChoice {
  subscriber: { userName: string; emailId: string };
  passwordSecretId?: string | undefined;
  customTokenSecretId?: string | undefined;
  stack: {
    build?: string | undefined;
    /** `auto` until it is chosen. */
    accountId: string;
    region: string;
    /** With `auto`: the request names no Region, so that the one of a home that the subscriber has counts. */
    isRegionOpen?: boolean;
    parameters: Record<string, string>;
    tags: Record<string, string>;
  };
}

/**
 * Checks what of a request needs no knowledge of the deployment.
 * @param secrets the place whose secrets it may name, below the subscriber's own folder
 * @param furtherFaults those of other rules
 * @throws InvalidRequest naming each field and rule; never quoting a value
 */
export function checkRequest(
  request: unknown,
  secrets: InputSecrets,
  furtherFaults: (parts: Parts) => readonly Fault[] = () => [],
) {
  return parseFields(onboardingSchema, request, (part) => {
    const references = (['passwordSecretId', 'customTokenSecretId'] as const).map((field) => ({
      path: [field],
      secretId: part([field], inputSecretIdSchema),
      mayBeOfApi: field === 'passwordSecretId',
    }));
    const userName = part(['subscriber', 'userName'], userNameSchema);
    return [...foreignSecrets(secrets, userName, references), ...furtherFaults(part)];
  });
}

/** What a deployment lets a request choose from. */
export interface RequestRules {
  /** The only place whose secrets a request may name, below the subscriber's own folder. */
  inputSecretPrefix: string;
  /** The execution that the request is the input of; absent before there is one. */
  executionName?: string | undefined;
  /** The user name that no subscriber may have. */
  superadminUserName: string;
  /** The account and Region of the deployment, which are a request's defaults. */
  own: AccountRegion;
  /** The Regions that a stack may lie in, by account. */
  stackRegions: ReadonlyMap<string, readonly string[]>;
  /** The template parameters that a request may set. What the others do is not known: one may be an account id or an external id. */
  allowedStackParameters: readonly string[];
  /** The keys that a request's tags may have. They reach the role, where policies may open doors by `aws:PrincipalTag`. */
  allowedTagKeys: readonly string[];
}

/**
 * Parses a request and fills the defaults in: the deployment's account and Region, and the encryption that the setup guide
 * calls the default.
 * @param otherFaults what is known to be wrong with the request beside what is checked here
 * @throws InvalidRequest naming each field and rule; never quoting a value
 */
export function parseRequest(request: unknown, rules: RequestRules, otherFaults: readonly Fault[] = []): Request {
  const parsed = checkRequest(request, rules, (part) => [...ruleFaults(part, rules), ...otherFaults]);
  const { accountId = rules.own.accountId, region = rules.own.region } = parsed.stack ?? {};
  const { parameters = {}, tags = {} } = parsed.stack ?? {};
  return {
    ...parsed,
    stack: {
      ...parsed.stack,
      accountId,
      region,
      ...(accountId === autoAccount && parsed.stack?.region === undefined && { isRegionOpen: true }),
      parameters,
      tags,
    },
    encryption: {
      artifacts: parsed.encryption?.artifacts ?? { type: 'sse-s3' },
      tracking: parsed.encryption?.tracking ?? { type: 'aws-owned' },
    },
  };
}

/** What of a request the deployment does not allow. */
function ruleFaults(part: Parts, rules: RequestRules): Fault[] {
  const namePath = ['subscriber', 'userName'];
  return [
    ...superadminFault(rules.superadminUserName, namePath, part(namePath, userNameSchema)),
    ...homeFaults(part, rules),
    ...parameterFaults(part, rules),
    ...notAllowed(part, ['stack', 'tags'], tagKey, { allowed: rules.allowedTagKeys, param: 'allowedTagKeys' }),
  ];
}

/** The template parameters that a request sets and the deployment does not list. */
export const parameterFaults = (part: Parts, rules: Pick<RequestRules, 'allowedStackParameters'>): Fault[] =>
  notAllowed(part, ['stack', 'parameters'], parameterName, {
    allowed: rules.allowedStackParameters,
    param: 'allowedStackParameters',
  });

/** Of an account that the deployment does not have, its Regions are not known. */
function homeFaults(part: Parts, { own, stackRegions }: RequestRules): Fault[] {
  const accountId = part(['stack', 'accountId'], v.optional(accountIdSchema, own.accountId));
  const region = part(['stack', 'region'], v.optional(v.string(), own.region));
  if (accountId === undefined) return [];
  if (accountId === autoAccount) {
    const regions = [...new Set([...stackRegions.values()].flat())];
    if (region === undefined || regions.includes(region)) return [];
    return [fault(['stack', 'region'], `must be one of ${regions.join(', ')}`)];
  }
  const regions = stackRegions.get(accountId);
  if (regions === undefined) {
    return [fault(['stack', 'accountId'], `must be one of ${shownAccounts([...stackRegions.keys()])}`)];
  }
  return region === undefined || regions.includes(region)
    ? []
    : [fault(['stack', 'region'], `must be one of ${regions.join(', ')} in account ${accountId}`)];
}

/** The names that the deployment does not list, with its param; what cannot be a name is the schema's to refuse. */
function notAllowed(
  part: Parts,
  path: Path,
  nameSchema: v.GenericSchema,
  { allowed, param }: { allowed: readonly string[]; param: string },
): Fault[] {
  const names = Object.keys(part(path, object(v.looseObject({}))) ?? {});
  const listed = allowed.length === 0 ? 'none' : allowed.join(', ');
  return names
    .filter((name) => !allowed.includes(name) && v.is(nameSchema, name))
    .map((name) => fault([...path, name], `is not allowed: the deployment's param ${param} lists ${listed}`));
}

/** The customer managed keys that a request names, each once. */
export function customerManagedKeys({ encryption: { artifacts: bucket, tracking: table } }: Chosen): string[] {
  const arns = [
    ...(bucket?.type === 'sse-kms-customer-managed' ? [bucket.keyArn] : []),
    ...(table?.type === 'customer-managed' ? [table.keyArn] : []),
  ];
  return [...new Set(arns)];
}
