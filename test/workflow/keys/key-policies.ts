// Key policies before and beside the onboarding, and people who edit them.

import { KMSClient, PutKeyPolicyCommand } from '@aws-sdk/client-kms';
import { arnOwner } from '../../../lib/aws/arns.ts';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { policyOf } from '../subscriber.ts';

/** The statement that a key has from its account. */
export const enableIam = {
  Sid: 'Enable IAM User Permissions',
  Effect: 'Allow',
  Principal: { AWS: 'arn:aws:iam::111111111111:root' },
  Action: 'kms:*',
  Resource: '*',
};
export const policyWith = (...statements: object[]) => ({
  Version: '2012-10-17',
  Statement: [enableIam, ...statements],
});

/** A statement of a customer, which lets somebody decrypt. */
export const naming = (Sid: string, arn: string) => ({
  Sid,
  Effect: 'Allow',
  Principal: { AWS: arn },
  Action: 'kms:Decrypt',
  Resource: '*',
});

/** A role that nobody may assume: enough to stand in a key policy. */
export const newRole = ({ iam }: Sandbox, roleName: string) =>
  iam.createRole({ roleName, assumeRolePolicyDocument: { Version: '2012-10-17', Statement: [] } });

/** Edits the policy of a key by hand, as an operator of its account does. */
export async function editPolicy(
  sandbox: Sandbox,
  keyArn: string,
  change: (statements: object[]) => object[],
): Promise<void> {
  const { Statement, ...rest } = policyOf(sandbox, keyArn);
  const Policy = JSON.stringify({ ...rest, Statement: change(Statement) });
  const kms = new KMSClient(operatorAt(sandbox.endpoint, arnOwner(keyArn)));
  await kms.send(new PutKeyPolicyCommand({ KeyId: keyArn, Policy }));
}
