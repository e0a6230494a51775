import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { accountsEnvironment } from '../../../../lib/aws/accounts-environment.ts';
import { parse } from '../../../../lib/parse.ts';
import { accounts } from '../../functions/other-account.ts';

const schema = v.object(accountsEnvironment);
const parsed = (value: unknown) =>
  parse(schema, { ACCOUNTS: JSON.stringify(value) }, (field, rule) => new Error(`${field}: ${rule}`));
const [id, account] = Object.entries(accounts)[0] ?? ['', {}];

describe('the param accounts', () => {
  it.each([
    ['none', {}],
    ['one', accounts],
    ['one that forwards events', { [id]: { ...account, stackEvents: 'forwarded' } }],
    ['one in another partition', JSON.parse(JSON.stringify(accounts).replaceAll('arn:aws:', 'arn:aws-us-gov:'))],
    ['roles with a path', JSON.parse(JSON.stringify(accounts).replaceAll('role/', 'role/team/'))],
  ])('may name %s', (_, value) => {
    expect(parsed(value)).toEqual({ ACCOUNTS: value });
  });

  it.each<[string, unknown, string]>([
    ['a list', [account], 'must be an account id of 12 digits'],
    ['an account of 11 digits', { '22222222222': account }, 'must be an account id of 12 digits'],
    ['an account without an external id', { [id]: { ...account, externalId: undefined } }, 'externalId: is required'],
    ['an external id of one character', { [id]: { ...account, externalId: 'x' } }, 'must be 2 to 1,224'],
    ['an external id with a blank', { [id]: { ...account, externalId: 'x y' } }, 'must be 2 to 1,224'],
    ['a role by name', { [id]: { ...account, roleArn: 'onboarding' } }, 'roleArn: must be the ARN of a role'],
    ['a user', { [id]: { ...account, roleArn: `arn:aws:iam::${id}:user/x` } }, 'roleArn: must be the ARN of a role'],
    ['no Region', { [id]: { ...account, regions: [] } }, 'regions: must name a Region'],
    ['events that come otherwise', { [id]: { ...account, stackEvents: 'often' } }, 'stackEvents'],
    ['an unknown field', { [id]: { ...account, colour: 'green' } }, 'is not a known field'],
    ["another account's role", { '333333333333': account }, 'must have roles and a boundary of the account itself'],
    [
      "another account's service role",
      { [id]: { ...account, stackServiceRoleArn: 'arn:aws:iam::333333333333:role/stacks' } },
      'must have roles and a boundary of the account itself',
    ],
    [
      "another account's boundary",
      { [id]: { ...account, permissionsBoundaryArn: 'arn:aws:iam::333333333333:policy/boundary' } },
      'must have roles and a boundary of the account itself',
    ],
    [
      'a role as boundary',
      { [id]: { ...account, permissionsBoundaryArn: account?.roleArn } },
      'must be the ARN of a policy',
    ],
  ])('may not name %s', (_, value, rule) => {
    expect(() => parsed(value)).toThrow(rule);
  });

  it('is JSON', () => {
    expect(() => parse(schema, { ACCOUNTS: 'none' }, (field, rule) => new Error(`${field}: ${rule}`))).toThrow(
      'ACCOUNTS: must be JSON',
    );
  });
});
