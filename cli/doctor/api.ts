import { apiUrlOf, signed } from '../aws/http-api.ts';
import { type At, type Finding, fail, ok, warn } from './finding.ts';

/** The status of an answer, or why there is none. */
export type Asked = { status: number } | { reason: string };

/**
 * Whether the HTTP API answers, lets nobody in without a signature, and reaches its functions.
 * @param send fetch, or what stands in for it in a test
 */
export async function checkApi(at: At, send: typeof fetch = fetch): Promise<Finding[]> {
  const url = new URL(`${apiUrlOf(at)}/subscribers?limit=1`);
  const ask = (headers: Record<string, string>): Promise<Asked> =>
    send(url, { headers, signal: AbortSignal.timeout(30_000) }).then(
      ({ status }) => ({ status }),
      (error: unknown) => ({ reason: reasonOf(error) }),
    );
  const unsigned = await ask({});
  return judgeApi(
    url.origin,
    unsigned,
    'reason' in unsigned ? unsigned : await ask(await signed({ method: 'GET', url }, at)),
  );
}

function reasonOf(error: unknown): string {
  // fetch says "fetch failed"; what has failed is the cause.
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}

/** @param unsigned what it answers without a signature, which must be a refusal @param asked what it answers to a signed request */
export function judgeApi(origin: string, unsigned: Asked, asked: Asked): Finding[] {
  const what = 'HTTP API';
  if ('reason' in unsigned) {
    return [
      fail(
        what,
        `${origin} does not answer: ${unsigned.reason}`,
        'Check the connection of this computer, and that the API was not deleted.',
      ),
    ];
  }
  if (unsigned.status !== 401 && unsigned.status !== 403) {
    return [
      fail(
        what,
        `${origin} answers ${unsigned.status} to a request without a signature`,
        'Find out who has changed the routes: each must have IAM authorization.',
      ),
    ];
  }
  if ('reason' in asked) return [fail(what, `${origin} does not answer: ${asked.reason}`, 'Run the command again.')];
  if (asked.status < 300) return [ok(what, `${origin} answers those who sign`)];
  if (asked.status === 403) {
    return [
      warn(
        what,
        `${origin} answers; more could not be looked at: these credentials lack execute-api:Invoke`,
        'Allow execute-api:Invoke, and run it again.',
      ),
    ];
  }
  return [
    fail(
      what,
      `${origin} answers ${asked.status} to a signed request`,
      'Read the log of the function list-subscribers; its permission for the API may be gone.',
    ),
  ];
}
