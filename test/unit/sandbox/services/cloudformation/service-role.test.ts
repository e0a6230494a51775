import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { fixtures } from '../../../../../sandbox/core/account.ts';
import { handlerPermissions, permissionsOf } from '../../../../../sandbox/core/handler-permissions.ts';
import type { Access, Caller } from '../../../../../sandbox/core/operation.ts';
import { decide } from '../../../../../sandbox/core/policies/policy.ts';
import { matchesPattern } from '../../../../../sandbox/core/policies/policy-conditions.ts';
import { parsePolicy } from '../../../../../sandbox/core/policies/policy-document.ts';
import { createInput, setUp, templateUrl } from './cloudformation-fixture.ts';

// The service role of another account, which a test holds against the deployment's own: it is a template as it is.
const roles = readFileSync(new URL('../../../../../deployment/other-account.yaml', import.meta.url), 'utf8');
const standIn = readFileSync(
  new URL('../../../../../sandbox/infinstor/infinstor-setup-customer.yaml', import.meta.url),
  'utf8',
);
const boundaryArn = 'arn:aws:iam::111111111111:policy/infinstor-onboarding-boundary';
const roleArn = 'arn:aws:iam::111111111111:role/infinstor-onboarding-stacks';

/** With everything that the role is for: what the stand-in has, a bucket policy and a block of public access, and all of it nested. */
const inner = standIn
  .replace(
    '      CorsConfiguration:',
    '      PublicAccessBlockConfiguration: { BlockPublicAcls: true }\n      CorsConfiguration:',
  )
  .replaceAll('    DeletionPolicy: Retain\n', '')
  .replace(
    '\n  TrackingTable:',
    '\n  Policy:\n    Type: AWS::S3::BucketPolicy\n    Properties: { Bucket: !Ref ArtifactsBucket, PolicyDocument: { Statement: [] } }\n\n  TrackingTable:',
  );
const [head = ''] = inner.split('\nConditions:');
const outer = `${head}
Resources:
  Inner:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: ${templateUrl('inner')}
      Parameters: { ${[...head.matchAll(/^ {2}(\w+):$/gm)].map(([, name]) => `${name}: !Ref ${name}`).join(', ')} }
`;

/** What the next build of it could be: each resource is another one, with the same properties. */
const next = {
  outerNext: outer.replace(templateUrl('inner'), templateUrl('innerNext')),
  innerNext: inner
    .replace('AllowedHeaders: ["*"]', 'AllowedHeaders: [x-next]')
    .replace('Statement: []', 'Statement: [{ Effect: Deny }]')
    .replace('BillingMode: PAY_PER_REQUEST', 'BillingMode: PROVISIONED')
    .replace('PolicyName: tracking', 'PolicyName: next'),
};

const withAll = {
  S3EncryptionOption: 'sse-kms-customer-managed-key',
  S3KmsKeyArn: fixtures.artifactsKeyArn,
  DynamoDbEncryptionOption: 'customer-managed-key',
  DynamoDbKmsKeyArn: fixtures.trackingKeyArn,
  UseBoundaryPolicy: 'true',
  BoundaryPolicyARN: boundaryArn,
};

const DeploymentId = '999999999999/us-east-1/infinstor-onboarding-dev';

/** An account that is set up as the document of other accounts says, where IAM is enforced for CloudFormation's role. */
async function account(parameters: Record<string, string> = {}) {
  const used: Access[] = [];
  const onAccess = (caller: Caller, access: Access) => {
    if (caller.principalArn !== roleArn) return;
    const decision = decide(caller, access);
    if (!decision.allowed) throw new Error(`not authorized to perform: ${access.action} ${decision.reason}`);
    used.push(access);
  };
  const world = setUp({
    templates: { roles, inner, outer, standIn, ...next },
    onAccess,
    keyTags: { 'infinstor-onboarding': 'allowed' },
  });
  const given = {
    DeploymentAccountId: '999999999999',
    DeploymentId,
    ExternalId: 'external-id',
    ...parameters,
  };
  await world.call('CreateStack', {
    StackName: 'roles',
    TemplateURL: templateUrl('roles'),
    Capabilities: ['CAPABILITY_NAMED_IAM'],
    Parameters: Object.entries(given).map(([ParameterKey, ParameterValue]) => ({ ParameterKey, ParameterValue })),
  });
  const stack = await world.settled('roles');
  if (stack.status !== 'CREATE_COMPLETE') throw new Error(JSON.stringify(stack.events));
  const role = world.iam.role('infinstor-onboarding-stacks');
  if (role === undefined) throw new Error('There is no service role');
  return { ...world, used, role };
}
const described = v.array(
  v.looseObject({
    events: v.array(v.looseObject({ ResourceStatus: v.string(), ResourceStatusReason: v.optional(v.string()) })),
  }),
);

type Account = Awaited<ReturnType<typeof account>>;

/** Creates a subscriber's stack, updates it if it is one with everything, attaches a policy to its role as somebody else would, and deletes it. Returns what failed. */
async function live(
  { call, settled, iam, cloudFormation }: Account,
  template = 'outer',
  parameters: object = withAll,
  deployment = DeploymentId,
) {
  const input = createInput(
    { ...parameters },
    {
      StackName: 'infinstor-subscriber-acme',
      TemplateURL: templateUrl(template),
      RoleARN: roleArn,
      Tags: [{ Key: 'infinstor-onboarding:deployment', Value: deployment }],
    },
  );
  await call('CreateStack', input);
  const { stackId, status: created } = await settled('infinstor-subscriber-acme');
  if (template === 'outer' && created === 'CREATE_COMPLETE') {
    const { StackName, Parameters, Capabilities } = input;
    await call('UpdateStack', { StackName, Parameters, Capabilities, TemplateURL: templateUrl('outerNext') });
    await settled(stackId);
  }
  const subscriberRole = 'RoleForInfinStorMlflowService-Acme';
  if (iam.role(subscriberRole) !== undefined) {
    const document = { Version: '2012-10-17', Statement: [] };
    iam.attachRolePolicy(subscriberRole, iam.createManagedPolicy({ name: 'from-outside', document }));
  }
  await call('DeleteStack', { StackName: stackId });
  const { status } = await settled(stackId);
  const all = v.parse(described, cloudFormation.descriptions()).flatMap(({ events }) => events);
  const failed = all.filter(({ ResourceStatus }) => ResourceStatus.endsWith('_FAILED'));
  return { status, reasons: failed.map(({ ResourceStatusReason }) => ResourceStatusReason ?? '').join('\n') };
}

const allowed = ({ role }: Account) =>
  [...role.policies.values()]
    .flatMap(parsePolicy)
    .flatMap(({ effect, action, resource }) =>
      effect === 'Allow' ? action.patterns.map((pattern) => ({ pattern, resources: resource.patterns })) : [],
    );

const reference = await account();
const actions = [...new Set(allowed(reference).map(({ pattern }) => pattern))];

const statements = v.array(v.looseObject({ Effect: v.string(), Action: v.union([v.string(), v.array(v.string())]) }));

/** The role's policy without an action. */
function takeAway({ role }: Account, removed: string) {
  for (const [name, document] of role.policies) {
    const Statement = v.parse(statements, document.Statement).flatMap((statement) => {
      const left = [statement.Action].flat().filter((action) => action !== removed || statement.Effect === 'Deny');
      return left.length === 0 ? [] : [{ ...statement, Action: left }];
    });
    role.policies.set(name, { ...document, Statement });
  }
}

describe("CloudFormation's role", () => {
  it('can do all that the handlers need for a stack, from its creation over an update to its deletion, and has nothing else', async () => {
    expect(await live(reference)).toEqual({ status: 'DELETE_COMPLETE', reasons: '' });
    const unused = allowed(reference).filter(
      ({ pattern, resources }) =>
        !reference.used.some(
          ({ action, resource }) =>
            matchesPattern(pattern, action) && resources.some((each) => matchesPattern(each, resource)),
        ),
    );
    expect(unused).toEqual([]);
  });

  it.each(actions)('is of no use without %s', async (action) => {
    const world = await account();
    takeAway(world, action);
    const { reasons } = await live(world);
    const name = action.replace('*', '');
    expect(reasons).toContain(`not authorized to perform: ${name}`);
  });

  it("has what the schemas list for the templates' resources, and what others ask for by other documents", () => {
    const has = {
      'AWS::IAM::Role': ['Policies', 'Tags', 'an inline policy', 'an attached policy'],
      'AWS::S3::Bucket': ['Tags', 'BucketEncryption', 'CorsConfiguration', 'PublicAccessBlockConfiguration'],
      'AWS::S3::BucketPolicy': [],
      'AWS::DynamoDB::Table': ['Tags', 'a customer managed key'],
      'AWS::CloudFormation::Stack': ['a service role'],
    } as const satisfies Record<keyof typeof handlerPermissions, readonly string[]>;
    const listed = Object.values(handlerPermissions).flatMap((type, index) => {
      const properties = Object.values(has)[index] ?? [];
      return [type.create, type.update, type.delete].flatMap((handler) => permissionsOf(handler, properties));
    });
    const others = [
      // DynamoDB developer guide, "DynamoDB encryption at rest: usage notes".
      ...['kms:ReEncrypt*', 'kms:GenerateDataKey*'],
      // CloudFormation reads the templates of nested stacks, and invokes what custom resources name, with it.
      ...['s3:GetObject', 'lambda:InvokeFunction'],
    ];
    expect(actions.toSorted()).toEqual([...new Set([...listed, ...others])].toSorted());
  });
});

describe('a role that CloudFormation creates for a subscriber', () => {
  it.each([
    ['without a boundary', { UseBoundaryPolicy: 'false' }],
    ['with a boundary of somebody else', { BoundaryPolicyARN: 'arn:aws:iam::111111111111:policy/wide' }],
  ])('is refused %s', async (_name, changes) => {
    const world = await account();
    world.iam.createManagedPolicy({ name: 'wide', document: { Version: '2012-10-17', Statement: [] } });
    expect((await live(world, 'standIn', { ...withAll, ...changes })).reasons).toContain('iam:CreateRole');
  });

  it('may have none where the deployment requires none', async () => {
    const world = await account({ RequirePermissionsBoundary: 'false' });
    const { reasons } = await live(world, 'outer', { ...withAll, UseBoundaryPolicy: 'false' });
    expect(reasons).toBe('');
  });

  it('has no name and no path but those of the params', async () => {
    const { role, caller } = await account();
    const renamed = (changed: string) => {
      return decide(
        { ...caller, policies: [...role.policies.values()] },
        {
          action: 'iam:CreateRole',
          resource: `arn:aws:iam::111111111111:role${changed}`,
          context: { 'iam:PermissionsBoundary': boundaryArn },
        },
      ).allowed;
    };
    expect(renamed('/RoleForInfinStorMlflowService-x')).toBe(true);
    expect(renamed('/deep/RoleForInfinStorMlflowService-x')).toBe(false);
    expect(renamed('/Admin-RoleForInfinStorMlflowService-x')).toBe(false);
  });

  it.each([
    ['an object', 's3:GetObject', 'arn:aws:s3:::bucket/key', true],
    ['an item', 'dynamodb:PutItem', 'arn:aws:dynamodb:us-east-1:111111111111:table/t', true],
    ['its key', 'kms:Decrypt', fixtures.trackingKeyArn, true],
    ["a bucket's policy", 's3:PutBucketPolicy', 'arn:aws:s3:::bucket', false],
    ['a role', 'iam:CreateRole', 'arn:aws:iam::111111111111:role/x', false],
    ['another role', 'sts:AssumeRole', 'arn:aws:iam::111111111111:role/x', false],
    ['a secret', 'secretsmanager:GetSecretValue', '*', false],
    ['the organization', 'organizations:LeaveOrganization', '*', false],
  ])('can, with every right that its template gives it, use %s: %s', async (_name, action, resource, isAllowed) => {
    const { iam, caller } = await account();
    const document = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
    const withBoundary = { ...caller, policies: [document], permissionsBoundary: iam.managedPolicy(boundaryArn) };
    expect(decide(withBoundary, { action, resource }).allowed).toBe(isAllowed);
  });

  it('keeps its boundary', async () => {
    const { role, caller } = await account();
    const everything = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
    const wide = { ...caller, policies: [...role.policies.values(), everything] };
    for (const action of ['iam:DeleteRolePermissionsBoundary', 'iam:PutRolePermissionsBoundary']) {
      const resource = 'arn:aws:iam::111111111111:role/RoleForInfinStorMlflowService-Acme';
      expect(decide(wide, { action, resource }).allowed, action).toBe(false);
    }
  });
});
