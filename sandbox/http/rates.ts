import type { Clock } from '../core/clock.ts';
import type { Caller } from '../core/operation.ts';

/** How often AWS lets operations be called: a bucket of tokens, of which each call takes one. */
interface Rate {
  service: string;
  /** They share one bucket. */
  operations: readonly string[];
  /** How many tokens come back a second. */
  perSecond: number;
  /** How many the bucket holds; default: a second's. */
  burst?: number;
  /** What the service has in the Regions that have less. */
  elsewhere?: { perSecond: number; burst?: number };
  /** Where the figures are from. */
  source: keyof typeof sources;
}

/** Read in November 2026. */
const sources = {
  kms: 'KMS developer guide, "Request quotas": requests a second, each operation by itself',
  states:
    'Step Functions developer guide, "Quotas related to API action throttling" and "Other quotas", standard workflows',
  secretsmanager: 'Secrets Manager user guide, "Secrets Manager quotas"',
  cognito: 'Cognito developer guide, "Quotas in Amazon Cognito": category UserAuthentication',
  sts: 'IAM user guide, "IAM and AWS STS quotas": STS request quotas, of these operations together',
  events: 'EventBridge user guide, "EventBridge event bus quotas": PutEvents; elsewhere the least of all Regions',
  assumption:
    'an assumption: AWS does not publish rates of CloudFormation and IAM. Users report 5 DescribeStacks a second (aws/aws-sam-cli#2671), and several CreateStack in one second, but not 17 (Sceptre/sceptre#910)',
} as const;

/** The Regions for which Step Functions and EventBridge document more than for others. */
const largeRegions: readonly string[] = ['us-east-1', 'us-west-2', 'eu-west-1'];

const each = (service: string, operations: readonly string[], figures: Omit<Rate, 'service' | 'operations'>): Rate[] =>
  operations.map((operation) => ({ service, operations: [operation], ...figures }));

/** Operations that are not here have no rate that an onboarding could reach, or none in requests (DynamoDB, SQS). */
export const rates: readonly Rate[] = [
  ...each('cloudformation', ['CreateStack', 'DeleteStack', 'CreateChangeSet', 'ExecuteChangeSet'], {
    perSecond: 2,
    burst: 10,
    source: 'assumption',
  }),
  ...each(
    'cloudformation',
    [
      'DescribeStacks',
      'DescribeStackEvents',
      'DescribeChangeSet',
      'DeleteChangeSet',
      'ListChangeSets',
      'GetTemplate',
      'GetTemplateSummary',
      'ListStackResources',
      'ListStacks',
      'DescribeAccountLimits',
    ],
    { perSecond: 5, burst: 10, source: 'assumption' },
  ),
  ...each('iam', ['GetAccountSummary', 'GetRole', 'DeleteRole', 'DeleteRolePolicy', 'ListRolePolicies'], {
    perSecond: 15,
    burst: 30,
    source: 'assumption',
  }),
  ...each('kms', ['GetKeyPolicy'], { perSecond: 1_000, source: 'kms' }),
  ...each('kms', ['DescribeKey', 'ListResourceTags'], { perSecond: 2_000, source: 'kms' }),
  ...each('kms', ['PutKeyPolicy', 'ScheduleKeyDeletion'], { perSecond: 15, source: 'kms' }),
  ...each('states', ['StartExecution'], {
    perSecond: 300,
    burst: 1_300,
    elsewhere: { perSecond: 150, burst: 800 },
    source: 'states',
  }),
  ...each('states', ['DescribeExecution'], {
    perSecond: 15,
    burst: 300,
    elsewhere: { perSecond: 10, burst: 250 },
    source: 'states',
  }),
  ...each('states', ['GetExecutionHistory'], { perSecond: 20, burst: 400, source: 'states' }),
  ...each('states', ['ListExecutions'], {
    perSecond: 5,
    burst: 200,
    elsewhere: { perSecond: 2, burst: 100 },
    source: 'states',
  }),
  ...each('states', ['StopExecution'], {
    perSecond: 200,
    burst: 1_000,
    elsewhere: { perSecond: 25, burst: 500 },
    source: 'states',
  }),
  ...each('states', ['SendTaskFailure', 'SendTaskHeartbeat', 'SendTaskSuccess'], {
    perSecond: 500,
    burst: 3_000,
    elsewhere: { perSecond: 300, burst: 1_500 },
    source: 'states',
  }),
  ...each(
    'secretsmanager',
    ['CreateSecret', 'DeleteSecret', 'ListSecretVersionIds', 'PutSecretValue', 'RestoreSecret'],
    { perSecond: 50, source: 'secretsmanager' },
  ),
  ...each('secretsmanager', ['ListSecrets'], { perSecond: 100, source: 'secretsmanager' }),
  {
    ...{ service: 'secretsmanager', operations: ['DescribeSecret', 'GetSecretValue'] },
    ...{ perSecond: 10_000, source: 'secretsmanager' },
  },
  ...each('cognito', ['InitiateAuth'], { perSecond: 120, source: 'cognito' }),
  { service: 'sts', operations: ['AssumeRole', 'GetCallerIdentity'], perSecond: 600, source: 'sts' },
  ...each('events', ['PutEvents'], { perSecond: 10_000, elsewhere: { perSecond: 400 }, source: 'events' }),
];

export interface Rates {
  /** Takes a token for a call. @returns false when there is none: the call is one too many */
  take(service: string, operation: string, caller: Pick<Caller, 'accountId' | 'region'> | undefined): boolean;
}

/** The rates of every account in every Region, on the sandbox's clock. */
export function createRates(clock: Pick<Clock, 'now'>): Rates {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return {
    take(service, operation, caller) {
      const rate = rates.find((candidate) => candidate.service === service && candidate.operations.includes(operation));
      if (rate === undefined) return true;
      const { perSecond, burst = perSecond } = figuresOf(rate, caller?.region);
      const key = [...placeOf(rate, caller), rate.service, ...rate.operations].join(' ');
      const now = clock.now();
      const bucket = buckets.get(key) ?? { tokens: burst, at: now };
      const tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * perSecond);
      buckets.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
      return tokens >= 1;
    },
  };
}

function figuresOf(
  { perSecond, burst, elsewhere }: Rate,
  region: string | undefined,
): Pick<Rate, 'perSecond' | 'burst'> {
  const isLarge = region === undefined || largeRegions.includes(region);
  return (isLarge ? undefined : elsewhere) ?? { perSecond, ...(burst !== undefined && { burst }) };
}

/** Whose bucket it is. IAM has one for all Regions; the user pool is in the account of the vendor, and its calls are not signed. */
function placeOf({ service }: Rate, caller: Pick<Caller, 'accountId' | 'region'> | undefined): string[] {
  if (caller === undefined) return [];
  return service === 'iam' ? [caller.accountId] : [caller.accountId, caller.region];
}
