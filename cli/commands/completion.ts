import { type Command, type Outcome, sharedOptions, targetOptions } from '../command.ts';
import { usageError } from '../command-error.ts';

/** What a shell offers after the command's name: the words and options of each command of the table. */
export function completion([shell]: readonly string[], commands: readonly Command[]): Outcome {
  const text = scriptFor(shell, commands);
  return { document: { shell, script: text }, text };
}

function scriptFor(shell: string | undefined, commands: readonly Command[]): string {
  switch (shell) {
    case 'bash':
      return bash(commands);
    case 'zsh':
      return `#compdef infinstor-onboarding\nautoload -U +X bashcompinit && bashcompinit\n${bash(commands)}`;
    case 'fish':
      return fish(commands);
    default:
      throw usageError('completion takes bash, zsh or fish');
  }
}

const program = 'infinstor-onboarding';

/** The options of a command, with their dashes. */
function optionsOf({ options, target }: Command): string[] {
  const all = { ...options, ...(target === 'none' ? {} : targetOptions), ...sharedOptions };
  return Object.keys(all).map((name) => `--${name}`);
}

/** The options of a command whose values are known, with these. */
const choicesOf = ({ options }: Command) =>
  Object.entries(options).flatMap(([name, { choices }]) => (choices === undefined ? [] : [{ name, choices }]));

/** Files complete where a command takes one, and where nothing else is known of a word. */
function bash(commands: readonly Command[]): string {
  const values = commands.flatMap((command) =>
    choicesOf(command).map(
      ({ name, choices }) =>
        `    '${command.name} --${name}') COMPREPLY=($(compgen -W '${choices.join(' ')}' -- "$word")); return ;;`,
    ),
  );
  const cases = commands.map((command) => {
    const words = command.words?.flatMap(({ choices = [] }) => choices) ?? [];
    return `    ${command.name}) words='${[...words, ...optionsOf(command)].join(' ')}' ;;`;
  });
  return [
    '_infinstor_onboarding() {',
    '  local word=${COMP_WORDS[COMP_CWORD]} words',
    '  if [[ $COMP_CWORD == 1 ]]; then',
    `    COMPREPLY=($(compgen -W '${commands.map(({ name }) => name).join(' ')}' -- "$word"))`,
    '    return',
    '  fi',
    '  case "${COMP_WORDS[1]} ${COMP_WORDS[COMP_CWORD-1]}" in',
    ...values,
    '  esac',
    '  case ${COMP_WORDS[1]} in',
    ...cases,
    '  esac',
    '  COMPREPLY=($(compgen -W "$words" -- "$word"))',
    '  [[ $word == -* ]] || COMPREPLY+=($(compgen -f -- "$word"))',
    '}',
    `complete -o filenames -F _infinstor_onboarding ${program}`,
    '',
  ].join('\n');
}

function fish(commands: readonly Command[]): string {
  const quoted = (text: string) => `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
  const lines = commands.flatMap(({ name, summary, options, words = [] }) => [
    `complete -c ${program} -n __fish_use_subcommand -f -a ${name} -d ${quoted(summary)}`,
    ...words.flatMap(({ choices = [] }) =>
      choices.map((choice) => `complete -c ${program} -n '__fish_seen_subcommand_from ${name}' -f -a ${choice}`),
    ),
    ...Object.entries(options).map(([option, { type, choices, help }]) =>
      [
        `complete -c ${program} -n '__fish_seen_subcommand_from ${name}' -l ${option}`,
        ...(type === 'string' ? ['-r'] : []),
        ...(choices === undefined ? [] : [`-f -a ${quoted(choices.join(' '))}`]),
        `-d ${quoted(help)}`,
      ].join(' '),
    ),
  ]);
  const shared = Object.entries({ ...targetOptions, ...sharedOptions }).map(([option, { type, help }]) =>
    [`complete -c ${program} -l ${option}`, ...(type === 'string' ? ['-r'] : []), `-d ${quoted(help)}`].join(' '),
  );
  return `${[...lines, ...shared].join('\n')}\n`;
}
