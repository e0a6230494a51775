import * as v from 'valibot';
import { plannedSchema } from '../../functions/plan-request/planned.ts';
import { passwordSchema } from '../../functions/post-subscribers/password.ts';
import { offboardingSchema } from '../../lib/requests/offboarding.ts';
import { onboardingSchema } from '../../lib/requests/onboarding.ts';
import { updateSchema } from '../../lib/requests/update.ts';
import { upgradeSchema } from '../../lib/requests/upgrade.ts';
import { usersSchema } from '../../lib/requests/users.ts';
import type { Operation as Machine } from '../../lib/subscribers/operations.ts';
import { type JsonSchema, requestSchemaOf } from './json-schema.ts';

/** A schema of the document, by its name there. */
export interface Body {
  name: string;
  schema: JsonSchema;
}

const objectSchema = v.looseObject({
  properties: v.record(v.string(), v.record(v.string(), v.unknown())),
  required: v.optional(v.array(v.string()), []),
});

/** What the machines' parsers pass over: the name of a schema, by which editors help. */
const dialect = {
  $schema: { type: 'string', description: 'The JSON Schema of the request, for editors. It asks for nothing.' },
};

/** The request of a machine. */
function machineSchema(schema: v.GenericSchema): JsonSchema {
  const { properties, ...rest } = v.parse(objectSchema, requestSchemaOf(schema));
  return { ...rest, properties: { ...dialect, ...properties } };
}

/** The request of a machine in a body, where the path names the subscriber. */
function withoutName(schema: JsonSchema): JsonSchema {
  const { properties, required, ...rest } = v.parse(objectSchema, schema);
  const { required: ofSubscriber, ...subscriber } = v.parse(objectSchema, properties.subscriber);
  const left = {
    body: required.filter((name) => name !== 'subscriber'),
    subscriber: ofSubscriber.filter((name) => name !== 'userName'),
  };
  return {
    ...rest,
    properties: {
      ...properties,
      subscriber: { ...subscriber, ...(left.subscriber.length > 0 && { required: left.subscriber }) },
    },
    ...(left.body.length > 0 && { required: left.body }),
  };
}

/** The request of the machine, which may also hold the password itself. */
function withPassword(schema: JsonSchema): JsonSchema {
  const { properties, ...rest } = v.parse(objectSchema, schema);
  return {
    ...rest,
    properties: { ...properties, password: requestSchemaOf(passwordSchema) },
    not: { required: ['password', 'passwordSecretId'] },
  };
}

const machines: Readonly<Record<Machine, Body>> = {
  'onboard-subscriber': { name: 'OnboardingRequest', schema: machineSchema(onboardingSchema) },
  'update-subscriber': { name: 'UpdateRequest', schema: machineSchema(updateSchema) },
  'upgrade-subscriber': { name: 'UpgradeRequest', schema: machineSchema(upgradeSchema) },
  'add-user': { name: 'UsersRequest', schema: machineSchema(usersSchema) },
  'offboard-subscriber': { name: 'OffboardingRequest', schema: machineSchema(offboardingSchema) },
};

export const onboardingBody: Body = {
  name: 'OnboardingBody',
  schema: withPassword(machines['onboard-subscriber'].schema),
};
export const updateBody: Body = { name: 'UpdateBody', schema: withoutName(machines['update-subscriber'].schema) };
export const usersBody: Body = { name: 'UsersBody', schema: withoutName(machines['add-user'].schema) };

/** Its members are parameters of path and query. */
export const offboardingBody: Body = machines['offboard-subscriber'];

/** One of the machines, and its request. */
export const planBody: Body = {
  name: 'PlanBody',
  schema: {
    description: 'A request, and the machine that it is for; default: onboard-subscriber.',
    oneOf: Object.entries(machines).map(([operation, { name }]) => ({
      type: 'object',
      properties: { operation: { const: operation }, request: { $ref: `#/components/schemas/${name}` } },
      required: operation === v.getDefault(plannedSchema.entries.operation) ? ['request'] : ['operation', 'request'],
      additionalProperties: false,
    })),
  },
};

/** The schemas that others refer to. */
export const referred: readonly Body[] = Object.values(machines);
