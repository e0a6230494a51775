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
  iam: Pick<Iam, 'role' | 'putRolePolicy'>;
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
    for (const role of Roles) {
      const resource = iam.role(role)?.arn ?? `arn:aws:iam::${context.caller.accountId}:role/${role}`;
      onAccess(context.caller, { action: 'iam:PutRolePolicy', resource });
      iam.putRolePolicy(role, { name: PolicyName, document: PolicyDocument });
    }
    return { physicalId: PolicyName, attributes: {} };
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
  iam: Pick<Iam, 'createManagedPolicy'>;
  onAccess: OnAccess;
}): ResourceProvider {
  return async (context) => {
    const properties = parseProperties(managedPolicyProperties, context);
    const { ManagedPolicyName: name = generatedName(context), PolicyDocument: document } = properties;
    const resource = `arn:aws:iam::${context.caller.accountId}:policy/${name}`;
    onAccess(context.caller, { action: 'iam:CreatePolicy', resource });
    const arn = iam.createManagedPolicy({ name, document });
    return { physicalId: arn, attributes: { PolicyArn: arn } };
  };
}
