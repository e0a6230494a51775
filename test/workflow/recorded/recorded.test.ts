import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { coverage } from '../../../scripts/draw/coverage.ts';
import { useSandbox } from '../sandbox.ts';
import { play } from './driver.ts';
import { recordings } from './facts/all.ts';

const sandbox = useSandbox();

const docs = readFileSync(join(import.meta.dirname, '../../../docs/sandbox.md'), 'utf8');

/** The differences that stay, from their list in `docs/sandbox.md`: what differs, by the names of the answers. */
const listed = new Map(
  [...docs.matchAll(/^\| (outcome|text) \| (.+?) \| .+ \|$/gm)].flatMap(([, kind = '', names = '']) =>
    [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => [name, kind] as const),
  ),
);

/** The operations of which AWS's answer is not known here, from their list there: each has a reason. */
const unrecorded = [...docs.matchAll(/^\| no answer \| (.+?) \| .+ \|$/gm)].flatMap(([, names = '']) =>
  [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
);

const nameOf = (service: string, test: string, key: string) => `${service} ${test} ${key}`;
const all = recordings.flatMap(({ service, tests }) =>
  tests.flatMap(({ test, steps }) => steps.flatMap(({ key }) => (key === undefined ? [] : nameOf(service, test, key)))),
);

describe.each(recordings)('$service answers as in $file', ({ service, tests }) => {
  it.each(tests)('in $test, $date', async (recorded) => {
    const results = await play(sandbox(), service, recorded);
    const named = (key: string) => nameOf(service, recorded.test, key);
    const unexpected = results.filter(({ key, differs }) => differs !== (listed.get(named(key)) ?? 'no'));
    expect(unexpected).toEqual([]);
  });
});

describe('the recorded answers', () => {
  it('are at least 150, each with a name of its own, and 95 of 100 equal in status and code', () => {
    expect(all.length).toBeGreaterThanOrEqual(150);
    expect(new Set(all).size).toBe(all.length);
    expect([...listed.values()].filter((kind) => kind === 'outcome').length / all.length).toBeLessThanOrEqual(0.05);
  });

  it('are there for each operation served, but for those that are listed with a reason', () => {
    const held = new Set(
      recordings.flatMap(({ service, tests }) =>
        tests.flatMap(({ steps }) =>
          steps.flatMap(({ key, operation }) => (key === undefined ? [] : `${service} ${operation}`)),
        ),
      ),
    );
    const served = [...coverage().operations].flatMap(([service, names]) => names.map((name) => `${service} ${name}`));
    expect(served.filter((name) => !held.has(name)).toSorted()).toEqual(unrecorded.toSorted());
  });

  it('have all answers among them that the list of differences names', () => {
    expect([...listed.keys()].filter((name) => !all.includes(name))).toEqual([]);
  });

  it('have a file of recordings and a day each', () => {
    const sources = recordings.flatMap(({ file, tests }) =>
      tests.map(({ file: own = file, date }) => `${own} ${date}`),
    );
    expect(
      sources.filter((source) => !/^\w+\/[\w/]+\.(snapshot\.json|py) 20\d\d-[01]\d-[0-3]\d$/.test(source)),
    ).toEqual([]);
  });
});
