import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { createInput, setUp, templateUrl } from './cloudformation-fixture.ts';

const parent = `
Parameters:
  SubscriberName: { Type: String }
  CustomToken: { Type: String, NoEcho: true }
Resources:
  Access:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: ${templateUrl('access')}
      Parameters: { Name: !Ref SubscriberName }
  Subscriber:
    Type: Custom::InfinStorSubscriber
    Properties: { ServiceToken: x, RoleArn: !GetAtt Access.Outputs.RoleArn, StackId: !Ref Access }
`;
const access = `
Parameters:
  Name: { Type: String }
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Sub "RoleForInfinStorMlflowService-\${Name}"
      AssumeRolePolicyDocument: { Version: "2012-10-17", Statement: [] }
Outputs:
  RoleArn: { Value: !GetAtt Role.Arn }
`;
const templates = { customer: parent, access };
const statuses = (stack: { events: readonly { LogicalResourceId: string; ResourceStatus: string }[] }) =>
  stack.events.map(({ LogicalResourceId, ResourceStatus }) => `${LogicalResourceId} ${ResourceStatus}`);

/** The stack that the resource `Access` is. */
function accessOf({ cloudFormation }: ReturnType<typeof setUp>) {
  const resource = cloudFormation.stack('tenant-acme')?.resources.find(({ logicalId }) => logicalId === 'Access');
  const stackId = resource?.provisioned?.physicalId;
  const stack = stackId === undefined ? undefined : cloudFormation.stack(stackId);
  if (stack === undefined) throw new Error('There is no nested stack');
  return stack;
}

describe('a nested stack', () => {
  it('is made with its parameters, and gives its outputs and its id to the stack that it is in', async () => {
    const world = setUp({ templates });
    await world.call('CreateStack', createInput());
    const stack = await world.settled('tenant-acme');
    expect(stack.status).toBe('CREATE_COMPLETE');
    const nested = accessOf(world);
    expect(nested.stackName).toMatch(/^tenant-acme-Access-[0-9A-F]{12}$/);
    const roleArn = world.iam.role('RoleForInfinStorMlflowService-Acme')?.arn;
    expect(world.calls).toMatchObject([{ properties: { RoleArn: roleArn, StackId: nested.stackId } }]);
    expect(statuses(stack).slice(0, 4)).toEqual([
      'tenant-acme CREATE_IN_PROGRESS',
      'Access CREATE_IN_PROGRESS',
      'Access CREATE_IN_PROGRESS',
      'Access CREATE_COMPLETE',
    ]);
    const described = await world.call('DescribeStacks', { StackName: nested.stackId });
    expect(described).toMatchObject({ Stacks: [{ ParentId: stack.stackId, RootId: stack.stackId }] });
  });

  it("reports its own statuses, and acts as its parent's service role", async () => {
    const world = setUp({ templates });
    await world.call('CreateStack', createInput());
    await world.settled('tenant-acme');
    const { stackId } = accessOf(world);
    const told = world.published.filter(({ resources }) => resources[0] === stackId);
    expect(told.map(({ detail }) => detail['status-details'].status)).toEqual([
      'CREATE_IN_PROGRESS',
      'CREATE_COMPLETE',
    ]);
    const asked = world.accesses.filter(({ caller }) => caller.principalArn === world.serviceRole.arn);
    expect(asked.map(({ access: { action } }) => action)).toEqual([
      'cloudformation:CreateStack',
      'cloudformation:DescribeStacks',
      'iam:PassRole',
      's3:GetObject',
      'iam:CreateRole',
      'iam:GetRole',
      'iam:ListAttachedRolePolicies',
      'iam:ListRolePolicies',
      'iam:GetRolePolicy',
      'lambda:InvokeFunction',
    ]);
  });

  it('goes with its parent', async () => {
    const world = setUp({ templates });
    await world.call('CreateStack', createInput());
    const { stackId } = await world.settled('tenant-acme');
    const nested = accessOf(world);
    await world.call('DeleteStack', { StackName: 'tenant-acme' });
    expect((await world.settled(stackId)).status).toBe('DELETE_COMPLETE');
    expect(nested.status).toBe('DELETE_COMPLETE');
    expect(world.iam.role('RoleForInfinStorMlflowService-Acme')).toBeUndefined();
  });

  it('that fails fails its parent with its reason, and is taken away with it', async () => {
    const world = setUp({ templates });
    world.iam.createRole({
      roleName: 'RoleForInfinStorMlflowService-Acme',
      assumeRolePolicyDocument: { Version: '2012-10-17', Statement: [] },
    });
    await world.call('CreateStack', createInput());
    const stack = await world.settled('tenant-acme');
    const nested = accessOf(world);
    expect(stack.status).toBe('ROLLBACK_COMPLETE');
    const failure = stack.events.find(({ ResourceStatus }) => ResourceStatus === 'CREATE_FAILED');
    expect(failure).toMatchObject({ LogicalResourceId: 'Access', PhysicalResourceId: nested.stackId });
    expect(failure?.ResourceStatusReason).toMatch(
      /^Embedded stack arn:\S+ was not successfully created: The following resource\(s\) failed to create: \[Role\]\./,
    );
    expect(statuses(nested).filter((status) => status.startsWith(nested.stackName))).toEqual(
      ['CREATE_IN_PROGRESS', 'ROLLBACK_IN_PROGRESS', 'ROLLBACK_COMPLETE', 'DELETE_IN_PROGRESS', 'DELETE_COMPLETE'].map(
        (status) => `${nested.stackName} ${status}`,
      ),
    );
  });

  it.each<[name: string, template: string | undefined, given: string[], reason: RegExp]>([
    ['needs a capability that was not given', access, ['CAPABILITY_IAM'], /Requires capabilities : \[CAPABILITY_NAMED/],
    [
      'has a macro that was not acknowledged',
      `Transform: Macro\n${access}`,
      ['CAPABILITY_NAMED_IAM'],
      /Requires capabilities : \[CAPABILITY_AUTO_EXPAND\]/,
    ],
    ['lacks a parameter', access.replace('Name:', 'Other:'), ['CAPABILITY_NAMED_IAM'], /\[Name\] do not exist/],
    ['is not there', undefined, ['CAPABILITY_NAMED_IAM'], /S3 error: Access Denied/],
  ])('whose template %s fails, which nobody could see before', async (_, template, Capabilities, reason) => {
    const world = setUp({ templates: { customer: parent, ...(template !== undefined && { access: template }) } });
    expect(await world.call('GetTemplateSummary', { TemplateURL: templateUrl('customer') })).not.toHaveProperty(
      'Capabilities',
    );
    await world.call('CreateStack', createInput({}, { Capabilities }));
    const { events } = await world.settled('tenant-acme');
    const failure = events.find(({ ResourceStatus }) => ResourceStatus === 'CREATE_FAILED');
    expect(failure?.ResourceStatusReason).toMatch(reason);
  });

  it('that fails to go fails the deletion of its parent', async () => {
    const trouble = '  Trouble: { Type: Custom::SandboxTrouble, Properties: { ServiceToken: x } }\nOutputs:';
    const world = setUp({
      templates: { customer: parent, access: access.replace('Outputs:', trouble) },
      removeCustomResource() {
        throw new Error('still in use');
      },
    });
    await world.call('CreateStack', createInput());
    const { stackId } = await world.settled('tenant-acme');
    await world.call('DeleteStack', { StackName: 'tenant-acme' });
    const stack = await world.settled(stackId);
    expect(stack.status).toBe('DELETE_FAILED');
    expect(accessOf(world).status).toBe('DELETE_FAILED');
  });
});

describe('an update of a nested stack', () => {
  const renamed = access.replace('RoleForInfinStorMlflowService-', 'Other-');
  const updateParent = (world: ReturnType<typeof setUp>, url: string) =>
    world.call('UpdateStack', createInput({}, { TemplateURL: templateUrl(url) }));
  const next = { next: parent.replace(templateUrl('access'), templateUrl('renamed')), renamed };

  it("brings it to its template, and gives its parent's resources its new outputs", async () => {
    const world = setUp({ templates: { ...templates, ...next } });
    await world.call('CreateStack', createInput());
    await world.settled('tenant-acme');
    const before = accessOf(world).stackId;
    await updateParent(world, 'next');
    const stack = await world.settled('tenant-acme');
    expect(stack.status).toBe('UPDATE_COMPLETE');
    const nested = accessOf(world);
    expect(nested).toMatchObject({ stackId: before, status: 'UPDATE_COMPLETE', roleArn: world.serviceRole.arn });
    expect(world.calls.map(({ properties }) => properties.RoleArn)).toEqual([
      expect.stringMatching(/RoleForInfinStorMlflowService-Acme$/),
      world.iam.role('Other-Acme')?.arn,
    ]);
    expect(world.accesses.map(({ access: { action } }) => action)).toContain('cloudformation:UpdateStack');
  });

  it('leaves alone one whose template is the same', async () => {
    const world = setUp({
      templates: { ...templates, same: parent.replace('ServiceToken: x', 'ServiceToken: x, A: b') },
    });
    await world.call('CreateStack', createInput());
    await world.settled('tenant-acme');
    await updateParent(world, 'same');
    const stack = await world.settled('tenant-acme');
    expect(statuses(stack).slice(-6)).toEqual([
      'Access UPDATE_IN_PROGRESS',
      'Access UPDATE_COMPLETE',
      'Subscriber UPDATE_IN_PROGRESS',
      'Subscriber UPDATE_COMPLETE',
      'tenant-acme UPDATE_COMPLETE_CLEANUP_IN_PROGRESS',
      'tenant-acme UPDATE_COMPLETE',
    ]);
    expect(accessOf(world).status).toBe('CREATE_COMPLETE');
  });

  it('is taken back with its parent, and says why in the words of its own', async () => {
    const broken = renamed.replace('AssumeRolePolicyDocument:', 'Unknown: 1\n      AssumeRolePolicyDocument:');
    const world = setUp({ templates: { ...templates, ...next, renamed: broken } });
    await world.call('CreateStack', createInput());
    await world.settled('tenant-acme');
    await updateParent(world, 'next');
    const { status, events } = await world.settled('tenant-acme');
    expect(status).toBe('UPDATE_ROLLBACK_COMPLETE');
    const nested = accessOf(world);
    expect(nested.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(events.find(({ ResourceStatus }) => ResourceStatus === 'UPDATE_FAILED')?.ResourceStatusReason).toBe(
      `Embedded stack ${nested.stackId} was not successfully updated. Currently in UPDATE_ROLLBACK_IN_PROGRESS with reason: The following resource(s) failed to update: [Role].`,
    );
    expect(world.iam.role('RoleForInfinStorMlflowService-Acme')).toBeDefined();
  });
});

describe('a change set of a stack that nests others', () => {
  const renamed = access.replace('RoleForInfinStorMlflowService-', 'Other-');
  const next = { next: parent.replace(templateUrl('access'), templateUrl('renamed')), renamed };
  const described = v.looseObject({
    ChangeSetId: v.string(),
    Changes: v.array(v.object({ ResourceChange: v.looseObject({ ChangeSetId: v.optional(v.string()) }) })),
  });

  /** Describes the change set that brings a stack of these templates to that at a URL. */
  async function changeSet(world: ReturnType<typeof setUp>, url: string) {
    await world.call('CreateStack', createInput());
    await world.settled('tenant-acme');
    const { StackName, ...input } = createInput({}, { TemplateURL: templateUrl(url) });
    await world.call('CreateChangeSet', { StackName, ChangeSetName: 'next', IncludeNestedStacks: 'true', ...input });
    await world.clock.quiet();
    return v.parse(described, await world.call('DescribeChangeSet', { StackName, ChangeSetName: 'next' }));
  }

  it('has change sets of those, which go with it', async () => {
    const world = setUp({ templates: { ...templates, ...next } });
    const root = await changeSet(world, 'next');
    expect(root).toMatchObject({ Status: 'CREATE_COMPLETE', IncludeNestedStacks: true });
    const id = root.Changes.map(({ ResourceChange }) => ResourceChange.ChangeSetId)[0];
    const which = { ChangeSetName: id, StackName: accessOf(world).stackId };
    expect(await world.call('DescribeChangeSet', which)).toMatchObject({
      ...{ ParentChangeSetId: root.ChangeSetId, RootChangeSetId: root.ChangeSetId, ExecutionStatus: 'AVAILABLE' },
      Changes: [
        { ResourceChange: { LogicalResourceId: 'Role', Replacement: 'True', PolicyAction: 'ReplaceAndDelete' } },
      ],
    });
    await expect(world.call('ExecuteChangeSet', which)).rejects.toThrow(/is nested/);
    await expect(world.call('DeleteChangeSet', which)).rejects.toThrow(/is nested/);
    await world.call('ExecuteChangeSet', { ChangeSetName: root.ChangeSetId });
    expect((await world.settled('tenant-acme')).status).toBe('UPDATE_COMPLETE');
    expect(await world.call('DescribeChangeSet', which)).toMatchObject({ ExecutionStatus: 'EXECUTE_COMPLETE' });
    await world.call('DeleteChangeSet', { ChangeSetName: root.ChangeSetId });
    await expect(world.call('DescribeChangeSet', which)).rejects.toMatchObject({ code: 'ChangeSetNotFound' });
  });

  it('is empty when nothing changes in any of them', async () => {
    expect(await changeSet(setUp({ templates }), 'customer')).toMatchObject({
      Status: 'FAILED',
      StatusReason: expect.stringMatching(/^The submitted information didn't contain changes/),
    });
  });

  it('fails with the one of a template that is wrong', async () => {
    const broken = access.replace('Type: AWS::IAM::Role', 'Type: AWS::Unknown::Thing');
    const world = setUp({ templates: { ...templates, ...next, renamed: broken } });
    expect(await changeSet(world, 'next')).toMatchObject({
      Status: 'FAILED',
      StatusReason: expect.stringMatching(
        /^Nested change set arn:.+ was not successfully created: Currently in FAILED\.$/,
      ),
      ExecutionStatus: 'UNAVAILABLE',
      Changes: [],
    });
    expect(await world.call('ListChangeSets', { StackName: accessOf(world).stackId })).toMatchObject({
      Summaries: [{ Status: 'FAILED', StatusReason: expect.stringContaining('AWS::Unknown::Thing') }],
    });
  });
});
