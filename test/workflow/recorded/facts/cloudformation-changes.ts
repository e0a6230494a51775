import { answered, call, fact, type Recordings } from '../fact.ts';
import {
  added,
  bus,
  changeSet,
  create,
  describe,
  detail,
  first,
  modified,
  queue,
  replaced,
  seconds,
  template,
} from './change-set-steps.ts';

/** A rule that has the ARN of something in its pattern, or what refers to it. */
const forwarding = (logicalId: string, by: 'Fn::GetAtt' | 'Ref' = 'Fn::GetAtt') => ({
  Type: 'AWS::Events::Rule',
  Properties: {
    EventPattern: { source: [by === 'Ref' ? { Ref: logicalId } : { 'Fn::GetAtt': [logicalId, 'Arn'] }] },
    State: 'ENABLED',
  },
});
const chainOf = (retention: number) => ({
  Topic1: queue('chain', retention),
  Topic2: forwarding('Topic1'),
  Topic3: forwarding('Topic2'),
});
const conditional = template(
  {
    SNSTopic: { ...queue('conditional-1'), Condition: 'Yes' },
    TopicPlaceholder: { ...queue('conditional-2'), Condition: 'No' },
  },
  {
    Parameters: { Is: { Type: 'String' } },
    Conditions: { Yes: { 'Fn::Equals': [{ Ref: 'Is' }, 'true'] }, No: { 'Fn::Not': [{ Condition: 'Yes' }] } },
  },
);

export const changes: Recordings = {
  service: 'cloudformation',
  file: 'cloudformation/test_change_sets.snapshot.json',
  tests: [
    {
      test: 'TestCaptureUpdateProcess::test_dynamic_update',
      date: '2025-08-05',
      steps: [
        create('dynamic', template({ Foo: bus('foo-1'), Parameter: queue('dynamic', 60), Tail: forwarding('Foo') })),
        changeSet('dynamic', template({ Foo: bus('foo-2'), Parameter: queue('dynamic', 60), Tail: forwarding('Foo') })),
        describe('describe-change-set-2', 'dynamic', 'next', [
          modified(
            'Foo',
            'AWS::Events::EventBus',
            [detail('Name', 'Always', 'Static', 'DirectModification')],
            replaced,
          ),
          modified('Tail', 'AWS::Events::Rule', [
            detail('EventPattern', 'Never', 'Static', 'ResourceAttribute', { CausingEntity: 'Foo.Arn' }),
          ]),
        ]),
        fact('execute-change-set-2', 'ExecuteChangeSet', { StackName: 'dynamic', ChangeSetName: 'next' }, answered({})),
      ],
    },
    {
      test: 'TestChangeSetFnGetAttr::test_direct_attribute_value_change_in_get_attr_chain',
      file: 'cloudformation/test_change_set_fn_get_attr.snapshot.json',
      date: '2025-04-08',
      steps: [
        create('chain', template(chainOf(60))),
        changeSet('chain', template(chainOf(90))),
        describe('describe-change-set-2', 'chain', 'next', [
          modified('Topic1', 'AWS::SQS::Queue', [seconds('Static', 'DirectModification')]),
          modified('Topic2', 'AWS::Events::Rule', [
            detail('EventPattern', 'Never', 'Dynamic', 'ResourceAttribute', { CausingEntity: 'Topic1.Arn' }),
          ]),
          modified('Topic3', 'AWS::Events::Rule', [
            detail('EventPattern', 'Never', 'Dynamic', 'ResourceAttribute', { CausingEntity: 'Topic2.Arn' }),
          ]),
        ]),
      ],
    },
    {
      test: 'TestChangeSetFnGetAttr::test_resource_deletion',
      file: 'cloudformation/test_change_set_fn_get_attr.snapshot.json',
      date: '2025-04-08',
      steps: [
        create('deletion', template({ Topic1: queue('deletion-1'), Topic2: queue('deletion-2') })),
        changeSet('deletion', template({ Topic1: queue('deletion-1') })),
        describe('describe-change-set-2', 'deletion', 'next', [
          {
            ...{ Action: 'Remove', LogicalResourceId: 'Topic2', ResourceType: 'AWS::SQS::Queue' },
            ...{ PhysicalResourceId: '<id>', PolicyAction: 'Delete', Scope: [], Details: [] },
          },
        ]),
      ],
    },
    {
      test: 'TestChangeSetRef::test_immutable_property_update_causes_resource_replacement',
      file: 'cloudformation/test_change_set_ref.snapshot.json',
      date: '2025-04-08',
      steps: [
        create('immutable', template({ Topic1: bus('immutable-1'), Topic2: forwarding('Topic1', 'Ref') })),
        changeSet('immutable', template({ Topic1: bus('immutable-2'), Topic2: forwarding('Topic1', 'Ref') })),
        describe('describe-change-set-2', 'immutable', 'next', [
          modified(
            'Topic1',
            'AWS::Events::EventBus',
            [detail('Name', 'Always', 'Static', 'DirectModification')],
            replaced,
          ),
          modified('Topic2', 'AWS::Events::Rule', [
            detail('EventPattern', 'Never', 'Static', 'ResourceReference', { CausingEntity: 'Topic1' }),
          ]),
        ]),
      ],
    },
    {
      test: 'TestChangeSetRef::test_direct_attribute_value_change',
      file: 'cloudformation/test_change_set_ref.snapshot.json',
      date: '2025-04-08',
      steps: [
        create('in-place', template({ Topic1: queue('in-place', 60), Topic2: forwarding('Topic1', 'Ref') })),
        changeSet('in-place', template({ Topic1: queue('in-place', 90), Topic2: forwarding('Topic1', 'Ref') })),
        describe('describe-change-set-2', 'in-place', 'next', [
          modified('Topic1', 'AWS::SQS::Queue', [seconds('Static', 'DirectModification')]),
        ]),
      ],
    },
    {
      test: 'TestChangeSetConditions::test_condition_update_removes_resource',
      file: 'cloudformation/test_change_set_conditions.snapshot.json',
      date: '2025-04-15',
      steps: [
        create('conditional', conditional, { Parameters: [{ ParameterKey: 'Is', ParameterValue: 'true' }] }),
        changeSet('conditional', conditional, { Parameters: [{ ParameterKey: 'Is', ParameterValue: 'false' }] }),
        describe(
          'describe-change-set-2',
          'conditional',
          'next',
          [
            {
              ...{ Action: 'Remove', LogicalResourceId: 'SNSTopic', ResourceType: 'AWS::SQS::Queue' },
              ...{ PhysicalResourceId: '<id>', PolicyAction: 'Delete', Scope: [], Details: [] },
            },
            added('TopicPlaceholder'),
          ],
          { Parameters: [{ ParameterKey: 'Is', ParameterValue: 'false' }] },
        ),
      ],
    },
    {
      test: 'TestChangeSetImportExport::test_describe_change_set_import_non_existent_export',
      file: 'cloudformation/test_change_set_exports_imports.snapshot.json',
      date: '2025-08-05',
      steps: [
        call('CreateChangeSet', {
          ...{ StackName: 'importing', ...first },
          TemplateBody: template({ MyFoo: bus({ 'Fn::ImportValue': 'nowhere' }) }),
        }),
        describe('describe', 'importing', 'first', [added('MyFoo', 'AWS::Events::EventBus')]),
      ],
    },
  ],
};
