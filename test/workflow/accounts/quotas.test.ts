import { describe, expect, it } from 'vitest';
import { account, otherAccount } from '../../../sandbox/core/account.ts';
import { callApi } from '../../../tools/permissions/call-api.ts';
import { setUpOtherAccount } from '../../../tools/permissions/other-account.ts';
import { onboard, withSandbox } from '../sandbox.ts';
import { fault } from '../subscriber.ts';
import { abroad, accountsPackage, keyIn, requestWithKeys, there, useOtherAccount } from './elsewhere.ts';

const sandbox = useOtherAccount();
const get = async (query = '') => callApi(sandbox(), 'GET', `/quotas${query}`);
const at = ({ accountId, region }: { accountId: string; region: string }) => `?accountId=${accountId}&region=${region}`;

/** The one line of an account in a Region. */
async function lineOf(home: { accountId: string; region: string }) {
  const { status, body } = await get(at(home));
  expect(status).toBe(200);
  const [line, ...others] = Object(body).accounts;
  expect(others).toEqual([]);
  return line;
}
const quota = (line: { quotas: { name: string }[] }, name: string) => line.quotas.find((each) => each.name === name);

describe('GET /quotas', () => {
  it("returns what is used and left of each quota, in the deployment's account", async () => {
    const line = await lineOf(account);
    const roles = sandbox().iam.roles().length;
    expect(line).toMatchObject({ ...account, subscribersThatFit: 1_000 - roles - 5, narrowest: 'IAM roles' });
    expect(line.quotas).toEqual([
      {
        ...{ name: 'IAM roles', quotaCode: 'L-FE177D64', scope: 'account', unit: 'roles', adjustable: true },
        ...{ used: roles, limit: 1_000, free: 1_000 - roles, reserve: 5, subscribersThatFit: 1_000 - roles - 5 },
        askFor: expect.stringContaining('L-FE177D64'),
      },
      expect.objectContaining({ name: 'CloudFormation stacks', scope: 'region', used: 1, limit: 2_000, free: 1_999 }),
      expect.objectContaining({ name: 'S3 general purpose buckets', limit: 10_000 }),
      expect.objectContaining({ name: 'DynamoDB tables', scope: 'region', used: 1, limit: 2_500 }),
    ]);
  });

  it('counts what an onboarding takes, in the Region where it does', async () => {
    const names = ['IAM roles', 'CloudFormation stacks', 'S3 general purpose buckets', 'DynamoDB tables'];
    const used = async (home: typeof there) => {
      const line = await lineOf(home);
      return names.map((name) => Object(quota(line, name)).used);
    };
    const [before, beforeThere] = [await used(abroad), await used(there)];
    const keyArn = keyIn(sandbox(), abroad);
    expect((await onboard(sandbox(), requestWithKeys('counted', abroad, keyArn))).error).toBeNull();
    expect(await used(abroad)).toEqual(before.map((count) => count + 1));
    // Roles and buckets are the account's, stacks and tables the Region's.
    expect(await used(there)).toEqual(beforeThere.map((count, place) => (place % 2 === 0 ? count + 1 : count)));
    const { body } = await get(at(abroad));
    expect(Object(body).keys).toEqual([
      { keyArn, freeBytes: expect.any(Number), subscribersThatFit: expect.any(Number) },
    ]);
  });

  it('reads what AWS has granted, and all pages', async () => {
    const { quotas } = sandbox().accounts;
    const home = { accountId: otherAccount.accountId, region: 'eu-west-1' };
    quotas.set('buckets', home, 20_000);
    quotas.set('tables', home, 7);
    quotas.set('stacks', home, 4_000);
    const line = await lineOf(home);
    expect([
      quota(line, 'S3 general purpose buckets'),
      quota(line, 'DynamoDB tables'),
      quota(line, 'CloudFormation stacks'),
    ]).toMatchObject([{ limit: 20_000 }, { limit: 7 }, { limit: 4_000 }]);
    expect(line).toMatchObject({ narrowest: 'DynamoDB tables' });
  });

  it.each([
    ['iam:GetAccountSummary:error=AccessDenied', 'IAM roles', { used: null, limit: null, default: { limit: 1_000 } }],
    ['s3:ListBuckets:error=AccessDenied', 'S3 general purpose buckets', { used: null, limit: 10_000 }],
    [
      'servicequotas:GetServiceQuota:error=AccessDeniedException:2',
      'DynamoDB tables',
      { limit: null, default: { limit: 2_500 } },
    ],
  ])('reports what could not be read because of %s, and the rest all the same', async (text, name, expected) => {
    fault(sandbox(), text);
    const line = await lineOf(account);
    sandbox().faults.clear();
    expect(quota(line, name)).toMatchObject({
      ...expected,
      free: null,
      subscribersThatFit: null,
      errors: expect.arrayContaining([expect.objectContaining({ name: expect.stringContaining('AccessDenied') })]),
    });
    expect(line.subscribersThatFit).toBeGreaterThan(0);
    expect(line.narrowest).not.toBe(name);
  });

  it('reports an account that lets nobody in on a line of its own', async () => {
    let lines: { accountId: string; error?: object; quotas?: object[] }[] = [];
    // The deployment names a hundred accounts, of which two are there.
    await withSandbox(accountsPackage(), async (given) => {
      await setUpOtherAccount(given);
      const { status, body } = await callApi(given, 'GET', '/quotas');
      expect(status).toBe(200);
      lines = Object(body).accounts;
    });
    expect(lines.length).toBeGreaterThan(100);
    const readable = lines.filter(({ quotas = [] }) => quotas.length > 0);
    expect(new Set(readable.map(({ accountId }) => accountId))).toEqual(
      new Set([account.accountId, otherAccount.accountId]),
    );
    const others = lines.filter(({ error }) => error !== undefined);
    expect(others[0]).toMatchObject({ error: { name: 'AccountNotAccessible', remedy: expect.any(String) } });
    expect(others.length + readable.length).toBe(lines.length);
  });

  it.each([
    ['?accountId=999999999999', 'accountId'],
    ['?region=ap-south-1', 'region'],
    ['?accountId=x', 'accountId'],
  ])('%s is refused', async (query, field) => {
    expect(await get(query)).toMatchObject({
      status: 400,
      body: { name: 'InvalidRequest', detail: expect.stringContaining(`${field}: `) },
    });
  });
});
