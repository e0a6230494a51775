import * as v from 'valibot';
import { beforeAll, describe, expect, it } from 'vitest';
import { callApi } from '../api.ts';
import { newKey, onboard, recordOf, requestFor, run, useSandbox } from '../sandbox.ts';
import { fault } from '../subscriber.ts';

const sandbox = useSandbox();

const listSchema = v.object({
  subscribers: v.array(v.looseObject({ userName: v.string() })),
  nextToken: v.optional(v.string()),
});

async function list(parameters: Record<string, string> = {}) {
  const { status, body } = await callApi(sandbox(), 'GET', `/subscribers?${new URLSearchParams(parameters)}`);
  expect([status, body]).toMatchObject([200, {}]);
  return v.parse(listSchema, body);
}
const names = async (parameters?: Record<string, string>) =>
  (await list(parameters)).subscribers.map(({ userName }) => userName);

describe('GET /subscribers', () => {
  let keyArn: string;

  beforeAll(async () => {
    keyArn = await newKey(sandbox());
    const withKey = { encryption: { artifacts: { type: 'sse-kms-customer-managed', keyArn } } };
    await onboard(sandbox(), { ...requestFor('Listed-b'), ...withKey });
    await onboard(sandbox(), requestFor('listed-a'));
    fault(sandbox(), 'iam:GetRole:error=Refused');
    await onboard(sandbox(), requestFor('listed-c'));
    await onboard(sandbox(), requestFor('listed-d'));
    await run(sandbox(), 'offboard-subscriber', { subscriber: { userName: 'listed-d' }, confirm: 'listed-d' });
  });

  it('shows each subscriber as it stands', async () => {
    const { subscribers, nextToken } = await list();
    expect(nextToken).toBeUndefined();
    const home = { accountId: '111111111111', region: 'us-east-1' };
    expect(subscribers).toMatchObject([
      { ...home, userName: 'listed-a', status: 'ACTIVE', operation: 'onboard-subscriber', keyArns: [], users: 0 },
      { ...home, userName: 'Listed-b', status: 'ACTIVE', keyArns: [keyArn] },
      { userName: 'listed-c', status: 'FAILED', error: { name: 'Refused', step: 'ReadRoleArn' } },
      { userName: 'listed-d', status: 'OFFBOARDED', operation: 'offboard-subscriber', keyArns: [] },
    ]);
    const record = await recordOf(sandbox(), 'Listed-b');
    expect(subscribers[1]).toMatchObject({
      executionArn: record?.executionArn?.S,
      updatedAt: record?.updatedAt?.S,
      stackId: record?.stackId?.S,
      roleArn: record?.roleArn?.S,
      startedAt: expect.stringMatching(/Z$/),
    });
  });

  it('is filtered by status, account, key and time', async () => {
    expect(await names({ status: 'ACTIVE' })).toEqual(['listed-a', 'Listed-b']);
    expect(await names({ status: 'UPDATING' })).toEqual([]);
    expect(await names({ key: keyArn })).toEqual(['Listed-b']);
    expect(await names({ account: '111111111111', status: 'FAILED' })).toEqual(['listed-c']);
    expect(await names({ account: '222222222222' })).toEqual([]);
    const updatedAt = String((await recordOf(sandbox(), 'listed-a'))?.updatedAt?.S);
    expect(await names({ updatedBefore: updatedAt })).toEqual(['Listed-b']);
    expect(await names({ updatedAfter: updatedAt })).toEqual(['listed-c', 'listed-d']);
  });

  it('has pages, whose tokens are of their list alone', async () => {
    const { subscribers, nextToken = '' } = await list({ limit: '3' });
    expect(subscribers).toHaveLength(3);
    expect(await names({ limit: '3', nextToken })).toEqual(['listed-d']);
    for (const wrong of [{ status: 'ACTIVE', nextToken }, { nextToken: 'x' }, { limit: '0' }, { stauts: 'ACTIVE' }]) {
      const { status, body } = await callApi(sandbox(), 'GET', `/subscribers?${new URLSearchParams({ ...wrong })}`);
      expect([status, body]).toMatchObject([400, { name: 'InvalidRequest' }]);
    }
  });

  it('is refused without a signature', async () => {
    const response = await fetch(`${sandbox().apiEndpoint}/subscribers`);
    expect([response.status, await response.json()]).toEqual([403, { message: 'Forbidden' }]);
  });

  it('has of the registry the records of subscribers in its index, and beside them the leases of keys', async () => {
    const items = await sandbox().dynamoDb.items(sandbox().registryTable);
    const others = items.filter(({ sk }) => sk?.S !== 'RECORD');
    expect(others.length).toBeGreaterThan(0);
    const indexed = others.filter(({ status }) => status !== undefined);
    expect(indexed.filter(({ sk, status }) => sk?.S !== 'LEASE' || status?.S !== 'KEY')).toEqual([]);
  });
});
