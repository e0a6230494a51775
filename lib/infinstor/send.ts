import * as v from 'valibot';
import { InfinStorRejected, InfinStorUnavailable, InvalidConfiguration } from '../errors.ts';
import { parseJson } from '../json.ts';
import { customTokenIn } from './add-subscriber-answer.ts';
import { type Answer, LostAnswer } from './answer.ts';

/** API Gateway, which stands in front of InfinStor, gives up after 30 s; a little longer lets its answer arrive. */
const requestTimeoutMs = 35_000;

const versionSchema = v.object({
  cognitoCliClientId: v.string(),
  region: v.string(),
  /** `'true'`: users log in elsewhere, and the pool need not know them. */
  isExternalAuth: v.optional(v.string(), 'false'),
  apiDnsName: v.optional(v.string(), ''),
  serviceDnsName: v.optional(v.string(), ''),
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

/**
 * Where the service has its API beside MLflow's (`addsecondaryuser`, `customerinfo`): as the deployment says, else as get_version
 * tells; without a slash at the end.
 * @param configured the param infinstorApiUrl; empty: none
 * @throws InvalidConfiguration when neither tells it
 */
export function apiUrlOf({ apiDnsName, serviceDnsName }: Discovery, configured: string): string {
  if (configured !== '') return configured;
  const host = `${apiDnsName}.${serviceDnsName}`;
  // Tokens and passwords are sent there: nothing but a host name may follow.
  if (!/^[a-z\d-]+(\.[a-z\d-]+)+$/i.test(host)) {
    throw new InvalidConfiguration(
      'infinstorApiUrl: must be set, as get_version does not tell the host of the API (apiDnsName and serviceDnsName)',
    );
  }
  return `https://${host}`;
}

/**
 * Creates a subscriber and returns its custom token, which stands in InfinStor's answer in a shape that is configured.
 * The header takes the raw token, without `Bearer` (setup guide, 1.1.2). Nothing is repeated here, as the call has no inverse.
 * @throws TokenRejected, InfinStorRejected, SubscriberExists, InfinStorUnavailable: this call has changed nothing in InfinStor
 * @throws LostAnswer: the call may have had its effect
 */
export async function addSubscriber(
  mlflowUrl: string,
  token: string,
  subscriber: { userName: string; password: string; emailId: string },
  place: { tokenOf: (answer: unknown) => string | undefined; tokenPlace: string },
): Promise<string> {
  const answer = await send(`${mlflowUrl}/api/2.0/mlflow/infinstor/add_subscriber`, {
    authorization: token,
    contentType: 'application/json',
    body: JSON.stringify(subscriber),
  });
  return customTokenIn(answer, { subscriber, ...place });
}

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

function networkReason(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return 'no answer came in time';
  return `the connection failed (${errorCode(error) ?? 'unknown reason'})`;
}
