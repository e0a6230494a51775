import type { Action, Registry } from './table.ts';

/** The execution that a subscriber's record belongs to, and that alone may change anything of the subscriber. */
export interface Owner {
  userName: string;
  executionArn: string;
}

// IAM role names, which the subscriber's name becomes part of, are unique ignoring case: so are subscribers.
export const recordKey = (userName: string) => ({ pk: `SUBSCRIBER#${userName.toLowerCase()}`, sk: 'RECORD' });

/** The part of a transaction that lets it write only while the subscriber's record belongs to this execution. */
export function ownerCheck({ tableName }: Pick<Registry, 'tableName'>, { userName, executionArn }: Owner): Action {
  return {
    ConditionCheck: {
      TableName: tableName,
      Key: recordKey(userName),
      ConditionExpression: '#executionArn = :executionArn',
      ExpressionAttributeNames: { '#executionArn': 'executionArn' },
      ExpressionAttributeValues: { ':executionArn': executionArn },
    },
  };
}
