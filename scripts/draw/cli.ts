import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Command, type Options, sharedOptions, targetOptions } from '../../cli/command.ts';
import { commandTable } from '../../cli/command-table.ts';
import { lines } from '../../cli/documents/documents.ts';
import { optionText, usageOf } from '../../cli/view/help.ts';
import { type CliCall, callsOf, policyOf, roles, uses } from '../cli-permissions.ts';
import { scenes } from './pictures/scenes.ts';
import { outputFile } from './schemas.ts';

const page = join(resolve(import.meta.dirname, '../..'), 'docs', 'cli.md');
const program = { name: 'infinstor-onboarding', isTour: false };

/** What is drawn, by the names of its places in the page. */
const parts: Readonly<Record<string, () => string[]>> = {
  targets: () => optionLines(targetOptions),
  shared: () => optionLines(sharedOptions),
  documents: documentLines,
  permissions: permissionLines,
  policies: () => roles.flatMap((role) => policyLines(role)),
  commands: () => commandTable.flatMap(commandLines),
};

/** The page with its parts drawn anew. @throws Error when the page has no place for one of them */
export function cliPage(text: string): string {
  return Object.entries(parts).reduce((drawn, [name, draw]) => {
    const place = new RegExp(`(<!-- ${name} -->\n).*?(<!-- /${name} -->)`, 's');
    if (!place.test(drawn)) throw new Error(`docs/cli.md has no place between <!-- ${name} --> and <!-- /${name} -->`);
    return drawn.replace(place, (_, before: string, after: string) => `${before}${draw().join('\n')}\n${after}`);
  }, text);
}

/** Text in a table's cell. */
const cell = (text: string) => text.replaceAll('|', '\\|');
const row = (...cells: string[]) => `| ${cells.map(cell).join(' | ')} |`;
const code = (text: string) => `\`${text}\``;

const optionLines = (options: Options) => [
  '| Option | What it is |',
  '|---|---|',
  ...Object.entries(options).map(([name, option]) => row(code(optionText(name, option)), helpOf(option.help))),
];

/** Variables and options are code in a page. */
const helpOf = (text: string) => text.replace(/(?<![\w`])(\$[A-Z_]+|--[a-z][a-z-]*|NO_COLOR=1)/g, '`$1`');

function commandLines(command: Command): string[] {
  const { name, summary, details = [], options, examples } = command;
  return [
    `### ${name}`,
    '',
    `${summary.charAt(0).toUpperCase()}${helpOf(summary.slice(1))}.`,
    '',
    '```text',
    usageOf(command, program),
    '```',
    ...details.flatMap((paragraph) => ['', helpOf(paragraph)]),
    ...(Object.keys(options).length === 0 ? [] : ['', ...optionLines(options)]),
    '',
    examples.length === 1 ? 'Example:' : 'Examples:',
    '',
    '```sh',
    ...examples.map((example) => `${program.name} ${example}`),
    '```',
    ...(scenes.some((scene) => scene.name === name) ? ['', `![${name} in a terminal](pictures/${name}.svg)`] : []),
    '',
  ];
}

function documentLines(): string[] {
  const link = (file: string) => `[${file}](../schemas/${file})`;
  return [
    '| Command | With `--json` | With `--jsonl` |',
    '|---|---|---|',
    ...commandTable.map(({ name, jsonLines }) =>
      row(
        code(name),
        `${link(outputFile(name))}${jsonLines === true ? ', each line' : ''}`,
        lines.has(name) ? `${link(outputFile(`${name}-line`))}, each line` : '',
      ),
    ),
  ];
}

function permissionLines(): string[] {
  return [
    '| Command | Least policy | What it calls |',
    '|---|---|---|',
    ...uses.map(({ command, when, role, calls }) =>
      row(when === undefined ? code(command) : `${code(command)}, ${when}`, role, calls.map(callText).join(', ')),
    ),
  ];
}

/** An action, with the functions where it is an invocation: which they are is of interest there. */
function callText({ action, resources, degrades, where }: CliCall): string {
  const functions = resources.flatMap(
    (resource) => /:function:infinstor-onboarding-<stage>-(.*)/.exec(resource)?.[1] ?? [],
  );
  const of = functions.length === 0 ? '' : ` of ${functions.map(code).join(', ')}`;
  const notes = [...(where === undefined ? [] : [where]), ...(degrades === true ? ['goes on without it'] : [])];
  return `${code(action)}${of}${notes.length === 0 ? '' : ` (${notes.join('; ')})`}`;
}

function policyLines(role: (typeof roles)[number]): string[] {
  return [
    `### Policy of ${/^[aeiou]/.test(role) ? 'an' : 'a'} ${role}`,
    '',
    '```json',
    JSON.stringify(policyOf(callsOf(role)), null, 2),
    '```',
    '',
  ];
}

// Not `import.meta.main`: the bootstrap imports what it runs.
if (process.argv[1] === import.meta.filename) await writeFile(page, cliPage(await readFile(page, 'utf8')));
