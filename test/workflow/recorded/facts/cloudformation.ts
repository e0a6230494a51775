import { answered, call, fact, type RecordedTest, type Recordings, refused } from '../fact.ts';

const bucketTemplate = (name: string, more: object = {}) =>
  JSON.stringify({ Resources: { Bucket: { Type: 'AWS::S3::Bucket', Properties: { BucketName: name } } }, ...more });
const error = (message: string) => refused('ValidationError', message);
const formatError = (message: string) => error(`Template format error: ${message}`);
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
const protection = { EnableTerminationProtection: false };
const afterAll = { afterAll: true };

/** What is wrong with a template, at CreateStack. */
const wrongTemplate = (
  test: string,
  date: string,
  key: string,
  template: object | string,
  expected: ReturnType<typeof error>,
): RecordedTest => ({
  test,
  date,
  steps: [
    fact(
      key,
      'CreateStack',
      {
        StackName: `wrong-${test.replace(/[^a-zA-Z0-9]+/g, '-')}a`,
        TemplateBody: typeof template === 'string' ? template : JSON.stringify(template),
      },
      expected,
    ),
  ],
});
const Bucket = { Type: 'AWS::S3::Bucket' };
const outputs = (name: string, Outputs: object, message: string) =>
  wrongTemplate(
    `test_invalid_output_structure[${name}]`,
    '2024-05-31',
    'validation-error',
    { Resources: { Bucket }, Outputs },
    error(message),
  );
const unresolved = (name: string, place: string) =>
  error(
    `${place === 'Outputs' ? '' : 'Template format error: '}Unresolved resource dependencies [${name}] in the ${place} block of the template`,
  );

export const cloudformation: Recordings = {
  service: 'cloudformation',
  file: 'cloudformation/api/test_stacks.snapshot.json and others beside it',
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
        call('DeleteStack', { StackName: 'conflicts' }),
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
        call('UpdateTerminationProtection', { StackName: 'protected', EnableTerminationProtection: false }),
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
    wrongTemplate(
      'test_linting_error_during_creation',
      '2022-11-11',
      'error',
      { Resources: '', Outputs: '' },
      formatError('Any Resources member must be an object.'),
    ),
    wrongTemplate(
      'test_missing_resources_block',
      '2024-05-31',
      'validation-error',
      { Parameters: {} },
      formatError('At least one Resources member must be defined.'),
    ),
    wrongTemplate(
      'test_resources_blocks[missing-type]',
      '2024-05-31',
      'validation-error',
      { Resources: { A: {} } },
      formatError('[/Resources/A] Every Resources object must contain a Type member.'),
    ),
    wrongTemplate(
      'test_resources_blocks[invalid-key]',
      '2024-05-31',
      'validation-error',
      { Resources: { A: { ...Bucket, Invalid: {} } } },
      error("Invalid template resource property 'Invalid'"),
    ),
    outputs(
      'none-value',
      { MyOutput: { Value: null } },
      "[/Outputs/MyOutput/Value] 'null' values are not allowed in templates",
    ),
    outputs(
      'missing-def',
      { MyOutput: { Value: null, AnotherValue: null } },
      "[/Outputs/MyOutput/Value] 'null' values are not allowed in templates",
    ),
    outputs(
      'multiple-nones',
      { MyOutput: {} },
      'Template format error: Every Outputs member must contain a Value object',
    ),
    wrongTemplate(
      'test_create_stack_invalid_yaml_template_should_fail',
      '2025-11-13',
      'create-invalid-yaml',
      'Resources:\n  A: [',
      formatError('YAML not well-formed.'),
    ),
    wrongTemplate(
      'test_using_pseudoparameters_in_places[resource]',
      '2025-09-11',
      'error',
      { Resources: { 'AWS::NoValue': Bucket } },
      formatError('Resource name AWS::NoValue is non alphanumeric.'),
    ),
    wrongTemplate(
      'test_using_pseudoparameters_in_places[parameter]',
      '2025-09-11',
      'error',
      { Parameters: { 'AWS::NoValue': { Type: 'String' } }, Resources: { Bucket } },
      formatError('Parameter name AWS::NoValue is non alphanumeric.'),
    ),
    wrongTemplate(
      'TestDependsOn::test_depends_on_with_missing_reference',
      '2023-07-10',
      'depends_on_nonexisting_exception',
      { Resources: { Bucket: { ...Bucket, DependsOn: 'NonExistingResource' } } },
      unresolved('NonExistingResource', 'Resources'),
    ),
    wrongTemplate(
      'test_useful_error_when_invalid_ref',
      '2024-05-28',
      'validation_error',
      { Resources: { Bucket: { ...Bucket, Properties: { BucketName: { Ref: 'InvalidRef' } } } } },
      unresolved('InvalidRef', 'Resources'),
    ),
    wrongTemplate(
      'TestCloudFormationConditions::test_output_reference_to_skipped_resource',
      '2023-06-26',
      'unresolved_resource_reference_exception',
      {
        Conditions: { No: { 'Fn::Equals': ['a', 'b'] } },
        Resources: { Other: Bucket, MyTopic: { ...Bucket, Condition: 'No' } },
        Outputs: { Out: { Value: { Ref: 'MyTopic' } } },
      },
      unresolved('MyTopic', 'Outputs'),
    ),
    wrongTemplate(
      'TestChangeSetFnGetAttr::test_invalid_structure[getatt_validation.yml]',
      '2025-10-08',
      'error',
      { Resources: { Bucket }, Outputs: { Out: { Value: { 'Fn::GetAtt': ['Bucket'] } } } },
      error(
        'Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute',
      ),
    ),
    wrongTemplate(
      'TestValidateConditions::test_validate_equals_args_len',
      '2025-10-08',
      'error',
      { Conditions: { C: { 'Fn::Equals': ['a'] } }, Resources: { Bucket } },
      error('Template error: every Fn::Equals object requires a list of 2 string parameters.'),
    ),
    wrongTemplate(
      'TestSplitValidations::test_validate_split_arguments_len',
      '2025-10-08',
      'validation',
      { Resources: { Bucket: { ...Bucket, Properties: { BucketName: { 'Fn::Split': { Ref: 'AWS::Region' } } } } } },
      error(
        'Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function that returns a string to be split.',
      ),
    ),
    wrongTemplate(
      'TestMacros::test_to_validate_template_limit_for_macro',
      '2023-01-30',
      'error_response',
      `Description: ${'a'.repeat(51_200)}`,
      error(
        "1 validation error detected: Value '<template-body>' at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to 51200",
      ),
    ),
    {
      test: 'test_no_template_error',
      date: '2022-11-21',
      steps: [
        fact(
          'error',
          'CreateStack',
          { StackName: 'no-template' },
          error('Either Template URL or Template Body must be specified.'),
        ),
      ],
    },
    {
      test: 'test_create_stack_from_s3_template_url[http_invalid]',
      date: '2023-10-10',
      steps: [
        fact(
          'create-error',
          'CreateStack',
          { StackName: 'bad-url', TemplateURL: 'http://example.com/template.yaml' },
          error('TemplateURL must be a supported URL.'),
        ),
      ],
    },
    {
      test: 'test_create_stack_from_s3_template_url[s3_url]',
      date: '2023-10-10',
      steps: [
        fact(
          'create-error',
          'CreateStack',
          { StackName: 's3-url', TemplateURL: 's3://bucket/template.yaml' },
          error('S3 error: Domain name specified in bucket is not a valid S3 domain'),
        ),
      ],
    },
    {
      test: 'test_get_template_missing_resources_stack',
      date: '2025-09-12',
      steps: [
        fact(
          'stack-error',
          'GetTemplate',
          { StackName: 'does-not-exist' },
          error('Stack with id does-not-exist does not exist'),
        ),
      ],
    },
    {
      test: 'test_get_template_no_arguments',
      date: '2025-11-13',
      steps: [
        fact('stack-error', 'GetTemplate', {}, error('StackName is required if ChangeSetName is not specified.')),
      ],
    },
    {
      test: 'test_get_template_summary_no_resources',
      date: '2025-10-07',
      steps: [
        fact(
          'error',
          'GetTemplateSummary',
          { TemplateBody: JSON.stringify({ Parameters: {} }) },
          formatError('At least one Resources member must be defined.'),
        ),
      ],
    },
    {
      test: 'test_get_template_summary',
      date: '2023-05-24',
      steps: [
        fact(
          'template-summary',
          'GetTemplateSummary',
          {
            TemplateBody: JSON.stringify({
              AWSTemplateFormatVersion: '2010-09-09',
              Metadata: { TopicName: 'simple' },
              Resources: { topic123: Bucket },
            }),
          },
          answered({
            Metadata: '<metadata>',
            Parameters: [],
            ResourceIdentifierSummaries: '<by type>',
            ResourceTypes: ['AWS::S3::Bucket'],
            Version: '2010-09-09',
          }),
        ),
      ],
    },
    {
      test: 'TestChangeSetParameters::test_invalid_parameter_type',
      date: '2025-10-06',
      steps: [
        fact(
          'error',
          'CreateStack',
          {
            StackName: 'no-number',
            TemplateBody: JSON.stringify({ Parameters: { Value: { Type: 'Number' } }, Resources: { Bucket } }),
            Parameters: [{ ParameterKey: 'Value', ParameterValue: 'text' }],
          },
          error("Parameter 'Value' must be a number."),
        ),
      ],
    },
  ],
};
