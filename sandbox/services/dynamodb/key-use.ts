import { type Access, AwsError, type Caller } from '../../core/operation.ts';
import type { Kms } from '../kms/service.ts';
import type { TableStore } from './table-store.ts';

/** The actions on items: DynamoDB decrypts a table's key for each of them. What is said and changed of a table itself needs no key here. */
const onItems =
  /^dynamodb:(?:BatchGetItem|BatchWriteItem|ConditionCheckItem|DeleteItem|GetItem|PutItem|Query|Scan|UpdateItem)$/;

/**
 * What KMS is asked in the name of the caller of a table with a customer managed key: the decryption of the table's key (DynamoDB developer guide,
 * "DynamoDB encryption at rest: how it works"). AWS keeps the key for five minutes for each caller; here each call asks.
 * @throws AwsError AccessDeniedException when nobody can use the key
 */
export function useOfKeys(
  asked: readonly Access[],
  caller: Caller,
  { tables, kms }: { tables: TableStore; kms: Pick<Kms, 'useAccess'> | undefined },
): readonly Access[] {
  const names = asked
    .filter(({ action }) => onItems.test(action))
    .map(({ resource }) => /:table\/([^/]+)/.exec(resource)?.[1] ?? '');
  return [...new Set(names)].flatMap((name) => {
    const encryption = tables.get(name)?.encryption;
    if (kms === undefined || encryption?.type !== 'customer-managed') return [];
    const via = { 'kms:ViaService': `dynamodb.${caller.region}.amazonaws.com` };
    try {
      return kms.useAccess(caller, encryption.keyArn, ['kms:Decrypt'], via);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new AwsError('AccessDeniedException', `KMS key access denied error: ${message}`);
    }
  });
}
