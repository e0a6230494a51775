import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { takeRequest } from '../../../functions/accept-event/origin.ts';
import { checkOffboardingRequest } from '../../../lib/requests/offboarding.ts';
import { checkRequest } from '../../../lib/requests/onboarding.ts';
import { checkUpdateRequest } from '../../../lib/requests/update.ts';
import { checkUpgradeRequest } from '../../../lib/requests/upgrade.ts';
import { checkUsersRequest } from '../../../lib/requests/users.ts';
import { eventSchemas } from '../../../lib/subscribers/event-schemas.ts';
import { schemas, schemaText } from '../../../scripts/draw/schemas.ts';

const root = join(import.meta.dirname, '../../..');
const secrets = { inputSecretPrefix: 'infinstor/sandbox/input/' };
const parsers = new Map<string, (request: unknown) => unknown>([
  ['onboard-subscriber', (request) => checkRequest(request, secrets)],
  ['update-subscriber', (request) => checkUpdateRequest(request, secrets)],
  ['upgrade-subscriber', (request) => checkUpgradeRequest(request, secrets)],
  ['add-user', (request) => checkUsersRequest(request, secrets)],
  ['offboard-subscriber', checkOffboardingRequest],
]);

// Formats are for editors.
const ajv = new Ajv({ strict: false, validateFormats: false });
const every = await schemas();
const validators = new Map(
  [...every].filter(([name]) => !name.startsWith('events/')).map(([name, schema]) => [name, ajv.compile(schema)]),
);

const requestSchema = v.looseObject({ $schema: v.string(), subscriber: v.looseObject({ userName: v.string() }) });
const jsonFilesIn = (folder: string) => readdirSync(join(root, folder)).filter((name) => name.endsWith('.json'));
const examples = jsonFilesIn('examples').map((name) => {
  const request = v.parse(requestSchema, JSON.parse(readFileSync(join(root, 'examples', name), 'utf8')));
  return { name, request, machine: basename(request.$schema, '.json') };
});

/** Whether the schema takes a request, and whether the machine's parser does. */
function taken(machine: string, request: unknown) {
  const validate = validators.get(`${machine}.json`);
  const parse = parsers.get(machine);
  if (validate === undefined || parse === undefined) throw new Error(`No schema or parser of ${machine}`);
  let byParser = true;
  try {
    parse(request);
  } catch {
    byParser = false;
  }
  return { bySchema: validate(request), byParser };
}

describe('the schemas of requests', () => {
  it('are of every machine, and each has an example', () => {
    const ofRequests = [...validators.keys()].filter((name) => !/^(output-|stage\.)/.test(name));
    expect(ofRequests.toSorted()).toEqual([...parsers.keys()].map((name) => `${name}.json`).toSorted());
    expect(new Set(examples.map(({ machine }) => machine))).toEqual(new Set(parsers.keys()));
  });

  it.each(examples)('take $name, as its parser does, which keeps no schema', ({ request, machine }) => {
    expect(request.$schema).toBe(`../schemas/${machine}.json`);
    expect(taken(machine, request)).toEqual({ bySchema: true, byParser: true });
    expect(parsers.get(machine)?.(request)).not.toHaveProperty('$schema');
  });

  it.each(examples)('refuse what the parser refuses, made from $name', ({ request, machine }) => {
    const { subscriber, ...others } = request;
    const wrong = [
      { ...request, encrypt: {} },
      { ...request, $schema: 1 },
      { ...others },
      { ...request, subscriber: { ...subscriber, userName: '-acme' } },
      { ...request, subscriber: { ...subscriber, user: 'acme' } },
      { ...request, subscriber: [subscriber] },
      [request],
    ];
    for (const each of wrong) expect(taken(machine, each)).toEqual({ bySchema: false, byParser: false });
  });

  it('take what only the parser refuses, and say so', () => {
    const users = { subscriber: { userName: 'acme' }, users: [{ userName: 'Acme', emailId: 'acme@acme.example' }] };
    expect(taken('add-user', users)).toEqual({ bySchema: true, byParser: false });
    expect(every.get('add-user.json')).toMatchObject({
      description: expect.stringContaining("must not have the subscriber's own userName"),
    });
  });
});

describe('the schema of a stage', () => {
  const isTaken = (params: object) => validators.get('stage.json')?.(params);

  it('takes text, numbers and what osls puts in', () => {
    expect(isTaken({ region: 'eu-west-1', stackTimeoutMinutes: 70, logRetentionDays: 90, verify: 'off' })).toBe(true);
    expect(isTaken({ verify: '${env:VERIFY}', stackNamePrefix: 'ours-${sls:stage}-' })).toBe(true);
  });

  it.each([{ verifi: 'off' }, { verify: 'on' }, { logRetentionDays: 91 }, { requireNoEcho: true }, { region: 'mars' }])(
    'refuses %j',
    (params) => expect(isTaken(params)).toBe(false),
  );
});

describe('the schemas of events', () => {
  const strict = new Ajv2020({ strict: false, validateFormats: false });
  const ofEvents = new Map(
    [...every]
      .filter(([name]) => name.startsWith('events/'))
      .map(([name, schema]) => [basename(name), strict.compile(schema)]),
  );
  const eventSchema = v.looseObject({ 'detail-type': v.string(), detail: v.record(v.string(), v.unknown()) });
  const events = jsonFilesIn('examples/events').map((name) => ({
    name,
    event: v.parse(eventSchema, JSON.parse(readFileSync(join(root, 'examples/events', name), 'utf8'))),
  }));

  it('have an example each', () => {
    expect(events.map(({ name }) => name).toSorted()).toEqual([...ofEvents.keys()].toSorted());
    for (const { name, event } of events) expect(`${event['detail-type']}.json`).toBe(name);
  });

  it.each(events)('take $name, as the code does, and not without a part of it', ({ name, event }) => {
    const validate = ofEvents.get(name);
    expect(validate?.(event), strict.errorsText(validate?.errors)).toBe(true);
    expect(validate?.({ ...event, 'detail-type': 'Other' })).toBe(false);
    const published = new Map<string, v.GenericSchema>(Object.entries(eventSchemas)).get(event['detail-type']);
    if (published === undefined) {
      // A request: the parser's own schema takes it without what the sender says of who asks.
      expect(validate?.({ ...event, detail: { ...event.detail, colour: 'x' } })).toBe(false);
      const { faults, request } = takeRequest({ id: 'event-1', account: '222222222222', detail: event.detail });
      const parse = parsers.get(machineOf.get(event['detail-type']) ?? '');
      expect([faults, parse?.(request)]).toEqual([[], expect.anything()]);
      return;
    }
    expect(v.is(published, event.detail)).toBe(true);
    const { eventKey: _, ...withoutKey } = event.detail;
    expect(validate?.({ ...event, detail: withoutKey })).toBe(false);
    // Fields may be added.
    expect(validate?.({ ...event, detail: { ...event.detail, colour: 'x' } })).toBe(true);
  });
});

const machineOf = new Map([
  ['SubscriberRequested', 'onboard-subscriber'],
  ['SubscriberUpdateRequested', 'update-subscriber'],
  ['SubscriberUpgradeRequested', 'upgrade-subscriber'],
  ['UsersRequested', 'add-user'],
  ['SubscriberOffboardingRequested', 'offboard-subscriber'],
]);

it('the files are current', () => {
  // The document of the HTTP API is drawn on its own.
  const own = jsonFilesIn('schemas').filter((name) => name !== 'openapi.json');
  const names = [...own, ...jsonFilesIn('schemas/events').map((name) => `events/${name}`)];
  expect(names.toSorted()).toEqual([...every.keys()].toSorted());
  for (const [name, schema] of every) {
    expect(readFileSync(join(root, 'schemas', name), 'utf8'), name).toBe(schemaText(schema));
  }
});
