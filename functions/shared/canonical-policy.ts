import { createHash } from 'node:crypto';

/**
 * A form in which policies of the same meaning are the same string. GetKeyPolicy returns arrays in another order than was
 * written, a one-element array as a scalar, and an account's id as its root ARN.
 */
export function canonical(policy: unknown): string {
  return JSON.stringify(canonicalValue(policy));
}

/** The SHA-256 of the canonical form, in hexadecimal. */
export function canonicalHash(policy: unknown): string {
  return createHash('sha256').update(canonical(policy)).digest('hex');
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
      key === 'AWS' ? canonicalValue([part].flat().map(accountId)) : canonicalValue(part),
    ]);
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  }
  return value;
}

/** The account's id in place of its root's ARN, in whichever partition. */
function accountId(principal: unknown): unknown {
  const [, account] = typeof principal === 'string' ? (/^arn:aws[\w-]*:iam::(\d{12}):root$/.exec(principal) ?? []) : [];
  return account ?? principal;
}
