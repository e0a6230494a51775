import { parseArgs } from 'node:util';
import { closest, distance } from 'fastest-levenshtein';
import { type Command, type Options, sharedOptions, targetOptions } from './command.ts';
import { usageError } from './command-error.ts';
import type { Program } from './session.ts';
import { commandHelp, overview } from './view/help.ts';

/** A command and what follows its name, or the text that is asked for instead of a command. */
export type Choice = { command: Command; args: string[] } | { command?: never; text: string };

/**
 * The command that a command line means: its first word that is no option.
 * @param commands the table
 * @throws CommandError named InvalidRequest for a word that names no command
 */
export function choose(args: readonly string[], program: Program, commands: readonly Command[]): Choice {
  const { word, others, place, isHelp, isVersion } = firstWord(args, commands);
  if (word === 'help' || (word === undefined && isHelp)) {
    const command = commands.find(({ name }) => name === others[0]);
    return { text: command === undefined ? overview(commands, program) : commandHelp(command, program) };
  }
  const name = word ?? (isVersion ? 'version' : program.isTour ? 'onboard' : undefined);
  if (name === undefined) return { text: overview(commands, program) };
  const command = commands.find((each) => each.name === name);
  if (command !== undefined)
    return { command, args: args.filter((arg, index) => index !== place && !(isVersion && arg === '--version')) };
  // A request file stands alone, and mostly has a dot in its name.
  const onboard = commands.find((each) => each.name === 'onboard');
  if (
    program.isTour &&
    onboard !== undefined &&
    (others.length === 0 || !/^[\w-]+$/.test(name)) &&
    !isNear(name, commands)
  ) {
    return { command: onboard, args: [...args] };
  }
  throw unknown(name, commands);
}

/** The options of every command take part, so that the value of one is not taken for a word. */
function firstWord(args: readonly string[], commands: readonly Command[]) {
  const all: Options = Object.assign(
    { version: { type: 'boolean', help: '' } },
    sharedOptions,
    targetOptions,
    ...commands.map(({ options }) => options),
  );
  const { tokens, values } = parseArgs({
    args: [...args],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: all,
  });
  const words = tokens.flatMap((token) => (token.kind === 'positional' ? [token] : []));
  const [first, ...others] = words;
  return {
    word: first?.value,
    place: first?.index,
    others: others.map(({ value }) => value),
    isHelp: values.help === true,
    isVersion: first === undefined && values.version === true,
  };
}

const names = (commands: readonly Command[]) => commands.map(({ name }) => name);
const isNear = (word: string, commands: readonly Command[]) =>
  distance(word, closest(word, names(commands))) <= 1 + Math.floor(word.length / 5);

function unknown(word: string, commands: readonly Command[]) {
  const suggestion = isNear(word, commands) ? `; did you mean '${closest(word, names(commands))}'?` : '';
  return usageError(`There is no command '${word}'${suggestion || `; the commands are ${names(commands).join(', ')}`}`);
}
