import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import { account, operator } from '../../sandbox/core/account.ts';

/** SHA-256 and HMAC-SHA-256 as the signer wants them. */
class Sha256 {
  readonly #hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytes(secret));
  }

  update(chunk: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytes(chunk));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    throw new Error('the signer makes a hash for each use');
  }
}

function bytes(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}

interface Request {
  method: string;
  url: string | URL;
  headers?: Readonly<Record<string, string>>;
  body?: string;
}

interface Signing {
  service: string;
  /** In milliseconds since the epoch. */
  now: number;
  region?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string | undefined };
}

/** The headers of a request with the signature of AWS's SDK, by default of the sandbox's operator. */
export async function signRequest(
  { method, url: given, headers = {}, body }: Request,
  { service, now, region = account.region, credentials = operator }: Signing,
): Promise<Record<string, string>> {
  const url = new URL(given);
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const signer = new SignatureV4({
    service,
    region,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) },
    sha256: Sha256,
    // Only S3 wants the payload's hash in a header as well, and a path that is escaped once.
    applyChecksum: false,
    uriEscapePath: service !== 's3',
  });
  const query: Record<string, string[]> = {};
  for (const name of url.searchParams.keys()) query[name] = url.searchParams.getAll(name);
  const signed = await signer.sign(
    {
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      port: Number(url.port),
      path: url.pathname,
      query,
      headers: { ...headers, host: url.host },
      ...(body !== undefined && { body }),
    },
    { signingDate: new Date(now) },
  );
  return signed.headers;
}
