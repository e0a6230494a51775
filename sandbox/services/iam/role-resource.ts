import * as v from 'valibot';
import { handlerPermissions, permissionsOf } from '../../core/handler-permissions.ts';
import {
  generatedName,
  type OnAccess,
  type ProvisionedResource,
  parseProperties,
  policyDocument,
  type ResourceProvider,
} from '../../core/resource-provider.ts';
import type { Role } from './principal-store.ts';
import type { Iam } from './service.ts';

interface Parts {
  iam: Pick<Iam, 'createRole' | 'updateRole' | 'deleteRole' | 'role'>;
  onAccess: OnAccess;
}

const roleProperties = v.strictObject({
  RoleName: v.optional(v.string()),
  Path: v.optional(v.string(), '/'),
  Description: v.optional(v.string()),
  AssumeRolePolicyDocument: policyDocument,
  Policies: v.optional(v.array(v.strictObject({ PolicyName: v.string(), PolicyDocument: policyDocument })), []),
  ManagedPolicyArns: v.optional(v.array(v.string()), []),
  PermissionsBoundary: v.optional(v.string()),
});

/** What IAM asks about with the role's permissions boundary, that of the request or of the role that is there (service authorization reference). */
const aboutBoundary = [
  'iam:CreateRole',
  'iam:PutRolePolicy',
  'iam:DeleteRolePolicy',
  'iam:AttachRolePolicy',
  'iam:DetachRolePolicy',
];

const formerProperties = v.object({
  Policies: v.optional(v.array(v.object({ PolicyName: v.string() })), []),
  ManagedPolicyArns: v.optional(v.array(v.string()), []),
  PermissionsBoundary: v.optional(v.string()),
});

/**
 * `AWS::IAM::Role`, with inline and customer managed policies. Fails as IAM does on a name that is taken or not allowed, and on a
 * managed policy that does not exist.
 */
export function roleProvider({ iam, onAccess }: Parts): ResourceProvider {
  return async (context) => {
    const { caller } = context;
    const properties = parseProperties(roleProperties, context);
    const { Path, AssumeRolePolicyDocument, Policies, RoleName = generatedName(context) } = properties;
    const { ManagedPolicyArns, PermissionsBoundary: boundary } = properties;
    const handlers = handlerPermissions['AWS::IAM::Role'];
    const resource = `arn:aws:iam::${caller.accountId}:role${Path}${RoleName}`;
    const ask = (actions: readonly string[], by = caller) => {
      for (const action of actions) {
        const isAbout = boundary !== undefined && aboutBoundary.includes(action);
        onAccess(by, { action, resource, ...(isAbout && { context: { 'iam:PermissionsBoundary': boundary } }) });
      }
    };
    const definition = {
      assumeRolePolicyDocument: AssumeRolePolicyDocument,
      policies: Policies.map(({ PolicyName, PolicyDocument }) => ({ name: PolicyName, document: PolicyDocument })),
      managedPolicyArns: ManagedPolicyArns,
      ...(boundary !== undefined && { permissionsBoundary: boundary }),
    };
    const made = (role: Role): ProvisionedResource => ({
      physicalId: role.roleName,
      attributes: { Arn: role.arn, RoleId: role.roleId },
      delete(by) {
        const { policies, attachedPolicies } = iam.role(role.roleName) ?? role;
        const has = [
          ...(policies.size > 0 ? ['an inline policy'] : []),
          ...(attachedPolicies.size > 0 ? ['an attached policy'] : []),
        ];
        ask(permissionsOf(handlers.delete, has), by);
        iam.deleteRole(role.roleName);
      },
    });
    if (context.previous !== undefined) {
      const { Policies: former, ...had } = v.parse(formerProperties, context.previous.properties);
      const isOther = had.PermissionsBoundary !== boundary;
      ask(
        permissionsOf(handlers.update, [
          ...([...Policies, ...former].length > 0 ? ['Policies'] : []),
          ...([...ManagedPolicyArns, ...had.ManagedPolicyArns].length > 0 ? ['ManagedPolicyArns'] : []),
          ...(isOther ? [boundary === undefined ? 'no boundary any more' : 'another boundary'] : []),
        ]),
      );
      iam.updateRole(RoleName, { ...definition, formerPolicies: former.map(({ PolicyName }) => PolicyName) });
      const role = iam.role(RoleName);
      if (role === undefined) throw new Error(`The role with name ${RoleName} cannot be found.`);
      return made(role);
    }
    ask(
      permissionsOf(handlers.create, [
        ...(Policies.length > 0 ? ['Policies'] : []),
        ...(ManagedPolicyArns.length > 0 ? ['ManagedPolicyArns'] : []),
        ...(context.tags.length > 0 ? ['Tags'] : []),
      ]),
    );
    requireDistinctTags(context.tags);
    return made(iam.createRole({ roleName: RoleName, path: Path, ...definition }));
  };
}

/** IAM's tag keys are unique ignoring case: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html */
function requireDistinctTags(tags: readonly { Key: string }[]): void {
  if (new Set(tags.map(({ Key }) => Key.toLowerCase())).size === tags.length) return;
  throw new Error(
    'Resource handler returned message: "Duplicate tag keys found. Please note that Tag keys are case insensitive. (Service: Iam, Status Code: 400)" (HandlerErrorCode: InvalidRequest)',
  );
}
