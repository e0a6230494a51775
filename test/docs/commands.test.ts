import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { choose } from '../../cli/choose.ts';
import { sharedOptions, targetOptions } from '../../cli/command.ts';
import { commandTable } from '../../cli/command-table.ts';
import { coverage } from '../../scripts/draw/coverage.ts';
import { documents, pathsBelow, read, topLevel } from './documents.ts';

const root = join(import.meta.dirname, '../..');
const runbook = read('docs/runbook.md');

/** What the sandbox has, such as `states ListExecutions`. */
const served = new Set(
  [...coverage().operations].flatMap(([service, names]) => names.map((name) => `${service} ${name}`)),
);

/** `stepfunctions list-executions` as `states ListExecutions`. */
function operationOf(command: string): string {
  const [service = '', name = ''] = command.split(' ');
  const operation = name.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
  return `${service === 'stepfunctions' ? 'states' : service} ${operation}`;
}

/** What a command of the AWS CLI calls that has no operation of its own. */
const composed = new Map([
  ['cloudformation deploy', 'cloudformation CreateChangeSet'],
  ['cloudformation wait', 'cloudformation DescribeStacks'],
  ['dynamodb wait', 'dynamodb DescribeTable'],
  ['lambda invoke', 'lambda Invoke'],
]);
const isServed = (command: string) => served.has(composed.get(command) ?? operationOf(command));
const commandsIn = (text: string) => [
  ...new Set([...text.matchAll(/\baws ([a-z][\w-]+ [a-z][a-z-]+)/g)].map(([, command = '']) => command)),
];

/** The list of what does not work in a sandbox. */
const [, list = ''] = /All commands work there except these:\n\n(.*?)\n\n/s.exec(runbook) ?? [];
const missing = [...list.matchAll(/`([a-z][\w-]+\s[a-z][a-z-]+)`/g)].map(([, command = '']) => command);

describe('the commands of the AWS CLI in the documents', () => {
  it('work in the sandbox, in the runbook all except those that it lists', () => {
    const notServed = commandsIn(runbook).filter((command) => !isServed(command));
    expect(missing.toSorted()).toEqual(expect.arrayContaining(notServed.toSorted()));
    expect(missing.filter(isServed)).toEqual([]);
  });

  it.each(['docs/other-accounts.md', 'docs/deploying.md'])(
    'work in the sandbox, of %s all except those that it names',
    (path) => {
      const page = read(path);
      const [, sentence = ''] = /does not support every command on this page: (.*?) are missing/s.exec(page) ?? [];
      const named = [...sentence.matchAll(/`([a-z][\w-]+ [a-z-]+)`/g)].map(([, command = '']) => command);
      const notServed = commandsIn(page).filter((command) => !isServed(command));
      expect(named.toSorted()).toEqual(notServed.toSorted());
    },
  );

  it.each(['README.md', 'docs/using.md', 'docs/subscribers.md'])('of %s work in the sandbox', (path) => {
    expect(commandsIn(read(path)).filter((command) => !isServed(command))).toEqual([]);
  });

  it.each(documents)('of %s set no variable that the shell has a meaning for', (path) => {
    const set = [...read(path).matchAll(/^\s*(?:export )?([A-Z_]+)=/gm)].map(([, name]) => name);
    for (const name of ['USER', 'USERNAME', 'HOME', 'HOST', 'PATH', 'PWD', 'SHELL', 'LANG', 'UID']) {
      expect(set).not.toContain(name);
    }
  });
});

describe('the commands of npm in the documents', () => {
  const { scripts } = v.parse(
    v.object({ scripts: v.record(v.string(), v.string()) }),
    JSON.parse(read('package.json')),
  );

  it.each(documents)('of %s are scripts of package.json', (path) => {
    const named = [...read(path).matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g)].map(
      ([, run, word]) => run ?? word,
    );
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named));
  });

  it.each(documents)('of %s are commands of `npm start` and of infinstor-onboarding, with their options', (path) => {
    const written = read(path).matchAll(/\b(npm start --|infinstor-onboarding) ((?:[a-z-]+|--)[^`\n#|>]*)/g);
    for (const [text, name = '', given = ''] of written) {
      const isTour = name !== 'infinstor-onboarding';
      // A stage of the name is not the command.
      if (!isTour && !commandTable.some((command) => command.name === given.split(' ')[0])) continue;
      const { command } = choose(given.trim().split(/\s+/), { name, isTour }, commandTable);
      const options = Object.keys({ ...sharedOptions, ...targetOptions, ...command?.options });
      for (const [, option = ''] of given.matchAll(/(?<!\S)\[?--([a-z][a-z-]*)/g))
        expect(options, text).toContain(option);
    }
  });
});

it('the page of deploying names the versions of Node that osls takes', () => {
  const code = read('node_modules/osls/lib/cli/is-supported-node-version.js');
  const [, supportedRange] = /supportedRange = '([^']+)'/.exec(code) ?? [];
  expect(read('docs/deploying.md')).toContain(`a Node that osls takes (\`${supportedRange}\`)`);
});

describe('the links of the documents', () => {
  const anchors = (page: string) =>
    [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    );

  it.each(documents)('of %s lead somewhere', (path) => {
    for (const [link, target = '', anchor] of read(path).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)) {
      const page = target === '' ? path : join(path, '..', target);
      expect(existsSync(join(root, page)), link).toBe(true);
      expect(statSync(join(root, page)).isDirectory(), link).toBe(target.endsWith('/'));
      if (anchor !== undefined) expect(anchors(page), link).toContain(anchor);
    }
  });
});

describe('the paths in the documents', () => {
  const literally = (text: string) => text.replaceAll('.', String.raw`\.`);
  const folders = topLevel.filter((name) => statSync(join(root, name)).isDirectory());
  const paths = pathsBelow(folders);

  it.each(documents)('of %s exist', (path) => {
    // Not the ends of URLs and of longer paths.
    const written = new RegExp(
      String.raw`(?<![\w/.:\-…>])(?:${folders.map(literally).join('|')})/[\w<>*./-]*[\w>/]`,
      'g',
    );
    for (const [text] of read(path).matchAll(written)) {
      // `functions/<step>/` and `test/**` stand for many.
      const form = new RegExp(
        `^${text
          .split(/<\w+>|\*+/)
          .map(literally)
          .join('.+')}/?$`,
      );
      expect(
        paths.some((each) => form.test(each)),
        text,
      ).toBe(true);
    }
  });
});
