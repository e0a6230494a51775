import { answered, fact, type Recordings, refused } from '../fact.ts';

const trusting = (principal: object) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: principal, Action: 'sts:AssumeRole' }],
});

export const iam: Recordings = {
  service: 'iam',
  file: 'iam/test_iam.snapshot.json',
  tests: [
    {
      test: 'TestRoles::test_role_with_tags',
      date: '2025-07-02',
      prepare: ({ iam }) => ({
        id: iam.createRole({
          roleName: 'with-tags',
          path: '/role-with-tags/',
          assumeRolePolicyDocument: trusting({ Service: 'ec2.amazonaws.com' }),
        }).roleId,
      }),
      steps: [
        fact(
          'get-role-response',
          'GetRole',
          { RoleName: 'with-tags' },
          answered({
            Role: {
              Arn: 'arn:aws:iam::111111111111:role/role-with-tags/with-tags',
              AssumeRolePolicyDocument: '<document>',
              CreateDate: '(date)',
              MaxSessionDuration: 3600,
              Path: '/role-with-tags/',
              RoleId: '$id',
              RoleLastUsed: {},
              RoleName: 'with-tags',
            },
          }),
        ),
      ],
    },
  ],
};

const invalid = (RoleArn: string) => refused('ValidationError', `${RoleArn} is invalid`);
const arns = [
  ['malformed-arn', 'nothing-valid-in-here'],
  ['no-partition', 'arn::b:::something/test-role'],
  ['no-service', 'arn:a::::something/test-role'],
  ['not-enough-colons', 'arn:a:::something/test-role'],
  ['no-resource', 'arn:a:a::aaaaaaaaaa:'],
];

export const sts: Recordings = {
  service: 'sts',
  file: 'sts/test_sts.snapshot.json',
  tests: [
    {
      test: 'TestSTSIntegrations::test_assume_role',
      date: '2024-06-05',
      prepare: ({ iam }) => ({
        id: iam.createRole({
          roleName: 'assumed',
          assumeRolePolicyDocument: trusting({ AWS: '111111111111' }),
        }).roleId,
      }),
      steps: [
        fact(
          'assume-role',
          'AssumeRole',
          { RoleArn: 'arn:aws:iam::111111111111:role/assumed', RoleSessionName: 'session' },
          answered({
            AssumedRoleUser: {
              Arn: 'arn:aws:sts::111111111111:assumed-role/assumed/session',
              AssumedRoleId: '$id:session',
            },
            Credentials: {
              AccessKeyId: '<id>',
              Expiration: '(date)',
              SecretAccessKey: '<secret>',
              SessionToken: '<token>',
            },
          }),
        ),
      ],
    },
    {
      test: 'TestSTSIntegrations::test_sts_invalid_parameters',
      date: '2025-07-21',
      steps: [
        ...arns.map(([key = '', RoleArn = '']) =>
          fact(key, 'AssumeRole', { RoleArn, RoleSessionName: 'Session1' }, invalid(RoleArn)),
        ),
        fact(
          'invalid-session-name',
          'AssumeRole',
          { RoleArn: 'arn:a:b:::something/test-role', RoleSessionName: 'Session1:2' },
          refused(
            'ValidationError',
            "1 validation error detected: Value 'Session1:2' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*",
          ),
        ),
      ],
    },
  ],
};
