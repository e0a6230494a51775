import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Ajv } from 'ajv';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { checkOffboardingRequest } from '../../../lib/requests/offboarding.ts';
import { checkRequest } from '../../../lib/requests/onboarding.ts';
import { checkUpdateRequest } from '../../../lib/requests/update.ts';
import { checkUsersRequest } from '../../../lib/requests/users.ts';
import { schemas } from '../../../scripts/draw/schemas.ts';

const root = join(import.meta.dirname, '../../..');
const secrets = { inputSecretPrefix: 'infinstor/sandbox/input/' };
const parsers = new Map<string, (request: unknown) => unknown>([
  ['onboard-subscriber', (request) => checkRequest(request, secrets)],
  ['update-subscriber', (request) => checkUpdateRequest(request, secrets)],
  ['add-user', (request) => checkUsersRequest(request, secrets)],
  ['offboard-subscriber', checkOffboardingRequest],
]);

// Formats are for editors.
const ajv = new Ajv({ strict: false, validateFormats: false });
const validators = new Map([...(await schemas())].map(([name, schema]) => [name, ajv.compile(schema)]));

const requestSchema = v.looseObject({ $schema: v.string(), subscriber: v.looseObject({ userName: v.string() }) });
const examples = readdirSync(join(root, 'examples')).map((name) => {
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

  it('take what only the parser refuses, and say so', async () => {
    const users = { subscriber: { userName: 'acme' }, users: [{ userName: 'Acme', emailId: 'acme@acme.example' }] };
    expect(taken('add-user', users)).toEqual({ bySchema: true, byParser: false });
    expect((await schemas()).get('add-user.json')).toMatchObject({
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
