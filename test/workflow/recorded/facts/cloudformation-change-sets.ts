import { answered, call, fact, type Recordings, refused } from '../fact.ts';
import {
  added,
  afterAll,
  bus,
  changeSet,
  changeSetArn,
  create,
  describe,
  detail,
  first,
  modified,
  queue,
  replaced,
  stackArn,
  template,
} from './change-set-steps.ts';

const simple = (name: string, seconds?: number) => template({ Simple: queue(name, seconds) });
const error = (message: string) => refused('ValidationError', message);
const both = (stack: string, name: string) => answered({ Id: changeSetArn(name), StackId: stackArn(stack) });
const failed = {
  ExecutionStatus: 'UNAVAILABLE',
  Status: 'FAILED',
  StatusReason:
    "The submitted information didn't contain changes. Submit different information to create a change set.",
};
const notFound = (name: string) => refused('ChangeSetNotFound', `ChangeSet [${name}] does not exist`, 404);

export const changeSets: Recordings = {
  service: 'cloudformation',
  file: 'cloudformation/api/test_changesets.snapshot.json',
  tests: [
    {
      test: 'test_create_change_set_update_without_parameters',
      date: '2022-05-31',
      steps: [
        fact(
          'create_change_set',
          'CreateChangeSet',
          { StackName: 'by-change-set', ...first, TemplateBody: simple('by-change-set') },
          both('by-change-set', 'first'),
        ),
        call('ExecuteChangeSet', { StackName: 'by-change-set', ChangeSetName: 'first' }, afterAll),
        changeSet('by-change-set', simple('by-change-set', 90)),
        fact(
          'list_change_set',
          'ListChangeSets',
          { StackName: 'by-change-set' },
          answered({
            Summaries: [
              {
                StackId: stackArn('by-change-set'),
                StackName: 'by-change-set',
                ChangeSetId: changeSetArn('next'),
                ChangeSetName: 'next',
                ExecutionStatus: 'AVAILABLE',
                Status: 'CREATE_COMPLETE',
                CreationTime: '(date)',
                IncludeNestedStacks: false,
              },
            ],
          }),
          afterAll,
        ),
      ],
    },
    {
      test: 'test_empty_changeset',
      date: '2022-08-10',
      steps: [
        call('CreateChangeSet', { StackName: 'empty', ...first, TemplateBody: simple('empty') }),
        describe('describe_first_cs', 'empty', 'first', [added('Simple')]),
        call('ExecuteChangeSet', { StackName: 'empty', ChangeSetName: 'first' }, afterAll),
        call(
          'CreateChangeSet',
          { StackName: 'empty', ChangeSetName: 'next', TemplateBody: simple('empty') },
          { ...afterAll, keep: { changeSet: 'Id' } },
        ),
        describe('describe_nochange', 'empty', 'next', [], failed),
        fact(
          'error_execute_failed',
          'ExecuteChangeSet',
          { StackName: 'empty', ChangeSetName: 'next' },
          refused(
            'InvalidChangeSetStatus',
            'ChangeSet [$changeSet] cannot be executed in its current status of [FAILED]',
          ),
        ),
      ],
    },
    {
      test: 'test_deleted_changeset',
      date: '2022-08-11',
      steps: [
        call(
          'CreateChangeSet',
          { StackName: 'deleted-set', ...first, TemplateBody: simple('deleted-set') },
          { keep: { changeSet: 'Id' } },
        ),
        call('DeleteChangeSet', { StackName: 'deleted-set', ChangeSetName: '$changeSet' }, afterAll),
        fact(
          'postdelete_changeset_notfound',
          'DescribeChangeSet',
          { StackName: 'deleted-set', ChangeSetName: '$changeSet' },
          notFound('$changeSet'),
        ),
      ],
    },
    {
      test: 'test_describe_change_set_nonexisting',
      date: '2025-03-11',
      steps: [
        fact(
          'exception',
          'DescribeChangeSet',
          { StackName: 'somestack', ChangeSetName: 'DoesNotExist' },
          error('Stack [somestack] does not exist'),
        ),
      ],
    },
    {
      test: 'test_delete_change_set_exception',
      date: '2025-07-21',
      steps: [
        fact(
          'e1',
          'DeleteChangeSet',
          { StackName: 'nostack', ChangeSetName: 'DoesNotExist' },
          error('Stack [nostack] does not exist'),
        ),
        fact(
          'e2',
          'DeleteChangeSet',
          { ChangeSetName: 'DoesNotExist' },
          error('StackName must be specified if ChangeSetName is not specified as an ARN.'),
        ),
      ],
    },
    {
      test: 'test_name_conflicts',
      date: '2023-11-22',
      steps: [
        call(
          'CreateChangeSet',
          { StackName: 'repeated-set', ...first, TemplateBody: simple('repeated-set') },
          { keep: { changeSet: 'Id' } },
        ),
        call('ExecuteChangeSet', { StackName: 'repeated-set', ChangeSetName: 'first' }, afterAll),
        fact(
          'create_changeset_existingstack_exc',
          'CreateChangeSet',
          { StackName: 'repeated-set', ...first, TemplateBody: simple('repeated-set') },
          error('Stack [repeated-set] already exists and cannot be created again with the changeSet [first].'),
          afterAll,
        ),
        call('DeleteStack', { StackName: 'repeated-set' }),
        call(
          'CreateChangeSet',
          { StackName: 'repeated-set', ...first, TemplateBody: simple('repeated-set') },
          { ...afterAll, keep: { second: 'Id' } },
        ),
        describe(
          'initial_changeset_id_desc',
          'repeated-set',
          'first',
          [added('Simple')],
          { ExecutionStatus: 'EXECUTE_COMPLETE' },
          { ChangeSetName: '$changeSet' },
        ),
        describe(
          'second_initial_changeset_id_desc',
          'repeated-set',
          'first',
          [added('Simple')],
          {},
          {
            ChangeSetName: '$second',
          },
        ),
      ],
    },
    {
      test: 'test_create_while_in_review',
      date: '2023-11-22',
      steps: [
        call(
          'CreateChangeSet',
          { StackName: 'in-review', ...first, TemplateBody: simple('in-review') },
          { keep: { changeSet: 'Id', id: 'StackId' } },
        ),
        fact(
          'create_stack_while_in_review',
          'CreateStack',
          { StackName: 'in-review', TemplateBody: simple('in-review') },
          answered({ StackId: '$id' }),
          afterAll,
        ),
        describe(
          'describe_change_set',
          'in-review',
          'first',
          [added('Simple')],
          { ExecutionStatus: 'OBSOLETE' },
          {
            ChangeSetName: '$changeSet',
          },
        ),
      ],
    },
    {
      test: 'test_multiple_create_changeset',
      date: '2023-11-28',
      steps: [
        call('CreateChangeSet', { StackName: 'two-sets', ...first, TemplateBody: simple('two-sets') }),
        describe('initial_changeset', 'two-sets', 'first', [added('Simple')]),
        fact(
          'additional_changeset',
          'CreateChangeSet',
          { StackName: 'two-sets', ...first, ChangeSetName: 'second', TemplateBody: simple('two-sets') },
          both('two-sets', 'second'),
        ),
      ],
    },
    {
      test: 'test_create_changeset_for_deleted_stack',
      date: '2025-10-10',
      steps: [
        create('gone', simple('gone')),
        call('DeleteStack', { StackName: 'gone' }, afterAll),
        fact(
          'ErrorForCreate',
          'CreateChangeSet',
          { StackName: '$id', ChangeSetName: 'test', ChangeSetType: 'CREATE', TemplateBody: simple('gone') },
          error('Stack [$id] already exists and cannot be created again with the changeSet [test].'),
          afterAll,
        ),
        fact(
          'ErrorForUpdate',
          'CreateChangeSet',
          { StackName: '$id', ChangeSetName: 'test', TemplateBody: simple('gone') },
          error('Stack:$id is in DELETE_COMPLETE state and can not be updated.'),
        ),
      ],
    },
    {
      test: 'test_changeset_for_deleted_stack',
      date: '2025-10-10',
      steps: [
        create('going', simple('going')),
        call('DeleteStack', { StackName: 'going' }, afterAll),
        fact(
          'ErrorForInProgress',
          'CreateChangeSet',
          { StackName: '$id', ChangeSetName: 'test', TemplateBody: simple('going') },
          error('Stack:$id is in DELETE_IN_PROGRESS state and can not be updated.'),
        ),
      ],
    },
    {
      test: 'test_create_change_set_no_changes',
      date: '2025-09-09',
      steps: [
        create('no-changes', simple('no-changes')),
        changeSet('no-changes', simple('no-changes')),
        describe('change-set-description', 'no-changes', 'next', [], failed),
      ],
    },
    {
      test: 'test_describe_changeset_after_delete',
      date: '2025-09-11',
      steps: [
        call('CreateChangeSet', {
          ...{ StackName: 'after-delete', ...first },
          TemplateBody: template({ Topic: bus({ Ref: 'Name' }) }, { Parameters: { Name: { Type: 'String' } } }),
          Parameters: [{ ParameterKey: 'Name', ParameterValue: 'one' }],
        }),
        call('ExecuteChangeSet', { StackName: 'after-delete', ChangeSetName: 'first' }, afterAll),
        call('DeleteChangeSet', { StackName: 'after-delete', ChangeSetName: 'first' }, afterAll),
        fact(
          'describe-deleted-cs',
          'DescribeChangeSet',
          { StackName: 'after-delete', ChangeSetName: 'first' },
          notFound('first'),
        ),
        changeSet(
          'after-delete',
          template({ Topic: bus({ Ref: 'Name' }) }, { Parameters: { Name: { Type: 'String' } } }),
          {
            Parameters: [{ ParameterKey: 'Name', ParameterValue: 'two' }],
          },
        ),
        describe(
          'describe-2',
          'after-delete',
          'next',
          [
            modified(
              'Topic',
              'AWS::Events::EventBus',
              [
                detail('Name', 'Always', 'Static', 'ParameterReference', { CausingEntity: 'Name' }),
                detail('Name', 'Always', 'Dynamic', 'DirectModification'),
              ],
              replaced,
            ),
          ],
          { Parameters: [{ ParameterKey: 'Name', ParameterValue: 'two' }] },
        ),
      ],
    },
  ],
};
