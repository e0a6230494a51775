import { createHash } from 'node:crypto';

/**
 * A form in which policies of the same meaning are the same string. GetKeyPolicy returns arrays in another order than was
 * written, a one-element array as a scalar, and an account's id as its root ARN.
 */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) {
    const parts = [...new Set(value.map(canonical))].sort();
    return parts.length === 1 ? parts.join() : `[${parts.join()}]`;
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .map(
        ([name, part]) => `${JSON.stringify(name)}:${canonical(name === 'AWS' ? [part].flat().map(accountId) : part)}`,
      )
      .sort()
      .join();
    // IAM user guide, "AWS JSON policy elements: Principal": the same as "*" alone.
    return members === '"AWS":"*"' ? '"*"' : `{${members}}`;
  }
  return JSON.stringify(value);
}

/** The SHA-256 of the canonical form, in hexadecimal. */
export function canonicalHash(policy: unknown): string {
  return createHash('sha256').update(canonical(policy)).digest('hex');
}

/** The account's id in place of its root's ARN, in whichever partition. */
function accountId(principal: unknown): unknown {
  return typeof principal === 'string' ? principal.replace(/^arn:aws[\w-]*:iam::(\d{12}):root$/, '$1') : principal;
}
