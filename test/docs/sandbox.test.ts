import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { coverage, sandboxPage } from '../../scripts/draw/coverage.ts';

const doc = readFileSync(join(import.meta.dirname, '../../docs/sandbox.md'), 'utf8');

/** The sections of the services have a heading that begins with the service's name as code. */
const sections = new Map(
  doc.split(/^## /m).flatMap((section) => {
    const [, name, body] = /^`([\w-]+)`.*?\n(.*)$/s.exec(section) ?? [];
    return name && body ? [[name, body] as const] : [];
  }),
);

/** The items of a section's lists, with what stands below each. */
const items = (service: string) =>
  [...(sections.get(service) ?? '').matchAll(/^- \*\*`([^`]+)`\*\*: (.*)\n((?: {2}.*\n?)*)/gm)].map(
    ([, name = '', does = '', notes = '']) => ({ name, does, notes }),
  );
const named = (service: string) => items(service).map(({ name }) => name);
const isResourceType = (name: string) => name.includes('::');
const { operations, resourceTypes } = coverage();

describe('the document of the sandbox', () => {
  it('has the table that `npm run draw-coverage` writes', () => {
    expect(doc).toBe(sandboxPage(doc));
  });

  it('has a section for each service, and no other', () => {
    expect([...sections.keys()].toSorted()).toEqual([...operations.keys()].toSorted());
  });

  it.each([...operations])('describes each operation of %s, and no other', (service, names) => {
    expect(names.length).toBeGreaterThan(0);
    expect(
      named(service)
        .filter((name) => !isResourceType(name))
        .toSorted(),
    ).toEqual(names.toSorted());
  });

  it('describes each type of resource, and no other', () => {
    expect(named('cloudformation').filter(isResourceType).toSorted()).toEqual(resourceTypes.toSorted());
  });

  it('says of each what it does, what it refuses, and how AWS differs', () => {
    for (const { name, does, notes } of [...sections.keys()].flatMap(items)) {
      expect(does, name).toMatch(/\S/);
      expect(notes, name).toMatch(/^ {2}- Refuses: \S.*\n {2}- Differs: \S.*\n?$/);
    }
  });
});
