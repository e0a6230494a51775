import * as v from 'valibot';
import { json } from '../../json.ts';

/** The quotas of AWS that a subscriber's stack takes something of. */
export type QuotaKind = 'roles' | 'policies' | 'stacks' | 'buckets' | 'tables';

interface QuotaFacts {
  name: string;
  service: string;
  serviceCode: string;
  quotaCode: string;
  /** Of the account, or of the account in a Region. */
  scope: 'account' | 'region';
  unit: string;
  /** What an account has that has asked for nothing, and where AWS says so. */
  defaultLimit: number;
  source: string;
  /** What AWS grants at most, as far as it says so. */
  most?: number;
}

/** Read in November 2026. */
export const quotaFacts: Readonly<Record<QuotaKind, QuotaFacts>> = {
  roles: {
    ...{ name: 'IAM roles', service: 'AWS Identity and Access Management (IAM)', serviceCode: 'iam' },
    ...{ quotaCode: 'L-FE177D64', scope: 'account', unit: 'roles', defaultLimit: 1_000, most: 5_000 },
    source: 'IAM user guide, "IAM and AWS STS quotas"',
  },
  policies: {
    ...{
      name: 'IAM customer managed policies',
      service: 'AWS Identity and Access Management (IAM)',
      serviceCode: 'iam',
    },
    ...{ quotaCode: 'L-E95E4862', scope: 'account', unit: 'policies', defaultLimit: 1_500, most: 5_000 },
    source: 'IAM user guide, "IAM and AWS STS quotas"',
  },
  stacks: {
    ...{ name: 'CloudFormation stacks', service: 'AWS CloudFormation', serviceCode: 'cloudformation' },
    ...{ quotaCode: 'L-0485CB21', scope: 'region', unit: 'stacks', defaultLimit: 2_000 },
    source: 'CloudFormation user guide, "Understand CloudFormation quotas"',
  },
  buckets: {
    ...{ name: 'S3 general purpose buckets', service: 'Amazon Simple Storage Service (Amazon S3)', serviceCode: 's3' },
    ...{ quotaCode: 'L-DC2B2D3D', scope: 'account', unit: 'buckets', defaultLimit: 10_000, most: 1_000_000 },
    source: 'S3 user guide, "General purpose bucket quotas, limitations, and restrictions" (since November 2024)',
  },
  tables: {
    ...{ name: 'DynamoDB tables', service: 'Amazon DynamoDB', serviceCode: 'dynamodb' },
    ...{ quotaCode: 'L-F98FE922', scope: 'region', unit: 'tables', defaultLimit: 2_500, most: 10_000 },
    source: 'DynamoDB developer guide, "Quotas in Amazon DynamoDB"',
  },
};

/** In this order they are shown. */
export const quotaKinds: readonly QuotaKind[] = ['roles', 'policies', 'stacks', 'buckets', 'tables'];

const count = v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 0);

/** What one subscriber's stack takes, with all that it nests. */
export const stackUsesEnvironment = {
  STACK_USES: json(v.strictObject({ roles: count, policies: count, stacks: count, buckets: count, tables: count })),
};
export type StackUses = Readonly<Record<QuotaKind, number>>;

export const quotaReserveEnvironment = {
  /** How many of each quota must stay free in an account beside the subscriber's stack; undefined: quotas are not looked at. */
  QUOTA_RESERVE: v.pipe(
    v.string(),
    v.regex(/^(?:off|\d{1,5})$/, 'must be a whole number, or off'),
    v.transform((value) => (value === 'off' ? undefined : Number(value))),
  ),
};
