import * as v from 'valibot';
import { type OnAccess, parseProperties, policyDocument, type ResourceProvider } from '../../core/resource-provider.ts';
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
