import { answered, fact, type RecordedTest, type Recordings, refused } from '../fact.ts';

// Some are recorded of CreateChangeSet, which checks templates in the same way. A bucket stands for a topic or a parameter.

const error = (message: string) => refused('ValidationError', message);
const formatError = (message: string) => error(`Template format error: ${message}`);
/** What is wrong with a template, at CreateStack. */
const wrongTemplate = (
  file: string,
  test: string,
  date: string,
  key: string,
  template: object | string,
  expected: ReturnType<typeof error>,
): RecordedTest => ({
  test,
  file,
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
    'cloudformation/api/test_validations.snapshot.json',
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

export const templates: Recordings = {
  service: 'cloudformation',
  file: 'cloudformation/api/test_templates.snapshot.json',
  tests: [
    wrongTemplate(
      'cloudformation/api/test_stacks.snapshot.json',
      'test_linting_error_during_creation',
      '2022-11-11',
      'error',
      { Resources: '', Outputs: '' },
      formatError('Any Resources member must be an object.'),
    ),
    wrongTemplate(
      'cloudformation/api/test_validations.snapshot.json',
      'test_missing_resources_block',
      '2024-05-31',
      'validation-error',
      { Parameters: {} },
      formatError('At least one Resources member must be defined.'),
    ),
    wrongTemplate(
      'cloudformation/api/test_validations.snapshot.json',
      'test_resources_blocks[missing-type]',
      '2024-05-31',
      'validation-error',
      { Resources: { A: {} } },
      formatError('[/Resources/A] Every Resources object must contain a Type member.'),
    ),
    wrongTemplate(
      'cloudformation/api/test_validations.snapshot.json',
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
      'cloudformation/api/test_templates.snapshot.json',
      'test_create_stack_invalid_yaml_template_should_fail',
      '2025-11-13',
      'create-invalid-yaml',
      'Resources:\n  A: [',
      formatError('YAML not well-formed.'),
    ),
    wrongTemplate(
      'cloudformation/api/test_changesets.snapshot.json',
      'test_using_pseudoparameters_in_places[resource]',
      '2025-09-11',
      'error',
      { Resources: { 'AWS::NoValue': Bucket } },
      formatError('Resource name AWS::NoValue is non alphanumeric.'),
    ),
    wrongTemplate(
      'cloudformation/api/test_changesets.snapshot.json',
      'test_using_pseudoparameters_in_places[parameter]',
      '2025-09-11',
      'error',
      { Parameters: { 'AWS::NoValue': { Type: 'String' } }, Resources: { Bucket } },
      formatError('Parameter name AWS::NoValue is non alphanumeric.'),
    ),
    wrongTemplate(
      'cloudformation/engine/test_references.snapshot.json',
      'TestDependsOn::test_depends_on_with_missing_reference',
      '2023-07-10',
      'depends_on_nonexisting_exception',
      { Resources: { Bucket: { ...Bucket, DependsOn: 'NonExistingResource' } } },
      unresolved('NonExistingResource', 'Resources'),
    ),
    wrongTemplate(
      'cloudformation/engine/test_references.snapshot.json',
      'test_useful_error_when_invalid_ref',
      '2024-05-28',
      'validation_error',
      { Resources: { Bucket: { ...Bucket, Properties: { BucketName: { Ref: 'InvalidRef' } } } } },
      unresolved('InvalidRef', 'Resources'),
    ),
    wrongTemplate(
      'cloudformation/engine/test_conditions.snapshot.json',
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
      'cloudformation/test_change_set_fn_get_attr.snapshot.json',
      'TestChangeSetFnGetAttr::test_invalid_structure[getatt_validation.yml]',
      '2025-10-08',
      'error',
      { Resources: { Bucket }, Outputs: { Out: { Value: { 'Fn::GetAtt': ['Bucket'] } } } },
      error(
        'Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute',
      ),
    ),
    wrongTemplate(
      'cloudformation/engine/test_conditions.snapshot.json',
      'TestValidateConditions::test_validate_equals_args_len',
      '2025-10-08',
      'error',
      { Conditions: { C: { 'Fn::Equals': ['a'] } }, Resources: { Bucket } },
      error('Template error: every Fn::Equals object requires a list of 2 string parameters.'),
    ),
    wrongTemplate(
      'cloudformation/test_change_set_fn_split.snapshot.json',
      'TestSplitValidations::test_validate_split_arguments_len',
      '2025-10-08',
      'validation',
      { Resources: { Bucket: { ...Bucket, Properties: { BucketName: { 'Fn::Split': { Ref: 'AWS::Region' } } } } } },
      error(
        'Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function that returns a string to be split.',
      ),
    ),
    wrongTemplate(
      'cloudformation/test_template_engine.snapshot.json',
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
      file: 'cloudformation/api/test_update_stack.snapshot.json',
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
      file: 'cloudformation/api/test_templates.snapshot.json',
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
      file: 'cloudformation/api/test_templates.snapshot.json',
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
      file: 'cloudformation/api/test_templates.snapshot.json',
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
      file: 'cloudformation/api/test_templates.snapshot.json',
      date: '2025-11-13',
      steps: [
        fact('stack-error', 'GetTemplate', {}, error('StackName is required if ChangeSetName is not specified.')),
      ],
    },
    {
      test: 'test_get_template_summary_no_resources',
      file: 'cloudformation/api/test_templates.snapshot.json',
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
      file: 'cloudformation/api/test_templates.snapshot.json',
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
      file: 'cloudformation/test_change_set_parameters.snapshot.json',
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
