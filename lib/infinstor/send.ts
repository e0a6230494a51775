import { InfinStorUnavailable } from '../errors.ts';
import { type Answer, LostAnswer } from './answer.ts';

/** API Gateway, which stands in front of InfinStor, gives up after 30 s; a little longer lets its answer arrive. */
const requestTimeoutMs = 35_000;

/**
 * Posts a call of InfinStor's, once.
 * @throws InfinStorUnavailable when it was never sent
 * @throws LostAnswer when it was, and no whole answer came
 */
export async function send(
  url: string,
  { authorization, contentType, body }: { authorization: string; contentType: string; body: string },
): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { authorization, 'content-type': contentType },
      body,
      // A redirect would carry token and password to another address.
      redirect: 'manual',
      signal: AbortSignal.timeout(requestTimeoutMs),
    });
    const location = response.headers.get('location') ?? undefined;
    return { status: response.status, location, body: await response.text() };
  } catch (error) {
    if (neverSent(error)) {
      throw new InfinStorUnavailable(`${operationAt(url)}: ${networkReason(error)}`);
    }
    throw new LostAnswer(`was sent, and ${networkReason(error)}`);
  }
}

/**
 * Posts a call that may be repeated, once: whoever gets no answer makes it again.
 * @throws InfinStorUnavailable when no whole answer came; the call may have had its effect
 */
export async function sendRepeatable(url: string, call: Parameters<typeof send>[1]): Promise<Answer> {
  try {
    return await send(url, call);
  } catch (error) {
    if (error instanceof LostAnswer) throw new InfinStorUnavailable(`${operationAt(url)} ${error.message}`);
    throw error;
  }
}

/** The call's name, which its path ends with. */
const operationAt = (url: string) => url.slice(url.lastIndexOf('/') + 1);

function errorCode(error: unknown): string | undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
}

/** True when no connection came about, so that the request cannot have had an effect. */
function neverSent(error: unknown): boolean {
  return ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'].includes(
    errorCode(error) ?? '',
  );
}

export function networkReason(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return 'no answer came in time';
  return `the connection failed (${errorCode(error) ?? 'unknown reason'})`;
}
