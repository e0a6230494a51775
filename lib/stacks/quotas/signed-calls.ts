import { setTimeout as wait } from 'node:timers/promises';
import type { STSClientResolvedConfig } from '@aws-sdk/client-sts';
import { SignatureV4 } from '@smithy/signature-v4';
import * as v from 'valibot';
import { briskConfig } from '../../aws/clients.ts';
import { rememberFailedCall } from '../../aws/failed-calls.ts';
import { type HttpAnswer, NoAnswer, requestOnce } from '../../aws/http.ts';
import { json } from '../../json.ts';

/** Credentials and hash of any client of the SDK. */
export type Signing = Pick<STSClientResolvedConfig, 'credentials' | 'sha256'>;

/** What AWS refused, under its own name for that. */
class RefusedCall extends Error {
  override readonly name: string;

  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

interface SignedCall {
  service: 's3' | 'servicequotas';
  /** As IAM writes it. */
  action: string;
  region: string;
  method: 'GET' | 'POST';
  query?: Readonly<Record<string, string>>;
  headers?: Readonly<Record<string, string>>;
  body?: string;
}

/** Pages of 1,000 are 200 KB. */
const pageSize = 1_000;

/**
 * How many buckets an account has, by pages, since AWS refuses other requests of accounts whose quota was raised (API reference of S3, ListBuckets).
 * The SDK's client of S3 would add 150 KB to a bundle.
 * @param mayGoOn whether there is time for another page
 * @throws RefusedCall
 */
export async function countBuckets(signing: Signing, region: string, mayGoOn: () => void): Promise<number> {
  const action = 's3:ListAllMyBuckets';
  let count = 0;
  let token: string | undefined;
  do {
    mayGoOn();
    const query = { 'max-buckets': String(pageSize), ...(token !== undefined && { 'continuation-token': token }) };
    const answer = await call(signing, { service: 's3', action, region, method: 'GET', query });
    const text = answer.body.toString('utf8');
    if (answer.status !== 200)
      throw refusal(answer, action, /<Code>(\w+)</.exec(text)?.[1], /<Message>([^<]*)</.exec(text)?.[1]);
    count += text.match(/<Bucket>/g)?.length ?? 0;
    token = /<ContinuationToken>([^<]+)</.exec(text)?.[1];
  } while (token !== undefined);
  return count;
}

const quotaAnswer = json(v.object({ Quota: v.object({ Value: v.optional(v.number()) }) }));
const errorAnswer = v.fallback(
  json(v.object({ __type: v.optional(v.string()), message: v.optional(v.string()), Message: v.optional(v.string()) })),
  {},
);

/**
 * An account's quota, by Service Quotas: what was applied, or the default. "For some quotas, only the default values are available" (API
 * reference, GetServiceQuota), and then it answers NoSuchResourceException (aws/aws-cli#7962).
 * @throws RefusedCall
 */
export async function readServiceQuota(
  signing: Signing,
  { region, serviceCode, quotaCode }: { region: string; serviceCode: string; quotaCode: string },
): Promise<number> {
  const ask = async (operation: string): Promise<number> => {
    const action = `servicequotas:${operation}`;
    const answer = await call(signing, {
      ...{ service: 'servicequotas', action, region, method: 'POST' },
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `ServiceQuotasV20190624.${operation}`,
      },
      body: JSON.stringify({ ServiceCode: serviceCode, QuotaCode: quotaCode }),
    });
    const text = answer.body.toString('utf8');
    if (answer.status !== 200) {
      const { __type = '', message, Message } = v.parse(errorAnswer, text);
      throw refusal(answer, action, __type.split('#').at(-1) || undefined, message ?? Message);
    }
    const { Quota } = v.parse(quotaAnswer, text);
    // Service Quotas leaves it out when the service itself denies it (API reference, ErrorReason).
    if (Quota.Value === undefined) throw new RefusedCall('QuotaNotAvailable', `${operation} returned no value`);
    return Quota.Value;
  };
  try {
    return await ask('GetServiceQuota');
  } catch (error) {
    if (!(error instanceof RefusedCall && error.name === 'NoSuchResourceException')) throw error;
    return ask('GetAWSDefaultServiceQuota');
  }
}

/** The only Region of a partition in which quotas of whole accounts are read (S3 user guide, "General purpose bucket quotas"). */
export function globalQuotaRegion(region: string): string {
  if (region.startsWith('cn-')) return 'cn-north-1';
  return region.startsWith('us-gov-') ? 'us-gov-west-1' : 'us-east-1';
}

/** One call, with a second try as the SDK's clients have it. All of them read. */
async function call({ credentials, sha256 }: Signing, signed: SignedCall): Promise<HttpAnswer> {
  const { service, region, method, query = {}, headers = {}, body } = signed;
  const url = new URL(endpointOf(service, region));
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const { connectionTimeout, requestTimeout } = briskConfig.requestHandler;
  const signer = new SignatureV4({ service, region, credentials, sha256, uriEscapePath: service !== 's3' });
  for (let attempt = 1; ; attempt += 1) {
    const isLast = attempt >= briskConfig.maxAttempts;
    const request = await signer.sign({
      ...{ method, protocol: url.protocol, hostname: url.hostname, path: url.pathname, query: { ...query } },
      headers: { host: url.host, 'amz-sdk-request': `attempt=${attempt}; max=${briskConfig.maxAttempts}`, ...headers },
      ...(body !== undefined && { body }),
    });
    try {
      const answer = await requestOnce(url.href, {
        ...{ method, headers: request.headers, body },
        connectTimeoutMs: connectionTimeout,
        timeoutMs: connectionTimeout + requestTimeout,
      });
      if (isLast || (answer.status < 500 && answer.status !== 429)) return answer;
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      if (isLast) throw failed(new RefusedCall('NetworkingError', error.message), signed.action);
    }
    await wait(Math.random() * 1_000);
  }
}

/** Where the environment says that services are, as to the SDK's clients ("Service-specific endpoints", SDKs and Tools reference guide). */
function endpointOf(service: SignedCall['service'], region: string): string {
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL_SERVICE_QUOTAS, AWS_ENDPOINT_URL } = process.env;
  const own = service === 's3' ? AWS_ENDPOINT_URL_S3 : AWS_ENDPOINT_URL_SERVICE_QUOTAS;
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  return own || AWS_ENDPOINT_URL || `https://${service}.${region}.${suffix}`;
}

function refusal({ status }: HttpAnswer, action: string, code = `Status${status}`, message = ''): RefusedCall {
  return failed(new RefusedCall(code, message === '' ? `${code} (status ${status})` : message), action);
}

/** With the call beside it, for what `explain` says of it. */
function failed(error: RefusedCall, action: string): RefusedCall {
  rememberFailedCall(error, { action, resource: undefined, attempts: undefined, waitedMs: undefined });
  return error;
}
