import { describe, expect, it } from 'vitest';
import { terminalIn } from '../../scripts/draw/terminal.ts';
import { documents, read } from './documents.ts';

const readme = read('README.md');

describe('README.md', () => {
  it('has at most 140 lines of at most 120 characters', () => {
    const lines = readme.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(140);
    for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(120);
  });

  it('shows as its request the one that it sends', () => {
    const [, request = ''] = /```json\n(.*?)```/s.exec(readme) ?? [];
    const $schema = '../schemas/onboard-subscriber.json';
    expect({ $schema, ...JSON.parse(request) }).toEqual(JSON.parse(read('examples/acme.json')));
  });

  it('has a picture of the terminal in which the sandbox has onboarded the subscriber', () => {
    expect(terminalIn(readme)).toMatch(/Onboarded acme/);
  });

  it('leads to each page of docs, some over another page', () => {
    const linked = (text: string) => [...text.matchAll(/\]\((?:docs\/)?([\w-]+\.md)/g)].map(([, page = '']) => page);
    const pages = documents.flatMap((path) => (/^docs\/[\w-]+\.md$/.test(path) ? [path.slice('docs/'.length)] : []));
    const first = linked(readme);
    const reached = new Set([
      ...first,
      ...pages.filter((page) => first.includes(page)).flatMap((page) => linked(read(`docs/${page}`))),
    ]);
    expect(pages.filter((page) => !reached.has(page))).toEqual([]);
  });
});

it.each(documents)('the JSON in %s can be parsed', (path) => {
  for (const [, json = ''] of read(path).matchAll(/^ *```json\n(.*?)^ *```/gms)) {
    expect(() => JSON.parse(json), json).not.toThrow();
  }
});
