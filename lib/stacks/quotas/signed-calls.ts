import * as v from 'valibot';
import type { Signing } from '../../aws/signed/request.ts';
import { json } from '../../json.ts';
import { call, RefusedCall, refusal } from './signed-call.ts';

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
