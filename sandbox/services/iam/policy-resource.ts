import * as v from 'valibot';
import {
  generatedName,
  type OnAccess,
  parseProperties,
  policyDocument,
  type ResourceProvider,
} from '../../core/resource-provider.ts';
import type { Iam } from './service.ts';

interface Parts {
  iam: Pick<Iam, 'role' | 'putRolePolicy' | 'removeRolePolicy'>;
  onAccess: OnAccess;
}

const policyProperties = v.strictObject({
  PolicyName: v.string(),
  PolicyDocument: policyDocument,
  Roles: v.pipe(v.array(v.string()), v.nonEmpty()),
});

/** `AWS::IAM::Policy`: an inline policy of several roles. Fails when one of them does not exist. */
export function policyProvider({ iam, onAccess }: Parts): ResourceProvider {
  return async (context) => {
    const { PolicyName, PolicyDocument, Roles } = parseProperties(policyProperties, context);
    const roleArn = (role: string) => iam.role(role)?.arn ?? `arn:aws:iam::${context.caller.accountId}:role/${role}`;
    function remove(name: string, roles: readonly string[], by = context.caller) {
      for (const role of roles) {
        onAccess(by, { action: 'iam:DeleteRolePolicy', resource: roleArn(role) });
        iam.removeRolePolicy(role, name);
      }
    }
    for (const role of Roles) {
      onAccess(context.caller, { action: 'iam:PutRolePolicy', resource: roleArn(role) });
      iam.putRolePolicy(role, { name: PolicyName, document: PolicyDocument });
    }
    if (context.previous !== undefined) {
      const former = v.parse(
        v.object({ PolicyName: v.string(), Roles: v.array(v.string()) }),
        context.previous.properties,
      );
      const isStill = (role: string) => former.PolicyName === PolicyName && Roles.includes(role);
      remove(
        former.PolicyName,
        former.Roles.filter((role) => !isStill(role)),
      );
    }
    return { physicalId: PolicyName, attributes: {}, delete: (by) => remove(PolicyName, Roles, by) };
  };
}

const managedPolicyProperties = v.strictObject({
  ManagedPolicyName: v.optional(v.string()),
  Description: v.optional(v.string()),
  PolicyDocument: policyDocument,
});

/** `AWS::IAM::ManagedPolicy`, for roles that name it. Fails on a name that is taken or not allowed. */
export function managedPolicyProvider({
  iam,
  onAccess,
}: {
  iam: Pick<Iam, 'createManagedPolicy' | 'setManagedPolicy' | 'deleteManagedPolicy'>;
  onAccess: OnAccess;
}): ResourceProvider {
  return async (context) => {
    const properties = parseProperties(managedPolicyProperties, context);
    const { ManagedPolicyName: name = generatedName(context), PolicyDocument: document } = properties;
    const arn = `arn:aws:iam::${context.caller.accountId}:policy/${name}`;
    const isNew = context.previous === undefined;
    onAccess(context.caller, { action: isNew ? 'iam:CreatePolicy' : 'iam:CreatePolicyVersion', resource: arn });
    if (isNew) iam.createManagedPolicy({ name, document });
    else iam.setManagedPolicy(arn, document);
    return {
      physicalId: arn,
      attributes: { PolicyArn: arn },
      delete(by) {
        onAccess(by, { action: 'iam:DeletePolicy', resource: arn });
        iam.deleteManagedPolicy(arn);
      },
    };
  };
}
