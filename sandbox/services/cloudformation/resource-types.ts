import type { Clock } from '../../core/clock.ts';
import type { CustomResource, OnAccess, ResourceProvider, ResourceProviders } from '../../core/resource-provider.ts';
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
import type { Logs } from '../logs/service.ts';
import { type BucketStore, bucketPolicyProvider, bucketProvider } from '../s3/bucket-resource.ts';
import { secretProvider } from '../secretsmanager/secret-resource.ts';
import type { SecretsManager } from '../secretsmanager/service.ts';
import { queuePolicyProvider, queueProvider } from '../sqs/queue-resource.ts';
import type { Sqs } from '../sqs/service.ts';
import type { States } from '../states/service.ts';
import { stateMachineProvider } from '../states/state-machine-resource.ts';
import { customProvider } from './custom-resource.ts';

/** What the providers of an account in a Region work with. */
export interface ProviderParts extends DeploymentParts {
  clock: Pick<Clock, 'busy'>;
  iam: Pick<
    Iam,
    'role' | 'createRole' | 'deleteRole' | 'createManagedPolicy' | 'putRolePolicy' | 'serviceCaller' | 'credentials'
  >;
  kms: Pick<Kms, 'useAccess'>;
  buckets: BucketStore;
  tables: TableStore;
  dynamoDb: Pick<DynamoDb, 'createTable' | 'hasTable' | 'deleteTable'>;
  events: Pick<Events, 'addRule' | 'addSchedule' | 'deleteRule' | 'addBus' | 'deleteBus' | 'setBusPolicy'>;
  logs: Pick<Logs, 'createLogGroup'>;
  secretsManager: Pick<SecretsManager, 'createSecret' | 'deleteSecret'>;
  sqs: Pick<Sqs, 'createQueue' | 'deleteQueue'>;
  states: Pick<States, 'createStateMachine'>;
  customResource: CustomResource;
  nestedStack: ResourceProvider;
  onAccess: OnAccess;
}

/** What the sandbox has once, and not in every account and Region: the deployment alone has resources of it. */
export interface DeploymentParts {
  lambdas: Pick<LambdaPool, 'add'>;
  invocations: Pick<AsynchronousInvocations, 'configure'>;
  httpApi: Pick<HttpApi, 'id' | 'addIntegration' | 'addRoute'>;
  /** The sandbox's own endpoint. */
  endpoint: () => string;
  /** The folder that `osls package` filled. */
  packageFolder: string;
  /** Values for environment variables of the functions, in place of the template's. */
  environment: Readonly<Record<string, string>>;
}

/**
 * The resource types of the sandbox.
 * `atUrl`: those of the templates at a URL, which make subscribers' stacks and prepare accounts and Regions for them; a type that
 * those do not need stays refused there. `every`: these and the types that only the deployment's own template has.
 */
export function resourceTypes(parts: ProviderParts): { atUrl: ResourceProviders; every: ResourceProviders } {
  const atUrl = {
    'AWS::IAM::Role': roleProvider(parts),
    'AWS::IAM::ManagedPolicy': managedPolicyProvider(parts),
    'AWS::S3::Bucket': bucketProvider(parts),
    'AWS::S3::BucketPolicy': bucketPolicyProvider(parts),
    'AWS::DynamoDB::Table': tableProvider(parts),
    'AWS::CloudFormation::Stack': parts.nestedStack,
    'AWS::Events::Rule': ruleProvider(parts),
    'Custom::*': customProvider(parts),
  };
  const every = {
    ...atUrl,
    'AWS::ApiGatewayV2::Api': apiProvider(parts),
    'AWS::ApiGatewayV2::Integration': integrationProvider(parts),
    'AWS::ApiGatewayV2::Route': routeProvider(parts),
    'AWS::ApiGatewayV2::Stage': stageProvider(parts),
    'AWS::Events::EventBus': busProvider(parts),
    'AWS::Events::EventBusPolicy': busPolicyProvider(parts),
    'AWS::IAM::Policy': policyProvider(parts),
    'AWS::Lambda::EventInvokeConfig': invokeConfigProvider(parts),
    'AWS::Lambda::Function': functionProvider(parts),
    'AWS::Lambda::Permission': permissionProvider(parts),
    'AWS::Logs::LogGroup': logGroupProvider(parts),
    'AWS::SecretsManager::Secret': secretProvider(parts),
    'AWS::SQS::Queue': queueProvider(parts),
    'AWS::SQS::QueuePolicy': queuePolicyProvider(parts),
    'AWS::StepFunctions::StateMachine': stateMachineProvider(parts),
  };
  return { atUrl, every };
}
