import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AlreadyExistsException,
  CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import { CognitoIdentityProviderClient, InitiateAuthCommand } from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetRoleCommand, IAMClient, ListRolesCommand, NoSuchEntityException } from '@aws-sdk/client-iam';
import {
  DescribeKeyCommand,
  KMSClient,
  ListResourceTagsCommand,
  MalformedPolicyDocumentException,
  PutKeyPolicyCommand,
} from '@aws-sdk/client-kms';
import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ListActivitiesCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createClock } from '../../../sandbox/clock.ts';
import { createFaults, type Faults, parseFault } from '../../../sandbox/faults.ts';
import { type Authorizer, createAuthorizer } from '../../../sandbox/http/authorizer.ts';
import { createInjector } from '../../../sandbox/http/inject-fault.ts';
import { openServer, type SandboxServer } from '../../../sandbox/http/server.ts';
import { AwsError, type Caller, operation, type Service } from '../../../sandbox/service.ts';
import { createDynamoDb } from '../../../sandbox/services/dynamodb.ts';

const secretAccessKey = 'unchecked';
const operatorKey = 'AKIAOPERATOR';
const deniedKey = 'AKIADENIED';
const sparedKey = 'AKIASPARED';
const person = { accountId: '111111111111', region: 'us-east-1', principalId: 'AIDA' };
const callerOf = (name: string, policies: Caller['policies']): Caller => {
  const arn = `arn:aws:iam::111111111111:user/${name}`;
  return { ...person, arn, principalArn: arn, policies };
};
const allowAll = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
const callers = new Map([
  [operatorKey, callerOf('operator', [allowAll])],
  [deniedKey, callerOf('denied', [])],
  [sparedKey, callerOf('spared', [allowAll])],
]);

let folder: string;
let server: SandboxServer;
let authorizer: Authorizer;
let faults: Faults;
/** What a service's operation answers; set by each test. */
let run: (input: unknown, caller: Caller) => object | Promise<object>;
const busy = vi.fn();

const access = () => [{ action: 'test:Do', resource: 'arn:resource' }];
const anything = operation(v.unknown(), { access, run: (input, caller) => run(input, caller) });
const strict = operation(v.strictObject({ StackName: v.string() }), { run: (input) => input });
const strictKey = operation(v.strictObject({ KeyId: v.string() }), { run: (input) => input });
const service = (name: string, protocol: Service['protocol'], ...names: string[]): Service => ({
  name,
  protocol,
  operations: Object.fromEntries(names.map((operationName) => [operationName, anything])),
});
const query = service('cloudformation', 'query', 'CreateStack', 'DescribeStacks');
const json = service('kms', 'json', 'DescribeKey', 'ListResourceTags');
const services = [
  service('states', 'json', 'StartExecution', 'DescribeExecution'),
  service('events', 'json', 'PutEvents'),
  service('iam', 'query', 'GetRole'),
  { ...json, operations: { ...json.operations, PutKeyPolicy: strictKey } },
  { ...query, operations: { ...query.operations, DeleteStack: strict } },
];
const unsigned = [service('cognito-idp', 'json', 'InitiateAuth')];
const infinstor = vi.fn(() => ({ status: 403, headers: { 'content-type': 'text/plain' }, body: 'refused: é' }));
const infinstorFailure = (name: string) => ({ status: 599, headers: {}, body: name });
const kill = vi.fn();
const handleApi = vi.fn(async () => ({ status: 202, headers: {}, body: 'accepted' }));
const dynamoDb = createDynamoDb();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'server-test-'));
  authorizer = createAuthorizer(join(folder, 'denials.log'));
  run = () => ({});
  const clock = createClock();
  faults = createFaults([]);
  server = await openServer(0, {
    clock: {
      ...clock,
      busy() {
        busy('begun');
        return () => busy('over');
      },
    },
    accounts: { caller: (accessKeyId) => callers.get(accessKeyId) },
    world: () => ({ services, dynamoDb }),
    unsigned,
    infinstor: () => ({ handle: infinstor, failure: infinstorFailure }),
    httpApi: { handle: handleApi },
    lambda: { handle: async () => ({ status: 200, headers: {}, body: '{}' }) },
    authorizer,
    injector: createInjector({
      delay: (milliseconds) => clock.sleep(milliseconds),
      onHold() {},
      faults,
      functionOf: (caller) => caller?.arn.split('/').at(-1),
      kill,
      spared: ({ arn }) => arn === callers.get(sparedKey)?.arn,
    }),
  });
});

afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true });
  vi.clearAllMocks();
});

const options = (accessKeyId = operatorKey) => ({
  endpoint: server.endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId, secretAccessKey },
  maxAttempts: 1,
});
const sfn = () => new SFNClient(options());
const kms = () => new KMSClient(options());
const cloudFormation = () => new CloudFormationClient(options());

/** Makes the operation answer with this, and returns the inputs that it is given. */
function answer(output: object): unknown[] {
  const inputs: unknown[] = [];
  run = (input) => {
    inputs.push(input);
    return output;
  };
  return inputs;
}

function fail(code: string, message = 'because', status?: number): void {
  run = () => {
    throw new AwsError(code, message, status);
  };
}

const at = new Date('2026-03-04T05:06:07.089Z');

describe('a service with JSON', () => {
  it('takes input and returns output, dates among it', async () => {
    const inputs = answer({ executionArn: 'arn:e', startDate: at, output: '{"a":"é"}', error: undefined });
    const result = await sfn().send(new DescribeExecutionCommand({ executionArn: 'arn:e' }));
    expect(inputs).toEqual([{ executionArn: 'arn:e' }]);
    expect(result).toMatchObject({ executionArn: 'arn:e', startDate: at, output: '{"a":"é"}' });
    expect(result).not.toHaveProperty('error');
    expect(result.$metadata.requestId).toMatch(/^[\da-f-]{36}$/);
  });

  it('returns lists and nested structures, in its other version too', async () => {
    answer({ Tags: [{ TagKey: 'a', TagValue: '' }], Truncated: false });
    expect(await kms().send(new ListResourceTagsCommand({ KeyId: 'k' }))).toMatchObject({
      Tags: [{ TagKey: 'a', TagValue: '' }],
      Truncated: false,
    });
    answer({ KeyMetadata: { KeyId: 'k', CreationDate: at } });
    expect(await kms().send(new DescribeKeyCommand({ KeyId: 'k' }))).toMatchObject({
      KeyMetadata: { KeyId: 'k', CreationDate: at },
    });
  });

  it('is given dates as seconds', async () => {
    const inputs = answer({ Entries: [] });
    const noon = new Date('2026-03-04T12:00:00Z');
    await new EventBridgeClient(options()).send(new PutEventsCommand({ Entries: [{ Source: 's', Time: noon }] }));
    expect(inputs).toEqual([{ Entries: [{ Source: 's', Time: noon.getTime() / 1000 }] }]);
  });

  it('fails with the error that it names', async () => {
    fail('ExecutionAlreadyExists', `Execution Already Exists: 'é'`);
    const started = sfn().send(new StartExecutionCommand({ stateMachineArn: 'arn:m' }));
    await expect(started).rejects.toBeInstanceOf(ExecutionAlreadyExists);
    await expect(started).rejects.toMatchObject({
      message: `Execution Already Exists: 'é'`,
      $metadata: { httpStatusCode: 400, requestId: expect.any(String) },
    });
    fail('MalformedPolicyDocumentException');
    const tags = kms().send(new ListResourceTagsCommand({ KeyId: 'k' }));
    await expect(tags).rejects.toBeInstanceOf(MalformedPolicyDocumentException);
  });

  it('refuses input as a ValidationException that names the member', async () => {
    const refused = kms().send(
      new PutKeyPolicyCommand({ KeyId: 'k', Policy: '{}', BypassPolicyLockoutSafetyCheck: true }),
    );
    await expect(refused).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringMatching(/Policy/),
    });
  });

  it('refuses a body that is not JSON', async () => {
    const headers = { 'x-amz-target': 'TrentService.DescribeKey' };
    const response = await fetch(server.endpoint, { method: 'POST', headers, body: '{' });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ __type: 'SerializationException' });
  });

  it('may need no credentials: InitiateAuth', async () => {
    const inputs = answer({ AuthenticationResult: { IdToken: 'token' } });
    const cognito = new CognitoIdentityProviderClient({ endpoint: server.endpoint, region: 'us-east-1' });
    const AuthParameters = { USERNAME: 'a', PASSWORD: 'b' };
    const result = await cognito.send(
      new InitiateAuthCommand({ AuthFlow: 'USER_PASSWORD_AUTH', ClientId: 'c', AuthParameters }),
    );
    expect(result.AuthenticationResult).toEqual({ IdToken: 'token' });
    expect(inputs).toEqual([{ AuthFlow: 'USER_PASSWORD_AUTH', ClientId: 'c', AuthParameters }]);
  });
});

describe('a service with Query and XML', () => {
  it('takes lists and nested structures', async () => {
    const inputs = answer({ StackId: 'arn:s' });
    const Parameters = Array.from({ length: 11 }, (_, index) => ({
      ParameterKey: `P${index}`,
      ParameterValue: `a=b&c d+${index}%é`,
    }));
    const result = await cloudFormation().send(
      new CreateStackCommand({
        StackName: 's',
        // The SDK writes an empty list as an empty text, and only the operation knows what it is.
        NotificationARNs: [],
        Parameters,
        Capabilities: ['CAPABILITY_IAM'],
        Tags: [{ Key: 'k', Value: '' }],
      }),
    );
    expect(result.StackId).toBe('arn:s');
    expect(inputs).toEqual([
      {
        StackName: 's',
        NotificationARNs: '',
        Parameters,
        Capabilities: ['CAPABILITY_IAM'],
        Tags: [{ Key: 'k', Value: '' }],
      },
    ]);
  });

  it('returns lists, nested structures, dates and booleans', async () => {
    const stack = {
      StackName: 's',
      CreationTime: at,
      StackStatus: 'CREATE_COMPLETE' as const,
      DisableRollback: false,
      Capabilities: [],
      Parameters: [
        { ParameterKey: 'a', ParameterValue: '' },
        { ParameterKey: 'b', ParameterValue: '1' },
      ],
    };
    answer({ Stacks: [stack, { ...stack, Description: undefined }] });
    const { Stacks } = await cloudFormation().send(new DescribeStacksCommand({}));
    expect(Stacks).toMatchObject([stack, stack]);
    expect(Stacks?.[1]).not.toHaveProperty('Description');
  });

  it.each([
    ['markup', '<a href="x">&amp; &lt; \'quoted\' ]]></a>'],
    ['lines and blanks', ' first\n  second\t'],
    ['what looks like a number', '007'],
    ['other alphabets', 'é 漢 🙂'],
  ])('returns text as it is: %s', async (_name, text) => {
    answer({ Stacks: [{ StackName: 's', CreationTime: at, StackStatus: 'X', StackStatusReason: text }] });
    const { Stacks } = await cloudFormation().send(new DescribeStacksCommand({}));
    expect(Stacks?.[0]?.StackStatusReason).toBe(text);
  });

  it('fails with the error that it names, under the status that it gives', async () => {
    fail('NoSuchEntity', 'The role with name <x> cannot be found.', 404);
    const role = new IAMClient(options()).send(new GetRoleCommand({ RoleName: 'x' }));
    await expect(role).rejects.toBeInstanceOf(NoSuchEntityException);
    await expect(role).rejects.toMatchObject({
      message: 'The role with name <x> cannot be found.',
      $metadata: { httpStatusCode: 404, requestId: expect.any(String) },
    });
    fail('AlreadyExistsException');
    const created = cloudFormation().send(new CreateStackCommand({ StackName: 's' }));
    await expect(created).rejects.toBeInstanceOf(AlreadyExistsException);
  });

  it('refuses input as a ValidationError that names the member', async () => {
    const refused = cloudFormation().send(new DeleteStackCommand({ StackName: 's', RoleARN: 'arn:r' }));
    await expect(refused).rejects.toMatchObject({
      name: 'ValidationError',
      message: expect.stringContaining('RoleARN'),
    });
  });
});

describe('every service', () => {
  it.each([
    ['JSON', () => sfn().send(new ListActivitiesCommand({})), 'UnknownOperationException', 'ListActivities of states'],
    ['Query', () => new IAMClient(options()).send(new ListRolesCommand({})), 'InvalidAction', 'ListRoles of iam'],
  ])('names an operation that it does not have: %s', async (_name, send, name, message) => {
    await expect(send()).rejects.toMatchObject({ name, message: expect.stringContaining(message) });
  });

  it.each([
    ['toString', 'TrentService.toString'],
    ['constructor', 'TrentService.constructor'],
  ])('does not take %s for an operation', async (name, target) => {
    const authorization = `AWS4-HMAC-SHA256 Credential=${operatorKey}/20260304/us-east-1/kms/aws4_request, Signature=x`;
    const headers = { 'x-amz-target': target, authorization };
    const response = await fetch(server.endpoint, { method: 'POST', headers, body: '{}' });
    expect(await response.json()).toMatchObject({ message: expect.stringContaining(`${name} of kms`) });
  });

  it('that is missing is named', async () => {
    const identity = new STSClient(options()).send(new GetCallerIdentityCommand({}));
    await expect(identity).rejects.toMatchObject({ message: 'The sandbox has no service sts' });
    const headers = { 'x-amz-target': 'Logs_20140328.PutLogEvents' };
    const response = await fetch(server.endpoint, { method: 'POST', headers, body: '{}' });
    expect(await response.json()).toMatchObject({ message: expect.stringContaining('Logs_20140328') });
  });

  it('is not reached by the other protocol', async () => {
    const authorization = `AWS4-HMAC-SHA256 Credential=${operatorKey}/20260304/us-east-1/kms/aws4_request, Signature=x`;
    const body = new URLSearchParams({ Action: 'DescribeKey' });
    const response = await fetch(server.endpoint, { method: 'POST', headers: { authorization }, body });
    expect(await response.text()).toContain('The sandbox has no service kms');
  });

  it.each([
    [
      'JSON',
      (key: string) => new KMSClient(options(key)).send(new DescribeKeyCommand({ KeyId: 'k' })),
      'UnrecognizedClientException',
    ],
    [
      'Query',
      (key: string) => new IAMClient(options(key)).send(new GetRoleCommand({ RoleName: 'x' })),
      'InvalidClientTokenId',
    ],
    [
      'DynamoDB',
      (key: string) => new DynamoDBClient(options(key)).send(new GetItemCommand({ TableName: 't', Key: {} })),
      'UnrecognizedClientException',
    ],
  ])('refuses an unknown access key: %s', async (_name, send, name) => {
    await expect(send('AKIAUNKNOWN')).rejects.toMatchObject({ name });
  });

  it('tells of a failure of its own', async () => {
    run = () => {
      throw new TypeError('x is not a function');
    };
    await expect(sfn().send(new DescribeExecutionCommand({ executionArn: 'arn:e' }))).rejects.toMatchObject({
      name: 'InternalFailure',
      message: 'The sandbox failed: x is not a function',
      $metadata: { httpStatusCode: 500 },
    });
  });

  it('runs as the caller, and counts as work until it has answered', async () => {
    const over = Promise.withResolvers<void>();
    busy.mockImplementation((what) => {
      if (what === 'over') over.resolve();
    });
    run = (_input, caller) => {
      busy(caller.principalArn);
      return {};
    };
    await kms().send(new DescribeKeyCommand({ KeyId: 'k' }));
    await over.promise;
    expect(busy.mock.calls.flat()).toEqual(['begun', 'arn:aws:iam::111111111111:user/operator', 'over']);
  });
});

describe('access', () => {
  const inWords = (action: string, resource: string) =>
    `User: arn:aws:iam::111111111111:user/denied is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`;

  it("that IAM denies is refused in AWS's words before its effect, and noted", async () => {
    const inputs = answer({});
    const denied = new KMSClient(options(deniedKey)).send(new DescribeKeyCommand({ KeyId: 'k' }));
    await expect(denied).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: inWords('test:Do', 'arn:resource'),
      $metadata: { httpStatusCode: 400 },
    });
    const denial = {
      principalArn: 'arn:aws:iam::111111111111:user/denied',
      action: 'test:Do',
      resource: 'arn:resource',
      reason: expect.any(String),
    };
    expect(inputs).toEqual([]);
    expect(authorizer.denials()).toEqual([denial]);
    const lines = (await readFile(join(folder, 'denials.log'), 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual([denial]);
  });

  it('that IAM denies is AccessDenied with 403 in the Query protocol', async () => {
    const denied = new CloudFormationClient(options(deniedKey)).send(new DescribeStacksCommand({ StackName: 'a' }));
    await expect(denied).rejects.toMatchObject({
      name: 'AccessDenied',
      message: inWords('test:Do', 'arn:resource'),
      $metadata: { httpStatusCode: 403 },
    });
  });

  it('that IAM allows is noted once', async () => {
    await kms().send(new DescribeKeyCommand({ KeyId: 'k' }));
    await kms().send(new DescribeKeyCommand({ KeyId: 'k' }));
    expect(authorizer.denials()).toEqual([]);
    expect(authorizer.grants()).toEqual([
      { principalArn: 'arn:aws:iam::111111111111:user/operator', action: 'test:Do', resource: 'arn:resource' },
    ]);
  });

  it('is decided for DynamoDB too, which has its own protocol', async () => {
    const TableName = 'Registry';
    await dynamoDb.createTable({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    });
    const Item = { pk: { S: 'a' }, n: { N: '1' } };
    await new DynamoDBClient(options()).send(new PutItemCommand({ TableName, Item }));
    expect(authorizer.denials()).toEqual([]);
    const denied = new DynamoDBClient(options(deniedKey));
    const get = denied.send(new GetItemCommand({ TableName, Key: { pk: { S: 'a' } } }));
    await expect(get).rejects.toMatchObject({ name: 'AccessDeniedException' });
    expect(authorizer.denials()).toEqual([
      expect.objectContaining({ action: 'dynamodb:GetItem', resource: expect.stringContaining('table/Registry') }),
    ]);
  });
});

it("hands InfinStor's requests over, and nothing else", async () => {
  const response = await fetch(`${server.infinstorUrl}/api/2.0/x?y=z`, {
    method: 'PUT',
    headers: { Authorization: 'Custom token' },
    body: 'é',
  });
  expect(response.status).toBe(403);
  expect(await response.text()).toBe('refused: é');
  expect(infinstor).toHaveBeenCalledExactlyOnceWith({
    method: 'PUT',
    path: '/api/2.0/x',
    headers: expect.objectContaining({ authorization: 'Custom token' }),
    body: 'é',
  });
  await kms().send(new DescribeKeyCommand({ KeyId: 'k' }));
  expect(infinstor).toHaveBeenCalledOnce();
});

it('listens on loopback only', () => {
  expect(server.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
});

describe('a fault', () => {
  const describeKey = () => kms().send(new DescribeKeyCommand({ KeyId: 'k' }));

  it.each([
    ['kms:DescribeKey:throttle', { name: 'ThrottlingException' }],
    ['kms:DescribeKey:error=KMSInternalException', { name: 'KMSInternalException' }],
    ['kms:DescribeKey:error=InternalFailure', { name: 'InternalFailure', $metadata: { httpStatusCode: 500 } }],
  ])('%s refuses the call before its effect, once', async (text, error) => {
    const inputs = answer({});
    faults.add(parseFault(text));
    await expect(describeKey()).rejects.toMatchObject(error);
    expect(inputs).toEqual([]);
    await describeKey();
    expect(inputs).toHaveLength(1);
  });

  it.each([
    ['drop', 0],
    ['kill', 1],
  ])('%s loses the answer after the effect', async (kind, kills) => {
    const inputs = answer({});
    faults.add(parseFault(`kms:DescribeKey:${kind}`));
    await expect(describeKey()).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(inputs).toHaveLength(1);
    expect(kill).toHaveBeenCalledTimes(kills);
    if (kills > 0) expect(kill).toHaveBeenCalledWith('operator');
  });

  it('holds a call until a test lets it go on', async () => {
    const inputs = answer({});
    const { promise, resolve } = Promise.withResolvers<void>();
    faults.add({ service: 'kms', operation: 'DescribeKey', fault: { kind: 'hold', until: promise }, times: 1 });
    const held = describeKey();
    await describeKey();
    expect(inputs).toHaveLength(1);
    resolve();
    await held;
    expect(inputs).toHaveLength(2);
  });

  it('is only for the calls of its function', async () => {
    answer({});
    faults.add({ ...parseFault('kms:DescribeKey:throttle'), functionName: 'another' });
    await describeKey();
    faults.add({ ...parseFault('kms:DescribeKey:throttle'), functionName: 'operator' });
    await expect(describeKey()).rejects.toMatchObject({ name: 'ThrottlingException' });
  });

  it('spares the caller that it is to spare', async () => {
    answer({});
    faults.add(parseFault('kms:DescribeKey:throttle'));
    await new KMSClient(options(sparedKey)).send(new DescribeKeyCommand({ KeyId: 'k' }));
    await expect(describeKey()).rejects.toMatchObject({ name: 'ThrottlingException' });
  });

  it('stale reads what was read before', async () => {
    const named = (Description: string) => ({ KeyMetadata: { KeyId: 'k', Description } });
    answer(named('old'));
    await describeKey();
    answer(named('new'));
    faults.add(parseFault('kms:DescribeKey:stale'));
    expect((await describeKey()).KeyMetadata?.Description).toBe('old');
    expect((await describeKey()).KeyMetadata?.Description).toBe('new');
  });

  it('of a gateway that gives up is answered after the effect', async () => {
    faults.add(parseFault('infinstor:add_subscriber:error=EndpointTimedOut'));
    const response = await fetch(`${server.infinstorUrl}/api/add_subscriber`, { method: 'POST' });
    expect([response.status, await response.text()]).toEqual([599, 'EndpointTimedOut']);
    expect(infinstor).toHaveBeenCalledOnce();
  });

  it('of InfinStor is answered by InfinStor', async () => {
    faults.add(parseFault('infinstor:add_subscriber:error=504'));
    const response = await fetch(`${server.infinstorUrl}/api/add_subscriber`, { method: 'POST' });
    expect([response.status, await response.text()]).toEqual([599, '504']);
    expect(infinstor).not.toHaveBeenCalled();
  });
});
