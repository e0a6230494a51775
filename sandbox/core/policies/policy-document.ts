import { isIP } from 'node:net';
import * as v from 'valibot';
import type { PolicyDocument } from '../operation.ts';

/** One condition: the operator, its modifiers, the key in lower case, and the values of which one must match (negated: none may). */
export interface Condition {
  operator: ConditionOperator;
  negated: boolean;
  ifExists: boolean;
  quantifier?: 'ForAllValues' | 'ForAnyValue';
  key: string;
  values: readonly string[];
}

export type ConditionOperator = (typeof conditionOperators)[number];

const conditionOperators = [
  'StringEquals',
  'StringEqualsIgnoreCase',
  'StringLike',
  'NumericEquals',
  'NumericLessThan',
  'NumericLessThanEquals',
  'NumericGreaterThan',
  'NumericGreaterThanEquals',
  'DateEquals',
  'DateLessThan',
  'DateLessThanEquals',
  'DateGreaterThan',
  'DateGreaterThanEquals',
  'Bool',
  'BinaryEquals',
  'IpAddress',
  'ArnEquals',
  'ArnLike',
  'Null',
] as const;

/** The operators that hold when another one does not. */
const negations: ReadonlyMap<string, ConditionOperator> = new Map([
  ['StringNotEquals', 'StringEquals'],
  ['StringNotEqualsIgnoreCase', 'StringEqualsIgnoreCase'],
  ['StringNotLike', 'StringLike'],
  ['NumericNotEquals', 'NumericEquals'],
  ['DateNotEquals', 'DateEquals'],
  ['NotIpAddress', 'IpAddress'],
  ['ArnNotEquals', 'ArnEquals'],
  ['ArnNotLike', 'ArnLike'],
]);

/**
 * A principal of a statement. A deleted role or user stays as its bare id and is nobody; nobody calls the sandbox as a federated
 * or canonical user.
 */
export type Principal =
  | { type: 'everyone' }
  | { type: 'account'; accountId: string }
  | { type: 'identity'; arn: string }
  | { type: 'deleted'; id: string }
  | { type: 'service'; name: string }
  | { type: 'federated'; provider: string }
  | { type: 'canonical-user'; id: string };

/** Whom a statement is for, or (`negated`) whom it spares. */
export interface Principals {
  negated: boolean;
  list: readonly Principal[];
}

/** Patterns of which one must match, or (`negated`) none may. */
export interface Patterns {
  negated: boolean;
  patterns: readonly string[];
}

export interface Statement {
  sid?: string;
  effect: 'Allow' | 'Deny';
  /** Absent in identity policies. */
  principals?: Principals;
  action: Patterns;
  resource: Patterns;
  conditions: readonly Condition[];
}

/** One text or several; what is written is kept. */
const texts = v.union([v.string(), v.array(v.string())]);
const scalar = v.union([v.string(), v.boolean(), v.number()]);
// Quotation marks are optional for numbers: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
const label = v.union([v.string(), v.number()]);
const principalElement = v.union([v.literal('*'), v.record(v.string(), texts)]);

/** The elements of a statement, of which each kind of policy may narrow some. */
export const statementElements = {
  Sid: v.optional(label),
  Effect: v.picklist(['Allow', 'Deny']),
  Principal: v.optional(principalElement),
  NotPrincipal: v.optional(principalElement),
  Action: v.optional(texts),
  NotAction: v.optional(texts),
  Resource: v.optional(texts),
  NotResource: v.optional(texts),
  Condition: v.optional(v.record(v.string(), v.record(v.string(), v.union([scalar, v.array(scalar)])))),
};

/** A policy of such statements. A single one may stand without an array, and becomes an array of one. */
export const policyOf = <Statement extends v.GenericSchema>(statement: Statement) =>
  v.strictObject({
    Version: v.exactOptional(v.picklist(['2008-10-17', '2012-10-17'])),
    Id: v.exactOptional(label),
    Statement: v.pipe(
      v.unknown(),
      v.transform((value) => (Array.isArray(value) ? value : [value])),
      v.array(statement),
    ),
  });

type Texts = v.InferOutput<typeof texts>;
type Scalar = v.InferOutput<typeof scalar>;

const statementSchema = v.strictObject(statementElements);
const documentSchema = policyOf(statementSchema);

/** Thrown for a policy that AWS has an answer for, and the sandbox has not. */
export class UnsupportedPolicy extends Error {}

/**
 * Parses a policy whole, so that what the evaluator does not know is found whether or not it would have mattered.
 * Grammar: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 * @throws UnsupportedPolicy naming the policy variable that it uses
 * @throws Error naming the element, operator, set qualifier, principal type or principal that is not known
 */
export function parsePolicy(document: PolicyDocument): readonly Statement[] {
  const statements = parsed.get(document) ?? parseStatements(document);
  parsed.set(document, statements);
  return statements;
}

/** Every call asks the same policies, and none is changed in place. */
const parsed = new WeakMap<PolicyDocument, readonly Statement[]>();

function parseStatements(document: PolicyDocument): readonly Statement[] {
  const result = v.safeParse(documentSchema, document);
  if (!result.success) {
    const [issue] = result.issues;
    throw new Error(`Policy element ${v.getDotPath(issue) ?? '(document)'}: ${issue.message}`);
  }
  return result.output.Statement.map(toStatement);
}

function toStatement(statement: v.InferOutput<typeof statementSchema>): Statement {
  const { Sid, Effect, Action, NotAction, Resource, NotResource, Condition = {} } = statement;
  const principals = toPrincipals(statement);
  return {
    ...(Sid !== undefined && { sid: String(Sid) }),
    effect: Effect,
    ...(principals !== undefined && { principals }),
    action: toPatterns('Action', Action, NotAction),
    resource: toPatterns('Resource', Resource, NotResource),
    conditions: Object.entries(Condition).flatMap(([operator, keys]) => toConditions(operator, keys)),
  };
}

function toPatterns(element: string, positive?: Texts, negative?: Texts): Patterns {
  const patterns = positive ?? negative;
  if (patterns === undefined || (positive && negative)) {
    throw new Error(`Policy element ${element}: a statement has exactly one of ${element} and Not${element}`);
  }
  return { negated: positive === undefined, patterns: [patterns].flat().map(withoutVariables) };
}

function toPrincipals(statement: v.InferOutput<typeof statementSchema>): Principals | undefined {
  const { Effect, Principal, NotPrincipal } = statement;
  if (NotPrincipal === undefined) return Principal && { negated: false, list: toList(Principal) };
  if (Principal !== undefined) {
    throw new Error('Policy element Principal: a statement has one of Principal and NotPrincipal');
  }
  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
  if (Effect !== 'Deny') throw new Error('Policy element NotPrincipal: not allowed in a statement that allows');
  return { negated: true, list: toList(NotPrincipal) };
}

function toList(principal: v.InferOutput<typeof principalElement>): Principal[] {
  if (principal === '*') return [{ type: 'everyone' }];
  return Object.entries(principal).flatMap(([type, written]) => {
    const values = [written].flat();
    switch (type) {
      case 'AWS':
        return values.map(toAwsPrincipal);
      case 'Service':
        return values.map((name): Principal => ({ type: 'service', name }));
      case 'Federated':
        return values.map((provider): Principal => ({ type: 'federated', provider }));
      case 'CanonicalUser':
        return values.map((id): Principal => ({ type: 'canonical-user', id }));
      default:
        throw new Error(`Policy element Principal: unknown principal type ${type}`);
    }
  });
}

function toAwsPrincipal(value: string): Principal {
  if (value === '*') return { type: 'everyone' };
  const accountId = /^(?:arn:aws[\w-]*:iam::)?(\d{12})(?::root)?$/.exec(value)?.[1];
  if (accountId !== undefined) return { type: 'account', accountId };
  if (/^arn:aws[\w-]*:iam::\d{12}:(role|user)\/.+$/.test(value)) return { type: 'identity', arn: value };
  if (/^A(RO|ID)A[A-Z0-9]+$/.test(value)) return { type: 'deleted', id: value };
  throw new Error(`Policy element Principal: unknown principal ${value}`);
}

function toConditions(name: string, keys: Readonly<Record<string, Scalar | Scalar[]>>): Condition[] {
  const {
    quantifier,
    // Stryker disable next-line StringLiteral: no name of an operator, like any other text that is none
    base = '',
    suffix,
  } = /^(?:(?<quantifier>\w+):)?(?<base>\w+?)(?<suffix>IfExists)?$/.exec(name)?.groups ?? {};
  const operator = negations.get(base) ?? conditionOperators.find((known) => known === base);
  // AWS has IfExists on every operator but Null.
  const isKnown = operator !== undefined && !(operator === 'Null' && suffix);
  if (!isKnown) throw new Error(`Policy element Condition: unknown operator ${name}`);
  if (quantifier !== undefined && quantifier !== 'ForAllValues' && quantifier !== 'ForAnyValue') {
    throw new Error(`Policy element Condition: unknown set qualifier ${quantifier}`);
  }
  return Object.entries(keys).map(([key, values]) => ({
    operator,
    negated: negations.has(base),
    ifExists: suffix !== undefined,
    ...(quantifier !== undefined && { quantifier }),
    key: key.toLowerCase(),
    values: [values]
      .flat()
      .map(String)
      .map(withoutVariables)
      .map(operator === 'IpAddress' ? requireRange : String),
  }));
}

function requireRange(value: string): string {
  // Stryker disable next-line StringLiteral: for the compiler alone, because a text has a first part
  const [address = '', prefix, ...more] = value.split('/');
  const version = isIP(address);
  const isPrefix = prefix === undefined || (/^\d+$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
  if (version !== 0 && isPrefix && more.length === 0) return value;
  throw new Error(`Policy element Condition: ${value} is not an address or a range of addresses`);
}

function withoutVariables(value: string): string {
  if (value.includes('${')) throw new UnsupportedPolicy(`Policy element ${value}: policy variables are not known`);
  return value;
}
