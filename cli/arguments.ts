import { type ParseArgsConfig, parseArgs } from 'node:util';
import * as v from 'valibot';
import { parseKeyArn } from '../lib/aws/arns.ts';
import { userNameSchema } from '../lib/requests/fields.ts';
import { buildSchema } from '../lib/requests/onboarding.ts';
import type { Operation } from '../lib/subscribers/operations.ts';
import { type FaultRule, parseFault } from '../sandbox/core/faults.ts';
import { CommandError } from './command-error.ts';

/** At most 100 columns wide. */
export const usage = `Onboards subscribers of an InfinStor MLflow service in a local sandbox, and shows each step.

Usage: npm start -- [COMMAND] [REQUEST.json] [options]
       npm start -- status USERNAME --endpoint URL [--json]
       npm start -- retry USERNAME --endpoint URL [--diff] [--json]
       npm start -- key-policies KEY-ARN --endpoint URL [--show ID | --restore ID] [--json]
       npm start -- template [BUILD] [--url URL] [--endpoint URL] [--json]
       npm start -- fault FAULT … | --list | --clear --endpoint URL [--json]

Requests. Each command has its own state machine, and a default request in examples/.
  (no command)     onboard a subscriber                            examples/acme.json
  update           change its e-mail address, password or both     examples/update-email.json
  add-user         add users under it                              examples/add-user-alice.json
  offboard         remove its access, stack and record             examples/offboard-acme.json

Other commands
  status           show what exists of a subscriber, its latest request, and all its attempts
  retry            send the request of its latest recorded attempt again, if that failed; a request
                   that was rejected in its first step is not recorded: send its file again
  key-policies     list the policies of a KMS key that were kept before the onboarding changed them
    --show ID      print one of them, and how it differs from the policy in force
    --restore ID   restore its statements; onboarded subscribers keep their access
  template         print the hash and the parameters of the vendor's template of a build, to compare
                   them and to pin the build (docs/deploying.md); without --endpoint that of AWS
    --url URL      read the template at URL, also one that is signed beforehand
  fault            make calls in a running sandbox fail, to rehearse the runbook
    --list         list the faults that have not happened yet
    --clear        remove them

Options
  --endpoint URL   use the sandbox that runs at URL; default: $AWS_ENDPOINT_URL. Without either, a
                   request boots a throw-away sandbox; update, add-user and offboard
                   onboard the example subscriber in it first
  --diff           show changes of key policies line by line, not only as a summary
  --json           print one JSON document on stdout, and nothing else there
  --fault FAULT    make calls in the throw-away sandbox fail; may be repeated
  --help           print this help

A FAULT is service:Operation:kind[:times]; times is 1 by default. Kinds: throttle, error=NAME,
delay=MILLISECONDS, drop (the answer is lost), kill (the function dies), stale (a read returns its
previous answer); for events lose, repeat, late; for functions (lambda:create-subscriber) freeze,
which lets their connections die unnoticed before the next invocation. InfinStor's
errors are HTTP statuses, LoginExpired and EndpointTimedOut (504 after the effect).

Examples
  npm start                                                     onboard acme in a throw-away sandbox
  npm run sandbox                                               keep a sandbox running
  npm start -- my-request.json --endpoint http://127.0.0.1:4566
  npm start -- fault kms:PutKeyPolicy:throttle:2 --endpoint http://127.0.0.1:4566
  npm start -- --fault infinstor:add_subscriber:drop

Exit status: 0 success, 1 failure, 2 invalid request or usage.
`;

/** A request to a state machine. */
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
  /** Whether changes of key policies are shown whole. */
  diff: boolean;
}

export interface StatusArguments {
  command: 'status';
  userName: string;
  json: boolean;
  endpoint: string;
}

export interface RetryArguments extends Omit<StatusArguments, 'command'> {
  command: 'retry';
  diff: boolean;
}

export interface KeyPoliciesArguments {
  command: 'key-policies';
  keyArn: string;
  action: { name: 'list' } | { name: 'show' | 'restore'; policyId: string };
  json: boolean;
  endpoint: string;
}

/** The vendor's template of a build. */
export interface TemplateArguments {
  command: 'template';
  /** Undefined: the param `defaultBuild`. */
  build: string | undefined;
  /** Undefined: where the param `templateBaseUrl` has the build. */
  url: string | undefined;
  json: boolean;
  /** Undefined: S3 in AWS. */
  endpoint: string | undefined;
}

/** Faults of a running sandbox. */
export interface FaultArguments {
  command: 'fault';
  /** The faults to add are as they were given: the sandbox knows which there are. */
  action: { name: 'list' | 'clear' } | { name: 'add'; faults: string[] };
  json: boolean;
  endpoint: string;
}

export type Arguments =
  | { command: 'help' }
  | RunArguments
  | StatusArguments
  | RetryArguments
  | KeyPoliciesArguments
  | TemplateArguments
  | FaultArguments;

/** The environment variables that the command line falls back on. */
export type Environment = Readonly<Record<string, string | undefined>>;

const common = {
  json: { type: 'boolean', default: false },
  endpoint: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} satisfies ParseArgsConfig['options'];
const ofRetry = {
  ...common,
  diff: { type: 'boolean', default: false },
} satisfies ParseArgsConfig['options'];
const ofRun = {
  ...ofRetry,
  fault: { type: 'string', multiple: true, default: [] },
} satisfies ParseArgsConfig['options'];
const ofKeyPolicies = {
  ...common,
  show: { type: 'string' },
  restore: { type: 'string' },
} satisfies ParseArgsConfig['options'];
const ofTemplate = {
  ...common,
  url: { type: 'string' },
} satisfies ParseArgsConfig['options'];
const ofFault = {
  ...common,
  list: { type: 'boolean', default: false },
  clear: { type: 'boolean', default: false },
} satisfies ParseArgsConfig['options'];

/** The words that name an operation; without one of them a subscriber is onboarded. */
const operationWords: ReadonlyMap<string, Operation> = new Map([
  ['update', 'update-subscriber'],
  ['add-user', 'add-user'],
  ['offboard', 'offboard-subscriber'],
]);
/** The commands beside those. */
const commands = ['status', 'retry', 'key-policies', 'template', 'fault'] as const;

/**
 * Parses the command line. Its first word that is no option may be a command; everything else onboards. Where no endpoint is
 * given, `AWS_ENDPOINT_URL` is it, as for the AWS CLI.
 * @throws CommandError named InvalidRequest for an unknown command or option, more or less than the command takes, or a value
 * that cannot be
 */
export function parseArguments(args: readonly string[], environment: Environment): Arguments {
  const command = commandOf(args);
  switch (command) {
    case 'key-policies':
      return keyPoliciesArguments(args, environment);
    case 'status':
    case 'retry':
      return subscriberArguments(command, args, environment);
    case 'template':
      return templateArguments(args, environment);
    case 'fault':
      return faultArguments(args, environment);
    case undefined:
      return runArguments(args, environment);
  }
}

/** The command that is meant, whatever else is wrong with the arguments; undefined for a request to a state machine. */
export function commandOf(args: readonly string[]): (typeof commands)[number] | undefined {
  const [word] = wordsOf(args);
  return commands.find((command) => command === word);
}

/** The options of every command take part, so that the value of one is not taken for a word. */
function wordsOf(args: readonly string[]): string[] {
  const options = { ...ofRun, ...ofKeyPolicies, ...ofTemplate, ...ofFault };
  return parseArgs({ args: [...args], strict: false, allowPositionals: true, options }).positionals;
}

function runArguments(args: readonly string[], environment: Environment): Arguments {
  const [word = '', ...others] = wordsOf(args);
  const operation = operationWords.get(word);
  // A request file stands alone, and mostly has a dot in its name.
  if (operation === undefined && others.length > 0 && /^[\w-]+$/.test(word)) {
    throw usageError(
      `There is no command '${word}'; the commands are ${[...operationWords.keys(), ...commands].join(', ')}`,
    );
  }
  const { values, positionals } = parse(args, ofRun);
  if (values.help) return { command: 'help' };
  const files = operation === undefined ? positionals : positionals.slice(1);
  const [requestFile, another] = files;
  if (another !== undefined) throw usageError(`One request file at a time: got ${files.join(' and ')}`);
  const { json, diff } = values;
  const endpoint = endpointOf(values.endpoint, environment);
  const faults = values.fault.map(readFault);
  if (endpoint !== undefined && faults.length > 0) {
    const source = values.endpoint === undefined ? ' (AWS_ENDPOINT_URL)' : '';
    throw usageError(
      `--fault is for a throw-away sandbox; add it to the one at ${endpoint}${source} with \`npm start -- fault\``,
    );
  }
  return { command: 'run', operation: operation ?? 'onboard-subscriber', requestFile, json, endpoint, faults, diff };
}

function subscriberArguments(
  command: 'status' | 'retry',
  args: readonly string[],
  environment: Environment,
): Arguments {
  const { values, positionals } = command === 'retry' ? parse(args, ofRetry) : parse(args, common);
  if (values.help) return { command: 'help' };
  const [, userName, another] = positionals;
  if (userName === undefined) throw usageError(`${command} takes the userName of a subscriber`);
  if (another !== undefined) throw usageError(`One subscriber at a time: got ${positionals.slice(1).join(' and ')}`);
  if (!v.is(userNameSchema, userName))
    throw usageError(`${command} takes the userName of a subscriber, not '${userName}'`);
  const endpoint = requireEndpoint(command, values.endpoint, environment);
  const { json } = values;
  return command === 'retry'
    ? { command, userName, json, endpoint, diff: 'diff' in values && values.diff === true }
    : { command, userName, json, endpoint };
}

function keyPoliciesArguments(args: readonly string[], environment: Environment): Arguments {
  const { values, positionals } = parse(args, ofKeyPolicies);
  if (values.help) return { command: 'help' };
  const [, keyArn, another] = positionals;
  if (keyArn === undefined) throw usageError('key-policies takes the ARN of a KMS key');
  if (another !== undefined) throw usageError(`One key at a time: got ${positionals.slice(1).join(' and ')}`);
  if (parseKeyArn(keyArn) === undefined) {
    throw usageError(`key-policies takes the ARN of a KMS key (arn:<partition>:kms:…:key/…), not '${keyArn}'`);
  }
  const { json, show, restore } = values;
  if (show !== undefined && restore !== undefined) throw usageError('Give either --show or --restore, not both');
  const endpoint = requireEndpoint('key-policies', values.endpoint, environment);
  return { command: 'key-policies', keyArn, action: keyPoliciesAction(show, restore), json, endpoint };
}

function templateArguments(args: readonly string[], environment: Environment): Arguments {
  const { values, positionals } = parse(args, ofTemplate);
  if (values.help) return { command: 'help' };
  const [, build, another] = positionals;
  if (another !== undefined) throw usageError(`One build at a time: got ${positionals.slice(1).join(' and ')}`);
  if (build !== undefined && !v.is(buildSchema, build)) {
    throw usageError(`template takes a build such as 2.3.72, not '${build}'`);
  }
  const url = values.url === undefined ? undefined : checkUrl('--url', values.url);
  if (build !== undefined && url !== undefined) throw usageError('Give either a build or --url, not both');
  return { command: 'template', build, url, json: values.json, endpoint: endpointOf(values.endpoint, environment) };
}

function faultArguments(args: readonly string[], environment: Environment): Arguments {
  const { values, positionals } = parse(args, ofFault);
  if (values.help) return { command: 'help' };
  const { json, list, clear } = values;
  const faults = positionals.slice(1);
  if (Number(list) + Number(clear) + Number(faults.length > 0) !== 1) {
    throw usageError('fault takes faults (service:Operation:kind[:times]), --list, or --clear');
  }
  const endpoint = requireEndpoint('fault', values.endpoint, environment);
  const action = list
    ? ({ name: 'list' } as const)
    : clear
      ? ({ name: 'clear' } as const)
      : ({ name: 'add', faults } as const);
  return { command: 'fault', action, json, endpoint };
}

function keyPoliciesAction(show: string | undefined, restore: string | undefined): KeyPoliciesArguments['action'] {
  if (show !== undefined) return { name: 'show', policyId: show };
  return restore === undefined ? { name: 'list' } : { name: 'restore', policyId: restore };
}

/** The endpoint that is given, else the environment's; an empty variable is none, as for AWS SDKs. */
function endpointOf(given: string | undefined, environment: Environment): string | undefined {
  if (given !== undefined) return checkUrl('--endpoint', given);
  const { AWS_ENDPOINT_URL: url, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: isIgnored } = environment;
  if (!url || isIgnored?.toLowerCase() === 'true') return undefined;
  return checkUrl('AWS_ENDPOINT_URL', url);
}

function requireEndpoint(command: string, given: string | undefined, environment: Environment): string {
  const endpoint = endpointOf(given, environment);
  if (endpoint !== undefined) return endpoint;
  throw usageError(`${command} needs --endpoint or AWS_ENDPOINT_URL: a throw-away sandbox has nothing to show`);
}

function checkUrl(source: string, url: string): string {
  if (/^https?:$/.test(URL.parse(url)?.protocol ?? '')) return url;
  throw usageError(`${source} takes a URL such as http://127.0.0.1:4566, not '${url}'`);
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
