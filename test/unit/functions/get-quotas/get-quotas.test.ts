import { KMSClient } from '@aws-sdk/client-kms';
import { DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { expect, it } from 'vitest';
import { getQuotas } from '../../../../functions/get-quotas/get-quotas.ts';
import { documentClient } from '../../../../lib/registry/document-client.ts';

it('the quotas ask for patience while there is no index of keys', async () => {
  const message = 'Cannot read from backfilling global secondary index: subscribers-by-status';
  mockClient(DynamoDBDocumentClient)
    .on(QueryCommand)
    .rejects(Object.assign(new Error(message), { name: 'ValidationException' }));
  const all = { accountId: undefined, region: undefined };
  const quotas = getQuotas(all, {
    registry: { documents: documentClient(), tableName: 'registry' },
    kms: () => new KMSClient({ region: 'us-east-1' }),
    clients: () => {
      throw new Error('this account is not asked');
    },
    access: { mode: 'role-arns' },
    roleNames: { ROLE_NAME_PREFIX: 'RoleFor', ROLE_PATH: '/' },
    uses: { roles: 1, stacks: 1, buckets: 1, tables: 1, policies: 1 },
    reserve: 0,
    homes: [{ accountId: '111111111111', region: 'us-east-1' }],
    now: () => 0,
    hasTime: () => true,
  });
  await expect(quotas).rejects.toMatchObject({ name: 'IndexNotReady' });
});
