import type { KeyAccess } from '../../../../../lib/keys/key-policy.ts';
import type { KeyPolicy, Statement } from '../../../../../lib/keys/policy-document.ts';
import { likeStatements, namingStatements, roleNamePrefix } from '../../../functions/key-policies.ts';

export const byArns: KeyAccess = { mode: 'role-arns' };
export const byPattern: KeyAccess = { mode: 'role-pattern', roleNamePrefix };
export const account = '111111111111';
export const roleArn = (name: string) => `arn:aws:iam::${account}:role/${roleNamePrefix}${name}`;
export const acme = roleArn('acme');
export const beta = roleArn('beta');
export const pattern = roleArn('*');
/** Of another deployment, whose roles are named otherwise. */
export const other = `arn:aws:iam::${account}:role/Other`;
export const deletedRole = 'AROAJQABLZS4A3QDU576Q';
export const deletedUser = 'AIDAJQABLZS4A3QDU576Q';

export const admin: Statement = {
  Sid: 'Enable IAM User Permissions',
  Effect: 'Allow',
  Principal: { AWS: `arn:aws:iam::${account}:root` },
  Action: 'kms:*',
  Resource: '*',
};
export const policy = (...Statement: Statement[]): KeyPolicy => ({
  Version: '2012-10-17',
  Id: 'key-consolepolicy-3',
  Statement,
});
export const [useByAcme, attachByAcme] = namingStatements([acme]);
export const granted = policy(admin, useByAcme, attachByAcme);
export const granting = (AWS: string | string[]) => policy(admin, ...namingStatements(AWS));
export const patterned = policy(admin, ...likeStatements([account], [pattern]));
/** A statement of the owner's with something that is to be kept. */
export const owners = (part: Partial<Statement>): Statement => ({
  Sid: 'Own',
  Effect: 'Allow',
  Principal: '*',
  Action: 'kms:Decrypt',
  Resource: '*',
  ...part,
});
export function without<Name extends keyof Statement>(statement: Statement, name: Name): Omit<Statement, Name> {
  const { [name]: _left, ...rest } = statement;
  return rest;
}
