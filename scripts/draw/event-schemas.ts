import * as v from 'valibot';
import { senderEntries } from '../../functions/accept-event/origin.ts';
import type { DetailType } from '../../functions/accept-event/requests.ts';
import { offboardingSchema } from '../../lib/requests/offboarding.ts';
import { onboardingSchema } from '../../lib/requests/onboarding.ts';
import { updateSchema } from '../../lib/requests/update.ts';
import { upgradeSchema } from '../../lib/requests/upgrade.ts';
import { usersSchema } from '../../lib/requests/users.ts';
import { eventSchemas } from '../../lib/subscribers/event-schemas.ts';
import { source } from '../../lib/subscribers/events.ts';
import { inputOf, open } from './converted.ts';

type Schema = v.GenericSchema<unknown, unknown>;

/** The requests that events ask with. */
const requests = {
  SubscriberRequested: onboardingSchema,
  SubscriberUpdateRequested: updateSchema,
  SubscriberUpgradeRequested: upgradeSchema,
  UsersRequested: usersSchema,
  SubscriberOffboardingRequested: offboardingSchema,
} as const satisfies Record<DetailType, Schema>;

/** JSON Schemas of all events, those that ask and those that report, by the names of their files. */
export function eventSchemaFiles(): Map<string, object> {
  const published: [string, Schema][] = Object.entries(eventSchemas);
  const all = [
    ...Object.entries(requests).map(([type, schema]) => [type, requestEvent(type, schema)] as const),
    ...published.map(([type, schema]) => [type, publishedEvent(type, schema)] as const),
  ];
  return new Map(all.map(([type, schema]) => [`events/${type}.json`, schema]));
}

function requestEvent(type: string, schema: Schema): object {
  const { properties, description, ...detail } = inputOf(schema, 'ignore', target);
  const beside = {
    ...inputOf(v.object(senderEntries), 'ignore', target).properties,
    $schema: { type: 'string', description: 'The schema of the request. It asks for nothing.' },
  };
  return event(type, {
    description: 'An event for the bus of the deployment, which asks for something (docs/events.md).',
    source: { type: 'string', not: { pattern: '^aws\\.' } },
    detail: { ...(description !== undefined && { description }), ...detail, properties: { ...properties, ...beside } },
  });
}

function publishedEvent(type: string, schema: Schema): object {
  return event(type, {
    description:
      'An event that the deployment publishes (docs/events.md). Fields may be added without a new schemaVersion.',
    source: { const: source },
    detail: open(inputOf(schema, 'ignore', target)),
  });
}

const target = 'draft-2020-12';

/** As EventBridge delivers it (EventBridge user guide, "Event structure reference"). */
function event(type: string, { description, source, detail }: { description: string; source: object; detail: object }) {
  const properties = {
    version: { const: '0' },
    id: { type: 'string' },
    'detail-type': { const: type },
    source,
    account: { type: 'string', pattern: '^[0-9]{12}$' },
    time: { type: 'string', format: 'date-time' },
    region: { type: 'string' },
    resources: { type: 'array', items: { type: 'string' } },
    detail,
  };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: type,
    description: `Made by \`npm run draw-schemas\`. ${description}`,
    type: 'object',
    properties,
    required: Object.keys(properties),
  };
}
