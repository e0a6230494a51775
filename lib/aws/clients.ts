import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { failedCallsLogger } from './failed-calls.ts';

/** The connections of all clients, so that they can be closed together; the options are those of the SDK's own. */
const pools = [
  new HttpAgent({ keepAlive: true, maxSockets: 50 }),
  new HttpsAgent({ keepAlive: true, maxSockets: 50 }),
] as const;

/**
 * Closes the connections that nobody uses. Lambda freezes a function between invocations for minutes, while a NAT gateway drops
 * idle flows after 350 s without a FIN (VPC user guide, "Troubleshoot NAT gateways"): each call over such a connection would be
 * lost, and with several of them all tries of a call.
 */
export function closeIdleConnections(): void {
  for (const { freeSockets } of pools) {
    for (const socket of Object.values(freeSockets).flatMap((sockets) => sockets ?? [])) socket.destroy();
  }
}

/** How every AWS client of a Lambda is set up: a call that hangs is broken off and retried, well within the function's timeout. */
export const clientConfig = {
  maxAttempts: 3,
  logger: failedCallsLogger,
  // Without the last one a request that takes too long is only warned of.
  requestHandler: {
    connectionTimeout: 2_000,
    requestTimeout: 5_000,
    throwOnRequestTimeout: true,
    httpAgent: pools[0],
    httpsAgent: pools[1],
  },
};

/** For what cannot be had a second time: such a call is tried for three minutes. */
export const patientConfig = { ...clientConfig, maxAttempts: 10 };

/** For functions behind the HTTP API, which gives up after 30 s: AWS answers within fractions of a second, or late for a caller. */
export const promptConfig = {
  maxAttempts: 2,
  logger: failedCallsLogger,
  requestHandler: { ...clientConfig.requestHandler, connectionTimeout: 1_000, requestTimeout: 2_000 },
};

/** For functions behind the HTTP API that make several calls one after the other. */
export const briskConfig = {
  ...promptConfig,
  requestHandler: { ...promptConfig.requestHandler, requestTimeout: 800 },
};

/** What a client of a call that must not be repeated has instead: one try, over a connection of its own, which is not dead. */
export const onceConfig = {
  maxAttempts: 1,
  logger: failedCallsLogger,
  requestHandler: {
    ...clientConfig.requestHandler,
    httpAgent: new HttpAgent({ keepAlive: false }),
    httpsAgent: new HttpsAgent({ keepAlive: false }),
  },
};

/** The SDK's pause before a second try, after throttling, which is the longest, and what it grows to (`@smithy/core`, "retry"). */
const firstPauseMs = 1_000;
const longestPauseMs = 20_000;

/** How long a call may take a client of this configuration: all its tries run out of time, and the pauses between are the longest. */
export function callBoundMs({
  maxAttempts,
  requestHandler: { connectionTimeout, requestTimeout },
}: Pick<typeof clientConfig, 'maxAttempts' | 'requestHandler'>): number {
  const pauses = Array.from({ length: maxAttempts - 1 }, (_, retry) =>
    Math.min(firstPauseMs * 2 ** retry, longestPauseMs),
  );
  return maxAttempts * (connectionTimeout + requestTimeout) + pauses.reduce((sum, pause) => sum + pause, 0);
}

/** How long one try of a call may take before the client gives it up, with what clocks may differ by; in milliseconds. */
export const requestBoundMs =
  clientConfig.requestHandler.connectionTimeout + clientConfig.requestHandler.requestTimeout + 1_000;

/** A client per Region of the deployment's account, made on first use. */
export function regional<Client>(create: (config: typeof clientConfig & { region: string }) => Client) {
  const clients = new Map<string, Client>();
  return (region: string): Client => {
    const client = clients.get(region) ?? create({ ...clientConfig, region });
    clients.set(region, client);
    return client;
  };
}
