import * as v from 'valibot';
import { answered, call, fact, type Recordings, refused } from '../fact.ts';

// Stacks of the recordings are made with change sets: what these add, such as `ChangeSetId`, is left out. A bucket stands for a topic.

const bucketTemplate = (name: string, more: object = {}) =>
  JSON.stringify({ Resources: { Bucket: { Type: 'AWS::S3::Bucket', Properties: { BucketName: name } } }, ...more });
const error = (message: string) => refused('ValidationError', message);
const stack = (StackName: string, StackStatus: string, more: object = {}) => ({
  CreationTime: '(date)',
  DisableRollback: false,
  DriftInformation: { StackDriftStatus: 'NOT_CHECKED' },
  NotificationARNs: [],
  RollbackConfiguration: {},
  StackId: `arn:aws:cloudformation:us-east-1:111111111111:stack/${StackName}/<id>`,
  StackName,
  StackStatus,
  Tags: [],
  ...more,
});
const resource = (LogicalResourceId: string, ResourceType: string, PhysicalResourceId: string) => ({
  DriftInformation: { StackResourceDriftStatus: 'NOT_CHECKED' },
  LastUpdatedTimestamp: '(date)',
  LogicalResourceId,
  PhysicalResourceId,
  ResourceStatus: 'CREATE_COMPLETE',
  ResourceType,
});
const protection = { EnableTerminationProtection: false };
const afterAll = { afterAll: true };

const summaries = v.object({ StackSummaries: v.array(v.looseObject({ StackName: v.string() })) });
const listedStacks = (answer: unknown) =>
  v.parse(summaries, answer).StackSummaries.filter(({ StackName }) => StackName.startsWith('listed-'));

export const cloudformation: Recordings = {
  service: 'cloudformation',
  file: 'cloudformation/api/test_stacks.snapshot.json',
  tests: [
    {
      test: 'TestStacksApi::test_stack_name_creation',
      date: '2023-04-19',
      steps: [
        fact(
          'stack_response',
          'CreateStack',
          { StackName: '*@da591fa3_$', TemplateBody: bucketTemplate('bad-name') },
          error(
            "1 validation error detected: Value '*@da591fa3_$' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*",
          ),
        ),
      ],
    },
    {
      test: 'test_listing_stacks',
      file: 'cloudformation/test_list_stacks.snapshot.json',
      date: '2025-07-24',
      steps: [
        ...['listed-1', 'listed-2', 'listed-3'].map((name) =>
          call('CreateStack', { StackName: name, TemplateBody: bucketTemplate(name) }),
        ),
        fact(
          'stacks',
          'ListStacks',
          {},
          answered(
            ['listed-3', 'listed-2', 'listed-1'].map((name) => ({
              CreationTime: '(date)',
              DriftInformation: { StackDriftStatus: 'NOT_CHECKED' },
              StackId: `arn:aws:cloudformation:us-east-1:111111111111:stack/${name}/<id>`,
              StackName: name,
              StackStatus: 'CREATE_COMPLETE',
            })),
          ),
          { ...afterAll, pick: (answer) => listedStacks(answer) },
        ),
      ],
    },
    {
      test: 'test_name_conflicts',
      date: '2024-03-26',
      steps: [
        call(
          'CreateStack',
          { StackName: 'conflicts', TemplateBody: bucketTemplate('conflicts') },
          { keep: { first: 'StackId' } },
        ),
        fact(
          'create_stack_already_exists_exc',
          'CreateStack',
          { StackName: 'conflicts', TemplateBody: bucketTemplate('conflicts') },
          refused('AlreadyExistsException', 'Stack [conflicts] already exists'),
          afterAll,
        ),
        fact('delete', 'DeleteStack', { StackName: 'conflicts' }, answered({})),
        fact(
          'deleted_stack_not_found_exc',
          'DescribeStacks',
          { StackName: 'conflicts' },
          error('Stack with id conflicts does not exist'),
          afterAll,
        ),
        fact(
          'deleted_stack_events_not_found_by_name',
          'DescribeStackEvents',
          { StackName: 'conflicts' },
          error('Stack [conflicts] does not exist'),
        ),
        fact(
          'deleted_stack_desc',
          'DescribeStacks',
          { StackName: '$first' },
          answered({ Stacks: [stack('conflicts', 'DELETE_COMPLETE', { DeletionTime: '(date)' })] }),
        ),
        call(
          'CreateStack',
          { StackName: 'conflicts', TemplateBody: bucketTemplate('conflicts') },
          { keep: { second: 'StackId' } },
        ),
        fact(
          'new_stack_desc',
          'DescribeStacks',
          { StackName: 'conflicts' },
          answered({ Stacks: [stack('conflicts', 'CREATE_COMPLETE', protection)] }),
          afterAll,
        ),
        fact(
          'stack_id_desc',
          'DescribeStacks',
          { StackName: '$first' },
          answered({ Stacks: [stack('conflicts', 'DELETE_COMPLETE', { DeletionTime: '(date)' })] }),
        ),
        fact(
          'new_stack_id_desc',
          'DescribeStacks',
          { StackName: '$second' },
          answered({ Stacks: [stack('conflicts', 'CREATE_COMPLETE', protection)] }),
        ),
      ],
    },
    {
      test: 'test_describe_stack_events_errors',
      date: '2024-03-26',
      steps: [
        fact(
          'describe_stack_events_stack_not_found',
          'DescribeStackEvents',
          { StackName: 'does-not-exist' },
          error('Stack [does-not-exist] does not exist'),
        ),
      ],
    },
    {
      test: 'test_non_existing_stack_message',
      date: '2025-07-21',
      steps: [fact('Error', 'DescribeStacks', { StackName: 'nowhere' }, error('Stack with id nowhere does not exist'))],
    },
    {
      test: 'test_update_termination_protection',
      date: '2023-01-04',
      steps: [
        call('CreateStack', {
          StackName: 'protected',
          TemplateBody: bucketTemplate('protected'),
          EnableTerminationProtection: true,
        }),
        fact(
          'describe-stack-1',
          'DescribeStacks',
          { StackName: 'protected' },
          answered({ Stacks: [stack('protected', 'CREATE_COMPLETE', { EnableTerminationProtection: true })] }),
          afterAll,
        ),
        fact(
          'update-1',
          'UpdateTerminationProtection',
          { StackName: 'protected', EnableTerminationProtection: false },
          answered('<answer>'),
        ),
        fact(
          'describe-stack-2',
          'DescribeStacks',
          { StackName: 'protected' },
          answered({ Stacks: [stack('protected', 'CREATE_COMPLETE', protection)] }),
        ),
      ],
    },
    {
      test: 'TestStacksApi::test_stack_description_special_chars',
      date: '2025-08-08',
      steps: [
        call('CreateStack', {
          StackName: 'special-chars',
          TemplateBody: bucketTemplate('special-chars', { Description: 'test <env>.test.net' }),
        }),
        fact(
          'describe_stack',
          'DescribeStacks',
          { StackName: 'special-chars' },
          answered({
            Stacks: [stack('special-chars', 'CREATE_COMPLETE', { Description: 'test <env>.test.net', ...protection })],
          }),
          afterAll,
        ),
      ],
    },
    {
      test: 'TestCdkSampleApp::test_cdk_sample',
      file: 'cloudformation/resources/test_cdk.snapshot.json',
      date: '2022-11-04',
      steps: [
        call('CreateStack', { StackName: 'sample', TemplateBody: bucketTemplate('sample') }),
        fact(
          'stack_resources',
          'ListStackResources',
          { StackName: 'sample' },
          answered({
            StackResourceSummaries: [resource('Bucket', 'AWS::S3::Bucket', 'sample')],
          }),
          afterAll,
        ),
      ],
    },
  ],
};
