import * as v from 'valibot';

/** KMS's limit for a key policy, in bytes of the document (KMS developer guide, "Resource quotas"). */
export const maxBytes = 32_768;

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

const operand = v.union([v.string(), v.number(), v.boolean()]);

export const statementSchema = v.strictObject({
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

export const policySchema = v.strictObject({
  Version: v.exactOptional(v.picklist(['2008-10-17', '2012-10-17'], 'must be 2008-10-17 or 2012-10-17')),
  Id: v.exactOptional(v.union([v.string(), v.number()], 'must be a string or a number')),
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
 * The policy as it is sent to KMS: without white space, which counts against the limit, and in the characters that KMS takes,
 * those of Latin-1.
 */
export function serializeKeyPolicy(policy: KeyPolicy): string {
  return JSON.stringify(policy).replace(
    /[\u0100-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The bare ids that KMS shows in place of deleted roles and users, with the statement that names them. */
export function orphans(policy: KeyPolicy): { sid: string; principalId: string }[] {
  return policy.Statement.flatMap(({ Sid, Principal, NotPrincipal }) =>
    [...awsPrincipals(Principal), ...awsPrincipals(NotPrincipal)]
      .filter(isOrphan)
      .map((principalId) => ({ sid: Sid || '(without Sid)', principalId })),
  );
}

/** The size of the policy as it is sent, in bytes. */
export function size(policy: KeyPolicy): number {
  return Buffer.byteLength(serializeKeyPolicy(policy));
}

/** A document of JSON without white space, with its strings as JSON.stringify writes them. */
export function minified(document: string): string {
  return document.replace(/"(?:[^"\\]|\\.)*"|\s/g, (part) => (part[0] === '"' ? JSON.stringify(JSON.parse(part)) : ''));
}

export function awsPrincipals(principal: Statement['Principal']): string[] {
  if (typeof principal === 'string') return [principal];
  return [principal?.AWS].flat().filter((one) => one !== undefined);
}

export function isOrphan(principal: string): boolean {
  return /^A(?:RO|ID)A[A-Z0-9]+$/.test(principal);
}
