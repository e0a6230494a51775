import { groupedBy } from '../../lib/grouped.ts';
import {
  type Command,
  type OptionSpec,
  type Options,
  sharedOptions,
  targetOptions,
  type WordSpec,
} from '../command.ts';
import type { Program } from '../session.ts';

const width = 100;

/** The help of the program: what it is for, and each command in one line. */
export function overview(commands: readonly Command[], { name, isTour }: Program): string {
  const longest = Math.max(...commands.map((command) => command.name.length));
  const groups = groupedBy(commands, ({ group }) => group);
  return [
    'Onboards subscribers of an InfinStor MLflow service, on a deployed stage or in a local sandbox.',
    '',
    `Usage: ${name} COMMAND [options]`,
    ...(isTour ? [`       ${name} [REQUEST.json]   onboard in a throw-away sandbox; default: examples/acme.json`] : []),
    ...[...groups].flatMap(([group, some]) => [
      '',
      group,
      ...some.flatMap(({ name: command, summary }) => wrapped(`  ${command.padEnd(longest)}  `, summary)),
    ]),
    '',
    'Where a command works',
    ...optionLines(targetOptions),
    ...wrapped(
      '  ',
      'Without these, the nearest .infinstor-onboarding.json names the target: {"stage": "prod", "profile": "…", "region": "…"}.',
    ),
    '',
    ...wrapped('', `\`${name} COMMAND --help\` prints the options and examples of a command.`),
    'Exit status: 0 success, 1 failure, 2 invalid request, plan or usage.',
    '',
  ].join('\n');
}

/** The help of one command. */
export function commandHelp(command: Command, program: Program): string {
  const { summary, details = [], options, examples, target, jsonLines } = command;
  const json =
    jsonLines === true ? { ...sharedOptions.json, help: 'print one JSON document a line' } : sharedOptions.json;
  return [
    ...wrapped('', `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`),
    '',
    `Usage: ${usageOf(command, program)}`,
    ...details.flatMap((paragraph) => ['', ...wrapped('', paragraph)]),
    ...section('Options', { ...options, ...sharedOptions, json }),
    ...(target === 'none' ? [] : section('Where it works', targetOptions)),
    '',
    examples.length === 1 ? 'Example' : 'Examples',
    ...examples.map((example) => `  ${program.name} ${example}`),
    '',
  ].join('\n');
}

/** A command line of a command. */
export function usageOf({ name, words = [], target, options, isOfStage }: Command, program: Program): string {
  const own = Object.keys(options).length === 0 ? [] : ['[options]'];
  return [
    program.name,
    name,
    ...words.map(wordText),
    ...own,
    ...(target === 'deployment' && isOfStage !== true ? ['--stage STAGE'] : []),
  ].join(' ');
}

function wordText({ name, optional, several }: WordSpec): string {
  const text = several === true ? `${name} …` : name;
  return optional === true ? `[${text}]` : text;
}

const section = (title: string, options: Options) => ['', title, ...optionLines(options)];

function optionLines(options: Options): string[] {
  const texts = Object.entries(options).map(([name, option]) => [optionText(name, option), option.help] as const);
  const longest = Math.max(...texts.map(([text]) => text.length));
  return texts.flatMap(([text, help]) => wrapped(`  ${text.padEnd(longest)}  `, help));
}

/** `--endpoint URL` */
export const optionText = (name: string, { value, short }: OptionSpec) =>
  `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;

/** Lines of a text that begin below each other. */
function wrapped(before: string, text: string): string[] {
  const lines: string[] = [];
  let line = before;
  let isEmpty = true;
  for (const word of text.split(' ')) {
    if (!isEmpty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = ' '.repeat(before.length);
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line];
}
