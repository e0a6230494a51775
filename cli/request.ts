import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import * as v from 'valibot';
import { parseKeyArn } from '../lib/aws/arns.ts';
import { InvalidRequest } from '../lib/errors.ts';
import type { Fault } from '../lib/faults.ts';
import { plaintextRule, userNameSchema } from '../lib/requests/fields.ts';
import { checkOffboardingRequest } from '../lib/requests/offboarding.ts';
import { checkRequest } from '../lib/requests/onboarding.ts';
import { checkUpdateRequest } from '../lib/requests/update.ts';
import { checkUpgradeRequest } from '../lib/requests/upgrade.ts';
import { checkUsersRequest } from '../lib/requests/users.ts';
import { inputSecretPrefix } from '../lib/secrets/names.ts';
import { type Operation, operationSchema } from '../lib/subscribers/operations.ts';
import { CommandError } from './command-error.ts';
import { sandboxStage } from './target/target.ts';

export type Request = Readonly<Record<string, unknown>>;

/** What stands for a subscriber that is there, where somebody has written its name in place of a request's file. */
const waysByName: Record<Operation, { example: string; byName?: (userName: string) => string }> = {
  'onboard-subscriber': {
    example: 'acme.json',
    byName: (userName) => `\`retry ${userName}\` sends the latest request of that subscriber again if it failed`,
  },
  'update-subscriber': { example: 'update-email.json' },
  'upgrade-subscriber': { example: 'upgrade-encryption.json' },
  'add-user': { example: 'add-user-alice.json' },
  'offboard-subscriber': { example: 'offboard-acme.json' },
};

/** An example of a request for an operation, below `examples/`. */
export const exampleOf = (operation: Operation): string => waysByName[operation].example;

/** Where the secrets of a stage's requests are (serverless.yml, `secretPrefix`). */
const secretsOf = (stage: string) => ({ inputSecretPrefix: inputSecretPrefix(`infinstor/${stage}/`) });

/** What the first step of each state machine checks without knowledge of the params. */
const checks: Record<Operation, (request: unknown, stage: string) => void> = {
  'onboard-subscriber': (request, stage) => checkRequest(request, secretsOf(stage)),
  'update-subscriber': (request, stage) => checkUpdateRequest(request, secretsOf(stage)),
  'upgrade-subscriber': (request, stage) => checkUpgradeRequest(request, secretsOf(stage)),
  'add-user': (request, stage) => checkUsersRequest(request, secretsOf(stage)),
  'offboard-subscriber': (request) => checkOffboardingRequest(request),
};

// The state machine validates the request. What the command itself reads of it may be absent or wrong.
const namedSchema = v.object({ subscriber: v.object({ userName: v.string() }) });
const artifactsSchema = v.object({ encryption: v.object({ artifacts: v.object({ keyArn: v.string() }) }) });
const trackingSchema = v.object({ encryption: v.object({ tracking: v.object({ keyArn: v.string() }) }) });

/**
 * Reads the file of a request for an operation.
 * @param stage the one that the request is for; default: that of a sandbox
 * @throws CommandError named InvalidRequest when the file cannot be read, does not hold a JSON object, or breaks rules: all that it breaks
 */
export async function readRequest(path: string, operation: Operation, stage: string = sandboxStage): Promise<Request> {
  const invalid = (rule: string, faults?: readonly Fault[]) =>
    new CommandError(
      'InvalidRequest',
      `${path} ${rule}`,
      'Correct the file or its path and run the command again; nothing was started.',
      null,
      faults?.map(({ pointer, rule: broken }) => ({ pointer, rule: broken })),
    );
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' && v.is(userNameSchema, basename(path))) throw noFile(path, operation);
    throw invalid(error.code === 'ENOENT' ? 'does not exist' : `cannot be read: ${error.code ?? error.message}`);
  });
  const request = parseJson(text, invalid);
  if (typeof request !== 'object' || request === null || Array.isArray(request)) throw invalid('is not a JSON object');
  // The state machine refuses all this, too, but its history would keep what was sent for 90 days, passwords under wrong names too.
  try {
    checks[operation](request, stage);
  } catch (error) {
    if (!(error instanceof InvalidRequest)) throw error;
    const faults = error.faults.map(beforeSending);
    throw invalid(`cannot be sent: ${faultLines(faults)}`, faults);
  }
  return { ...request };
}

/** That there is no such file, and the path looks like the name of a subscriber. */
function noFile(path: string, operation: Operation): CommandError {
  const userName = basename(path);
  const { example, byName } = waysByName[operation];
  const ways = [
    `Write the request into a file, of which examples/${example} is an example and docs/using.md has all fields, and name that file`,
    `\`status ${userName}\` shows how a subscriber of that name stands`,
    ...(byName === undefined ? [] : [byName(userName)]),
  ];
  return new CommandError(
    'InvalidRequest',
    `${path} does not exist: what is named must be a file with a request in JSON, not a subscriber`,
    `${ways.join('; ')}. Nothing was started.`,
  );
}

/** No history keeps a password that was not sent: it need not be another one. */
function beforeSending(fault: Fault): Fault {
  if (fault.rule !== plaintextRule) return fault;
  return { ...fault, rule: 'must not be in the request: put it into a secret and refer to it with passwordSecretId' };
}

const maxFaultLines = 50;

/** One fault in the same line, several in one each. */
function faultLines(faults: readonly Fault[]): string {
  const shown = faults.slice(0, maxFaultLines).map(({ field, rule }) => `${field}: ${rule}`);
  const more = faults.length - shown.length;
  return [...(faults.length === 1 ? [] : ['']), ...shown, ...(more === 0 ? [] : [`and ${more} more`])].join('\n');
}

/** The operation whose schema a file names for editors, as the examples do; undefined without one, or when it cannot be read. */
export async function operationNamedIn(path: string): Promise<Operation | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const read = v.safeParse(v.pipe(v.string(), v.parseJson(), v.object({ $schema: v.string() })), text);
  if (!read.success) return undefined;
  return operationSchema.options.find((name) => read.output.$schema.endsWith(`/${name}.json`));
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function parseJson(text: string, invalid: (rule: string) => Error): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The parser's own message quotes the file, which may hold a secret: only the position is taken from it.
    const [position] = /\(line \d+ column \d+\)/.exec(error instanceof Error ? error.message : '') ?? [];
    throw invalid(position === undefined ? 'is not JSON' : `is not JSON ${position}`);
  }
}

/** The subscriber that the request names, or undefined when it names none. */
export function userNameOf(request: Request): string | undefined {
  const result = v.safeParse(namedSchema, request);
  return result.success ? result.output.subscriber.userName : undefined;
}

/** The same request for another subscriber. */
export function named(request: Request, userName: string | undefined): Request {
  const { subscriber } = request;
  return userName === undefined || !isRecord(subscriber)
    ? request
    : { ...request, subscriber: { ...subscriber, userName } };
}

/** The KMS keys that the request names, each once; what is no key ARN is left for the state machine to refuse. */
export function keyArnsOf(request: Request): string[] {
  const artifacts = v.safeParse(artifactsSchema, request);
  const tracking = v.safeParse(trackingSchema, request);
  const keyArns = [
    ...(artifacts.success ? [artifacts.output.encryption.artifacts.keyArn] : []),
    ...(tracking.success ? [tracking.output.encryption.tracking.keyArn] : []),
  ];
  return [...new Set(keyArns)].filter((keyArn) => parseKeyArn(keyArn) !== undefined);
}

/**
 * A new name for an execution of the request: the subscriber, so that people find it, and what makes it unique, since
 * Step Functions keeps a name for 90 days. Holds only letters, digits, hyphens and underscores, and at most 80 of them.
 */
export function executionNameFor(request: Request): string {
  const subscriber = (userNameOf(request) ?? '').replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, 60) || 'request';
  return `${subscriber}-${Date.now().toString(36)}${randomBytes(3).toString('hex')}`;
}
