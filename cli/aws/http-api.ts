import { LambdaClient } from '@aws-sdk/client-lambda';
import { SignatureV4 } from '@smithy/signature-v4';
import { configurationOf, type Deployment } from '../target/deployment.ts';
import { endpointIn, type Reachable, sandboxStage } from '../target/target.ts';

interface At {
  target: Reachable;
  deployment: Deployment;
}

/** The URL of the deployment's HTTP API, without a slash at the end. A sandbox has all hosts at its one address. */
export function apiUrlOf({ target, deployment: { stage, outputs } }: At): string {
  const endpoint = target.kind === 'endpoint' ? target.url : endpointIn(process.env);
  if (endpoint === undefined) return outputs.HttpApiUrl ?? '';
  return new URL(stage === sandboxStage ? '/api' : `/_aws/execute-api/${outputs.HttpApiId}`, endpoint).href;
}

/** A request of the HTTP API. */
export interface HttpApiRequest {
  method: string;
  url: URL;
  headers?: Readonly<Record<string, string>>;
  body?: string;
}

/**
 * The headers of a request, signed as the command's other calls are.
 * @param service as signatures name it
 */
export async function signed(
  { method, url, headers: own = {}, body }: HttpApiRequest,
  { target, deployment: { region } }: At,
  service = 'execute-api',
): Promise<Record<string, string>> {
  // Any client has the credentials, and a hash as the signer wants it.
  const { config } = new LambdaClient(configurationOf(target));
  const { credentials, sha256 } = config;
  const { headers } = await new SignatureV4({ service, region, credentials, sha256 }).sign({
    method,
    protocol: url.protocol,
    hostname: url.hostname,
    ...(url.port !== '' && { port: Number(url.port) }),
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: { ...own, host: url.host },
    ...(body !== undefined && { body }),
  });
  return headers;
}
