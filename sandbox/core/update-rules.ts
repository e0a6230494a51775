import * as v from 'valibot';

type Properties = Readonly<Record<string, unknown>>;

/**
 * How CloudFormation updates a resource: a change of a create-only property replaces it, of any other one it is updated in place. From
 * `createOnlyProperties` of the schemas that AWS publishes in the CloudFormation registry, read on 2026-11-30 in the copies of
 * localstack/localstack (`resource_providers/*.schema.json`) and pulumi/pulumi-aws-native (`aws-cloudformation-schema/`); of the
 * types that have no schema (`AWS::IAM::Policy`) and of a table's keys from "Update requires" in the template reference.
 */
export interface UpdateRule {
  createOnly: readonly string[];
  /** Another change that replaces it, by the new and the old properties. */
  replaces?: (properties: Properties, old: Properties) => boolean;
  /**
   * What may replace it, or not, which a change set does not know before: `conditionalCreateOnlyProperties` of the schemas, and of a
   * table's attributes what stands in the template reference.
   */
  conditional?: readonly string[] | 'all';
  /** The property that names it: two cannot have one name, so that a replacement needs another. */
  name?: string;
  /** Whether it gets the tags of its stack (`tagging.taggable` of its schema). */
  isTagged?: boolean;
}

const attributes = v.object({
  AttributeDefinitions: v.array(v.looseObject({ AttributeName: v.string(), AttributeType: v.string() })),
});

/** "AttributeDefinitions" of a table in the template reference: to edit one replaces the table, to add one for an index does not. */
function editsAttribute(properties: Properties, old: Properties): boolean {
  const [wanted, had] = [v.safeParse(attributes, properties), v.safeParse(attributes, old)];
  // What is no definition is refused by the table itself.
  if (!wanted.success || !had.success) return false;
  const types = new Map(had.output.AttributeDefinitions.map((each) => [each.AttributeName, each.AttributeType]));
  return wanted.output.AttributeDefinitions.some(
    ({ AttributeName, AttributeType }) => (types.get(AttributeName) ?? AttributeType) !== AttributeType,
  );
}

/** A type that is not here is not updated: the sandbox refuses that by name. */
export const updateRules: Readonly<Record<string, UpdateRule>> = {
  'AWS::ApiGatewayV2::Api': { createOnly: ['ProtocolType'] },
  'AWS::ApiGatewayV2::Integration': { createOnly: ['ApiId'] },
  'AWS::ApiGatewayV2::Route': { createOnly: ['ApiId'] },
  'AWS::ApiGatewayV2::Stage': { createOnly: ['ApiId', 'StageName'] },
  'AWS::CloudWatch::Alarm': { createOnly: ['AlarmName'], name: 'AlarmName' },
  'AWS::CloudWatch::CompositeAlarm': { createOnly: ['AlarmName'], name: 'AlarmName' },
  'AWS::CloudWatch::Dashboard': { createOnly: ['DashboardName'], name: 'DashboardName' },
  'AWS::CloudFormation::Stack': { createOnly: [], isTagged: true },
  'AWS::DynamoDB::Table': {
    createOnly: ['TableName', 'KeySchema'],
    replaces: editsAttribute,
    conditional: ['KeySchema', 'AttributeDefinitions'],
    name: 'TableName',
    isTagged: true,
  },
  'AWS::Events::EventBus': { createOnly: ['Name'], name: 'Name' },
  'AWS::Events::EventBusPolicy': { createOnly: ['EventBusName', 'StatementId'] },
  'AWS::Events::Rule': { createOnly: ['Name', 'EventBusName'], conditional: ['EventBusName'], name: 'Name' },
  'AWS::IAM::ManagedPolicy': { createOnly: ['ManagedPolicyName', 'Description'], name: 'ManagedPolicyName' },
  'AWS::IAM::Policy': { createOnly: [] },
  'AWS::IAM::Role': { createOnly: ['RoleName', 'Path'], name: 'RoleName', isTagged: true },
  'AWS::Lambda::EventInvokeConfig': { createOnly: ['FunctionName', 'Qualifier'] },
  'AWS::Lambda::Function': { createOnly: ['FunctionName'], name: 'FunctionName', isTagged: true },
  'AWS::Lambda::Permission': { createOnly: ['FunctionName', 'Action', 'Principal', 'SourceArn'] },
  'AWS::Logs::LogGroup': { createOnly: ['LogGroupName'], name: 'LogGroupName', isTagged: true },
  'AWS::Logs::QueryDefinition': { createOnly: [] },
  'AWS::S3::Bucket': { createOnly: ['BucketName'], name: 'BucketName', isTagged: true },
  'AWS::S3::BucketPolicy': { createOnly: ['Bucket'] },
  'AWS::SNS::Subscription': { createOnly: ['Endpoint', 'Protocol', 'TopicArn'] },
  'AWS::SNS::Topic': { createOnly: ['TopicName'], name: 'TopicName' },
  'AWS::SNS::TopicPolicy': { createOnly: [] },
  'AWS::SQS::Queue': { createOnly: ['QueueName'], name: 'QueueName', isTagged: true },
  'AWS::SecretsManager::Secret': { createOnly: ['Name'], name: 'Name', isTagged: true },
  'AWS::SQS::QueuePolicy': { createOnly: [] },
  'AWS::StepFunctions::StateMachine': {
    createOnly: ['StateMachineName', 'StateMachineType'],
    name: 'StateMachineName',
    isTagged: true,
  },
  // What a custom resource does is its own business: it is another one when it answers with another physical id.
  'Custom::*': { createOnly: [], conditional: 'all' },
};

/** How resources of a type are updated. */
export function updateRuleOf(type: string): UpdateRule | undefined {
  const name = type.startsWith('Custom::') ? 'Custom::*' : type;
  return Object.hasOwn(updateRules, name) ? updateRules[name] : undefined;
}
