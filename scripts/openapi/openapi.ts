import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as v from 'valibot';
import { parse } from 'yaml';
import { headersSchema } from '../../lib/lambda/http.ts';
import { userNameSchema } from '../../lib/requests/fields.ts';
import { gatewaySchema, problemSchema } from './answers.ts';
import { type Body, referred } from './bodies.ts';
import { answerSchemaOf, type JsonSchema, requestSchemaOf } from './json-schema.ts';
import { type Operation, operations } from './operations.ts';

const root = resolve(import.meta.dirname, '../..');

const functionSchema = v.object({
  events: v.optional(
    v.array(v.object({ httpApi: v.optional(v.object({ method: v.string(), path: v.string() })) })),
    [],
  ),
});
const objectSchema = v.object({
  properties: v.record(v.string(), v.record(v.string(), v.unknown())),
  required: v.optional(v.array(v.string()), []),
});

/** A route of the HTTP API, and the function behind it. */
interface Route {
  step: string;
  method: string;
  path: string;
}

/** The routes of all functions, by their function.yml. */
function routes(): Route[] {
  return readdirSync(join(root, 'functions')).flatMap((step) => {
    const { events } = v.parse(
      functionSchema,
      parse(readFileSync(join(root, 'functions', step, 'function.yml'), 'utf8')),
    );
    return events.flatMap(({ httpApi }) => (httpApi === undefined ? [] : [{ step, ...httpApi }]));
  });
}

const ref = (kind: string, name: string) => ({ $ref: `#/components/${kind}/${name}` });
const json = (schema: object, type = 'application/json') => ({ [type]: { schema } });

/**
 * The HTTP API as a document of OpenAPI 3.1: the routes of the functions, what their parsers take and what they answer.
 * @throws Error for a route without an operation, and for an operation without a route
 */
export function openApi(): JsonSchema {
  const all = routes();
  const unused = Object.keys(operations).filter((step) => !all.some((route) => route.step === step));
  if (unused.length > 0) throw new Error(`No route leads to ${unused.join(', ')}`);
  const paths: Record<string, Record<string, object>> = {};
  for (const { step, method, path } of all.toSorted((one, other) => (one.path < other.path ? -1 : 1))) {
    const operation = operations[step];
    if (operation === undefined) throw new Error(`scripts/openapi/operations.ts has nothing of ${step}`);
    paths[path] = { ...paths[path], [method.toLowerCase()]: described(operation, { step, method, path }) };
  }
  const bodies = [...referred, ...Object.values(operations).flatMap(({ body }) => (body === undefined ? [] : [body]))];
  const answers = Object.values(operations).flatMap(({ answer: { name, schema } }): Body[] =>
    schema === undefined ? [] : [{ name, schema: answerSchemaOf(schema) }],
  );
  const own: Body[] = [
    { name: 'Problem', schema: answerSchemaOf(problemSchema) },
    { name: 'GatewayError', schema: answerSchemaOf(gatewaySchema) },
  ];
  const schemas = [...bodies, ...answers, ...own].toSorted((one, other) => (one.name < other.name ? -1 : 1));
  return {
    openapi: '3.1.1',
    info: {
      title: 'infinstor-onboarding',
      version: '1',
      summary: 'Onboards subscribers of a multi-tenant InfinStor MLflow service.',
      description:
        'Made by `npm run draw-openapi` from the schemas of the parsers. docs/api.md has more of each operation, and the rules that no schema can have. An answer may have further members at any time.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'The API that has answered with this document' }],
    tags: [...new Set(Object.values(operations).map(({ tag }) => tag))].map((name) => ({ name })),
    security: [{ sigv4: [] }],
    paths,
    components: {
      securitySchemes: {
        sigv4: {
          type: 'apiKey',
          name: 'Authorization',
          in: 'header',
          description:
            "A signature of AWS, version 4, for the service execute-api. Each operation's right is execute-api:Invoke on its route.",
          'x-amazon-apigateway-authtype': 'awsSigv4',
        },
      },
      parameters: headers(),
      responses: refusals,
      schemas: Object.fromEntries(schemas.map(({ name, schema }) => [name, schema])),
    },
  };
}

const refused = (description: string, more: object = {}) => ({
  description,
  ...more,
  content: json(ref('schemas', 'Problem'), 'application/problem+json'),
});
const seconds = (description: string) => ({ 'Retry-After': { description, schema: { type: 'integer', minimum: 1 } } });
const later = { headers: seconds('After so many seconds the same request may be sent again') };

const refusals = {
  Invalid: refused('The request breaks rules: `errors` has each, with its place.'),
  Forbidden: {
    description: 'API Gateway lets the caller not use the route, or the signature is wrong or missing.',
    content: json(ref('schemas', 'GatewayError')),
  },
  TooLarge: { description: 'The body has more than 10 MB.', content: json(ref('schemas', 'GatewayError')) },
  TooMany: { description: 'API Gateway is called too often.', content: json(ref('schemas', 'GatewayError')) },
  NotFound: refused('Nothing is known of it.'),
  Conflict: refused('Another execution works on the subscriber, or the state is not one for this.', later),
  Unprocessable: refused('The request cannot be done as it is: by what it asks for, or by its Idempotency-Key.'),
  Failed: {
    description: 'The deployment has met an error of its own, which its log has; or API Gateway had no answer from it.',
    content: {
      ...json(ref('schemas', 'Problem'), 'application/problem+json'),
      ...json(ref('schemas', 'GatewayError')),
    },
  },
  Unavailable: {
    description: 'AWS does not answer at this moment, or not so often; or the API had no time left.',
    ...later,
    content: {
      ...json(ref('schemas', 'Problem'), 'application/problem+json'),
      ...json(ref('schemas', 'GatewayError')),
    },
  },
};

const refusalNames = { 404: 'NotFound', 409: 'Conflict', 422: 'Unprocessable' } as const;

function described(operation: Operation, { method, path }: Route): object {
  const { operationId, tag, summary, description, body, answer, starts = false } = operation;
  const parameters = [...parametersOf(operation, path), ...(starts ? Object.keys(headers()).map(headerRef) : [])];
  return {
    operationId,
    tags: [tag],
    summary,
    description: `${description} Needs \`execute-api:Invoke\` on \`…/${method}${path.replace(/\{\w+\}/g, '*')}\`.`,
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && { requestBody: { required: true, content: json(ref('schemas', body.name)) } }),
    responses: {
      [answer.status]: {
        description: answer.description,
        ...answerHeaders(operation),
        content: json(answer.schema === undefined ? { type: 'object' } : ref('schemas', answer.name)),
      },
      400: ref('responses', 'Invalid'),
      403: ref('responses', 'Forbidden'),
      ...(body !== undefined && { 413: ref('responses', 'TooLarge') }),
      429: ref('responses', 'TooMany'),
      ...Object.fromEntries(operation.refusals.map((status) => [status, ref('responses', refusalNames[status])])),
      500: ref('responses', 'Failed'),
      503: ref('responses', 'Unavailable'),
    },
  };
}

function answerHeaders({ starts, operationId }: Operation): object {
  const retryAfter = seconds('After so many seconds the status may be read again');
  if (starts) {
    const location = { description: 'Where the status is read', schema: { type: 'string', format: 'uri-reference' } };
    return { headers: { Location: location, ...retryAfter } };
  }
  return operationId === 'getSubscriber' ? { headers: retryAfter } : {};
}

/** Those of path and query. */
function parametersOf({ parameters, query }: Operation, path: string): object[] {
  const ofPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const schema = parameters === undefined ? query?.schema : requestSchemaOf(parameters);
  const { properties, required } =
    schema === undefined ? { properties: {}, required: [] } : v.parse(objectSchema, schema);
  const inPath = ofPath.map((name) => ({
    name,
    in: 'path',
    required: true,
    schema: properties[name] ?? requestSchemaOf(userNameSchema),
  }));
  const inQuery = Object.entries(properties)
    .filter(([name]) => !ofPath.includes(name) && !elsewhere.includes(name))
    .map(([name, { description, ...of }]) => ({
      name,
      in: 'query',
      ...(description !== undefined && { description }),
      ...(required.includes(name) && { required: true }),
      schema: of,
    }));
  return [...inPath, ...inQuery];
}

/** Members of a request that are no parameters. */
const elsewhere = ['subscriber', '$schema'];

const headerRef = (name: string) => ref('parameters', name);

function headers(): Record<string, object> {
  const { properties } = v.parse(objectSchema, requestSchemaOf(headersSchema));
  const said: Readonly<Record<string, string>> = {
    'Idempotency-Key':
      'By it a request that is sent again is known: it has the execution that the first one has started, also when that is over.',
    'X-Correlation-Id': 'By it the caller finds its request again in statuses and events.',
  };
  return Object.fromEntries(
    Object.entries(properties).map(([name, { description, ...schema }]) => [
      name,
      { name, in: 'header', description: `${said[name] ?? ''} It ${description}.`, schema },
    ]),
  );
}
