import * as v from 'valibot';
import { parse } from 'yaml';
import { readDefaults } from '../../deployment/params/defaults.ts';
import type { Outcome } from '../command.ts';
import { usageError } from '../command-error.ts';
import { isUrl } from '../is-url.ts';
import type { Session } from '../session.ts';
import type { Reachable } from '../target/target.ts';
import type { TemplateParameter } from '../vendor-template/content.ts';
import { nestedStacksOf, readTemplate, vendorUrl } from '../vendor-template/read.ts';
import { printable } from '../view/terminal.ts';

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
  if (given !== undefined && !isUrl(given)) {
    throw usageError(`--url takes a URL, not '${given}'`);
  }
  // A stage says nothing about where the vendor's bucket is.
  const endpoint =
    session.target === undefined || session.target.kind === 'stage' ? undefined : endpointOf(await session.reach());
  const params = await paramsOfDefault();
  const named = build ?? params.defaultBuild;
  const url = given ?? vendorUrl(params.templateBaseUrl, named);
  const { bytes, sha256, content } = await readTemplate(url, endpoint, send);
  const parameters = content.parameters.map(({ description: _, ...parameter }) => parameter);
  const nestedStacks = nestedStacksOf(content);
  const document = {
    status: 'SUCCEEDED',
    url,
    bytes,
    sha256,
    parameters,
    nestedStacks,
    endpoint: endpoint ?? null,
    error: null,
  };
  // Whose template another URL is, the command does not know.
  const pin = given === undefined ? named : '<build>';
  return { document, text: textOf({ url, bytes, sha256, pin, endpoint, parameters, nestedStacks }) };
}

const endpointOf = (target: Reachable) => (target.kind === 'endpoint' ? target.url : undefined);

async function paramsOfDefault() {
  const schema = v.object({ defaultBuild: v.string(), templateBaseUrl: v.string() });
  return v.parse(schema, parse(await readDefaults()));
}

type Parameter = Omit<TemplateParameter, 'description'>;

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
