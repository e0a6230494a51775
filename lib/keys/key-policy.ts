import { arnOwner, roleIdentity } from '../aws/arns.ts';
import { KeyPolicyFull, KeyPolicyNotUnderstood, KeyPolicyOrphan, RoleStillNamed } from '../errors.ts';
import { json, parseJson } from '../json.ts';
import { parse } from '../parse.ts';
import { canonical } from './canonical.ts';
import {
  awsPrincipals,
  isOrphan,
  type KeyPolicy,
  maxBytes,
  minified,
  orphans,
  policySchema,
  type Statement,
  size,
} from './policy-document.ts';
import { statementDifferences } from './statement-differences.ts';

/**
 * How roles stand in our statements: each by its ARN, or all of them by the pattern of their names, which needs no room for
 * another one (decision 14).
 */
export type KeyAccess = { mode: 'role-arns' } | { mode: 'role-pattern'; roleNamePrefix: string };

/** What messages call the policy of a key. */
export const policyOf = (keyArn: string): string => `the policy of key ${keyArn}`;

/** A statement of ours without those whom it lets use the key. */
type Template = Statement & { Sid: string };

// The setup guide's statements (1.1.3.3), under Sids of our own, so that a statement with the console's Sids is nobody's but the owner's.
const ourStatements: readonly Template[] = [
  {
    Sid: 'Allow use of the key by InfinStor',
    Effect: 'Allow',
    Action: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'],
    Resource: '*',
  },
  {
    Sid: 'Allow attachment of persistent resources by InfinStor',
    Effect: 'Allow',
    Action: ['kms:CreateGrant', 'kms:ListGrants', 'kms:RevokeGrant'],
    Resource: '*',
    Condition: { Bool: { 'kms:GrantIsForAWSResource': 'true' } },
  },
];

/**
 * Parses a key policy document. Each statement is kept as it is; one with a Sid of ours must be as we write it.
 * @param name what messages call it; of a person with several keys it is the only hint which one is meant
 * @throws KeyPolicyNotUnderstood naming the element when the document is not, to the last detail, one that can be written back
 */
export function parseKeyPolicy(document: string, name = 'the key policy'): KeyPolicy {
  const notUnderstood = (field: string, rule: string) =>
    new KeyPolicyNotUnderstood(`Element ${field} of ${name} ${rule}`);
  const policy = parse(json(policySchema), document, notUnderstood);
  const read = parseJson(document);
  // Of members of one name JSON.parse keeps the last, and of a number the nearest that it has.
  if (JSON.stringify(read) !== minified(document)) {
    throw notUnderstood('(root)', 'has a member twice, or a number in a form that would not be kept, like 1.0');
  }
  // The schema takes an array for an object, and drops these members, so that no object's prototype is reached.
  if (canonical(read) !== canonical(policy)) {
    throw notUnderstood(
      '(root)',
      'has an array in place of an object, or a member named constructor, prototype or __proto__',
    );
  }
  const foreign = foreignStatements(policy);
  // An empty Sid is none: tools write one into every statement.
  const sids = foreign.flatMap(({ Sid }) => Sid || []);
  const repeated = sids.find((sid, index) => sids.indexOf(sid) < index);
  if (repeated !== undefined) {
    throw new KeyPolicyNotUnderstood(`Several statements of ${name} have the Sid "${repeated}"`);
  }
  for (const statement of foreign) {
    const template = templateOf(statement);
    if (template === undefined) continue;
    const differences = statementDifferences(statement, closestTo(statement, template));
    throw new KeyPolicyNotUnderstood(
      `Statement "${template.Sid}" of ${name} has a Sid of the onboarding, but is not as the onboarding writes it: ${differences.join('; ')}`,
    );
  }
  return policy;
}

/**
 * The policy in which exactly these roles have our two statements. Every other statement stays as it is; ids that deleted
 * roles left in our statements go; an equal policy comes back when nothing changes.
 * @param roleArns ARNs of IAM roles, in any order
 * @param name what messages call the policy
 * @param kept patterns of roles that keep the key, whatever the access is: a policy has one pair of our statements, in which roles
 *   then stand beside them by their ARNs
 * @throws KeyPolicyOrphan when a foreign statement names a deleted principal, since KMS then refuses every change
 * @throws KeyPolicyFull when the result is larger than KMS allows
 */
export function withGrants(
  policy: KeyPolicy,
  roleArns: readonly string[],
  access: KeyAccess,
  name = 'the key policy',
  kept: readonly string[] = [],
): KeyPolicy {
  requireNoOrphan(policy, name);
  const edited = withStatements(policy, statementsFor(roleArns, access, kept));
  // The canonical form does not count: statements of ours may stand there twice.
  const isAsLong = edited.Statement.length === policy.Statement.length;
  if (isAsLong && canonical(edited) === canonical(policy)) return policy;
  const bytes = size(edited);
  if (bytes > maxBytes) throw new KeyPolicyFull(new Set(roleArns).size, { bytes, maxBytes, name });
  return edited;
}

/** The size of the policy in which these roles have our statements, as `withGrants` makes it, though it be more than KMS allows. */
export function sizeWith(
  policy: KeyPolicy,
  roleArns: readonly string[],
  access: KeyAccess,
  kept: readonly string[] = [],
): number {
  return size(withStatements(policy, statementsFor(roleArns, access, kept)));
}

const withStatements = (policy: KeyPolicy, ours: readonly Statement[]): KeyPolicy => ({
  ...policy,
  Statement: [...foreignStatements(policy), ...ours],
});

function requireNoOrphan(policy: KeyPolicy, name: string): void {
  const [orphan] = orphans({ ...policy, Statement: foreignStatements(policy) });
  if (orphan === undefined) return;
  throw new KeyPolicyOrphan(
    `Statement "${orphan.sid}" of ${name} names ${orphan.principalId}, a principal that was deleted`,
  );
}

/**
 * Whether both of our statements let the role use the key, in the way that is asked for: by its ARN it may also stand beside a
 * pattern, which may be another deployment's. A statement that
 * lets in more than it should is not how it is asked for.
 */
export function isGranted(policy: KeyPolicy, roleArn: string, access: KeyAccess): boolean {
  const grantee = granteeOf(roleArn, access);
  const isAsAsked = (statement: Statement) =>
    modeOf(statement) === access.mode || (access.mode === 'role-arns' && granteesOf(statement).some(isPattern));
  const granting = ownStatements(policy).filter(
    (statement) => isAsAsked(statement) && !isOpen(statement) && granteesOf(statement).includes(grantee),
  );
  return new Set(granting.map(({ Sid }) => Sid)).size === ourStatements.length;
}

/** The patterns of roles in our statements that none of these roles needs. */
export function unneededPatterns(policy: KeyPolicy, roleArns: readonly string[], access: KeyAccess): string[] {
  const needed = new Set(roleArns.map((roleArn) => granteeOf(roleArn, access)));
  return grantees(policy).filter((grantee) => isPattern(grantee) && !needed.has(grantee));
}

/** The role ARNs that our statements name now; neither the ids of deleted roles nor patterns. */
export function grantedRoles(policy: KeyPolicy): string[] {
  return [...new Set(ownStatements(policy).flatMap(granteesOf))].filter(isRole);
}

/** The statements that are not ours. */
export function foreignStatements(policy: KeyPolicy): Statement[] {
  return policy.Statement.filter((statement) => !isOurs(statement));
}

/** Whether two policies say the same but for our statements. */
export function isSameElsewhere(one: KeyPolicy, other: KeyPolicy): boolean {
  const [first, second] = [one, other].map((policy) => canonical({ ...policy, Statement: foreignStatements(policy) }));
  return first === second;
}

/** Whom the statements that are not ours name of IAM. */
export function foreignPrincipals(policy: KeyPolicy): string[] {
  return foreignStatements(policy).flatMap(({ Principal, NotPrincipal }) => [
    ...awsPrincipals(Principal),
    ...awsPrincipals(NotPrincipal),
  ]);
}

/**
 * Checks that roles can be taken out of a policy and be deleted then.
 * @throws KeyPolicyOrphan when a foreign statement names a deleted principal, since KMS then refuses every change
 * @throws RoleStillNamed when a foreign statement names one of the roles
 */
export function requireWithdrawable(keyArn: string, policy: KeyPolicy, roleArns: readonly string[]): void {
  requireNoOrphan(policy, policyOf(keyArn));
  for (const roleArn of roleArns) {
    const sid = foreignNaming(policy, roleArn);
    if (sid !== undefined) throw new RoleStillNamed(keyArn, sid, roleArn);
  }
}

/** The Sid of a statement that is not ours and names the role, or a session of it; undefined when there is none. */
function foreignNaming(policy: KeyPolicy, roleArn: string): string | undefined {
  const role = roleIdentity(roleArn);
  const naming = foreignStatements(policy).find(({ Principal, NotPrincipal }) =>
    [...awsPrincipals(Principal), ...awsPrincipals(NotPrincipal)].some((principal) => roleIdentity(principal) === role),
  );
  return naming && (naming.Sid || '(without Sid)');
}

/** The statements that are ours. */
export function ownStatements(policy: KeyPolicy): Statement[] {
  return policy.Statement.filter(isOurs);
}

/** The Sids of our statements that let the role use the key: by its ARN, or by the pattern that would stand for it. */
export function statementsNaming(policy: KeyPolicy, grantee: string, access: KeyAccess): string[] {
  const names = isRole(grantee) ? [grantee, granteeOf(grantee, access)] : [grantee];
  return ownStatements(policy)
    .filter((statement) => granteesOf(statement).some((each) => names.includes(each)))
    .flatMap(({ Sid }) => Sid ?? []);
}

/** Whom our statements let use the key, in whichever way: roles, patterns of roles, and the ids that deleted roles left. */
export function grantees(policy: KeyPolicy): string[] {
  return [...new Set(ownStatements(policy).flatMap(granteesOf))];
}

/** Our statements as they are to be for these roles and patterns; none for nobody. */
function statementsFor(roleArns: readonly string[], access: KeyAccess, kept: readonly string[]): Statement[] {
  const grantees = [...new Set([...roleArns.map((roleArn) => granteeOf(roleArn, access)), ...kept])].sort();
  if (grantees.length === 0) return [];
  const mode = kept.length > 0 ? 'role-pattern' : access.mode;
  return ourStatements.map((statement) => statementWith(statement, grantees, mode));
}

/**
 * What stands for a role: its ARN, or the pattern of the ARNs that its name's prefix makes under its path.
 * @throws TypeError for anything but a role, which might let everybody use the key
 */
function granteeOf(roleArn: string, access: KeyAccess): string {
  if (!isRole(roleArn)) throw new TypeError(`${roleArn} is not the ARN of a role`);
  switch (access.mode) {
    case 'role-arns':
      return roleArn;
    case 'role-pattern': {
      const { roleNamePrefix } = access;
      const head = roleArn.slice(0, roleArn.lastIndexOf('/') + 1 + roleNamePrefix.length);
      // Names are found ignoring case, but patterns in policies do not: the role's own spelling counts.
      const hasPrefix = head.toLowerCase().endsWith(`/${roleNamePrefix.toLowerCase()}`);
      return hasPrefix ? `${head}*` : roleArn;
    }
  }
}

function statementWith(template: Template, grantees: readonly string[], mode: KeyAccess['mode']): Statement {
  const { Sid, Effect, ...rest } = template;
  switch (mode) {
    case 'role-arns':
      return { Sid, Effect, Principal: { AWS: [...grantees] }, ...rest };
    case 'role-pattern':
      return {
        Sid,
        Effect,
        Principal: '*',
        ...rest,
        Condition: {
          ...rest.Condition,
          // IAM user guide, "AWS global condition context keys": of a role's session, PrincipalArn is the role's ARN.
          StringEquals: {
            'aws:PrincipalAccount': [...new Set(grantees.map((grantee) => arnOwner(grantee).accountId))],
          },
          ArnLike: { 'aws:PrincipalArn': [...grantees] },
          ...belowOnePath(grantees),
        },
      };
  }
}

/**
 * The condition by which patterns match names below their path alone: `*` is any text, slashes included (IAM user guide, "ARN condition
 * operators"), and a path below may look like a role's name.
 */
function belowOnePath(grantees: readonly string[]): NonNullable<Statement['Condition']> {
  const below = grantees.filter(isPattern).map((pattern) => `${pattern}/*`);
  return below.length === 0 ? {} : { ArnNotLike: { 'aws:PrincipalArn': below } };
}

/** What was found out of a statement, which nobody changes: of a policy with hundreds of roles it is asked for each of them. */
function remembered(find: (statement: Statement) => boolean): (statement: Statement) => boolean {
  const known = new WeakMap<Statement, boolean>();
  return (statement) => {
    const found = known.get(statement) ?? find(statement);
    known.set(statement, found);
    return found;
  };
}

/** Whether a statement is one that we write, or have written, for some roles or ids of deleted ones. */
const isOurs = remembered((statement) => {
  const template = templateOf(statement);
  if (template === undefined) return false;
  const grantees = granteesOf(statement);
  if (!grantees.every(isGrantee)) return false;
  return isOpen(statement) || canonical(statementWith(template, grantees, modeOf(statement))) === canonical(statement);
});

/** Whether a statement is one of patterns as version 0.1.0 wrote it, which also match what is below another path. */
const isOpen = remembered((statement) => {
  const grantees = granteesOf(statement);
  if (!grantees.some(isPattern)) return false;
  const asWritten = ourStatements.map((template) => {
    const { Condition: { ArnNotLike: _, ...Condition } = {}, ...rest } = statementWith(
      template,
      grantees,
      'role-pattern',
    );
    return canonical({ ...rest, Condition });
  });
  return asWritten.includes(canonical(statement));
});

function templateOf({ Sid }: Statement): Template | undefined {
  return ourStatements.find((ours) => ours.Sid === Sid);
}

/** The statement of ours that one is most likely meant to be: for whom it is for, as far as we would write that. */
function closestTo(statement: Statement, template: Template): Statement {
  const grantees = granteesOf(statement);
  // Everybody without a pattern is not half of what we write, but a principal that we never would.
  const mode = grantees.length === 0 ? 'role-arns' : modeOf(statement);
  return statementWith(template, grantees.filter(isGrantee), mode);
}

/** Whom our statements may name: roles, patterns of roles, and the ids that deleted roles left. */
function isGrantee(principal: string): boolean {
  return isRole(principal.replace(/\*$/, '')) || isOrphan(principal);
}

/** Whether a grantee stands for all roles whose ARNs begin so. */
function isPattern(grantee: string): boolean {
  return grantee.endsWith('*');
}

function modeOf({ Principal }: Statement): KeyAccess['mode'] {
  return awsPrincipals(Principal).includes('*') ? 'role-pattern' : 'role-arns';
}

/** Whom one of our statements lets use the key: roles, patterns, or ids of deleted roles. */
function granteesOf(statement: Statement): string[] {
  if (modeOf(statement) === 'role-arns') return awsPrincipals(statement.Principal);
  const patterns = statement.Condition?.ArnLike?.['aws:PrincipalArn'];
  return [patterns].flat().filter((pattern) => typeof pattern === 'string');
}

function isRole(principal: string): boolean {
  return /^arn:aws[\w-]*:iam::\d{12}:role\/(?:[!-~]+\/)?[\w+=,.@-]+$/.test(principal);
}
