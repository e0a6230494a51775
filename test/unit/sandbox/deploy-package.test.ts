import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createClock } from '../../../sandbox/core/clock.ts';
import { createFaults } from '../../../sandbox/core/faults.ts';
import { deployPackage } from '../../../sandbox/deploy-package.ts';
import { createDynamoDb } from '../../../sandbox/services/dynamodb/service.ts';
import { createEvents } from '../../../sandbox/services/events/service.ts';
import { createIam } from '../../../sandbox/services/iam/service.ts';
import type { LambdaFunction } from '../../../sandbox/services/lambda/pool.ts';
import { createSecretsManager } from '../../../sandbox/services/secretsmanager/service.ts';
import { createSqs } from '../../../sandbox/services/sqs/service.ts';
import { createStates } from '../../../sandbox/services/states/service.ts';

const deployer = {
  accountId: '111111111111',
  region: 'us-east-1',
  arn: 'arn:aws:iam::111111111111:user/operator',
  principalArn: 'arn:aws:iam::111111111111:user/operator',
  principalId: 'AIDA',
  policies: [],
};

let packageFolder: string;

beforeEach(async () => {
  packageFolder = await mkdtemp(join(tmpdir(), 'package-test-'));
});
afterEach(async () => {
  await rm(packageFolder, { recursive: true });
});

/** Deploys a packaged template with these resources. */
async function deploy(Resources: object, Parameters: object = {}) {
  await writeFile(
    join(packageFolder, 'cloudformation-template-update-stack.json'),
    JSON.stringify({ Parameters, Resources }),
  );
  const clock = createClock();
  const iam = createIam(clock);
  const role = iam.createRole({
    roleName: 'step',
    assumeRolePolicyDocument: {
      Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
    },
  });
  const added: LambdaFunction[] = [];
  const lambdas = { add: (lambda: LambdaFunction) => void added.push(lambda) };
  const deliver = vi.fn();
  const events = createEvents({ clock, faults: createFaults([]), deliver });
  const states = createStates({ clock, invokeLambda: vi.fn(), publish: events.publish });
  const secretsManager = createSecretsManager({ clock });
  const dynamoDb = createDynamoDb();
  const sqs = createSqs({ clock, endpoint: () => 'http://sandbox.example:4566' });
  const configure = vi.fn();
  const addRoute = vi.fn();
  const resources = await deployPackage({
    packageFolder,
    endpoint: 'http://sandbox.example:4566',
    parameters: {},
    editTemplate: (template) => template,
    environment: { REGISTRY_MODE: 'strict', UNUSED: 'x' },
    deployer,
    roleProvider: async () => ({ physicalId: role.roleName, attributes: { Arn: role.arn } }),
    invocations: { configure },
    httpApi: { id: 'api', addRoute },
    ...{ lambdas, iam, states, events, secretsManager, sqs, dynamoDb },
  });
  return { resources, clock, iam, added, events, deliver, configure, addRoute };
}

const stepFunction = {
  Type: 'AWS::Lambda::Function',
  Properties: {
    FunctionName: 'sandbox-obtain-token',
    Handler: 'dist/obtain-token.handler',
    Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
    Timeout: 30,
    MemorySize: 512,
    Code: { S3Bucket: { Ref: 'Bucket' }, S3Key: 'serverless/x/2026-01-01/obtain-token.zip' },
    Environment: {
      Variables: {
        REGISTRY: { Ref: 'Table' },
        REGISTRY_MODE: 'lenient',
        AWS_ENDPOINT_URL: 'https://elsewhere.example',
      },
    },
  },
};
const resources = {
  Function: stepFunction,
  Role: { Type: 'AWS::IAM::Role', Properties: {} },
  Bucket: { Type: 'AWS::S3::Bucket' },
  Table: {
    Type: 'AWS::DynamoDB::Table',
    Properties: {
      TableName: 'registry',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    },
  },
};
const bundle = (name: string) =>
  writeFile(join(packageFolder, 'obtain-token.zip'), zipSync({ [name]: new TextEncoder().encode('the bundle') }));

describe('deployPackage', () => {
  it("deploys a function: its unpacked bundle, its role's credentials and the way here", async () => {
    await bundle('dist/obtain-token.cjs');
    const { added, iam, resources: deployed } = await deploy(resources);
    expect(deployed.get('Function')?.physicalId).toBe('sandbox-obtain-token');
    const expected = {
      functionName: 'sandbox-obtain-token',
      functionArn: 'arn:aws:lambda:us-east-1:111111111111:function:sandbox-obtain-token',
      bundle: expect.stringMatching(/dist.obtain-token\.cjs$/),
      exportName: 'handler',
      timeoutSeconds: 30,
      roleArn: 'arn:aws:iam::111111111111:role/step',
      environment: expect.objectContaining({
        REGISTRY: 'registry',
        // What the sandbox is told to set instead of the template.
        REGISTRY_MODE: 'strict',
        AWS_REGION: 'us-east-1',
        AWS_LAMBDA_FUNCTION_NAME: 'sandbox-obtain-token',
        // Lambda's own variables win over the function's.
        AWS_ENDPOINT_URL: 'http://sandbox.example:4566',
      }),
    };
    expect(added).toEqual([expected]);
    const [{ bundle: file = '', environment = {} } = {}]: Partial<LambdaFunction>[] = added;
    expect(await readFile(file, 'utf8')).toBe('the bundle');
    const caller = iam.caller(environment.AWS_ACCESS_KEY_ID ?? '');
    expect(caller?.arn).toMatch(/assumed-role\/step\/sandbox-obtain-token$/);
  });

  it('names a function whose package lacks its bundle', async () => {
    await bundle('obtain-token.js');
    await expect(deploy(resources)).rejects.toThrow('The package of sandbox-obtain-token has no dist/obtain-token.cjs');
  });

  it('names a resource type that it does not have', async () => {
    const deployed = deploy({ Topic: { Type: 'AWS::SNS::Topic' } });
    await expect(deployed).rejects.toThrow('The sandbox cannot deploy Topic: it has no AWS::SNS::Topic');
  });

  it('refuses a parameter without a value', async () => {
    await expect(deploy({ Role: resources.Role }, { Url: { Type: 'String' } })).rejects.toThrow('Url');
  });

  it.each([
    ['ENABLED', 1],
    ['DISABLED', 0],
    [undefined, 1],
  ])('deploys rules that are %s', async (State, invocations) => {
    const EventPattern = { source: ['aws.states'] };
    const Targets = [{ Id: 'a', Arn: 'arn:target' }];
    const rule = { Type: 'AWS::Events::Rule', Properties: { EventPattern, Targets, State } };
    const { clock, events, deliver } = await deploy({ Rule: rule });
    events.publish({ source: 'aws.states', 'detail-type': 'x', detail: {} });
    clock.advance(0);
    expect(deliver).toHaveBeenCalledTimes(invocations);
  });

  it('deploys the routes of an HTTP API, and refuses one that IAM does not guard', async () => {
    const api = {
      Integration: {
        Type: 'AWS::ApiGatewayV2::Integration',
        Properties: { IntegrationUri: 'arn:function', PayloadFormatVersion: '2.0' },
      },
      Route: {
        Type: 'AWS::ApiGatewayV2::Route',
        Properties: {
          RouteKey: 'GET /x',
          Target: { 'Fn::Join': ['/', ['integrations', { Ref: 'Integration' }]] },
          AuthorizationType: 'AWS_IAM',
        },
      },
    };
    const { addRoute } = await deploy(api);
    expect(addRoute).toHaveBeenCalledWith({ routeKey: 'GET /x', functionArn: 'arn:function' });
    api.Route.Properties.AuthorizationType = 'NONE';
    await expect(deploy(api)).rejects.toThrow('AuthorizationType');
  });

  it('deploys what Lambda does with events that a function fails at', async () => {
    const { configure, resources: deployed } = await deploy({
      Queue: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'failed', MessageRetentionPeriod: 60 } },
      Config: {
        Type: 'AWS::Lambda::EventInvokeConfig',
        Properties: {
          FunctionName: 'accept-event',
          MaximumRetryAttempts: 1,
          DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': ['Queue', 'Arn'] } } },
        },
      },
    });
    expect(deployed.get('Queue')?.physicalId).toBe('http://sandbox.example:4566/111111111111/failed');
    expect(configure).toHaveBeenCalledWith('arn:aws:lambda:us-east-1:111111111111:function:accept-event', {
      maximumRetryAttempts: 1,
      onFailureArn: 'arn:aws:sqs:us-east-1:111111111111:failed',
    });
  });
});
