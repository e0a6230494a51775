import * as v from 'valibot';
import type { AccountRegion } from '../../core/account.ts';
import { AwsError, operation, type Service } from '../../core/operation.ts';

/** ECR without any repository: osls asks for one of the deployment's before it removes that. */
export function createEcr({ accountId, region }: AccountRegion): { service: Service } {
  const DescribeRepositories = operation(
    v.strictObject({
      repositoryNames: v.pipe(v.array(v.pipe(v.string(), v.minLength(1))), v.nonEmpty()),
      registryId: v.optional(v.literal(accountId)),
    }),
    {
      access: ({ repositoryNames }) =>
        repositoryNames.map((name) => ({
          action: 'ecr:DescribeRepositories',
          resource: `arn:aws:ecr:${region}:${accountId}:repository/${name}`,
        })),
      run({ repositoryNames: [name] }) {
        throw new AwsError(
          'RepositoryNotFoundException',
          `The repository with name '${name}' does not exist in the registry with id '${accountId}'`,
        );
      },
    },
  );
  return { service: { name: 'ecr', protocol: 'json', operations: { DescribeRepositories } } };
}
