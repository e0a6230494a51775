import { randomInt } from 'node:crypto';

/** AWS's unique ids and access key ids: a prefix for the kind, and base 32. */
export function uniqueId(prefix: string, length: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  return prefix + Array.from({ length: length - prefix.length }, () => alphabet.charAt(randomInt(32))).join('');
}
