import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { unzipSync } from 'fflate';
import * as v from 'valibot';
import { account } from './account.ts';
import { dependencyOrder } from './cloudformation/dependencies.ts';
import { evaluate, pseudoParameters, type ResourceValues } from './cloudformation/evaluate.ts';
import {
  parseProperties,
  providerOf,
  type ResourceProvider,
  type ResourceProviders,
} from './cloudformation/resource-provider.ts';
import { parseTemplate } from './cloudformation/template.ts';
import { resolveParameters } from './cloudformation/template-checks.ts';
import type { LambdaPool } from './lambda/pool.ts';
import type { Caller } from './service.ts';
import type { DynamoDb } from './services/dynamodb.ts';
import type { Events } from './services/events.ts';
import type { Iam } from './services/iam.ts';
import type { SecretsManager } from './services/secrets-manager.ts';
import type { States } from './states/states.ts';

interface Parts {
  /** The folder that `osls package` filled. */
  packageFolder: string;
  /** Where the functions' bundles are unpacked to. */
  workFolder: string;
  endpoint: string;
  parameters: Readonly<Record<string, string>>;
  /** Who deploys. */
  deployer: Caller;
  roleProvider: ResourceProvider;
  lambdas: Pick<LambdaPool, 'add'>;
  iam: Iam;
  states: States;
  events: Events;
  secretsManager: SecretsManager;
  dynamoDb: DynamoDb;
}

const template = 'cloudformation-template-update-stack.json';

/**
 * Deploys the packaged CloudFormation template into the sandbox, so that what runs here is what runs in AWS.
 * @returns the resources by logical id
 * @throws Error naming a resource type that the sandbox does not have
 */
export async function deployPackage(parts: Parts): Promise<ReadonlyMap<string, ResourceValues>> {
  const parsed = parseTemplate(await readFile(join(parts.packageFolder, template), 'utf8'));
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
    resources.set(logicalId, await provide({ type, properties, logicalId, ...stack, caller: parts.deployer }));
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
const ruleProperties = v.object({
  Name: v.optional(v.string()),
  EventPattern: v.optional(v.record(v.string(), v.unknown())),
  ScheduleExpression: v.optional(v.pipe(v.string(), v.regex(/^rate\(\d+ minutes\)$/))),
  State: v.optional(v.picklist(['ENABLED', 'DISABLED']), 'ENABLED'),
  Targets: v.array(v.object({ Id: v.string(), Arn: v.string() })),
});
const machineProperties = v.object({ StateMachineName: v.string(), RoleArn: v.string(), DefinitionString: v.string() });
const tableProperties = v.object({
  TableName: v.string(),
  BillingMode: v.literal('PAY_PER_REQUEST'),
  AttributeDefinitions: v.array(v.object({ AttributeName: v.string(), AttributeType: v.picklist(['S', 'N', 'B']) })),
  KeySchema: v.array(v.object({ AttributeName: v.string(), KeyType: v.picklist(['HASH', 'RANGE']) })),
});
const secretProperties = v.object({ Name: v.string(), Description: v.optional(v.string()) });
const logGroupProperties = v.object({ LogGroupName: v.string() });

/** The resource types of the packaged template. What only matters to a real deployment is accepted and left alone. */
function packageProviders({ roleProvider, ...parts }: Parts): ResourceProviders {
  const { lambdas, states, events, secretsManager, dynamoDb } = parts;
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
    'AWS::Logs::LogGroup': async (context) => {
      const { LogGroupName } = parseProperties(logGroupProperties, context);
      return { physicalId: LogGroupName, attributes: { Arn: arn('logs', `log-group:${LogGroupName}:*`) } };
    },
    'AWS::Lambda::Function': async (context) => {
      const properties = parseProperties(functionProperties, context);
      const { FunctionName, Timeout, Environment } = properties;
      const functionArn = arn('lambda', `function:${FunctionName}`);
      lambdas.add({
        functionName: FunctionName,
        functionArn,
        ...(await unpack(properties, parts)),
        environment: { ...Environment.Variables, ...runtimeEnvironment(properties, parts) },
        timeoutSeconds: Timeout,
      });
      return { physicalId: FunctionName, attributes: { Arn: functionArn } };
    },
    'AWS::Events::Rule': async (context) => {
      const rule = parseProperties(ruleProperties, context);
      const { Name = context.logicalId, EventPattern, ScheduleExpression, State, Targets } = rule;
      const targets = Targets.map(({ Id, Arn }) => ({ id: Id, arn: Arn }));
      const enabled = State === 'ENABLED';
      if (EventPattern !== undefined) events.addRule({ name: Name, eventPattern: EventPattern, enabled, targets });
      if (ScheduleExpression !== undefined) {
        const minutes = Number(/\d+/.exec(ScheduleExpression)?.[0]);
        events.addSchedule({ name: Name, everyMs: minutes * 60_000, enabled, targets });
      }
      return { physicalId: Name, attributes: { Arn: arn('events', `rule/${Name}`) } };
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

type FunctionProperties = v.InferOutput<typeof functionProperties>;

/** Unpacks a function's zip, which osls names by its key's last part, and finds the file and export of its handler. */
async function unpack(
  { FunctionName, Handler, Code }: FunctionProperties,
  { packageFolder, workFolder }: Pick<Parts, 'packageFolder' | 'workFolder'>,
) {
  const files = unzipSync(await readFile(join(packageFolder, basename(Code.S3Key))));
  const [module = '', exportName = ''] = Handler.split('.');
  const file = Object.keys(files).find((name) => name === `${module}.cjs`);
  const content = file === undefined ? undefined : files[file];
  if (file === undefined || content === undefined)
    throw new Error(`The package of ${FunctionName} has no ${module}.cjs`);
  const bundle = join(workFolder, FunctionName, file);
  await mkdir(dirname(bundle), { recursive: true });
  await writeFile(bundle, content);
  return { bundle, exportName };
}

/** What Lambda itself sets in a function's environment, and the endpoint that leads the SDK here. */
function runtimeEnvironment(
  { FunctionName, Role }: FunctionProperties,
  { iam, endpoint }: Pick<Parts, 'iam' | 'endpoint'>,
): Record<string, string> {
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
