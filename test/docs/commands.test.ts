import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const read = (path: string) => readFileSync(join(import.meta.dirname, '../..', path), 'utf8');
const runbook = read('docs/runbook.md');
const pages = ['README.md', 'docs/runbook.md', 'docs/subscribers.md', 'docs/other-accounts.md'];

/** What the sandbox has, by the rows of its document, which another test compares with it. */
const served = new Set(
  read('docs/sandbox.md')
    .split(/^## /m)
    .flatMap((section) => {
      const service = /^`([\w-]+)`/.exec(section)?.[1];
      return [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, operation]) => `${service} ${operation}`);
    }),
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

describe('the commands of the documents', () => {
  it('work in the sandbox, in the runbook all but those that it lists', () => {
    const notServed = commandsIn(runbook).filter((command) => !isServed(command));
    expect(missing.toSorted()).toEqual(expect.arrayContaining(notServed.toSorted()));
    expect(missing.filter(isServed)).toEqual([]);
  });

  it('work in the sandbox, on the page of other accounts all but those that it names', () => {
    const page = read('docs/other-accounts.md');
    const [, sentence = ''] = /does not support every command on this page: (.*?) are missing/s.exec(page) ?? [];
    const named = [...sentence.matchAll(/`([a-z][\w-]+ [a-z-]+)`/g)].map(([, command = '']) => command);
    const notServed = commandsIn(page).filter((command) => !isServed(command));
    expect(named.toSorted()).toEqual(notServed.toSorted());
  });

  it.each(pages)('of %s set no variable that the shell has a meaning for', (path) => {
    const set = [...read(path).matchAll(/^\s*(?:export )?([A-Z_]+)=/gm)].map(([, name]) => name);
    for (const name of ['USER', 'USERNAME', 'HOME', 'HOST', 'PATH', 'PWD', 'SHELL', 'LANG', 'UID']) {
      expect(set).not.toContain(name);
    }
  });
});

describe('the links of the documents', () => {
  const anchors = (page: string) =>
    [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    );

  it.each(pages)('of %s lead somewhere', (path) => {
    for (const [, target = '', anchor] of read(path).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)) {
      const page = target === '' ? path : join(path, '..', target);
      if (target.endsWith('/')) continue;
      const found = read(page);
      expect(found.length, page).toBeGreaterThan(0);
      if (anchor !== undefined) expect(anchors(page), page).toContain(anchor);
    }
  });
});
