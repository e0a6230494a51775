import { answered, call, fact, type Recordings, refused } from '../fact.ts';

// A bucket stands for a parameter, and for a key pair.

const template = (name: string, more: object = {}) =>
  JSON.stringify({ Resources: { Bucket: { Type: 'AWS::S3::Bucket', Properties: { BucketName: name } } }, ...more });
const error = (message: string) => refused('ValidationError', message);
const afterAll = { afterAll: true };
const create = (StackName: string) => call('CreateStack', { StackName, TemplateBody: template(StackName) });

export const updates: Recordings = {
  service: 'cloudformation',
  file: 'cloudformation/api/test_update_stack.snapshot.json',
  tests: [
    {
      test: 'test_diff_after_update',
      date: '2024-04-09',
      steps: [
        create('diff-after-update'),
        fact(
          'update-error',
          'UpdateStack',
          { StackName: 'diff-after-update', TemplateBody: template('diff-after-update') },
          error('No updates are to be performed.'),
          afterAll,
        ),
      ],
    },
    {
      test: 'test_basic_update',
      date: '2022-11-21',
      steps: [
        create('basic-update'),
        fact(
          'update_response',
          'UpdateStack',
          { StackName: 'basic-update', TemplateBody: template('basic-update-renamed') },
          answered({ StackId: 'arn:aws:cloudformation:us-east-1:111111111111:stack/basic-update/<id>' }),
          afterAll,
        ),
      ],
    },
    {
      test: 'test_update_deleted_stack',
      date: '2025-10-10',
      steps: [
        call('CreateStack', { StackName: 'deleted', TemplateBody: template('deleted') }, { keep: { id: 'StackId' } }),
        call('DeleteStack', { StackName: 'deleted' }, afterAll),
        fact(
          'Error',
          'UpdateStack',
          { StackName: '$id', TemplateBody: template('deleted') },
          error('Stack:$id is in DELETE_COMPLETE state and can not be updated.'),
          afterAll,
        ),
      ],
    },
    {
      test: 'test_stack_resource_not_found',
      file: 'cloudformation/api/test_stacks.snapshot.json',
      date: '2025-01-29',
      steps: [
        create('resource-not-found'),
        fact(
          'Error',
          'DescribeStackResource',
          { StackName: 'resource-not-found', LogicalResourceId: 'NonExistentResource' },
          error('Resource NonExistentResource does not exist for stack resource-not-found'),
          afterAll,
        ),
      ],
    },
    {
      test: 'test_describe_deleted_resource_on_update',
      file: 'cloudformation/api/test_resources.snapshot.json',
      date: '2025-10-16',
      steps: [
        create('deleted-resource'),
        call(
          'UpdateStack',
          {
            StackName: 'deleted-resource',
            TemplateBody: JSON.stringify({
              Resources: { Parameter2: { Type: 'AWS::S3::Bucket', Properties: { BucketName: 'deleted-resource-2' } } },
            }),
          },
          afterAll,
        ),
        fact(
          'error',
          'DescribeStackResource',
          { StackName: 'deleted-resource', LogicalResourceId: 'Bucket' },
          error('Resource Bucket does not exist for stack deleted-resource'),
          afterAll,
        ),
        fact(
          'parameter',
          'DescribeStackResource',
          { StackName: 'deleted-resource', LogicalResourceId: 'Parameter2' },
          answered({
            StackResourceDetail: {
              DriftInformation: { StackResourceDriftStatus: 'NOT_CHECKED' },
              LastUpdatedTimestamp: '(date)',
              LogicalResourceId: 'Parameter2',
              Metadata: '{}',
              PhysicalResourceId: 'deleted-resource-2',
              ResourceStatus: 'CREATE_COMPLETE',
              ResourceType: 'AWS::S3::Bucket',
              StackId: 'arn:aws:cloudformation:us-east-1:111111111111:stack/deleted-resource/<id>',
              StackName: 'deleted-resource',
            },
          }),
        ),
      ],
    },
    {
      test: 'test_validate_template',
      file: 'cloudformation/api/test_templates.snapshot.json',
      date: '2024-06-18',
      steps: [
        fact(
          'validate-template',
          'ValidateTemplate',
          {
            TemplateBody: template('never-made', {
              Parameters: {
                KeyExample: { Type: 'String', Description: 'The EC2 Key Pair to allow SSH access to the instance' },
              },
            }),
          },
          answered({
            Parameters: [
              {
                Description: 'The EC2 Key Pair to allow SSH access to the instance',
                NoEcho: false,
                ParameterKey: 'KeyExample',
              },
            ],
          }),
        ),
      ],
    },
  ],
};
