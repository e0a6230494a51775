// What newer code has written is neither read nor written over; what is written says its version.

import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { readGrants, requestGrant, withdrawGrant } from '../../../lib/keys/grants.ts';
import { readLease, takeLease } from '../../../lib/keys/lease.ts';
import { backUpPolicy, readPolicyBackup } from '../../../lib/keys/policy-backups.ts';
import { readReservations, reserve } from '../../../lib/keys/reservations.ts';
import { beginLogin, forgetRefusedTokens, readBreaker } from '../../../lib/registry/login-breaker.ts';
import type { Registry } from '../../../lib/registry/table.ts';
import { createSecret, putSecret, putSuccessor, readSecret } from '../../../lib/secrets/secrets.ts';
import { putWaiter, readWaiter } from '../../../lib/stacks/waiting/waiter.ts';
import { completeRecord, failRecord, readRecord } from '../../../lib/subscribers/record.ts';
import { dataVersion } from '../../../lib/versions.ts';
import { fakeSecrets } from '../functions/fake-secrets.ts';
import { own } from '../functions/own-record.ts';
import { executionArn, stackId } from '../functions/plan.ts';
import { registryTable } from './registry/registry-table.ts';

const keyArn = 'arn:aws:kms:us-east-1:111111111111:key/44444444-dddd-4ddd-8ddd-dddddddddddd';
const roleArn = 'arn:aws:iam::111111111111:role/acme';
const role = { roleArn, roleId: 'AROAACME', userName: 'Acme' };
const now = new Date('2026-01-01T12:00:00Z');
const owner = { userName: 'Acme', executionArn };
const waiter = { taskToken: 'token', executionArn, goal: 'created', expiresAt: 4e9 } as const;
const newer = { name: 'NewerDataVersion', message: expect.stringContaining('data of version 3') };

interface Kind {
  pk: string;
  sk: string;
  /** Writes an item of the kind as code of this version does. */
  write: (registry: Registry) => Promise<unknown>;
  /** Each use of an item that is there. */
  uses: readonly ((registry: Registry) => Promise<unknown>)[];
}

const kinds: Record<string, Kind> = {
  record: {
    ...{ pk: 'SUBSCRIBER#acme', sk: 'RECORD' },
    write: (registry) => completeRecord(registry, owner, { now: now.toISOString() }),
    uses: [
      (registry) => readRecord(registry, 'acme'),
      (registry) => requestGrant(registry, keyArn, role, executionArn),
      (registry) => putWaiter(registry, stackId, 'acme', waiter),
    ],
  },
  grant: {
    ...{ pk: `KEY#${keyArn}`, sk: `GRANT#${roleArn}` },
    write: (registry) => requestGrant(registry, keyArn, role, executionArn),
    uses: [
      (registry) => readGrants(registry, keyArn),
      (registry) => requestGrant(registry, keyArn, role, executionArn),
    ],
  },
  'grant that is withdrawn': {
    ...{ pk: `KEY#${keyArn}`, sk: `GRANT#${roleArn}` },
    write: (registry) => withdrawGrant(registry, keyArn, role, executionArn),
    uses: [(registry) => readGrants(registry, keyArn)],
  },
  lease: {
    ...{ pk: `KEY#${keyArn}`, sk: 'LEASE' },
    write: (registry) => takeLease(registry, keyArn, { owner: 'first', until: 1 }, 0),
    uses: [
      (registry) => readLease(registry, keyArn),
      (registry) => takeLease(registry, keyArn, { owner: 'second', until: 3 }, 2),
    ],
  },
  'kept policy': {
    ...{ pk: `KEY#${keyArn}`, sk: 'POLICY#2026#first' },
    write: (registry) =>
      backUpPolicy(registry, keyArn, { keptAt: '2026', hash: 'hash', policy: '{}', by: 'test', owner: 'first' }),
    uses: [(registry) => readPolicyBackup(registry, keyArn, '2026#first')],
  },
  reservation: {
    ...{ pk: `KEY#${keyArn}`, sk: 'RESERVED#acme' },
    write: (registry) => reserve(registry, keyArn, { roleArn, ...owner, version: 0, now }),
    uses: [(registry) => readReservations(registry, keyArn, now)],
  },
  breaker: {
    ...{ pk: 'LOGIN#root', sk: 'BREAKER' },
    write: async (registry) =>
      beginLogin(
        registry,
        { userName: 'root', passwordVersionId: 'first', isRenewal: false, now },
        await readBreaker(registry, 'root'),
      ),
    uses: [(registry) => readBreaker(registry, 'root')],
  },
  waiter: {
    ...{ pk: `STACK#${stackId}`, sk: 'WAITER' },
    write: (registry) => putWaiter(registry, stackId, 'acme', waiter),
    uses: [(registry) => readWaiter(registry, stackId, now)],
  },
};

const read = async ({ documents, tableName }: Registry, { pk, sk }: Pick<Kind, 'pk' | 'sk'>) =>
  (await documents.send(new GetCommand({ TableName: tableName, Key: { pk, sk } }))).Item;

it.each(Object.entries(kinds))(
  'the item of a %s says its version, and is refused when that is newer',
  async (_, kind) => {
    const registry = await registryTable();
    await own(registry, executionArn, 'Acme');
    await kind.write(registry);
    const written = await read(registry, kind);
    expect(written?.schemaVersion).toBe(dataVersion);
    const Item = { ...written, schemaVersion: dataVersion + 1 };
    await registry.documents.send(new PutCommand({ TableName: registry.tableName, Item }));
    for (const use of kind.uses) await expect(use(registry)).rejects.toMatchObject(newer);
    expect(await read(registry, kind)).toEqual(Item);
  },
);

it('a newer record is not written over, whoever has read it before', async () => {
  const registry = await registryTable();
  await own(registry, executionArn, 'Acme');
  const Item = { ...(await read(registry, { pk: 'SUBSCRIBER#acme', sk: 'RECORD' })), schemaVersion: 3 };
  await registry.documents.send(new PutCommand({ TableName: registry.tableName, Item }));
  const failure = { executionArn, name: 'X', step: 'Y', message: '', remedy: '', now: now.toISOString() };
  expect(await failRecord(registry, 'acme', failure)).toBe(false);
  expect(await completeRecord(registry, owner, { now: now.toISOString() })).toBe(false);
  expect(await read(registry, { pk: 'SUBSCRIBER#acme', sk: 'RECORD' })).toEqual(Item);
});

it('what a newer breaker has counted is not forgotten', async () => {
  const registry = await registryTable();
  const Item = { pk: 'LOGIN#root', sk: 'BREAKER', refusedTokens: [], schemaVersion: 3 };
  await registry.documents.send(new PutCommand({ TableName: registry.tableName, Item }));
  await forgetRefusedTokens(registry, { userName: 'root', rejections: 1 });
  expect(await read(registry, Item)).toEqual(Item);
});

const schema = v.object({ password: v.string() });

it('secrets say their version, however they are written', async () => {
  const { client } = fakeSecrets({});
  const secrets = new SecretsManagerClient({});
  await createSecret(secrets, { secretId: 'one', keyArn: '' }, { password: 'first-password' });
  await putSecret(secrets, 'one', { password: 'second-password' });
  await putSuccessor(secrets, 'one', 'version-2', { password: 'third-password' });
  const texts = client.calls().map(({ args: [{ input }] }) => ('SecretString' in input ? input.SecretString : ''));
  expect(texts.map((text) => JSON.parse(text ?? '').schemaVersion)).toEqual([2, 2, 2]);
});

it('a secret is read without a version, as 0.1.0 wrote it, and refused when it is newer', async () => {
  const { client } = fakeSecrets({
    old: { password: 'an-old-password' },
    newer: { password: 'a-newer-password', schemaVersion: 3 },
  });
  const secrets = new SecretsManagerClient({});
  expect((await readSecret(secrets, { secretId: 'old' }, schema))?.value).toEqual({ password: 'an-old-password' });
  const refused = await readSecret(secrets, { secretId: 'newer' }, schema).catch((error: unknown) => error);
  expect(refused).toMatchObject({
    ...newer,
    message: 'Secret newer has data of version 3; this function knows 2 at most',
  });
  expect(client.commandCalls(GetSecretValueCommand)).toHaveLength(2);
});
