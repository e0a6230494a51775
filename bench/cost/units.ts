// The units of DynamoDB that a sandbox's registry takes, as AWS counts them: by the sizes of items, with a write of the index beside each write of an
// item that stands in it, and twice as many in a transaction.
import * as v from 'valibot';
import type { DynamoDb } from '../../sandbox/services/dynamodb/service.ts';

const capacity = v.object({ CapacityUnits: v.number() });
const answerSchema = v.object({ ConsumedCapacity: v.optional(v.union([v.array(capacity), capacity]), []) });
const transactionSchema = v.object({ TransactItems: v.array(v.unknown()) });

export interface Units {
  reads: number;
  writes: number;
}

const kilobytes = (item: unknown) => Math.max(1, Math.ceil(Buffer.byteLength(JSON.stringify(item)) / 1024));

/** Counts from now on what calls of the table service take. */
export function countUnits(dynamoDb: DynamoDb): Units {
  const units: Units = { reads: 0, writes: 0 };
  const handle = dynamoDb.handle.bind(dynamoDb);
  dynamoDb.handle = async (target, headers, body) => {
    const operation = target.split('.')[1] ?? '';
    const input: unknown = JSON.parse(body);
    if (operation === 'TransactWriteItems') {
      // What is written stands in the call, or is a small change of a small item: the record has less than 1 KB but for a failure's message.
      for (const write of v.parse(transactionSchema, input).TransactItems) units.writes += 2 * kilobytes(write) + 1;
      return handle(target, headers, body);
    }
    if (!/^(BatchGet|BatchWrite|Get|Put|Update|Delete)Item$|^(Query|Scan)$/.test(operation))
      return handle(target, headers, body);
    const response = await handle(
      target,
      headers,
      JSON.stringify({ ...Object(input), ReturnConsumedCapacity: 'TOTAL' }),
    );
    const isRead = /Get|Query|Scan/.test(operation);
    // A write whose condition fails is paid for as well, and has no capacity in its answer.
    if (response.status !== 200) {
      if (!isRead) units.writes += 1;
      return response;
    }
    const { ConsumedCapacity } = v.parse(answerSchema, JSON.parse(response.body));
    const taken = [ConsumedCapacity].flat().reduce((sum, { CapacityUnits }) => sum + CapacityUnits, 0);
    if (isRead) units.reads += taken;
    else units.writes += taken + (standsInIndex(body) ? 1 : 0);
    return response;
  };
  return units;
}

/** Records of subscribers and leases of keys do; that of a record may move there from one status to another, which is two writes. */
const standsInIndex = (body: string) => /"S":"(SUBSCRIBER#[^"]*|RECORD|LEASE)"/.test(body);
