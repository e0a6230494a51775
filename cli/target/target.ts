import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { usageError } from '../command-error.ts';
import { isUrl } from '../is-url.ts';

/** The stage that a sandbox is deployed as when it boots. */
export const sandboxStage = 'sandbox';

/** Where a command works. */
export type Target =
  /** A deployed stage, with AWS's default credential chain. */
  | { kind: 'stage'; stage: string; profile?: string; region?: string }
  /** A stage in a running sandbox, with the keys of the sandbox's operator. */
  | { kind: 'endpoint'; url: string; stage: string }
  /** A sandbox that the command boots, and that ends with it. */
  | { kind: 'sandbox' };

/** A target that is there: a command has booted the sandbox that it was to boot. */
export type Reachable = Exclude<Target, { kind: 'sandbox' }>;

/** A sandbox that runs at an endpoint, with the stage that it is deployed as when it boots. */
export const sandboxAt = (url: string) => ({ kind: 'endpoint', url, stage: sandboxStage }) as const;

/** The options that name a target. */
export interface TargetOptions {
  stage?: string | undefined;
  profile?: string | undefined;
  region?: string | undefined;
  endpoint?: string | undefined;
  sandbox?: boolean | undefined;
}

/** The environment variables that the command falls back on. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The file of the default target, in the folder that the command is called in or in one above it. */
const targetFile = '.infinstor-onboarding.json';

const word = (what: string, form: RegExp) => v.pipe(v.string('must be a string'), v.regex(form, `must be ${what}`));
const stageSchema = word(
  '1 to 32 letters, digits and hyphens, and begin with a letter',
  /^[A-Za-z][A-Za-z0-9-]{0,31}$/,
);
const regionSchema = word('a Region such as us-east-1', /^[a-z]{2}(-[a-z]+)+-\d+$/);
const profileSchema = word('the name of a profile', /^[^\s[\]]+$/);

const fileSchema = v.strictObject({
  stage: v.optional(stageSchema),
  profile: v.optional(profileSchema),
  region: v.optional(regionSchema),
  endpoint: v.optional(v.string('must be a URL')),
});

/**
 * The target that is meant: by the options, else by INFINSTOR_STAGE, else by the file of the default target, else by
 * AWS_ENDPOINT_URL, which then is a running sandbox. A stage that is named alone, in a shell that has nothing for AWS but this variable, is
 * one of that sandbox.
 * @param file the content of the file of the default target; undefined: there is none
 * @returns undefined when nothing names one
 * @throws CommandError named InvalidRequest for options that exclude each other, and for values that cannot be
 */
export function targetOf(options: TargetOptions, environment: Environment, file: unknown): Target | undefined {
  const { stage, profile, region, endpoint, sandbox } = options;
  if (sandbox === true) {
    refuseBeside('--sandbox', { '--stage': stage, '--endpoint': endpoint, '--profile': profile, '--region': region });
    return { kind: 'sandbox' };
  }
  if (endpoint !== undefined) {
    refuseBeside('--endpoint', { '--profile': profile, '--region': region });
    return {
      kind: 'endpoint',
      url: checkUrl('--endpoint', endpoint),
      stage: check('--stage', stageSchema, stage ?? sandboxStage),
    };
  }
  const fromFile = file === undefined ? {} : parseFile(file);
  const named = stage ?? (environment.INFINSTOR_STAGE || undefined);
  if (named !== undefined || (fromFile.endpoint === undefined && fromFile.stage !== undefined)) {
    const source = stage !== undefined ? '--stage' : 'INFINSTOR_STAGE';
    const own = named === undefined || named === fromFile.stage ? fromFile : {};
    const known = check(source, stageSchema, named ?? own.stage);
    const sandboxUrl = sandboxIn(environment, [profile, region, own.profile, own.region]);
    if (sandboxUrl !== undefined) return { kind: 'endpoint', url: sandboxUrl, stage: known };
    return withoutAbsent({
      kind: 'stage',
      stage: known,
      profile: profile === undefined ? own.profile : check('--profile', profileSchema, profile),
      region: region === undefined ? own.region : check('--region', regionSchema, region),
    });
  }
  const url =
    fromFile.endpoint === undefined
      ? endpointIn(environment)
      : checkUrl(`endpoint in ${targetFile}`, fromFile.endpoint);
  if (profile !== undefined || region !== undefined)
    throw usageError('--profile and --region belong to --stage, which is missing');
  return url === undefined ? undefined : { kind: 'endpoint', url, stage: fromFile.stage ?? sandboxStage };
}

/** The options that name a target again, in a command that is shown to people. */
export function optionsOf(target: Target): string {
  switch (target.kind) {
    case 'sandbox':
      return '--sandbox';
    case 'endpoint':
      return [...(target.stage === sandboxStage ? [] : [`--stage ${target.stage}`]), `--endpoint ${target.url}`].join(
        ' ',
      );
    case 'stage':
      return [`--stage ${target.stage}`, ...awsOptionsOf(target)].join(' ');
  }
}

/** The options of the AWS CLI for the same place. */
export function awsOptions(target: Reachable): string {
  return target.kind === 'endpoint' ? `--endpoint-url ${target.url}` : awsOptionsOf(target).join(' ');
}

const awsOptionsOf = ({ profile, region }: { profile?: string; region?: string }) => [
  ...(profile === undefined ? [] : [`--profile ${profile}`]),
  ...(region === undefined ? [] : [`--region ${region}`]),
];

/** The place in words, for the lines of a command. */
export function placeOf(target: Target): string {
  switch (target.kind) {
    case 'sandbox':
      return '(sandbox)';
    case 'endpoint':
      return `at ${target.url}`;
    case 'stage':
      return `on stage ${target.stage}`;
  }
}

/**
 * What stands in the nearest file of the default target, at or above a folder; undefined when there is none.
 * @throws CommandError named InvalidRequest when it is not JSON
 */
export function readTargetFile(folder: string): unknown {
  for (let at = folder; ; at = dirname(at)) {
    const path = join(at, targetFile);
    if (existsSync(path)) return parseJson(path);
    if (dirname(at) === at) return undefined;
  }
}

function parseJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    throw usageError(`${path} cannot be read, or is not JSON`);
  }
}

function parseFile(file: unknown) {
  const result = v.safeParse(fileSchema, file);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw usageError(`${v.getDotPath(issue) ?? 'The document'} in ${targetFile}: ${issue.message}`);
}

/** The environment's endpoint; an empty variable is none, as for AWS's SDKs. */
export function endpointIn({
  AWS_ENDPOINT_URL: url,
  AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: isIgnored,
}: Environment): string | undefined {
  return !url || isIgnored?.toLowerCase() === 'true' ? undefined : checkUrl('AWS_ENDPOINT_URL', url);
}

/** What in a shell says how AWS is reached, beside its endpoint. */
const ofAws = ['AWS_ACCESS_KEY_ID', 'AWS_PROFILE', 'AWS_REGION', 'AWS_DEFAULT_REGION'];

/**
 * The sandbox of a shell that knows nothing else of AWS; undefined where it names credentials or a Region, which then are for what is at the
 * endpoint, and for an endpoint of AWS, which is never without TLS.
 * @param given profiles and Regions from elsewhere
 */
function sandboxIn(environment: Environment, given: readonly (string | undefined)[]): string | undefined {
  const isForAws = given.some((value) => value !== undefined) || ofAws.some((name) => environment[name]);
  const url = isForAws ? undefined : endpointIn(environment);
  return url?.startsWith('http:') === true ? url : undefined;
}

function refuseBeside(option: string, others: Readonly<Record<string, string | undefined>>): void {
  const [other] = Object.entries(others).find(([, value]) => value !== undefined) ?? [];
  if (other !== undefined) throw usageError(`Give either ${option} or ${other}, not both`);
}

function checkUrl(source: string, url: string): string {
  if (isUrl(url)) return url;
  throw usageError(`${source} takes a URL such as http://127.0.0.1:4566, not '${url}'`);
}

function check(source: string, schema: typeof stageSchema, value: string | undefined): string {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  throw usageError(`${source} ${result.issues[0].message}`);
}

function withoutAbsent({
  kind,
  stage,
  profile,
  region,
}: {
  kind: 'stage';
  stage: string;
  profile: string | undefined;
  region: string | undefined;
}): Target {
  return { kind, stage, ...(profile !== undefined && { profile }), ...(region !== undefined && { region }) };
}

/** The stage that a target is; of one that is not named, that of the sandbox that a command boots. */
export const stageOf = (target: Target | undefined): string =>
  target === undefined || target.kind === 'sandbox' ? sandboxStage : target.stage;
