import * as v from 'valibot';
import type { AccountRegion } from '../aws/arns.ts';
import { InvalidRequest } from '../errors.ts';
import {
  emailIdSchema,
  type InputSecrets,
  inputSecretIdSchema,
  keyArnSchema,
  object,
  parseFields,
  requireOwnSecrets,
  shownAccounts,
  userNameSchema,
} from './fields.ts';

const artifacts = v.variant('type', [
  v.strictObject({ type: v.literal('sse-s3') }),
  v.strictObject({ type: v.literal('sse-kms-aws-managed') }),
  v.strictObject({ type: v.literal('sse-kms-customer-managed'), keyArn: keyArnSchema }),
]);

const tracking = v.variant('type', [
  v.strictObject({ type: v.literal('aws-owned') }),
  v.strictObject({ type: v.literal('aws-managed') }),
  v.strictObject({ type: v.literal('customer-managed'), keyArn: keyArnSchema }),
]);

const parameters = object(
  v.record(
    v.pipe(v.string(), v.regex(/^[A-Za-z0-9]{1,255}$/, 'must be the name of a template parameter')),
    v.pipe(v.string('must be a string'), v.maxBytes(4096, 'must be at most 4,096 bytes')),
  ),
);

/** By way of upper case, because there are letters that only meet there, such as the long s; others only meet in lower case, such as the Kelvin sign. */
const folded = (key: string) => key.toUpperCase().toLowerCase();

/** The first two keys that differ in nothing but case. */
function sameKeys(tags: Readonly<Record<string, string>>): [string, string] | undefined {
  const seen = new Map<string, string>();
  for (const key of Object.keys(tags)) {
    const other = seen.get(folded(key));
    if (other !== undefined) return [other, key];
    seen.set(folded(key), key);
  }
  return undefined;
}

const tags = object(
  v.pipe(
    v.record(
      v.pipe(
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
      ),
      v.pipe(
        v.string('must be a string'),
        v.regex(/^[\p{L}\p{Z}\p{N}_.:/=+@-]{1,256}$/u, 'must be 1 to 256 letters, digits, blanks and _.:/=+@-'),
      ),
    ),
    // Of a role IAM allows no two such (IAM user guide, "Tags for IAM resources").
    v.check(
      (keys) => sameKeys(keys) === undefined,
      // Stryker disable next-line OptionalChaining: for the compiler alone, because the check has found them.
      ({ input }) => `has the keys ${sameKeys(input)?.join(' and ')}, which to IAM are one, as it ignores case`,
    ),
    // CloudFormation allows 50 tags, of which three are the onboarding's.
    v.maxEntries(47, 'must be at most 47 tags'),
  ),
);

/** A build of the vendor's template. */
export const buildSchema = v.pipe(
  v.string('must be a string'),
  v.regex(/^\d+(\.\d+){1,5}$/, 'must be digits and dots, such as 2.3.72'),
);

const stack = object(
  v.strictObject({
    build: v.optional(buildSchema),
    accountId: v.optional(
      v.pipe(v.string('must be a string'), v.regex(/^\d{12}$/, 'must be an account id of 12 digits')),
    ),
    region: v.optional(v.string('must be a string')),
    parameters: v.optional(parameters),
    tags: v.optional(tags),
  }),
);

/** A request for the machine `onboard-subscriber`, in itself. */
export const onboardingSchema = object(
  v.strictObject({
    subscriber: object(v.strictObject({ userName: userNameSchema, emailId: emailIdSchema })),
    passwordSecretId: v.optional(inputSecretIdSchema),
    customTokenSecretId: v.optional(inputSecretIdSchema),
    stack: v.optional(stack),
    encryption: v.optional(
      object(v.strictObject({ artifacts: v.optional(artifacts), tracking: v.optional(tracking) })),
    ),
  }),
);

export interface Request {
  subscriber: { userName: string; emailId: string };
  passwordSecretId?: string | undefined;
  customTokenSecretId?: string | undefined;
  stack: {
    build?: string | undefined;
    accountId: string;
    region: string;
    parameters: Record<string, string>;
    tags: Record<string, string>;
  };
  encryption: { artifacts: v.InferOutput<typeof artifacts>; tracking: v.InferOutput<typeof tracking> };
}

/**
 * Checks what of a request needs no knowledge of the deployment.
 * @param secrets the place whose secrets it may name, below the subscriber's own folder
 * @throws InvalidRequest naming the field and the rule; never quoting a value
 */
export function checkRequest(request: unknown, secrets: InputSecrets) {
  const parsed = parseFields(onboardingSchema, request);
  requireOwnSecrets(secrets, parsed.subscriber.userName, [
    { field: 'passwordSecretId', secretId: parsed.passwordSecretId, mayBeOfApi: true },
    { field: 'customTokenSecretId', secretId: parsed.customTokenSecretId },
  ]);
  return parsed;
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
 * @throws InvalidRequest naming the field and the rule; never quoting a value
 */
export function parseRequest(request: unknown, rules: RequestRules): Request {
  const { superadminUserName, own, stackRegions } = rules;
  const parsed = checkRequest(request, rules);
  requireOther(superadminUserName, 'subscriber.userName', parsed.subscriber.userName);
  const { accountId = own.accountId, region = own.region } = parsed.stack ?? {};
  const regions = stackRegions.get(accountId);
  if (regions === undefined) {
    throw new InvalidRequest('stack.accountId', `must be one of ${shownAccounts([...stackRegions.keys()])}`);
  }
  if (!regions.includes(region)) {
    throw new InvalidRequest('stack.region', `must be one of ${regions.join(', ')} in account ${accountId}`);
  }
  const { parameters = {}, tags = {} } = parsed.stack ?? {};
  requireAllowed('stack.parameters', parameters, rules.allowedStackParameters, 'allowedStackParameters');
  requireAllowed('stack.tags', tags, rules.allowedTagKeys, 'allowedTagKeys');
  return {
    ...parsed,
    stack: {
      ...parsed.stack,
      accountId,
      region,
      parameters,
      tags,
    },
    encryption: {
      artifacts: parsed.encryption?.artifacts ?? { type: 'sse-s3' },
      tracking: parsed.encryption?.tracking ?? { type: 'aws-owned' },
    },
  };
}

/** Refuses names that the deployment does not list. @throws InvalidRequest naming the field and the deployment's param */
function requireAllowed(field: string, given: object, allowed: readonly string[], param: string): void {
  const other = Object.keys(given).find((name) => !allowed.includes(name));
  if (other === undefined) return;
  const names = allowed.length === 0 ? 'none' : allowed.join(', ');
  throw new InvalidRequest(`${field}.${other}`, `is not allowed: the deployment's param ${param} lists ${names}`);
}

/**
 * Refuses the superadmin's user name, ignoring case as user pools may: who is to be made exists, and a login with its name counts
 * against the superadmin's.
 * @throws InvalidRequest
 */
export function requireOther(superadminUserName: string, field: string, userName: string): void {
  if (userName.toLowerCase() === superadminUserName.toLowerCase()) {
    throw new InvalidRequest(field, "must not be the superadmin's user name");
  }
}

/** The customer managed keys of the request, each once. */
export function customerManagedKeys({ encryption: { artifacts: bucket, tracking: table } }: Request): string[] {
  const arns = [
    ...(bucket.type === 'sse-kms-customer-managed' ? [bucket.keyArn] : []),
    ...(table.type === 'customer-managed' ? [table.keyArn] : []),
  ];
  return [...new Set(arns)];
}
