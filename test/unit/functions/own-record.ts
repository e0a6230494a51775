import { DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { recordKey } from '../../../lib/registry/owner.ts';
import type { Registry } from '../../../lib/registry/table.ts';
import { executionArn } from './plan.ts';

/** Puts a registry in the client's place in which each subscriber belongs to this execution. */
export function ownRecord(owner: string = executionArn) {
  const documents = mockClient(DynamoDBDocumentClient);
  documents.on(GetCommand).resolves({ Item: recordOf('Acme', owner) });
  return documents;
}

/** The record of a subscriber that belongs to this execution, with what every record has. */
export const recordOf = (userName: string, owner: string) => ({
  ...recordKey(userName),
  userName,
  status: 'ONBOARDING',
  executionArn: owner,
  updatedAt: '2026-01-01T11:59:00.000Z',
  attempts: [{ executionArn: owner, startedAt: '2026-01-01T11:58:00.000Z' }],
});

/** Makes subscribers of a registry belong to this execution. */
export async function own({ documents, tableName }: Registry, owner: string, ...userNames: string[]): Promise<void> {
  for (const userName of userNames) {
    await documents.send(new PutCommand({ TableName: tableName, Item: recordOf(userName, owner) }));
  }
}
