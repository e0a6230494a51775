import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as v from 'valibot';
import { account } from './core/account.ts';
import type { Caller } from './core/operation.ts';
import {
  parseProperties,
  policyDocument,
  providerOf,
  type ResourceProvider,
  type ResourceProviders,
} from './core/resource-provider.ts';
import { dependencyOrder } from './services/cloudformation/dependencies.ts';
import { evaluate, pseudoParameters, type ResourceValues } from './services/cloudformation/evaluate.ts';
import { parseTemplate } from './services/cloudformation/template.ts';
import { resolveParameters } from './services/cloudformation/template-checks.ts';
import type { DynamoDb } from './services/dynamodb/service.ts';
import { ruleProvider } from './services/events/rule-resource.ts';
import type { Events } from './services/events/service.ts';
import type { HttpApi } from './services/http-api/service.ts';
import type { Iam } from './services/iam/service.ts';
import type { AsynchronousInvocations } from './services/lambda/asynchronous.ts';
import type { LambdaPool } from './services/lambda/pool.ts';
import { unpack } from './services/lambda/unpack.ts';
import type { SecretsManager } from './services/secretsmanager/service.ts';
import type { Sqs } from './services/sqs/service.ts';
import type { States } from './services/states/service.ts';

interface Parts {
  /** The folder that `osls package` filled. */
  packageFolder: string;
  /** Changes the packaged template before it is deployed. */
  editTemplate: (template: string) => string;
  endpoint: string;
  parameters: Readonly<Record<string, string>>;
  /** Values for environment variables of the functions, in place of the template's. */
  environment: Readonly<Record<string, string>>;
  /** Who deploys. */
  deployer: Caller;
  roleProvider: ResourceProvider;
  lambdas: Pick<LambdaPool, 'add'>;
  invocations: Pick<AsynchronousInvocations, 'configure'>;
  httpApi: Pick<HttpApi, 'id' | 'addRoute'>;
  iam: Iam;
  states: States;
  events: Events;
  secretsManager: SecretsManager;
  sqs: Sqs;
  dynamoDb: DynamoDb;
}

const template = 'cloudformation-template-update-stack.json';

/**
 * Deploys the packaged CloudFormation template into the sandbox, so that what runs here is what runs in AWS.
 * @returns the resources by logical id
 * @throws Error naming a resource type that the sandbox does not have
 */
export async function deployPackage(parts: Parts): Promise<ReadonlyMap<string, ResourceValues>> {
  const parsed = parseTemplate(parts.editTemplate(await readFile(join(parts.packageFolder, template), 'utf8')));
  const stack = { stackName: 'infinstor-onboarding-sandbox', stackId: 'sandbox' };
  const given = Object.entries(parts.parameters).map(([ParameterKey, ParameterValue]) => ({
    ParameterKey,
    ParameterValue,
  }));
  const resources = new Map<string, ResourceValues>();
  const scope = {
    pseudoParameters: pseudoParameters({ ...account, ...stack }),
    parameters: resolveParameters(parsed, given),
    conditions: {},
    resources,
  };
  const providers = packageProviders(parts);
  for (const logicalId of dependencyOrder(parsed)) {
    const { Type: type = '', Properties = {} } = parsed.Resources[logicalId] ?? {};
    const provide = providerOf(providers, type);
    if (provide === undefined) throw new Error(`The sandbox cannot deploy ${logicalId}: it has no ${type}`);
    const properties = v.parse(v.record(v.string(), v.unknown()), evaluate(Properties, scope));
    resources.set(
      logicalId,
      await provide({ type, properties, logicalId, ...stack, caller: parts.deployer, isTagged: false, begin() {} }),
    );
  }
  return resources;
}

const functionProperties = v.object({
  FunctionName: v.string(),
  Handler: v.string(),
  Role: v.string(),
  Timeout: v.number(),
  Code: v.object({ S3Key: v.string() }),
  Environment: v.object({ Variables: v.record(v.string(), v.string()) }),
});
const machineProperties = v.object({ StateMachineName: v.string(), RoleArn: v.string(), DefinitionString: v.string() });
const tableProperties = v.object({
  TableName: v.string(),
  BillingMode: v.literal('PAY_PER_REQUEST'),
  AttributeDefinitions: v.array(v.object({ AttributeName: v.string(), AttributeType: v.picklist(['S', 'N', 'B']) })),
  KeySchema: v.array(v.object({ AttributeName: v.string(), KeyType: v.picklist(['HASH', 'RANGE']) })),
});
const secretProperties = v.object({ Name: v.string(), Description: v.optional(v.string()) });
const busPolicyProperties = v.object({
  EventBusName: v.string(),
  StatementId: v.string(),
  Statement: v.record(v.string(), v.unknown()),
});
const inlinePolicyProperties = v.object({
  PolicyName: v.string(),
  PolicyDocument: policyDocument,
  Roles: v.array(v.string()),
});
const busProperties = v.object({ Name: v.string() });
const queueProperties = v.object({ QueueName: v.string(), MessageRetentionPeriod: v.number() });
const invokeConfigProperties = v.object({
  FunctionName: v.string(),
  MaximumRetryAttempts: v.number(),
  DestinationConfig: v.object({ OnFailure: v.object({ Destination: v.string() }) }),
});
const integrationProperties = v.object({ IntegrationUri: v.string(), PayloadFormatVersion: v.literal('2.0') });
const routeProperties = v.object({
  RouteKey: v.string(),
  Target: v.string(),
  AuthorizationType: v.literal('AWS_IAM'),
});
const logGroupProperties = v.object({ LogGroupName: v.string() });

/** The resource types of the packaged template. What only matters to a real deployment is accepted and left alone. */
function packageProviders({ roleProvider, ...parts }: Parts): ResourceProviders {
  const { lambdas, invocations, httpApi, iam, states, events, secretsManager, sqs, dynamoDb } = parts;
  /** The function behind each integration of the HTTP API. */
  const integrations = new Map<string, string>();
  const arn = (service: string, name: string) => `arn:aws:${service}:${account.region}:${account.accountId}:${name}`;
  const inert: ResourceProvider = async ({ logicalId }) => ({
    physicalId: logicalId.toLowerCase(),
    attributes: { Arn: `arn:aws:s3:::${logicalId.toLowerCase()}` },
  });
  return {
    'AWS::IAM::Role': roleProvider,
    'AWS::S3::Bucket': inert,
    'AWS::S3::BucketPolicy': inert,
    'AWS::Lambda::Permission': inert,
    'AWS::SQS::QueuePolicy': inert,
    'AWS::ApiGatewayV2::Stage': inert,
    'AWS::Logs::LogGroup': async (context) => {
      const { LogGroupName } = parseProperties(logGroupProperties, context);
      return { physicalId: LogGroupName, attributes: { Arn: arn('logs', `log-group:${LogGroupName}:*`) } };
    },
    'AWS::Lambda::Function': async (context) => {
      const properties = parseProperties(functionProperties, context);
      const { FunctionName, Role, Timeout, Environment } = properties;
      const functionArn = arn('lambda', `function:${FunctionName}`);
      lambdas.add({
        functionName: FunctionName,
        functionArn,
        ...(await bundleOf(properties, parts.packageFolder)),
        environment: {
          ...Environment.Variables,
          ...pick(parts.environment, Object.keys(Environment.Variables)),
          ...runtimeEnvironment(properties, parts),
        },
        roleArn: Role,
        timeoutSeconds: Timeout,
      });
      return { physicalId: FunctionName, attributes: { Arn: functionArn } };
    },
    'AWS::Events::Rule': ruleProvider({ events, onAccess() {}, generatedName: ({ logicalId }) => logicalId }),
    'AWS::Events::EventBusPolicy': async (context) => {
      const { EventBusName, StatementId, Statement } = parseProperties(busPolicyProperties, context);
      events.setBusPolicy(EventBusName, { Version: '2012-10-17', Statement: [{ Sid: StatementId, ...Statement }] });
      return { physicalId: StatementId, attributes: {} };
    },
    'AWS::IAM::Policy': async (context) => {
      const { PolicyName, PolicyDocument, Roles } = parseProperties(inlinePolicyProperties, context);
      for (const role of Roles) iam.putRolePolicy(role, { name: PolicyName, document: PolicyDocument });
      return { physicalId: context.logicalId, attributes: {} };
    },
    'AWS::Events::EventBus': async (context) => {
      const { Name } = parseProperties(busProperties, context);
      return { physicalId: Name, attributes: { Arn: events.addBus(Name), Name } };
    },
    'AWS::SQS::Queue': async (context) => {
      const { QueueName, MessageRetentionPeriod } = parseProperties(queueProperties, context);
      const { url, arn: Arn } = sqs.createQueue({ name: QueueName, retentionSeconds: MessageRetentionPeriod });
      return { physicalId: url, attributes: { Arn, QueueName, QueueUrl: url } };
    },
    'AWS::Lambda::EventInvokeConfig': async (context) => {
      const { FunctionName, MaximumRetryAttempts, DestinationConfig } = parseProperties(
        invokeConfigProperties,
        context,
      );
      invocations.configure(arn('lambda', `function:${FunctionName}`), {
        maximumRetryAttempts: MaximumRetryAttempts,
        onFailureArn: DestinationConfig.OnFailure.Destination,
      });
      return { physicalId: context.logicalId, attributes: {} };
    },
    'AWS::ApiGatewayV2::Api': async () => ({ physicalId: httpApi.id, attributes: {} }),
    'AWS::ApiGatewayV2::Integration': async (context) => {
      const { IntegrationUri } = parseProperties(integrationProperties, context);
      integrations.set(context.logicalId, IntegrationUri);
      return { physicalId: context.logicalId, attributes: {} };
    },
    'AWS::ApiGatewayV2::Route': async (context) => {
      const { RouteKey, Target } = parseProperties(routeProperties, context);
      const functionArn = integrations.get(Target.replace('integrations/', ''));
      if (functionArn === undefined) throw new Error(`${context.logicalId} has no integration ${Target}`);
      httpApi.addRoute({ routeKey: RouteKey, functionArn });
      return { physicalId: context.logicalId, attributes: {} };
    },
    'AWS::StepFunctions::StateMachine': async (context) => {
      const { StateMachineName, RoleArn, DefinitionString } = parseProperties(machineProperties, context);
      const stateMachineArn = states.createStateMachine({
        name: StateMachineName,
        roleArn: RoleArn,
        definition: DefinitionString,
      });
      return { physicalId: stateMachineArn, attributes: { Arn: stateMachineArn, Name: StateMachineName } };
    },
    'AWS::DynamoDB::Table': async (context) => {
      const properties = parseProperties(tableProperties, context);
      await dynamoDb.createTable(properties);
      return {
        physicalId: properties.TableName,
        attributes: { Arn: arn('dynamodb', `table/${properties.TableName}`) },
      };
    },
    'AWS::SecretsManager::Secret': async (context) => {
      const { Name } = parseProperties(secretProperties, context);
      return { physicalId: secretsManager.createSecret(Name), attributes: {} };
    },
  };
}

const pick = (record: Readonly<Record<string, string>>, names: readonly string[]) =>
  Object.fromEntries(Object.entries(record).filter(([name]) => names.includes(name)));

type FunctionProperties = v.InferOutput<typeof functionProperties>;

/** Unpacks a function's zip, which osls names by its key's last part, and finds the file and export of its handler. */
async function bundleOf({ FunctionName, Handler, Code }: FunctionProperties, packageFolder: string) {
  const files = await unpack(join(packageFolder, basename(Code.S3Key)));
  const [module = '', exportName = ''] = Handler.split('.');
  const bundle = files.get(`${module}.cjs`);
  if (bundle === undefined) throw new Error(`The package of ${FunctionName} has no ${module}.cjs`);
  return { bundle, exportName };
}

/** What Lambda itself sets in a function's environment, and the endpoint that leads the SDK here. */
function runtimeEnvironment(
  { FunctionName, Role }: FunctionProperties,
  { iam, endpoint }: Pick<Parts, 'iam' | 'endpoint'>,
): Record<string, string> {
  // Lambda refuses a function whose role does not trust it.
  iam.serviceCaller(Role, 'lambda.amazonaws.com');
  const { accessKeyId, secretAccessKey, sessionToken } = iam.credentials(Role, FunctionName);
  return {
    AWS_REGION: account.region,
    AWS_LAMBDA_FUNCTION_NAME: FunctionName,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ...(sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: sessionToken }),
    AWS_ENDPOINT_URL: endpoint,
    TZ: 'UTC',
  };
}
