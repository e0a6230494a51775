import { type Access, type Caller, callerId, isSession, type PolicyDocument } from '../operation.ts';
import { type Context, holds, type LowerCaseContext, lowerCaseContext, matchesPattern } from './policy-conditions.ts';
import { type Patterns, type Principal, parsePolicy, type Statement } from './policy-document.ts';

/** A denial's reason is the end of AWS's sentence "User … is not authorized to perform … on resource …". */
export type Decision = { allowed: true } | { allowed: false; reason: string };

/** What one document says. `delegate`: it allows the principal's account, which leaves the answer to the identity policies. */
export type Verdict = 'allow' | 'delegate' | 'deny' | 'none';

/**
 * Who may do what to which resource. With a principal or account the document is read as a resource policy, whose statements
 * must name principals; without, as an identity policy, whose statements must not.
 */
export interface Question {
  /** The service that asks, such as `lambda.amazonaws.com`, in place of a principal. */
  service?: string;
  principalArn?: string;
  /** Default: the account of `principalArn`. */
  accountId?: string;
  action: string;
  resource: string;
  context?: Context;
}

/**
 * Whether the caller may make a call, after
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html: a deny anywhere wins, else either
 * side's allow suffices, except where the resource's policy alone decides unless it delegates to IAM (KMS, trust policies), and
 * across accounts, where both sides must allow. What a role's permissions boundary does not allow is denied:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
 * @throws Error when a policy holds an element that the evaluator does not know
 */
export function decide(caller: Caller, access: Access): Decision {
  const {
    action,
    resource,
    resourceAccountId = caller.accountId,
    resourcePolicy,
    identityPolicySuffices = true,
  } = access;
  const isCrossAccount = resourceAccountId !== caller.accountId;
  const context = { ...callerContext(caller), ...access.context };
  const identityVerdicts = caller.policies.map((policy) => policyAllows(policy, { action, resource, context }));
  const { permissionsBoundary } = caller;
  const boundaryVerdict =
    permissionsBoundary === undefined ? 'allow' : policyAllows(permissionsBoundary, { action, resource, context });
  const resourceVerdict =
    resourcePolicy &&
    policyAllows(resourcePolicy, {
      principalArn: caller.principalArn,
      accountId: caller.accountId,
      action,
      resource,
      context,
    });

  const denied = (reason: string): Decision => ({ allowed: false, reason });
  if (identityVerdicts.includes('deny')) return denied('with an explicit deny in an identity-based policy');
  if (resourceVerdict === 'deny') return denied('with an explicit deny in a resource-based policy');
  if (boundaryVerdict === 'deny') return denied('with an explicit deny in a permissions boundary');
  // Also of what a resource's policy allows: no policy here names a session, whom alone that would help.
  if (boundaryVerdict !== 'allow') return denied(`because no permissions boundary allows the ${action} action`);
  if (resourceVerdict === 'allow' && !isCrossAccount) return { allowed: true };

  const isOpen = resourceVerdict === 'allow' || resourceVerdict === 'delegate';
  if ((isCrossAccount || !identityPolicySuffices) && !isOpen) {
    return denied(`because no resource-based policy allows the ${action} action`);
  }
  if (identityVerdicts.includes('allow')) return { allowed: true };
  return denied(`because no identity-based policy allows the ${action} action`);
}

/**
 * What one policy document says.
 * @throws Error naming the element, operator or set qualifier that the evaluator does not know
 */
export function policyAllows(policy: PolicyDocument, question: Question): Verdict {
  const context = lowerCaseContext(question.context ?? {});
  const verdicts = parsePolicy(policy).map((statement) => statementVerdict(statement, question, context));
  return (['deny', 'allow', 'delegate'] as const).find((verdict) => verdicts.includes(verdict)) ?? 'none';
}

/** Undefined when the statement says nothing of it. */
function statementVerdict(statement: Statement, question: Question, context: LowerCaseContext): Verdict | undefined {
  const named = principalVerdict(statement, question);
  const applies =
    named !== undefined &&
    // Stryker disable next-line MethodExpression: actions are compared without case, whichever case that is done in
    applyPatterns(statement.action, question.action, (text) => text.toLowerCase()) &&
    applyPatterns(statement.resource, question.resource) &&
    statement.conditions.every((condition) => holds(condition, context));
  if (!applies) return undefined;
  // A deny for the account denies everybody in it.
  return statement.effect === 'Deny' ? 'deny' : named;
}

/** Undefined when the statement is not about who asks. */
function principalVerdict(
  { sid = '(no Sid)', principals }: Statement,
  question: Question,
): 'allow' | 'delegate' | undefined {
  const { service, principalArn, accountId = principalArn?.split(':')[4] } = question;
  const isIdentityPolicy = accountId === undefined && service === undefined;
  if (principals === undefined) {
    if (isIdentityPolicy) return 'allow';
    throw new Error(`Policy element Principal: missing in statement ${sid} of a resource policy`);
  }
  if (isIdentityPolicy)
    throw new Error(`Policy element Principal: not known in statement ${sid} of an identity policy`);

  const named = principals.list.filter(
    (principal) =>
      principal.type === 'everyone' ||
      (principal.type === 'account' && principal.accountId === accountId) ||
      (principal.type === 'identity' && principal.arn === principalArn) ||
      (principal.type === 'service' && principal.name === service),
  );
  const types = named.map(({ type }) => type);
  // Stryker disable next-line StringLiteral: a statement with NotPrincipal denies whom it does not except, whatever this says
  if (principals.negated) return isExcepted(types) ? undefined : 'allow';
  if (types.some((type) => type !== 'account')) return 'allow';
  return types.length > 0 ? 'delegate' : undefined;
}

/**
 * Whether NotPrincipal excepts who is named in it so. An identity must be named together with its account, and its account alone
 * excepts none of its identities: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
 */
function isExcepted(types: readonly Principal['type'][]): boolean {
  if (types.includes('everyone') || types.includes('service')) return true;
  return types.includes('account') && types.includes('identity');
}

function applyPatterns({ negated, patterns }: Patterns, text: string, normalize = (value: string) => value): boolean {
  const isAny = patterns.some((pattern) => matchesPattern(normalize(pattern), normalize(text)));
  return isAny !== negated;
}

/** A role's trust policy as a resource policy: its statements name no resource, as each is about its own role. */
export function trustPolicy(document: PolicyDocument): PolicyDocument {
  const statements: unknown[] = [document.Statement].flat();
  return { ...document, Statement: statements.map((statement) => Object.assign({ Resource: '*' }, statement)) };
}

/** The global condition keys that every call has: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html */
function callerContext(caller: Caller): Context {
  return {
    'aws:PrincipalArn': caller.principalArn,
    'aws:PrincipalAccount': caller.accountId,
    'aws:PrincipalType': isSession(caller) ? 'AssumedRole' : 'User',
    'aws:userid': callerId(caller),
    ...(!isSession(caller) && { 'aws:username': caller.arn.slice(caller.arn.lastIndexOf('/') + 1) }),
    'aws:PrincipalIsAWSService': 'false',
    'aws:RequestedRegion': caller.region,
    'aws:ViaAWSService': String(caller.via !== undefined),
  };
}
