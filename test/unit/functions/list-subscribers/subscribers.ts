import { BatchWriteCommand } from '@aws-sdk/lib-dynamodb';
import type { Registry } from '../../../../lib/registry/table.ts';

export const execution = (operation: string, name: string) =>
  `arn:aws:states:us-east-1:111111111111:execution:infinstor-onboarding-test-${operation}:${name}`;

/** A record as 0.1.0 wrote it: without a home, tags and users, and with the subscriber's status in its attempts. */
export const oldRecord = (userName: string, changes: object = {}) => ({
  pk: `SUBSCRIBER#${userName.toLowerCase()}`,
  sk: 'RECORD',
  userName,
  emailId: 'mlops@acme.example',
  status: 'ACTIVE',
  executionArn: execution('onboard-subscriber', userName),
  updatedAt: '2025-12-01T12:00:00.000Z',
  attempts: [
    {
      executionArn: execution('onboard-subscriber', userName),
      startedAt: '2025-12-01T11:50:00.000Z',
      status: 'ACTIVE',
    },
  ],
  ...changes,
});

/** Puts items into a registry as they are. */
export async function putAll({ documents, tableName }: Registry, items: readonly object[]): Promise<void> {
  for (let first = 0; first < items.length; first += 25) {
    const puts = items.slice(first, first + 25).map((item) => ({ PutRequest: { Item: { ...item } } }));
    await documents.send(new BatchWriteCommand({ RequestItems: { [tableName]: puts } }));
  }
}
