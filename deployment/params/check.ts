import * as v from 'valibot';
import { parseDocument } from 'yaml';
import { environmentSchema } from '../../functions/accept-request/environment.ts';
import { parse } from '../../lib/parse.ts';
import { paramSchemas } from './schemas.ts';

/** The stage that is for the sandbox alone, whose URLs of InfinStor are placeholders. */
export const sandboxStage = 'sandbox';
/** Files in `stages/` that are of no stage. */
export const otherFiles: readonly string[] = ['default', 'example'];

export interface Findings {
  /** What is wrong: each with the param and the rule. */
  broken: string[];
  /** Params whose value comes from where only osls looks, such as `${env:…}`. */
  unchecked: string[];
}

/**
 * What is wrong with the file of a stage: an unknown param or a wrong form would be found by the first request of the deployment, and
 * a lost letter in a switch of security by nobody. No value is quoted, because `accounts` has external ids.
 * @param texts those of `stages/default.yml` and of the stage's own file
 * @throws Error when `stages/default.yml` is not what it is made of
 */
export function checkStage(
  { defaults: defaultText, own: ownText }: { defaults: string; own: string },
  stage: string,
): Findings {
  const defaults = mapIn(defaultText);
  if (typeof defaults === 'string') throw new Error(`stages/default.yml: ${defaults}`);
  const own = mapIn(ownText);
  if (typeof own === 'string') return { broken: [`stages/${stage}.yml: ${own}`], unchecked: [] };
  const values = resolved({ ...defaults, ...own }, stage);
  const known = new Map([...values].filter(([, value]) => !isOfOsls(value)));
  const unknown = Object.keys(own).filter((name) => !Object.hasOwn(defaults, name));
  const wrong = new Map(
    [...known].flatMap(([name, value]) => {
      const schema = paramSchemas.get(name);
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
  const keyRegion = String(values.get('kmsKeyArn') ?? '').split(':')[3];
  const region = values.get('region');
  return [
    ...(keyRegion !== undefined && region !== undefined && keyRegion !== region
      ? [`kmsKeyArn: must be a key of the region ${region}, because services use only keys of their own Region`]
      : []),
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

/** What only the sandbox may have. */
function notYours(values: Values): string[] {
  const isPlaceholder = /^https?:\/\/[^/]*\bexample\.com\b/i.test(String(values.get('infinstorMlflowUrl')));
  // A sandbox is on the computer itself. Functions in AWS find nobody there: such a stage sends no password anywhere.
  const unencrypted = ['infinstorMlflowUrl', 'infinstorApiUrl'].filter((name) =>
    /^http:(?!\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(\/|$))/i.test(String(values.get(name))),
  );
  return [
    ...(isPlaceholder ? ['infinstorMlflowUrl: must be the URL of your service: example.com is a placeholder'] : []),
    ...unencrypted.map((name) => `${name}: must begin with https://, because passwords are sent there`),
  ];
}
