// Commands of the AWS CLI as documents write them: read as a shell reads them, checked against the service models that the SDK's
// clients have, and run with these clients.

import * as v from 'valibot';
import { account, otherAccount } from '../../../sandbox/core/account.ts';
import { operatorAt } from '../../../sandbox/operator.ts';

/** What a shell has when it runs a document's commands. */
export interface Shell {
  variables: Readonly<Record<string, string>>;
  /** What `$(…)` stands for, by its text. */
  substitute: (text: string) => string;
  /** What a person writes for `…`, or what `file://…` holds, by the option that it is given to; undefined: nobody knows. */
  fill: (option: string, text: string, words: readonly string[]) => string | undefined;
}

/** The simple commands of a shell's text, each by its words. Comments, assignments and where output goes are left out. */
export function simpleCommands(text: string, shell: Pick<Shell, 'variables' | 'substitute'>): string[][] {
  const commands: string[][] = [];
  let words: string[] = [];
  let word: string | undefined;
  let at = 0;
  const endWord = () => {
    if (word !== undefined) words.push(word);
    word = undefined;
  };
  const endCommand = () => {
    endWord();
    while (/^\w+=/.test(words[0] ?? '')) words.shift();
    if (words.length > 0) commands.push(words);
    words = [];
  };
  const add = (part: string) => {
    word = (word ?? '') + part;
  };
  /** Reads what `$` begins. */
  const expand = () => {
    if (text[at + 1] === '(') {
      const end = closing(text, at + 1);
      add(shell.substitute(text.slice(at + 2, end)));
      at = end + 1;
      return;
    }
    const [all = '$', braced, , plain] = /^\$(?:\{(\w+)(,,)?\}|(\w+))?/.exec(text.slice(at)) ?? [];
    const name = braced ?? plain;
    add(name === undefined ? '$' : (shell.variables[name] ?? ''));
    at += all.length;
  };
  while (at < text.length) {
    const char = text[at] ?? '';
    if (char === '\\' && text[at + 1] === '\n') at += 2;
    else if (char === '#' && word === undefined) at = indexOrEnd(text, '\n', at);
    else if (char === "'") {
      const end = indexOrEnd(text, "'", at + 1);
      add(text.slice(at + 1, end));
      at = end + 1;
    } else if (char === '"') {
      at += 1;
      add('');
      while (at < text.length && text[at] !== '"') {
        if (text[at] === '$') expand();
        else {
          add(text[at] ?? '');
          at += 1;
        }
      }
      at += 1;
    } else if (char === '$') expand();
    else if (/[|;&\n]/.test(char)) {
      endCommand();
      at += 1;
    } else if (char === '>' || char === '<') {
      endWord();
      // Where output goes is no word of the command; a process in its place is another command.
      const [all = char] = /^[<>]+\s*[^\s|;&(]*/.exec(text.slice(at)) ?? [];
      at += all.length;
    } else if (/\s/.test(char)) {
      endWord();
      at += 1;
    } else if ('()'.includes(char)) {
      endCommand();
      at += 1;
    } else {
      add(char);
      at += 1;
    }
  }
  endCommand();
  return commands;
}

const indexOrEnd = (text: string, what: string, from: number) => {
  const index = text.indexOf(what, from);
  return index === -1 ? text.length : index;
};

/** Where the bracket closes that stands at a place. */
function closing(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at += 1) {
    if (text[at] === '(') depth += 1;
    if (text[at] === ')') depth -= 1;
    if (depth === 0) return at;
  }
  return text.length;
}

/** The packages of the clients, by the CLI's names of the services. */
const packages: Readonly<Record<string, string>> = {
  cloudformation: 'cloudformation',
  'cognito-idp': 'cognito-identity-provider',
  dynamodb: 'dynamodb',
  iam: 'iam',
  kms: 'kms',
  lambda: 'lambda',
  secretsmanager: 'secrets-manager',
  stepfunctions: 'sfn',
};

/** The CLI's own options, with a value and without. */
const ofCommandLine = [
  'query',
  'output',
  'region',
  'profile',
  'max-items',
  'page-size',
  'cli-read-timeout',
  'cli-binary-format',
];

/** A structure of a service model, as clients have it: its names of members, and their types. */
const structureSchema = v.looseTuple([
  v.number(),
  v.string(),
  v.string(),
  v.unknown(),
  v.array(v.string()),
  v.array(v.unknown()),
]);
const operationSchema = v.looseTuple([v.number(), v.string(), v.string(), v.unknown(), v.unknown()]);
const exportsSchema = v.record(v.string(), v.unknown());
const construct = v.custom<new (input: object) => unknown>((value) => typeof value === 'function');
const sender = v.custom<{ send: (command: unknown) => Promise<unknown>; destroy: () => void }>(
  (value) => typeof value === 'object' && value !== null && 'send' in value,
);

export interface AwsCommand {
  /** As it is written: `stepfunctions list-executions`. */
  name: string;
  input: Readonly<Record<string, unknown>>;
  /** What a person has to fill in, and nobody knows here. */
  isOpen: boolean;
  run: (endpoint: string) => Promise<unknown>;
}

/**
 * Reads the words of a command of the AWS CLI.
 * @returns undefined for a service without a client here, and for what has no operation of its own (`wait`)
 * @throws Error that names the operation or the option that the service does not have
 */
export async function awsCommand(words: readonly string[], shell: Shell): Promise<AwsCommand | undefined> {
  const [, service = '', action = '', ...rest] = words;
  const client = packages[service];
  if (client === undefined || action === 'wait') return undefined;
  const module = v.parse(exportsSchema, { ...(await import(`@aws-sdk/client-${client}`)) });
  const operation = action.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
  const model = v.safeParse(operationSchema, module[`${operation}$`]);
  const Command = v.safeParse(construct, module[`${operation}Command`]);
  if (!model.success || !Command.success) throw new Error(`aws ${service} has no ${action}`);
  const given = model.output[4];
  const [, , , , members, types] = v.parse(structureSchema, typeof given === 'function' ? given() : given);
  const memberOf = (option: string) =>
    members.findIndex((member) => member.toLowerCase() === option.replaceAll('-', ''));

  const input: Record<string, unknown> = {};
  let isOpen = false;
  for (let at = 0; at < rest.length; ) {
    const option = /^--([\w-]+)$/.exec(rest[at] ?? '')?.[1];
    at += 1;
    // `lambda invoke` names a file for the answer.
    if (option === undefined && service === 'lambda') continue;
    if (option === undefined) throw new Error(`aws ${service} ${action}: ${rest[at - 1]} belongs to no option`);
    const values: string[] = [];
    for (; at < rest.length && !rest[at]?.startsWith('--'); at += 1) values.push(rest[at] ?? '');
    if (ofCommandLine.includes(option)) continue;
    const negated = memberOf(option.replace(/^no-/, ''));
    const index = memberOf(option) === -1 && option.startsWith('no-') ? negated : memberOf(option);
    const member = members[index];
    if (member === undefined) throw new Error(`aws ${service} ${action} has no option --${option}`);
    const filled = values.map((value) => (/…|^file:/.test(value) ? shell.fill(option, value, words) : value));
    if (filled.includes(undefined)) isOpen = true;
    const known = filled.filter((value) => value !== undefined);
    input[member] =
      values.length === 0 ? index !== negated || memberOf(option) !== -1 : memberValue(known, types[index]);
  }
  return {
    name: `${service} ${action}`,
    input,
    isOpen,
    async run(endpoint) {
      const [, Client] = Object.entries(module).find(([name]) => /^[A-Z].*Client$/.test(name)) ?? [];
      // A profile is that of another account.
      const home = words.includes('--profile') ? { ...account, accountId: otherAccount.accountId } : account;
      const made = v.parse(sender, Reflect.construct(v.parse(construct, Client), [operatorAt(endpoint, home)]));
      try {
        return await made.send(new Command.output(input));
      } finally {
        made.destroy();
      }
    },
  };
}

/** Whether a member is text, a number, a blob, a list or something else, by its type in a client's model of the service. */
function kindOf(type: unknown): 'text' | 'number' | 'blob' | 'list' | 'other' {
  if (typeof type === 'function') return kindOf(type());
  if (Array.isArray(type)) {
    const [first, second] = type;
    // A type with traits of the member, a named simple type, and a list with its namespace.
    if (typeof first === 'function' || typeof second === 'number' || (typeof second === 'object' && second !== null))
      return kindOf(first);
    return first === 0 ? kindOf(type[4]) : first === 1 ? 'list' : 'other';
  }
  if (type === 0) return 'text';
  if (type === 1) return 'number';
  if (type === 21) return 'blob';
  return typeof type === 'number' && type >= 64 && type < 128 ? 'list' : 'other';
}

/** A member's value: as it is, or what is written as JSON or as `Key=Value,…`. */
function memberValue(values: readonly string[], type: unknown): unknown {
  const [first = ''] = values;
  const kind = kindOf(type);
  if (kind === 'text') return first;
  if (kind === 'number') return Number(first);
  if (kind === 'blob') return new TextEncoder().encode(first);
  if (/^[[{]/.test(first)) return v.parse(v.pipe(v.string(), v.parseJson()), first);
  const read = values.map((value) =>
    /^\w+=/.test(value) ? Object.fromEntries(value.split(',').map((pair) => pair.split(/=(.*)/s).slice(0, 2))) : value,
  );
  return kind === 'list' ? read : read[0];
}
