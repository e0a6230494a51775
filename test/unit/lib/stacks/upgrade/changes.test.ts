import type { ResourceChange, ResourceChangeDetail } from '@aws-sdk/client-cloudformation';
import { describe, expect, it } from 'vitest';
import { customResourcesCalled, lossesIn } from '../../../../../lib/stacks/upgrade/changes.ts';

const subscriber = (Details: ResourceChangeDetail[], more: ResourceChange = {}): ResourceChange => ({
  ...{ LogicalResourceId: 'Subscriber', ResourceType: 'Custom::InfinStorSubscriber', Action: 'Modify', Details },
  ...more,
});
const detail = (Evaluation: 'Static' | 'Dynamic', more: ResourceChangeDetail = {}): ResourceChangeDetail => ({
  Evaluation,
  Target: { Attribute: 'Properties', Name: 'RoleArn' },
  ...more,
});
const ofRole = detail('Dynamic', { ChangeSource: 'ResourceAttribute', CausingEntity: 'ServiceRole.Arn' });
const role = (Replacement: 'True' | 'False'): ResourceChange => ({
  ...{ LogicalResourceId: 'ServiceRole', ResourceType: 'AWS::IAM::Role', Action: 'Modify', Replacement },
});
const called = (...changes: ResourceChange[]) =>
  customResourcesCalled(changes.map((ResourceChange) => ({ Type: 'Resource', ResourceChange })));

describe('the custom resources that an update calls', () => {
  it.each<[string, ResourceChange[]]>([
    ['one that is made', [subscriber([], { Action: 'Add' })]],
    [
      'one of the type of CloudFormation',
      [subscriber([detail('Static')], { ResourceType: 'AWS::CloudFormation::CustomResource' })],
    ],
    ['one with another value', [subscriber([detail('Static')])]],
    ['one that refers to what is replaced, wherever that stands', [subscriber([ofRole]), role('True')]],
  ])('are %s', (_, changes) => {
    expect(called(...changes)).toEqual(['Subscriber']);
  });

  it.each<[string, ResourceChange[]]>([
    ['one that refers to what is changed in place', [role('False'), subscriber([ofRole])]],
    ['one whose metadata change', [subscriber([detail('Static', { Target: { Attribute: 'Metadata' } })])]],
    ['one that is removed', [subscriber([], { Action: 'Remove' })]],
    ['another resource', [role('True')]],
  ])('are not %s', (_, changes) => {
    expect(called(...changes)).toEqual([]);
  });
});

it('a key that a stack removes is a loss, as its data is', () => {
  const ResourceChange = { LogicalResourceId: 'Key', ResourceType: 'AWS::KMS::Key', Action: 'Remove' } as const;
  expect(lossesIn([{ Type: 'Resource', ResourceChange }])).toEqual([
    { path: 'Key', type: 'AWS::KMS::Key', what: 'remove', fate: '' },
  ]);
});
