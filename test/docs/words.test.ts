import { readdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { documents, read } from './documents.ts';

const root = resolve(import.meta.dirname, '../..');

/** Words that were used here in a sense of their own, with those of the field. */
const dialect: readonly (readonly [RegExp, string])[] = [
  [/\b(?:tells?|told|telling)\b/i, 'return, report, show'],
  [/\bwhoever\b/i, 'the caller, anybody who'],
  [/\bat once\b/i, 'immediately, at the same time'],
  [/\bhas not\b(?! \w+(?:ed|en|un)\b)/i, 'does not have'],
  [/\b(?:the|a|each|every|own) machines?\b/i, 'state machine, computer'],
];

it.each(documents)('%s is written with the words of the field', (path) => {
  const text = read(path);
  for (const [word, better] of dialect) expect(word.exec(text)?.[0], `better: ${better}`).toBeUndefined();
});

const code = ['functions', 'lib', 'cli', 'sandbox', 'build', 'tools', 'deployment'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name))),
);

it('is so in what the code says', () => {
  const wrong = code.flatMap((path) => {
    const found = dialect.slice(0, 3).flatMap(([word]) => word.exec(read(path))?.[0] ?? []);
    return found.map((word) => `${path}: ${word}`);
  });
  expect(code.length).toBeGreaterThan(200);
  expect(wrong).toEqual([]);
});
