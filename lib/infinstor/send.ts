import { InfinStorUnavailable } from '../errors.ts';
import { type Answer, LostAnswer } from './answer.ts';
import { NoAnswer, request } from './request.ts';

/** API Gateway, which stands in front of InfinStor, gives up after 30 s; a little longer lets its answer arrive. */
export const sendTimeoutMs = 35_000;

/**
 * Posts a call of InfinStor's, once, over a connection of its own. No redirect is followed: it would carry token and password to
 * another address.
 * @throws InfinStorUnavailable when it was never sent
 * @throws LostAnswer when it was, and no whole answer came
 */
export async function send(
  url: string,
  { authorization, contentType, body }: { authorization: string; contentType: string; body: string },
): Promise<Answer> {
  const headers = { authorization, 'content-type': contentType };
  try {
    return await request(url, { method: 'POST', headers, body, timeoutMs: sendTimeoutMs });
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    if (error.wasSent) throw new LostAnswer(`was sent, and ${error.message}`);
    throw new InfinStorUnavailable(`${operationAt(url)}: ${error.message}`);
  }
}

/**
 * Posts a call that may be repeated, once: a caller that gets no answer makes it again.
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
