import { expect, it } from 'vitest';
import { documents, read } from './documents.ts';

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
