import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Sandbox } from '../../sandbox/boot.ts';
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

export interface ApiResponse {
  status: number;
  headers: Headers;
  body: unknown;
}

/** Calls the sandbox's HTTP API as its operator, with a signed request. A body that is no string is sent as JSON. */
export async function callApi(
  { apiEndpoint, clock }: Pick<Sandbox, 'apiEndpoint' | 'clock'>,
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
): Promise<ApiResponse> {
  const url = new URL(apiEndpoint + path);
  const signer = new SignatureV4({
    service: 'execute-api',
    region: account.region,
    credentials: operator,
    sha256: Sha256,
  });
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const signed = await signer.sign(
    {
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      port: Number(url.port),
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: { host: url.host, ...(text !== undefined && { 'content-type': 'application/json' }) },
      ...(text !== undefined && { body: text }),
    },
    { signingDate: new Date(clock.now()) },
  );
  const response = await fetch(url, { method, headers: signed.headers, ...(text !== undefined && { body: text }) });
  return { status: response.status, headers: response.headers, body: await response.json() };
}
