/** How every AWS client of a Lambda is set up: a call that hangs is broken off and retried, well within the function's timeout. */
export const clientConfig = {
  maxAttempts: 3,
  // Without the last one a request that takes too long is only warned of.
  requestHandler: { connectionTimeout: 2_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
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
