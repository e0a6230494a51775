import { describe, expect, it } from 'vitest';
import { quotasText } from '../../../../../cli/view/room/quotas-text.ts';

const paint = (_: string, text: string) => text;
const quota = (name: string, used: number | null, limit: number | null, fit: number | null, more: object = {}) => ({
  name,
  used,
  limit,
  subscribersThatFit: fit,
  askFor: `In Service Quotas, quota L-0 (${name}), request an increase for the account in this Region`,
  ...more,
});
const keyArn = (account: string) => `arn:aws:kms:us-east-1:${account}:key/11111111-aaaa-4aaa-8aaa-111111111111`;
const refusal = { name: 'AccountNotAccessible', message: 'the role lets nobody in', remedy: 'Deploy it again.' };
const quotas = {
  accounts: [
    {
      accountId: '111111111111',
      region: 'us-east-1',
      quotas: [
        quota('IAM roles', 412, 1000, 588),
        quota('CloudFormation stacks', 1999, 2000, 1),
        quota('S3 general purpose buckets', 12, null, null, {
          default: { limit: 10_000, source: 'the S3 user guide' },
          errors: [{ name: 'AccessDenied', message: 'not allowed to read the limit' }],
        }),
      ],
      subscribersThatFit: 1,
      narrowest: 'CloudFormation stacks',
    },
    { accountId: '222222222222', region: 'eu-west-1', error: refusal },
  ],
  keys: [
    { keyArn: keyArn('111111111111'), freeBytes: 8_192, subscribersThatFit: 37 },
    { keyArn: keyArn('222222222222'), error: refusal },
    { keyArn: keyArn('333333333333'), freeBytes: 32_000, subscribersThatFit: null },
  ],
};
const at = (columns: number | undefined) => quotasText(quotas, { paint, columns });

describe('quotas', () => {
  it.each([60, 100, 200])('fit into %i columns, but for whole ARNs and errors', (columns) => {
    const lines = at(columns).split('\n');
    const long = lines.filter((line) => [...line].length > columns && !/arn:|AccountNotAccessible/.test(line));
    expect(long).toEqual([]);
    expect(lines.filter((line) => /[▇·]{10}/.test(line))).toHaveLength(4);
    expect(lines).toContain(`  ${keyArn('333333333333')}`);
  });

  it('say in a block of each account how many fit, what is narrowest, and what to ask for', () => {
    const text = at(100);
    expect(text).toContain('Account 111111111111, us-east-1: room for 1 more subscriber\n');
    expect(text).toMatch(/CloudFormation stacks +▇+· +1999\/2000 +1 fit\n/);
    expect(text).toMatch(
      /Narrowest +CloudFormation stacks\n +Ask AWS for +In Service Quotas, quota L-0 \(CloudFormation/,
    );
  });

  it('say how many must stay free, and of what', () => {
    const kept = [quota('IAM roles', 995, 1000, 0, { reserve: 5 }), quota('DynamoDB tables', 1, 2500, 2499)];
    const account = {
      accountId: '1',
      region: 'us-east-1',
      quotas: kept,
      subscribersThatFit: 0,
      narrowest: 'IAM roles',
    };
    expect(quotasText({ accounts: [account], keys: [] }, { paint, columns: undefined })).toMatch(
      /Kept free +5 of IAM roles \(param quotaReserve\)\n/,
    );
    expect(at(undefined)).not.toContain('Kept free');
  });

  it('have a line for an account that cannot be read', () => {
    expect(at(100)).toContain('Account 222222222222, eu-west-1: AccountNotAccessible: the role lets nobody in\n');
  });

  it('say why a limit is not known, and what AWS gives by default', () => {
    expect(at(undefined)).toMatch(/S3 general purpose buckets +12\/\? +AWS's default: 10000\n/);
    expect(at(undefined)).toMatch(/Not read +S3 general purpose buckets: AccessDenied: not allowed/);
  });

  it('have plain numbers and one line of each key elsewhere', () => {
    const text = at(undefined);
    expect(text).not.toMatch(/[▇·]/);
    expect(text).toContain(`${keyArn('111111111111')}  24576/32768  bytes  37 fit\n`);
    expect(text).toContain(`${keyArn('333333333333')}    768/32768  bytes  any number fits\n`);
    expect(text).toContain(`${keyArn('222222222222')}  AccountNotAccessible: the role lets nobody in\n`);
  });

  it('say that no key is in use', () => {
    expect(quotasText({ accounts: [], keys: [] }, { paint, columns: 60 })).toBe('\nNo key is in use\n');
  });
});
