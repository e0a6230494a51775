import * as v from 'valibot';
import { InfinStorRejected, InfinStorUnavailable, InvalidConfiguration } from '../errors.ts';
import { parseJson } from '../json.ts';
import { networkReason } from './send.ts';

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
