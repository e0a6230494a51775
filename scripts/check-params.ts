import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { parseDocument } from 'yaml';
import { environmentSchema } from '../functions/accept-request/environment.ts';
import { parse } from '../lib/parse.ts';
import { paramSchemas } from './param-schemas.ts';

/** The stage that is for the sandbox alone, whose URLs of InfinStor are placeholders. */
const sandboxStage = 'sandbox';
/** Files in `stages/` that are of no stage. */
const otherFiles = ['default', 'example'];
/** How `serverless.yml` takes the params of a stage. */
const reference = '${file(deployment/params.cjs)}';

/** What the file of a stage begins with, in YAML. It is refused until the URL and the hash are there. */
export const firstParams: Readonly<Record<string, string>> = {
  region: 'us-east-1',
  infinstorMlflowUrl: 'https://mlflow.<your service>',
  defaultBuild: '2.3.72',
  builds: '\'{"2.3.72": "<its SHA-256>"}\'',
};

interface StageFiles {
  /** The text of `serverless.yml`. */
  serverless: string;
  /** The text of `stages/default.yml`. */
  defaults: string;
  /** The text of the stage's own file, if there is one. */
  own: string | undefined;
  /** The names of all stages that have a file. */
  stages: readonly string[];
}

interface Findings {
  /** What is wrong: each with the param and the rule. */
  broken: string[];
  /** Params whose value comes from where only osls looks, such as `${env:…}`. */
  unchecked: string[];
}

/**
 * The files that a stage's params are in.
 * @param root the project's folder
 */
export async function stageFiles(root: string, stage: string): Promise<StageFiles> {
  const read = (path: string) => readFile(join(root, path), 'utf8');
  const stages = (await readdir(join(root, 'stages')))
    .flatMap((name) => /^(.*)\.yml$/.exec(name)?.[1] ?? [])
    .filter((name) => !otherFiles.includes(name))
    .sort();
  return {
    serverless: await read('serverless.yml'),
    defaults: await read('stages/default.yml'),
    own: stages.includes(stage) ? await read(`stages/${stage}.yml`) : undefined,
    stages,
  };
}

/**
 * What is wrong with the params of a stage, before they are packaged: an unknown param or a wrong form would be found by the first
 * request of the deployment, and a lost letter in a switch of security by nobody. No value is quoted, because `accounts` has external ids.
 * @throws Error when `stages/default.yml` is not what it is made of
 */
export async function checkParams(files: StageFiles, stage: string): Promise<Findings> {
  const former = formerSections(files.serverless);
  if (former !== undefined) return { broken: [former], unchecked: [] };
  if (files.own === undefined) return { broken: [missingFile(stage, files.stages)], unchecked: [] };
  const defaults = mapIn(files.defaults);
  if (typeof defaults === 'string') throw new Error(`stages/default.yml: ${defaults}`);
  const own = mapIn(files.own);
  if (typeof own === 'string') return { broken: [`stages/${stage}.yml: ${own}`], unchecked: [] };
  const schemas = await paramSchemas();
  const values = resolved({ ...defaults, ...own }, stage);
  const known = new Map([...values].filter(([, value]) => !isOfOsls(value)));
  const unknown = Object.keys(own).filter((name) => !Object.hasOwn(defaults, name));
  const wrong = new Map(
    [...known].flatMap(([name, value]) => {
      const schema = schemas.get(name);
      const rule = schema === undefined ? undefined : brokenRule(name, schema, value);
      return rule === undefined ? [] : [[name, rule] as const];
    }),
  );
  const right = new Map([...known].filter(([name]) => !wrong.has(name)));
  return {
    broken: [
      ...unknown.map((name) => `${name}: is no param: docs/params.md lists them. Is it misspelt?`),
      ...wrong.values(),
      ...contradicting(right),
      ...(stage === sandboxStage ? [] : notYours(right)),
    ],
    unchecked: [...values.keys()].filter((name) => !known.has(name)),
  };
}

/** The params in a file, or why it has none. A file with nothing but comments sets none. */
function mapIn(text: string): Readonly<Record<string, unknown>> | string {
  const document = parseDocument(text, { merge: true, logLevel: 'silent' });
  const [error] = document.errors;
  // Without the lines that the parser quotes, which may hold an external id.
  if (error !== undefined) return `is no YAML: ${error.message.replace(/:?\n.*/s, '')}`;
  const content: unknown = document.toJS() ?? {};
  // A list would be a map of numbers.
  return v.is(v.record(v.string(), v.unknown()), content) && !Array.isArray(content)
    ? content
    : 'must be a map of params: a line `name: value` for each';
}

/** What to do with params in `serverless.yml`, where they were before each stage had a file. */
function formerSections(text: string): string | undefined {
  const document = parseDocument(text, { logLevel: 'silent' });
  const content = v.safeParse(v.looseObject({ params: v.optional(v.unknown()) }), document.toJS());
  const params = content.success ? content.output.params : undefined;
  if (document.errors.length === 0 && params === reference) return undefined;
  // A file that is no YAML, as a merge leaves it that kept both sides, may have been read as anything.
  const sections = document.errors.length === 0 && v.is(v.looseObject({}), params) ? Object.keys(params) : [];
  const moved = sections
    .filter((name) => name !== 'default' && name !== sandboxStage)
    .map((name) => ` Move what is below \`params.${name}\` into a file stages/${name}.yml, without its indentation.`);
  return `serverless.yml: must have the line \`params: ${reference}\` and no params itself, which are in a file for each stage.${
    moved.length > 0 ? moved.join('') : ' Move what is below the name of a stage into stages/<stage>.yml.'
  } What you have changed below \`params.default\` goes there, too (docs/deploying.md, step 2).`;
}

function missingFile(stage: string, stages: readonly string[]): string {
  const others = stages.filter((name) => name !== sandboxStage);
  const misspelt = others.length === 0 ? '' : ` There is: ${others.join(', ')}.`;
  if (otherFiles.includes(stage))
    return `stages/${stage}.yml is for all stages: no stage can have this name.${misspelt}`;
  const lines = Object.entries(firstParams).map(([name, value]) => `${name}: ${value}\n`);
  return `The stage ${stage} has no file stages/${stage}.yml.${misspelt} Copy stages/example.yml, which explains every param, or write this, as docs/deploying.md says in step 2:

# yaml-language-server: $schema=../schemas/stage.json
${lines.join('')}`;
}

type Values = ReadonlyMap<string, unknown>;

/** The values with what osls puts in for other params and for the stage. */
function resolved(values: Readonly<Record<string, unknown>>, stage: string): Values {
  const filledIn = (name: string, within: readonly string[]): unknown => {
    const value = values[name];
    if (typeof value !== 'string' || within.includes(name)) return value;
    return value
      .replace(/\$\{(?:sls:stage|opt:stage)\}/g, () => stage)
      .replace(/\$\{param:(\w+)\}/g, (_, other: string) => String(filledIn(other, [...within, name])));
  };
  return new Map(Object.keys(values).map((name) => [name, filledIn(name, [])]));
}

/** Whether osls has something to put in. CloudFormation's own `${AWS::Region}` is part of the value. */
const isOfOsls = (value: unknown) => typeof value === 'string' && /\$\{(?!AWS::)/.test(value);

function brokenRule(name: string, schema: v.GenericSchema<unknown, unknown>, value: unknown): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return `${name}: must be text: put the value into quotes`;
  try {
    parse(
      schema,
      String(value),
      (field, rule) => new Error(`${field === '(root)' ? name : `${name}.${field}`}: ${rule}`),
    );
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const { ACCOUNTS, BUILDS, TEMPLATE_PARAMETERS } = environmentSchema.entries;

/** Values that are right on their own, and with which requests would be refused. */
function contradicting(values: Values): string[] {
  const accounts = v.safeParse(ACCOUNTS, values.get('accounts'));
  const templateParameters = v.safeParse(TEMPLATE_PARAMETERS, values.get('templateParameters'));
  const builds = v.safeParse(BUILDS, values.get('builds'));
  const build = values.get('defaultBuild');
  const hasBoundary = templateParameters.success && templateParameters.output.boundary !== undefined;
  const withoutBoundary = Object.entries(accounts.success ? accounts.output : {}).filter(
    ([, { permissionsBoundaryArn }]) => permissionsBoundaryArn === undefined,
  );
  return [
    ...(hasBoundary
      ? withoutBoundary.map(
          ([id]) =>
            `accounts.${id}.permissionsBoundaryArn: is required, because templateParameters has the part boundary`,
        )
      : []),
    ...(templateParameters.success && !hasBoundary && values.get('requirePermissionsBoundary') === 'true'
      ? ['templateParameters.boundary: is required, unless requirePermissionsBoundary is "false"']
      : []),
    ...(builds.success &&
    build !== undefined &&
    builds.output[String(build)] === undefined &&
    values.get('requirePinnedTemplate') === 'true'
      ? [
          `builds: must have the SHA-256 of the defaultBuild ${build}, unless requirePinnedTemplate is "false": \`npm start -- template ${build}\` prints it`,
        ]
      : []),
  ];
}

/** What is sent to this computer, as to a sandbox, meets nobody on its way. */
const unencryptedUrl = /^http:(?!\/\/127\.0\.0\.1(?::\d+)?(?:\/|$))/i;

/** What only the sandbox may have. */
function notYours(values: Values): string[] {
  const isPlaceholder = /^https?:\/\/[^/]*\bexample\.com\b/i.test(String(values.get('infinstorMlflowUrl')));
  const unencrypted = ['infinstorMlflowUrl', 'infinstorApiUrl'].filter((name) =>
    unencryptedUrl.test(String(values.get(name))),
  );
  return [
    ...(isPlaceholder ? ['infinstorMlflowUrl: must be the URL of your service: example.com is a placeholder'] : []),
    ...unencrypted.map((name) => `${name}: must begin with https://, because passwords are sent there`),
  ];
}
