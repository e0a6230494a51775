import * as v from 'valibot';
import { AwsError } from '../../core/operation.ts';
import { parsePolicy, policyOf, statementElements, UnsupportedPolicy } from '../../core/policies/policy-document.ts';
import type { Iam } from '../iam/service.ts';

/** KMS's limit for a key policy: https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html */
const maxBytes = 32_768;

/** What KMS knows of IAM. */
export type Principals = Pick<Iam, 'principalExists' | 'principalId'>;

const texts = v.union([v.string(), v.pipe(v.array(v.string()), v.nonEmpty())]);
const principalMap = v.strictObject({
  AWS: v.exactOptional(texts),
  Service: v.exactOptional(texts),
  Federated: v.exactOptional(texts),
  CanonicalUser: v.exactOptional(texts),
});
const principals = v.union([
  v.literal('*'),
  v.pipe(
    principalMap,
    v.check((map) => Object.keys(map).length > 0),
  ),
]);
/** In a key policy, `*` means the key; real policies also name it, or others, by their ARNs. */
const resource = v.pipe(v.string(), v.regex(/^(?:\*|arn:[^:]*:kms:.*)$/));
const statementSchema = v.strictObject({
  ...statementElements,
  Principal: v.optional(principals),
  NotPrincipal: v.optional(principals),
  Action: v.optional(texts),
  NotAction: v.optional(texts),
  Resource: v.optional(v.union([resource, v.pipe(v.array(resource), v.nonEmpty())])),
  NotResource: v.optional(v.never()),
});
const documentSchema = v.pipe(
  policyOf(statementSchema),
  v.check(({ Statement }) => Statement.length > 0),
);

/** A key policy that KMS accepts as a document. */
export type KeyPolicy = v.InferOutput<typeof documentSchema>;

/**
 * Parses the text of a key policy and checks everything that does not depend on the caller, so that every policy that a key has
 * can be evaluated. It is kept as it was written, but for a single statement, which becomes an array of one.
 * https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html
 * @throws AwsError LimitExceededException for more than 32,768 bytes, MalformedPolicyDocumentException for everything else
 * @throws UnsupportedPolicy for what KMS takes, and the sandbox cannot evaluate
 */
export function parseKeyPolicy(text: string, iam: Principals): KeyPolicy {
  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytes) {
    throw new AwsError('LimitExceededException', `The key policy has ${bytes} bytes; the limit is ${maxBytes} bytes.`);
  }
  const policy = checkShape(parseJson(text));
  // An empty Sid is none: tools write one into every statement.
  const sids = policy.Statement.flatMap(({ Sid = '' }) => (Sid === '' ? [] : [String(Sid)]));
  if (new Set(sids).size < sids.length) throw malformed('Policy contains statements with duplicate Sids.');
  if (!awsPrincipals(policy).every((principal) => principal === '*' || iam.principalExists(principal))) {
    throw malformed('Policy contains a statement with one or more invalid principals.');
  }
  requireEvaluable(policy);
  return policy;
}

function requireEvaluable(policy: KeyPolicy): void {
  try {
    // What has no effect is parsed, too.
    parsePolicy({ ...policy, Statement: policy.Statement.map(completed) });
  } catch (error) {
    if (!(error instanceof Error) || error instanceof UnsupportedPolicy) throw error;
    throw malformed(error.message);
  }
}

/** A statement with what it lacks, as if it were about everything. */
function completed(statement: KeyPolicy['Statement'][number]) {
  const { Action, NotAction, Resource = '*' } = statement;
  const hasAction = Action !== undefined || NotAction !== undefined;
  return { ...statement, ...(!hasAction && { Action: 'kms:*' }), Resource };
}

/**
 * A key policy without the statements that have no effect: KMS takes those that lack Action or Resource, and ignores them. Only the console refuses them
 * (KMS API reference, PutKeyPolicy, `Policy`).
 */
export function effective(policy: KeyPolicy): KeyPolicy {
  const isComplete = ({ Action, NotAction, Resource }: KeyPolicy['Statement'][number]) =>
    Resource !== undefined && (Action !== undefined || NotAction !== undefined);
  return { ...policy, Statement: policy.Statement.filter(isComplete) };
}

function checkShape(document: unknown): KeyPolicy {
  const result = v.safeParse(documentSchema, document);
  if (!result.success) {
    throw malformed(`Policy element ${v.getDotPath(result.issues[0]) ?? '(document)'} is not valid.`);
  }
  for (const { Sid = '(no Sid)', Principal, NotPrincipal, Action, NotAction } of result.output.Statement) {
    const count = (...values: unknown[]) => values.filter((value) => value !== undefined).length;
    if (count(Principal, NotPrincipal) !== 1) {
      throw malformed(`Policy statement ${Sid} must have exactly one of Principal and NotPrincipal.`);
    }
    if (count(Action, NotAction) > 1) throw malformed(`Policy statement ${Sid} cannot have both Action and NotAction.`);
  }
  return result.output;
}

/** Every `AWS` principal of the policy, `*` among them. */
function awsPrincipals(policy: KeyPolicy): string[] {
  return policy.Statement.flatMap(({ Principal = '*', NotPrincipal = '*' }) =>
    [Principal, NotPrincipal].flatMap((value) => (value === '*' ? [] : (value.AWS ?? []))),
  );
}

/** The policy with every `AWS` principal replaced. */
export function mapAwsPrincipals(policy: KeyPolicy, replace: (principal: string) => string): KeyPolicy {
  return mapPrincipals(policy, (map) =>
    map.AWS === undefined
      ? map
      : { ...map, AWS: typeof map.AWS === 'string' ? replace(map.AWS) : map.AWS.map(replace) },
  );
}

type PrincipalMap = v.InferOutput<typeof principalMap>;

/** The policy with every principal element replaced that does not mean everyone. */
function mapPrincipals(policy: KeyPolicy, replace: (map: PrincipalMap) => PrincipalMap): KeyPolicy {
  const mapped = (value: PrincipalMap | '*') => (value === '*' ? value : replace(value));
  const Statement = policy.Statement.map((statement) => ({
    ...statement,
    ...(statement.Principal !== undefined && { Principal: mapped(statement.Principal) }),
    ...(statement.NotPrincipal !== undefined && { NotPrincipal: mapped(statement.NotPrincipal) }),
  }));
  return { ...policy, Statement };
}

/**
 * The policy as a reader gets it: KMS keeps no order in the arrays of principals and actions, and may write an array of one
 * as a scalar. `read` counts the reads, so that the order also changes from one to the next.
 */
export function renderKeyPolicy(policy: KeyPolicy, read: number): string {
  const { Statement, ...rest } = mapPrincipals(policy, (map) => mapValues(map, (value) => shuffle(value, read)));
  const statements = Statement.map(({ Action, NotAction, ...others }) => ({
    ...others,
    ...(Action !== undefined && { Action: shuffle(Action, read) }),
    ...(NotAction !== undefined && { NotAction: shuffle(NotAction, read) }),
  }));
  return JSON.stringify({ ...rest, Statement: statements }, null, 2);
}

/** Rotates by at least one and less than the length, so that the order always differs from the stored one. */
function shuffle(value: string | string[], read: number): string | string[] {
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

const mapValues = <Value, Result>(record: Readonly<Record<string, Value>>, map: (value: Value) => Result) =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));

export const malformed = (message: string) => new AwsError('MalformedPolicyDocumentException', message);
