import * as v from 'valibot';
import type { Caller } from '../../core/operation.ts';
import {
  generatedName,
  type OnAccess,
  parseProperties,
  policyDocument,
  type ResourceProvider,
} from '../../core/resource-provider.ts';
import type { Iam } from './service.ts';

interface Parts {
  iam: Pick<Iam, 'createRole' | 'deleteRole'>;
  onAccess: OnAccess;
}

const roleProperties = v.strictObject({
  RoleName: v.optional(v.string()),
  Path: v.optional(v.string(), '/'),
  Description: v.optional(v.string()),
  AssumeRolePolicyDocument: policyDocument,
  Policies: v.optional(v.array(v.strictObject({ PolicyName: v.string(), PolicyDocument: policyDocument })), []),
});

/** `AWS::IAM::Role`, with inline policies. Fails as IAM does on a name that is taken or not allowed. */
export function roleProvider({ iam, onAccess }: Parts): ResourceProvider {
  return async (context) => {
    const { caller } = context;
    const properties = parseProperties(roleProperties, context);
    const { Path, AssumeRolePolicyDocument, Policies, RoleName = generatedName(context) } = properties;
    const resource = `arn:aws:iam::${caller.accountId}:role${Path}${RoleName}`;
    const ask = (by: Caller, ...actions: string[]) => {
      for (const action of actions) onAccess(by, { action, resource });
    };
    const hasPolicies = Policies.length > 0;
    ask(
      caller,
      'iam:CreateRole',
      'iam:GetRole',
      ...(context.tags.length > 0 ? ['iam:TagRole'] : []),
      ...(hasPolicies ? ['iam:PutRolePolicy'] : []),
    );
    requireDistinctTags(context.tags);
    const role = iam.createRole({
      roleName: RoleName,
      path: Path,
      assumeRolePolicyDocument: AssumeRolePolicyDocument,
      policies: Policies.map(({ PolicyName, PolicyDocument }) => ({ name: PolicyName, document: PolicyDocument })),
    });
    return {
      physicalId: role.roleName,
      attributes: { Arn: role.arn, RoleId: role.roleId },
      delete(by) {
        ask(by, ...(hasPolicies ? ['iam:DeleteRolePolicy'] : []), 'iam:DeleteRole');
        iam.deleteRole(role.roleName);
      },
    };
  };
}

/** IAM's tag keys are unique ignoring case: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html */
function requireDistinctTags(tags: readonly { Key: string }[]): void {
  if (new Set(tags.map(({ Key }) => Key.toLowerCase())).size === tags.length) return;
  throw new Error(
    'Resource handler returned message: "Duplicate tag keys found. Please note that Tag keys are case insensitive. (Service: Iam, Status Code: 400)" (HandlerErrorCode: InvalidRequest)',
  );
}
