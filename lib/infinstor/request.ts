import { NoAnswer, requestOnce } from '../aws/http.ts';
import type { Answer } from './answer.ts';

export { NoAnswer };

/** How long a connection may take to come about, within the time of the call. */
const connectTimeoutMs = 10_000;

interface Call {
  method: 'GET' | 'POST';
  headers: Record<string, string>;
  body?: string;
  /** The time limit of the whole call. */
  timeoutMs: number;
}

/**
 * Makes one HTTP request of InfinStor's API, over a connection of its own, and follows no redirect.
 * @throws NoAnswer
 */
export async function request(url: string, call: Call): Promise<Answer> {
  const { status, headers, body } = await requestOnce(url, { ...call, connectTimeoutMs });
  return { status, location: [headers.location].flat()[0], body: body.toString('utf8') };
}
