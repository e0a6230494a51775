import { hash } from 'node:crypto';
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeAccountLimitsCommand,
  paginateListStacks,
} from '@aws-sdk/client-cloudformation';
import { GetAccountSummaryCommand, IAMClient } from '@aws-sdk/client-iam';
import { describe, expect, it } from 'vitest';
import { type AccountRegion, account, otherAccount } from '../../../sandbox/core/account.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { signRequest } from '../../../tools/permissions/sign-request.ts';
import { useSandbox } from '../../workflow/sandbox.ts';

const sandbox = useSandbox();
const here: AccountRegion = account;
const there: AccountRegion = { accountId: otherAccount.accountId, region: 'us-east-1' };
const abroad: AccountRegion = { accountId: otherAccount.accountId, region: 'eu-west-1' };
const config = (home = there) => ({ ...operatorAt(sandbox().endpoint, home), maxAttempts: 1 });
/** A page of the account's buckets, as XML. */
async function askBuckets(query: string): Promise<string> {
  const { endpoint, clock } = sandbox();
  const request = {
    method: 'GET',
    url: `${endpoint}/?${query}`,
    headers: { 'x-amz-content-sha256': hash('sha256', '') },
  };
  const { operator: credentials } = otherAccount;
  const headers = await signRequest(request, { service: 's3', now: clock.now(), credentials });
  return (await fetch(request.url, { ...request, headers })).text();
}

const trust = { Version: '2012-10-17', Statement: [] };

async function askQuota(operation: string, ServiceCode: string, QuotaCode: string, region: string) {
  const { endpoint, clock } = sandbox();
  const request = {
    method: 'POST',
    url: `${endpoint}/`,
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `ServiceQuotasV20190624.${operation}`,
    },
    body: JSON.stringify({ ServiceCode, QuotaCode }),
  };
  const { operator: credentials } = otherAccount;
  const headers = await signRequest(request, { service: 'servicequotas', now: clock.now(), credentials, region });
  const response = await fetch(request.url, { ...request, headers });
  return { status: response.status, answer: await response.json() };
}

/** A stack of one bucket of this name. */
async function makeStack(name: string, home = there, more: object = {}): Promise<void> {
  const Resources = { Bucket: { Type: 'AWS::S3::Bucket', Properties: { BucketName: name } }, ...more };
  const TemplateBody = JSON.stringify({ Resources });
  await new CloudFormationClient(config(home)).send(
    new CreateStackCommand({ StackName: name, TemplateBody, Capabilities: ['CAPABILITY_NAMED_IAM'] }),
  );
  await sandbox().clock.quiet();
}

describe("an account's summary", () => {
  it('counts its roles, beside the quota', async () => {
    const summary = async () => (await new IAMClient(config()).send(new GetAccountSummaryCommand({}))).SummaryMap ?? {};
    const { Roles = 0, RolesQuota } = await summary();
    expect(RolesQuota).toBe(1_000);
    sandbox().accounts.iam(there.accountId).createRole({ roleName: 'counted', assumeRolePolicyDocument: trust });
    expect(await summary()).toMatchObject({ Roles: Roles + 1, RolesQuota: 1_000, Users: 1 });
  });

  it('of a full account lets no role be created', () => {
    const iam = sandbox().accounts.iam('333333333333');
    sandbox().accounts.quotas.set('roles', { accountId: '333333333333', region: 'us-east-1' }, 1);
    iam.createRole({ roleName: 'one', assumeRolePolicyDocument: trust });
    expect(() => iam.createRole({ roleName: 'two', assumeRolePolicyDocument: trust })).toThrow(
      expect.objectContaining({
        code: 'LimitExceeded',
        message: 'Cannot exceed quota for RolesPerAccount: 1',
        statusCode: 409,
      }),
    );
  });
});

describe('stacks', () => {
  it('are listed by pages and statuses, and limited as the account says', async () => {
    for (const name of ['one', 'two', 'three', 'four']) await makeStack(`quota-${name}`, abroad);
    const client = new CloudFormationClient(config(abroad));
    const listed: (string | undefined)[] = [];
    for await (const { StackSummaries = [] } of paginateListStacks(
      { client },
      { StackStatusFilter: ['CREATE_COMPLETE'] },
    ))
      listed.push(...StackSummaries.map(({ StackName }) => StackName));
    expect(listed).toEqual(['quota-four', 'quota-three', 'quota-two', 'quota-one']);
    const { quotas } = sandbox().accounts;
    const limit = async () => (await client.send(new DescribeAccountLimitsCommand({}))).AccountLimits?.[0];
    expect(await limit()).toEqual({ Name: 'StackLimit', Value: 2_000 });
    quotas.set('stacks', abroad, 4);
    expect(await limit()).toEqual({ Name: 'StackLimit', Value: 4 });
    await expect(makeStack('quota-five', abroad)).rejects.toMatchObject({
      name: 'LimitExceededException',
      message: 'Limit for stack has been exceeded',
    });
    // Another Region has a quota of its own.
    await makeStack('quota-elsewhere', { ...abroad, region: 'eu-central-1' });
  });
});

describe('buckets', () => {
  it('are those of the account, by pages', async () => {
    for (const name of ['a', 'b', 'c']) await makeStack(`paged-bucket-${name}`);
    await makeStack('paged-bucket-of-another', here);
    const first = await askBuckets('max-buckets=2&prefix=paged-bucket-');
    const [, token = ''] = /<ContinuationToken>(.+)<\/ContinuationToken>/.exec(first) ?? [];
    const query = new URLSearchParams({ 'max-buckets': '2', prefix: 'paged-bucket-', 'continuation-token': token });
    const second = await askBuckets(`${query}`);
    const pages = [first, second].map((page) => [...page.matchAll(/<Name>([^<]+)</g)].map(([, name]) => name));
    expect(second).not.toContain('ContinuationToken');
    expect(pages).toEqual([['paged-bucket-a', 'paged-bucket-b'], ['paged-bucket-c']]);
  });
});

describe('Service Quotas', () => {
  it('has a default of each quota, and what was granted', async () => {
    const refused = await askQuota('GetServiceQuota', 's3', 'L-DC2B2D3D', 'us-east-1');
    expect(refused).toMatchObject({ status: 400, answer: { __type: 'NoSuchResourceException' } });
    expect(await askQuota('GetAWSDefaultServiceQuota', 's3', 'L-DC2B2D3D', 'us-east-1')).toMatchObject({
      status: 200,
      answer: { Quota: { QuotaName: 'General purpose buckets', Value: 10_000, Adjustable: true, GlobalQuota: true } },
    });
    sandbox().accounts.quotas.set('buckets', there, 20_000);
    expect(await askQuota('GetServiceQuota', 's3', 'L-DC2B2D3D', 'us-east-1')).toMatchObject({
      status: 200,
      answer: { Quota: { Value: 20_000, QuotaArn: 'arn:aws:servicequotas::222222222222:s3/L-DC2B2D3D' } },
    });
  });

  it.each([
    ['a global quota in another Region', 's3', 'L-DC2B2D3D', 'eu-west-1'],
    ['an unknown quota', 'dynamodb', 'L-00000000', 'us-east-1'],
    ['an unknown service', 'ec2', 'L-00000000', 'us-east-1'],
  ])('does not have %s', async (_, service, code, region) => {
    expect(await askQuota('GetAWSDefaultServiceQuota', service, code, region)).toMatchObject({
      answer: { __type: 'NoSuchResourceException' },
    });
  });
});
