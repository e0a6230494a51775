import { describe, expect, it } from 'vitest';
import { account } from '../../../sandbox/core/account.ts';
import { callApi } from '../../../tools/permissions/call-api.ts';
import { newKey, requestWithKey, useSandbox } from '../sandbox.ts';
import { newName, onboarded, roleArnOf } from '../subscriber.ts';
import { editPolicy, naming, newRole } from './key-policies.ts';

const sandbox = useSandbox();
const idOf = (keyArn: string) => keyArn.slice(keyArn.lastIndexOf('/') + 1);
const get = (path: string) => callApi(sandbox(), 'GET', path);
const statements = ['Allow use of the key by InfinStor', 'Allow attachment of persistent resources by InfinStor'];

/** A key that this many new subscribers use. */
async function usedKey(count = 1) {
  const keyArn = newKey(sandbox());
  const names = Array.from({ length: count }, () => newName('key-user'));
  for (const name of names) await onboarded(sandbox(), requestWithKey(name, keyArn));
  return { keyArn, names };
}

describe('GET /keys/{keyId}', () => {
  it('returns the room of a key, and who uses it', async () => {
    const { keyArn, names } = await usedKey(2);
    const { status, body } = await get(`/keys/${idOf(keyArn)}`);
    expect([status, body]).toEqual([
      200,
      {
        keyArn,
        ...{ accountId: account.accountId, region: account.region },
        ...{ policyBytes: expect.any(Number), limitBytes: 32_768, reservedBytes: 0 },
        ...{ freeBytes: expect.any(Number), subscribersThatFit: expect.any(Number) },
        grants: names.map((userName) => ({ userName, roleArn: roleArnOf(userName), state: 'applied', statements })),
        drift: [],
        policyBackups: 2,
      },
    ]);
    expect(body).toMatchObject({ freeBytes: 32_768 - Object(body).policyBytes });
  });

  it('says how many more fit, which is what then fits', async () => {
    const filler = {
      Sid: 'filler',
      Effect: 'Allow',
      Principal: { AWS: 'arn:aws:iam::111111111111:root' },
      Action: 'kms:*',
    };
    // Room for two roles with names of 34 characters, and some bytes.
    const policyFor = (length: number) => ({
      Version: '2012-10-17',
      Statement: [{ ...filler, Sid: 'x'.repeat(length), Resource: '*' }],
    });
    const keyArn = newKey(sandbox(), { policy: policyFor(31_900) });
    const room = async () => Object((await get(`/keys/${idOf(keyArn)}?arn=${encodeURIComponent(keyArn)}`)).body);
    const { subscribersThatFit: fit } = await room();
    expect(fit).toBeGreaterThan(0);
    for (let index = 0; index < fit; index += 1) {
      const name = newName('fit').padEnd(34, 'x');
      await onboarded(sandbox(), requestWithKey(name, keyArn));
    }
    expect(await room()).toMatchObject({ subscribersThatFit: 0, drift: [] });
    await expect(onboarded(sandbox(), requestWithKey(newName('fit').padEnd(34, 'x'), keyArn))).rejects.toThrow(
      'KeyPolicyFull',
    );
  });

  it('returns the drift, as it is reported', async () => {
    const { keyArn, names } = await usedKey();
    const stranger = newRole(sandbox(), newName('Stranger')).arn;
    sandbox().clock.advance(120_000);
    await editPolicy(sandbox(), keyArn, (found) =>
      JSON.parse(JSON.stringify(found).replaceAll(roleArnOf(names[0] ?? ''), stranger)),
    );
    sandbox().clock.advance(120_000);
    const { body } = await get(`/keys/${idOf(keyArn)}`);
    expect(body).toMatchObject({
      drift: [
        { kind: 'missingRole', name: roleArnOf(names[0] ?? '') },
        { kind: 'unexpectedRole', name: stranger },
      ],
      grants: [
        { userName: names[0], statements: [] },
        { roleArn: stranger, statements },
      ],
    });
  });

  it('of a key that no onboarding has used is read by its ARN, and not by its id', async () => {
    const keyArn = newKey(sandbox());
    expect(await get(`/keys/${idOf(keyArn)}`)).toMatchObject({ status: 404, body: { error: { name: 'KeyNotFound' } } });
    const { status, body } = await get(`/keys/${idOf(keyArn)}?arn=${encodeURIComponent(keyArn)}`);
    expect([status, body]).toMatchObject([200, { keyArn, grants: [], drift: [], policyBackups: 0 }]);
  });

  it('of a key that is not there knows nothing', async () => {
    const keyArn = newKey(sandbox()).replace(/.{4}$/, 'ffff');
    expect(await get(`/keys/${idOf(keyArn)}?arn=${encodeURIComponent(keyArn)}`)).toMatchObject({
      status: 404,
      body: { error: { name: 'KeyNotFound', message: expect.stringContaining(keyArn) } },
    });
  });

  it('of a key whose policy names a deleted role says that nobody can be added', async () => {
    const { keyArn } = await usedKey();
    const role = newRole(sandbox(), newName('Gone'));
    await editPolicy(sandbox(), keyArn, (found) => [...found, naming('theirs', role.arn)]);
    sandbox().iam.deleteRole(role.roleName);
    sandbox().clock.advance(300_000);
    expect(await get(`/keys/${idOf(keyArn)}`)).toMatchObject({
      status: 200,
      body: { subscribersThatFit: 0, drift: [{ kind: 'reason', name: 'KeyPolicyOrphan' }] },
    });
  });

  it.each([
    ['/keys/not-a-key', 'keyId'],
    ['/keys/11111111-aaaa-4aaa-8aaa-111111111111?arn=arn:aws:kms:us-east-1:111111111111:alias/a', 'arn'],
    [
      '/keys/11111111-aaaa-4aaa-8aaa-111111111111?arn=arn:aws:kms:us-east-1:111111111111:key/22222222-bbbb-4bbb-8bbb-222222222222',
      'arn',
    ],
    [
      '/keys/11111111-aaaa-4aaa-8aaa-111111111111?arn=arn:aws-cn:kms:us-east-1:111111111111:key/11111111-aaaa-4aaa-8aaa-111111111111',
      'arn',
    ],
  ])('%s is refused', async (path, field) => {
    expect(await get(path)).toMatchObject({
      status: 400,
      body: { error: { name: 'InvalidRequest', message: expect.stringContaining(`${field}: `) } },
    });
  });
});
