/** How every AWS client of a Lambda is set up: short timeouts, so that a hanging call is retried within the state's own. */
export const clientConfig = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 2_000, requestTimeout: 10_000 },
};

/** A client per Region, made on first use: stacks and keys may lie in another Region than the functions. */
export function regional<Client>(create: (config: typeof clientConfig & { region: string }) => Client) {
  const clients = new Map<string, Client>();
  return (region: string): Client => {
    const client = clients.get(region) ?? create({ ...clientConfig, region });
    clients.set(region, client);
    return client;
  };
}
