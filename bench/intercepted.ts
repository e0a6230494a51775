/** The client, whose every call is made by `around`: before, after, or not at all. What is awaited of it must not change. */
export function intercepted<Client extends object>(
  client: Client,
  around: (call: () => Promise<unknown>, command: unknown) => Promise<unknown>,
): Client {
  return new Proxy(client, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (name !== 'send' || typeof member !== 'function') return member;
      return (command: unknown, ...rest: unknown[]) =>
        around(async () => member.call(target, command, ...rest), command);
    },
  });
}
