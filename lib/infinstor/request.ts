import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { text } from 'node:stream/consumers';
import type { Answer } from './answer.ts';

/** How long a connection may take to come about, within the time of the call. */
const connectTimeoutMs = 10_000;

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

interface Call {
  method: 'GET' | 'POST';
  headers: Record<string, string>;
  body?: string;
  /** The time limit of the whole call. */
  timeoutMs: number;
}

/**
 * Makes one HTTP request over a connection of its own, and follows no redirect. Lambda freezes a function between invocations for
 * minutes, while a NAT gateway drops idle flows after 350 s without a FIN (VPC user guide, "Troubleshoot NAT gateways"): what is
 * sent over a pooled connection may reach nobody, and looks as if it had been sent. `fetch` takes a pooled connection whatever
 * its headers say.
 * @throws NoAnswer
 */
export async function request(url: string, { method, headers, body, timeoutMs }: Call): Promise<Answer> {
  const isSecure = new URL(url).protocol === 'https:';
  let isConnected = false;
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const limit = AbortSignal.timeout(timeoutMs);
  const fail = (error: unknown) =>
    reject(new NoAnswer(isConnected, limit.aborted ? 'no answer came in time' : failureOf(error)));
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
      const { location } = response.headers;
      text(response).then((whole) => resolve({ status, location, body: whole }), fail);
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

class ConnectTimeout extends Error {
  readonly code = 'ETIMEDOUT';
}

function failureOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return `the connection failed (${code ?? 'unknown reason'})`;
}
