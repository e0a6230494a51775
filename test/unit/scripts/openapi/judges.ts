import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as v from 'valibot';
import { offboardingAsked } from '../../../../functions/delete-subscriber/delete-subscriber.ts';
import { keySchema } from '../../../../functions/get-key/query.ts';
import { querySchema as quotasQuery } from '../../../../functions/get-quotas/query.ts';
import { querySchema as subscriberQuery } from '../../../../functions/get-subscriber/query.ts';
import { parseListQuery } from '../../../../functions/list-subscribers/query.ts';
import { environmentSchema as updateEnvironment } from '../../../../functions/patch-subscriber/environment.ts';
import { updateAsked } from '../../../../functions/patch-subscriber/patch-subscriber.ts';
import { plannedSchema } from '../../../../functions/plan-request/planned.ts';
import { environmentSchema } from '../../../../functions/post-subscribers/environment.ts';
import { onboardingAsked } from '../../../../functions/post-subscribers/post-subscribers.ts';
import { environmentSchema as usersEnvironment } from '../../../../functions/post-users/environment.ts';
import { usersAsked } from '../../../../functions/post-users/post-users.ts';
import { readCaller } from '../../../../lib/lambda/http.ts';
import { faultsOf, refuse } from '../../../../lib/refusals.ts';
import { parseParameters } from '../../../../lib/requests/fields.ts';
import { checkOffboardingRequest } from '../../../../lib/requests/offboarding.ts';
import { parseRequest } from '../../../../lib/requests/onboarding.ts';
import { checkUpdateRequest } from '../../../../lib/requests/update.ts';
import { checkUpgradeRequest } from '../../../../lib/requests/upgrade.ts';
import { checkUsersRequest } from '../../../../lib/requests/users.ts';
import type { Operation } from '../../../../lib/subscribers/operations.ts';
import { openApi } from '../../../../scripts/openapi/openapi.ts';
import { environmentOf } from '../../functions/environment.ts';
import { requestRules } from '../../functions/plan.ts';

const parameterSchema = v.object({
  name: v.string(),
  in: v.string(),
  required: v.optional(v.boolean()),
  schema: v.looseObject({}),
});
const refSchema = v.object({ $ref: v.string() });
export const documentSchema = v.object({
  paths: v.record(
    v.string(),
    v.record(
      v.string(),
      v.looseObject({
        operationId: v.string(),
        parameters: v.optional(v.array(v.union([parameterSchema, refSchema])), []),
        requestBody: v.optional(
          v.object({ content: v.object({ 'application/json': v.object({ schema: refSchema }) }) }),
        ),
      }),
    ),
  ),
  components: v.looseObject({
    schemas: v.record(v.string(), v.looseObject({})),
    parameters: v.record(v.string(), parameterSchema),
  }),
});

const document = v.parse(documentSchema, openApi());
const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
const compiled = (schema: object) => ajv.compile({ ...schema, components: { schemas: document.components.schemas } });

function operation(id: string) {
  const found = Object.values(document.paths)
    .flatMap((methods) => Object.values(methods))
    .find(({ operationId }) => operationId === id);
  if (found === undefined) throw new Error(`The document has no ${id}`);
  return found;
}

/** What the document says of a body. */
function bodyOf(id: string) {
  const schema = operation(id).requestBody?.content['application/json'].schema;
  if (schema === undefined) throw new Error(`${id} has no body`);
  return compiled(schema);
}

/** What the document says of parameters of some places, as one object of texts; other names may be beside them. */
function parametersOf(id: string, places: readonly string[]) {
  const parameters = operation(id).parameters.flatMap((parameter) => {
    const whole =
      '$ref' in parameter ? document.components.parameters[parameter.$ref.split('/').at(-1) ?? ''] : parameter;
    return whole !== undefined && places.includes(whole.in) ? [whole] : [];
  });
  const validate = compiled({
    type: 'object',
    properties: Object.fromEntries(parameters.map(({ name, schema }) => [name, schema])),
    required: parameters.filter(({ required }) => required === true).map(({ name }) => name),
  });
  const isBoolean = (name: string) => parameters.find((each) => each.name === name)?.schema.type === 'boolean';
  return (texts: unknown) =>
    validate(
      Object.fromEntries(
        Object.entries(Object(texts)).map(([name, text]) =>
          isBoolean(name) && (text === 'true' || text === 'false') ? [name, text === 'true'] : [name, text],
        ),
      ),
    );
}

const secrets = { inputSecretPrefix: requestRules.inputSecretPrefix };
const regions = { STACK_REGIONS: 'us-east-1,eu-west-1', SUPERADMIN_USER_NAME: 'root' };
const environment = v.parse(
  environmentSchema,
  environmentOf(environmentSchema, { ...regions, ALLOWED_STACK_PARAMETERS: 'VpcId', ALLOWED_TAG_KEYS: 'team' }),
);
const client = new SecretsManagerClient({});
const path = { userName: 'acme' };

const machines: Readonly<Record<Operation, (request: unknown) => unknown>> = {
  'onboard-subscriber': (request) => parseRequest(request, requestRules),
  'update-subscriber': (request) => checkUpdateRequest(request, secrets),
  'upgrade-subscriber': (request) => checkUpgradeRequest(request, secrets, requestRules),
  'add-user': (request) => checkUsersRequest(request, { ...secrets, superadminUserName: 'root' }),
  'offboard-subscriber': checkOffboardingRequest,
};

/** A text of each of these names may be there. */
const texts = (value: unknown): Readonly<Record<string, string>> => v.parse(v.record(v.string(), v.string()), value);

/** A parser, and what the document says of the same. */
export interface Judges {
  /** Something that both take. */
  valid: readonly object[];
  /** Whether what is judged is parameters, which are texts, and not a body. */
  isOfTexts: boolean;
  bySchema: (value: unknown) => boolean;
  /** @throws InvalidRequest */
  byParser: (value: unknown) => unknown;
}

const keyArn = 'arn:aws:kms:us-east-1:111111111111:key/11111111-aaaa-4aaa-8aaa-111111111111';
const subscriber = { userName: 'acme', emailId: 'mlops@acme.example' };
const onboarding = {
  $schema: 'https://example.com/onboard-subscriber.json',
  subscriber,
  customTokenSecretId: 'infinstor/test/input/acme/token',
  stack: {
    build: '2.3.72',
    accountId: '111111111111',
    region: 'eu-west-1',
    parameters: { VpcId: 'vpc-1' },
    tags: { team: 'ml ops' },
  },
  encryption: {
    artifacts: { type: 'sse-kms-customer-managed', keyArn },
    tracking: { type: 'aws-managed' },
  },
};
const passwordSecretId = 'infinstor/test/input/acme/password';
const users = [
  { userName: 'eve', emailId: 'eve@acme.example', passwordSecretId },
  { userName: 'Bob.1', emailId: 'bob@acme.example' },
];

/** All that comes in through the document's operations, by what it is. */
export const judges: Readonly<Record<string, Judges>> = {
  'the body of onboardSubscriber': {
    valid: [onboarding, { subscriber, password: 'correct horse' }, { subscriber, passwordSecretId }],
    isOfTexts: false,
    bySchema: bodyOf('onboardSubscriber'),
    byParser: (body) => onboardingAsked(body, [], { environment, secrets: client }),
  },
  'the body of updateSubscriber': {
    valid: [{ subscriber, passwordSecretId }, { passwordSecretId }, { subscriber: { emailId: 'new@acme.example' } }],
    isOfTexts: false,
    bySchema: bodyOf('updateSubscriber'),
    byParser: (body) =>
      updateAsked(path, body, {
        faults: [],
        environment: v.parse(updateEnvironment, environmentOf(updateEnvironment)),
      }),
  },
  'the body of addUsers': {
    valid: [{ users }, { subscriber: { userName: 'acme' }, users: users.slice(1) }],
    isOfTexts: false,
    bySchema: bodyOf('addUsers'),
    byParser: (body) =>
      usersAsked(path, body, {
        faults: [],
        environment: v.parse(usersEnvironment, environmentOf(usersEnvironment, { SUPERADMIN_USER_NAME: 'root' })),
      }),
  },
  'the body of planRequest': {
    valid: [
      { request: onboarding },
      { operation: 'onboard-subscriber', request: { subscriber } },
      { operation: 'update-subscriber', request: { subscriber } },
      { operation: 'add-user', request: { subscriber: { userName: 'acme' }, users } },
      {
        operation: 'offboard-subscriber',
        request: { subscriber: { userName: 'acme' }, confirm: 'acme', keepData: false },
      },
    ],
    isOfTexts: false,
    bySchema: bodyOf('planRequest'),
    byParser(body) {
      const { operation: machine, request } = parseParameters(plannedSchema, body);
      return machines[machine](request);
    },
  },
  'the query of offboardSubscriber': {
    valid: [{ confirm: 'acme' }, { confirm: 'acme', keepData: 'true' }, { confirm: 'acme', keepData: 'false' }],
    isOfTexts: true,
    bySchema: parametersOf('offboardSubscriber', ['query']),
    byParser: (query) => offboardingAsked(path, texts(query), []),
  },
  'the query of listSubscribers': {
    valid: [
      { status: 'ACTIVE', account: '111111111111', key: keyArn, limit: '100', nextToken: 'x' },
      { updatedBefore: '2026-01-31T00:00Z', updatedAfter: '2025-12-31T23:59:59.999Z', limit: '7' },
      { updatedAfter: '2026-02-29T24:00:00Z' },
    ],
    isOfTexts: true,
    bySchema: parametersOf('listSubscribers', ['query']),
    byParser: (query) => parseListQuery(texts(query)),
  },
  'the parameters of getSubscriber': {
    valid: [{ userName: 'acme', execution: 'acme-1', operation: 'add-user' }, { userName: 'a' }],
    isOfTexts: true,
    bySchema: parametersOf('getSubscriber', ['path', 'query']),
    byParser: (all) => parseParameters(subscriberQuery, texts(all)),
  },
  'the parameters of getKey': {
    valid: [{ keyId: keyArn }, { keyId: 'mrk-0123456789abcdef0123456789abcdef', arn: keyArn }],
    isOfTexts: true,
    bySchema: parametersOf('getKey', ['path', 'query']),
    byParser: (all) => parseParameters(keySchema, texts(all)),
  },
  'the query of getQuotas': {
    valid: [{}, { accountId: '111111111111', region: 'us-gov-west-1' }],
    isOfTexts: true,
    bySchema: parametersOf('getQuotas', ['query']),
    byParser: (query) => parseParameters(quotasQuery, texts(query)),
  },
  'the headers of a request that starts something': {
    valid: [{ 'Idempotency-Key': 'ticket-4711', 'X-Correlation-Id': 'run/7 #1'.replace(' ', '_') }, {}],
    isOfTexts: true,
    bySchema: parametersOf('addUsers', ['header']),
    byParser(given) {
      const headers = Object.fromEntries(
        Object.entries(texts(given)).map(([name, text]) => [name.toLowerCase(), text]),
      );
      const call = {
        body: '',
        isBase64Encoded: false,
        pathParameters: {},
        queryStringParameters: {},
        requestContext: {},
      };
      refuse(
        readCaller({ ...call, headers }, { invocation: { requestId: 'request-1' }, logger: { appendKeys: () => {} } })
          .faults,
      );
    },
  },
};

/** How both judge the same: whether the schema takes it, and which rules it breaks, by the parser. */
export function judged({ bySchema, byParser }: Judges, value: unknown): { isTaken: boolean; broken: string[] } {
  return { isTaken: bySchema(value), broken: faultsOf(() => byParser(value)).map(({ rule }) => rule) };
}
