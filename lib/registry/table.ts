import { setTimeout as wait } from 'node:timers/promises';
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  TransactionCanceledException,
  TransactionConflictException,
} from '@aws-sdk/client-dynamodb';
import {
  type DynamoDBDocumentClient,
  TransactWriteCommand,
  type TransactWriteCommandInput,
} from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { requireKnownVersion } from '../versions.ts';

/** The registry's table and the client for it. */
export interface Registry {
  documents: DynamoDBDocumentClient;
  tableName: string;
}

/**
 * An item as its schema has it.
 * @throws NewerDataVersion when newer code has written it
 */
export function readItem<Schema extends v.GenericSchema>(schema: Schema, item: unknown): v.InferOutput<Schema> {
  requireKnownVersion(item, 'An item of the registry');
  return v.parse(schema, item);
}

/**
 * What a conditional write answers; undefined when its condition does not hold.
 * @param onRefused gets the item that is there, as it is on the wire, if the write asks for it
 */
export async function unlessRefused<Answer>(
  write: Promise<Answer>,
  onRefused: (item: unknown) => void = () => {},
): Promise<Answer | undefined> {
  try {
    return await write;
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    onRefused(error.Item);
    return undefined;
  }
}

/** One of the writes or checks of a transaction. */
export type Action = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/** Of the actions whose condition does not hold the place, with the item that there is if the action asks for it. */
export type Refusals = ReadonlyMap<number, Record<string, AttributeValue> | undefined>;

/** The pauses before a transaction is tried again that met another one: on the average half of these. */
const conflictMs = [50, 100, 200, 400, 800] as const;

/** Reasons that say nothing of the conditions (API reference, TransactionCanceledException). The SDK repeats none of them. */
const passing: ReadonlySet<string | undefined> = new Set([
  'TransactionConflict',
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
]);

/**
 * Writes all of these, or none. A call that the SDK repeats, as its answer was lost, is not done twice: the SDK gives each its token.
 * @returns those whose condition does not hold; none when all is written
 * @throws TransactionConflictException when others write the same items for as long as it is tried
 * @throws TransactionCanceledException for any other reason
 */
export async function writeTogether(
  { documents }: Pick<Registry, 'documents'>,
  actions: readonly Action[],
): Promise<Refusals> {
  for (const pause of [...conflictMs, undefined]) {
    try {
      await documents.send(new TransactWriteCommand({ TransactItems: [...actions] }));
      return new Map();
    } catch (error) {
      if (!(error instanceof TransactionCanceledException)) throw error;
      const reasons = error.CancellationReasons ?? [];
      const refused = reasons.flatMap(({ Code, Item }, place) =>
        Code === 'ConditionalCheckFailed' ? [[place, Item] as const] : [],
      );
      if (refused.length > 0) return new Map(refused);
      if (!reasons.some(({ Code }) => passing.has(Code))) throw error;
      // By its name the machine tries again, and not what no repeat would change.
      if (pause === undefined) throw new TransactionConflictException({ message: error.message, $metadata: {} });
      await wait(pause * Math.random());
    }
  }
  throw new TypeError('the last try either returns or throws');
}
