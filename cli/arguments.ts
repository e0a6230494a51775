import { type ParseArgsConfig, parseArgs } from 'node:util';
import * as v from 'valibot';
import { parseKeyArn } from '../lib/aws/arns.ts';
import { userNameSchema } from '../lib/requests/fields.ts';
import type { Operation } from '../lib/subscribers/operations.ts';
import { type FaultRule, parseFault } from '../sandbox/core/faults.ts';
import { CommandError } from './command-error.ts';

export const usage = `Onboards a subscriber, changes it, adds users under it, offboards it, and shows it happen; finds and restores key policies.

Usage: npm start [-- [COMMAND] [request.json] [--json] [--endpoint URL | --fault service:Operation:kind[:times] …]]

  COMMAND          without one, onboard a subscriber
    update         change a subscriber's e-mail address, password, or both
    add-user       add users under a subscriber
    offboard       take a subscriber away again
  request.json     the request; default: examples/acme.json, update-email.json, add-user-alice.json, offboard-acme.json
  --json           print one JSON document on stdout and nothing else there
  --endpoint URL   use the sandbox that runs at URL (npm run sandbox) instead of booting one, in which the commands
                   first onboard the example's subscriber under the request's name
  --fault FAULT    let something go wrong in the sandbox, as often as times says (default 1); may be repeated
                   kind: throttle, error=<Name>, delay=<ms>, drop, kill, stale; for events lose, repeat, late;
                   InfinStor's errors are statuses, LoginExpired and EndpointTimedOut (504 after the effect)
                   such as kms:PutKeyPolicy:throttle:2, infinstor:get_version:delay=500, infinstor:add_subscriber:drop
  --help           print this

Usage: npm start -- status <userName> --endpoint URL [--json]
       npm start -- retry <userName> --endpoint URL [--json]

  status           what exists of a subscriber, how its latest request stands, why it failed, what to do, and all attempts
  retry            send the request of a subscriber's latest attempt again, when that is over without success;
                   a request that its first step refused is no attempt: send its file again

Usage: npm start -- key-policies <key ARN> --endpoint URL [--show ID | --restore ID] [--json]

  Lists the policies of a KMS key that were kept before they were written over.
  --show ID        print one of them, and how it differs from the policy in force
  --restore ID     bring its statements back; whoever was onboarded keeps the key

Exit status: 0 succeeded, 1 failed, 2 invalid request or usage.
`;

/** A request to a machine. */
export interface RunArguments {
  command: 'run';
  operation: Operation;
  /** Undefined: the operation's default request. */
  requestFile: string | undefined;
  json: boolean;
  /** Undefined: boot a sandbox. */
  endpoint: string | undefined;
  /** What is to go wrong in the sandbox that is booted. */
  faults: FaultRule[];
}

export interface SubscriberArguments {
  command: 'status' | 'retry';
  userName: string;
  json: boolean;
  endpoint: string;
}

export interface KeyPoliciesArguments {
  command: 'key-policies';
  keyArn: string;
  action: { name: 'list' } | { name: 'show' | 'restore'; policyId: string };
  json: boolean;
  endpoint: string;
}

export type Arguments = { command: 'help' } | RunArguments | SubscriberArguments | KeyPoliciesArguments;

const common = {
  json: { type: 'boolean', default: false },
  endpoint: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} satisfies ParseArgsConfig['options'];
const ofRun = {
  ...common,
  fault: { type: 'string', multiple: true, default: [] },
} satisfies ParseArgsConfig['options'];
const ofKeyPolicies = {
  ...common,
  show: { type: 'string' },
  restore: { type: 'string' },
} satisfies ParseArgsConfig['options'];

/** The words that name an operation; without one of them a subscriber is onboarded. */
const operationWords: ReadonlyMap<string, Operation> = new Map([
  ['update', 'update-subscriber'],
  ['add-user', 'add-user'],
  ['offboard', 'offboard-subscriber'],
]);
/** The commands beside those. */
const commands = ['status', 'retry', 'key-policies'] as const;

/**
 * Parses the command line. Its first word that is no option may be a command; everything else onboards.
 * @throws CommandError named InvalidRequest for an unknown command or option, more or less than the command takes, or a value
 * that cannot be
 */
export function parseArguments(args: readonly string[]): Arguments {
  const command = commandOf(args);
  switch (command) {
    case 'key-policies':
      return keyPoliciesArguments(args);
    case 'status':
    case 'retry':
      return subscriberArguments(command, args);
    case undefined:
      return runArguments(args);
  }
}

/** The command that is meant, whatever else is wrong with the arguments; undefined for a request to a machine. */
export function commandOf(args: readonly string[]): (typeof commands)[number] | undefined {
  const [word] = wordsOf(args);
  return commands.find((command) => command === word);
}

/** The options of every command take part, so that the value of one is not taken for a word. */
function wordsOf(args: readonly string[]): string[] {
  const options = { ...ofRun, ...ofKeyPolicies };
  return parseArgs({ args: [...args], strict: false, allowPositionals: true, options }).positionals;
}

function runArguments(args: readonly string[]): Arguments {
  const [word = '', ...others] = wordsOf(args);
  const operation = operationWords.get(word);
  // A request file stands alone, and mostly has a dot in its name.
  if (operation === undefined && others.length > 0 && /^[\w-]+$/.test(word)) {
    throw usageError(`There is no command '${word}'; there are ${[...operationWords.keys(), ...commands].join(', ')}`);
  }
  const { values, positionals } = parse(args, ofRun);
  if (values.help) return { command: 'help' };
  const files = operation === undefined ? positionals : positionals.slice(1);
  const [requestFile, another] = files;
  if (another !== undefined) throw usageError(`One request file at a time: got ${files.join(' and ')}`);
  const { json } = values;
  const endpoint = checkEndpoint(values.endpoint);
  const faults = values.fault.map(readFault);
  if (endpoint !== undefined && faults.length > 0) {
    throw usageError('--fault is for the sandbox that the command boots, and not for one that runs at --endpoint');
  }
  return { command: 'run', operation: operation ?? 'onboard-subscriber', requestFile, json, endpoint, faults };
}

function subscriberArguments(command: SubscriberArguments['command'], args: readonly string[]): Arguments {
  const { values, positionals } = parse(args, common);
  if (values.help) return { command: 'help' };
  const [, userName, another] = positionals;
  if (userName === undefined) throw usageError(`${command} takes the userName of a subscriber`);
  if (another !== undefined) throw usageError(`One subscriber at a time: got ${positionals.slice(1).join(' and ')}`);
  if (!v.is(userNameSchema, userName))
    throw usageError(`${command} takes the userName of a subscriber, not '${userName}'`);
  const endpoint = checkEndpoint(values.endpoint);
  if (endpoint === undefined) {
    throw usageError(`${command} needs --endpoint: a sandbox that is booted for the command has no subscriber`);
  }
  return { command, userName, json: values.json, endpoint };
}

function keyPoliciesArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parse(args, ofKeyPolicies);
  if (values.help) return { command: 'help' };
  const [, keyArn, another] = positionals;
  if (keyArn === undefined) throw usageError('key-policies takes the ARN of a KMS key');
  if (another !== undefined) throw usageError(`One key at a time: got ${positionals.slice(1).join(' and ')}`);
  if (parseKeyArn(keyArn) === undefined) {
    throw usageError(`key-policies takes the ARN of a KMS key (arn:aws:kms:…:key/…), not '${keyArn}'`);
  }
  const { json, show, restore } = values;
  if (show !== undefined && restore !== undefined) throw usageError('--show and --restore are two commands');
  const endpoint = checkEndpoint(values.endpoint);
  if (endpoint === undefined) {
    throw usageError('key-policies needs --endpoint: nothing is kept in a sandbox that is booted for the command');
  }
  return { command: 'key-policies', keyArn, action: keyPoliciesAction(show, restore), json, endpoint };
}

function keyPoliciesAction(show: string | undefined, restore: string | undefined): KeyPoliciesArguments['action'] {
  if (show !== undefined) return { name: 'show', policyId: show };
  return restore === undefined ? { name: 'list' } : { name: 'restore', policyId: restore };
}

function checkEndpoint(endpoint: string | undefined): string | undefined {
  if (endpoint === undefined || /^https?:$/.test(URL.parse(endpoint)?.protocol ?? '')) return endpoint;
  throw usageError(`--endpoint takes a URL such as http://127.0.0.1:4566, not '${endpoint}'`);
}

function parse<Options extends NonNullable<ParseArgsConfig['options']>>(args: readonly string[], options: Options) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (error) {
    // Its further sentences explain the syntax of positional arguments, which is of no help here.
    const [first = 'The arguments cannot be read'] = error instanceof Error ? error.message.split(/\. |\n/) : [];
    throw usageError(first);
  }
}

function readFault(text: string): FaultRule {
  try {
    return parseFault(text);
  } catch (error) {
    throw usageError(error instanceof Error ? error.message : String(error));
  }
}

function usageError(message: string) {
  return new CommandError('InvalidRequest', message, 'Run `npm start -- --help` to see the usage.');
}
