import * as v from 'valibot';
import type { TableStore } from './table-store.ts';
import type { DynamoDbResponse } from './wire.ts';

const throughput = v.looseObject({ ReadCapacityUnits: v.number(), WriteCapacityUnits: v.number() });
const description = v.looseObject({
  TableStatus: v.string(),
  BillingModeSummary: v.optional(v.looseObject({ BillingMode: v.optional(v.string()) })),
  ProvisionedThroughput: v.optional(throughput),
});
const error = v.looseObject({ __type: v.string(), message: v.optional(v.string(), '') });
const named = v.looseObject({ TableName: v.string() });

/**
 * What AWS says of a table where dynalite says something else, as it is recorded: that nothing protects it from deletion, the throughput that it
 * is ready for, no schema of one that is deleted, what a stack lets expire, and that the name of a new one is taken.
 */
export function completed(operation: string, asked: Asked, response: DynamoDbResponse): DynamoDbResponse {
  const isRefused = response.status !== 200;
  const complete = isRefused ? refusals[operation] : answers[operation];
  if (complete === undefined) return response;
  const body = complete(JSON.parse(response.body), asked);
  // dynalite's checksum and length are of its own text.
  const headers = { 'content-type': response.headers['content-type'] ?? '' };
  return { status: response.status, headers, body: JSON.stringify(body) };
}

interface Asked {
  input: unknown;
  /** What stacks have made. */
  tables: TableStore;
}

type Complete = (body: unknown, asked: Asked) => unknown;

const answers: Readonly<Record<string, Complete>> = {
  CreateTable(body) {
    const { TableDescription } = v.parse(v.object({ TableDescription: description }), body);
    return { TableDescription: { ...TableDescription, ...unprotected } };
  },
  DescribeTable(body) {
    const { Table } = v.parse(v.object({ Table: description }), body);
    const isReady = Table.TableStatus === 'ACTIVE';
    return { Table: { ...Table, ...unprotected, ...(isReady && { WarmThroughput: warmThroughput(Table) }) } };
  },
  DeleteTable(body) {
    const { TableDescription } = v.parse(v.object({ TableDescription: description }), body);
    const { AttributeDefinitions: _, KeySchema: __, CreationDateTime: ___, ...kept } = TableDescription;
    return { TableDescription: { ...kept, ...unprotected } };
  },
  DescribeTimeToLive(body, { input, tables }) {
    const AttributeName = tables.get(v.parse(named, input).TableName)?.timeToLive;
    if (AttributeName === undefined) return body;
    return { TimeToLiveDescription: { AttributeName, TimeToLiveStatus: 'ENABLED' } };
  },
};

const unprotected = { DeletionProtectionEnabled: false };

function warmThroughput({ BillingModeSummary, ProvisionedThroughput }: v.InferOutput<typeof description>): object {
  const isOnDemand = BillingModeSummary?.BillingMode === 'PAY_PER_REQUEST';
  const { ReadCapacityUnits: read = 0, WriteCapacityUnits: write = 0 } = ProvisionedThroughput ?? {};
  return {
    ReadUnitsPerSecond: isOnDemand ? 12_000 : read,
    WriteUnitsPerSecond: isOnDemand ? 4_000 : write,
    Status: 'ACTIVE',
  };
}

const refusals: Readonly<Record<string, Complete>> = {
  CreateTable(body, { input }) {
    const [refused, table] = [v.parse(error, body), v.safeParse(named, input)];
    if (!refused.__type.endsWith('#ResourceInUseException') || !table.success) return refused;
    return { ...refused, message: `Table already exists: ${table.output.TableName}` };
  },
};
