import * as v from 'valibot';
import { type AccountRegion, parseKeyArn } from '../aws/arns.ts';
import { InvalidRequest } from '../errors.ts';
import { parse } from '../parse.ts';

const keyArnRule = 'must be the ARN of a KMS key (arn:aws:kms:<region>:<account>:key/<id>)';

export const keyArnSchema = v.pipe(
  v.string('must be the ARN of a KMS key'),
  v.check((arn) => !/(?:^|:)alias\//.test(arn), `${keyArnRule}, not an alias`),
  v.check((arn) => parseKeyArn(arn) !== undefined, keyArnRule),
);

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

// The name becomes part of the role's name, of which IAM allows 64 characters and the vendor's prefix takes 30.
export const userNameSchema = v.pipe(
  v.string('must be a string'),
  v.regex(
    /^[A-Za-z](?:[A-Za-z0-9-]{0,32}[A-Za-z0-9])?$/,
    'must be 1 to 34 letters, digits and hyphens, begin with a letter and not end with a hyphen',
  ),
);

/** Names that valibot leaves out of records without a word, so that no object's prototype is reached. */
const reservedNames = ['__proto__', 'prototype', 'constructor'];

/** Refuses an array, which valibot takes for an object with its indexes as fields, and names that it would drop. */
export function object<Output>(schema: v.GenericSchema<unknown, Output>) {
  return v.pipe(
    v.unknown(),
    v.check((value) => typeof value === 'object' && value !== null && !Array.isArray(value), 'must be an object'),
    v.rawCheck(({ dataset: { value: input }, addIssue }) => {
      const key = reservedNames.find((name) => Object.hasOwn(Object(input), name));
      if (key === undefined) return;
      addIssue({
        message: 'is not a known field',
        // Stryker disable next-line StringLiteral: of a path's part only the key is ever read.
        path: [{ type: 'object', origin: 'key', input: {}, key, value: undefined }],
      });
    }),
    schema,
  );
}

const parameters = object(
  v.record(
    v.pipe(v.string(), v.regex(/^[A-Za-z0-9]{1,255}$/, 'must be the name of a template parameter')),
    v.pipe(v.string('must be a string'), v.maxBytes(4096, 'must be at most 4,096 bytes')),
  ),
);

const tags = object(
  v.pipe(
    v.record(
      v.pipe(
        v.string(),
        v.regex(
          /^(?!aws:|infinstor-onboarding)[\w .:/=+@-]{1,128}$/i,
          'must be a tag key that neither AWS nor the onboarding reserves',
        ),
      ),
      // IAM's rule is the narrowest, and the tags reach the role.
      v.pipe(
        v.string('must be a string'),
        v.regex(/^[\p{L}\p{Z}\p{N}_.:/=+@-]{1,256}$/u, 'must be 1 to 256 letters, digits, blanks and _.:/=+@-'),
      ),
    ),
    // CloudFormation allows 50 tags, of which three are the onboarding's.
    v.maxEntries(47, 'must be at most 47 tags'),
  ),
);

const stack = object(
  v.strictObject({
    build: v.optional(
      v.pipe(v.string('must be a string'), v.regex(/^\d+(\.\d+){1,5}$/, 'must be digits and dots, such as 2.3.72')),
    ),
    accountId: v.optional(
      v.pipe(v.string('must be a string'), v.regex(/^\d{12}$/, 'must be an account id of 12 digits')),
    ),
    region: v.optional(v.string('must be a string')),
    parameters: v.optional(parameters),
    tags: v.optional(tags),
  }),
);

export const emailIdSchema = v.pipe(
  v.string('must be a string'),
  v.maxLength(254, 'must be at most 254 characters'),
  // Not the narrower `email`, which refuses domains such as xn--….
  v.rfcEmail('must be an e-mail address'),
);

/** A secret that a request may refer to. */
export function inputSecretIdSchema(inputSecretPrefix: string) {
  return v.pipe(
    v.string('must be a string'),
    v.startsWith(inputSecretPrefix, `must name a secret below ${inputSecretPrefix}`),
    v.minLength(inputSecretPrefix.length + 1, `must name a secret below ${inputSecretPrefix}`),
    // Secrets Manager's characters for a name; a name without `..` cannot be mistaken for a path.
    v.regex(/^[\w/+=.@-]{1,512}$/, 'must be the name of a secret: letters, digits and /_+=.@-'),
    v.excludes('..', 'must not contain ".."'),
  );
}

function requestSchema(inputSecretPrefix: string) {
  const inputSecretId = inputSecretIdSchema(inputSecretPrefix);
  return object(
    v.strictObject({
      subscriber: object(v.strictObject({ userName: userNameSchema, emailId: emailIdSchema })),
      passwordSecretId: v.optional(inputSecretId),
      customTokenSecretId: v.optional(inputSecretId),
      stack: v.optional(stack),
      encryption: v.optional(
        object(v.strictObject({ artifacts: v.optional(artifacts), tracking: v.optional(tracking) })),
      ),
    }),
  );
}

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
 * @throws InvalidRequest naming the field and the rule; never quoting a value
 */
export function checkRequest(request: unknown, inputSecretPrefix = '') {
  return parseFields(requestSchema(inputSecretPrefix), request);
}

/**
 * Parses the request of any machine.
 * @throws InvalidRequest naming the field and the rule; never quoting a value
 */
export function parseFields<Parsed>(schema: v.GenericSchema<unknown, Parsed>, request: unknown): Parsed {
  refusePlaintextPassword(request);
  return parse(schema, request, (field, rule) => new InvalidRequest(field === '(root)' ? 'request' : field, rule));
}

/** What a deployment lets a request choose from. */
export interface RequestRules {
  /** The only place whose secrets a request may name. */
  inputSecretPrefix: string;
  /** The user name that no subscriber may have. */
  superadminUserName: string;
  /** The account and Region of the deployment, which are a request's defaults. */
  own: AccountRegion;
  /** The Regions that a stack may lie in, by account. */
  stackRegions: ReadonlyMap<string, readonly string[]>;
}

/**
 * Parses a request and fills the defaults in: the deployment's account and Region, and the encryption that the setup guide
 * calls the default.
 * @throws InvalidRequest naming the field and the rule; never quoting a value
 */
export function parseRequest(
  request: unknown,
  { inputSecretPrefix, superadminUserName, own, stackRegions }: RequestRules,
): Request {
  const parsed = checkRequest(request, inputSecretPrefix);
  requireOther(superadminUserName, 'subscriber.userName', parsed.subscriber.userName);
  const { accountId = own.accountId, region = own.region } = parsed.stack ?? {};
  const regions = stackRegions.get(accountId);
  if (regions === undefined) {
    throw new InvalidRequest('stack.accountId', `must be one of ${[...stackRegions.keys()].join(', ')}`);
  }
  if (!regions.includes(region)) {
    throw new InvalidRequest('stack.region', `must be one of ${regions.join(', ')} in account ${accountId}`);
  }
  return {
    ...parsed,
    stack: {
      ...parsed.stack,
      accountId,
      region,
      parameters: parsed.stack?.parameters ?? {},
      tags: parsed.stack?.tags ?? {},
    },
    encryption: {
      artifacts: parsed.encryption?.artifacts ?? { type: 'sse-s3' },
      tracking: parsed.encryption?.tracking ?? { type: 'aws-owned' },
    },
  };
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

/** First of all: a password that stands in an execution's input is in its history already. */
function refusePlaintextPassword(request: unknown): void {
  const users = Object.entries(Object(member(request, 'users')));
  for (const [place, holder] of [
    ['password', request],
    ['subscriber.password', member(request, 'subscriber')],
    ...users.map(([index, user]) => [`users.${index}.password`, user] as const),
  ] as const) {
    if (typeof holder === 'object' && holder !== null && 'password' in holder) {
      throw new InvalidRequest(
        place,
        'must not be in the request, where the history keeps it for 90 days: choose another password, put it into a secret and refer to it with passwordSecretId',
      );
    }
  }
}

function member(value: unknown, name: string): unknown {
  return Object.entries(Object(value)).find(([key]) => key === name)?.[1];
}
