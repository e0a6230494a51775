import * as v from 'valibot';
import { parse as parseYaml } from 'yaml';
import { environmentSchema } from '../functions/accept-request/environment.ts';
import { parse } from '../lib/parse.ts';
import { paramSchemas } from './param-schemas.ts';

const section = v.record(v.string(), v.unknown());
const fileSchema = v.object({ params: v.looseObject({ default: section }) });

/** The stage that is for the sandbox alone, which runs on the values of `default:`. */
const sandboxStage = 'sandbox';

interface Findings {
  /** What is wrong: each with the param and the rule. */
  broken: string[];
  /** Params whose value comes from where only osls looks, such as `${env:…}`. */
  unchecked: string[];
}

/**
 * What is wrong with the params of a stage, before they are packaged: an unknown param or a wrong form would be found by the first
 * request of the deployment, and a lost letter in a switch of security by nobody. No value is quoted, because `accounts` has external ids.
 * @param text of `serverless.yml`
 * @throws Error when the file is not what it is made of
 */
export async function checkParams(text: string, stage: string): Promise<Findings> {
  const { params } = parse(
    fileSchema,
    parseYaml(text, { merge: true, logLevel: 'error' }),
    (field, rule) => new Error(`serverless.yml: ${field} ${rule}`),
  );
  const own = sectionOf(params, stage);
  if (own === undefined) return { broken: [missingSection(stage, Object.keys(params))], unchecked: [] };
  // A list would be a map of numbers.
  if (!v.is(section, own) || Array.isArray(own)) {
    return {
      broken: [`params.${stage}: must be a map of params, which is written in serverless.yml itself`],
      unchecked: [],
    };
  }
  const schemas = await paramSchemas();
  const values = resolved({ ...params.default, ...own }, stage);
  const known = new Map([...values].filter(([, value]) => !isOfOsls(value)));
  const unknown = Object.keys(own).filter((name) => !Object.hasOwn(params.default, name));
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

function sectionOf(params: Readonly<Record<string, unknown>>, stage: string): unknown {
  if (stage !== 'default' && Object.hasOwn(params, stage)) return params[stage];
  return stage === sandboxStage ? {} : undefined;
}

function missingSection(stage: string, sections: readonly string[]): string {
  const others = sections.filter((name) => name !== 'default' && name !== sandboxStage);
  const misspelt = others.length === 0 ? '' : ` It has: ${others.join(', ')}.`;
  return `serverless.yml has no params for the stage ${stage}.${misspelt} Add them below \`params:\`, beside \`default:\`, as docs/deploying.md says in step 2:

  ${stage}:
    region: us-east-1
    infinstorMlflowUrl: https://mlflow.<your service>
    defaultBuild: 2.3.72
    builds: '{"2.3.72": "<its SHA-256>"}'
`;
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

/** What only the sandbox may have. */
function notYours(values: Values): string[] {
  const isPlaceholder = /^https?:\/\/[^/]*\bexample\.com\b/i.test(String(values.get('infinstorMlflowUrl')));
  const unencrypted = ['infinstorMlflowUrl', 'infinstorApiUrl'].filter((name) =>
    /^http:/i.test(String(values.get(name))),
  );
  return [
    ...(isPlaceholder ? ['infinstorMlflowUrl: must be the URL of your service: example.com is a placeholder'] : []),
    ...unencrypted.map((name) => `${name}: must begin with https://, because passwords are sent there`),
  ];
}
