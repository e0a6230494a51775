import { answered, call, fact } from '../fact.ts';

// A queue stands for a parameter, a topic or metadata of which a property changes in place, an event bus for a topic that gets another name.

export const queue = (name: string, seconds: unknown = 60) => ({
  Type: 'AWS::SQS::Queue',
  Properties: { QueueName: `change-set-${name}`, MessageRetentionPeriod: seconds },
});
export const bus = (Name: unknown, more: object = {}) => ({
  Type: 'AWS::Events::EventBus',
  Properties: { Name },
  ...more,
});
export const template = (Resources: object, more: object = {}) => JSON.stringify({ Resources, ...more });
export const afterAll = { afterAll: true };
export const create = (StackName: string, TemplateBody: string, more: object = {}) =>
  call('CreateStack', { StackName, TemplateBody, ...more }, { keep: { id: 'StackId' } });
export const changeSet = (StackName: string, TemplateBody: string, more: object = {}) =>
  call('CreateChangeSet', { StackName, ChangeSetName: 'next', TemplateBody, ...more }, afterAll);
export const first = { ChangeSetName: 'first', ChangeSetType: 'CREATE' };
export const stackArn = (name: string) => `arn:aws:cloudformation:us-east-1:111111111111:stack/${name}/<id>`;
export const changeSetArn = (name: string) => `arn:aws:cloudformation:us-east-1:111111111111:changeSet/${name}/<id>`;
/** A change set that can be executed, unless it is said otherwise. */
const described = (StackName: string, name: string, changes: readonly object[], more: object = {}) =>
  answered({
    Capabilities: [],
    ChangeSetId: changeSetArn(name),
    ChangeSetName: name,
    Changes: changes.map((ResourceChange) => ({ Type: 'Resource', ResourceChange })),
    CreationTime: '(date)',
    ExecutionStatus: 'AVAILABLE',
    IncludeNestedStacks: false,
    NotificationARNs: [],
    RollbackConfiguration: {},
    StackId: stackArn(StackName),
    StackName,
    Status: 'CREATE_COMPLETE',
    ...more,
  });
export const describe = (
  key: string,
  StackName: string,
  name: string,
  changes: readonly object[],
  more: object = {},
  by: object = { StackName, ChangeSetName: name },
) => fact(key, 'DescribeChangeSet', by, described(StackName, name, changes, more), afterAll);
export const added = (LogicalResourceId: string, ResourceType = 'AWS::SQS::Queue') => ({
  ...{ Action: 'Add', LogicalResourceId, ResourceType },
  ...{ Scope: [], Details: [] },
});
export const modified = (
  LogicalResourceId: string,
  ResourceType: string,
  Details: readonly object[],
  more: object = {},
) => ({
  ...{ Action: 'Modify', LogicalResourceId, ResourceType, PhysicalResourceId: '<id>' },
  ...{ Replacement: 'False', Scope: ['Properties'], Details, ...more },
});
export const replaced = { Replacement: 'True', PolicyAction: 'ReplaceAndDelete' };
export const detail = (
  Name: string,
  RequiresRecreation: string,
  Evaluation: string,
  ChangeSource: string,
  more = {},
) => ({
  Target: { Attribute: 'Properties', Name, RequiresRecreation },
  ...{ Evaluation, ChangeSource, ...more },
});
export const seconds = (Evaluation: string, ChangeSource: string, more = {}) =>
  detail('MessageRetentionPeriod', 'Never', Evaluation, ChangeSource, more);
