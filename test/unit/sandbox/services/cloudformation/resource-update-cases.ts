import type { setUp } from './cloudformation-fixture.ts';

type World = ReturnType<typeof setUp>;
export type Resources = Record<string, { Type: string; Properties: object; DependsOn?: string | string[] }>;

interface Case {
  /** What else the resource needs. */
  others?: Resources;
  before: object;
  after: object;
  /** What is there of the resource. */
  look?: (world: World) => unknown;
  /** What is there before the update, after it, and after the deletion; each update is also taken back. */
  seen?: readonly [before: unknown, after: unknown, gone: unknown];
  /** What IAM is asked for the update, and for the deletion. */
  asked: readonly [update: string, deletion: string];
}

const document = (Sid: string) => ({
  Version: '2012-10-17',
  Statement: [{ Sid, Effect: 'Allow', Action: '*', Resource: '*' }],
});
const trust = (Sid: string) => ({
  Version: '2012-10-17',
  Statement: [{ Sid, Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
});
const api = { Api: { Type: 'AWS::ApiGatewayV2::Api', Properties: { Name: 'api', ProtocolType: 'HTTP' } } };
const lambdaRole = 'arn:aws:iam::111111111111:role/lambda-role';
const code = { S3Bucket: 'code', S3Key: 'a/step.zip' };
const lambda = { FunctionName: 'step', Handler: 'dist/step.handler', Role: lambdaRole, Code: code };
const bucket = { Code: { Type: 'AWS::S3::Bucket', Properties: { BucketName: 'code' } } };
const table = (TimeToLiveSpecification: object | undefined) => ({
  TableName: 'registry',
  AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
  KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
  TimeToLiveSpecification,
});
const rule = (source: string) => ({
  Name: 'r',
  EventPattern: { source: [source] },
  Targets: [{ Id: 'a', Arn: 'arn:f' }],
});
const machine = (comment: string) => ({
  StateMachineName: 'machine',
  RoleArn: lambdaRole,
  DefinitionString: JSON.stringify({ Comment: comment, StartAt: 'End', States: { End: { Type: 'Succeed' } } }),
});
const integration = (IntegrationUri: string) => ({
  ApiId: { Ref: 'Api' },
  IntegrationType: 'AWS_PROXY',
  IntegrationUri,
  PayloadFormatVersion: '2.0',
});
const behind = { Behind: { Type: 'AWS::ApiGatewayV2::Integration', Properties: integration('arn:f') } };
const route = (RouteKey: string) => ({
  ApiId: { Ref: 'Api' },
  RouteKey,
  Target: { 'Fn::Join': ['/', ['integrations', { Ref: 'Behind' }]] },
  AuthorizationType: 'AWS_IAM',
});
const stage = (detailed: boolean) => ({
  ApiId: { Ref: 'Api' },
  StageName: '$default',
  AutoDeploy: true,
  DefaultRouteSettings: { DetailedMetricsEnabled: detailed },
});
const invokeConfig = (MaximumRetryAttempts: number) => ({
  FunctionName: 'step',
  Qualifier: '$LATEST',
  MaximumRetryAttempts,
  DestinationConfig: { OnFailure: { Destination: 'arn:queue' } },
});

const alarm = (Threshold: number) => ({
  AlarmName: 'failed',
  Namespace: 'AWS/States',
  MetricName: 'ExecutionsFailed',
  ...{ Statistic: 'Sum', Period: 60, EvaluationPeriods: 1, ComparisonOperator: 'GreaterThanThreshold', Threshold },
});
const alarms = { Failed: { Type: 'AWS::CloudWatch::Alarm', Properties: alarm(0) } };
const dashboard = (markdown: string) => ({
  DashboardName: 'overview',
  DashboardBody: JSON.stringify({ widgets: [{ type: 'text', properties: { markdown } }] }),
});
const topics = { Topic: { Type: 'AWS::SNS::Topic', Properties: { TopicName: 'alarms' } } };
const topicArn = 'arn:aws:sns:us-east-1:111111111111:alarms';
const topicPolicy = (Sid: string) => ({ Topics: [{ Ref: 'Topic' }], PolicyDocument: document(Sid) });
const defaultSid = '__default_statement_ID';
const sidOf = ({ sns }: World) =>
  quietly(() => JSON.stringify(sns.topic(topicArn).policy).match(/"Sid":"([^"]*)"/)?.[1]);

/** Of each type of resource that can be updated in place. */
export const cases: Readonly<Record<string, Case>> = {
  'AWS::ApiGatewayV2::Api': {
    before: { Name: 'a', ProtocolType: 'HTTP' },
    after: { Name: 'b', ProtocolType: 'HTTP' },
    look: ({ httpApi }) => httpApi.deleteApi.mock.calls,
    seen: [[], [], [['api']]],
    asked: ['apigateway:PATCH', 'apigateway:DELETE'],
  },
  'AWS::ApiGatewayV2::Integration': {
    others: api,
    before: integration('arn:f'),
    after: integration('arn:g'),
    look: ({ httpApi }) => [httpApi.setIntegration.mock.lastCall?.[2], httpApi.deleteIntegration.mock.calls.length],
    seen: [
      ['arn:f', 0],
      ['arn:g', 0],
      ['arn:g', 1],
    ],
    asked: ['apigateway:PATCH', 'apigateway:DELETE'],
  },
  'AWS::ApiGatewayV2::Route': {
    others: { ...api, ...behind },
    before: route('GET /a'),
    after: route('GET /b'),
    look: ({ httpApi }) => [httpApi.setRoute.mock.lastCall?.[2].routeKey, httpApi.deleteRoute.mock.calls.length],
    seen: [
      ['GET /a', 0],
      ['GET /b', 0],
      ['GET /b', 1],
    ],
    asked: ['apigateway:PATCH', 'apigateway:DELETE'],
  },
  'AWS::ApiGatewayV2::Stage': {
    others: api,
    before: stage(false),
    after: stage(true),
    asked: ['apigateway:PATCH', 'apigateway:DELETE'],
  },
  'AWS::CloudWatch::Alarm': {
    before: alarm(0),
    after: alarm(1),
    look: ({ cloudWatch }) =>
      cloudWatch.alarms.all().map(({ settings }) => 'Threshold' in settings && settings.Threshold),
    seen: [[0], [1], []],
    asked: ['cloudwatch:PutMetricAlarm', 'cloudwatch:DeleteAlarms'],
  },
  'AWS::CloudWatch::CompositeAlarm': {
    others: alarms,
    before: { AlarmName: 'any', AlarmRule: 'ALARM(failed)' },
    after: { AlarmName: 'any', AlarmRule: 'NOT OK("failed")' },
    look: ({ cloudWatch }) =>
      cloudWatch.alarms.all().map(({ settings }) => 'AlarmRule' in settings && settings.AlarmRule),
    seen: [[false, 'ALARM(failed)'], [false, 'NOT OK("failed")'], [false]],
    asked: ['cloudwatch:PutCompositeAlarm', 'cloudwatch:DeleteAlarms'],
  },
  'AWS::CloudWatch::Dashboard': {
    before: dashboard('a'),
    after: dashboard('b'),
    look: ({ cloudWatch }) => quietly(() => cloudWatch.dashboards.body('overview').match(/"markdown":"(.)"/)?.[1]),
    seen: ['a', 'b', undefined],
    asked: ['cloudwatch:PutDashboard', 'cloudwatch:DeleteDashboards'],
  },
  'AWS::DynamoDB::Table': {
    before: table(undefined),
    after: table({ AttributeName: 'expires', Enabled: true }),
    look: ({ cloudFormation }) => cloudFormation.tables().map(({ timeToLive }) => timeToLive),
    seen: [[undefined], ['expires'], []],
    asked: ['dynamodb:UpdateTimeToLive', 'dynamodb:DeleteTable'],
  },
  'AWS::Events::Rule': {
    before: rule('a'),
    after: rule('b'),
    look({ events, deliver, clock }) {
      deliver.mockClear();
      for (const source of ['a', 'b']) events.publish({ source, 'detail-type': 'x', detail: {} });
      clock.advance(0);
      return deliver.mock.calls.map(([, event]) => event.source);
    },
    seen: [['a'], ['b'], []],
    asked: ['events:PutRule', 'events:DeleteRule'],
  },
  'AWS::Events::EventBusPolicy': {
    before: { EventBusName: 'default', StatementId: 'all', Statement: { Effect: 'Allow' } },
    after: { EventBusName: 'default', StatementId: 'all', Statement: { Effect: 'Deny' } },
    look: ({ events }) => events.busPolicy('default')?.Statement,
    seen: [[{ Sid: 'all', Effect: 'Allow' }], [{ Sid: 'all', Effect: 'Deny' }], undefined],
    asked: ['events:PutPermission', 'events:RemovePermission'],
  },
  'AWS::IAM::ManagedPolicy': {
    before: { ManagedPolicyName: 'boundary', PolicyDocument: document('a') },
    after: { ManagedPolicyName: 'boundary', PolicyDocument: document('b') },
    look: ({ iam }) => quietly(() => iam.managedPolicy('arn:aws:iam::111111111111:policy/boundary')),
    seen: [document('a'), document('b'), undefined],
    asked: ['iam:CreatePolicyVersion', 'iam:DeletePolicy'],
  },
  'AWS::IAM::Policy': {
    before: { PolicyName: 'inline', PolicyDocument: document('a'), Roles: ['lambda-role', 'stack-service-role'] },
    after: { PolicyName: 'renamed', PolicyDocument: document('a'), Roles: ['lambda-role'] },
    look: ({ iam }) =>
      ['lambda-role', 'stack-service-role'].map((name) => [...(iam.role(name)?.policies.keys() ?? [])]),
    seen: [
      [['inline'], ['keys', 'inline']],
      [['renamed'], ['keys']],
      [[], ['keys']],
    ],
    asked: ['iam:PutRolePolicy', 'iam:DeleteRolePolicy'],
  },
  'AWS::IAM::Role': {
    before: {
      RoleName: 'step',
      AssumeRolePolicyDocument: trust('a'),
      Policies: [{ PolicyName: 'one', PolicyDocument: document('a') }],
    },
    after: {
      RoleName: 'step',
      AssumeRolePolicyDocument: trust('b'),
      Policies: [{ PolicyName: 'two', PolicyDocument: document('a') }],
    },
    look({ iam }) {
      const role = iam.role('step');
      return role && [role.assumeRolePolicyDocument, [...role.policies.keys()]];
    },
    seen: [[trust('a'), ['one']], [trust('b'), ['two']], undefined],
    asked: ['iam:UpdateAssumeRolePolicy', 'iam:DeleteRole'],
  },
  'AWS::Lambda::EventInvokeConfig': {
    before: invokeConfig(1),
    after: invokeConfig(2),
    look: ({ invocations }) => [
      invocations.configure.mock.lastCall?.[1].maximumRetryAttempts,
      invocations.forget.mock.calls.length,
    ],
    seen: [
      [1, 0],
      [2, 0],
      [2, 1],
    ],
    asked: ['lambda:PutFunctionEventInvokeConfig', 'lambda:DeleteFunctionEventInvokeConfig'],
  },
  'AWS::Lambda::Function': {
    others: bucket,
    before: { ...lambda, Timeout: 3, Environment: { Variables: { A: '1' } } },
    after: { ...lambda, Timeout: 4, Environment: { Variables: { A: '2' } } },
    look: ({ lambdas }) => [lambdas.add.mock.lastCall?.[0].timeoutSeconds, lambdas.remove.mock.calls.length],
    seen: [
      [3, 0],
      [4, 0],
      [4, 1],
    ],
    asked: ['lambda:UpdateFunctionCode', 'lambda:DeleteFunction'],
  },
  'AWS::Logs::LogGroup': {
    before: { LogGroupName: 'a', RetentionInDays: 30 },
    after: { LogGroupName: 'a', RetentionInDays: 90 },
    look: ({ logs }) => [logs.createLogGroup.mock.lastCall?.[0].retentionInDays, logs.deleteLogGroup.mock.calls.length],
    seen: [
      [30, 0],
      [90, 0],
      [90, 1],
    ],
    asked: ['logs:PutRetentionPolicy', 'logs:DeleteLogGroup'],
  },
  'AWS::Logs::QueryDefinition': {
    before: { Name: 'failures', QueryString: 'fields a' },
    after: { Name: 'failures', QueryString: 'fields b', LogGroupNames: ['/aws/lambda/step'] },
    look: ({ logs }) => [...logs.queryDefinitions.values()].map(({ queryString }) => queryString),
    seen: [['fields a'], ['fields b'], []],
    asked: ['logs:PutQueryDefinition', 'logs:DeleteQueryDefinition'],
  },
  'AWS::SNS::Topic': {
    before: { TopicName: 'alarms', Subscription: [{ Protocol: 'email', Endpoint: 'a@example.com' }] },
    after: {
      TopicName: 'alarms',
      Subscription: [{ Protocol: 'email', Endpoint: 'b@example.com' }],
      DisplayName: 'Ops',
    },
    look: ({ sns }) =>
      quietly(() => {
        const { displayName, subscriptions } = sns.topic(topicArn);
        return [displayName, ...subscriptions.map(({ endpoint, isConfirmed }) => [endpoint, isConfirmed])];
      }),
    seen: [['', ['a@example.com', false]], ['Ops', ['b@example.com', false]], undefined],
    asked: ['sns:SetTopicAttributes', 'sns:DeleteTopic'],
  },
  'AWS::SNS::TopicPolicy': {
    others: topics,
    before: topicPolicy('a'),
    after: topicPolicy('b'),
    look: sidOf,
    seen: ['a', 'b', defaultSid],
    asked: ['sns:SetTopicAttributes', 'sns:SetTopicAttributes'],
  },
  'AWS::S3::Bucket': {
    before: { BucketName: 'ours' },
    after: {
      BucketName: 'ours',
      CorsConfiguration: { CorsRules: [{ AllowedMethods: ['GET'], AllowedOrigins: ['*'] }] },
    },
    look: ({ cloudFormation }) => cloudFormation.buckets().map(({ cors }) => cors.length),
    seen: [[0], [1], []],
    asked: ['s3:PutBucketCORS', 's3:DeleteBucket'],
  },
  'AWS::S3::BucketPolicy': {
    others: bucket,
    before: { Bucket: { Ref: 'Code' }, PolicyDocument: document('a') },
    after: { Bucket: { Ref: 'Code' }, PolicyDocument: document('b') },
    look: ({ cloudFormation }) => cloudFormation.buckets().map(({ policy }) => policy),
    seen: [[document('a')], [document('b')], [undefined]],
    asked: ['s3:PutBucketPolicy', 's3:DeleteBucketPolicy'],
  },
  'AWS::SecretsManager::Secret': {
    before: { Name: 'infinstor/token', Description: 'a' },
    after: { Name: 'infinstor/token', Description: 'b' },
    asked: ['secretsmanager:UpdateSecret', 'secretsmanager:DeleteSecret'],
  },
  'AWS::SQS::Queue': {
    before: { QueueName: 'refused', MessageRetentionPeriod: 60 },
    after: { QueueName: 'refused', MessageRetentionPeriod: 120 },
    look({ sqs, clock }) {
      return quietly(() => {
        sqs.send('arn:aws:sqs:us-east-1:111111111111:refused', 'x');
        clock.advance(90_000);
        return sqs.messages('refused').length > 0;
      });
    },
    seen: [false, true, undefined],
    asked: ['sqs:SetQueueAttributes', 'sqs:DeleteQueue'],
  },
  'AWS::SQS::QueuePolicy': {
    before: { Queues: ['http://x/1/q'], PolicyDocument: document('a') },
    after: { Queues: ['http://x/1/q'], PolicyDocument: document('b') },
    asked: ['sqs:SetQueueAttributes', 'sqs:SetQueueAttributes'],
  },
  'AWS::StepFunctions::StateMachine': {
    before: machine('a'),
    after: machine('b'),
    async look({ states }) {
      const { operations } = states.service;
      const stateMachineArn = 'arn:aws:states:us-east-1:111111111111:stateMachine:machine';
      try {
        return JSON.stringify(await operations.DescribeStateMachine?.run({ stateMachineArn }, unused)).match(
          /Comment[^,]*/,
        )?.[0];
      } catch {
        return undefined;
      }
    },
    seen: ['Comment\\":\\"a\\"', 'Comment\\":\\"b\\"', undefined],
    asked: ['states:UpdateStateMachine', 'states:DeleteStateMachine'],
  },
};

const unused = { accountId: '', region: '', principalArn: '', arn: '', principalId: '', policies: [] };

/** What it returns, and nothing when it throws. */
function quietly<Value>(look: () => Value): Value | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
