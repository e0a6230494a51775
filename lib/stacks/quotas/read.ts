import {
  type CloudFormationClient,
  DescribeAccountLimitsCommand,
  paginateListStacks,
  type StackStatus,
} from '@aws-sdk/client-cloudformation';
import { type DynamoDBClient, paginateListTables } from '@aws-sdk/client-dynamodb';
import { GetAccountSummaryCommand, type IAMClient } from '@aws-sdk/client-iam';
import { explain } from '../../aws/explain.ts';
import { type QuotaKind, quotaFacts } from './limits.ts';
import type { QuotaReading, Read } from './room.ts';
import { countBuckets, globalQuotaRegion, readServiceQuota, type Signing } from './signed-calls.ts';

/** What the quotas of an account are read with. */
export interface QuotaClients {
  region: string;
  iam: IAMClient;
  cloudFormation: CloudFormationClient;
  dynamoDb: DynamoDBClient;
  signing: Signing;
  /** @throws Error when there is no time for another page */
  mayGoOn: () => void;
}

/** The statuses of stacks that count; a stack that is deleted is listed for 90 days (API reference, ListStacks). */
const liveStatuses: StackStatus[] = [
  ...(['CREATE_IN_PROGRESS', 'CREATE_FAILED', 'CREATE_COMPLETE'] as const),
  ...(['ROLLBACK_IN_PROGRESS', 'ROLLBACK_FAILED', 'ROLLBACK_COMPLETE'] as const),
  ...(['DELETE_IN_PROGRESS', 'DELETE_FAILED'] as const),
  ...(['UPDATE_IN_PROGRESS', 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS', 'UPDATE_COMPLETE', 'UPDATE_FAILED'] as const),
  ...(['UPDATE_ROLLBACK_IN_PROGRESS', 'UPDATE_ROLLBACK_FAILED'] as const),
  ...(['UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS', 'UPDATE_ROLLBACK_COMPLETE', 'REVIEW_IN_PROGRESS'] as const),
  ...(['IMPORT_IN_PROGRESS', 'IMPORT_COMPLETE'] as const),
  ...(['IMPORT_ROLLBACK_IN_PROGRESS', 'IMPORT_ROLLBACK_FAILED', 'IMPORT_ROLLBACK_COMPLETE'] as const),
];

/** Reads quotas at the same time. What cannot be read is in its place, with the reason. */
export async function readQuotas(kinds: readonly QuotaKind[], clients: QuotaClients): Promise<QuotaReading[]> {
  // One call has both of IAM's.
  let summary: Promise<Partial<Record<string, number>>> | undefined;
  const ofIam = async (name: string) => {
    summary ??= clients.iam.send(new GetAccountSummaryCommand({})).then(({ SummaryMap = {} }) => SummaryMap);
    return present((await summary)[name], `GetAccountSummary returned no ${name}`);
  };
  return Promise.all(
    kinds.map(async (kind) => {
      const [used, limit] = await Promise.all([
        orReason(() => usedOf(kind, clients, ofIam)),
        orReason(() => limitOf(kind, clients, ofIam)),
      ]);
      return { kind, used, limit };
    }),
  );
}

type OfIam = (name: string) => Promise<number>;

async function usedOf(kind: QuotaKind, clients: QuotaClients, ofIam: OfIam): Promise<number> {
  const { region, cloudFormation, dynamoDb, signing, mayGoOn } = clients;
  switch (kind) {
    case 'roles':
      return ofIam('Roles');
    case 'policies':
      return ofIam('Policies');
    case 'stacks': {
      const pages = paginateListStacks({ client: cloudFormation }, { StackStatusFilter: liveStatuses });
      return counted(pages, ({ StackSummaries }) => StackSummaries, mayGoOn);
    }
    case 'buckets':
      return countBuckets(signing, region, mayGoOn);
    case 'tables':
      return counted(paginateListTables({ client: dynamoDb }, {}), ({ TableNames }) => TableNames, mayGoOn);
  }
}

async function limitOf(kind: QuotaKind, clients: QuotaClients, ofIam: OfIam): Promise<number> {
  const { region, cloudFormation, signing } = clients;
  const { serviceCode, quotaCode, scope } = quotaFacts[kind];
  switch (kind) {
    case 'roles':
      return ofIam('RolesQuota');
    case 'policies':
      return ofIam('PoliciesQuota');
    case 'stacks': {
      const { AccountLimits = [] } = await cloudFormation.send(new DescribeAccountLimitsCommand({}));
      const limit = AccountLimits.find(({ Name }) => Name === 'StackLimit')?.Value;
      return present(limit, 'DescribeAccountLimits returned no StackLimit');
    }
    case 'buckets':
    case 'tables': {
      const asked = scope === 'account' ? globalQuotaRegion(region) : region;
      return readServiceQuota(signing, { region: asked, serviceCode, quotaCode });
    }
  }
}

async function counted<Page>(
  pages: AsyncIterable<Page>,
  itemsOf: (page: Page) => readonly unknown[] | undefined,
  mayGoOn: () => void,
): Promise<number> {
  let count = 0;
  for await (const page of pages) {
    count += itemsOf(page)?.length ?? 0;
    mayGoOn();
  }
  return count;
}

function present(value: number | undefined, otherwise: string): number {
  if (value === undefined) throw new Error(otherwise);
  return value;
}

async function orReason(read: () => Promise<number>): Promise<Read> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { error: { name: error.name, message: explain(error) } };
  }
}
