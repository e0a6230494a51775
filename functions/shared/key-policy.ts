import * as v from 'valibot';
import { canonical } from './canonical-policy.ts';
import { KeyPolicyFull, KeyPolicyNotUnderstood, KeyPolicyOrphan } from './errors.ts';
import { json } from './json.ts';
import { parse } from './step.ts';

// The grammar of key policies: KMS developer guide, "Elements in a key policy"; IAM user guide, "Grammar of the IAM JSON policy language".
const texts = v.union([v.string(), v.array(v.string())], 'must be a string or an array of strings');
const principal = v.union(
  [
    v.literal('*'),
    v.strictObject({
      AWS: v.exactOptional(texts),
      Service: v.exactOptional(texts),
      Federated: v.exactOptional(texts),
      CanonicalUser: v.exactOptional(texts),
    }),
  ],
  'must be "*" or an object of AWS, Service, Federated and CanonicalUser',
);
/** A number that a policy is written back with as it was read. */
const number = v.pipe(
  v.number(),
  v.check(
    (value) => !Number.isInteger(value) || Number.isSafeInteger(value),
    'must be a number that can be kept as it is',
  ),
);
const operand = v.union([v.string(), number, v.boolean()]);
const statementSchema = v.strictObject({
  Sid: v.exactOptional(v.string()),
  Effect: v.picklist(['Allow', 'Deny'], 'must be Allow or Deny'),
  Principal: v.exactOptional(principal),
  NotPrincipal: v.exactOptional(principal),
  Action: v.exactOptional(texts),
  NotAction: v.exactOptional(texts),
  Resource: v.exactOptional(texts),
  NotResource: v.exactOptional(texts),
  Condition: v.exactOptional(
    v.record(
      v.string(),
      v.record(v.string(), v.union([operand, v.array(operand)], 'must be a value or an array of values')),
    ),
  ),
});
const policySchema = v.strictObject({
  Version: v.exactOptional(v.picklist(['2008-10-17', '2012-10-17'], 'must be 2008-10-17 or 2012-10-17')),
  Id: v.exactOptional(v.union([v.string(), number], 'must be a string or a number that can be kept as it is')),
  Statement: v.pipe(
    v.unknown(),
    // A single statement may stand without an array.
    v.transform((statement) => [statement].flat()),
    v.array(statementSchema),
  ),
});
export type KeyPolicy = v.InferOutput<typeof policySchema>;
export type Statement = v.InferOutput<typeof statementSchema>;

/**
 * How roles stand in our statements: each by its ARN, or all of them by the pattern of their names, which needs no room for
 * another one (decision 14).
 */
export type KeyAccess = { mode: 'role-arns' } | { mode: 'role-pattern'; roleNamePrefix: string };

/** KMS's limit for a key policy, in bytes of the document (KMS developer guide, "Resource quotas"). */
const maxBytes = 32_768;

// The setup guide's statements (1.1.3.3), under Sids of our own, so that a statement with the console's Sids is nobody's but the owner's.
const ourStatements: readonly (Statement & { Sid: string })[] = [
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

const roleArnPattern = /^(arn:aws[\w-]*:iam::(\d{12}):role\/(?:[!-~]+\/)?)([\w+=,.@*-]+)$/;

/**
 * Parses a key policy document. Each statement is kept as it is; one with a Sid of ours must be as we write it.
 * @throws KeyPolicyNotUnderstood naming the element when the document is not, to the last detail, one that can be written back
 */
export function parseKeyPolicy(document: string): KeyPolicy {
  const notUnderstood = (field: string, rule: string) =>
    new KeyPolicyNotUnderstood(`Element ${field} of the key policy ${rule}`);
  const policy = parse(json(policySchema), document, notUnderstood);
  // What the schema would drop without a word, such as a condition key named `constructor`.
  if (canonical(policy) !== canonical(JSON.parse(document))) {
    throw notUnderstood('(root)', 'has a member whose name cannot be kept');
  }
  const foreign = foreignStatements(policy);
  const sids = foreign.flatMap(({ Sid }) => Sid ?? []);
  const repeated = sids.find((sid, index) => sids.indexOf(sid) < index);
  if (repeated !== undefined) {
    throw new KeyPolicyNotUnderstood(`Several statements of the key policy have the Sid "${repeated}"`);
  }
  const taken = foreign.find(({ Sid }) => ourStatements.some((ours) => ours.Sid === Sid));
  if (taken !== undefined) {
    throw new KeyPolicyNotUnderstood(
      `Statement "${taken.Sid}" of the key policy has a Sid of the onboarding, but is not as the onboarding writes it`,
    );
  }
  return policy;
}

/** The policy as it is sent to KMS: without white space, which counts against the limit. */
export function serializeKeyPolicy(policy: KeyPolicy): string {
  return JSON.stringify(policy);
}

/**
 * The policy in which exactly these roles have our two statements. Every other statement stays as it is; ids that deleted
 * roles left in our statements go; an equal policy comes back when nothing changes.
 * @param roleArns ARNs of IAM roles, in any order
 * @throws KeyPolicyOrphan when a foreign statement names a deleted principal, since KMS then refuses every change
 * @throws KeyPolicyFull when the result is larger than KMS allows
 */
export function withGrants(policy: KeyPolicy, roleArns: readonly string[], access: KeyAccess): KeyPolicy {
  const foreign = foreignStatements(policy);
  const [orphan] = orphans({ ...policy, Statement: foreign });
  if (orphan !== undefined) {
    throw new KeyPolicyOrphan(
      `Statement "${orphan.sid}" of the key policy names ${orphan.principalId}, a principal that was deleted`,
    );
  }
  const edited = { ...policy, Statement: [...foreign, ...statementsFor(roleArns, access)] };
  if (canonical(edited) === canonical(policy)) return policy;
  const bytes = size(edited);
  if (bytes > maxBytes) throw new KeyPolicyFull({ roles: new Set(roleArns).size, bytes, maxBytes });
  return edited;
}

/** Whether both of our statements let the role use the key, in the way that is asked for. */
export function isGranted(policy: KeyPolicy, roleArn: string, access: KeyAccess): boolean {
  return statementsFor([roleArn], access).every((wanted) => {
    const [grantee] = granteesOf(wanted);
    return policy.Statement.some(
      (statement) =>
        statement.Sid === wanted.Sid &&
        isOurs(statement) &&
        modeOf(statement) === access.mode &&
        granteesOf(statement).some((other) => other === grantee),
    );
  });
}

/** The role ARNs that our statements name now; neither the ids of deleted roles nor patterns. */
export function grantedRoles(policy: KeyPolicy): string[] {
  const ours = policy.Statement.filter((statement) => isOurs(statement) && modeOf(statement) === 'role-arns');
  return [...new Set(ours.flatMap(granteesOf))].filter((principal) => !isOrphan(principal));
}

/** The statements that are not ours. */
export function foreignStatements(policy: KeyPolicy): Statement[] {
  return policy.Statement.filter((statement) => !isOurs(statement));
}

/** The statements that are ours. */
export function ownStatements(policy: KeyPolicy): Statement[] {
  return policy.Statement.filter(isOurs);
}

/** Whom our statements let use the key, in whichever way: roles, patterns of roles, and the ids that deleted roles left. */
export function grantees(policy: KeyPolicy): string[] {
  return [...new Set(ownStatements(policy).flatMap(granteesOf))];
}

/** The bare ids that KMS shows in place of deleted roles and users, with the statement that names them. */
export function orphans(policy: KeyPolicy): { sid: string; principalId: string }[] {
  return policy.Statement.flatMap(({ Sid: sid = '(without Sid)', Principal, NotPrincipal }) =>
    [...awsPrincipals(Principal), ...awsPrincipals(NotPrincipal)]
      .filter(isOrphan)
      .map((principalId) => ({ sid, principalId })),
  );
}

/** The size of the policy as it is sent, in bytes. */
export function size(policy: KeyPolicy): number {
  return Buffer.byteLength(serializeKeyPolicy(policy));
}

/** Our statements as they are to be for these roles; none for no role. */
function statementsFor(roleArns: readonly string[], access: KeyAccess): Statement[] {
  if (roleArns.length === 0) return [];
  const grantees = [...new Set(roleArns.map((roleArn) => granteeOf(roleArn, access)))].sort();
  return ourStatements.map((statement) => statementWith(statement, grantees, access.mode));
}

/** What stands for a role: its ARN, or the pattern of the ARNs that its name's prefix makes under its path. */
function granteeOf(roleArn: string, access: KeyAccess): string {
  switch (access.mode) {
    case 'role-arns':
      return roleArn;
    case 'role-pattern': {
      const [, head = '', , name = ''] = roleArnPattern.exec(roleArn) ?? [];
      const { length } = access.roleNamePrefix;
      // Names are found ignoring case, but patterns in policies do not: the role's own spelling counts.
      const fits = name.slice(0, length).toLowerCase() === access.roleNamePrefix.toLowerCase();
      return fits ? `${head}${name.slice(0, length)}*` : roleArn;
    }
  }
}

function statementWith(statement: Statement, grantees: readonly string[], mode: KeyAccess['mode']): Statement {
  const { Sid, Effect, Condition, ...rest } = statement;
  switch (mode) {
    case 'role-arns':
      return {
        ...(Sid !== undefined && { Sid }),
        Effect,
        Principal: { AWS: [...grantees] },
        ...rest,
        ...(Condition && { Condition }),
      };
    case 'role-pattern': {
      const accounts = [...new Set(grantees.map((grantee) => grantee.split(':')[4] ?? ''))];
      return {
        ...(Sid !== undefined && { Sid }),
        Effect,
        Principal: '*',
        ...rest,
        Condition: {
          ...Condition,
          // IAM user guide, "AWS global condition context keys": of a role's session, PrincipalArn is the role's ARN.
          StringEquals: { 'aws:PrincipalAccount': accounts },
          ArnLike: { 'aws:PrincipalArn': [...grantees] },
        },
      };
    }
  }
}

/** Whether a statement is one that we write, for some roles or ids of deleted ones. */
function isOurs(statement: Statement): boolean {
  const template = ourStatements.find(({ Sid }) => Sid === statement.Sid);
  if (template === undefined) return false;
  const grantees = granteesOf(statement);
  return (
    grantees.every((grantee) => roleArnPattern.test(grantee) || isOrphan(grantee)) &&
    canonical(statementWith(template, grantees, modeOf(statement))) === canonical(statement)
  );
}

function modeOf({ Principal }: Statement): KeyAccess['mode'] {
  return Principal === '*' ? 'role-pattern' : 'role-arns';
}

function granteesOf({ Principal, Condition }: Statement): string[] {
  if (Principal !== '*') return awsPrincipals(Principal);
  return [Condition?.ArnLike?.['aws:PrincipalArn'] ?? []].flat().map(String);
}

function awsPrincipals(principal: Statement['Principal']): string[] {
  return typeof principal === 'object' ? [principal.AWS ?? []].flat() : [];
}

function isOrphan(principal: string): boolean {
  return /^A(?:RO|ID)A[A-Z0-9]+$/.test(principal);
}
