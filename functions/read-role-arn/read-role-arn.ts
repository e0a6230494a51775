import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { GetRoleCommand, type IAMClient, type Role as IamRole, NoSuchEntityException } from '@aws-sdk/client-iam';
import { PrincipalNotVisible, RoleAmbiguous, RoleNotFound } from '../../lib/errors.ts';
import type { Plan, Role } from '../../lib/plans/onboarding.ts';
import { isThere, stackResources } from '../../lib/stacks/resources.ts';
import type { Environment } from './environment.ts';

interface Dependencies {
  environment: Environment;
  cloudFormation: CloudFormationClient;
  iam: IAMClient;
}

/**
 * Finds the role that the stack, or one nested in it, made for InfinStor, by its name, and asks IAM for its ARN and id: a stack
 * knows a role by its name only, and path and partition of the ARN vary. As it reads the stack's resources anyway, it also returns which of
 * those that earlier offboardings have left belong to this stack.
 * @param roleArn of the role that an upgrade may have replaced; undefined: there was none
 * @throws RoleNotFound, RoleAmbiguous
 * @throws PrincipalNotVisible when IAM does not show the role yet
 */
export async function readRoleArn(
  stackId: string,
  { retained = [], roleArn: formerArn }: Pick<Plan, 'retained'> & { roleArn?: string | undefined },
  { environment, cloudFormation, iam }: Dependencies,
): Promise<Role> {
  const prefix = environment.ROLE_NAME_PREFIX.toLowerCase();
  // An update may have replaced the role: the one before is listed still, and deleted.
  const resources = (await stackResources(cloudFormation, stackId)).filter(isThere);
  const roles = resources.filter(({ type }) => type === 'AWS::IAM::Role');
  // Role names are unique ignoring case.
  const names = roles.map(({ physicalId }) => physicalId).filter((name) => name.toLowerCase().startsWith(prefix));
  const [roleName, ...others] = names;
  if (roleName === undefined)
    throw new RoleNotFound(
      `Stack ${stackId} has no role whose name begins with ${environment.ROLE_NAME_PREFIX}, and no nested stack of it has`,
    );
  if (others.length > 0) throw new RoleAmbiguous(`Stack ${stackId} has several roles that fit: ${names.join(', ')}`);

  const role = await getRole(iam, roleName);
  if (role?.Arn === undefined || role.RoleId === undefined)
    throw new RoleNotFound(`IAM returned no ARN of role ${roleName}`);
  const regained = retained.filter(({ type, physicalId }) =>
    resources.some((each) => each.type === type && each.physicalId === physicalId),
  );
  return {
    roleName,
    roleArn: role.Arn,
    roleId: role.RoleId,
    ...(regained.length > 0 && { regained }),
    ...(formerArn !== undefined && { isOther: role.Arn !== formerArn }),
  };
}

async function getRole(iam: IAMClient, roleName: string): Promise<IamRole | undefined> {
  try {
    return (await iam.send(new GetRoleCommand({ RoleName: roleName }))).Role;
  } catch (error) {
    // The stack has made it: IAM's reads lag behind its writes.
    if (error instanceof NoSuchEntityException) throw new PrincipalNotVisible(`IAM does not show role ${roleName} yet`);
    throw error;
  }
}
