import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { accountsEnvironment, accountsReader } from '../../../../lib/aws/accounts-environment.ts';
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

describe('what reads the accounts', () => {
  const reference = (secretId: string) => JSON.stringify({ secretId, version: '1' });
  const setUp = () => {
    const secrets = mockClient(SecretsManagerClient);
    return { secrets, read: accountsReader(new SecretsManagerClient({ region: 'us-east-1' })) };
  };

  it('calls nothing without other accounts', async () => {
    const { secrets, read } = setUp();
    const variables = { ACCOUNTS: '{}', REGISTRY_TABLE: 'registry' };
    expect(await read(variables)).toEqual(variables);
    expect(secrets.calls()).toEqual([]);
  });

  it('puts them in the place of the secret that is named, and leaves other variables as they are', async () => {
    const { secrets, read } = setUp();
    secrets.on(GetSecretValueCommand, { SecretId: 'of-all' }).resolves({ SecretString: JSON.stringify(accounts) });
    secrets.on(GetSecretValueCommand, { SecretId: 'of-regions' }).resolves({ SecretString: '{}' });
    const variables = {
      ACCOUNTS: reference('of-all'),
      ACCOUNT_REGIONS: reference('of-regions'),
      OTHER: reference('x'),
    };
    expect(await read(variables)).toEqual({ ...variables, ACCOUNTS: JSON.stringify(accounts), ACCOUNT_REGIONS: '{}' });
  });

  it.each(['AccessDeniedException', 'ResourceNotFoundException'])('reports that %s ends the reading', async (name) => {
    const { secrets, read } = setUp();
    secrets.on(GetSecretValueCommand).rejects(Object.assign(new Error('refused'), { name }));
    await expect(read({ ACCOUNTS: reference('of-all') })).rejects.toMatchObject({
      name: 'InvalidConfiguration',
      message: `ACCOUNTS: its secret of-all cannot be read (${name})`,
    });
  });

  it('lets pass what a retry may mend', async () => {
    const { secrets, read } = setUp();
    secrets.on(GetSecretValueCommand).rejects(Object.assign(new Error('too many'), { name: 'ThrottlingException' }));
    await expect(read({ ACCOUNTS: reference('of-all') })).rejects.toMatchObject({ name: 'ThrottlingException' });
  });
});
