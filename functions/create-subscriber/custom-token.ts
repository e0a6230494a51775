/** Keys that the vendor's services are known or likely to use, for an answer that does not have the configured one. */
const fallbackPaths = ['customToken', 'custom_token', 'token'];

/**
 * The custom token in add_subscriber's answer, whose shape is not documented: at the configured path, at a likely one, or
 * put together from the pair that the vendor's sister service returns.
 * @returns undefined when there is none
 */
export function findCustomToken(answer: unknown, configuredPath: string): string | undefined {
  const uuid = stringAt(answer, 'queue_message_uuid');
  const secret = stringAt(answer, 'token');
  const paths = [configuredPath, ...fallbackPaths];
  if (uuid !== undefined && secret !== undefined && configuredPath !== 'token') return `Custom ${uuid}:${secret}`;
  for (const path of paths) {
    const token = stringAt(answer, path);
    if (token !== undefined) return token;
  }
  return undefined;
}

function stringAt(value: unknown, path: string): string | undefined {
  let current = value;
  for (const key of path.split('.')) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = Object.entries(current).find(([name]) => name === key)?.[1];
  }
  return typeof current === 'string' && current !== '' ? current : undefined;
}
