import type { Meter } from '../../core/meter.ts';
import type { AwsError } from '../../core/operation.ts';
import type { DynamoDb } from './service.ts';

/** Counts what faults refuse of a call (DynamoDB developer guide, "DynamoDB metrics and dimensions"): the tables themselves throttle nothing. */
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
