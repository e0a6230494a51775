import { setTimeout as wait } from 'node:timers/promises';
import { briskConfig } from '../../aws/clients.ts';
import { rememberFailedCall } from '../../aws/failed-calls.ts';
import { type HttpAnswer, NoAnswer } from '../../aws/http.ts';
import { givenEndpoint, type Signing, signedRequest } from '../../aws/signed/request.ts';

/** What AWS refused, under its own name for that. */
export class RefusedCall extends Error {
  override readonly name: string;

  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

interface SignedCall {
  service: 'iam' | 's3' | 'servicequotas';
  /** As IAM writes it. */
  action: string;
  region: string;
  method: 'GET' | 'POST';
  query?: Readonly<Record<string, string>>;
  headers?: Readonly<Record<string, string>>;
  body?: string;
}

/** One call, with a second try as the SDK's clients have it. All of them read. */
export async function call(signing: Signing, signed: SignedCall): Promise<HttpAnswer> {
  const { service, region, method, query = {}, headers = {}, body } = signed;
  const url = new URL(endpointOf(service, region));
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  for (let attempt = 1; ; attempt += 1) {
    const isLast = attempt >= briskConfig.maxAttempts;
    try {
      const request = { service, region, method, url, headers, body, attempt };
      const answer = await signedRequest(signing, { ...request, config: briskConfig });
      if (isLast || !isPassing(answer)) return answer;
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      if (isLast) throw failed(new RefusedCall('NetworkingError', error.message), signed.action);
    }
    await wait(Math.random() * 1_000);
  }
}

/** Services that speak XML, and Service Quotas, throttle with status 400 (IAM API reference, "Common Errors"). */
const isPassing = ({ status, body }: HttpAnswer) =>
  status >= 500 || status === 429 || (status === 400 && /Throttling|TooManyRequests/.test(body.toString('utf8')));

/** Where a service is. IAM has one endpoint in a partition (general reference, "IAM endpoints and quotas"). */
function endpointOf(service: SignedCall['service'], region: string): string {
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  return (
    givenEndpoint(ownNames[service]) ??
    `https://${service === 'iam' ? iamHosts[region] : `${service}.${region}`}.${suffix}`
  );
}
const ownNames = { iam: 'IAM', s3: 'S3', servicequotas: 'SERVICE_QUOTAS' } as const;
const iamHosts: Readonly<Record<string, string>> = {
  'us-east-1': 'iam',
  'cn-north-1': 'iam.cn-north-1',
  'us-gov-west-1': 'iam.us-gov',
};

/**
 * The only Region of a partition in which quotas of whole accounts are read (S3 user guide, "General purpose bucket quotas"), and for which
 * calls of IAM are signed.
 */
export function globalQuotaRegion(region: string): string {
  if (region.startsWith('cn-')) return 'cn-north-1';
  return region.startsWith('us-gov-') ? 'us-gov-west-1' : 'us-east-1';
}

export function refusal({ status }: HttpAnswer, action: string, code = `Status${status}`, message = ''): RefusedCall {
  return failed(new RefusedCall(code, message === '' ? `${code} (status ${status})` : message), action);
}

/** With the call beside it, for what `explain` says of it. */
function failed(error: RefusedCall, action: string): RefusedCall {
  rememberFailedCall(error, { action, resource: undefined, attempts: undefined, waitedMs: undefined });
  return error;
}
