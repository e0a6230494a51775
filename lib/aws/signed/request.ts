import type { STSClientResolvedConfig } from '@aws-sdk/client-sts';
import { SignatureV4 } from '@smithy/signature-v4';
import type { clientConfig } from '../clients.ts';
import { type HttpAnswer, requestOnce } from '../http.ts';

// Calls of services whose clients a bundle has no room for. The signer is in every bundle already.

/** Credentials and hash of any client of the SDK. */
export type Signing = Pick<STSClientResolvedConfig, 'credentials' | 'sha256'>;

interface SignedRequest {
  /** As signatures name it. */
  service: string;
  region: string;
  method: 'GET' | 'POST' | 'PUT';
  url: URL;
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array | undefined;
  /** How many bytes of an answer with status 200 are read. */
  maxBytes?: number | undefined;
  /** Which of the tries it is. */
  attempt: number;
  config: Pick<typeof clientConfig, 'maxAttempts' | 'requestHandler'>;
}

/** Signs a request and sends it once. @throws NoAnswer, TooLongAnswer */
export async function signedRequest({ credentials, sha256 }: Signing, request: SignedRequest): Promise<HttpAnswer> {
  const { service, region, method, url, headers, body, maxBytes, attempt, config } = request;
  const { connectionTimeout, requestTimeout } = config.requestHandler;
  // The path of an object in S3 is signed as it is (IAM user guide, "Create a signed AWS API request").
  const signer = new SignatureV4({ service, region, credentials, sha256, uriEscapePath: service !== 's3' });
  const signed = await signer.sign({
    ...{ method, protocol: url.protocol, hostname: url.hostname, path: url.pathname },
    query: Object.fromEntries(url.searchParams),
    headers: { host: url.host, 'amz-sdk-request': `attempt=${attempt}; max=${config.maxAttempts}`, ...headers },
    ...(body !== undefined && { body }),
  });
  return requestOnce(url.href, {
    ...{ method, headers: signed.headers, body, maxBytes },
    connectTimeoutMs: connectionTimeout,
    timeoutMs: connectionTimeout + requestTimeout,
  });
}

/**
 * Where the environment says that a service is, as to the SDK's clients ("Service-specific endpoints", SDKs and Tools reference guide).
 * @param name such as `SERVICE_QUOTAS`
 */
export const givenEndpoint = (name: string): string | undefined =>
  process.env[`AWS_ENDPOINT_URL_${name}`] || process.env.AWS_ENDPOINT_URL || undefined;
