import * as v from 'valibot';
import { asJsonSchema } from '../as-json-schema.ts';
import { keyArnPattern, parseKeyArn } from '../aws/arns.ts';
import { InvalidRequest } from '../errors.ts';
import { type Fault, fault, type Path, unknownField } from '../faults.ts';
import { parseWhole } from '../parse.ts';
import { subscriberInputPrefix } from '../secrets/names.ts';
import { isApiPasswordOf, isOfApi } from './api-password.ts';

const keyArnRule = 'must be the ARN of a KMS key (arn:<partition>:kms:<region>:<account>:key/<id>)';

const isAlias = (arn: string) => /(?:^|:)alias\//.test(arn);

export const keyArnSchema = v.pipe(
  v.string('must be the ARN of a KMS key'),
  // The pattern of the next one has no alias.
  asJsonSchema(
    v.check((arn: string) => !isAlias(arn), `${keyArnRule}, not an alias`),
    {},
  ),
  asJsonSchema(
    v.check((arn: string) => isAlias(arn) || parseKeyArn(arn) !== undefined, keyArnRule),
    { pattern: keyArnPattern },
  ),
);

// The name becomes part of the role's name, of which IAM allows 64 characters and the vendor's prefix takes 30.
export const userNameSchema = v.pipe(
  v.string('must be a string'),
  v.regex(
    /^[A-Za-z](?:[A-Za-z0-9-]{0,32}[A-Za-z0-9])?$/,
    'must be 1 to 34 letters, digits and hyphens, begin with a letter and not end with a hyphen',
  ),
);

/** Refuses an array, which valibot takes for an object with its indexes as fields. */
export function object<Output>(schema: v.GenericSchema<unknown, Output>) {
  return v.pipe(
    v.unknown(),
    asJsonSchema(
      v.check(
        (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value),
        'must be an object',
      ),
      { type: 'object' },
    ),
    schema,
  );
}

/** An object of these fields alone, which refuses all others: valibot's own names the first of them. */
export function fields<Entries extends v.ObjectEntries>(entries: Entries): v.StrictObjectSchema<Entries, undefined> {
  const schema = v.strictObject(entries);
  return {
    ...schema,
    '~run'(dataset, config) {
      const input = dataset.value;
      const result = schema['~run'](dataset, config);
      const first = result.issues?.find(({ expected, path }) => expected === 'never' && path?.length === 1);
      if (first === undefined) return result;
      const others = Object.keys(Object(input)).filter((name) => !Object.hasOwn(entries, name));
      // The place of the first is among them, and a fault is reported once.
      for (const name of others) result.issues?.push({ ...first, path: [partOf(name)] });
      return result;
    },
  };
}

/** Names that valibot leaves out of records without a word, so that no object's prototype is reached. */
const reservedNames = ['__proto__', 'prototype', 'constructor'];

/** An object of any names, which refuses those that valibot would leave out. */
export function dictionary<
  Name extends v.BaseSchema<string, string | number | symbol, v.BaseIssue<unknown>>,
  Value extends v.GenericSchema,
>(name: Name, value: Value): v.RecordSchema<Name, Value, undefined> {
  const schema = v.record(name, value);
  return {
    ...schema,
    '~run'(dataset, config) {
      const input = Object(dataset.value);
      const result = schema['~run'](dataset, config);
      const reserved = reservedNames
        .filter((each) => Object.hasOwn(input, each))
        .map(
          (each): v.RecordIssue => ({
            kind: 'schema',
            type: 'record',
            input: each,
            expected: 'Object',
            received: 'name',
            message: unknownField,
            path: [partOf(each)],
          }),
        );
      const [first, ...others] = [...reserved, ...(result.issues ?? [])];
      return first === undefined || reserved.length === 0
        ? result
        : { typed: false, value: result.value, issues: [first, ...others] };
    },
  };
}

/** Of a path's part only the key is ever read. */
const partOf = (key: string) => ({ type: 'object', origin: 'key', input: {}, key, value: undefined }) as const;

/**
 * A check that is also made when parts of the value break rules of their own, which valibot's own checks are not.
 * @param isShape whether the value is enough of what it should be to be checked
 */
export function regardless<Input, Issue extends v.BaseIssue<unknown>>(
  isShape: (value: unknown) => value is Input,
  check: v.BaseValidation<Input, Input, Issue>,
): v.BaseValidation<Input, Input, Issue> {
  return {
    ...check,
    '~run'(dataset, config) {
      if (dataset.typed || !isShape(dataset.value)) return check['~run'](dataset, config);
      const { issues = [] } = check['~run']({ typed: true, value: dataset.value }, config);
      for (const issue of issues) dataset.issues?.push(issue);
      return dataset;
    },
  };
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

/** A secret that a request names: where, and which; undefined when it names none, or what cannot be one. */
interface Reference {
  path: Path;
  secretId: string | undefined;
  mayBeOfApi?: boolean;
}

/**
 * Which secrets are not below the folder of the request's own subscriber, or are there but the HTTP API's: a secret of somebody
 * else would end in what this subscriber's people may read, or act in the other's name.
 * @param userName undefined when the request names no subscriber who can be
 */
export function foreignSecrets(
  { inputSecretPrefix, executionName }: InputSecrets,
  userName: string | undefined,
  references: readonly Reference[],
): Fault[] {
  if (userName === undefined) return [];
  return references.flatMap(({ path, secretId, mayBeOfApi = false }) => {
    if (secretId === undefined) return [];
    if (
      mayBeOfApi &&
      // Stryker disable next-line ConditionalExpression: for the compiler alone, because no execution of the HTTP API is named `undefined`.
      executionName !== undefined &&
      isApiPasswordOf(inputSecretPrefix, { userName, executionName }, secretId)
    )
      return [];
    if (isOfApi(inputSecretPrefix, userName, secretId)) {
      return fault(
        path,
        'must not name a password that came through the HTTP API: redrive its own execution, or send the password again',
      );
    }
    const folder = subscriberInputPrefix(inputSecretPrefix, userName);
    const isWithin = secretId.startsWith(folder) && secretId.length > folder.length;
    return isWithin
      ? []
      : fault(path, `must name a secret below ${folder}, where the secrets for this subscriber's requests are`);
  });
}

/**
 * The superadmin's user name, ignoring case as user pools may: who is to be made exists, and a login with its name counts against the
 * superadmin's.
 */
export function superadminFault(
  superadminUserName: string | undefined,
  path: Path,
  userName: string | undefined,
): Fault[] {
  const isOther = userName === undefined || userName.toLowerCase() !== superadminUserName?.toLowerCase();
  return isOther ? [] : [fault(path, "must not be the superadmin's user name")];
}

/** A request whose parts can be looked at when others break their rules: what stands there, undefined when that breaks the schema. */
export type Parts = <Output>(path: Path, schema: v.GenericSchema<unknown, Output>) => Output | undefined;

/**
 * Parses the request of any machine.
 * @param furtherFaults those of rules that are not the schema's; it gets what is right of the request
 * @throws InvalidRequest naming each field and rule; never quoting a value
 */
export function parseFields<Parsed>(
  schema: v.GenericSchema<unknown, Parsed>,
  request: unknown,
  furtherFaults: (parts: Parts) => readonly Fault[] = () => [],
): Parsed {
  const result = parseWhole(schema, withoutSchema(request));
  const part: Parts = (path, ofPart) => {
    const found = parseWhole(
      ofPart,
      path.reduce<unknown>((value, name) => member(value, String(name)), request),
    );
    return 'output' in found ? found.output : undefined;
  };
  const others = [...plaintextPasswords(request), ...('faults' in result ? result.faults : []), ...furtherFaults(part)];
  if ('output' in result && others.length === 0) return result.output;
  throw new InvalidRequest(others);
}

/**
 * Parses what stands beside or instead of a request, such as the parameters of a path.
 * @throws InvalidRequest naming each field and rule; never quoting a value
 */
export function parseParameters<Parsed>(schema: v.GenericSchema<unknown, Parsed>, parameters: unknown): Parsed {
  const result = parseWhole(schema, parameters);
  if ('output' in result) return result.output;
  throw new InvalidRequest(result.faults);
}

/** Without the name of its JSON Schema, by which editors help to write it: it asks for nothing. */
function withoutSchema(request: unknown): unknown {
  if (typeof request !== 'object' || request === null || !('$schema' in request)) return request;
  const { $schema, ...rest } = request;
  return typeof $schema === 'string' ? rest : request;
}

/** What of a request that holds a password is wrong when an execution has it. */
export const plaintextRule =
  'must not be in the request, where the history keeps it for 90 days: choose another password, put it into a secret and refer to it with passwordSecretId';

/** First of all: a password that stands in an execution's input is in its history already. */
function plaintextPasswords(request: unknown): Fault[] {
  const users = Object.entries(Object(member(request, 'users')));
  const holders: (readonly [path: Path, holder: unknown])[] = [
    [[], request],
    [['subscriber'], member(request, 'subscriber')],
    ...users.map(([index, user]) => [['users', index], user] as const),
  ];
  return holders.flatMap(([path, holder]) =>
    typeof holder === 'object' && holder !== null && 'password' in holder
      ? fault([...path, 'password'], plaintextRule)
      : [],
  );
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
