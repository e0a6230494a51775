import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const page = read('CONTRIBUTING.md');
const section = (title: string) => page.split(/^## /m).find((text) => text.startsWith(`${title}\n`)) ?? '';

/** The first cells of the rows of "Add a step", as paths. */
const places = [...section('Add a step').matchAll(/^\| `([^`]+)` \|/gm)].map(([, path = '']) => path);
const own = places.filter((path) => path.includes('<step>'));
const shared = places.filter((path) => !path.includes('<step>'));

/** Steps that are like most: nothing is said of them but what the page lists. */
const steps = [
  { step: 'read-role-arn', state: 'ReadRoleArn', machines: ['onboard-subscriber', 'upgrade-subscriber'] },
  { step: 'verify-subscriber', state: 'VerifySubscriber', machines: ['onboard-subscriber'] },
  { step: 'complete-users', state: 'CompleteUsers', machines: ['add-user'] },
  { step: 'complete-update', state: 'CompleteUpdate', machines: ['update-subscriber'] },
];

/** Where code, deployment and pages are that say how the project is, and not how it came to be so. */
const searched = [
  ...[
    'bench',
    'build',
    'cli',
    'deployment',
    'docs',
    'functions',
    'lib',
    'sandbox',
    'scripts',
    'stages',
    'statemachine',
    'tools',
  ],
  ...['serverless.yml', 'package.json', 'biome.json', 'knip.json', 'vitest.config.ts', 'stryker.config.mjs'],
];
/** Pictures are all drawn by one script: the page names one of them. */
const isOtherPicture = (path: string) => /^docs\/pictures\/(?!onboard\.)/.test(path);
const files = searched.flatMap(filesIn).filter((path) => !path.startsWith('docs/decisions/') && !isOtherPicture(path));

function filesIn(path: string): string[] {
  if (!statSync(join(root, path)).isDirectory()) return [path];
  return readdirSync(join(root, path)).flatMap((entry) => filesIn(`${path}/${entry}`));
}

describe('the list of places of a new step', () => {
  it('has places of its own and shared ones', () => {
    expect(own.length).toBeGreaterThan(3);
    expect(shared.length).toBeGreaterThan(3);
  });

  it.each(steps)(
    'holds for $step, and nothing outside of it and the tests names the step',
    ({ step, state, machines }) => {
      for (const path of own.filter((each) => !each.endsWith('resources.yml'))) {
        expect(files.concat(filesIn('test')), path).toContain(path.replaceAll('<step>', step));
      }
      const named = new RegExp(`\\b(${step}|${state}|${state[0]?.toLowerCase()}${state.slice(1)})\\b`);
      const listed = shared.flatMap((path) => machines.map((machine) => path.replace('<machine>', machine)));
      const outside = files.filter((path) => !path.startsWith(`functions/${step}/`));
      const naming = outside.filter((path) => named.test(read(path)));
      expect(listed).toEqual(expect.arrayContaining(naming));
    },
  );

  it.each(shared)('names with %s a place that a step is in', (place) => {
    const naming = steps.filter(({ step, state, machines }) => {
      const text = machines.map((machine) => read(place.replace('<machine>', machine))).join('\n');
      return text.includes(step) || text.includes(state);
    });
    expect(naming).not.toEqual([]);
  });
});

describe('the page for contributors', () => {
  it('names files and folders that exist', () => {
    const paths = [...page.matchAll(/`((?:\.ci|[a-z]+)\/[\w./-]*|[\w-]+\.(?:yml|md))`/g)].map(([, path = '']) => path);
    expect(paths.length).toBeGreaterThan(10);
    const inFolders = /^(function|resources|environment|handler)\.(yml|ts)$/;
    for (const path of paths.filter((each) => !inFolders.test(each))) {
      expect(() => statSync(join(root, path)), path).not.toThrow();
    }
  });

  it('names scripts that package.json has', () => {
    const { scripts } = v.parse(
      v.object({ scripts: v.record(v.string(), v.string()) }),
      JSON.parse(read('package.json')),
    );
    const named = [...page.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name);
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named));
  });
});
