import { expect, it } from 'vitest';
import { account } from '../../../../../sandbox/core/account.ts';
import { createEcr } from '../../../../../sandbox/services/ecr/service.ts';

const caller = { ...account, principalArn: '', arn: '', principalId: '', policies: [] };

it('has no repository, and asks IAM about the one that is named', () => {
  const { DescribeRepositories } = createEcr(account).service.operations;
  const input = DescribeRepositories?.parse({ repositoryNames: ['deployment'], registryId: account.accountId });
  expect(DescribeRepositories?.access(input, caller)).toEqual([
    { action: 'ecr:DescribeRepositories', resource: 'arn:aws:ecr:us-east-1:111111111111:repository/deployment' },
  ]);
  expect(() => DescribeRepositories?.run(input, caller)).toThrow(
    "The repository with name 'deployment' does not exist in the registry with id '111111111111'",
  );
  expect(() => DescribeRepositories?.parse({})).toThrow('repositoryNames');
});
