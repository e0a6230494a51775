// A client of the HTTP API that is made of nothing but the document: its types are generated from it, and so is what it expects of each answer.

import { Ajv2020 } from 'ajv/dist/2020.js';
import createClient, { type Client } from 'openapi-fetch';
import * as v from 'valibot';
import { expect } from 'vitest';
import type { Sandbox } from '../../../sandbox/boot.ts';
import type { paths } from '../../../schemas/openapi.d.ts';
import document from '../../../schemas/openapi.json' with { type: 'json' };
import { signRequest } from '../../../tools/permissions/sign-request.ts';
import { spoken } from '../sandbox.ts';

const refSchema = v.object({ $ref: v.string() });
const contentSchema = v.record(v.string(), v.object({ schema: v.looseObject({}) }));
const responseSchema = v.object({ headers: v.optional(v.looseObject({}), {}), content: contentSchema });
const operationSchema = v.looseObject({
  operationId: v.string(),
  tags: v.tuple([v.string()]),
  responses: v.record(v.string(), v.union([refSchema, responseSchema])),
});
export const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(v.parse(v.record(v.string(), operationSchema), methods)).map(([method, operation]) => ({
    key: `${method.toUpperCase()} ${path}`,
    method: method.toUpperCase(),
    pattern: new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`),
    tag: operation.tags[0],
    ...operation,
  })),
);
const shared = v.parse(v.record(v.string(), responseSchema), document.components.responses);

/** A schema that refuses what it does not name: clients take it, but a document that lacks something is to be found. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const parts = Object.fromEntries(Object.entries(schema).map(([name, part]) => [name, closed(part)]));
  return 'properties' in parts && !('additionalProperties' in parts)
    ? { ...parts, additionalProperties: false }
    : parts;
}

const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
const components = { schemas: closed(document.components.schemas) };

/** What operations have answered, as `getKey 200`. */
export type Answered = Set<string>;

/** Holds an answer to the document: status, type, the headers that it promises, and every member. */
async function expectDescribed(request: Request, answer: Response, prefix: string, answered: Answered): Promise<void> {
  const path = new URL(request.url).pathname.slice(prefix.length);
  const operation = operations.find(({ method, pattern }) => method === request.method && pattern.test(path));
  const described = operation?.responses[answer.status];
  const response =
    described !== undefined && '$ref' in described ? shared[described.$ref.split('/').at(-1) ?? ''] : described;
  const type = answer.headers.get('content-type') ?? '';
  const schema = response?.content[type]?.schema;
  expect(schema, `${request.method} ${path} answers ${answer.status} as ${type}`).toBeDefined();
  answered.add(`${operation?.operationId} ${answer.status}`);
  const body: unknown = await answer.json();
  const validate = ajv.compile(Object.assign({ components }, schema));
  validate(body);
  expect({ body, errors: validate.errors }).toEqual({ body, errors: null });
  spoken.push(JSON.stringify(body));
}

/** A client whose requests are signed by the sandbox's operator, and whose answers are held to the document. */
export function generatedClient({ apiEndpoint, clock }: Sandbox): { client: Client<paths>; answered: Answered } {
  const answered: Answered = new Set();
  const client = createClient<paths>({
    baseUrl: apiEndpoint,
    async fetch(request) {
      const text = await request.clone().text();
      const { method, url } = request;
      const sent = { method, url, headers: Object.fromEntries(request.headers), ...(text !== '' && { body: text }) };
      const headers = await signRequest(sent, { service: 'execute-api', now: clock.now() });
      const answer = await fetch(url, { ...sent, headers });
      await expectDescribed(request, answer.clone(), new URL(apiEndpoint).pathname, answered);
      return answer;
    },
  });
  return { client, answered };
}
