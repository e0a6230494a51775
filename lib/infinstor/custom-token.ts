/** A custom token, and when it ends, in ISO 8601, where the answer says so. */
export interface CustomToken {
  customToken: string;
  customTokenExpiresAt?: string | undefined;
}

/** How a deployment finds a custom token. */
interface Place {
  /** Where an answer holds it, with dots between the keys; the likely places are tried after it. */
  path: string;
  /** What stands before a token that is put together from a pair. */
  prefix: '' | 'Custom';
}

/**
 * The custom token in add_subscriber's answer, whose shape is not documented: at the configured path, at a likely one, or
 * put together from the pair that the vendor's sister service has, `<queue_message_uuid>:<token>`, which its clients write `Custom` before.
 * Beside it may stand when it ends, in seconds since 1970.
 * @returns undefined when there is none
 */
export function findCustomToken(answer: unknown, { path: configured, prefix }: Place): CustomToken | undefined {
  for (const path of [configured, 'customToken', 'custom_token']) {
    const customToken = stringAt(answer, path);
    if (customToken === undefined) continue;
    const parent = path.includes('.') ? valueAt(answer, path.slice(0, path.lastIndexOf('.'))) : answer;
    return { customToken, customTokenExpiresAt: expiryIn(parent) ?? expiryIn(answer) };
  }
  // In the pair, `token` is only the second half.
  const secret = stringAt(answer, 'token');
  if (secret === undefined) return undefined;
  const uuid = stringAt(answer, 'queue_message_uuid');
  const pair = uuid === undefined ? secret : `${prefix === '' ? '' : `${prefix} `}${uuid}:${secret}`;
  return { customToken: pair, customTokenExpiresAt: expiryIn(answer) };
}

// Earlier ones than in the year 2001 are no time but a duration, from when is not known; later ones than in the year 5138 are in milliseconds.
const minSeconds = 1e9;
const maxSeconds = 1e11;

/** When a token ends that stands beside this, in ISO 8601. */
function expiryIn(beside: unknown): string | undefined {
  for (const key of ['expiry', 'token_expiry']) {
    const value = valueAt(beside, key);
    const seconds = typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value;
    if (typeof seconds !== 'number' || !(seconds >= minSeconds && seconds < maxSeconds * 1000)) continue;
    return new Date(seconds < maxSeconds ? seconds * 1000 : seconds).toISOString();
  }
  return undefined;
}

function valueAt(value: unknown, path: string): unknown {
  let current = value;
  for (const key of path.split('.')) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = Object.entries(current).find(([name]) => name === key)?.[1];
  }
  return current;
}

function stringAt(value: unknown, path: string): string | undefined {
  const found = valueAt(value, path);
  return typeof found === 'string' && found !== '' ? found : undefined;
}
