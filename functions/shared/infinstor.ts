import * as v from 'valibot';
import { InfinStorRejected, InfinStorUnavailable, SubscriberExists, TokenRejected } from './errors.ts';
import { redact } from './redact.ts';

/** API Gateway, which stands in front of InfinStor, gives up after 30 s; a little longer lets its answer arrive. */
const requestTimeoutMs = 35_000;

const versionSchema = v.object({
  cognitoCliClientId: v.string(),
  region: v.string(),
  /** `'true'`: users log in elsewhere, and the pool need not know them. */
  isExternalAuth: v.optional(v.string(), 'false'),
});
export type Discovery = v.InferOutput<typeof versionSchema>;

/**
 * Asks the service for its Cognito client and Region (`get_version`, as the vendor's own client does before a login).
 * @throws InfinStorUnavailable when it does not answer or answers 5xx
 * @throws InfinStorRejected when the answer is not the documented one
 */
export async function getVersion(mlflowUrl: string): Promise<Discovery> {
  const url = `${mlflowUrl}/api/2.0/mlflow/infinstor/get_version`;
  let response: Response;
  let body: string;
  try {
    // The vendor's client sends the word None where it has no token.
    response = await fetch(url, { headers: { authorization: 'None' }, signal: AbortSignal.timeout(10_000) });
    body = await response.text();
  } catch (error) {
    throw new InfinStorUnavailable(`get_version: ${networkReason(error)}`);
  }
  if (response.status >= 500 || response.status === 429) {
    throw new InfinStorUnavailable(`get_version: InfinStor answered ${response.status}`);
  }
  const discovery = v.safeParse(versionSchema, parseJson(body));
  if (!response.ok || !discovery.success) {
    throw new InfinStorRejected(
      `get_version: InfinStor answered ${response.status} without cognitoCliClientId and region; is ${mlflowUrl} an InfinStor service?`,
    );
  }
  return discovery.output;
}

/** add_subscriber was sent and may have had its effect; the message says what is known of its answer. */
export class LostAnswer extends Error {
  override readonly name = 'LostAnswer';
}

/**
 * Creates a subscriber and returns InfinStor's answer, which holds the custom token in a shape that is configured.
 * The header takes the raw token, without `Bearer` (setup guide, 1.1.2). Nothing is repeated here, as the call has no inverse.
 * @throws TokenRejected, InfinStorRejected, SubscriberExists, InfinStorUnavailable: nothing happened in InfinStor
 * @throws LostAnswer: the call may have had its effect
 */
export async function addSubscriber(
  mlflowUrl: string,
  token: string,
  subscriber: { userName: string; password: string; emailId: string },
): Promise<unknown> {
  let response: Response;
  let body: string;
  try {
    response = await fetch(`${mlflowUrl}/api/2.0/mlflow/infinstor/add_subscriber`, {
      method: 'POST',
      headers: { authorization: token, 'content-type': 'application/json' },
      body: JSON.stringify(subscriber),
      // A redirect would carry token and password to another address.
      redirect: 'manual',
      signal: AbortSignal.timeout(requestTimeoutMs),
    });
    body = await response.text();
  } catch (error) {
    if (neverSent(error)) throw new InfinStorUnavailable(`add_subscriber: ${networkReason(error)}`);
    throw new LostAnswer(`was sent, and ${networkReason(error)}`);
  }
  if (response.status >= 500) {
    throw new LostAnswer(`was answered ${response.status}, which says nothing about its effect`);
  }
  // API Gateway throttles before the service sees the call.
  if (response.status === 429) throw new InfinStorUnavailable('add_subscriber: InfinStor answered 429');
  const answer = parseJson(body);
  // The sister service's words for a duplicate; InfinStor's own are not documented, and neither is the status. An answer in
  // JSON that is a success may hold the token, whatever its words are.
  if (/user exists/i.test(body) && !(response.ok && answer !== undefined)) {
    throw new SubscriberExists(subscriber.userName);
  }
  if (response.status === 401 || response.status === 403 || isLoginExpired(response, body)) {
    throw new TokenRejected(`add_subscriber: InfinStor refused the superadmin token (status ${response.status})`);
  }
  if (!response.ok) {
    const reason = quotes(body, subscriber.password)
      ? 'its answer is withheld, as it quotes the password'
      : // Cut last: half of a secret no longer looks like one.
        redact(body).slice(0, 200);
    throw new InfinStorRejected(`add_subscriber: InfinStor answered ${response.status}: ${reason}`);
  }
  return answer;
}

/** An expired login is answered with an HTML page that leads to login.html, most likely with status 200, or with a redirect. */
function isLoginExpired({ headers }: Response, body: string): boolean {
  return /^\s*<.*login/is.test(body) || /\/login\b/i.test(headers.get('location') ?? '');
}

/** Whether an answer quotes the password, of which JSON escapes quotes and backslashes. */
function quotes(body: string, password: string): boolean {
  return body.includes(password) || body.includes(JSON.stringify(password).slice(1, -1));
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

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

function networkReason(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return 'no answer came in time';
  return `the connection failed (${errorCode(error) ?? 'unknown reason'})`;
}
