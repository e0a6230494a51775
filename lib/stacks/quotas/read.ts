import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { type DynamoDBClient, paginateListTables } from '@aws-sdk/client-dynamodb';
import { type QuotaKind, quotaFacts } from './limits.ts';
import { stackQuotaReaders } from './of-stacks.ts';
import { counted, type QuotaReaders, readEach } from './readers.ts';
import type { QuotaReading } from './room.ts';
import { globalQuotaRegion } from './signed-call.ts';
import { countBuckets, readServiceQuota } from './signed-calls.ts';

/** What the quotas of an account are read with. */
export interface QuotaClients {
  region: string;
  /** Its credentials also sign the calls of services that have no client here. */
  cloudFormation: CloudFormationClient;
  dynamoDb: DynamoDBClient;
  /** @throws Error when there is no time for another page */
  mayGoOn: () => void;
}

/** Reads quotas at the same time. What cannot be read is in its place, with the reason. */
export function readQuotas(kinds: readonly QuotaKind[], clients: QuotaClients): Promise<QuotaReading[]> {
  const { region, cloudFormation, dynamoDb, mayGoOn } = clients;
  const signing = cloudFormation.config;
  const granted = (kind: QuotaKind) => async () => {
    const { serviceCode, quotaCode, scope } = quotaFacts[kind];
    const asked = scope === 'account' ? globalQuotaRegion(region) : region;
    return readServiceQuota(signing, { region: asked, serviceCode, quotaCode });
  };
  const readers: QuotaReaders<QuotaKind> = {
    ...stackQuotaReaders(clients),
    buckets: { used: () => countBuckets(signing, region, mayGoOn), limit: granted('buckets') },
    tables: {
      used: () => counted(paginateListTables({ client: dynamoDb }, {}), ({ TableNames }) => TableNames, mayGoOn),
      limit: granted('tables'),
    },
  };
  return readEach(kinds, readers);
}
