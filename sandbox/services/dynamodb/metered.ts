import * as v from 'valibot';
import type { AccountRegion } from '../../core/account.ts';
import { type KeySchema, leadingAttribute, requestSchema } from './access.ts';
import { type Charge, partitionOf, partitions, type Throughput, type Use } from './throughput.ts';
import { actionOf, cancellation, parseTransaction } from './transactions.ts';
import { type Index, indexWrites, readUnits, writeUnits } from './units.ts';
import type { DynamoDbResponse, WireItem } from './wire.ts';

interface Parts {
  throughput: Throughput;
  home: AccountRegion;
  /** Of tables and, as `<table>/index/<index>`, of their indexes. */
  keys: ReadonlyMap<string, KeySchema>;
  /** The global secondary indexes of a table. */
  indexes(tableName: string): readonly Index[];
  /** The item that there is. */
  read(tableName: string, key: WireItem): Promise<WireItem | undefined>;
  /** The key attributes of an item, as far as it has them. */
  keyOf(tableName: string, item: WireItem): WireItem;
  /** The same. @throws AwsError where there is no such table, or they are not all there */
  wholeKeyOf(tableName: string, item: WireItem): WireItem;
  /** Makes an item what it was before; undefined: there was none. */
  restore(tableName: string, key: WireItem, item: WireItem | undefined): Promise<unknown>;
}

/** A call, while nobody else makes one. */
export interface Call {
  operation: string;
  input: unknown;
  /** Performs it, with another input if need be. */
  perform(input?: object): Promise<DynamoDbResponse>;
  /**
   * Performs a transaction.
   * @param instead what is answered when all of it is written; undefined: it stays, else it is undone
   */
  transact(instead: () => Promise<DynamoDbResponse | undefined>): Promise<DynamoDbResponse>;
}

const wireItem = v.record(v.string(), v.record(v.string(), v.unknown()));
const itemCall = v.object({ TableName: v.string(), Key: v.optional(wireItem), Item: v.optional(wireItem) });
const legacyCondition = v.object({ AttributeValueList: v.array(v.record(v.string(), v.unknown())) });
const pageCall = v.object({
  ...requestSchema.entries,
  TableName: v.string(),
  ExclusiveStartKey: v.optional(wireItem),
  KeyConditions: v.optional(v.record(v.string(), legacyCondition), {}),
  Segment: v.optional(v.number(), 0),
  TotalSegments: v.optional(v.number(), 1),
});
const keysSchema = v.looseObject({ Keys: v.array(wireItem), ConsistentRead: v.optional(v.boolean(), false) });
const batchGet = v.looseObject({ RequestItems: v.record(v.string(), keysSchema) });
const writeSchema = v.object({
  PutRequest: v.optional(v.object({ Item: wireItem })),
  DeleteRequest: v.optional(v.object({ Key: wireItem })),
});
const batchWrite = v.looseObject({ RequestItems: v.record(v.string(), v.array(writeSchema)) });

/**
 * Calls that take units of the throughput, or are refused because there are none left. A call that is refused changes nothing, and costs nothing. What has no form
 * that DynamoDB takes is performed, which refuses it in its own words.
 */
export function createMeteredCalls({ throughput, home, keys, indexes, read, keyOf, wholeKeyOf, restore }: Parts) {
  const namesOf = (place: string) => (keys.get(place) ?? []).map(({ AttributeName }) => AttributeName);
  const isTable = (tableName: string) => keys.has(tableName);

  function use(kind: Use['kind'], tableName: string, item: WireItem): Use {
    return { tableName, kind, partition: partitionOf(item[namesOf(tableName)[0] ?? '']) };
  }

  const entriesOf = (tableName: string, before: WireItem | undefined, after: WireItem | undefined): Charge[] =>
    indexWrites(indexes(tableName), { tableName, tableKeys: namesOf(tableName), before, after });

  async function readPage({ operation, input, perform }: Call): Promise<DynamoDbResponse> {
    const parsed = v.safeParse(pageCall, input);
    if (!parsed.success || !isTable(parsed.output.TableName)) return perform();
    const { TableName: tableName, IndexName, ExclusiveStartKey, Segment, TotalSegments } = parsed.output;
    // A local index lies in the partitions of its table.
    const indexName = indexes(tableName).find((index) => index.IndexName === IndexName)?.IndexName;
    const [name = ''] = namesOf(indexName === undefined ? tableName : `${tableName}/index/${indexName}`);
    const { KeyConditions, ...query } = parsed.output;
    const attribute =
      operation === 'Query'
        ? (leadingAttribute(query, name) ?? KeyConditions[name]?.AttributeValueList[0])
        : ExclusiveStartKey?.[name];
    const partition =
      attribute === undefined ? Math.floor((Segment / TotalSegments) * partitions) : partitionOf(attribute);
    const page: Use = { tableName, ...(indexName !== undefined && { indexName }), partition, kind: 'read' };
    return readOnce(page, { input, perform });
  }

  async function readOnce(one: Use, { input, perform }: Pick<Call, 'input' | 'perform'>): Promise<DynamoDbResponse> {
    const refused = throughput.refused([one]);
    if (refused.length > 0) return refusal(refused, home);
    const { response, units } = await withUnits(input, perform);
    if (response.status === 200) throughput.take([{ ...one, units: Math.max(0.5, units) }]);
    return response;
  }

  async function readItem({ input, perform }: Call): Promise<DynamoDbResponse> {
    const parsed = v.safeParse(itemCall, input);
    if (!parsed.success || !isTable(parsed.output.TableName)) return perform();
    const { TableName, Key = {} } = parsed.output;
    return readOnce(use('read', TableName, Key), { input, perform });
  }

  async function writeItem({ input, perform }: Call): Promise<DynamoDbResponse> {
    const parsed = v.safeParse(itemCall, input);
    if (!parsed.success || !isTable(parsed.output.TableName)) return perform();
    const { TableName: tableName, Key, Item = {} } = parsed.output;
    const key = keyOf(tableName, Key ?? Item);
    if (Object.keys(key).length < namesOf(tableName).length) return perform();
    const ofTable = use('write', tableName, key);
    const refused = throughput.refused([ofTable]);
    if (refused.length > 0) return refusal(refused, home);
    const before = await read(tableName, key).catch(() => undefined);
    const { response, units } = await withUnits(input, perform);
    if (response.status !== 200) {
      // It has looked at the item (developer guide, "Working with items", "Conditional writes").
      if (isConditions(response)) throughput.take([{ ...ofTable, units: writeUnits(before) }]);
      return response;
    }
    const ofIndexes = entriesOf(tableName, before, await read(tableName, key));
    const refusedByIndexes = throughput.refused(ofIndexes);
    if (refusedByIndexes.length > 0) {
      await restore(tableName, key, before);
      return refusal(refusedByIndexes, home);
    }
    throughput.take([{ ...ofTable, units }, ...ofIndexes]);
    return response;
  }

  /** Both of a transaction's two writes of an item count (developer guide, "Amazon DynamoDB Transactions: How it works"); an index is written once. */
  async function transact({ input, transact: perform }: Call): Promise<DynamoDbResponse> {
    const writes = parseTransaction(input).items.map((each) => {
      const { tableName, item } = actionOf(each);
      return { tableName, key: wholeKeyOf(tableName, item) };
    });
    const uses = writes.map(({ tableName, key }) => use('write', tableName, key));
    const refused = throughput.refused(uses);
    if (refused.length > 0) {
      return canceled(uses.map((each) => refused.filter((one) => one === each)));
    }
    const items = () => Promise.all(writes.map(({ tableName, key }) => read(tableName, key)));
    const before = await items();
    let after: readonly (WireItem | undefined)[] = before;
    let ofIndexes: Charge[][] = [];
    const response = await perform(async () => {
      after = await items();
      ofIndexes = writes.map(({ tableName }, place) => entriesOf(tableName, before[place], after[place]));
      const refusedByIndexes = ofIndexes.map((charges) => throughput.refused(charges));
      return refusedByIndexes.flat().length > 0 ? canceled(refusedByIndexes) : undefined;
    });
    if (response.throttled === undefined && (response.status === 200 || isConditions(response))) {
      const isDone = response.status === 200;
      const ofTable = uses.map((each, place) => {
        return { ...each, units: 2 * writeUnits(before[place], isDone ? after[place] : undefined) };
      });
      throughput.take([...ofTable, ...(isDone ? ofIndexes.flat() : [])]);
    }
    return response;
  }

  async function readBatch({ input, perform }: Call): Promise<DynamoDbResponse> {
    const parsed = v.safeParse(batchGet, input);
    if (!parsed.success || !Object.keys(parsed.output.RequestItems).every(isTable)) return perform();
    const served: Served = { charges: [], throttled: [], taken: {}, left: {} };
    for (const [tableName, { Keys, ...rest }] of Object.entries(parsed.output.RequestItems)) {
      const parts: Record<'taken' | 'left', WireItem[]> = { taken: [], left: [] };
      for (const key of Keys) {
        const one = use('read', tableName, key);
        const item = await read(tableName, key).catch(() => undefined);
        const isServed = serve([{ ...one, units: readUnits(item, rest.ConsistentRead) }], served);
        parts[isServed ? 'taken' : 'left'].push(key);
      }
      if (parts.taken.length > 0) served.taken[tableName] = { ...rest, Keys: parts.taken };
      if (parts.left.length > 0) served.left[tableName] = { ...rest, Keys: parts.left };
    }
    return answered(parsed.output, served, { perform, unprocessed: 'UnprocessedKeys' });
  }

  async function writeBatch({ input, perform }: Call): Promise<DynamoDbResponse> {
    const parsed = v.safeParse(batchWrite, input);
    if (!parsed.success || !Object.keys(parsed.output.RequestItems).every(isTable)) return perform();
    const served: Served = { charges: [], throttled: [], taken: {}, left: {} };
    for (const [tableName, requests] of Object.entries(parsed.output.RequestItems)) {
      const parts: Record<'taken' | 'left', object[]> = { taken: [], left: [] };
      for (const request of requests) {
        const after = request.PutRequest?.Item;
        const key = keyOf(tableName, after ?? request.DeleteRequest?.Key ?? {});
        const before = await read(tableName, key).catch(() => undefined);
        const ofTable = { ...use('write', tableName, key), units: writeUnits(before, after) };
        const isServed = serve([ofTable, ...entriesOf(tableName, before, after)], served);
        parts[isServed ? 'taken' : 'left'].push(request);
      }
      if (parts.taken.length > 0) served.taken[tableName] = parts.taken;
      if (parts.left.length > 0) served.left[tableName] = parts.left;
    }
    return answered(parsed.output, served, { perform, unprocessed: 'UnprocessedItems' });
  }

  /** Takes the units of one of a batch, if nothing that it needs is empty. */
  function serve(charges: readonly Charge[], served: Served): boolean {
    const refused = throughput.refused(charges);
    served.throttled.push(...refused);
    if (refused.length > 0) return false;
    throughput.take(charges);
    served.charges.push(...charges);
    return true;
  }

  /** Performs what of a batch was served. A batch of which nothing was is refused as a whole (API reference, BatchGetItem and BatchWriteItem). */
  async function answered(
    input: object,
    { charges, throttled, taken, left }: Served,
    { perform, unprocessed }: Pick<Call, 'perform'> & { unprocessed: 'UnprocessedKeys' | 'UnprocessedItems' },
  ): Promise<DynamoDbResponse> {
    if (throttled.length === 0) {
      const response = await perform();
      if (response.status !== 200) giveBack(charges);
      return response;
    }
    if (charges.length === 0) return refusal(throttled, home);
    const response = await perform({ ...input, RequestItems: taken });
    if (response.status !== 200) {
      giveBack(charges);
      return response;
    }
    const body = v.parse(v.looseObject({}), JSON.parse(response.body));
    return {
      ...withBody(response, { ...body, [unprocessed]: { ...left, ...Object(body[unprocessed]) } }),
      throttled,
    };
  }

  function giveBack(charges: readonly Charge[]): void {
    throughput.take(charges.map((charge) => ({ ...charge, units: -charge.units })));
  }

  const metered: Readonly<Record<string, (call: Call) => Promise<DynamoDbResponse>>> = {
    ...{ GetItem: readItem, Query: readPage, Scan: readPage, BatchGetItem: readBatch },
    ...{ PutItem: writeItem, UpdateItem: writeItem, DeleteItem: writeItem, BatchWriteItem: writeBatch },
    TransactWriteItems: transact,
  };
  /** @throws AwsError for a transaction that is refused before anything is looked at */
  return (call: Call): Promise<DynamoDbResponse> => (metered[call.operation] ?? (() => call.perform()))(call);
}

/** What is made of a batch, one after the other. */
interface Served {
  charges: Charge[];
  throttled: Use[];
  /** By table, as in the request: what is performed. */
  taken: Record<string, unknown>;
  left: Record<string, unknown>;
}

const capacity = v.object({ CapacityUnits: v.number() });

/** Performs a call, and asks what it took; who has not asked does not see it. */
async function withUnits(
  input: unknown,
  perform: Call['perform'],
): Promise<{ response: DynamoDbResponse; units: number }> {
  const asked: unknown = Object(input).ReturnConsumedCapacity;
  const isAsked = asked !== undefined && asked !== 'NONE';
  const response = await perform(isAsked ? undefined : { ...Object(input), ReturnConsumedCapacity: 'TOTAL' });
  if (response.status !== 200) return { response, units: 0 };
  const { ConsumedCapacity, ...body } = v.parse(
    v.looseObject({ ConsumedCapacity: capacity }),
    JSON.parse(response.body),
  );
  return { response: isAsked ? response : withBody(response, body), units: ConsumedCapacity.CapacityUnits };
}

/** dynalite's checksum and length are of its own text. */
const withBody = ({ status, headers }: DynamoDbResponse, body: object): DynamoDbResponse => ({
  status,
  headers: { 'content-type': headers['content-type'] ?? '' },
  body: JSON.stringify(body),
});

const isConditions = ({ body }: DynamoDbResponse) => body.includes('ConditionalCheckFailed');

/** In the words that the API reference has for tables in on-demand mode (TransactionCanceledException); a single call's are the same (awslabs/dynein#195, BrighterCommand/Brighter#2810). */
const words = {
  table:
    'Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or index so please try again shortly. If exceptions persist, check if you have a hot key: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html',
  index:
    'Throughput exceeds the current capacity for one or more global secondary indexes. DynamoDB is automatically scaling your index so please try again shortly.',
};

const messageOf = (uses: readonly Use[]) =>
  uses.every(({ indexName, kind }) => indexName !== undefined && kind === 'write') ? words.index : words.table;

/** Why a call was refused (API reference, ThrottlingReason). */
function reasonOf({ tableName, indexName, kind }: Use, { accountId, region }: AccountRegion): object {
  const [place, operation] = [indexName === undefined ? 'Table' : 'Index', kind === 'read' ? 'Read' : 'Write'];
  const table = `arn:aws:dynamodb:${region}:${accountId}:table/${tableName}`;
  return {
    reason: `${place}${operation}KeyRangeThroughputExceeded`,
    resource: indexName === undefined ? table : `${table}/index/${indexName}`,
  };
}

const contentType = { 'content-type': 'application/x-amz-json-1.0' };

function refusal(throttled: readonly Use[], home: AccountRegion): DynamoDbResponse {
  const reasons = new Map(throttled.map((use) => [JSON.stringify(reasonOf(use, home)), reasonOf(use, home)]));
  const body = {
    __type: 'com.amazon.coral.availability#ThrottlingException',
    message: messageOf(throttled),
    throttlingReasons: [...reasons.values()],
  };
  return { status: 400, headers: contentType, body: JSON.stringify(body), throttled };
}

/** @param refused of each action what has nothing left for it */
function canceled(refused: readonly (readonly Use[])[]): DynamoDbResponse {
  const reasons = refused.map((uses) =>
    uses.length === 0 ? { Code: 'None' as const } : { Code: 'ThrottlingError' as const, Message: messageOf(uses) },
  );
  return { ...cancellation(reasons), throttled: refused.flat() };
}
