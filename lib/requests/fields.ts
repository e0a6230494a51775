import * as v from 'valibot';
import { parseKeyArn } from '../aws/arns.ts';
import { InvalidRequest } from '../errors.ts';
import { parse } from '../parse.ts';
import { subscriberInputPrefix } from '../secrets/names.ts';
import { isApiPasswordOf, isOfApi } from './api-password.ts';

const keyArnRule = 'must be the ARN of a KMS key (arn:<partition>:kms:<region>:<account>:key/<id>)';

export const keyArnSchema = v.pipe(
  v.string('must be the ARN of a KMS key'),
  v.check((arn) => !/(?:^|:)alias\//.test(arn), `${keyArnRule}, not an alias`),
  v.check((arn) => parseKeyArn(arn) !== undefined, keyArnRule),
);

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

export const emailIdSchema = v.pipe(
  v.string('must be a string'),
  v.maxLength(254, 'must be at most 254 characters'),
  // Not the narrower `email`, which refuses domains such as xn--….
  v.rfcEmail('must be an e-mail address'),
);

/** A secret that a request refers to. Whose it is, requireOwnSecrets checks. */
export const inputSecretIdSchema = v.pipe(
  v.string('must be a string'),
  // Secrets Manager's characters for a name; a name without `..` cannot be mistaken for a path.
  v.regex(/^[\w/+=.@-]{1,512}$/, 'must be the name of a secret: letters, digits and /_+=.@-'),
  v.excludes('..', 'must not contain ".."'),
);

/** Where the secrets are that a request may name. */
export interface InputSecrets {
  /** `infinstor/<stage>/input/`, with the stage that the request is for. */
  inputSecretPrefix: string;
  /** The execution that the request is the input of, which may name the password that the HTTP API has stored for it. */
  executionName?: string | undefined;
}

/**
 * Refuses secrets that are not below the folder of the request's own subscriber, or that are there but the HTTP API's: a secret of somebody
 * else would end in what this subscriber's people may read, or act in the other's name.
 * @throws InvalidRequest naming the field and the place
 */
export function requireOwnSecrets(
  { inputSecretPrefix, executionName }: InputSecrets,
  userName: string,
  references: readonly { field: string; secretId: string | undefined; mayBeOfApi?: boolean }[],
): void {
  for (const { field, secretId, mayBeOfApi = false } of references) {
    if (secretId === undefined) continue;
    if (
      mayBeOfApi &&
      // Stryker disable next-line ConditionalExpression: for the compiler alone, because no execution of the HTTP API is named `undefined`.
      executionName !== undefined &&
      isApiPasswordOf(inputSecretPrefix, { userName, executionName }, secretId)
    )
      continue;
    if (isOfApi(inputSecretPrefix, userName, secretId)) {
      throw new InvalidRequest(
        field,
        'must not name a password that came through the HTTP API: redrive its own execution, or send the password again',
      );
    }
    const folder = subscriberInputPrefix(inputSecretPrefix, userName);
    if (!secretId.startsWith(folder) || secretId.length === folder.length) {
      throw new InvalidRequest(
        field,
        `must name a secret below ${folder}, where the secrets for this subscriber's requests are`,
      );
    }
  }
}

/**
 * Parses the request of any machine.
 * @throws InvalidRequest naming the field and the rule; never quoting a value
 */
export function parseFields<Parsed>(schema: v.GenericSchema<unknown, Parsed>, request: unknown): Parsed {
  refusePlaintextPassword(request);
  return parse(
    schema,
    withoutSchema(request),
    (field, rule) => new InvalidRequest(field === '(root)' ? 'request' : field, rule),
  );
}

/** Without the name of its JSON Schema, by which editors help to write it: it asks for nothing. */
function withoutSchema(request: unknown): unknown {
  if (typeof request !== 'object' || request === null || !('$schema' in request)) return request;
  const { $schema, ...fields } = request;
  return typeof $schema === 'string' ? fields : request;
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

/** Accounts as a message names them: not all of a hundred. */
export function shownAccounts(accountIds: readonly string[]): string {
  const shown = accountIds.slice(0, 10);
  const more = accountIds.length - shown.length;
  return `${shown.join(', ')}${more === 0 ? '' : ` and ${more} others of the param accounts`}`;
}
