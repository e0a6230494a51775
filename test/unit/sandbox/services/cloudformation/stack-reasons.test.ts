import { describe, expect, it } from 'vitest';
import { setUp, templateUrl } from './cloudformation-fixture.ts';

const bucket = 'Bucket: { Type: "AWS::S3::Bucket" }';
const exporting = (name: string) =>
  `Resources: { ${bucket} }\nOutputs: { Name: { Value: !Ref Bucket, Export: { Name: ${name} } } }`;
const importing = (name: string) =>
  `Resources: { ${bucket} }\nOutputs: { Name: { Value: !Sub ["\${x}", { x: !ImportValue ${name} }] } }`;
const nesting = (name: string) =>
  `Resources: { Inner: { Type: "AWS::CloudFormation::Stack", Properties: { TemplateURL: "${templateUrl(name)}" } } }`;

function sandbox(templates: Record<string, string>, faults: readonly string[] = []) {
  const { call, settled, published } = setUp({ templates, faults });
  return {
    call,
    settled,
    published,
    async create(stackName: string, template: string, rest: object = {}) {
      const Capabilities = ['CAPABILITY_AUTO_EXPAND'];
      await call('CreateStack', { StackName: stackName, TemplateURL: templateUrl(template), Capabilities, ...rest });
      return settled(stackName);
    },
  };
}

describe('a stack that fails without a failed resource', () => {
  const templates = {
    exporting: exporting('shared'),
    importing: importing('missing'),
    output: `Resources: { ${bucket} }\nOutputs: { Bad: { Value: !GetAtt Bucket.Invalid } }`,
    novalue: `Resources: { ${bucket} }\nOutputs: { Bad: { Value: !Ref "AWS::NoValue" } }`,
    macro: `Transform: Unknown\nResources: { Thing: { Type: "AWS::Serverless::Function" } }`,
  };
  it.each([
    ['exporting', 'Export with name shared is already exported by stack first.', 1],
    ['importing', 'No export named missing found.', 0],
    [
      'output',
      '[Error] /Outputs/Bad/Value/Fn::GetAtt: Resource type AWS::S3::Bucket does not support attribute {Invalid}.',
      1,
    ],
    [
      'novalue',
      'Template format error: Output Bad is malformed. The Value field of every Outputs member must evaluate to a String.',
      1,
    ],
    ['macro', 'No transform named Unknown found.', 0],
  ])('has its reason on its own event and in EventBridge: %s', async (template, reason, resources) => {
    const { create, published } = sandbox(templates);
    expect((await create('first', 'exporting')).status).toBe('CREATE_COMPLETE');
    const stack = await create('tenant', template);
    expect(stack.status).toBe('ROLLBACK_COMPLETE');
    expect(stack.resources).toHaveLength(resources);
    expect(stack.events.filter(({ ResourceStatus }) => ResourceStatus.endsWith('_FAILED'))).toEqual([]);
    const full = `${reason} Rollback requested by user.`;
    expect(stack.events.find(({ ResourceStatus }) => ResourceStatus === 'ROLLBACK_IN_PROGRESS')).toMatchObject({
      PhysicalResourceId: stack.stackId,
      ResourceStatusReason: full,
    });
    expect(published.map(({ detail }) => detail['status-details'])).toContainEqual({
      status: 'ROLLBACK_IN_PROGRESS',
      'status-reason': full,
    });
  });

  it('fails with the reason when nothing is rolled back', async () => {
    const { create } = sandbox(templates);
    const stack = await create('tenant', 'importing', { OnFailure: 'DO_NOTHING' });
    expect(stack).toMatchObject({ status: 'CREATE_FAILED', statusReason: 'No export named missing found.' });
  });

  it('gives the reason of a nested one without what was done about it', async () => {
    const { create } = sandbox({ ...templates, outer: nesting('importing') });
    const { events } = await create('tenant', 'outer');
    const failed = events.find(({ ResourceStatus }) => ResourceStatus === 'CREATE_FAILED');
    expect(failed?.ResourceStatusReason).toMatch(/ was not successfully created: No export named missing found\.$/);
  });
});

describe('exports', () => {
  it('are imported by name, and keep their stack until nobody uses them', async () => {
    const { create, call, settled, published } = sandbox({
      exporting: exporting('shared'),
      importing: importing('shared'),
    });
    const first = await create('first', 'exporting');
    expect(first.outputs).toEqual([expect.objectContaining({ OutputKey: 'Name', ExportName: 'shared' })]);
    const second = await create('second', 'importing');
    expect(second.outputs[0]?.OutputValue).toBe(first.outputs[0]?.OutputValue);
    await call('DeleteStack', { StackName: 'first' });
    expect(await settled('first')).toMatchObject({
      status: 'CREATE_COMPLETE',
      statusReason: 'Delete canceled. Cannot delete export shared as it is in use by second.',
    });
    expect(published.at(-1)?.detail['status-details'].status).toBe('CREATE_COMPLETE');
    await call('DeleteStack', { StackName: 'second' });
    await settled(second.stackId);
    await call('DeleteStack', { StackName: 'first' });
    expect((await settled(first.stackId)).status).toBe('DELETE_COMPLETE');
    expect((await create('third', 'exporting')).status).toBe('CREATE_COMPLETE');
  });

  it.each([
    [
      'the same name twice',
      '{ A: { Value: a, Export: { Name: n } }, B: { Value: b, Export: { Name: n } } }',
      'Output B exports n',
    ],
    ['a name of a resource', '{ A: { Value: a, Export: { Name: !Ref Bucket } } }', 'must not depend on a resource'],
  ])('cannot have %s', async (_name, outputs, message) => {
    const { create } = sandbox({ wrong: `Resources: { ${bucket} }\nOutputs: ${outputs}` });
    await expect(create('tenant', 'wrong')).rejects.toThrow(message);
  });
});

describe('a hook that refuses a resource', () => {
  it('has its reason on an event of its own, and its name on that of the resource', async () => {
    const { create } = sandbox({ plain: `Resources: { ${bucket} }` }, ['cloudformation:Hook:error=NotEncrypted']);
    const { events } = await create('tenant', 'plain');
    const ofBucket = events.filter(({ LogicalResourceId }) => LogicalResourceId === 'Bucket');
    const HookType = 'Sandbox::Guard::Hook';
    expect(ofBucket).toMatchObject([
      { ResourceStatus: 'CREATE_IN_PROGRESS' },
      { ResourceStatus: 'CREATE_IN_PROGRESS', HookType, HookStatus: 'HOOK_IN_PROGRESS' },
      {
        ResourceStatus: 'CREATE_IN_PROGRESS',
        HookType,
        HookStatus: 'HOOK_COMPLETE_FAILED',
        HookStatusReason: 'Hook failed with message: NotEncrypted',
      },
      { ResourceStatus: 'CREATE_FAILED', ResourceStatusReason: `The following hook(s) failed: [${HookType}]` },
      { ResourceStatus: 'DELETE_COMPLETE' },
    ]);
  });
});

it('puts the properties of resources into their events', async () => {
  const { create } = sandbox({
    named: 'Resources: { B: { Type: "AWS::S3::Bucket", Properties: { BucketName: named } } }',
  });
  const { events } = await create('tenant', 'named');
  expect(events.find(({ LogicalResourceId }) => LogicalResourceId === 'B')?.ResourceProperties).toBe(
    '{"BucketName":"named"}',
  );
});
