import * as v from 'valibot';
import type { AccountRegion } from '../../core/account.ts';
import { type Access, AwsError } from '../../core/operation.ts';
import { actionOf, parseTransaction } from './transactions.ts';

const attributes = v.record(v.string(), v.record(v.string(), v.unknown()));
type Attributes = v.InferOutput<typeof attributes>;

const writeRequest = v.object({
  PutRequest: v.optional(v.object({ Item: attributes })),
  DeleteRequest: v.optional(v.object({ Key: attributes })),
});

/** What of a call says which items it is about. */
export const requestSchema = v.object({
  TableName: v.optional(v.string()),
  IndexName: v.optional(v.string()),
  ResourceArn: v.optional(v.string()),
  Key: v.optional(attributes),
  Item: v.optional(attributes),
  KeyConditionExpression: v.optional(v.string()),
  ExpressionAttributeNames: v.optional(v.record(v.string(), v.string()), {}),
  ExpressionAttributeValues: v.optional(attributes, {}),
  RequestItems: v.optional(
    v.record(v.string(), v.union([v.object({ Keys: v.array(attributes) }), v.array(writeRequest)])),
  ),
});
type Request = v.InferOutput<typeof requestSchema>;

export type KeySchema = readonly { AttributeName: string; KeyType: string }[];

/**
 * What IAM is asked about a DynamoDB call. `keys` knows the tables and, as `<table>/index/<index>`, their indexes. `dynamodb:LeadingKeys` holds the partition keys that the call names:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
 * Throws ValidationException for an input that has no DynamoDB form.
 */
export function dynamoDbAccess(
  operation: string,
  input: unknown,
  { keys, home }: { keys: ReadonlyMap<string, KeySchema>; home: AccountRegion },
): Access[] {
  const partitionKey = (name: string) => keys.get(name)?.find(({ KeyType }) => KeyType === 'HASH')?.AttributeName;
  const tableArn = (table: string) => `arn:aws:dynamodb:${home.region}:${home.accountId}:table/${table}`;
  if (operation === 'TransactWriteItems') {
    return parseTransaction(input).items.map((each) => {
      const { permission, tableName, item } = actionOf(each);
      const leading = keyValue(item, partitionKey(tableName));
      return {
        action: `dynamodb:${permission}`,
        resource: tableArn(tableName),
        ...(leading !== undefined && { context: { 'dynamodb:LeadingKeys': [leading] } }),
      };
    });
  }
  const parsed = v.safeParse(requestSchema, input);
  if (!parsed.success) {
    throw new AwsError(
      'ValidationException',
      `${v.getDotPath(parsed.issues[0]) ?? 'input'}: ${parsed.issues[0].message}`,
    );
  }
  const { TableName, IndexName, ResourceArn, RequestItems } = parsed.output;

  const question = (table: string, values: readonly (string | undefined)[]): Access => {
    const leadingKeys = [...new Set(values.filter((key) => key !== undefined))];
    return {
      action: `dynamodb:${operation}`,
      resource: tableArn(table),
      ...(leadingKeys.length > 0 && { context: { 'dynamodb:LeadingKeys': leadingKeys } }),
    };
  };

  if (RequestItems !== undefined) {
    return Object.entries(RequestItems).map(([table, requests]) => {
      const items = Array.isArray(requests)
        ? requests.map(({ PutRequest, DeleteRequest }) => PutRequest?.Item ?? DeleteRequest?.Key)
        : requests.Keys;
      const name = partitionKey(table);
      return question(
        table,
        items.map((item) => keyValue(item, name)),
      );
    });
  }
  if (TableName === undefined) return [{ action: `dynamodb:${operation}`, resource: ResourceArn ?? '*' }];
  const resource = IndexName === undefined ? TableName : `${TableName}/index/${IndexName}`;
  return [question(resource, [scalar(leadingAttribute(parsed.output, partitionKey(resource)))])];
}

/** The partition key that a call names, as it is on the wire. */
export function leadingAttribute(input: Request, name: string | undefined): Attributes[string] | undefined {
  const { KeyConditionExpression: expression, ExpressionAttributeNames: names } = input;
  if (name === undefined) return undefined;
  if (expression === undefined) return (input.Key ?? input.Item)?.[name];
  // `pk = :pk` or `#pk = :pk`, possibly in parentheses and among conditions on the sort key.
  for (const [, attribute = '', placeholder = ''] of expression.matchAll(/(#?[\w.-]+)\s*=\s*(:\w+)/g)) {
    if ((names[attribute] ?? attribute) === name) return input.ExpressionAttributeValues[placeholder];
  }
  return undefined;
}

const keyValue = (item: Attributes | undefined, name: string | undefined) =>
  name === undefined ? undefined : scalar(item?.[name]);

/** The text of an attribute value such as `{ S: 'a' }`; keys are strings, numbers as text, or base64. */
function scalar(value: Attributes[string] | undefined): string | undefined {
  const text = value?.S ?? value?.N ?? value?.B;
  return typeof text === 'string' ? text : undefined;
}
