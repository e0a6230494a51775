import * as v from 'valibot';
import { AwsError, operation } from '../../core/operation.ts';
import { namePattern, type PrincipalStore } from './principal-store.ts';

const RoleName = v.pipe(v.string(), v.regex(namePattern));

/** The operations on roles: https://docs.aws.amazon.com/IAM/latest/APIReference/ */
export function roleOperations(store: Pick<PrincipalStore, 'existingRole' | 'arnOfRole' | 'deleteRole'>) {
  const onRole =
    (action: string) =>
    ({ RoleName: name }: { RoleName: string }) => [{ action: `iam:${action}`, resource: store.arnOfRole(name) }];

  return {
    GetRole: operation(v.strictObject({ RoleName }), {
      access: onRole('GetRole'),
      run(input) {
        const found = store.existingRole(input.RoleName);
        return {
          Role: {
            Path: found.path,
            RoleName: found.roleName,
            RoleId: found.roleId,
            Arn: found.arn,
            CreateDate: found.createDate,
            AssumeRolePolicyDocument: urlEncode(JSON.stringify(found.assumeRolePolicyDocument)),
            MaxSessionDuration: 3600,
            RoleLastUsed: {},
          },
        };
      },
    }),

    ListRolePolicies: operation(v.strictObject({ RoleName }), {
      access: onRole('ListRolePolicies'),
      run: (input) => ({ PolicyNames: [...store.existingRole(input.RoleName).policies.keys()], IsTruncated: false }),
    }),

    DeleteRolePolicy: operation(v.strictObject({ RoleName, PolicyName: v.string() }), {
      access: onRole('DeleteRolePolicy'),
      run(input) {
        if (store.existingRole(input.RoleName).policies.delete(input.PolicyName)) return {};
        throw new AwsError('NoSuchEntity', `The role policy with name ${input.PolicyName} cannot be found.`, 404);
      },
    }),

    DeleteRole: operation(v.strictObject({ RoleName }), {
      access: onRole('DeleteRole'),
      run(input) {
        const { roleName, policies, attachedPolicies } = store.existingRole(input.RoleName);
        if (attachedPolicies.size > 0) {
          throw new AwsError('DeleteConflict', 'Cannot delete entity, must detach all policies first.', 409);
        }
        if (policies.size > 0) {
          throw new AwsError('DeleteConflict', 'Cannot delete entity, must delete policies first.', 409);
        }
        store.deleteRole(roleName);
        return {};
      },
    }),
  };
}

/**
 * What an account has of IAM, and what it may have (API reference, GetAccountSummary). The example there is older than `Roles` and
 * `RolesQuota`, which the AWS CLI's reference shows.
 */
export function summaryOperation(
  store: Pick<PrincipalStore, 'roles' | 'users' | 'managedPolicyArns'>,
  limit: (name: 'roles' | 'policies') => number,
) {
  return {
    GetAccountSummary: operation(v.strictObject({}), {
      access: () => [{ action: 'iam:GetAccountSummary', resource: '*' }],
      run: () => ({
        SummaryMap: new Map([
          ['Users', store.users().length],
          ['UsersQuota', 5_000],
          ['Roles', store.roles().length],
          ['RolesQuota', limit('roles')],
          ['RolePolicySizeQuota', 10_240],
          ['AssumeRolePolicySizeQuota', 2_048],
          ['AttachedPoliciesPerRoleQuota', 10],
          ['Policies', store.managedPolicyArns().length],
          ['PoliciesQuota', limit('policies')],
          ['PolicySizeQuota', 6_144],
          ['VersionsPerPolicyQuota', 5],
        ]),
      }),
    }),
  };
}

/** Policy documents are URL-encoded after RFC 3986, which knows more reserved characters than `encodeURIComponent`. */
function urlEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
