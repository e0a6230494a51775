import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { account } from '../../core/account.ts';
import type { Clock } from '../../core/clock.ts';
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
  functionArn: string;
}

export interface HttpApi {
  id: string;
  /** Puts a function behind the API. Returns the integration's id. */
  addIntegration(functionArn: string): string;
  /** @throws AwsError NotFoundException for an integration that does not exist */
  addRoute(route: { routeKey: string; integrationId: string }): void;
  handle(request: ApiRequest): Promise<ApiResponse>;
}

interface Parts {
  clock: Clock;
  /** Asks IAM. @throws AwsError AccessDeniedException */
  authorize: (caller: Caller, access: Access) => void;
  invoke: (functionArn: string, event: unknown) => Promise<unknown>;
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
 * An HTTP API of API Gateway whose routes all have AWS_IAM authorization and a Lambda function behind them, by payload format
 * 2.0: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export function createHttpApi({ clock, authorize, invoke }: Parts): HttpApi {
  const id = 'sandboxapi';
  const routes: Route[] = [];
  /** The function behind each integration. */
  const integrations = new Map<string, string>();

  function match(method: string, path: string) {
    for (const route of routes) {
      const [routeMethod, template = ''] = route.routeKey.split(' ');
      const pathParameters = method === routeMethod ? matchPath(template, path) : undefined;
      if (pathParameters !== undefined) return { route, pathParameters };
    }
    return undefined;
  }

  return {
    id,
    addIntegration(functionArn) {
      const integrationId = `integration${integrations.size + 1}`;
      integrations.set(integrationId, functionArn);
      return integrationId;
    },
    addRoute({ routeKey, integrationId }) {
      const functionArn = integrations.get(integrationId);
      if (functionArn === undefined) {
        throw new AwsError('NotFoundException', `Invalid Integration identifier specified ${integrationId}`, 404);
      }
      routes.push({ routeKey, functionArn });
    },

    async handle(request) {
      const { method, path, caller, body } = request;
      const matched = match(method, path);
      if (matched === undefined) return message(404, 'Not Found');
      if (caller === undefined) return message(403, 'Forbidden');
      const resource = `arn:aws:execute-api:${account.region}:${account.accountId}:${id}/$default/${method}${path}`;
      try {
        // An HTTP API has no resource policy, by which another account's principals would be let in.
        authorize(caller, { action: 'execute-api:Invoke', resource, resourceAccountId: account.accountId });
      } catch (error) {
        if (error instanceof AwsError) return message(403, 'Forbidden');
        throw error;
      }
      if (Buffer.byteLength(body) > maxBodyBytes) return message(413, 'Request Entity Too Large');
      const { route, pathParameters } = matched;
      try {
        const event = eventOf({ ...request, caller }, { route, pathParameters, apiId: id, now: clock.now() });
        const result = v.parse(resultSchema, await invoke(route.functionArn, event));
        const headers = Object.fromEntries(
          Object.entries(result.headers).map(([name, value]) => [name, String(value)]),
        );
        return { status: result.statusCode, headers: { 'content-type': 'text/plain', ...headers }, body: result.body };
      } catch {
        // Why a function failed is for its log, and not for who called.
        return message(500, 'Internal Server Error');
      }
    },
  };
}

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
  route: Route;
  pathParameters: Record<string, string>;
  apiId: string;
  now: number;
}

function eventOf(
  { method, path, query, headers, body, caller }: ApiRequest & { caller: Caller },
  { route: { routeKey }, pathParameters, apiId, now }: Invocation,
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
      accountId: account.accountId,
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
      domainName: `${apiId}.execute-api.${account.region}.amazonaws.com`,
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
