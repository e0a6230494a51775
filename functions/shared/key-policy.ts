import * as v from 'valibot';
import { KeyPolicyFull, KeyPolicyOrphan } from './errors.ts';
import { json } from './json.ts';

const strings = v.union([v.string(), v.array(v.string())]);
const statementSchema = v.looseObject({
  Sid: v.optional(v.string()),
  Principal: v.optional(v.union([v.string(), v.record(v.string(), strings)])),
});
const policySchema = v.looseObject({
  Statement: v.pipe(
    v.unknown(),
    v.transform((statement) => [statement].flat()),
    v.array(statementSchema),
  ),
});
export type KeyPolicy = v.InferOutput<typeof policySchema>;
type Statement = v.InferOutput<typeof statementSchema>;

/** KMS's limit for a key policy, in bytes of the document. */
const maxBytes = 32_768;

// The setup guide's statements (1.1.3.3), under Sids of our own, so that a statement with the console's Sids is nobody's but the owner's.
const useStatement = {
  Sid: 'Allow use of the key by InfinStor',
  Effect: 'Allow',
  Action: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'],
  Resource: '*',
};
const attachmentStatement = {
  Sid: 'Allow attachment of persistent resources by InfinStor',
  Effect: 'Allow',
  Action: ['kms:CreateGrant', 'kms:ListGrants', 'kms:RevokeGrant'],
  Resource: '*',
  Condition: { Bool: { 'kms:GrantIsForAWSResource': 'true' } },
};
const ourSids: readonly string[] = [useStatement.Sid, attachmentStatement.Sid];

/** Parses a key policy document. @throws v.ValiError when it is not one: KMS stores no such policy */
export function parseKeyPolicy(document: string): KeyPolicy {
  return v.parse(json(policySchema), document);
}

/** The policy as it is sent to KMS: without white space, which counts against the limit. */
export function serializeKeyPolicy(policy: KeyPolicy): string {
  return JSON.stringify(policy);
}

/**
 * The policy in which exactly these roles have our two statements. Every other statement stays as it is; ids that deleted
 * roles left in our statements go; an equal policy comes back when nothing changes.
 * @throws KeyPolicyOrphan when a foreign statement names a deleted principal, since KMS then refuses every change
 * @throws KeyPolicyFull when the result is larger than KMS allows
 */
export function withGrants(policy: KeyPolicy, roleArns: readonly string[]): KeyPolicy {
  const foreign = policy.Statement.filter(({ Sid }) => !isOurs(Sid));
  const [orphan] = orphans({ ...policy, Statement: foreign });
  if (orphan !== undefined) {
    throw new KeyPolicyOrphan(
      `Statement "${orphan.sid}" of the key policy names ${orphan.principalId}, a principal that was deleted`,
    );
  }
  const AWS = [...new Set(roleArns)].sort();
  const ours: Statement[] =
    AWS.length === 0
      ? []
      : [useStatement, attachmentStatement].map(({ Sid, ...rest }) => ({ Sid, Principal: { AWS }, ...rest }));
  const edited = { ...policy, Statement: [...foreign, ...ours] };
  if (canonical(edited) === canonical(policy)) return policy;
  const bytes = size(edited);
  if (bytes > maxBytes) {
    throw new KeyPolicyFull(
      `The key policy would have ${bytes} bytes with ${AWS.length} roles; KMS allows ${maxBytes}`,
    );
  }
  return edited;
}

/** The role ARNs that our statements name now, deleted roles' ids left out. */
export function grantedRoles(policy: KeyPolicy): string[] {
  const principals = policy.Statement.filter(({ Sid }) => isOurs(Sid)).flatMap(awsPrincipals);
  return [...new Set(principals)].filter((principal) => !isOrphan(principal));
}

/** The bare ids that KMS shows in place of deleted roles and users, with the statement that names them. */
export function orphans(policy: KeyPolicy): { sid: string; principalId: string }[] {
  return policy.Statement.flatMap((statement) =>
    awsPrincipals(statement)
      .filter(isOrphan)
      .map((principalId) => ({ sid: statement.Sid ?? '(without Sid)', principalId })),
  );
}

/** The size of the policy as it is sent, in bytes. */
export function size(policy: KeyPolicy): number {
  return Buffer.byteLength(serializeKeyPolicy(policy));
}

/**
 * A form in which policies of the same meaning are the same string. GetKeyPolicy returns arrays in another order than was
 * written, a one-element array as a scalar, and an account's id as its root ARN.
 */
export function canonical(policy: KeyPolicy): string {
  return JSON.stringify(canonicalValue(policy));
}

function canonicalValue(value: unknown): unknown {
  if (Array.isArray(value)) {
    const parts = [...new Set(value.map((part) => JSON.stringify(canonicalValue(part))))].sort();
    const [only, ...others] = parts;
    return only !== undefined && others.length === 0 ? JSON.parse(only) : parts.map((part) => JSON.parse(part));
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, part]): [string, unknown] => [
      key,
      key === 'AWS' ? canonicalValue([part].flat().map(rootArn)) : canonicalValue(part),
    ]);
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  }
  return value;
}

function rootArn(principal: unknown): unknown {
  return typeof principal === 'string' && /^\d{12}$/.test(principal) ? `arn:aws:iam::${principal}:root` : principal;
}

function isOurs(sid: string | undefined): boolean {
  return sid !== undefined && ourSids.includes(sid);
}

function awsPrincipals({ Principal }: Statement): string[] {
  return typeof Principal === 'object' ? [Principal.AWS ?? []].flat() : [];
}

function isOrphan(principal: string): boolean {
  return /^A(?:RO|ID)A[A-Z0-9]+$/.test(principal);
}
