// The deployment's copies of the vendor's templates: what accept-request and accept-upgrade have checked, by its hash, and who may read and write it.
// serverless.yml reads this file.

const objects = { 'Fn::Sub': '${TemplateCopies.Arn}/templates/*' };

module.exports = async ({ resolveVariable }) => {
  const accounts = Object.entries(JSON.parse(await resolveVariable('param:accounts')));
  return {
    template: {
      Resources: {
        TemplateCopies: {
          Type: 'AWS::S3::Bucket',
          // A bucket with objects cannot be deleted, and its name is CloudFormation's: one that stays is in nobody's way.
          DeletionPolicy: 'RetainExceptOnCreate',
          UpdateReplacePolicy: 'Retain',
          Properties: {
            PublicAccessBlockConfiguration: {
              BlockPublicAcls: true,
              BlockPublicPolicy: true,
              IgnorePublicAcls: true,
              RestrictPublicBuckets: true,
            },
            // Each request writes its copy anew, and an execution may be redriven for two weeks.
            LifecycleConfiguration: { Rules: [{ Id: 'unused-copies', Status: 'Enabled', ExpirationInDays: 30 }] },
          },
        },
        TemplateCopiesPolicy: {
          Type: 'AWS::S3::BucketPolicy',
          Properties: {
            Bucket: { Ref: 'TemplateCopies' },
            PolicyDocument: {
              Version: '2012-10-17',
              Statement: [onlyFirstStepsWrite, ...(accounts.length > 0 ? [otherAccountsRead(accounts)] : [])],
            },
          },
        },
      },
      Outputs: { TemplateCopiesBucket: { Value: { Ref: 'TemplateCopies' } } },
    },
  };
};

// Subscribers' roles are in the same account, and their policies are the vendor's.
const onlyFirstStepsWrite = {
  Sid: 'OnlyFirstStepsWrite',
  Effect: 'Deny',
  Principal: '*',
  Action: 's3:PutObject',
  Resource: objects,
  Condition: {
    ArnNotEquals: {
      'aws:PrincipalArn': [
        { 'Fn::GetAtt': ['AcceptRequestRole', 'Arn'] },
        { 'Fn::GetAtt': ['AcceptUpgradeRole', 'Arn'] },
      ],
    },
  },
};

// CloudFormation reads a long template with the rights of the role that creates the stack. By the account and a condition, as S3
// refuses a policy that names a role which is not there.
const otherAccountsRead = (accounts) => ({
  Sid: 'OtherAccountsRead',
  Effect: 'Allow',
  Principal: { AWS: accounts.map(([id]) => ({ 'Fn::Sub': `arn:\${AWS::Partition}:iam::${id}:root` })) },
  Action: 's3:GetObject',
  Resource: objects,
  Condition: { ArnEquals: { 'aws:PrincipalArn': accounts.map(([, { roleArn }]) => roleArn) } },
});
