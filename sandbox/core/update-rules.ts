/**
 * How CloudFormation updates a resource: a change of a create-only property replaces it, of any other one it is updated in place. From
 * `createOnlyProperties` of the schemas that AWS publishes in the CloudFormation registry, read on 2026-11-30 in the copies of
 * localstack/localstack (`resource_providers/*.schema.json`) and pulumi/pulumi-aws-native (`aws-cloudformation-schema/`); of the
 * types that have no schema (`AWS::IAM::Policy`) and of a table's keys from "Update requires" in the template reference.
 */
export interface UpdateRule {
  createOnly: readonly string[];
  /** The property that names it: two cannot have one name, so that a replacement needs another. */
  name?: string;
}

/** A type that is not here is not updated: the sandbox refuses that by name. */
export const updateRules: Readonly<Record<string, UpdateRule>> = {
  'AWS::ApiGatewayV2::Api': { createOnly: ['ProtocolType'] },
  'AWS::ApiGatewayV2::Integration': { createOnly: ['ApiId'] },
  'AWS::ApiGatewayV2::Route': { createOnly: ['ApiId'] },
  'AWS::ApiGatewayV2::Stage': { createOnly: ['ApiId', 'StageName'] },
  'AWS::DynamoDB::Table': { createOnly: ['TableName', 'KeySchema', 'AttributeDefinitions'], name: 'TableName' },
  'AWS::Events::EventBus': { createOnly: ['Name'], name: 'Name' },
  'AWS::Events::EventBusPolicy': { createOnly: ['EventBusName', 'StatementId'] },
  'AWS::Events::Rule': { createOnly: ['Name', 'EventBusName'], name: 'Name' },
  'AWS::IAM::ManagedPolicy': { createOnly: ['ManagedPolicyName', 'Description'], name: 'ManagedPolicyName' },
  'AWS::IAM::Policy': { createOnly: [] },
  'AWS::IAM::Role': { createOnly: ['RoleName', 'Path'], name: 'RoleName' },
  'AWS::Lambda::EventInvokeConfig': { createOnly: ['FunctionName', 'Qualifier'] },
  'AWS::Lambda::Function': { createOnly: ['FunctionName'], name: 'FunctionName' },
  'AWS::Lambda::Permission': { createOnly: ['FunctionName', 'Action', 'Principal', 'SourceArn'] },
  'AWS::Logs::LogGroup': { createOnly: ['LogGroupName'], name: 'LogGroupName' },
  'AWS::S3::Bucket': { createOnly: ['BucketName'], name: 'BucketName' },
  'AWS::S3::BucketPolicy': { createOnly: ['Bucket'] },
  'AWS::SecretsManager::Secret': { createOnly: ['Name'], name: 'Name' },
  'AWS::SQS::Queue': { createOnly: ['QueueName'], name: 'QueueName' },
  'AWS::SQS::QueuePolicy': { createOnly: [] },
  'AWS::StepFunctions::StateMachine': {
    createOnly: ['StateMachineName', 'StateMachineType'],
    name: 'StateMachineName',
  },
};
