// What the changelog says is to be done at an upgrade stands in one list.

import { expect, it } from 'vitest';
import { read } from './documents.ts';

const list = /^## Upgrade\n(.*?)^## /ms.exec(read('docs/deploying.md'))?.[1] ?? '';
/** The titles of the notes, each with the link to the list. */
const notes = [...read('CHANGELOG.md').matchAll(/\*\*To (?:do when|change)[^*]*\*\*(.*)/g)].map(
  ([, text = '']) => text,
);

it('the list of an upgrade has every note of the changelog', () => {
  expect(notes.length).toBeGreaterThan(3);
  for (const note of notes) {
    const [, title = 'a title and a link'] =
      /^ ([^*()[\]]+) \(\[docs\/deploying\.md\]\(docs\/deploying\.md#from-\d+\)\)/.exec(note) ?? [];
    expect(list).toContain(`**${title}.**`);
  }
});

it('its steps are numbered, and in order', () => {
  for (const part of list.split(/^### .*$/m).slice(0, 2)) {
    const numbers = [...part.matchAll(/^(\d+)\. /gm)].map(([, number]) => Number(number));
    expect(numbers.length).toBeGreaterThan(3);
    expect(numbers).toEqual(numbers.map((_, place) => place + 1));
  }
});
