import { paginateQuery } from '@aws-sdk/lib-dynamodb';
import type { Registry } from './table.ts';

/** What the items of a key have in common. */
export const keyPk = (keyArn: string) => `KEY#${keyArn}`;

/** The items of a key whose sort keys begin with a prefix, in their order, and from a place on. */
export async function queryKey(
  { documents, tableName }: Registry,
  keyArn: string,
  prefix: string,
  from = '',
): Promise<unknown[]> {
  const pages = paginateQuery(
    { client: documents },
    {
      TableName: tableName,
      ConsistentRead: true,
      // What follows a prefix begins with a letter or a digit, all of which come before the tilde.
      KeyConditionExpression: '#pk = :pk AND #sk BETWEEN :from AND :to',
      ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk' },
      ExpressionAttributeValues: { ':pk': keyPk(keyArn), ':from': `${prefix}${from}`, ':to': `${prefix}~` },
    },
  );
  const items: unknown[] = [];
  for await (const { Items = [] } of pages) items.push(...Items);
  return items;
}
