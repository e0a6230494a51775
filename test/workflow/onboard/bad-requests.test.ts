import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { connect, follow } from '../../../cli/aws/executions.ts';
import { sandboxAt } from '../../../cli/target/target.ts';
import { reportOf } from '../../../cli/view/report.ts';
import { account, fixtures, operator } from '../../../sandbox/core/account.ts';
import { casesInScope } from '../../scope.ts';
import { callApi } from '../api.ts';
import { eventually, plaintextMarker, useSandbox, withoutTurns } from '../sandbox.ts';
import { stackOf } from '../subscriber.ts';

/** Parameters that the deployment lists, of which the template or the onboarding has a word to say. */
const listed = ['CustomToken', 'Colour', ...Array.from({ length: 75 }, (_, n) => `P${n}`)];
const sandbox = useSandbox({ environment: { ALLOWED_STACK_PARAMETERS: listed.join(',') } });
const good = { subscriber: { userName: 'acme', emailId: 'mlops@acme.example' } };
const named = (userName: unknown) => ({ subscriber: { ...good.subscriber, userName } });
const mailed = (emailId: unknown) => ({ subscriber: { ...good.subscriber, emailId } });
const stack = (fields: object) => ({ ...good, stack: fields });
const artifacts = (choice: unknown) => ({ ...good, encryption: { artifacts: choice } });
const tracking = (choice: unknown) => ({ ...good, encryption: { tracking: choice } });
const key = (keyArn: unknown) => tracking({ type: 'customer-managed', keyArn });

/** Requests that the machine and its entry points must refuse, and the field that the answer has to name. */
const requests: [what: string, request: unknown, field: string][] = [
  ['a list', [], 'request'],
  ['a string', 'acme', 'request'],
  ['nothing', {}, 'subscriber'],
  ['a list for a subscriber', { subscriber: [] }, 'subscriber'],
  ['an unknown field', { ...good, colour: 'green' }, 'colour'],
  [
    'a prototype key',
    JSON.parse('{"subscriber":{"userName":"acme","emailId":"a@b.example"},"constructor":{}}'),
    'constructor',
  ],
  [
    'a prototype',
    JSON.parse('{"subscriber":{"userName":"acme","emailId":"a@b.example"},"__proto__":{"stack":{}}}'),
    '__proto__',
  ],
  [
    'a parameter with the name of a prototype key',
    stack({ parameters: { constructor: 'x' } }),
    'stack.parameters.constructor',
  ],
  ['a tag with the name of a prototype', stack({ tags: JSON.parse('{"__proto__":"x"}') }), 'stack.tags.__proto__'],
  ['an unknown field of the subscriber', { subscriber: { ...good.subscriber, role: 'x' } }, 'subscriber.role'],
  ['no user name', { subscriber: { emailId: 'a@b.example' } }, 'subscriber.userName'],
  ['a number for a name', named(7), 'subscriber.userName'],
  ['an empty name', named(''), 'subscriber.userName'],
  ['a name of 35 characters', named('a'.repeat(35)), 'subscriber.userName'],
  ['a name with a comma', named('acme,inc'), 'subscriber.userName'],
  ['a name with a dot', named('acme.inc'), 'subscriber.userName'],
  ['a name with a blank', named('acme inc'), 'subscriber.userName'],
  ['a name with an underscore', named('acme_inc'), 'subscriber.userName'],
  ['a name that ends in a hyphen', named('acme-'), 'subscriber.userName'],
  ['a name that begins with a digit', named('1acme'), 'subscriber.userName'],
  ['a name with a line break', named('acme\n'), 'subscriber.userName'],
  ['a name with an umlaut', named('äcme'), 'subscriber.userName'],
  ["the superadmin's user name", { subscriber: { ...good.subscriber, userName: 'Superadmin' } }, 'subscriber.userName'],
  ['no e-mail address', { subscriber: { userName: 'acme' } }, 'subscriber.emailId'],
  ['something else for an address', mailed('acme'), 'subscriber.emailId'],
  ['a list for an address', mailed(['a@b.example']), 'subscriber.emailId'],
  ['a password', { ...good, password: plaintextMarker }, 'password'],
  ["a subscriber's password", { subscriber: { ...good.subscriber, password: plaintextMarker } }, 'subscriber.password'],
  ['a secret outside input/', { ...good, passwordSecretId: 'infinstor/sandbox/superadmin' }, 'passwordSecretId'],
  ['a secret by way of ..', { ...good, passwordSecretId: 'infinstor/sandbox/input/../superadmin' }, 'passwordSecretId'],
  [
    "another subscriber's secret",
    { ...good, passwordSecretId: 'infinstor/sandbox/input/victim/x' },
    'passwordSecretId',
  ],
  [
    'a secret that is not there',
    { ...good, passwordSecretId: 'infinstor/sandbox/input/acme/absent' },
    'passwordSecretId',
  ],
  ['a token secret elsewhere', { ...good, customTokenSecretId: 'other/token' }, 'customTokenSecretId'],
  ['a list for a stack', stack([]), 'stack'],
  ['a role', stack({ roleArn: 'arn:aws:iam::111111111111:role/admin' }), 'stack.roleArn'],
  ['a build with letters', stack({ build: '2.3.x' }), 'stack.build'],
  ['a build that climbs', stack({ build: '../2.3.72' }), 'stack.build'],
  ['an unconfigured account', stack({ accountId: '222222222222' }), 'stack.accountId'],
  ['a short account', stack({ accountId: '111' }), 'stack.accountId'],
  ['an unconfigured Region', stack({ region: 'eu-west-1' }), 'stack.region'],
  ['a parameter of the onboarding', stack({ parameters: { CustomToken: 'x' } }), 'stack.parameters.CustomToken'],
  ['an unknown parameter', stack({ parameters: { Colour: 'x' } }), 'stack.parameters.Colour'],
  ['a parameter that is a number', stack({ parameters: { Colour: 7 } }), 'stack.parameters.Colour'],
  [
    'a parameter that the deployment does not list',
    stack({ parameters: { ExternalId: 'x' } }),
    'stack.parameters.ExternalId',
  ],
  ['a tag that the deployment does not list', stack({ tags: { team: 'x' } }), 'stack.tags.team'],
  ['a reserved tag', stack({ tags: { 'aws:x': 'y' } }), 'stack.tags.aws:x'],
  ['tags that differ only in case', stack({ tags: { team: 'x', Team: 'y' } }), 'stack.tags'],
  ['an empty tag', stack({ tags: { team: '' } }), 'stack.tags.team'],
  ['an unknown encryption', artifacts({ type: 'rot13' }), 'encryption.artifacts.type'],
  ['a string for an encryption', artifacts('sse-s3'), 'encryption.artifacts'],
  [
    'a key that the choice does not take',
    artifacts({ type: 'sse-s3', keyArn: fixtures.artifactsKeyArn }),
    'encryption.artifacts.keyArn',
  ],
  ['a choice without its key', tracking({ type: 'customer-managed' }), 'encryption.tracking.keyArn'],
  ['an alias', key('arn:aws:kms:us-east-1:111111111111:alias/mine'), 'encryption.tracking.keyArn'],
  ['an alias by name', key('alias/mine'), 'encryption.tracking.keyArn'],
  ['a malformed key ARN', key('arn:aws:kms:us-east-1:1111:key/1'), 'encryption.tracking.keyArn'],
  ['another service', key('arn:aws:s3:::bucket'), 'encryption.tracking.keyArn'],
];

/** What is wrong in several places at once, and how each door names them. */
const wrongInSeveral = {
  ...good,
  colour: 'Unquoted-1',
  stack: { region: 'eu-west-1', tags: { 'a/b': 'x' } },
  encryption: { tracking: { type: 'customer-managed', keyArn: 'Unquoted-1' } },
};
const severalPointers = ['/encryption/tracking/keyArn', '/colour', '/stack/region', '/stack/tags/a~1b'];
const severalMessage =
  /^encryption\.tracking\.keyArn: [^;]+; colour: [^;]+; stack\.region: [^;]+; stack\.tags\.a\/b: [^;]+$/;

/** What only AWS can tell: the entry points let it pass, and AcceptRequest refuses it. */
const askedOfAws = [
  'a secret that is not there',
  'a build that is not there',
  'a parameter of the onboarding',
  'an unknown parameter',
];

/** A request that breaks no rule but that of its size, 300 KB. */
const large = stack({
  parameters: Object.fromEntries(Array.from({ length: 75 }, (_, n) => [`P${n}`, 'x'.repeat(4000)])),
});

/**
 * What a door has to refuse. StartExecution always has all of it; the other doors refuse by the same code, and the usual run sends each
 * of them every fourth, beside all that only AWS knows and what is the door's own.
 */
const atDoor = (all: typeof requests, turn: number): typeof requests => [
  ...casesInScope(
    all,
    all.filter((row, place) => place % 4 === turn || askedOfAws.includes(row[0]) || !requests.includes(row)),
  ),
];

async function expectNoSideEffect(): Promise<void> {
  const { infinstor, dynamoDb, registryTable, secretsManager } = sandbox();
  // The account's own two.
  expect(secretsManager.everyValue()).toHaveLength(2);
  expect(infinstor.subscribers()).toEqual([]);
  expect(stackOf(sandbox(), 'acme')).toBeUndefined();
  expect(withoutTurns(await dynamoDb.items(registryTable))).toEqual([]);
}

const problemSchema = v.object({
  name: v.string(),
  detail: v.string(),
  remedy: v.string(),
  errors: v.array(v.object({ pointer: v.string(), detail: v.string() })),
});

describe('StartExecution', () => {
  it.each(requests)('%s is refused before any side effect, naming the field', async (_what, request, field) => {
    const { endpoint, stateMachineArn } = sandbox();
    const clients = connect(sandboxAt(endpoint));
    const { executionArn = '' } = await clients.sfn.send(
      new StartExecutionCommand({ stateMachineArn, input: JSON.stringify(request) }),
    );
    const { description, events } = await follow(clients, executionArn, () => {});
    const { error, transitions } = reportOf(description, events, new Map());
    expect(error).toMatchObject({ name: 'InvalidRequest', step: 'AcceptRequest' });
    expect(error?.message.startsWith(`${field}: `)).toBe(true);
    expect(transitions).toBe(1);
    await expectNoSideEffect();
  });

  it('names all that is wrong at once', async () => {
    const { endpoint, stateMachineArn } = sandbox();
    const clients = connect(sandboxAt(endpoint));
    const { executionArn = '' } = await clients.sfn.send(
      new StartExecutionCommand({ stateMachineArn, input: JSON.stringify(wrongInSeveral) }),
    );
    const { description, events } = await follow(clients, executionArn, () => {});
    expect(reportOf(description, events, new Map()).error?.message).toMatch(severalMessage);
  });

  it.each([
    ['broken JSON', '{"subscriber":', 'InvalidExecutionInput'],
    ['more than 256 KiB', JSON.stringify(large), 'ValidationException'],
  ])('itself refuses %s', async (_what, input, name) => {
    const { sfn } = connect(sandboxAt(sandbox().endpoint));
    const { stateMachineArn } = sandbox();
    await expect(sfn.send(new StartExecutionCommand({ stateMachineArn, input }))).rejects.toMatchObject({ name });
  });
});

describe('POST /subscribers', () => {
  const toApi: typeof requests = [
    ...requests.filter(([what]) => what !== 'a password'),
    ['a password that is a number', { ...good, password: 7 }, 'password'],
    ['an empty password', { ...good, password: '' }, 'password'],
    [
      'a password and a reference to one',
      { ...good, password: plaintextMarker, passwordSecretId: 'infinstor/sandbox/input/acme/x' },
      'password',
    ],
    ['300 KB of an unknown field', { ...good, padding: 'x'.repeat(300_000) }, 'padding'],
    ['300 KB', { ...large, password: plaintextMarker }, 'request'],
  ];

  it.each(atDoor(toApi, 0))('%s is refused before any side effect, naming the field', async (what, request, field) => {
    const executions = sandbox().states.executions().length;
    const posted = await callApi(sandbox(), 'POST', '/subscribers', request);
    if (askedOfAws.includes(what)) {
      expect(posted.status).toBe(202);
      const location = posted.headers.get('location') ?? '';
      const status = async () => (await callApi(sandbox(), 'GET', location)).body;
      await eventually(sandbox(), async () => expect(await status()).toMatchObject({ status: 'FAILED' }));
      expect(await status()).toMatchObject({
        error: { name: 'InvalidRequest', step: 'AcceptRequest', message: expect.stringContaining(`${field}: `) },
      });
    } else {
      expect(posted.status).toBe(400);
      const problem = v.parse(problemSchema, posted.body);
      expect(problem.name).toBe('InvalidRequest');
      expect(problem.detail.startsWith(`${field}: `)).toBe(true);
      expect(sandbox().states.executions()).toHaveLength(executions);
    }
    await expectNoSideEffect();
  });

  it('names all that is wrong at once', async () => {
    const { status, body } = await callApi(sandbox(), 'POST', '/subscribers', wrongInSeveral);
    const answer = v.parse(problemSchema, body);
    expect([status, answer.errors.map(({ pointer }) => pointer)]).toEqual([400, severalPointers]);
    expect(answer.detail).toMatch(severalMessage);
    expect(JSON.stringify(answer)).not.toContain('Unquoted-1');
  });

  it.each([
    ['broken JSON', '{"subscriber":'],
    ['nothing', ''],
    ['a form', 'userName=acme'],
  ])('%s is refused as a whole', async (_what, body) => {
    const { status, body: answer } = await callApi(sandbox(), 'POST', '/subscribers', body);
    expect(status).toBe(400);
    expect(v.parse(problemSchema, answer).detail).toBe('request: must be JSON');
    await expectNoSideEffect();
  });
});

describe('SubscriberRequested', () => {
  const refusalSchema = v.pipe(
    v.string(),
    v.parseJson(),
    v.object({
      error: v.object({
        name: v.string(),
        message: v.string(),
        errors: v.array(v.object({ pointer: v.string(), rule: v.string() })),
      }),
      event: v.object({ id: v.string() }),
    }),
  );
  const toBus = requests.filter(([, request]) => typeof request === 'object' && !Array.isArray(request));
  const put = (detail: string) => {
    const events = new EventBridgeClient({
      endpoint: sandbox().endpoint,
      region: account.region,
      credentials: operator,
    });
    const EventBusName = 'infinstor-onboarding-sandbox';
    return events.send(
      new PutEventsCommand({
        Entries: [{ EventBusName, Source: 'pipeline', DetailType: 'SubscriberRequested', Detail: detail }],
      }),
    );
  };
  const refusals = () =>
    sandbox()
      .sqs.messages('infinstor-onboarding-sandbox-refused-events')
      .map(({ body }) => v.parse(refusalSchema, body));

  it.each(atDoor(toBus, 2))('%s is refused before any side effect, naming the field', async (what, request, field) => {
    const { Entries = [] } = await put(JSON.stringify(request));
    const eventId = Entries[0]?.EventId ?? '';
    if (askedOfAws.includes(what)) {
      const execution = () =>
        sandbox()
          .states.executions()
          .find(({ executionArn }) => executionArn.endsWith(`:acme-${eventId}`));
      await eventually(sandbox(), () => expect(execution()?.status).toBe('FAILED'));
      expect(execution()).toMatchObject({ error: 'InvalidRequest', cause: expect.stringContaining(`${field}: `) });
    } else {
      const refusal = () => refusals().find(({ event }) => event.id === eventId);
      await eventually(sandbox(), async () => expect(await refusal()).toBeDefined());
      expect(refusal()?.error.name).toBe('InvalidRequest');
      expect(refusal()?.error.message.startsWith(`${field}: `)).toBe(true);
    }
    await expectNoSideEffect();
  });

  it('names all that is wrong at once', async () => {
    const { Entries = [] } = await put(JSON.stringify(wrongInSeveral));
    const refusal = () => refusals().find(({ event }) => event.id === Entries[0]?.EventId);
    await eventually(sandbox(), () => expect(refusal()).toBeDefined());
    expect(refusal()?.error.message).toMatch(severalMessage);
    expect(refusal()?.error.errors.map(({ pointer }) => pointer)).toEqual(severalPointers);
  });

  it('what would be too large for the queue, once its values are left out, is refused there all the same', async () => {
    const request = {
      subscriber: { userName: 'acme', emailId: 'mlops@acme.example' },
      many: Array.from({ length: 100_000 }, () => 1),
    };
    const { Entries = [] } = await put(JSON.stringify(request));
    const refusal = () => refusals().find(({ event }) => event.id === Entries[0]?.EventId);
    await eventually(sandbox(), () => expect(refusal()).toBeDefined());
    expect(refusal()?.error.message).toBe('many: is not a known field');
  });

  it('300 KB are refused by EventBridge itself', async () => {
    await expect(put(JSON.stringify(large))).rejects.toMatchObject({ name: 'ValidationException' });
  });

  it.each([
    ['broken JSON', '{"subscriber":'],
    ['a list', '[]'],
    ['a string', '"acme"'],
  ])('%s is refused by EventBridge itself', async (_what, detail) => {
    expect(await put(detail)).toMatchObject({ FailedEntryCount: 1, Entries: [{ ErrorCode: 'MalformedDetail' }] });
  });
});
