/** A key policy of the owner's statement and, with roles, ours. */
export function keyPolicy(...roleArns: string[]) {
  const principal = { AWS: roleArns };
  const owner = {
    Sid: 'Enable IAM User Permissions',
    Effect: 'Allow',
    Principal: { AWS: 'arn:aws:iam::111111111111:root' },
    Action: 'kms:*',
    Resource: '*',
  };
  const use = {
    Sid: 'Allow use of the key by InfinStor',
    Principal: principal,
    Effect: 'Allow',
    Action: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'],
    Resource: '*',
  };
  const attach = {
    Sid: 'Allow attachment of persistent resources by InfinStor',
    Principal: principal,
    Effect: 'Allow',
    Action: ['kms:CreateGrant', 'kms:ListGrants', 'kms:RevokeGrant'],
    Resource: '*',
    Condition: { Bool: { 'kms:GrantIsForAWSResource': 'true' } },
  };
  return { Version: '2012-10-17', Statement: [owner, ...(roleArns.length > 0 ? [use, attach] : [])] };
}

const padding = (Sid: string, Principal: object) => ({
  Sid,
  Effect: 'Allow',
  Principal,
  Action: 'kms:Decrypt',
  Resource: '*',
});

/** A policy to which KMS lets nothing be added. */
export const fullPolicy = {
  ...keyPolicy(),
  Statement: [...keyPolicy().Statement, padding('x'.repeat(32_300), { Service: 's3.amazonaws.com' })],
};

/** A policy in which the owner's own statement names a deleted role. */
export const orphanedPolicy = {
  ...keyPolicy(),
  Statement: [...keyPolicy().Statement, padding('Analysts', { AWS: 'AROADELETEDDELETEDDEL' })],
};
