import * as v from 'valibot';
import { AwsError } from '../../core/operation.ts';
import type { DynamoDbResponse, WireItem } from './wire.ts';

const wireItem = v.record(v.string(), v.record(v.string(), v.unknown()));
const condition = {
  ExpressionAttributeNames: v.optional(v.record(v.string(), v.string())),
  ExpressionAttributeValues: v.optional(wireItem),
  ReturnValuesOnConditionCheckFailure: v.optional(v.picklist(['ALL_OLD', 'NONE'])),
};
const conditional = { TableName: v.string(), ConditionExpression: v.optional(v.string()), ...condition };

const put = v.strictObject({ ...conditional, Item: wireItem });
const update = v.strictObject({ ...conditional, Key: wireItem, UpdateExpression: v.string() });
const remove = v.strictObject({ ...conditional, Key: wireItem });
const check = v.strictObject({ ...conditional, Key: wireItem, ConditionExpression: v.string() });

const transactionInput = v.strictObject({
  // API reference, TransactWriteItems: up to 100 actions.
  TransactItems: v.pipe(
    v.array(
      v.union([
        v.strictObject({ Put: put }),
        v.strictObject({ Update: update }),
        v.strictObject({ Delete: remove }),
        v.strictObject({ ConditionCheck: check }),
      ]),
    ),
    v.minLength(1),
    v.maxLength(100),
  ),
  ClientRequestToken: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(36))),
});

type TransactItem = v.InferOutput<typeof transactionInput>['TransactItems'][number];

/** An action of a transaction, as IAM and the single calls know it. */
export interface Action {
  /** What IAM is asked for, without `dynamodb:`. */
  permission: 'PutItem' | 'UpdateItem' | 'DeleteItem' | 'ConditionCheckItem';
  tableName: string;
  /** The key, among whatever else the item has. */
  item: WireItem;
}

interface Transaction {
  items: readonly TransactItem[];
  token: string | undefined;
}

/** @throws ValidationException for what the sandbox does not have, by name */
export function parseTransaction(input: unknown): Transaction {
  const parsed = v.safeParse(transactionInput, input);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new AwsError(
      'ValidationException',
      `The sandbox's dynamodb:TransactWriteItems does not have this ${v.getDotPath(issue) ?? 'input'}: ${issue.message}`,
    );
  }
  return { items: parsed.output.TransactItems, token: parsed.output.ClientRequestToken };
}

/**
 * Permissions are asked for by the single operations, and ConditionCheckItem:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
 */
export function actionOf(each: TransactItem): Action {
  if ('Put' in each) return { permission: 'PutItem', tableName: each.Put.TableName, item: each.Put.Item };
  if ('Update' in each) return { permission: 'UpdateItem', tableName: each.Update.TableName, item: each.Update.Key };
  if ('Delete' in each) return { permission: 'DeleteItem', tableName: each.Delete.TableName, item: each.Delete.Key };
  const { TableName, Key } = each.ConditionCheck;
  return { permission: 'ConditionCheckItem', tableName: TableName, item: Key };
}

/** What a transaction is made of, while nothing else runs. */
interface Table {
  /** Makes a single call, as from the wire. */
  send(operation: string, input: object): Promise<DynamoDbResponse>;
  /** The item that there is. */
  read(tableName: string, key: WireItem): Promise<WireItem | undefined>;
  /** The key attributes of an item. @throws AwsError where there is no such table, or they are not all there */
  keyOf(tableName: string, item: WireItem): WireItem;
}

export interface Transactions {
  /**
   * Writes all or nothing.
   * @param instead asked when all of it is written: what is answered in place of that, which is undone then
   * @throws AwsError for an input that is refused before anything is looked at
   */
  write(input: unknown, instead?: () => Promise<DynamoDbResponse | undefined>): Promise<DynamoDbResponse>;
}

/** The reasons of a refusal as DynamoDB lists them: one for each action, in the request's order. */
interface Reason {
  Code: 'None' | 'ConditionalCheckFailed' | 'ThrottlingError';
  Message?: string;
  Item?: WireItem;
}

const contentType = { 'content-type': 'application/x-amz-json-1.0' };

/**
 * `TransactWriteItems` by single calls that are undone when one of them is refused; the caller makes sure that nobody looks meanwhile.
 * A request that comes again with its token is answered as it was, without being done again (for ever here, for ten minutes in AWS).
 */
export function createTransactions(table: Table): Transactions {
  const done = new Map<string, string>();

  async function attempt(each: TransactItem): Promise<{ response: DynamoDbResponse; undo: () => Promise<unknown> }> {
    const { tableName, item } = actionOf(each);
    const key = table.keyOf(tableName, item);
    const before = await table.read(tableName, key);
    const undo = () =>
      before === undefined
        ? table.send('DeleteItem', { TableName: tableName, Key: key })
        : table.send('PutItem', { TableName: tableName, Item: before });
    if ('Put' in each) return { response: await table.send('PutItem', each.Put), undo };
    if ('Update' in each) return { response: await table.send('UpdateItem', each.Update), undo };
    if ('Delete' in each) return { response: await table.send('DeleteItem', each.Delete), undo };
    // A condition alone: the item that is there is written once more, or the one that is not there is deleted.
    const { Key, ...rest } = each.ConditionCheck;
    const response =
      before === undefined
        ? await table.send('DeleteItem', { ...rest, Key })
        : await table.send('PutItem', { ...rest, Item: before });
    return { response, undo };
  }

  return {
    async write(input, instead = async () => undefined) {
      const { items, token } = parseTransaction(input);
      requireDistinct(items, table);
      const content = JSON.stringify(items);
      if (token !== undefined && done.has(token)) {
        if (done.get(token) === content) return { status: 200, headers: contentType, body: '{}' };
        throw new AwsError(
          'IdempotentParameterMismatchException',
          'Another request was made with the same ClientRequestToken and other parameters',
        );
      }
      const undone: (() => Promise<unknown>)[] = [];
      const reasons: Reason[] = [];
      let refusal: DynamoDbResponse | undefined;
      for (const each of items) {
        const { response, undo } = await attempt(each);
        if (response.status === 200) {
          undone.push(undo);
          reasons.push({ Code: 'None' });
          continue;
        }
        const reason = reasonOf(response);
        if (reason === undefined) refusal = response;
        else reasons.push(reason);
      }
      if (refusal === undefined && reasons.every(({ Code }) => Code === 'None')) refusal = await instead();
      const isRefused = refusal !== undefined || reasons.some(({ Code }) => Code !== 'None');
      if (!isRefused) {
        if (token !== undefined) done.set(token, content);
        return { status: 200, headers: contentType, body: '{}' };
      }
      for (const undo of undone) await undo();
      return refusal ?? cancellation(reasons);
    },
  };
}

/** @throws ValidationException in DynamoDB's words */
function requireDistinct(items: readonly TransactItem[], { keyOf }: Table): void {
  const actions = items.map(actionOf);
  // The registry is one table, and what several tables would need is nowhere tried.
  const [first] = actions;
  const other = actions.find(({ tableName }) => tableName !== first?.tableName);
  if (other !== undefined) {
    throw new AwsError('ValidationException', `The sandbox has no transactions of several tables: ${other.tableName}`);
  }
  const keys = actions.map(({ tableName, item }) =>
    JSON.stringify(Object.entries(keyOf(tableName, item)).toSorted(([a], [b]) => a.localeCompare(b))),
  );
  if (new Set(keys).size < keys.length) {
    throw new AwsError('ValidationException', 'Transaction request cannot include multiple operations on one item');
  }
}

const errorSchema = v.object({ __type: v.string(), message: v.optional(v.string()), Item: v.optional(wireItem) });

/** Why a single call was refused, as a transaction's reason; undefined when it is no call that could ever be made. */
function reasonOf({ body }: DynamoDbResponse): Reason | undefined {
  const { __type: type, message, Item } = v.parse(errorSchema, JSON.parse(body));
  if (!type.endsWith('#ConditionalCheckFailedException')) return undefined;
  return {
    Code: 'ConditionalCheckFailed',
    ...(message !== undefined && { Message: message }),
    ...(Item !== undefined && { Item }),
  };
}

export function cancellation(reasons: readonly Reason[]): DynamoDbResponse {
  const codes = reasons.map(({ Code }) => Code).join(', ');
  return {
    status: 400,
    headers: contentType,
    body: JSON.stringify({
      __type: 'com.amazonaws.dynamodb.v20120810#TransactionCanceledException',
      Message: `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`,
      CancellationReasons: reasons,
    }),
  };
}
