import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deployPackage } from '../../../sandbox/deploy-package.ts';
import type { LambdaFunction } from '../../../sandbox/services/lambda/invocation.ts';
import { createInput, setUp } from './services/cloudformation/cloudformation-fixture.ts';

let packageFolder: string;

beforeEach(async () => {
  packageFolder = await mkdtemp(join(tmpdir(), 'package-test-'));
});
afterEach(async () => {
  await rm(packageFolder, { recursive: true });
});

/** Deploys a packaged template with these resources. */
async function deploy(Resources: object, more: object = {}) {
  await writeFile(
    join(packageFolder, 'cloudformation-template-update-stack.json'),
    JSON.stringify({ Resources, ...more }),
  );
  const { caller: deployer, ...sandbox } = setUp({ packageFolder });
  const editTemplate = (template: string) => template;
  const deployed = await deployPackage(sandbox.cloudFormation, {
    packageFolder,
    editTemplate,
    parameters: {},
    deployer,
  });
  const added: LambdaFunction[] = sandbox.lambdas.add.mock.calls.flat();
  return { ...sandbox, resources: deployed, added };
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
  Role: {
    Type: 'AWS::IAM::Role',
    Properties: {
      RoleName: 'step',
      AssumeRolePolicyDocument: {
        Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
      },
    },
  },
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
      codeSha256: expect.stringMatching(/^[\w+/]{43}=$/),
      lastModified: expect.any(Number),
      roleArn: 'arn:aws:iam::111111111111:role/step',
      environment: expect.objectContaining({
        REGISTRY: 'registry',
        // What a sandbox's options set in place of the template.
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
    const deployed = deploy({ Topic: { Type: 'AWS::EC2::VPC' } });
    await expect(deployed).rejects.toThrow('Unrecognized resource types: [AWS::EC2::VPC]');
  });

  it('makes a table with its index, and refuses an index that DynamoDB would refuse', async () => {
    const key = (name: string) => ({ AttributeName: name, KeyType: 'HASH' });
    const table = (index: object) => ({
      Type: 'AWS::DynamoDB::Table',
      Properties: {
        ...{ TableName: 'indexed', BillingMode: 'PAY_PER_REQUEST', KeySchema: [key('pk')] },
        AttributeDefinitions: ['pk', 'status'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
        GlobalSecondaryIndexes: [{ IndexName: 'by-status', KeySchema: [key('status')], ...index }],
      },
    });
    const included = { Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['home'] } };
    const { dynamoDb } = await deploy({ Table: table(included) });
    // IAM knows the index by its keys only when the table has it.
    const query = {
      ...{ TableName: 'indexed', IndexName: 'by-status', KeyConditionExpression: 'status = :s' },
      ExpressionAttributeValues: { ':s': { S: 'ACTIVE' } },
    };
    expect(dynamoDb.access('Query', query)).toMatchObject([
      {
        resource: 'arn:aws:dynamodb:us-east-1:111111111111:table/indexed/index/by-status',
        context: { 'dynamodb:LeadingKeys': ['ACTIVE'] },
      },
    ]);
    await expect(
      deploy({ Table: table({ Projection: { ...included.Projection, ProjectionType: 'ALL' } }) }),
    ).rejects.toThrow(/ProjectionType is ALL, but NonKeyAttributes is specified/);
    const other = { KeySchema: [key('name')], Projection: { ProjectionType: 'ALL' } };
    await expect(deploy({ Table: table(other) })).rejects.toThrow(/cannot deploy Table/);
  });

  it('names a property that it does not have, and the resource', async () => {
    const queue = {
      Type: 'AWS::SQS::Queue',
      Properties: { QueueName: 'q', MessageRetentionPeriod: 60, FifoQueue: true },
    };
    await expect(deploy({ Queue: queue })).rejects.toThrow(/cannot deploy Queue: .*#\/FifoQueue/);
  });

  it('makes a stack that is complete with its outputs, and cannot be deleted', async () => {
    const { clock, call, published, accesses } = await deploy(
      { Role: resources.Role, Bucket: resources.Bucket },
      { Outputs: { RoleArn: { Value: { 'Fn::GetAtt': ['Role', 'Arn'] }, Export: { Name: 'role' } } } },
    );
    const StackName = 'infinstor-onboarding-sandbox';
    const stack = {
      StackName,
      StackStatus: 'CREATE_COMPLETE',
      Outputs: [{ OutputKey: 'RoleArn', OutputValue: 'arn:aws:iam::111111111111:role/step' }],
      // It has taken no time.
      CreationTime: new Date(clock.now()),
    };
    expect(await call('DescribeStacks', { StackName })).toMatchObject({ Stacks: [stack] });
    expect(await call('ListStackResources', { StackName })).toMatchObject({
      StackResourceSummaries: [{ PhysicalResourceId: 'step' }, { ResourceStatus: 'CREATE_COMPLETE' }],
    });
    const statuses = published.map(({ detail }) => detail['status-details'].status);
    expect(statuses).toEqual(['CREATE_IN_PROGRESS', 'CREATE_COMPLETE']);
    expect(new Set(accesses.map(({ caller: { via } }) => via))).toEqual(new Set(['cloudformation.amazonaws.com']));
    await expect(call('DeleteStack', { StackName })).rejects.toThrow('TerminationProtection');
  });

  it('has types of resources that a template at a URL may not have', async () => {
    const Resources = {
      Queue: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'q', MessageRetentionPeriod: 60 } },
    };
    await expect(deploy(Resources)).resolves.toBeDefined();
    const { call } = setUp({ templates: { customer: JSON.stringify({ Resources }) } });
    const created = call('CreateStack', createInput({}, { Parameters: [] }));
    await expect(created).rejects.toThrow('Unrecognized resource types: [AWS::SQS::Queue]');
  });

  it('refuses a parameter without a value', async () => {
    await expect(deploy({ Role: resources.Role }, { Parameters: { Url: { Type: 'String' } } })).rejects.toThrow('Url');
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
        Properties: {
          ApiId: 'api',
          IntegrationType: 'AWS_PROXY',
          IntegrationUri: 'arn:function',
          PayloadFormatVersion: '2.0',
        },
      },
      Route: {
        Type: 'AWS::ApiGatewayV2::Route',
        Properties: {
          ApiId: 'api',
          RouteKey: 'GET /x',
          Target: { 'Fn::Join': ['/', ['integrations', { Ref: 'Integration' }]] },
          AuthorizationType: 'AWS_IAM',
        },
      },
    };
    const { httpApi } = await deploy(api);
    const [, integrationId, functionArn] = httpApi.setIntegration.mock.lastCall ?? [];
    expect(functionArn).toBe('arn:function');
    expect(httpApi.setRoute).toHaveBeenCalledWith('api', expect.any(String), { routeKey: 'GET /x', integrationId });
    api.Route.Properties.AuthorizationType = 'NONE';
    await expect(deploy(api)).rejects.toThrow('AuthorizationType');
  });

  it('deploys what Lambda does with events that a function fails at', async () => {
    const { invocations, resources: deployed } = await deploy({
      Queue: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'failed', MessageRetentionPeriod: 60 } },
      Config: {
        Type: 'AWS::Lambda::EventInvokeConfig',
        Properties: {
          FunctionName: 'accept-event',
          Qualifier: '$LATEST',
          MaximumRetryAttempts: 1,
          DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': ['Queue', 'Arn'] } } },
        },
      },
    });
    expect(deployed.get('Queue')?.physicalId).toBe('http://sandbox.example:4566/111111111111/failed');
    expect(invocations.configure).toHaveBeenCalledWith('arn:aws:lambda:us-east-1:111111111111:function:accept-event', {
      maximumRetryAttempts: 1,
      onFailureArn: 'arn:aws:sqs:us-east-1:111111111111:failed',
    });
  });
});
