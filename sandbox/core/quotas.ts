import type { AccountRegion } from './account.ts';

/** A quota of AWS, of an account or of an account in a Region. */
export interface Quota {
  serviceCode: string;
  serviceName: string;
  quotaCode: string;
  quotaName: string;
  /** Of the account, and not of it in a Region. */
  isGlobal: boolean;
  /** What an account has that has asked for nothing. */
  defaultValue: number;
}

/**
 * The quotas that subscribers' stacks meet: general reference, "Service endpoints and quotas" of each service; S3 user guide, "General
 * purpose bucket quotas" (10,000 since November 2024).
 */
const known = {
  roles: {
    ...{ serviceCode: 'iam', serviceName: 'AWS Identity and Access Management (IAM)' },
    ...{ quotaCode: 'L-FE177D64', quotaName: 'Roles per account', isGlobal: true, defaultValue: 1_000 },
  },
  policies: {
    ...{ serviceCode: 'iam', serviceName: 'AWS Identity and Access Management (IAM)' },
    ...{ quotaCode: 'L-E95E4862', quotaName: 'Customer managed policies per account', isGlobal: true },
    defaultValue: 1_500,
  },
  stacks: {
    ...{ serviceCode: 'cloudformation', serviceName: 'AWS CloudFormation' },
    ...{ quotaCode: 'L-0485CB21', quotaName: 'Stack count', isGlobal: false, defaultValue: 2_000 },
  },
  buckets: {
    ...{ serviceCode: 's3', serviceName: 'Amazon Simple Storage Service (Amazon S3)' },
    ...{ quotaCode: 'L-DC2B2D3D', quotaName: 'General purpose buckets', isGlobal: true, defaultValue: 10_000 },
  },
  tables: {
    ...{ serviceCode: 'dynamodb', serviceName: 'Amazon DynamoDB' },
    ...{ quotaCode: 'L-F98FE922', quotaName: 'Maximum number of tables', isGlobal: false, defaultValue: 2_500 },
  },
} as const satisfies Readonly<Record<string, Quota>>;

export type QuotaName = keyof typeof known;

/** The quotas of all accounts. */
export interface Quotas {
  /** What an account may have, in a Region where that counts. */
  limit(name: QuotaName, home: AccountRegion): number;
  /** What AWS has granted an account, which then is its applied value; undefined: nothing, so that the default holds. */
  granted(name: QuotaName, home: AccountRegion): number | undefined;
  /** Lets AWS grant an account so many. */
  set(name: QuotaName, home: AccountRegion, value: number): void;
  /** The quota of these codes. */
  find(serviceCode: string, quotaCode: string): ({ name: QuotaName } & Quota) | undefined;
  /** Whether a service has quotas here. */
  hasService(serviceCode: string): boolean;
}

export function createQuotas(): Quotas {
  const values = new Map<string, number>();
  const keyOf = (name: QuotaName, { accountId, region }: AccountRegion) =>
    [name, accountId, ...(known[name].isGlobal ? [] : [region])].join(' ');
  const granted: Quotas['granted'] = (name, home) => values.get(keyOf(name, home));
  const names: readonly QuotaName[] = ['roles', 'policies', 'stacks', 'buckets', 'tables'];

  return {
    granted,
    limit: (name, home) => granted(name, home) ?? known[name].defaultValue,
    set: (name, home, value) => void values.set(keyOf(name, home), value),
    find(serviceCode, quotaCode) {
      const name = names.find((each) => known[each].serviceCode === serviceCode && known[each].quotaCode === quotaCode);
      return name === undefined ? undefined : { name, ...known[name] };
    },
    hasService: (serviceCode) => names.some((each) => known[each].serviceCode === serviceCode),
  };
}
