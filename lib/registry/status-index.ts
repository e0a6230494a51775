import { QueryCommand, type QueryCommandOutput } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { ApiProblem } from '../api-problem.ts';
import { keyPk } from './key-items.ts';
import type { Registry } from './table.ts';

/** The index that has the records of all subscribers, by their status and in the order of their names, and all keys (deployment/registry.yml). */
const statusIndex = 'subscribers-by-status';

const subscriberPk = 'SUBSCRIBER#';

/**
 * A part of the names, in lower case, as partition keys: from one, which is included, to another one, which is not. A name has letters, digits
 * and hyphens.
 */
export interface NameRange {
  from: string;
  to: string;
}

/** After every character of a name. */
const afterAll = '~';

export const allNames: NameRange = { from: subscriberPk, to: `${subscriberPk}${afterAll}` };

/** All that come after this one: before whatever a name may go on with there is an exclamation mark. */
export const namesAfter = (pk: string): NameRange => ({ ...allNames, from: `${pk}!` });

/** All keys of KMS, which stand beside the subscribers under a status of their own. Their ARNs have letters, digits, hyphens, colons and slashes. */
export const allKeys: NameRange = { from: keyPk(''), to: `${keyPk('')}${afterAll}` };

/** The keys that come after this one. */
export const keysAfter = (pk: string): NameRange => ({ ...allKeys, from: `${pk}!` });

/** The partition key of a subscriber's record, in lower case. */
export const isSubscriberPk = (pk: string): boolean => /^SUBSCRIBER#[a-z][a-z0-9-]{0,33}$/.test(pk);

interface StatusQuery {
  status: string;
  names: NameRange;
  /** Only those whose latest attempt has failed since, in ISO 8601. */
  failedSince?: string;
  /** How many are looked at. */
  limit?: number;
  startKey?: Record<string, unknown> | undefined;
}

/**
 * What the index has of the records of a status, in the order of their names. An index is read as it is, which may be a moment behind the table: who
 * acts on a record reads that itself.
 */
export async function queryStatus(
  { documents, tableName }: Registry,
  { status, names, failedSince, limit, startKey }: StatusQuery,
): Promise<{ items: unknown[]; lastKey: QueryCommandOutput['LastEvaluatedKey'] }> {
  const isFiltered = failedSince !== undefined;
  const { Items = [], LastEvaluatedKey } = await documents.send(
    new QueryCommand({
      TableName: tableName,
      IndexName: statusIndex,
      KeyConditionExpression: '#status = :status AND #pk BETWEEN :from AND :to',
      ...(isFiltered && { FilterExpression: 'attribute_exists(#lastError) AND #updatedAt >= :since' }),
      ExpressionAttributeNames: {
        ...{ '#status': 'status', '#pk': 'pk' },
        ...(isFiltered && { '#lastError': 'lastError', '#updatedAt': 'updatedAt' }),
      },
      ExpressionAttributeValues: {
        ...{ ':status': status, ':from': names.from, ':to': names.to },
        ...(isFiltered && { ':since': failedSince }),
      },
      ...(limit !== undefined && { Limit: limit }),
      ...(startKey !== undefined && { ExclusiveStartKey: startKey }),
    }),
  );
  return { items: Items, lastKey: LastEvaluatedKey };
}

const validationSchema = v.object({ name: v.literal('ValidationException'), message: v.string() });

/** Whether a read was refused because the index is still being made, as it is for a while after the deployment that adds it. */
function isIndexMissing(error: unknown): boolean {
  const refused = v.safeParse(validationSchema, error);
  return (
    refused.success &&
    /backfilling global secondary index|does not have the specified index/.test(refused.output.message)
  );
}

/** @throws ApiProblem IndexNotReady in place of what DynamoDB says while the index is being made */
export async function whenIndexed<Result>(read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    if (!isIndexMissing(error)) throw error;
    throw new ApiProblem(
      'IndexNotReady',
      'DynamoDB is still making the index of the registry, which this version of the deployment has added',
      'Send the request again in some minutes.',
    );
  }
}
