import { describe, expect, it } from 'vitest';
import { read } from './documents.ts';

/** Each test that the page names: its file, and words of its name. */
const named = [...read('docs/security.md').matchAll(/`(test\/[\w/.-]+\.test\.ts)`: ([^|\n]+?)\.?\s*(?:\||\n|$)/g)].map(
  ([, path = '', words = '']) => [path, words] as const,
);
const rows = read('docs/security.md').match(/^\|.*\|$/gm) ?? [];

describe('docs/security.md', () => {
  it.each(named)('names a test that is there: %s, %s', (path, words) => {
    expect(read(path).replaceAll('\\', '')).toContain(words);
  });

  it('names a test for each thing that is not reached', () => {
    const claims = rows.filter((row) => !/^\| ?(?:Who|Compromised|---)/.test(row) && !row.startsWith('|---'));
    const without = claims.filter((row) => !row.includes('`test/'));
    // The administrator, whom nothing keeps from anything, and the vendor's bucket, which has a section.
    expect(without).toHaveLength(2);
    expect(named.length).toBeGreaterThan(claims.length - 2);
  });
});
