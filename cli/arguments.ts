import { type ParseArgsConfig, parseArgs } from 'node:util';
import { parseKeyArn } from '../functions/shared/arns.ts';
import { type FaultRule, parseFault } from '../sandbox/faults.ts';
import { CommandError } from './command-error.ts';

export const usage = `Onboards a subscriber and shows it happen; finds and restores key policies.

Usage: npm start [-- [request.json] [--json] [--endpoint URL | --fault service:Operation:kind[:times] …]]

  request.json     the onboarding request; default: examples/acme.json
  --json           print one JSON document on stdout and nothing else there
  --endpoint URL   use the sandbox that runs at URL (npm run sandbox) instead of booting one
  --fault FAULT    let something go wrong in the sandbox, as often as times says (default 1); may be repeated
                   kind: throttle, error=<Name>, delay=<ms>, drop, kill, stale; for events lose, repeat, late;
                   InfinStor's errors are statuses, LoginExpired and EndpointTimedOut (504 after the effect)
                   such as kms:PutKeyPolicy:throttle:2, infinstor:get_version:delay=500, infinstor:add_subscriber:drop
  --help           print this

Usage: npm start -- key-policies <key ARN> --endpoint URL [--show ID | --restore ID] [--json]

  Lists the policies of a KMS key that were kept before they were written over.
  --show ID        print one of them, and how it differs from the policy in force
  --restore ID     bring its statements back; whoever was onboarded keeps the key

Exit status: 0 succeeded, 1 failed, 2 invalid request or usage.
`;

export interface OnboardArguments {
  command: 'onboard';
  /** Undefined: the default request. */
  requestFile: string | undefined;
  json: boolean;
  /** Undefined: boot a sandbox. */
  endpoint: string | undefined;
  /** What is to go wrong in the sandbox that is booted. */
  faults: FaultRule[];
}

export interface KeyPoliciesArguments {
  command: 'key-policies';
  keyArn: string;
  action: { name: 'list' } | { name: 'show' | 'restore'; policyId: string };
  json: boolean;
  endpoint: string;
}

export type Arguments = { command: 'help' } | OnboardArguments | KeyPoliciesArguments;

const common = {
  json: { type: 'boolean', default: false },
  endpoint: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} satisfies ParseArgsConfig['options'];
const ofOnboard = {
  ...common,
  fault: { type: 'string', multiple: true, default: [] },
} satisfies ParseArgsConfig['options'];
const ofKeyPolicies = {
  ...common,
  show: { type: 'string' },
  restore: { type: 'string' },
} satisfies ParseArgsConfig['options'];

/** The commands beside the onboarding, which has no name. */
const commands = ['key-policies'] as const;

/**
 * Parses the command line. Its first word that is no option may be a command; everything else onboards.
 * @throws CommandError named InvalidRequest for an unknown command or option, more or less than the command takes, or a value
 * that cannot be
 */
export function parseArguments(args: readonly string[]): Arguments {
  switch (commandOf(args)) {
    case 'key-policies':
      return keyPoliciesArguments(args);
    case undefined:
      return onboardArguments(args);
  }
}

/** The command that is meant, whatever else is wrong with the arguments; undefined for an onboarding. */
export function commandOf(args: readonly string[]): (typeof commands)[number] | undefined {
  const [word] = wordsOf(args);
  return commands.find((command) => command === word);
}

/** The options of every command take part, so that the value of one is not taken for a word. */
function wordsOf(args: readonly string[]): string[] {
  const options = { ...ofOnboard, ...ofKeyPolicies };
  return parseArgs({ args: [...args], strict: false, allowPositionals: true, options }).positionals;
}

function onboardArguments(args: readonly string[]): Arguments {
  const [word = '', ...others] = wordsOf(args);
  // A request file stands alone, and mostly has a dot in its name.
  if (others.length > 0 && /^[\w-]+$/.test(word)) {
    throw usageError(`There is no command '${word}'; there is ${commands.join(', ')}`);
  }
  const { values, positionals } = parse(args, ofOnboard);
  if (values.help) return { command: 'help' };
  const [requestFile, another] = positionals;
  if (another !== undefined) throw usageError(`One request file at a time: got ${positionals.join(' and ')}`);
  const { json } = values;
  const endpoint = checkEndpoint(values.endpoint);
  const faults = values.fault.map(readFault);
  if (endpoint !== undefined && faults.length > 0) {
    throw usageError('--fault is for the sandbox that the command boots, and not for one that runs at --endpoint');
  }
  return { command: 'onboard', requestFile, json, endpoint, faults };
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
