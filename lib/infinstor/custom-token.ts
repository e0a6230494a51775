/**
 * The custom token in add_subscriber's answer, whose shape is not documented: at the configured path, at a likely one, or
 * put together from the pair that the vendor's sister service returns.
 * @returns undefined when there is none
 */
export function findCustomToken(answer: unknown, configuredPath: string): string | undefined {
  for (const path of [configuredPath, 'customToken', 'custom_token']) {
    const token = stringAt(answer, path);
    if (token !== undefined) return token;
  }
  // In the pair, `token` is only the second half.
  const secret = stringAt(answer, 'token');
  const uuid = stringAt(answer, 'queue_message_uuid');
  return secret !== undefined && uuid !== undefined ? `Custom ${uuid}:${secret}` : secret;
}

function stringAt(value: unknown, path: string): string | undefined {
  let current = value;
  for (const key of path.split('.')) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = Object.entries(current).find(([name]) => name === key)?.[1];
  }
  return typeof current === 'string' && current !== '' ? current : undefined;
}
