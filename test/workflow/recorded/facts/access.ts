import { answered, fact, type Recordings, refused } from '../fact.ts';

const trusting = (principal: object) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: principal, Action: 'sts:AssumeRole' }],
});

const document = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 's3:ListBucket', Resource: '*' }],
};

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
    {
      test: 'TestIAMExtensions::test_role_with_path_lifecycle',
      date: '2025-06-19',
      prepare({ iam }) {
        const assumeRolePolicyDocument = trusting({ Service: 'lambda.amazonaws.com' });
        iam.createRole({ roleName: 'deleted', path: '/deleted/', assumeRolePolicyDocument });
        return {};
      },
      steps: [fact('delete-role-response', 'DeleteRole', { RoleName: 'deleted' }, answered({}))],
    },
    {
      test: 'TestIAMIntegrations::test_attach_detach_role_policy',
      file: 'iam/test_iam.py',
      date: '2025-03-06',
      prepare({ iam }) {
        const policyArn = iam.createManagedPolicy({ name: 'attached', document });
        iam.createRole({
          roleName: 'with-attached',
          assumeRolePolicyDocument: trusting({ Service: 'ec2.amazonaws.com' }),
          managedPolicyArns: [policyArn],
        });
        return {};
      },
      steps: [
        fact('attached', 'DeleteRole', { RoleName: 'with-attached' }, refused('DeleteConflict', '<message>', 409)),
      ],
    },
    {
      test: 'TestIAMServiceRoles::test_service_role_lifecycle[acm.amazonaws.com]',
      date: '2025-03-13',
      prepare({ iam }) {
        iam.createRole({ roleName: 'no-inline', assumeRolePolicyDocument: trusting({ Service: 'acm.amazonaws.com' }) });
        return {};
      },
      steps: [
        fact(
          'inline-role-policies',
          'ListRolePolicies',
          { RoleName: 'no-inline' },
          answered({ IsTruncated: false, PolicyNames: [] }),
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
