import * as v from 'valibot';
import type { AccountRegion } from '../../core/account.ts';
import { AwsError, operation, type Service } from '../../core/operation.ts';
import type { Quotas } from '../../core/quotas.ts';
import { arnAt } from '../../core/resource-provider.ts';

const input = v.strictObject({
  ServiceCode: v.pipe(v.string(), v.regex(/^[a-zA-Z][a-zA-Z0-9-]{1,63}$/)),
  QuotaCode: v.pipe(v.string(), v.regex(/^[a-zA-Z][a-zA-Z0-9-]{1,128}$/)),
});

/** Where the quotas of whole accounts are asked for (S3 user guide, "General purpose bucket quotas"). */
const globalRegion = 'us-east-1';

/** Service Quotas, as far as it says what an account may have: https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/ */
export function createServiceQuotas({ quotas, home }: { quotas: Quotas; home: AccountRegion }): { service: Service } {
  function found({ ServiceCode, QuotaCode }: v.InferOutput<typeof input>) {
    // Recorded of a global service that was asked in another Region, too (hashicorp/terraform-provider-aws#19735).
    if (!quotas.hasService(ServiceCode)) throw noSuch('the specified service does not exist.');
    const quota = quotas.find(ServiceCode, QuotaCode);
    if (quota?.isGlobal && home.region !== globalRegion) throw noSuch('the specified service does not exist.');
    if (quota === undefined) throw noSuch('the specified quota does not exist.');
    return quota;
  }
  const described = (quota: ReturnType<typeof found>, Value: number, accountId: string) => ({
    ServiceCode: quota.serviceCode,
    ServiceName: quota.serviceName,
    QuotaArn: `arn:aws:servicequotas:${quota.isGlobal ? '' : home.region}:${accountId}:${quota.serviceCode}/${quota.quotaCode}`,
    QuotaCode: quota.quotaCode,
    QuotaName: quota.quotaName,
    Value,
    Unit: 'None',
    Adjustable: true,
    GlobalQuota: quota.isGlobal,
  });

  return {
    service: {
      name: 'servicequotas',
      protocol: 'json',
      operations: {
        GetServiceQuota: operation(input, {
          // Service authorization reference, "Actions, resources, and condition keys for Service Quotas", since 2026: the quota.
          access: ({ ServiceCode, QuotaCode }) => [
            {
              action: 'servicequotas:GetServiceQuota',
              resource: arnAt(home, 'servicequotas', `${ServiceCode}/${QuotaCode}`),
              context: { 'servicequotas:service': ServiceCode },
            },
          ],
          run(asked) {
            const quota = found(asked);
            const value = quotas.granted(quota.name, home);
            // "For some quotas, only the default values are available" (API reference); which, is not documented: here all that were never raised.
            if (value === undefined) throw noSuch('');
            return { Quota: { ...described(quota, value, home.accountId), QuotaAppliedAtLevel: 'ACCOUNT' } };
          },
        }),

        GetAWSDefaultServiceQuota: operation(input, {
          // This one knows no quota as its resource.
          access: () => [{ action: 'servicequotas:GetAWSDefaultServiceQuota', resource: '*' }],
          run(asked) {
            const quota = found(asked);
            return { Quota: described(quota, quota.defaultValue, '') };
          },
        }),
      },
    },
  };
}

const noSuch = (why: string) =>
  new AwsError('NoSuchResourceException', why === '' ? '' : `The request failed because ${why}`);
