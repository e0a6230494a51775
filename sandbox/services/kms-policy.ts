import * as v from 'valibot';
import { AwsError } from '../service.ts';
import type { Principals } from './kms.ts';

/** KMS's limit for a key policy: https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html */
const maxBytes = 32_768;

const texts = v.union([v.string(), v.pipe(v.array(v.string()), v.nonEmpty())]);
const everyKey = v.union([v.literal('*'), v.strictTuple([v.literal('*')])]);
const principals = v.record(v.string(), texts);
const statementSchema = v.looseObject({
  Sid: v.optional(v.string()),
  Effect: v.picklist(['Allow', 'Deny']),
  Principal: v.union([v.literal('*'), principals]),
  Action: v.optional(texts),
  NotAction: v.optional(texts),
  Resource: everyKey,
});
const documentSchema = v.looseObject({
  Version: v.exactOptional(v.picklist(['2008-10-17', '2012-10-17'])),
  Id: v.exactOptional(v.string()),
  // A single statement may stand without an array.
  Statement: v.pipe(
    v.unknown(),
    v.transform((value) => (Array.isArray(value) ? value : [value])),
    v.array(statementSchema),
    v.nonEmpty(),
  ),
});

/** A key policy that KMS accepts as a document. */
export type KeyPolicy = v.InferOutput<typeof documentSchema>;

/**
 * Parses the text of a key policy and checks everything that does not depend on the caller.
 * @throws AwsError LimitExceededException for more than 32,768 bytes, MalformedPolicyDocumentException for everything else
 */
export function parseKeyPolicy(text: string, iam: Principals): KeyPolicy {
  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytes) {
    throw new AwsError('LimitExceededException', `The key policy has ${bytes} bytes; the limit is ${maxBytes} bytes.`);
  }
  const policy = checkShape(parseJson(text));
  const sids = policy.Statement.flatMap(({ Sid }) => (Sid === undefined ? [] : [Sid]));
  if (new Set(sids).size < sids.length) throw malformed('Policy contains statements with duplicate Sids.');
  if (!awsPrincipals(policy).every((principal) => principal === '*' || iam.principalExists(principal))) {
    throw malformed('Policy contains a statement with one or more invalid principals.');
  }
  return policy;
}

function checkShape(document: unknown): KeyPolicy {
  const result = v.safeParse(documentSchema, document);
  if (!result.success) {
    throw malformed(`Policy element ${v.getDotPath(result.issues[0]) ?? '(document)'} is not valid.`);
  }
  for (const { Sid = '(no Sid)', Action, NotAction } of result.output.Statement) {
    const hasOne = (Action === undefined) !== (NotAction === undefined);
    if (!hasOne) throw malformed(`Policy statement ${Sid} must have exactly one of Action and NotAction.`);
  }
  return result.output;
}

/** Every `AWS` principal of the policy, `*` among them. */
function awsPrincipals(policy: KeyPolicy): string[] {
  return policy.Statement.flatMap(({ Principal }) => (Principal === '*' ? [] : (Principal.AWS ?? [])));
}

/** The policy with every `AWS` principal replaced. */
export function mapAwsPrincipals(policy: KeyPolicy, replace: (principal: string) => string): KeyPolicy {
  return {
    ...policy,
    Statement: policy.Statement.map((statement) => {
      const { Principal } = statement;
      if (Principal === '*' || Principal.AWS === undefined) return statement;
      return { ...statement, Principal: { ...Principal, AWS: mapTexts(Principal.AWS, replace) } };
    }),
  };
}

/**
 * The policy as a reader gets it: KMS keeps no order in the arrays of principals and actions, and may write an array of one
 * as a scalar. `read` counts the reads, so that the order also changes from one to the next.
 */
export function renderKeyPolicy(policy: KeyPolicy, read: number): string {
  const Statement = policy.Statement.map(({ Principal, Action, NotAction, ...rest }) => ({
    ...rest,
    Principal: Principal === '*' ? Principal : mapValues(Principal, (value) => shuffle(value, read)),
    ...(Action !== undefined && { Action: shuffle(Action, read) }),
    ...(NotAction !== undefined && { NotAction: shuffle(NotAction, read) }),
  }));
  return JSON.stringify({ ...policy, Statement }, null, 2);
}

/** Rotates by at least one and less than the length, so that the order always differs from the stored one. */
function shuffle(value: string | readonly string[], read: number): string | readonly string[] {
  if (typeof value === 'string') return value;
  const [only, ...others] = value;
  if (only !== undefined && others.length === 0) return only;
  const by = 1 + (read % others.length);
  return [...value.slice(by), ...value.slice(0, by)];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed('The key policy is not valid JSON.');
  }
}

const mapTexts = (value: string | string[], replace: (text: string) => string) =>
  typeof value === 'string' ? replace(value) : value.map(replace);

const mapValues = <Value, Result>(record: Readonly<Record<string, Value>>, map: (value: Value) => Result) =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));

export const malformed = (message: string) => new AwsError('MalformedPolicyDocumentException', message);
