import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';

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
  // Without the last one a request that takes too long is only warned of.
  requestHandler: {
    connectionTimeout: 2_000,
    requestTimeout: 5_000,
    throwOnRequestTimeout: true,
    httpAgent: pools[0],
    httpsAgent: pools[1],
  },
};

/** What a client of a call that must not be repeated has instead: one try, over a connection of its own, which is not dead. */
export const onceConfig = {
  maxAttempts: 1,
  requestHandler: {
    ...clientConfig.requestHandler,
    httpAgent: new HttpAgent({ keepAlive: false }),
    httpsAgent: new HttpsAgent({ keepAlive: false }),
  },
};

/** How long one call may take before the client gives it up, with what clocks may differ by; in milliseconds. */
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
