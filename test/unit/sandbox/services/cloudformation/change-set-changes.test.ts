import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { setUp, templateUrl } from './cloudformation-fixture.ts';

const StackName = 'tenant';
const pageSchema = v.looseObject({
  Changes: v.array(v.object({ ResourceChange: v.looseObject({ LogicalResourceId: v.string() }) })),
  NextToken: v.optional(v.string()),
});

interface Template {
  Resources: Record<string, object>;
  Parameters?: Record<string, object>;
  Conditions?: Record<string, object>;
}

/** What a change set says of each resource that changes, on the way from one template to another. */
async function changes(before: Template, after: Template, first: object = {}, second: object = {}) {
  const world = setUp({
    templates: { inner: JSON.stringify({ Resources: { Queue: queue({ QueueName: 'inner' }) } }) },
  });
  const Capabilities = ['CAPABILITY_NAMED_IAM'];
  await world.call('CreateStack', { StackName, TemplateBody: JSON.stringify(before), Capabilities, ...first });
  expect(await world.settled(StackName)).toMatchObject({ status: 'CREATE_COMPLETE' });
  const which = { StackName, ChangeSetName: 'next' };
  await world.call('CreateChangeSet', { ...which, TemplateBody: JSON.stringify(after), Capabilities, ...second });
  await world.clock.quiet();
  const found: [string, object][] = [];
  let NextToken: string | undefined;
  do {
    const page = v.parse(pageSchema, await world.call('DescribeChangeSet', { ...which, NextToken }));
    expect(page).toMatchObject({ Status: 'CREATE_COMPLETE' });
    for (const { ResourceChange } of page.Changes) {
      const { LogicalResourceId, ...change } = ResourceChange;
      found.push([LogicalResourceId, change]);
    }
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  await world.call('ExecuteChangeSet', which);
  const { status } = await world.settled(StackName);
  return { status, changes: Object.fromEntries(found) };
}

const queue = (Properties: object, rest: object = {}) => ({
  Type: 'AWS::SQS::Queue',
  Properties: { MessageRetentionPeriod: 60, ...Properties },
  ...rest,
});
const bus = (Name: unknown, rest: object = {}) => ({ Type: 'AWS::Events::EventBus', Properties: { Name }, ...rest });
const policyOf = (busName: unknown) => ({
  Type: 'AWS::Events::EventBusPolicy',
  Properties: { EventBusName: busName, StatementId: 'all', Statement: { Effect: 'Allow' } },
});
const table = (more: object) => ({
  Type: 'AWS::DynamoDB::Table',
  Properties: {
    TableName: 'tracking',
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    ...more,
  },
});
const roleFor = (Resource: unknown) => ({
  Type: 'AWS::IAM::Role',
  Properties: {
    RoleName: 'subscriber',
    AssumeRolePolicyDocument: { Statement: [] },
    Policies: [{ PolicyName: 'use', PolicyDocument: { Statement: [{ Effect: 'Allow', Resource }] } }],
  },
});
const detail = (Name: string, RequiresRecreation: string, Evaluation: string, ChangeSource: string, more = {}) => ({
  Target: { Attribute: 'Properties', Name, RequiresRecreation },
  ...{ Evaluation, ChangeSource, ...more },
});
const beside = (Attribute: string) => ({
  Target: { Attribute, RequiresRecreation: 'Never' },
  ...{ Evaluation: 'Static', ChangeSource: 'DirectModification' },
});

describe('a change set', () => {
  it('says of a table in place, and of a role that has its ARN, that neither is replaced', async () => {
    const templates = [{}, { SSESpecification: { SSEEnabled: true } }].map((more) => ({
      Resources: { Table: table(more), Role: roleFor({ 'Fn::GetAtt': ['Table', 'Arn'] }), Other: roleOf('Table') },
    }));
    const [before, after] = templates;
    if (before === undefined || after === undefined) throw new Error('There are two');
    const { changes: found, status } = await changes(before, after);
    expect(status).toBe('UPDATE_COMPLETE');
    expect(found).toEqual({
      Table: {
        ...{ Action: 'Modify', PhysicalResourceId: 'tracking', ResourceType: 'AWS::DynamoDB::Table' },
        ...{ Replacement: 'False', Scope: ['Properties'] },
        Details: [detail('SSESpecification', 'Never', 'Static', 'DirectModification')],
      },
      // Not so the one that has its name.
      Role: {
        ...{ Action: 'Modify', PhysicalResourceId: 'subscriber', ResourceType: 'AWS::IAM::Role' },
        ...{ Replacement: 'False', Scope: ['Properties'] },
        Details: [detail('Policies', 'Never', 'Dynamic', 'ResourceAttribute', { CausingEntity: 'Table.Arn' })],
      },
    });
  });

  it('says of a property that is create-only, and of what refers to the resource, that they are replaced', async () => {
    const template = (name: string) => ({
      Resources: { Bus: bus(name), Policy: policyOf({ Ref: 'Bus' }), Sub: policyOf({ 'Fn::Sub': '${Bus}' }) },
    });
    const { changes: found } = await changes(template('one'), template('two'));
    const reference = { CausingEntity: 'Bus' };
    expect(found).toMatchObject({
      Bus: {
        ...{ PolicyAction: 'ReplaceAndDelete', Replacement: 'True', PhysicalResourceId: 'one' },
        Details: [detail('Name', 'Always', 'Static', 'DirectModification')],
      },
      Policy: {
        ...{ PolicyAction: 'ReplaceAndDelete', Replacement: 'True' },
        Details: [detail('EventBusName', 'Always', 'Static', 'ResourceReference', reference)],
      },
      Sub: { Replacement: 'True' },
    });
  });

  it('does not know whether what depends on a changed attribute is replaced, nor what is only sometimes', async () => {
    const byArn = (seconds: number) => ({
      Resources: {
        Queue: queue({ QueueName: 'one', MessageRetentionPeriod: seconds }),
        Bus: bus({ 'Fn::Join': ['-', ['on', { 'Fn::GetAtt': 'Queue.QueueName' }]] }),
        Custom: { Type: 'Custom::Thing', Properties: { ServiceToken: 'x', seconds } },
        Next: policyOf({ Ref: 'Bus' }),
      },
    });
    const { changes: found } = await changes(byArn(60), byArn(90));
    const attribute = { CausingEntity: 'Queue.QueueName' };
    expect(found).toMatchObject({
      Bus: {
        Replacement: 'Conditional',
        Details: [detail('Name', 'Always', 'Dynamic', 'ResourceAttribute', attribute)],
      },
      Next: {
        Replacement: 'Conditional',
        Details: [detail('EventBusName', 'Always', 'Dynamic', 'ResourceReference', { CausingEntity: 'Bus' })],
      },
      Custom: {
        Replacement: 'Conditional',
        Details: [detail('seconds', 'Conditionally', 'Static', 'DirectModification')],
      },
      Queue: { Replacement: 'False' },
    });
    expect(found.Bus).not.toHaveProperty('PolicyAction');
    const attributes = (AttributeType: string) => ({
      Resources: { Table: table({ AttributeDefinitions: [{ AttributeName: 'pk', AttributeType }] }) },
    });
    const ofTable = await changes(attributes('S'), attributes('N'));
    expect(ofTable.changes).toMatchObject({
      Table: {
        Replacement: 'Conditional',
        Details: [detail('AttributeDefinitions', 'Conditionally', 'Static', 'DirectModification')],
      },
    });
  });

  it('lists what is added and removed, and what of it stays, by logical id', async () => {
    const template = (name: string, more: Record<string, object>) => ({
      Resources: { Zoo: bus(name, { UpdateReplacePolicy: 'Retain' }), ...more },
    });
    const { changes: found, status } = await changes(
      template('one', { Gone: bus('gone'), Kept: bus('kept', { DeletionPolicy: 'Retain' }) }),
      template('two', { New: policyOf({ Ref: 'Zoo' }) }),
    );
    expect(status).toBe('UPDATE_COMPLETE');
    const nothing = { Scope: [], Details: [] };
    expect(Object.keys(found)).toEqual(['Gone', 'Kept', 'New', 'Zoo']);
    expect(found).toMatchObject({
      Gone: { Action: 'Remove', PhysicalResourceId: 'gone', PolicyAction: 'Delete', ...nothing },
      Kept: { Action: 'Remove', PhysicalResourceId: 'kept', PolicyAction: 'Retain', ...nothing },
      Zoo: { PolicyAction: 'ReplaceAndRetain', Replacement: 'True' },
      New: { Action: 'Add', ResourceType: 'AWS::Events::EventBusPolicy', ...nothing },
    });
  });

  it('follows parameters through conditions, and leaves out what has the same value in other words', async () => {
    const template = (name: unknown) => ({
      Parameters: { Long: { Type: 'String', Default: 'no' } },
      Conditions: { IsLong: { 'Fn::Equals': [{ Ref: 'Long' }, 'yes'] } },
      Resources: {
        Queue: queue({ QueueName: 'one', MessageRetentionPeriod: { 'Fn::If': ['IsLong', 90, 60] } }),
        Bus: bus(name),
        Extra: { ...bus('extra'), Condition: 'IsLong' },
      },
    });
    const { changes: found } = await changes(
      template('same'),
      template({ 'Fn::Sub': 'same' }),
      {},
      {
        Parameters: [{ ParameterKey: 'Long', ParameterValue: 'yes' }],
      },
    );
    expect(found).toMatchObject({
      Extra: { Action: 'Add' },
      Queue: { Details: [detail('MessageRetentionPeriod', 'Never', 'Static', 'DirectModification')] },
    });
    expect(found).not.toHaveProperty('Bus');
  });

  it('names what is beside the properties: tags, metadata and policies', async () => {
    const template = (rest: object, more: object = {}) => ({
      Resources: { Queue: queue({ QueueName: 'one' }, rest), Bus: bus('one'), ...more },
    });
    const rest = { Metadata: { a: 'b' }, DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' };
    const Tags = [{ Key: 'team', Value: 'mlops' }];
    const { changes: found } = await changes(template({}), template(rest), {}, { Tags });
    // A bus has no tags of its stack.
    expect(found).toMatchObject({
      Queue: {
        Replacement: 'False',
        Scope: ['Tags', 'Metadata', 'DeletionPolicy', 'UpdateReplacePolicy'],
        Details: ['Tags', 'Metadata', 'DeletionPolicy', 'UpdateReplacePolicy'].map(beside),
      },
    });
    expect(found).not.toHaveProperty('Bus');
  });

  it('cannot see into nested stacks', async () => {
    const template = (more: object) => ({
      Resources: {
        Inner: { Type: 'AWS::CloudFormation::Stack', Properties: { TemplateURL: templateUrl('inner'), ...more } },
      },
    });
    const { changes: same, status } = await changes(template({}), template({}));
    expect(status).toBe('UPDATE_COMPLETE');
    expect(same).toMatchObject({
      Inner: {
        ...{ Action: 'Modify', Replacement: 'False', Scope: ['Properties'] },
        Details: [
          {
            Target: { Attribute: 'Properties', RequiresRecreation: 'Never' },
            ...{ Evaluation: 'Dynamic', ChangeSource: 'Automatic' },
          },
        ],
      },
    });
    const { changes: found } = await changes(template({}), template({ Parameters: {} }));
    expect(found).toMatchObject({
      Inner: { Details: [detail('Parameters', 'Never', 'Static', 'DirectModification')] },
    });
  });
});

function roleOf(logicalId: string) {
  const role = roleFor({ Ref: logicalId });
  return { ...role, Properties: { ...role.Properties, RoleName: 'by-name' } };
}
