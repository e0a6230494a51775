import type { Meter } from '../../core/meter.ts';
import type { AwsError } from '../../core/operation.ts';
import type { DynamoDb } from './service.ts';
import type { Use } from './throughput.ts';

/** Counts what faults refuse of a call (DynamoDB developer guide, "DynamoDB metrics and dimensions"). */
export function countError(
  { code, statusCode }: AwsError,
  { operation: Operation, input }: { operation: string; input: unknown },
  { dynamoDb, cloudWatch: { meter } }: { dynamoDb: Pick<DynamoDb, 'access'>; cloudWatch: { meter: Meter } },
): void {
  const [access] = dynamoDb.access(Operation, input);
  const [, TableName] = /:table\/([^/]+)/.exec(access?.resource ?? '') ?? [];
  if (TableName === undefined) return;
  if (statusCode >= 500) meter('AWS/DynamoDB', { TableName, Operation }, { SystemErrors: 1 });
  if (!/^Throttling|^ProvisionedThroughputExceeded|^RequestLimitExceeded/.test(code)) return;
  const isRead = /^(?:Get|BatchGet|Query|Scan)/.test(Operation);
  meter('AWS/DynamoDB', { TableName, Operation }, { ThrottledRequests: 1 });
  meter('AWS/DynamoDB', { TableName }, isRead ? { ReadThrottleEvents: 1 } : { WriteThrottleEvents: 1 });
}

/**
 * Counts what had nothing left: an event for each read or write of a table or of an index, and the call if all of it was refused (the same page). What a
 * table's metrics count are its own events, and not those of its indexes.
 */
export function countThrottles(
  throttled: readonly Use[],
  { operation: Operation, isRefused }: { operation: string; isRefused: boolean },
  { meter }: { meter: Meter },
): void {
  for (const { tableName: TableName, indexName, kind } of throttled) {
    const dimensions = { TableName, ...(indexName !== undefined && { GlobalSecondaryIndexName: indexName }) };
    meter('AWS/DynamoDB', dimensions, kind === 'read' ? { ReadThrottleEvents: 1 } : { WriteThrottleEvents: 1 });
  }
  if (!isRefused) return;
  for (const TableName of new Set(throttled.map(({ tableName }) => tableName))) {
    meter('AWS/DynamoDB', { TableName, Operation }, { ThrottledRequests: 1 });
  }
}
