import { randomInt, randomUUID } from 'node:crypto';
import * as v from 'valibot';
import type { AccountRegion } from '../../core/account.ts';
import type { Clock } from '../../core/clock.ts';
import { type Meter, noMeter } from '../../core/meter.ts';
import { type Access, AwsError, type Caller } from '../../core/operation.ts';

/** The header names are in lower case, the path is relative to the API's endpoint. */
export interface ApiRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: Readonly<Record<string, string | undefined>>;
  body: string;
  /** Who signed it; undefined when nobody did, or with an unknown key. */
  caller: Caller | undefined;
}

export interface ApiResponse {
  status: number;
  headers: Record<string, string>;
  body: string;
}

interface Route {
  /** `POST /subscribers`, `GET /subscribers/{userName}` */
  routeKey: string;
  integrationId: string;
}

interface Api {
  home: AccountRegion;
  /** By id. */
  routes: Map<string, Route>;
  /** The ARN of the function behind each integration, by its id. */
  integrations: Map<string, string>;
}

/** The id of the API of the sandbox's own deployment. */
export const deploymentApiId = 'sandboxapi';

/** The HTTP APIs of all accounts and Regions. What is about an API that does not exist throws AwsError NotFoundException. */
export interface HttpApi {
  /** Creates an API without routes, and returns its id: the given one, or a new one. */
  createApi(home: AccountRegion, id?: string): string;
  /** Deletes an API with its routes and integrations, if there is one of this id. */
  deleteApi(apiId: string): void;
  /** Puts a function behind the API, or another one behind an integration that is there. */
  setIntegration(apiId: string, integrationId: string, functionArn: string): void;
  deleteIntegration(apiId: string, integrationId: string): void;
  /** Adds or changes a route. @throws AwsError NotFoundException for an integration that does not exist; ConflictException for a key that another route has */
  setRoute(apiId: string, routeId: string, route: Route): void;
  deleteRoute(apiId: string, routeId: string): void;
  /** What an API answers; one that does not exist answers 404. */
  handle(apiId: string, request: ApiRequest): Promise<ApiResponse>;
}

interface Parts {
  clock: Clock;
  /** Asks IAM. @throws AwsError AccessDeniedException */
  authorize: (caller: Caller, access: Access) => void;
  invoke: (functionArn: string, event: unknown) => Promise<unknown>;
  /** Hears of what an API answers, where the API is; default: nobody does. */
  meter?: (home: AccountRegion) => Meter;
}

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html */
const maxBodyBytes = 10 * 1024 * 1024;

const resultSchema = v.object({
  statusCode: v.number(),
  headers: v.optional(v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])), {}),
  body: v.optional(v.string(), ''),
  isBase64Encoded: v.optional(v.literal(false)),
});

/**
 * HTTP APIs of API Gateway whose routes all have AWS_IAM authorization and a Lambda function behind them, by payload format
 * 2.0: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export function createHttpApi({ clock, authorize, invoke, meter = () => noMeter }: Parts): HttpApi {
  const apis = new Map<string, Api>();

  function apiOf(id: string): Api {
    const api = apis.get(id);
    if (api !== undefined) return api;
    throw new AwsError('NotFoundException', `Invalid API identifier specified ${id}`, 404);
  }

  function match(apiId: string, method: string, path: string) {
    const api = apis.get(apiId);
    for (const { routeKey, integrationId } of api?.routes.values() ?? []) {
      const [routeMethod, template = ''] = routeKey.split(' ');
      const pathParameters = method === routeMethod ? matchPath(template, path) : undefined;
      const functionArn = api?.integrations.get(integrationId);
      if (api === undefined || pathParameters === undefined || functionArn === undefined) continue;
      return { home: api.home, routeKey, functionArn, pathParameters };
    }
    return undefined;
  }

  return {
    createApi({ accountId, region }, id = newId()) {
      apis.set(id, { home: { accountId, region }, routes: new Map(), integrations: new Map() });
      return id;
    },
    deleteApi: (apiId) => void apis.delete(apiId),
    setIntegration: (apiId, integrationId, functionArn) =>
      void apiOf(apiId).integrations.set(integrationId, functionArn),
    deleteIntegration: (apiId, integrationId) => void apis.get(apiId)?.integrations.delete(integrationId),
    setRoute(apiId, routeId, route) {
      const { routes, integrations } = apiOf(apiId);
      if (!integrations.has(route.integrationId)) {
        throw new AwsError('NotFoundException', `Invalid Integration identifier specified ${route.integrationId}`, 404);
      }
      const twin = [...routes].find(([id, { routeKey }]) => id !== routeId && routeKey === route.routeKey);
      if (twin !== undefined) {
        throw new AwsError('ConflictException', `Route with key ${route.routeKey} already exists for this API`, 409);
      }
      routes.set(routeId, route);
    },
    deleteRoute: (apiId, routeId) => void apis.get(apiId)?.routes.delete(routeId),

    async handle(apiId, request) {
      const startedAt = clock.now();
      const response = await answer(apiId, request);
      count(apiId, response.status, clock.now() - startedAt);
      return response;
    },
  };

  /** API Gateway developer guide, "Monitor CloudWatch metrics for HTTP APIs in API Gateway". */
  function count(apiId: string, status: number, latency: number): void {
    const api = apis.get(apiId);
    if (api === undefined) return;
    const report = meter(api.home);
    const values = { Count: 1, '4xx': status >= 400 && status < 500 ? 1 : 0, '5xx': status >= 500 ? 1 : 0 };
    for (const dimensions of [{ ApiId: apiId }, { ApiId: apiId, Stage: '$default' }]) {
      report('AWS/ApiGateway', dimensions, values);
      report('AWS/ApiGateway', dimensions, { Latency: latency }, 'Milliseconds');
    }
  }

  async function answer(apiId: string, request: ApiRequest): Promise<ApiResponse> {
    const { method, path, caller, body } = request;
    const matched = match(apiId, method, path);
    if (matched === undefined) return message(404, 'Not Found');
    if (caller === undefined) return message(403, 'Forbidden');
    const { home, functionArn, ...route } = matched;
    const resource = `arn:aws:execute-api:${home.region}:${home.accountId}:${apiId}/$default/${method}${path}`;
    try {
      // An HTTP API has no resource policy, by which another account's principals would be let in.
      authorize(caller, { action: 'execute-api:Invoke', resource, resourceAccountId: home.accountId });
    } catch (error) {
      if (error instanceof AwsError) return message(403, 'Forbidden');
      throw error;
    }
    if (Buffer.byteLength(body) > maxBodyBytes) return message(413, 'Request Entity Too Large');
    try {
      const event = eventOf({ ...request, caller }, { ...route, home, apiId, now: clock.now() });
      const result = v.parse(resultSchema, await invoke(functionArn, event));
      const headers = Object.fromEntries(Object.entries(result.headers).map(([name, value]) => [name, String(value)]));
      return { status: result.statusCode, headers: { 'content-type': 'text/plain', ...headers }, body: result.body };
    } catch {
      // Why a function failed is for its log, and not for who called.
      return message(500, 'Internal Server Error');
    }
  }
}

const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';
const newId = () => Array.from({ length: 10 }, () => letters.charAt(randomInt(letters.length))).join('');

/**
 * The path parameters when the path is of this template, such as `/subscribers/{userName}`. HTTP APIs decode a path as a whole, so that an
 * encoded slash is a slash (middleapi/standard-server#93, ccbrown/cloud-snitch#13).
 */
function matchPath(template: string, path: string): Record<string, string> | undefined {
  const expected = template.split('/');
  const actual = decoded(path).split('/');
  if (expected.length !== actual.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, part] of expected.entries()) {
    const value = actual[index] ?? '';
    const [, name] = /^\{(\w+)\}$/.exec(part) ?? [];
    if (name === undefined && part !== value) return undefined;
    if (name !== undefined) parameters[name] = value;
  }
  return parameters;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

interface Invocation {
  routeKey: string;
  home: AccountRegion;
  pathParameters: Record<string, string>;
  apiId: string;
  now: number;
}

function eventOf(
  { method, path, query, headers, body, caller }: ApiRequest & { caller: Caller },
  { routeKey, home, pathParameters, apiId, now }: Invocation,
): object {
  const isText = /^(text\/|application\/(json|javascript|xml)\b)/.test(headers['content-type'] ?? 'text/plain');
  // Several values of one name are joined by commas.
  const parameters = Object.fromEntries([...query.keys()].map((name) => [name, query.getAll(name).join(',')]));
  return {
    version: '2.0',
    routeKey,
    rawPath: decoded(path),
    rawQueryString: query.toString(),
    headers,
    ...(Object.keys(parameters).length > 0 && { queryStringParameters: parameters }),
    ...(Object.keys(pathParameters).length > 0 && { pathParameters }),
    requestContext: {
      accountId: home.accountId,
      apiId,
      authorizer: {
        iam: {
          accountId: caller.accountId,
          callerId: caller.principalId,
          userArn: caller.arn,
          userId: caller.principalId,
        },
      },
      // As in AWS, where each API has a host of its own.
      domainName: `${apiId}.execute-api.${home.region}.amazonaws.com`,
      domainPrefix: apiId,
      http: { method, path, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: headers['user-agent'] ?? '' },
      requestId: randomUUID(),
      routeKey,
      stage: '$default',
      timeEpoch: now,
    },
    ...(body !== '' && { body: isText ? body : Buffer.from(body).toString('base64') }),
    isBase64Encoded: body !== '' && !isText,
  };
}

const message = (status: number, text: string): ApiResponse => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ message: text }),
});
