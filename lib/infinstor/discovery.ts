import * as v from 'valibot';
import { InfinStorRejected, InfinStorUnavailable, InvalidConfiguration } from '../errors.ts';
import { parseJson } from '../json.ts';
import type { Answer } from './answer.ts';
import { NoAnswer, request } from './request.ts';

/** How long get_version may take, which does nothing but read. */
export const versionTimeoutMs = 10_000;
const maxRedirects = 1;

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
  const { status, body } = await ask(`${mlflowUrl}/api/2.0/mlflow/infinstor/get_version`);
  if (status >= 500 || status === 429) throw new InfinStorUnavailable(`get_version: InfinStor answered ${status}`);
  const discovery = v.safeParse(versionSchema, parseJson(body));
  if (status < 200 || status >= 300 || !discovery.success) {
    throw new InfinStorRejected(
      `get_version: InfinStor answered ${status} without cognitoCliClientId and region; is ${mlflowUrl} an InfinStor service?`,
    );
  }
  return discovery.output;
}

/** @throws InfinStorUnavailable when no whole answer came */
async function ask(url: string, redirects = 0): Promise<Answer> {
  let answer: Answer;
  try {
    // The vendor's client sends the word None where it has no token.
    answer = await request(url, { method: 'GET', headers: { authorization: 'None' }, timeoutMs: versionTimeoutMs });
  } catch (error) {
    if (error instanceof NoAnswer) throw new InfinStorUnavailable(`get_version: ${error.message}`);
    throw error;
  }
  const { status, location } = answer;
  // There is no secret in it that must not go elsewhere.
  const isRedirect = status >= 300 && status < 400 && location !== undefined && URL.canParse(location, url);
  return isRedirect && redirects < maxRedirects ? ask(new URL(location, url).href, redirects + 1) : answer;
}

/**
 * Where the service has its API beside MLflow's (`addsecondaryuser`, `customerinfo`): as the deployment says, else as get_version
 * returns it; without a slash at the end.
 * @param configured the param infinstorApiUrl; empty: none
 * @throws InvalidConfiguration when neither names it
 */
export function apiUrlOf({ apiDnsName, serviceDnsName }: Discovery, configured: string): string {
  if (configured !== '') return configured;
  const host = `${apiDnsName}.${serviceDnsName}`;
  // Tokens and passwords are sent there: nothing but a host name may follow.
  if (!/^[a-z\d-]+(\.[a-z\d-]+)+$/i.test(host)) {
    throw new InvalidConfiguration(
      'infinstorApiUrl: must be set: get_version does not return the host of the API (apiDnsName and serviceDnsName)',
    );
  }
  return `https://${host}`;
}
