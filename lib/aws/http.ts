import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

/** How many bytes of any other answer are read: far more than an error has. */
const maxErrorBytes = 1_000_000;

/** A request that got no whole answer; the message says why. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
  /** False when no connection came about, so that the request cannot have had an effect. */
  readonly wasSent: boolean;

  constructor(wasSent: boolean, reason: string) {
    super(reason);
    this.wasSent = wasSent;
  }
}

/** The answer has more bytes than its reader takes. */
export class TooLongAnswer extends Error {
  override readonly name = 'TooLongAnswer';
}

export interface HttpAnswer {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Buffer;
}

interface Call {
  method: 'GET' | 'POST' | 'PUT';
  headers: Record<string, string>;
  body?: string | Uint8Array | undefined;
  /** The time limit of the whole call. */
  timeoutMs: number;
  /** How long a connection may take to come about, within the time of the call. */
  connectTimeoutMs: number;
  /** How many bytes of an answer with status 200 are read. */
  maxBytes?: number | undefined;
}

/**
 * Makes one HTTP request over a connection of its own, and follows no redirect. Lambda freezes a function between invocations for
 * minutes, while a NAT gateway drops idle flows after 350 s without a FIN (VPC user guide, "Troubleshoot NAT gateways"): what is
 * sent over a pooled connection may reach nobody, and looks as if it had been sent. `fetch` takes a pooled connection whatever
 * its headers say.
 * @throws NoAnswer, TooLongAnswer
 */
export async function requestOnce(url: string, call: Call): Promise<HttpAnswer> {
  const { method, headers, body, timeoutMs, connectTimeoutMs, maxBytes = Number.POSITIVE_INFINITY } = call;
  const isSecure = new URL(url).protocol === 'https:';
  let isConnected = false;
  // Not `Promise.withResolvers`, which Node 20 does not have: the packed command runs there, too.
  let resolve: (answer: HttpAnswer) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<HttpAnswer>((...ends) => {
    [resolve, reject] = ends;
  });
  const limit = AbortSignal.timeout(timeoutMs);
  const fail = (error: unknown) =>
    reject(
      error instanceof TooLongAnswer
        ? error
        : new NoAnswer(isConnected, limit.aborted ? 'no answer came in time' : failureOf(error)),
    );
  const sent = (isSecure ? requestHttps : requestHttp)(
    url,
    {
      method,
      headers: { accept: '*/*', 'accept-encoding': 'identity', ...headers },
      // Without an agent a connection is neither taken from a pool nor kept.
      agent: false,
      signal: limit,
    },
    (response) => {
      const { statusCode: status = 0 } = response;
      bytesOf(response, status === 200 ? maxBytes : maxErrorBytes).then(
        (whole) => resolve({ status, headers: response.headers, body: whole }),
        fail,
      );
    },
  );
  const connecting = setTimeout(() => sent.destroy(new ConnectTimeout()), connectTimeoutMs);
  // Only then is anything of the request written.
  sent.once('socket', (socket) => {
    socket.once(isSecure ? 'secureConnect' : 'connect', () => {
      isConnected = true;
      clearTimeout(connecting);
    });
  });
  sent.on('error', fail);
  sent.once('close', () => clearTimeout(connecting));
  sent.end(body);
  return promise;
}

/** Ends the connection, too, when it stops before the end. */
async function bytesOf(response: AsyncIterable<unknown>, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response) {
    if (!(chunk instanceof Uint8Array)) continue;
    length += chunk.length;
    if (length > maxBytes) throw new TooLongAnswer(`The answer has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

class ConnectTimeout extends Error {
  readonly code = 'ETIMEDOUT';
}

function failureOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return `the connection failed (${code ?? 'unknown reason'})`;
}
