import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type AccountRegion, account } from '../core/account.ts';
import type { Clock } from '../core/clock.ts';
import type { Faults } from '../core/faults.ts';
import { type Access, AwsError, type Caller, type Service } from '../core/operation.ts';
import type { InfinStor } from '../infinstor/infinstor.ts';
import { infinstorPath } from '../operator.ts';
import { notReadable } from '../services/cloudformation/template-source.ts';
import type { CloudWatch } from '../services/cloudwatch/service.ts';
import { countError, countThrottles } from '../services/dynamodb/error-metrics.ts';
import type { DynamoDb } from '../services/dynamodb/service.ts';
import { deploymentApiId, type HttpApi } from '../services/http-api/service.ts';
import type { Accounts } from '../services/iam/accounts.ts';
import type { Lambda } from '../services/lambda/service.ts';
import type { S3 } from '../services/s3/service.ts';
import { type Authenticator, createAuthenticator } from './authenticate.ts';
import type { Authorizer } from './authorizer.ts';
import { answerFaults, faultsPath } from './faults.ts';
import type { Injector } from './inject-fault.ts';
import { LostAnswer } from './inject-fault.ts';
import {
  type Answer,
  jsonError,
  jsonResult,
  queryCodeOf,
  queryError,
  queryInput,
  queryResult,
  restError,
  xmlError,
} from './protocols.ts';
import { canonicalHeaders, type SignedRequest } from './sigv4.ts';
import { sqsErrorCode, sqsInput, sqsOutput, sqsQueryError } from './sqs-query.ts';

interface Parts {
  clock: Clock;
  accounts: Pick<Accounts, 'secret' | 'caller'>;
  /** The services of an account in a Region: a call goes to its caller's account, in the Region that it is signed for. */
  world: (home: AccountRegion) => {
    services: readonly Service[];
    dynamoDb: DynamoDb;
    cloudWatch: Pick<CloudWatch, 'meter'>;
  };
  /** The services that take unsigned calls. */
  unsigned: readonly Service[];
  infinstor: () => Pick<InfinStor, 'handle' | 'failure'>;
  httpApi: Pick<HttpApi, 'handle'>;
  lambda: Pick<Lambda, 'handle'>;
  s3: Pick<S3, 'callOf'>;
  authorizer: Pick<Authorizer, 'authorize'>;
  injector: Injector;
  /** What is still to go wrong. */
  faults: Faults;
}

/** Where InfinStor's own API begins, and the deployment's HTTP API; everything else on the port is AWS, but for the sandbox's own faults. */
const apiPath = '/api';
/** Where other HTTP APIs are, below their ids: AWS has a host for each, which is no address here. LocalStack's place for them. */
const apisPath = '/_aws/execute-api';

/** The service that an `X-Amz-Target` header means, by what stands before its last dot. */
const targets: Readonly<Record<string, string>> = {
  AWSStepFunctions: 'states',
  TrentService: 'kms',
  secretsmanager: 'secretsmanager',
  AWSEvents: 'events',
  Logs_20140328: 'logs',
  AWSCognitoIdentityProviderService: 'cognito-idp',
  DynamoDB_20120810: 'dynamodb',
  AmazonSQS: 'sqs',
  AmazonEC2ContainerRegistry_V20150921: 'ecr',
  ServiceQuotasV20190624: 'servicequotas',
  GraniteServiceVersion20100801: 'cloudwatch',
};

/** What a call is signed for, where that is not the service's name. */
const signingNames: Readonly<Record<string, string>> = { cloudwatch: 'monitoring' };

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
export async function openServer(port: number, given: Parts): Promise<SandboxServer> {
  const parts = { ...given, ...createAuthenticator(given) };
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

type AllParts = Parts & Authenticator;

async function respond(request: IncomingMessage, response: ServerResponse, parts: AllParts): Promise<void> {
  const endOfWork = parts.clock.busy();
  try {
    const sent = await bodyOf(request);
    // What waits for a function does not work itself: the clock goes on while the function sleeps.
    if (invokesFunction(request)) endOfWork();
    const { status, headers, body: text, bytes: answer = text } = await answerOf(request, sent, parts);
    // A call takes some time, so that what calls do one after the other has times in that order.
    if (parts.clock.skipsIdle) parts.clock.advance(1);
    // The sandbox's time: SDKs take a difference to their own for a wrong clock, and repeat what failed.
    const date = new Date(parts.clock.now()).toUTCString();
    // A HEAD has the length of what it leaves out, and no body.
    const length = { 'content-length': Buffer.byteLength(answer) };
    const isHead = request.method === 'HEAD';
    response.writeHead(status, { date, ...headers, ...(!isHead && length) }).end(isHead ? undefined : answer);
  } catch {
    // The connection broke while the request was read, or the answer is to be lost.
    response.destroy();
  } finally {
    endOfWork();
  }
}

/** The bytes of a request; `buffer` of `node:stream/consumers` makes a `Blob` of them first, at a third more of the cost. */
async function bodyOf(request: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) if (chunk instanceof Uint8Array) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const invokesFunction = (request: IncomingMessage) => apiOf(request.url ?? '') !== undefined || isLambdas(request);

/** The HTTP API that a path leads to, and the rest of the path. */
function apiOf(path: string): { id: string; path: string } | undefined {
  if (path.startsWith(`${apiPath}/`)) return { id: deploymentApiId, path: path.slice(apiPath.length) };
  const [, id = '', rest = ''] = /^\/([a-z0-9]+)(\/.*)$/s.exec(path.slice(apisPath.length)) ?? [];
  return path.startsWith(`${apisPath}/`) && id !== '' ? { id, path: rest } : undefined;
}

/** Whether a request is for Lambda's REST API, which has no header that says so: by its path, or by what it is signed for. */
const isLambdas = ({ url = '', headers }: IncomingMessage) =>
  url.startsWith('/2015-03-31/') || headers.authorization?.includes('/lambda/aws4_request') === true;

/** Whether a request is for S3's REST API: by what it is signed for, or as nobody else has unsigned reads. */
const isS3s = ({ method, url = '', headers }: IncomingMessage) =>
  headers.authorization?.includes('/s3/aws4_request') === true ||
  (method === 'GET' &&
    headers.authorization === undefined &&
    headers['x-amz-target'] === undefined &&
    /^\/[^/?]+\/[^?]/.test(url));

/** What a signature is computed over. */
function signedRequestOf({ method = 'GET', url = '/', rawHeaders }: IncomingMessage, body: Buffer): SignedRequest {
  const headers: [name: string, value: string][] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    headers.push([rawHeaders[index] ?? '', utf8(rawHeaders[index + 1] ?? '')]);
  }
  return { method, target: url, headers: canonicalHeaders(headers), body };
}

/** Node reads headers as Latin-1, and clients sign them in UTF-8. */
const utf8 = (value: string) => (/[\u0080-\u00ff]/.test(value) ? Buffer.from(value, 'latin1').toString('utf8') : value);

async function answerOf(request: IncomingMessage, sent: Buffer, parts: AllParts): Promise<Answer> {
  const body = sent.toString('utf8');
  const signed = signedRequestOf(request, sent);
  const { pathname: path, searchParams: query } = new URL(request.url ?? '/', 'http://sandbox');
  if (path.startsWith(`${infinstorPath}/`)) {
    const answer = await callInfinStor(request, path.slice(infinstorPath.length), body, parts);
    // A service may let its callers keep a connection for longer than a network does: then `fetch` keeps it.
    return { ...answer, headers: { ...answer.headers, 'keep-alive': 'timeout=600' } };
  }
  const api = apiOf(path);
  if (api !== undefined) {
    return parts.httpApi.handle(api.id, {
      method: request.method ?? 'GET',
      path: api.path,
      query,
      headers: plainHeaders(request),
      body,
      caller: apiCaller(signed, parts),
    });
  }
  if (path === faultsPath) return answerFaults({ method: request.method ?? 'GET', body }, parts.faults);
  if (isS3s(request) && !isLambdas(request)) return callS3(request, { path, query }, { signed, sent }, parts);
  return callAws(request, { signed, body }, parts);
}

/** Who has signed a request to the HTTP API, which does not say what is wrong with a signature. */
function apiCaller(signed: SignedRequest, { authenticate }: Authenticator): Caller | undefined {
  try {
    return authenticate(signed, { service: 'execute-api', region: account.region }).caller;
  } catch (error) {
    if (error instanceof AwsError) return undefined;
    throw error;
  }
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

async function callS3(
  request: IncomingMessage,
  { path, query }: { path: string; query: URLSearchParams },
  { signed, sent }: { signed: SignedRequest; sent: Buffer },
  parts: AllParts,
): Promise<Answer> {
  const requestId = randomUUID();
  const headers = plainHeaders(request);
  try {
    const caller =
      headers.authorization === undefined ? undefined : parts.authenticate(signed, { service: 's3' }).caller;
    const { operation, input, run } = parts.s3.callOf({
      method: request.method ?? 'GET',
      path,
      query,
      headers,
      body: sent,
      caller,
    });
    const made = { service: 's3', operation, input, caller, attempt: attemptOf(headers) };
    const answer = await parts.injector.inject(made, run);
    return { ...answer, headers: { ...answer.headers, 'x-amz-request-id': requestId } };
  } catch (error) {
    if (error instanceof LostAnswer) throw error;
    const failure = error instanceof AwsError ? error : new AwsError('InternalError', describe(error), 500);
    return xmlError(failure, requestId);
  }
}

interface Sent {
  signed: SignedRequest;
  body: string;
}

async function callAws(request: IncomingMessage, { signed, body }: Sent, parts: AllParts): Promise<Answer> {
  const requestId = randomUUID();
  const headers = plainHeaders(request);
  const target = headers['x-amz-target'];
  const contentType = headers['content-type'] ?? 'application/x-amz-json-1.1';
  const isRest = isLambdas(request);
  const attempt = attemptOf(headers);

  async function answered(): Promise<Answer> {
    if (isRest) {
      const { pathname: path, searchParams } = new URL(request.url ?? '/', 'http://sandbox');
      const { caller } = parts.authenticate(signed, { service: 'lambda' });
      return parts.lambda.handle({
        method: request.method ?? 'GET',
        path,
        query: Object.fromEntries(searchParams),
        headers,
        body,
        caller,
      });
    }
    if (target === undefined) return callQuery({ signed, body, attempt, requestId }, parts);
    return callJson({ target, signed, body, headers, contentType, attempt }, parts);
  }
  const answer = await answered().catch((error: unknown) => {
    if (error instanceof LostAnswer) throw error;
    const failure = error instanceof AwsError ? error : new AwsError('InternalFailure', describe(error), 500);
    if (isRest) return restError(failure, contentType);
    if (target === undefined) return queryError(failure, requestId);
    const json = jsonError(failure, contentType);
    const queryCode = codeInQuery(target, failure);
    if (queryCode === undefined) return json;
    const type = failure.statusCode < 500 ? 'Sender' : 'Receiver';
    return { ...json, headers: { ...json.headers, 'x-amzn-query-error': `${queryCode};${type}` } };
  });
  return { ...answer, headers: { ...answer.headers, 'x-amzn-requestid': requestId } };
}

/** The name that an error had in the Query protocol, for the services that say it in a header. */
function codeInQuery(target: string, failure: AwsError): string | undefined {
  if (target.startsWith('AmazonSQS.')) return sqsErrorCode(failure);
  return target.startsWith('GraniteServiceVersion20100801.') ? queryCodeOf(failure) : undefined;
}

interface QueryCall extends Sent {
  attempt: number;
  requestId: string;
}

async function callQuery({ signed, body, attempt, requestId }: QueryCall, parts: AllParts): Promise<Answer> {
  const { operationName, input } = queryInput(body);
  const { caller, service } = parts.authenticate(signed);
  const { services } = parts.world(caller);
  // Old clients speak Query to SQS, and newer ones JSON: both mean the same operations.
  if (service === 'sqs') {
    const sqs = serviceOf('sqs', 'json', services);
    const output = await call(sqs, operationName, { input: sqsInput(input), caller, attempt: 1 }, parts).catch(
      (error: unknown) => {
        throw error instanceof AwsError ? sqsQueryError(error) : error;
      },
    );
    return queryResult(operationName, sqsOutput(output), requestId, 'flat');
  }
  const output = await call(serviceOf(service, 'query', services), operationName, { input, caller, attempt }, parts);
  return queryResult(operationName, output, requestId);
}

interface JsonCall extends Sent {
  target: string;
  headers: Record<string, string | undefined>;
  contentType: string;
  attempt: number;
}

async function callJson(jsonCall: JsonCall, parts: AllParts): Promise<Answer> {
  const { target, signed, body, headers, contentType, attempt } = jsonCall;
  const [prefix = '', operationName = ''] = target.split('.');
  const name = targets[prefix];
  if (name === undefined) throw new AwsError('UnknownOperationException', `The sandbox has no service for ${target}`);
  const input = parseBody(body);
  const unsigned = parts.unsigned.find((service) => service.name === name);
  if (unsigned !== undefined)
    return jsonResult(await call(unsigned, operationName, { input, caller: undefined, attempt }, parts), contentType);
  const { caller } = parts.authenticate(signed, { service: signingNames[name] ?? name });
  const { services, dynamoDb, cloudWatch } = parts.world(caller);
  if (name !== 'dynamodb') {
    const output = await call(serviceOf(name, 'json', services), operationName, { input, caller, attempt }, parts);
    return jsonResult(output, contentType);
  }
  for (const access of dynamoDb.access(operationName, input, caller)) parts.authorizer.authorize(caller, access);
  const made = { service: name, operation: operationName, input, caller, attempt };
  try {
    return await parts.injector.inject(made, async ({ isSpared, onThrottled }) => {
      const answer = await dynamoDb.handle(target, headers, body, isSpared);
      if (answer.throttled === undefined) return answer;
      onThrottled();
      countThrottles(answer.throttled, { operation: operationName, isRefused: answer.status !== 200 }, cloudWatch);
      return answer;
    });
  } catch (error) {
    if (error instanceof AwsError) countError(error, made, { dynamoDb, cloudWatch });
    throw error;
  }
}

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
  if (caller !== undefined) {
    for (const access of operation.access(parsed, caller)) {
      if (service.name === 'cloudformation' && access.action === 's3:GetObject') readable(caller, access, authorizer);
      else authorizer.authorize(caller, access);
    }
  }
  // Faults call Cognito by its common name.
  const faultService = service.name === 'cognito-idp' ? 'cognito' : service.name;
  const made = { service: faultService, operation: operationName, input: parsed, caller, attempt };
  return injector.inject(made, () => operation.run(parsed, caller ?? anonymous));
}

/** What CloudFormation may not read with its caller's rights is a wrong input to it (F5Networks/f5-aws-cloudformation#68). */
function readable(caller: Caller, access: Access, { authorize }: Pick<Authorizer, 'authorize'>): void {
  try {
    authorize(caller, access);
  } catch (error) {
    throw error instanceof AwsError ? notReadable() : error;
  }
}

/** The caller of operations that are not signed. */
const anonymous: Caller = { accountId: '', region: '', principalArn: '', arn: '', principalId: '', policies: [] };

function serviceOf(name: string, protocol: Service['protocol'], services: readonly Service[]): Service {
  const service = services.find((candidate) => candidate.name === name && candidate.protocol === protocol);
  if (service === undefined) throw new AwsError('UnknownOperationException', `The sandbox has no service ${name}`);
  return service;
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
