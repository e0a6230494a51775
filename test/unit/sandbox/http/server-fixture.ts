import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { KMSClient } from '@aws-sdk/client-kms';
import { SFNClient } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { onTestFinished, vi } from 'vitest';
import { type Clock, createClock } from '../../../../sandbox/core/clock.ts';
import { createFaults, type Faults } from '../../../../sandbox/core/faults.ts';
import { AwsError, type Caller, operation, type Service } from '../../../../sandbox/core/operation.ts';
import { type Authorizer, createAuthorizer } from '../../../../sandbox/http/authorizer.ts';
import { createInjector } from '../../../../sandbox/http/inject-fault.ts';
import { openServer, type SandboxServer } from '../../../../sandbox/http/server.ts';
import { createDynamoDb, type DynamoDb } from '../../../../sandbox/services/dynamodb/service.ts';
import { createObjectStore } from '../../../../sandbox/services/s3/object-store.ts';
import { createS3 } from '../../../../sandbox/services/s3/service.ts';
import { signRequest } from '../../../../tools/permissions/sign-request.ts';

const secretAccessKey = 'the secret of all of them';
const operatorKey = 'AKIAOPERATOR';
export const deniedKey = 'AKIADENIED';
export const sparedKey = 'AKIASPARED';
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

/** A time with milliseconds. */
export const at = new Date('2026-03-04T05:06:07.089Z');

// Those of the running test.
let clock: Clock;
export let folder: string;
export let server: SandboxServer;
export let authorizer: Authorizer;
export let faults: Faults;
export let dynamoDb: DynamoDb;
/** What a service's operation answers; set by each test. */
export const anyOperation: { run: (input: unknown, caller: Caller) => object | Promise<object> } = { run: () => ({}) };
export const busy = vi.fn();
/** What services count. */
export const meter = vi.fn();

const access = () => [{ action: 'test:Do', resource: 'arn:resource' }];
const anything = operation(v.unknown(), { access, run: (input, caller) => anyOperation.run(input, caller) });
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
  service('sqs', 'json', 'ReceiveMessage'),
  { ...json, operations: { ...json.operations, PutKeyPolicy: strictKey } },
  { ...query, operations: { ...query.operations, DeleteStack: strict } },
];
const unsigned = [service('cognito-idp', 'json', 'InitiateAuth')];
export const infinstor = vi.fn(() => ({ status: 403, headers: { 'content-type': 'text/plain' }, body: 'refused: é' }));
const infinstorFailure = (name: string) => ({ status: 599, headers: {}, body: name });
export const kill = vi.fn();
const handleApi = vi.fn(async () => ({ status: 202, headers: {}, body: 'accepted' }));

/** Before each test: a server of these services. */
export async function setUp() {
  folder = await mkdtemp(join(tmpdir(), 'server-test-'));
  dynamoDb = createDynamoDb();
  authorizer = createAuthorizer(join(folder, 'denials.log'));
  anyOperation.run = () => ({});
  meter.mockClear();
  clock = createClock();
  faults = createFaults([]);
  server = await openServer(0, {
    clock: {
      ...clock,
      busy() {
        busy('begun');
        return () => busy('over');
      },
    },
    accounts: {
      secret: (accessKeyId) =>
        callers.has(accessKeyId) ? { secretAccessKey, expires: Number.POSITIVE_INFINITY } : undefined,
      caller: (accessKeyId) => callers.get(accessKeyId),
    },
    world: () => ({ services, dynamoDb, cloudWatch: { meter } }),
    unsigned,
    infinstor: () => ({ handle: infinstor, failure: infinstorFailure }),
    httpApi: { handle: handleApi },
    s3: createS3({
      objects: createObjectStore(new Map(), () => 'of the vendor'),
      now: () => 0,
      authorize: authorizer.authorize,
    }),
    lambda: { handle: async () => ({ status: 200, headers: {}, body: '{}' }) },
    authorizer,
    faults,
    injector: createInjector({
      rates: undefined,
      delay: (milliseconds) => clock.sleep(milliseconds),
      onHold() {},
      faults,
      functionOf: (caller) => caller?.arn.split('/').at(-1),
      invocationOf: (functionName) => `${functionName}#1`,
      kill,
      spared: ({ arn }) => arn === callers.get(sparedKey)?.arn,
    }),
  });
  onTestFinished(async () => {
    await server.close();
    await rm(folder, { recursive: true });
    vi.clearAllMocks();
  });
}

/** Sends a request that the operator has signed. */
export async function send(
  service: string,
  request: { path?: string; headers?: Record<string, string>; body: string },
): Promise<Response> {
  const { path = '/', body, headers = {} } = request;
  const url = server.endpoint + path;
  const credentials = { accessKeyId: operatorKey, secretAccessKey };
  const signing = { service, now: clock.now(), credentials };
  const signed = await signRequest({ method: 'POST', url, headers, body }, signing);
  // `fetch` sends each character as a byte; clients of AWS send UTF-8.
  const sent = Object.entries(signed).map(([name, value]) => [name, Buffer.from(value).toString('latin1')] as const);
  return fetch(url, { method: 'POST', headers: Object.fromEntries(sent), body });
}

export const options = (accessKeyId = operatorKey) => ({
  endpoint: server.endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId, secretAccessKey },
  maxAttempts: 1,
});
export const sfn = () => new SFNClient(options());
export const kms = () => new KMSClient(options());
export const cloudFormation = () => new CloudFormationClient(options());

/** Makes the operation answer with this, and returns the inputs that it is given. */
export function answer(output: object): unknown[] {
  const inputs: unknown[] = [];
  anyOperation.run = (input) => {
    inputs.push(input);
    return output;
  };
  return inputs;
}

export function fail(code: string, message = 'because', status?: number): void {
  anyOperation.run = () => {
    throw new AwsError(code, message, status);
  };
}
