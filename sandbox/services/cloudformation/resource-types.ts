import type { Clock } from '../../core/clock.ts';
import type { CustomResource, OnAccess, ResourceProvider, ResourceProviders } from '../../core/resource-provider.ts';
import { alarmProvider, compositeAlarmProvider, dashboardProvider } from '../cloudwatch/cloudwatch-resource.ts';
import type { CloudWatch } from '../cloudwatch/service.ts';
import type { DynamoDb } from '../dynamodb/service.ts';
import { tableProvider } from '../dynamodb/table-resource.ts';
import type { TableStore } from '../dynamodb/table-store.ts';
import { busPolicyProvider, busProvider } from '../events/bus-resource.ts';
import { ruleProvider } from '../events/rule-resource.ts';
import type { Events } from '../events/service.ts';
import { apiProvider, integrationProvider, routeProvider, stageProvider } from '../http-api/api-resource.ts';
import type { HttpApi } from '../http-api/service.ts';
import { managedPolicyProvider, policyProvider } from '../iam/policy-resource.ts';
import { roleProvider } from '../iam/role-resource.ts';
import type { Iam } from '../iam/service.ts';
import type { Kms } from '../kms/service.ts';
import type { AsynchronousInvocations } from '../lambda/asynchronous.ts';
import { functionProvider } from '../lambda/function-resource.ts';
import { invokeConfigProvider } from '../lambda/invoke-config-resource.ts';
import { permissionProvider } from '../lambda/permission-resource.ts';
import type { LambdaPool } from '../lambda/pool.ts';
import { logGroupProvider } from '../logs/log-group-resource.ts';
import { queryDefinitionProvider } from '../logs/query-definition.ts';
import type { Logs } from '../logs/service.ts';
import { type BucketStore, bucketPolicyProvider, bucketProvider } from '../s3/bucket-resource.ts';
import type { ObjectStore } from '../s3/object-store.ts';
import { secretProvider } from '../secretsmanager/secret-resource.ts';
import type { SecretsManager } from '../secretsmanager/service.ts';
import type { Sns } from '../sns/service.ts';
import { subscriptionProvider, topicPolicyProvider, topicProvider } from '../sns/topic-resource.ts';
import { queuePolicyProvider, queueProvider } from '../sqs/queue-resource.ts';
import type { Sqs } from '../sqs/service.ts';
import type { States } from '../states/service.ts';
import { stateMachineProvider } from '../states/state-machine-resource.ts';
import { customProvider } from './custom-resource.ts';

/** What the providers of an account in a Region work with. */
export interface ProviderParts extends DeploymentParts {
  clock: Pick<Clock, 'busy' | 'now'>;
  iam: StackIam;
  kms: Pick<Kms, 'useAccess' | 'findPolicy'>;
  buckets: BucketStore;
  objects: Pick<ObjectStore, 'get' | 'has' | 'access' | 'list'>;
  tables: TableStore;
  dynamoDb: Pick<DynamoDb, 'createTable' | 'indexes' | 'setIndexes' | 'hasTable' | 'deleteTable'>;
  events: Pick<
    Events,
    'addRule' | 'addSchedule' | 'deleteRule' | 'addBus' | 'deleteBus' | 'busArn' | 'setBusPolicy' | 'removeBusPolicy'
  >;
  logs: Pick<Logs, 'createLogGroup' | 'deleteLogGroup' | 'queryDefinitions'>;
  secretsManager: Pick<SecretsManager, 'createSecret' | 'deleteSecret' | 'setKey'>;
  cloudWatch: Pick<CloudWatch, 'alarms' | 'dashboards'>;
  sns: Pick<Sns, 'create' | 'topic' | 'delete' | 'setPolicy' | 'subscribe' | 'unsubscribe'>;
  sqs: Pick<Sqs, 'createQueue' | 'configure' | 'deleteQueue'>;
  states: Pick<States, 'createStateMachine' | 'updateStateMachine' | 'deleteStateMachine'>;
  customResource: CustomResource;
  nestedStack: ResourceProvider;
  onAccess: OnAccess;
}

/** What stacks do in IAM. */
export type StackIam = Pick<
  Iam,
  | 'role'
  | 'createRole'
  | 'updateRole'
  | 'deleteRole'
  | 'createManagedPolicy'
  | 'setManagedPolicy'
  | 'deleteManagedPolicy'
  | 'putRolePolicy'
  | 'removeRolePolicy'
  | 'serviceCaller'
  | 'credentials'
>;

/** What the sandbox has once, and not in every account and Region. */
export interface DeploymentParts {
  lambdas: Pick<LambdaPool, 'add' | 'remove'>;
  invocations: Pick<AsynchronousInvocations, 'configure' | 'forget'>;
  httpApi: Omit<HttpApi, 'handle'>;
  /** The sandbox's own endpoint. */
  endpoint: () => string;
  /** The folder that `osls package` filled. */
  packageFolder: string;
  /** Values for environment variables of the functions, in place of the template's. */
  environment: Readonly<Record<string, string>>;
}

/**
 * The resource types of the sandbox.
 * `withRole`: those of stacks with a service role, which are subscribers' stacks, and others that prepare accounts and Regions for
 * them; a type that those do not need stays refused there. `every`: these and the types of a deployment, which its operator creates.
 */
export function resourceTypes(parts: ProviderParts): { withRole: ResourceProviders; every: ResourceProviders } {
  const isEmpty = (bucket: string) => parts.objects.list(bucket).length === 0;
  const withRole = {
    'AWS::IAM::Role': roleProvider(parts),
    'AWS::IAM::ManagedPolicy': managedPolicyProvider(parts),
    'AWS::S3::Bucket': bucketProvider({ ...parts, isEmpty }),
    'AWS::S3::BucketPolicy': bucketPolicyProvider(parts),
    'AWS::DynamoDB::Table': tableProvider(parts),
    'AWS::CloudFormation::Stack': parts.nestedStack,
    'AWS::Events::Rule': ruleProvider(parts),
    'Custom::*': customProvider(parts),
  };
  const every = {
    ...withRole,
    'AWS::ApiGatewayV2::Api': apiProvider(parts),
    'AWS::ApiGatewayV2::Integration': integrationProvider(parts),
    'AWS::ApiGatewayV2::Route': routeProvider(parts),
    'AWS::ApiGatewayV2::Stage': stageProvider(parts),
    'AWS::CloudWatch::Alarm': alarmProvider(parts),
    'AWS::CloudWatch::CompositeAlarm': compositeAlarmProvider(parts),
    'AWS::CloudWatch::Dashboard': dashboardProvider(parts),
    'AWS::Events::EventBus': busProvider(parts),
    'AWS::Events::EventBusPolicy': busPolicyProvider(parts),
    'AWS::IAM::Policy': policyProvider(parts),
    'AWS::Lambda::EventInvokeConfig': invokeConfigProvider(parts),
    'AWS::Lambda::Function': functionProvider(parts),
    'AWS::Lambda::Permission': permissionProvider(parts),
    'AWS::Logs::LogGroup': logGroupProvider(parts),
    'AWS::Logs::QueryDefinition': queryDefinitionProvider({
      queryDefinitions: parts.logs.queryDefinitions,
      onAccess: parts.onAccess,
    }),
    'AWS::SNS::Subscription': subscriptionProvider(parts),
    'AWS::SNS::Topic': topicProvider(parts),
    'AWS::SNS::TopicPolicy': topicPolicyProvider(parts),
    'AWS::SecretsManager::Secret': secretProvider(parts),
    'AWS::SQS::Queue': queueProvider(parts),
    'AWS::SQS::QueuePolicy': queuePolicyProvider(parts),
    'AWS::StepFunctions::StateMachine': stateMachineProvider(parts),
  };
  return { withRole, every };
}
