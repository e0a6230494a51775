import { createHash } from 'node:crypto';
import { placeOf } from '../../lib/aws/signed/s3.ts';
import { unreachable } from '../aws/answer.ts';
import { CommandError } from '../command-error.ts';
import { parseTemplate, type Template } from './content.ts';

/** A template as it was read. */
export interface ReadTemplate {
  url: string;
  bytes: number;
  sha256: string;
  content: Template;
}

/** Where the vendor has the template of a build. */
export const vendorUrl = (templateBaseUrl: string, build: string): string =>
  `${templateBaseUrl}/${build}/infinstor-setup-customer.yaml`;

/**
 * Reads a template of CloudFormation.
 * @param endpoint of the sandbox that has it; undefined: the URL itself
 * @param send fetch, or what stands in for it in a test
 * @throws CommandError named TemplateNotReadable, NotATemplate, or EndpointUnreachable
 */
export async function readTemplate(
  url: string,
  endpoint: string | undefined,
  send: typeof fetch = fetch,
): Promise<ReadTemplate> {
  const bytes = await read(url, endpoint, send);
  const content = parseTemplate(bytes.toString('utf8'));
  if (content === undefined) {
    throw new CommandError(
      'NotATemplate',
      `What is at ${url} is no template of CloudFormation: it cannot be read, or has no Resources`,
      'Check the URL; if it is right, ask the vendor.',
    );
  }
  return { url, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'), content };
}

/** The names of the stacks that a template nests, whose own templates no hash of it covers. */
export const nestedStacksOf = ({ resources }: Template): string[] =>
  resources.filter(({ type }) => type === 'AWS::CloudFormation::Stack').map(({ name }) => name);

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
