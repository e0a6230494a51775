import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { parseDocument } from 'yaml';
import { placeOf } from '../../lib/aws/s3.ts';
import { unreachable } from '../aws/answer.ts';
import type { Outcome } from '../command.ts';
import { CommandError, usageError } from '../command-error.ts';
import type { Session } from '../session.ts';
import type { Reachable } from '../target/target.ts';
import { printable } from '../view/terminal.ts';

const scalar = v.pipe(v.union([v.string(), v.number(), v.boolean()]), v.transform(String));
const parameterSchema = v.object({
  Type: v.string(),
  Default: v.optional(scalar),
  AllowedValues: v.optional(v.array(scalar)),
  NoEcho: v.optional(
    v.pipe(
      scalar,
      v.transform((value) => value === 'true'),
    ),
  ),
});
const templateSchema = v.object({
  Parameters: v.optional(v.record(v.string(), parameterSchema), {}),
  Resources: v.record(v.string(), v.looseObject({ Type: v.string() })),
});

interface Parameter {
  name: string;
  type: string;
  default: string | null;
  allowedValues: string[] | null;
  noEcho: boolean;
}

/**
 * Reads the vendor's template of a build, and reports what is pinned of it and what is compared with the deployment. What a sandbox has at the
 * same address is a stand-in with another hash, and reported as that.
 * @param send fetch, or what stands in for it in a test
 * @returns the document that `--json` prints, and the text for people
 * @throws CommandError named TemplateNotReadable, NotATemplate, or EndpointUnreachable
 */
export async function template(
  { words: [build], options: { url: given } }: { words: readonly string[]; options: { url?: string | undefined } },
  session: Pick<Session, 'target' | 'reach'>,
  send: typeof fetch = fetch,
): Promise<Outcome> {
  if (build !== undefined && given !== undefined) throw usageError('Give either a build or --url, not both');
  if (given !== undefined && !/^https?:$/.test(URL.parse(given)?.protocol ?? '')) {
    throw usageError(`--url takes a URL, not '${given}'`);
  }
  // A stage says nothing about where the vendor's bucket is.
  const endpoint =
    session.target === undefined || session.target.kind === 'stage' ? undefined : endpointOf(await session.reach());
  const params = await paramsOfDefault();
  const named = build ?? params.defaultBuild;
  const url = given ?? `${params.templateBaseUrl}/${named}/infinstor-setup-customer.yaml`;
  const bytes = await read(url, endpoint, send);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const { parameters, nestedStacks } = contentOf(bytes, url);
  const document = {
    status: 'SUCCEEDED',
    url,
    bytes: bytes.length,
    sha256,
    parameters,
    nestedStacks,
    endpoint: endpoint ?? null,
    error: null,
  };
  // Whose template another URL is, the command does not know.
  const pin = given === undefined ? named : '<build>';
  return { document, text: textOf({ url, bytes: bytes.length, sha256, pin, endpoint, parameters, nestedStacks }) };
}

const endpointOf = (target: Reachable) => (target.kind === 'endpoint' ? target.url : undefined);

async function paramsOfDefault() {
  const text = await readFile(join(import.meta.dirname, '../../stages/default.yml'), 'utf8');
  const schema = v.object({ defaultBuild: v.string(), templateBaseUrl: v.string() });
  return v.parse(schema, parseDocument(text).toJS());
}

/** Without a signature: the vendor's bucket is public. */
async function read(url: string, endpoint: string | undefined, send: typeof fetch): Promise<Buffer> {
  const address = endpoint === undefined ? url : atEndpoint(url, endpoint);
  const answer = await send(address).catch((error: unknown) => {
    // fetch says "fetch failed"; what has failed is the cause.
    const reason = error instanceof Error ? (error.cause ?? error) : error;
    throw endpoint === undefined ? unreachable(reason, elsewhere(url)) : unreachable(reason);
  });
  if (answer.ok) return Buffer.from(await answer.arrayBuffer());
  throw new CommandError(
    'TemplateNotReadable',
    `${endpoint === undefined ? 'S3' : `The sandbox at ${endpoint}`} answered with status ${answer.status} for ${url}`,
    endpoint === undefined
      ? 'Check the build and the param templateBaseUrl. If the bucket is not public, pass a signed URL: --url "$(aws s3 presign s3://…)".'
      : "Check the build and the param templateBaseUrl. To read the vendor's own template, leave --endpoint out (and AWS_ENDPOINT_URL unset).",
  );
}

/** A place that is no sandbox: another sandbox would be of no help. Without what follows the host, which may be a signature. */
const elsewhere = (url: string) => ({
  place: new URL(url).host,
  remedy:
    'Check the connection of this computer to that host; a proxy is used only with NODE_USE_ENV_PROXY=1 and Node 24. Or pass the URL of a copy of the template that it can reach: --url URL.',
});

function atEndpoint(url: string, endpoint: string): string {
  try {
    const { bucket, key } = placeOf(url);
    return new URL(`/${bucket}/${key}`, endpoint).href;
  } catch {
    throw new CommandError(
      'TemplateNotReadable',
      `${url} is not the URL of an object in S3, which alone the sandbox has`,
      'Leave --endpoint out (and AWS_ENDPOINT_URL unset) to read it from where it is.',
    );
  }
}

function contentOf(bytes: Buffer, url: string): { parameters: Parameter[]; nestedStacks: string[] } {
  const parsed = v.safeParse(templateSchema, readYaml(bytes.toString('utf8')));
  if (!parsed.success) {
    throw new CommandError(
      'NotATemplate',
      `What is at ${url} is no template of CloudFormation: ${v.getDotPath(parsed.issues[0]) ?? 'it'} cannot be read`,
      'Check the URL; if it is right, ask the vendor.',
    );
  }
  const { Parameters, Resources } = parsed.output;
  return {
    parameters: Object.entries(Parameters).map(([name, { Type, Default, AllowedValues, NoEcho }]) => ({
      name,
      type: Type,
      default: Default ?? null,
      allowedValues: AllowedValues ?? null,
      noEcho: NoEcho ?? false,
    })),
    nestedStacks: Object.entries(Resources)
      .filter(([, { Type }]) => Type === 'AWS::CloudFormation::Stack')
      .map(([name]) => name),
  };
}

/** The short forms of functions, such as `!Ref`, stay as what they are written with; they are of no interest here. */
function readYaml(text: string): unknown {
  try {
    return parseDocument(text, { logLevel: 'silent' }).toJS();
  } catch {
    return undefined;
  }
}

interface Shown {
  url: string;
  bytes: number;
  sha256: string;
  pin: string;
  /** Where the sandbox is that has it. */
  endpoint: string | undefined;
  parameters: readonly Parameter[];
  nestedStacks: readonly string[];
}

function textOf({ url, bytes, sha256, pin, endpoint, parameters, nestedStacks }: Shown): string {
  const width = Math.max(0, ...parameters.map(({ name }) => name.length));
  const lines = [
    endpoint === undefined ? url : `${url}, from the sandbox at ${endpoint}`,
    `  ${bytes} bytes, SHA-256 ${sha256}`,
    '',
    ...(endpoint === undefined
      ? ['When you have read it, pin it in stages/<stage>.yml:', `  builds: '{"${pin}": "${sha256}"}'`]
      : [
          "It is a stand-in; do not pin it for AWS. To read the vendor's template, leave --endpoint out, and AWS_ENDPOINT_URL unset.",
        ]),
    '',
    parameters.length === 0 ? 'It has no parameters.' : 'Parameters:',
    ...parameters.map((parameter) => `  ${parameter.name.padEnd(width)}  ${factsOf(parameter).join('; ')}`),
    ...(nestedStacks.length === 0
      ? []
      : ['', `It nests stacks (${nestedStacks.join(', ')}), whose templates this hash does not cover.`]),
  ];
  return `${lines.map(printable).join('\n')}\n`;
}

const factsOf = ({ type, default: byDefault, allowedValues, noEcho }: Parameter): string[] => [
  type,
  byDefault === null ? 'no default' : `default ${JSON.stringify(byDefault)}`,
  ...(allowedValues === null ? [] : [`allowed: ${allowedValues.map((value) => JSON.stringify(value)).join(', ')}`]),
  ...(noEcho ? ['NoEcho'] : []),
];
