import { describe, expect, it } from 'vitest';
import { createInput, setUp, templateUrl } from './cloudformation-fixture.ts';

const error = (code: string, message: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(message) });

const simple = 'Resources: { Bucket: { Type: "AWS::S3::Bucket" } }';
const tag = (Key: string) => ({ Key, Value: 'x' });
const elsewhere = (host: string) => `https://${host}.amazonaws.com/customer.yaml`;
const without = (parameter: string) => ({
  Parameters: createInput().Parameters.filter(({ ParameterKey }) => ParameterKey !== parameter),
});

describe('CreateStack', () => {
  const templates = {
    generated: 'Resources: { Role: { Type: "AWS::IAM::Role", Properties: {} } }',
    cycle: 'Resources: { A: { Type: "AWS::S3::Bucket", DependsOn: B }, B: { Type: "AWS::S3::Bucket", DependsOn: A } }',
    exotic: 'Resources: { A: { Type: "AWS::SQS::Queue" } }',
    nonsense: 'a: b',
    large: `${simple}\n#${'x'.repeat(1_000_000)}`,
  };

  it.each([
    ['a bad name', { StackName: '1-bad_name' }, "at 'stackName' failed to satisfy constraint"],
    ['a name of 129 characters', { StackName: 'a'.repeat(129) }, "at 'stackName' failed to satisfy constraint"],
    ['a template of more than 1 MB', { TemplateURL: templateUrl('large') }, 'Template may not exceed 1000000 bytes'],
    ['an unknown template', { TemplateURL: templateUrl('missing') }, 'S3 error: Access Denied'],
    ['a body that is no template', { TemplateURL: templateUrl('nonsense') }, 'Template format error'],
    ['an unknown parameter', createInput({ Extra: 'x' }), 'Parameters: [Extra] do not exist in the template'],
    ['a missing parameter', without('CustomToken'), 'Parameters: [CustomToken] must have values'],
    [
      'a value that is not allowed',
      createInput({ S3EncryptionOption: 'x' }),
      "Parameter 'S3EncryptionOption' must be one of AllowedValues",
    ],
    [
      'a value that breaks the pattern',
      createInput({ SubscriberName: '1' }),
      "Parameter 'SubscriberName' must match pattern",
    ],
    [
      'a value of more than 4096 bytes',
      createInput({ CustomToken: 'é'.repeat(2049) }),
      "Parameter 'CustomToken' must contain at most 4096 bytes",
    ],
    [
      'a role that is missing',
      { RoleARN: 'arn:aws:iam::111111111111:role/nobody' },
      'Role arn:aws:iam::111111111111:role/nobody is invalid or cannot be assumed',
    ],
    [
      'a role on another path',
      { RoleARN: 'arn:aws:iam::111111111111:role/path/stack-service-role' },
      'is invalid or cannot be assumed',
    ],
    [
      'a role of another service',
      { RoleARN: 'arn:aws:iam::111111111111:role/lambda-role' },
      'is invalid or cannot be assumed',
    ],
    ['a cycle', { TemplateURL: templateUrl('cycle'), Parameters: [] }, 'Circular dependency between resources: [A, B]'],
    [
      'an unknown resource type',
      { TemplateURL: templateUrl('exotic'), Parameters: [] },
      'Unrecognized resource types: [AWS::SQS::Queue]',
    ],
    ['an empty tag value', { Tags: [{ Key: 'team', Value: '' }] }, "Value '' at 'tags.1.member.value' failed"],
    [
      'a template in no bucket',
      { TemplateURL: elsewhere('other.s3.us-east-1') },
      'S3 error: The specified bucket does not',
    ],
    [
      'a template at another Region than its bucket has',
      { TemplateURL: elsewhere('infinstorcft.s3.eu-west-1') },
      'S3 error: The bucket you are attempting to access must be addressed using the specified endpoint.',
    ],
    ['a tag key that is there twice', { Tags: [tag('team'), tag('team')] }, 'Duplicate tag keys found'],
    ['51 tags', { Tags: Array.from({ length: 51 }, (_, n) => tag(`t${n}`)) }, 'length less than or equal to 50'],
    ["a tag key of AWS's", { Tags: [tag('aws:x')] }, 'aws: prefixed tag key names are not allowed'],
    ['a member that it does not have', { NotificationARNs: ['x'] }, 'NotificationARNs'],
  ])('refuses %s', async (_name, input, message) => {
    const { call, cloudFormation } = setUp({ templates });
    await expect(call('CreateStack', { ...createInput(), ...input })).rejects.toEqual(
      error('ValidationError', message),
    );
    expect(cloudFormation.stack('tenant-acme')).toBeUndefined();
  });

  it('never repeats a value in a complaint', async () => {
    const { call } = setUp();
    const refused = call('CreateStack', createInput({ CustomToken: 'secret'.repeat(1000) }));
    await expect(refused).rejects.toThrow(/^(?!.*secret)/);
  });

  it.each([
    ['a role with a name', 'customer', ['CAPABILITY_IAM'], '[CAPABILITY_NAMED_IAM]'],
    ['a role without a name', 'generated', [], '[CAPABILITY_IAM]'],
  ])('wants the capability for %s', async (_name, template, Capabilities, missing) => {
    const { call } = setUp({ templates });
    const Parameters = template === 'customer' ? createInput().Parameters : [];
    const input = { ...createInput(), TemplateURL: templateUrl(template), Parameters, Capabilities };
    await expect(call('CreateStack', input)).rejects.toEqual(
      error('InsufficientCapabilitiesException', `Requires capabilities : ${missing}`),
    );
  });

  it('takes the stronger capability for the weaker', async () => {
    const { call } = setUp({ templates });
    const input = createInput({}, { TemplateURL: templateUrl('generated'), Parameters: [] });
    await expect(call('CreateStack', input)).resolves.toEqual({ StackId: expect.any(String) });
  });

  it('refuses a name that a stack has, also one in ROLLBACK_COMPLETE, until it is deleted', async () => {
    const { call, settled } = setUp({
      customResource() {
        throw new Error('Invalid token');
      },
    });
    const again = () => call('CreateStack', createInput());
    await again();
    const exists = error('AlreadyExistsException', 'Stack [tenant-acme] already exists');
    await expect(again()).rejects.toEqual(exists);
    expect((await settled('tenant-acme')).status).toBe('ROLLBACK_COMPLETE');
    await expect(again()).rejects.toEqual(exists);
    await call('DeleteStack', { StackName: 'tenant-acme' });
    await settled('tenant-acme');
    await expect(again()).resolves.toEqual({ StackId: expect.any(String) });
  });

  it('answers a replayed token with the same stack, and refuses it once that stack is deleted', async () => {
    const { call, settled } = setUp();
    const create = (rest: object = {}) => call('CreateStack', { ...createInput(), ClientRequestToken: 'one', ...rest });
    const first = await create();
    expect(await create()).toEqual(first);
    const otherInput = create({ Parameters: createInput({ CustomToken: 'another' }).Parameters });
    await expect(otherInput).rejects.toEqual(error('TokenAlreadyExistsException', 'one'));
    const spent = error('TokenAlreadyExistsException', 'one');
    await expect(create({ StackName: 'other' })).rejects.toEqual(spent);
    await settled('tenant-acme');
    await call('DeleteStack', { StackName: 'tenant-acme' });
    await settled('tenant-acme');
    await expect(create()).rejects.toEqual(spent);
  });

  it('needs CreateStack on the stack, GetObject on the template and PassRole on the role', () => {
    const { access, serviceRole } = setUp();
    expect(access('CreateStack', createInput())).toEqual([
      {
        action: 'cloudformation:CreateStack',
        resource: 'arn:aws:cloudformation:us-east-1:111111111111:stack/tenant-acme/*',
        context: { 'cloudformation:TemplateUrl': templateUrl('customer'), 'cloudformation:RoleArn': serviceRole.arn },
      },
      { action: 's3:GetObject', resource: 'arn:aws:s3:::infinstorcft/customer.yaml' },
      {
        action: 'iam:PassRole',
        resource: serviceRole.arn,
        context: { 'iam:PassedToService': 'cloudformation.amazonaws.com' },
      },
    ]);
  });

  it('says in which tags the stack is to have, and asks for TagResource then', () => {
    const { access } = setUp();
    const Tags = [
      { Key: 'team', Value: 'ml' },
      { Key: 'stage', Value: 'dev' },
    ];
    const tags = { 'aws:RequestTag/team': 'ml', 'aws:RequestTag/stage': 'dev', 'aws:TagKeys': ['team', 'stage'] };
    expect(access('CreateStack', createInput({}, { Tags }))).toMatchObject([
      { action: 'cloudformation:CreateStack', context: tags },
      {
        action: 'cloudformation:TagResource',
        resource: 'arn:aws:cloudformation:us-east-1:111111111111:stack/tenant-acme/*',
        context: { ...tags, 'cloudformation:CreateAction': 'CreateStack' },
      },
      { action: 's3:GetObject' },
      { action: 'iam:PassRole' },
    ]);
  });

  it('refuses a template that is not on S3', () => {
    const { access } = setUp();
    const input = { ...createInput(), TemplateURL: 'https://example.com/a/b.yaml' };
    expect(() => access('CreateStack', input)).toThrow('TemplateURL must be a supported URL');
  });
});

describe('every action on a stack', () => {
  const actions = ['DescribeStacks', 'DescribeStackEvents', 'ListStackResources', 'GetTemplate', 'DeleteStack'];

  it.each(actions)('says which tags the stack has, by its name and by its id: %s', async (action) => {
    const { access, call, settled } = setUp();
    await call('CreateStack', createInput({}, { Tags: [{ Key: 'team', Value: 'ml' }] }));
    const { stackId } = await settled('tenant-acme');
    for (const StackName of ['tenant-acme', stackId]) {
      expect(access(action, { StackName })[0]?.context).toMatchObject({ 'aws:ResourceTag/team': 'ml' });
    }
    expect(access(action, { StackName: 'nobody' })[0]?.context).toEqual({});
  });

  it('of the deletion says with which role, too', () => {
    const { access, serviceRole } = setUp();
    const [asked] = access('DeleteStack', { StackName: 'nobody', RoleARN: serviceRole.arn });
    expect(asked?.context).toEqual({ 'cloudformation:RoleArn': serviceRole.arn });
  });
});

describe('describing', () => {
  it('masks NoEcho parameters and shows tags, role, outputs and defaults', async () => {
    const { call, settled, serviceRole, clock } = setUp();
    const start = clock.now();
    const tags = [{ Key: 'infinstor-onboarding:subscriber', Value: 'acme' }];
    await call('CreateStack', createInput({}, { Tags: tags, RetainExceptOnCreate: 'true' }));
    const { stackId } = await settled('tenant-acme');
    const answer = await call('DescribeStacks', { StackName: 'tenant-acme' });
    expect(answer).toMatchObject({
      Stacks: [
        {
          StackId: stackId,
          StackName: 'tenant-acme',
          StackStatus: 'CREATE_COMPLETE',
          RoleARN: serviceRole.arn,
          Tags: tags,
          RetainExceptOnCreate: true,
          Parameters: expect.arrayContaining([
            { ParameterKey: 'CustomToken', ParameterValue: '****' },
            { ParameterKey: 'SubscriberName', ParameterValue: 'Acme' },
            { ParameterKey: 'S3KmsKeyArn', ParameterValue: '' },
          ]),
          Outputs: expect.arrayContaining([
            {
              OutputKey: 'RoleArn',
              OutputValue: 'arn:aws:iam::111111111111:role/RoleForInfinStorMlflowService-Acme',
              Description: expect.any(String),
              ExportName: 'InfinStorRoleArn-Acme',
            },
          ]),
        },
      ],
    });
    expect(JSON.stringify(answer)).not.toContain('Custom secret');
    expect(stackId).toMatch(/^arn:aws:cloudformation:us-east-1:111111111111:stack\/tenant-acme\/[0-9a-f-]{36}$/);
    // Three resources take their two seconds each, and then the custom resource.
    const stack = await settled(stackId);
    expect(stack.events.at(-1)?.Timestamp.getTime()).toBeGreaterThanOrEqual(stack.creationTime.getTime() + 8000);
    expect(clock.now()).toBeGreaterThanOrEqual(start + 8000);
  });

  it('masks no outputs: what a template shows there is shown', async () => {
    const shown = `
Parameters: { Token: { Type: String, NoEcho: true } }
Resources: { Bucket: { Type: AWS::S3::Bucket } }
Outputs: { Shown: { Value: !Ref Token } }`;
    const { call, settled } = setUp({ templates: { shown } });
    const Parameters = [{ ParameterKey: 'Token', ParameterValue: 'Custom secret' }];
    await call('CreateStack', createInput({}, { TemplateURL: templateUrl('shown'), Parameters }));
    await settled('tenant-acme');
    expect(await call('DescribeStacks', { StackName: 'tenant-acme' })).toMatchObject({
      Stacks: [
        {
          Parameters: [{ ParameterKey: 'Token', ParameterValue: '****' }],
          Outputs: [{ OutputKey: 'Shown', OutputValue: 'Custom secret' }],
        },
      ],
    });
  });

  it('pages resources and events, events newest first', async () => {
    const { call, settled } = setUp();
    await call('CreateStack', createInput());
    const { events } = await settled('tenant-acme');
    const pages = async (operation: string, member: string) => {
      const found: unknown[] = [];
      let NextToken: unknown;
      let count = 0;
      do {
        const page: object = await call(operation, {
          StackName: 'tenant-acme',
          ...(NextToken !== undefined && { NextToken }),
        });
        const items: unknown = Reflect.get(page, member);
        found.push(...(Array.isArray(items) ? items : []));
        NextToken = Reflect.get(page, 'NextToken');
        count += 1;
      } while (NextToken !== undefined);
      return { found, count };
    };
    const listed = await pages('ListStackResources', 'StackResourceSummaries');
    expect(listed.count).toBeGreaterThan(1);
    expect(listed.found).toContainEqual(
      expect.objectContaining({
        LogicalResourceId: 'ServiceRole',
        PhysicalResourceId: 'RoleForInfinStorMlflowService-Acme',
        ResourceType: 'AWS::IAM::Role',
        ResourceStatus: 'CREATE_COMPLETE',
      }),
    );
    expect(listed.found).toHaveLength(4);
    const described = await pages('DescribeStackEvents', 'StackEvents');
    expect(described.found).toEqual(events.toReversed());
  });

  it('finds deleted stacks by id only', async () => {
    const { call, settled } = setUp();
    await call('CreateStack', createInput());
    const { stackId } = await settled('tenant-acme');
    await call('DeleteStack', { StackName: 'tenant-acme' });
    await settled(stackId);
    expect(await call('DescribeStacks', { StackName: stackId })).toMatchObject({
      Stacks: [{ StackStatus: 'DELETE_COMPLETE', DeletionTime: expect.any(Date) }],
    });
    expect(await call('DescribeStacks', {})).toEqual({ Stacks: [] });
    const gone = error('ValidationError', 'Stack with id tenant-acme does not exist');
    await expect(call('DescribeStacks', { StackName: 'tenant-acme' })).rejects.toEqual(gone);
    await expect(call('ListStackResources', { StackName: 'tenant-acme' })).rejects.toEqual(gone);
    await expect(call('DescribeStackEvents', { StackName: 'tenant-acme' })).rejects.toEqual(
      error('ValidationError', 'Stack [tenant-acme] does not exist'),
    );
  });

  it('asks IAM about the stack by its id once it is there', async () => {
    const { access, call, cloudFormation } = setUp();
    const resource = () => access('DescribeStacks', { StackName: 'tenant-acme' })[0]?.resource;
    expect(resource()).toBe('arn:aws:cloudformation:us-east-1:111111111111:stack/tenant-acme/*');
    await call('CreateStack', createInput());
    expect(resource()).toBe(cloudFormation.stack('tenant-acme')?.stackId);
  });
});

describe('GetTemplateSummary', () => {
  it('returns those of a stack by its name', async () => {
    const { call, settled, access, cloudFormation } = setUp();
    await call('CreateStack', createInput());
    await settled('tenant-acme');
    const StackName = 'tenant-acme';
    const summary = await call('GetTemplateSummary', { TemplateURL: templateUrl('customer') });
    expect(await call('GetTemplateSummary', { StackName })).toEqual(summary);
    const resource = cloudFormation.stack(StackName)?.stackId;
    expect(access('GetTemplateSummary', { StackName })).toMatchObject([{ resource }]);
    const both = call('GetTemplateSummary', { StackName, TemplateURL: templateUrl('customer') });
    await expect(both).rejects.toMatchObject({ code: 'ValidationError' });
    await expect(call('GetTemplateSummary', { StackName: 'none' })).rejects.toThrow(
      'Stack with id none does not exist',
    );
  });

  it('returns parameters and capabilities', async () => {
    const { call, access } = setUp();
    const input = { TemplateURL: templateUrl('customer') };
    expect(await call('GetTemplateSummary', input)).toMatchObject({
      Capabilities: ['CAPABILITY_NAMED_IAM'],
      CapabilitiesReason: 'The following resource(s) require capabilities: [AWS::IAM::Role]',
      ResourceTypes: ['AWS::S3::Bucket', 'AWS::DynamoDB::Table', 'AWS::IAM::Role', 'Custom::InfinStorSubscriber'],
      Parameters: expect.arrayContaining([
        expect.objectContaining({
          ParameterKey: 'CustomToken',
          ParameterType: 'String',
          NoEcho: true,
          DefaultValue: undefined,
        }),
        expect.objectContaining({
          ParameterKey: 'S3EncryptionOption',
          NoEcho: false,
          DefaultValue: 'sse-s3',
          ParameterConstraints: {
            AllowedValues: ['sse-s3', 'sse-kms-aws-managed-key', 'sse-kms-customer-managed-key'],
          },
        }),
        expect.objectContaining({ ParameterKey: 'S3KmsKeyArn', DefaultValue: '' }),
        // Its pattern is told to nobody.
        expect.objectContaining({ ParameterKey: 'SubscriberName', ParameterConstraints: {} }),
      ]),
    });
    expect(access('GetTemplateSummary', input).map(({ action, resource }) => [action, resource])).toEqual([
      ['cloudformation:GetTemplateSummary', '*'],
      ['s3:GetObject', 'arn:aws:s3:::infinstorcft/customer.yaml'],
    ]);
  });

  it('needs no capability for a template without IAM', async () => {
    const { call } = setUp({ templates: { simple } });
    expect(await call('GetTemplateSummary', { TemplateURL: templateUrl('simple') })).not.toHaveProperty('Capabilities');
  });
});

describe('GetTemplate', () => {
  it.each([undefined, 'Original', 'Processed'])(
    'answers what was sent, also of a deleted stack by its id: %s',
    async (TemplateStage) => {
      const { call, settled } = setUp();
      await call('CreateStack', createInput());
      const { stackId, templateBody } = await settled('tenant-acme');
      const answer = { TemplateBody: templateBody, StagesAvailable: ['Original', 'Processed'] };
      expect(templateBody).toContain('DeletionPolicy: Retain');
      expect(await call('GetTemplate', { StackName: 'tenant-acme', TemplateStage })).toEqual(answer);
      await call('DeleteStack', { StackName: 'tenant-acme' });
      await settled(stackId);
      expect(await call('GetTemplate', { StackName: stackId, TemplateStage })).toEqual(answer);
    },
  );

  it('refuses a stack that is not there', async () => {
    const { call } = setUp();
    await expect(call('GetTemplate', { StackName: 'nobody' })).rejects.toEqual(
      error('ValidationError', 'Stack with id nobody does not exist'),
    );
  });
});

it('lets what a stack has left be deleted by hand', async () => {
  const { call, settled, cloudFormation } = setUp();
  await call('CreateStack', createInput());
  await settled('tenant-acme');
  const [bucket] = cloudFormation.buckets();
  const [table] = cloudFormation.tables();
  for (const { name } of [bucket, table].filter((kept) => kept !== undefined)) await cloudFormation.deleteByHand(name);
  expect([...cloudFormation.buckets(), ...cloudFormation.tables()]).toEqual([]);
  await expect(cloudFormation.deleteByHand('nothing')).rejects.toThrow('There is no bucket and no table nothing');
});
