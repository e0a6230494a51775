import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { type AccountRegion, account } from '../core/account.ts';
import type { Clock } from '../core/clock.ts';
import type { Faults } from '../core/faults.ts';
import { AwsError, type Caller, type Service } from '../core/operation.ts';
import type { InfinStor } from '../infinstor/infinstor.ts';
import type { DynamoDb } from '../services/dynamodb/service.ts';
import type { HttpApi } from '../services/http-api/service.ts';
import type { Accounts } from '../services/iam/accounts.ts';
import type { Lambda } from '../services/lambda/service.ts';
import type { Authorizer } from './authorizer.ts';
import { answerFaults, faultsPath } from './faults.ts';
import type { Injector } from './inject-fault.ts';
import { LostAnswer } from './inject-fault.ts';
import { type Answer, jsonError, jsonResult, queryError, queryInput, queryResult } from './protocols.ts';
import { sqsErrorCode, sqsInput, sqsOutput } from './sqs-query.ts';

interface Parts {
  clock: Clock;
  accounts: Pick<Accounts, 'caller'>;
  /** The services of an account in a Region. */
  world: (home: AccountRegion) => { services: readonly Service[]; dynamoDb: DynamoDb };
  /** The services that take unsigned calls. */
  unsigned: readonly Service[];
  infinstor: () => Pick<InfinStor, 'handle' | 'failure'>;
  httpApi: Pick<HttpApi, 'handle'>;
  lambda: Pick<Lambda, 'handle'>;
  authorizer: Pick<Authorizer, 'authorize'>;
  injector: Injector;
  /** What is still to go wrong. */
  faults: Faults;
}

/** Where InfinStor's own API begins, and the deployment's HTTP API; everything else on the port is AWS, but for the sandbox's own faults. */
const infinstorPath = '/infinstor';
const apiPath = '/api';

/** The service that an `X-Amz-Target` header means, by what stands before its last dot. */
const targets: Readonly<Record<string, string>> = {
  AWSStepFunctions: 'states',
  TrentService: 'kms',
  secretsmanager: 'secretsmanager',
  AWSEvents: 'events',
  AWSCognitoIdentityProviderService: 'cognito-idp',
  DynamoDB_20120810: 'dynamodb',
  AmazonSQS: 'sqs',
};

export interface SandboxServer {
  /** `http://127.0.0.1:<port>` */
  endpoint: string;
  infinstorUrl: string;
  apiEndpoint: string;
  /** Lets what comes over the open flows from these ports be answered no more: neither with an answer, nor with a FIN or RST. */
  drop(ports: readonly number[]): void;
  close(): Promise<void>;
}

/** Opens the sandbox's one port, on loopback only; port 0 takes a free one. */
export async function openServer(port: number, parts: Parts): Promise<SandboxServer> {
  const sockets = new Set<Socket>();
  const dropped = new WeakSet<Socket>();
  const server = createServer((request, response) => {
    if (dropped.has(request.socket)) request.resume();
    else void respond(request, response, parts);
  });
  // What nobody uses stays open, so that no real second decides which of a function's connections are.
  server.keepAliveTimeout = 0;
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  // A listening TCP server's address is always of this form.
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    endpoint,
    infinstorUrl: endpoint + infinstorPath,
    apiEndpoint: endpoint + apiPath,
    drop(ports) {
      for (const socket of sockets) {
        if (!ports.includes(socket.remotePort ?? 0)) continue;
        dropped.add(socket);
        // Else the server would close it when it is idle for some seconds.
        socket.setTimeout(0);
      }
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function respond(request: IncomingMessage, response: ServerResponse, parts: Parts): Promise<void> {
  const endOfWork = parts.clock.busy();
  try {
    const body = await text(request);
    // What waits for a function does not work itself: the clock goes on while the function sleeps.
    if (invokesFunction(request)) endOfWork();
    const { status, headers, body: answer } = await answerOf(request, body, parts);
    // A call takes some time, so that what calls do one after the other has times in that order.
    if (parts.clock.skipsIdle) parts.clock.advance(1);
    // The sandbox's time: SDKs take a difference to their own for a wrong clock, and repeat what failed.
    const date = new Date(parts.clock.now()).toUTCString();
    response.writeHead(status, { date, ...headers, 'content-length': Buffer.byteLength(answer) }).end(answer);
  } catch {
    // The connection broke while the request was read, or the answer is to be lost.
    response.destroy();
  } finally {
    endOfWork();
  }
}

const invokesFunction = (request: IncomingMessage) =>
  request.url?.startsWith(`${apiPath}/`) === true || signatureOf(request)?.service === 'lambda';

async function answerOf(request: IncomingMessage, body: string, parts: Parts): Promise<Answer> {
  const { pathname: path, searchParams: query } = new URL(request.url ?? '/', 'http://sandbox');
  if (path.startsWith(`${infinstorPath}/`)) {
    const answer = await callInfinStor(request, path.slice(infinstorPath.length), body, parts);
    // A service may let its callers keep a connection for longer than a network does: then `fetch` keeps it.
    return { ...answer, headers: { ...answer.headers, 'keep-alive': 'timeout=600' } };
  }
  if (path.startsWith(`${apiPath}/`)) {
    const signature = signatureOf(request);
    return parts.httpApi.handle({
      method: request.method ?? 'GET',
      path: path.slice(apiPath.length),
      query,
      headers: plainHeaders(request),
      body,
      caller: signature && parts.accounts.caller(signature.accessKeyId, signature.region),
    });
  }
  if (path === faultsPath) return answerFaults({ method: request.method ?? 'GET', body }, parts.faults);
  return callAws(request, body, parts);
}

interface Signature {
  accessKeyId: string;
  region: string;
  service: string;
}

/** Who signed a request, and for which Region and service; undefined when nobody did. */
function signatureOf({ headers }: IncomingMessage): Signature | undefined {
  const [, accessKeyId, region, service] =
    /Credential=([^/]+)\/\d+\/([\w-]+)\/([\w-]+)\//.exec(headers.authorization ?? '') ?? [];
  return accessKeyId && region && service ? { accessKeyId, region, service } : undefined;
}

async function callInfinStor(request: IncomingMessage, path: string, body: string, parts: Parts): Promise<Answer> {
  const call = {
    service: 'infinstor',
    operation: path.split('/').at(-1) ?? '',
    input: undefined,
    caller: undefined,
    attempt: 1,
  };
  try {
    return await parts.injector.inject(call, () =>
      parts.infinstor().handle({ method: request.method ?? 'GET', path, headers: plainHeaders(request), body }),
    );
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    return parts.infinstor().failure(error.code);
  }
}

async function callAws(request: IncomingMessage, body: string, parts: Parts): Promise<Answer> {
  const requestId = randomUUID();
  const headers = plainHeaders(request);
  const target = headers['x-amz-target'];
  const signature = signatureOf(request);
  const contentType = headers['content-type'] ?? 'application/x-amz-json-1.1';
  const isRest = signature?.service === 'lambda';
  const attempt = attemptOf(headers);
  const isQuery = target === undefined && !isRest;

  async function answered(): Promise<Answer> {
    if (isRest) {
      const path = new URL(request.url ?? '/', 'http://sandbox').pathname;
      const caller = callerOf(signature, parts);
      return parts.lambda.handle({ method: request.method ?? 'GET', path, headers, body, caller });
    }
    if (target === undefined) return callQuery({ signature, body, attempt, requestId }, parts);
    return callJson({ target, signature, body, headers, contentType, attempt }, parts);
  }
  const answer = await answered().catch((error: unknown) => {
    if (error instanceof LostAnswer) throw error;
    const failure = error instanceof AwsError ? error : new AwsError('InternalFailure', describe(error), 500);
    return isQuery ? queryError(failure, requestId) : jsonError(failure, contentType);
  });
  return { ...answer, headers: { ...answer.headers, 'x-amzn-requestid': requestId } };
}

interface QueryCall {
  signature: Signature | undefined;
  body: string;
  attempt: number;
  requestId: string;
}

async function callQuery({ signature, body, attempt, requestId }: QueryCall, parts: Parts): Promise<Answer> {
  const { operationName, input } = queryInput(body);
  const caller = callerOf(signature, parts);
  // Old clients speak Query to SQS, and newer ones JSON: both mean the same operations.
  if (signature?.service === 'sqs') {
    const sqs = serviceOf('sqs', 'json', parts.world(accountRegionOf(caller, signature)).services);
    const output = await call(sqs, operationName, { input: sqsInput(input), caller, attempt: 1 }, parts).catch(
      (error: unknown) => {
        throw error instanceof AwsError ? new AwsError(sqsErrorCode(error), error.message, error.statusCode) : error;
      },
    );
    return queryResult(operationName, sqsOutput(output), requestId, 'flat');
  }
  const called = serviceOf(signature?.service ?? '', 'query', parts.world(accountRegionOf(caller, signature)).services);
  const output = await call(called, operationName, { input, caller, attempt }, parts);
  return queryResult(operationName, output, requestId);
}

interface JsonCall {
  target: string;
  signature: Signature | undefined;
  body: string;
  headers: Record<string, string | undefined>;
  contentType: string;
  attempt: number;
}

async function callJson(jsonCall: JsonCall, parts: Parts): Promise<Answer> {
  const { target, signature, body, headers, contentType, attempt } = jsonCall;
  const [prefix = '', operationName = ''] = target.split('.');
  const name = targets[prefix];
  if (name === undefined) throw new AwsError('UnknownOperationException', `The sandbox has no service for ${target}`);
  const input = parseBody(body);
  const unsigned = parts.unsigned.find((service) => service.name === name);
  if (unsigned !== undefined)
    return jsonResult(await call(unsigned, operationName, { input, caller: undefined, attempt }, parts), contentType);
  const caller = callerOf(signature, parts);
  const { services, dynamoDb } = parts.world(accountRegionOf(caller, signature));
  if (name !== 'dynamodb') {
    const output = await call(serviceOf(name, 'json', services), operationName, { input, caller, attempt }, parts);
    return jsonResult(output, contentType);
  }
  for (const access of dynamoDb.access(operationName, input)) parts.authorizer.authorize(caller, access);
  const made = { service: name, operation: operationName, input, caller, attempt };
  return parts.injector.inject(made, () => dynamoDb.handle(target, headers, body));
}

/** Where a call goes: to the caller's account, in the Region that it is signed for. */
const accountRegionOf = ({ accountId }: Caller, signature: Signature | undefined): AccountRegion => ({
  accountId,
  region: signature?.region ?? account.region,
});

async function call(
  service: Service,
  operationName: string,
  { input, caller, attempt }: { input: unknown; caller: Caller | undefined; attempt: number },
  { authorizer, injector }: Parts,
): Promise<object> {
  const operation = Object.hasOwn(service.operations, operationName) ? service.operations[operationName] : undefined;
  if (operation === undefined) {
    const message = `The sandbox does not have ${operationName} of ${service.name}`;
    throw new AwsError('UnknownOperationException', message);
  }
  const parsed = operation.parse(input);
  if (caller !== undefined) for (const access of operation.access(parsed, caller)) authorizer.authorize(caller, access);
  // Faults call Cognito by its common name.
  const faultService = service.name === 'cognito-idp' ? 'cognito' : service.name;
  const made = { service: faultService, operation: operationName, input: parsed, caller, attempt };
  return injector.inject(made, () => operation.run(parsed, caller ?? anonymous));
}

/** The caller of operations that are not signed. */
const anonymous: Caller = { accountId: '', region: '', principalArn: '', arn: '', principalId: '', policies: [] };

function serviceOf(name: string, protocol: Service['protocol'], services: readonly Service[]): Service {
  const service = services.find((candidate) => candidate.name === name && candidate.protocol === protocol);
  if (service === undefined)
    throw new AwsError('UnknownOperationException', `The sandbox has no service ${name || '(unsigned request)'}`);
  return service;
}

function callerOf(signature: Signature | undefined, { accounts }: Parts): Caller {
  const caller = signature && accounts.caller(signature.accessKeyId, signature.region);
  if (caller === undefined) {
    throw new AwsError('UnrecognizedClientException', 'The security token included in the request is invalid.');
  }
  return caller;
}

function parseBody(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new AwsError('SerializationException', 'The request body is not JSON');
  }
}

/** Which try of the SDK's a request is: it says `attempt=2; max=3`. */
const attemptOf = (headers: Record<string, string | undefined>) =>
  Number(/\battempt=(\d+)/.exec(headers['amz-sdk-request'] ?? '')?.[1] ?? 1);

function plainHeaders({ headers }: IncomingMessage): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat()[0]]));
}

function describe(error: unknown): string {
  return error instanceof Error ? `The sandbox failed: ${error.message}` : 'The sandbox failed';
}
