import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { recordKey } from '../registry/owner.ts';
import { type Registry, unlessRefused } from '../registry/table.ts';
import { type CreatingMark, readRecord } from './record.ts';

/**
 * Marks in the subscriber's record that add_subscriber is called, or will be. Of several executions, and of several invocations of one, just
 * one can set the mark.
 * @param previous the mark that was read, whose place it takes; undefined: there was none
 * @returns false when the record belongs to another execution, or its mark is another one than was read
 */
export async function setCreatingMark(
  registry: Registry,
  userName: string,
  { mark, previous }: { mark: CreatingMark; previous: CreatingMark | undefined },
): Promise<boolean> {
  const { documents, tableName } = registry;
  const unchanged =
    previous === undefined ? 'attribute_not_exists(creating)' : 'creating.invocationId = :previousInvocationId';
  const written = await unlessRefused(
    documents.send(
      new UpdateCommand({
        TableName: tableName,
        Key: recordKey(userName),
        UpdateExpression: 'SET creating = :mark',
        ConditionExpression: `executionArn = :executionArn AND ${unchanged}`,
        ExpressionAttributeValues: {
          ':mark': mark,
          ':executionArn': mark.executionArn,
          ...(previous !== undefined && { ':previousInvocationId': previous.invocationId }),
        },
      }),
    ),
  );
  if (written !== undefined) return true;
  // The client may have repeated a write whose answer was lost.
  return (await readRecord(registry, userName))?.creating?.invocationId === mark.invocationId;
}

/** Notes that the password of the call is kept in the credentials secret now; does nothing when the mark is another one. */
export async function forgetPasswordSecret(registry: Registry, userName: string, mark: CreatingMark): Promise<void> {
  await changeMark(registry, userName, mark, 'REMOVE creating.passwordSecretId');
}

/** Takes a mark away; does nothing when it is another one, or gone. */
export async function removeCreatingMark(registry: Registry, userName: string, mark: CreatingMark): Promise<void> {
  await changeMark(registry, userName, mark, 'REMOVE creating');
}

async function changeMark(
  { documents, tableName }: Registry,
  userName: string,
  { invocationId }: CreatingMark,
  change: string,
): Promise<void> {
  await unlessRefused(
    documents.send(
      new UpdateCommand({
        TableName: tableName,
        Key: recordKey(userName),
        UpdateExpression: change,
        ConditionExpression: 'creating.invocationId = :invocationId',
        ExpressionAttributeValues: { ':invocationId': invocationId },
      }),
    ),
  );
}
