import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import * as v from 'valibot';
import { usageError } from './command-error.ts';
import type { Session } from './session.ts';

/** An option of a command, as `parseArgs` takes it, and as help and completion show it. */
export interface OptionSpec {
  type: 'boolean' | 'string';
  multiple?: boolean;
  short?: string;
  /** What the value is, in capitals; of options that take one. */
  value?: string;
  /** The values that there are, where there is a fixed list of them. */
  choices?: readonly string[];
  help: string;
}

export type Options = Readonly<Record<string, OptionSpec>>;

/** A word that follows the name of a command. */
export interface WordSpec {
  /** In capitals. */
  name: string;
  /** Whether the command does without it. */
  optional?: true;
  /** Whether there may be several. */
  several?: true;
  /** The values that there are, where there is a fixed list of them. */
  choices?: readonly string[];
  /** What the word should be, when this is not it; else undefined. */
  refuse?: (text: string) => string | undefined;
}

/** The options of every command. */
export const sharedOptions = {
  json: { type: 'boolean', help: 'print one JSON document on stdout, and nothing else there' },
  'no-color': { type: 'boolean', help: 'no colours; as NO_COLOR=1' },
  help: { type: 'boolean', short: 'h', help: 'print the help of the command' },
} as const satisfies Options;

/** The options that say where a command works. */
export const targetOptions = {
  stage: { type: 'string', value: 'STAGE', help: "a deployed stage, with AWS's default credentials; $INFINSTOR_STAGE" },
  profile: { type: 'string', value: 'NAME', help: 'the profile of the credentials; $AWS_PROFILE' },
  region: { type: 'string', value: 'REGION', help: 'the Region of the stage; $AWS_REGION' },
  endpoint: { type: 'string', value: 'URL', help: 'a running sandbox; $AWS_ENDPOINT_URL' },
  sandbox: { type: 'boolean', help: 'a throw-away sandbox that the command boots' },
} as const satisfies Options;

const flag = v.optional(v.boolean(), false);
const text = v.optional(v.string());
const sharedSchema = v.object({
  json: flag,
  'no-color': flag,
  help: flag,
  stage: text,
  profile: text,
  region: text,
  endpoint: text,
  sandbox: flag,
});

type Shared = typeof sharedOptions & typeof targetOptions;
type ValuesOf<O extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<{ args: string[]; allowPositionals: true; options: O }>
>['values'];

/** What a command came to: the document that `--json` prints, and the text for people. */
export interface Outcome {
  document: object;
  /** The command has printed its documents itself, one a line; this one is not printed. */
  isPrinted?: true;
  text: string;
  /** The exit status; default: 0. */
  status?: 0 | 1 | 2;
}

interface About {
  name: string;
  /** The heading that it stands under in the list of commands. */
  group: 'Requests' | 'What there is' | 'Failures' | 'Stages' | 'This command';
  /** One line, as in the list of commands: what it does, in the infinitive without an end. */
  summary: string;
  /** What else there is to know, as paragraphs of its help. */
  details?: readonly string[];
  words?: readonly WordSpec[];
  /** Whether the first word names a stage, as --stage does: one that need not be deployed. */
  isOfStage?: true;
  /** On a deployment, on one only if that is named, or on none. */
  target: 'deployment' | 'optional' | 'none';
  /** What follows the name of the program. */
  examples: readonly string[];
  /** Whether `npm start` runs it in a sandbox of its own when nothing names a target. */
  inTour?: true;
  /** Whether it prints with `--json` one document a line, as it goes on, and not one when it is over. */
  jsonLines?: true;
  /** What the document of a failure has beside the failure itself. */
  onFailure?: (session: Session | undefined, words: readonly string[]) => object;
}

interface Spec<O extends Options> extends About {
  options: O;
  run(given: { words: readonly string[]; options: ValuesOf<O & Shared> }, session: Session): Promise<Outcome>;
}

/** A command of the table, whatever its own options are. */
export interface Command extends About {
  options: Options;
  /**
   * Reads what follows the command's name.
   * @throws CommandError named InvalidRequest
   */
  read(args: readonly string[]): Called;
}

/** A command with what it was called with. */
export interface Called {
  shared: v.InferOutput<typeof sharedSchema>;
  words: readonly string[];
  run(session: Session): Promise<Outcome>;
}

/** Makes a command of the table. */
export function defineCommand<const O extends Options>({ run, ...about }: Spec<O>): Command {
  return {
    ...about,
    read(args) {
      const { values, positionals: words } = parse(args, { ...about.options, ...sharedOptions, ...targetOptions });
      const own = v.parse(sharedSchema, values);
      if (!own.help) checkWords(about, words);
      if (about.isOfStage === true && own.stage !== undefined && words[0] !== undefined && own.stage !== words[0]) {
        throw usageError(`Give one stage: got ${words[0]} and --stage ${own.stage}`);
      }
      const shared = about.isOfStage === true && own.stage === undefined ? { ...own, stage: words[0] } : own;
      return { shared, words, run: (session) => run({ words, options: values }, session) };
    },
  };
}

function parse<O extends Options>(args: readonly string[], options: O) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (error) {
    // Its further sentences explain the syntax of positional arguments, which is of no help here.
    const [first = 'The arguments cannot be read'] = error instanceof Error ? error.message.split(/\. |\n/) : [];
    throw usageError(first);
  }
}

function checkWords({ name, words: specs = [] }: Pick<About, 'name' | 'words'>, words: readonly string[]): void {
  const missing = specs.find(({ optional }, place) => optional !== true && words[place] === undefined);
  if (missing !== undefined) throw usageError(`${name} takes ${missing.name}`);
  const last = specs.at(-1);
  if (last?.several !== true && words.length > specs.length) {
    throw usageError(
      last === undefined
        ? `${name} takes no ${words[0]}`
        : `One ${last.name} at a time: got ${words.slice(specs.length - 1).join(' and ')}`,
    );
  }
  for (const [place, text] of words.entries()) {
    const expected = (specs[place] ?? last)?.refuse?.(text);
    if (expected !== undefined) throw usageError(`${name} takes ${expected}, not '${text}'`);
  }
}
