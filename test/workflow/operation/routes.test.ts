import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { operations } from '../../../lib/subscribers/operations.ts';
import { casesInScope, isWhole } from '../../scope.ts';
import { callApi } from '../api.ts';
import { ended, eventually, hold, recordOf, requestFor, useSandbox } from '../sandbox.ts';
import { fault, functionNameOf, newName } from '../subscriber.ts';

const sandbox = useSandbox();
const acceptedSchema = v.object({
  userName: v.string(),
  operation: v.string(),
  status: v.string(),
  executionArn: v.string(),
  location: v.string(),
});

type Method = Parameters<typeof callApi>[1];

async function send(method: Method, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await callApi(sandbox(), method, path, body, { headers });
  expect({ status: response.status, body: response.body }).toMatchObject({ status: 202 });
  const accepted = v.parse(acceptedSchema, response.body);
  expect(response.headers.get('location')).toBe(accepted.location);
  return accepted;
}

const executionSchema = v.object({ executionArn: v.string() });

const statusOf = async (path: string) => callApi(sandbox(), 'GET', path);

describe('a whole life over the HTTP API', () => {
  it('is onboarded, changed, given users, and offboarded, each once and with who asked', async () => {
    const userName = newName('Life');
    const users = [{ userName: `${userName}-eve`, emailId: 'eve@acme.example' }];
    for (const [operation, door, method, path, sent] of [
      ['onboard-subscriber', 'post-subscribers', 'POST', '/subscribers', requestFor(userName)],
      [
        'update-subscriber',
        'patch-subscriber',
        'PATCH',
        `/subscribers/${userName}`,
        { subscriber: { emailId: 'new@acme.example' } },
      ],
      ['add-user', 'post-users', 'POST', `/subscribers/${userName}/users`, { users }],
      [
        'offboard-subscriber',
        'delete-subscriber',
        'DELETE',
        `/subscribers/${userName}?confirm=${userName}&keepData=false`,
        undefined,
      ],
    ] as const) {
      const key = { 'idempotency-key': `${userName}.${operation}` };
      // With the answer of its side effect lost.
      if (isWhole)
        fault(sandbox(), 'states:StartExecution:drop', { functionName: `infinstor-onboarding-sandbox-${door}` });
      const started = await send(method, path, sent, key);
      const { running, succeeded } = operations[operation];
      expect(started).toMatchObject({ userName, operation, status: running });
      expect((await ended(sandbox(), started.executionArn)).status).toBe('SUCCEEDED');
      expect((await statusOf(started.location)).body).toMatchObject({ status: succeeded, operation });
      // The first answer was lost.
      expect(await send(method, path, sent, key)).toEqual(started);
    }

    const { status, body } = await statusOf(`/subscribers/${userName}`);
    expect([status, body]).toMatchObject([200, { status: 'OFFBOARDED' }]);
    const attempts = v.parse(
      v.object({ attempts: v.array(v.object({ requestedBy: v.string(), correlationId: v.string() })) }),
      body,
    ).attempts;
    expect(new Set(attempts.map(({ requestedBy }) => requestedBy))).toEqual(
      new Set(['arn:aws:iam::111111111111:user/operator']),
    );
    expect(attempts.map(({ correlationId }) => correlationId)).toEqual(
      // An upgrade has no route: the command, an event or the state machine starts it.
      Object.keys(operations)
        .filter((operation) => operation !== 'upgrade-subscriber')
        .map((operation) => `${userName}.${operation}`),
    );
    const list = await callApi(sandbox(), 'GET', '/subscribers?status=OFFBOARDED');
    expect(list.body).toMatchObject({ subscribers: [{ userName, requestedBy: attempts[0]?.requestedBy }] });
  });

  it('says after how many seconds to look again while something runs, and refuses others meanwhile', async () => {
    const userName = newName('running');
    const release = hold(sandbox(), 'infinstor', 'add_subscriber');
    const { executionArn } = await send('POST', '/subscribers', requestFor(userName));
    await eventually(sandbox(), () => expect(sandbox().faults.left()).toBe(0));
    expect((await statusOf(`/subscribers/${userName}`)).headers.get('retry-after')).toBe('10');
    for (const [method, path, body] of [
      ['POST', '/subscribers', requestFor(userName)],
      ['PATCH', `/subscribers/${userName}`, { subscriber: { emailId: 'x@acme.example' } }],
      ['POST', `/subscribers/${userName}/users`, { users: [{ userName: 'u', emailId: 'u@acme.example' }] }],
      ['POST', `/subscribers/${userName}/retry`, undefined],
      ['DELETE', `/subscribers/${userName}?confirm=${userName}`, undefined],
    ] as const) {
      const { status, headers, body: problem } = await callApi(sandbox(), method, path, body);
      expect([status, headers.get('retry-after'), problem]).toMatchObject([
        409,
        '30',
        {
          name: 'OnboardingInProgress',
          executionArn,
          type: 'urn:infinstor-onboarding:docs/runbook.md#onboardinginprogress',
        },
      ]);
    }
    release();
    await ended(sandbox(), executionArn);
    expect((await statusOf(`/subscribers/${userName}`)).headers.get('retry-after')).toBeNull();
  });
});

describe('a retry', () => {
  it('sends the request of the latest failed attempt again, and of none that has succeeded', async () => {
    const userName = newName('again');
    fault(sandbox(), 'infinstor:register:error=503');
    const first = await send('POST', '/subscribers', requestFor(userName));
    expect((await ended(sandbox(), first.executionArn)).status).toBe('FAILED');
    const key = { 'idempotency-key': `retry-${userName}` };
    const second = await send('POST', `/subscribers/${userName}/retry`, undefined, key);
    expect(second.executionArn).not.toBe(first.executionArn);
    expect((await ended(sandbox(), second.executionArn)).status).toBe('SUCCEEDED');
    // The first answer was lost.
    expect(await send('POST', `/subscribers/${userName}/retry`, undefined, key)).toEqual(second);
    const third = await callApi(sandbox(), 'POST', `/subscribers/${userName}/retry`);
    expect(third).toMatchObject({ status: 409, body: { name: 'NothingToRetry' } });
  });

  it('knows only subscribers with a record, and no passwords', async () => {
    const nobody = await callApi(sandbox(), 'POST', '/subscribers/nobody-yet/retry');
    expect(nobody).toMatchObject({ status: 404, body: { name: 'SubscriberNotFound' } });
    const userName = newName('weak');
    const started = await send('POST', '/subscribers', { ...requestFor(userName), password: 'retry-marker-weak' });
    await ended(sandbox(), started.executionArn);
    const refused = await callApi(sandbox(), 'POST', `/subscribers/${userName}/retry`);
    expect(refused).toMatchObject({
      status: 409,
      body: { name: 'NothingToRetry', remedy: expect.stringContaining('with the password') },
    });
  });
});

describe('two requests of the same moment', () => {
  const routes = (userName: string) =>
    [
      ['post-subscribers', 'POST', '/subscribers', requestFor(userName)],
      ['patch-subscriber', 'PATCH', `/subscribers/${userName}`, { subscriber: { emailId: 'new@acme.example' } }],
      [
        'post-users',
        'POST',
        `/subscribers/${userName}/users`,
        { users: [{ userName: `${userName}-u`, emailId: 'u@acme.example' }] },
      ],
      ['delete-subscriber', 'DELETE', `/subscribers/${userName}?confirm=${userName}`, undefined],
      ['post-retry', 'POST', `/subscribers/${userName}/retry`, undefined],
    ] as const;

  it('on each route: one is accepted, and the other one refused with its execution', async () => {
    const userName = newName('moment');
    for (const [step, method, path, body] of routes(userName)) {
      // For the retry after it.
      if (step === 'delete-subscriber') fault(sandbox(), 'cloudformation:DeleteStack:error=AccessDenied');
      const release = hold(sandbox(), 'states', 'StartExecution', { functionName: functionNameOf(step) });
      const first = callApi(sandbox(), method, path, body);
      await eventually(sandbox(), () => expect(sandbox().faults.left()).toBe(step === 'delete-subscriber' ? 1 : 0));
      const second = await callApi(sandbox(), method, path, body);
      release();
      const { executionArn } = v.parse(executionSchema, (await first).body);
      expect([(await first).status, second.status]).toEqual([202, 409]);
      expect(second.body).toMatchObject({ name: 'OnboardingInProgress', executionArn });
      const { status } = await ended(sandbox(), executionArn);
      expect(status).toBe(step === 'delete-subscriber' ? 'FAILED' : 'SUCCEEDED');
    }
  });

  const deaths = ['dynamodb:PutItem:kill', 'states:StartExecution:kill', 'dynamodb:PutItem:drop'];

  it.each(isWhole ? deaths : deaths.slice(0, 1))(
    'of which one is interrupted by %s: the other one is accepted 30 s later, or sooner when it was not',
    async (death) => {
      const userName = newName('died');
      fault(sandbox(), death, { functionName: functionNameOf('post-subscribers') });
      const post = () => callApi(sandbox(), 'POST', '/subscribers', requestFor(userName));
      const { status } = await post();
      const second = await post();
      expect([status, second.status]).toEqual(death.endsWith('drop') ? [202, 409] : [500, 409]);
      const { executionArn } = v.parse(executionSchema, second.body);
      if (death === 'dynamodb:PutItem:kill') {
        await sandbox().clock.quiet();
        sandbox().clock.advance(30_000);
        const third = v.parse(executionSchema, (await post()).body);
        expect(third.executionArn).not.toBe(executionArn);
        expect((await ended(sandbox(), third.executionArn)).status).toBe('SUCCEEDED');
      } else expect((await ended(sandbox(), executionArn)).status).toBe('SUCCEEDED');
      expect((await recordOf(sandbox(), userName))?.attempts?.L).toHaveLength(1);
    },
  );
});

describe('an idempotency key', () => {
  const keyed = (name: string) => ({ 'idempotency-key': `key-of-${name}` });

  it('stands for one execution, also when that is over, and for one request', async () => {
    const userName = newName('keyed');
    const request = { ...requestFor(userName), password: `Keyed-Marker-${userName}!` };
    const first = await send('POST', '/subscribers', request, keyed(userName));
    expect(await send('POST', '/subscribers', request, keyed(userName))).toEqual(first);
    const refused = async (body: object) =>
      callApi(sandbox(), 'POST', '/subscribers', body, { headers: keyed(userName) });
    const isReused = { status: 422, body: { name: 'IdempotencyKeyReused' } };
    expect(await refused({ ...request, password: 'Keyed-Marker-Other!' })).toMatchObject(isReused);
    expect((await ended(sandbox(), first.executionArn)).status).toBe('SUCCEEDED');
    expect(await send('POST', '/subscribers', request, keyed(userName))).toEqual(first);
    expect(await refused(requestFor(userName))).toMatchObject(isReused);
    expect(
      await refused({ ...request, subscriber: { ...request.subscriber, userName: newName('other') } }),
    ).toMatchObject(isReused);
    expect((await recordOf(sandbox(), userName))?.attempts?.L).toHaveLength(1);
  });

  it('starts one execution when two requests come at the same time', async () => {
    const userName = newName('pair');
    const both = await Promise.all(
      [1, 2].map((n) =>
        send('POST', '/subscribers', requestFor(userName), { ...keyed(userName), 'x-correlation-id': `try-${n}` }),
      ),
    );
    expect(both[1]).toEqual(both[0]);
    expect((await ended(sandbox(), both[0]?.executionArn ?? '')).status).toBe('SUCCEEDED');
  });

  const losses = ['dynamodb:PutItem', 'secretsmanager:CreateSecret', 'states:StartExecution'].flatMap((call) => [
    `${call}:drop`,
    `${call}:kill`,
  ]);

  it.each(casesInScope(losses, losses.slice(-1)))(
    'finds what was started when the answer of a call is lost by %s',
    async (loss) => {
      const userName = newName('lost');
      const request = { ...requestFor(userName), password: `Lost-Marker-${userName}!` };
      fault(sandbox(), loss, { functionName: 'infinstor-onboarding-sandbox-post-subscribers' });
      await callApi(sandbox(), 'POST', '/subscribers', request, { headers: keyed(userName) });
      const { executionArn } = await send('POST', '/subscribers', request, keyed(userName));
      expect((await ended(sandbox(), executionArn)).status).toBe('SUCCEEDED');
      expect((await recordOf(sandbox(), userName))?.attempts?.L).toHaveLength(1);
    },
  );
});

if (isWhole) {
  describe('two hundred requests at once for a hundred subscribers', () => {
    const pairs = (kind: string) => Array.from({ length: 100 }, () => newName(kind)).flatMap((name) => [name, name]);
    const namesIn = (kind: string) =>
      sandbox()
        .infinstor.subscribers()
        .filter(({ userName }) => userName.startsWith(`${kind}-`));

    it('onboard each once: of two without a key one is refused with the execution of the other', async () => {
      const names = pairs('once');
      const answers = await Promise.all(
        names.map((userName) => callApi(sandbox(), 'POST', '/subscribers', requestFor(userName))),
      );
      const outcomes = answers.map(({ status, body }) => ({ status, ...v.parse(executionSchema, body) }));
      const byName = Map.groupBy(outcomes, (_, place) => names[place]);
      for (const ofName of byName.values()) {
        const executionArn = ofName[0]?.executionArn;
        const both = [202, 409].map((status) => ({ status, executionArn }));
        expect(ofName.toSorted((one, other) => one.status - other.status)).toEqual(both);
        expect((await ended(sandbox(), executionArn ?? '')).status).toBe('SUCCEEDED');
      }
      expect(namesIn('once')).toHaveLength(100);
    });

    it('are a hundred executions with a key for each pair, also when the first answers are lost', async () => {
      const names = pairs('twice');
      const all = () =>
        Promise.all(
          names.map((userName) => send('POST', '/subscribers', requestFor(userName), { 'idempotency-key': userName })),
        );
      const first = await all();
      expect(await all()).toEqual(first);
      const executions = new Set(first.map(({ executionArn }) => executionArn));
      expect(executions.size).toBe(100);
      for (const executionArn of executions) expect((await ended(sandbox(), executionArn)).status).toBe('SUCCEEDED');
      expect(await all()).toEqual(first);
      expect(namesIn('twice')).toHaveLength(100);
    });
  });
}

describe('a wrong request', () => {
  it.each<[Method, string, unknown, string[]]>([
    [
      'PATCH',
      '/subscribers/a,b',
      { subscriber: { emailId: 7 } },
      ['/userName', '/subscriber/userName', '/subscriber/emailId'],
    ],
    ['PATCH', '/subscribers/acme', {}, ['']],
    [
      'PATCH',
      '/subscribers/acme',
      { subscriber: { userName: 'other', emailId: 'x@y.example' } },
      ['/subscriber/userName'],
    ],
    [
      'POST',
      '/subscribers/acme/users',
      { users: [{ userName: 'acme', emailId: 1 }], role: 'x' },
      ['/users/0/emailId', '/role', '/users'],
    ],
    ['DELETE', '/subscribers/acme?keepData=no&force=1', undefined, ['/confirm', '/keepData', '/force']],
    ['DELETE', '/subscribers/acme?confirm=acme2&subscriber=x', undefined, ['/confirm', '/subscriber']],
  ])('%s %s is refused for all that is wrong with it', async (method, path, body, pointers) => {
    const executions = sandbox().states.executions().length;
    const headers = { 'idempotency-key': 'a b' };
    const { status, body: problem } = await callApi(sandbox(), method, path, body, { headers });
    expect([status, problem]).toMatchObject([400, { name: 'InvalidRequest' }]);
    const { errors } = v.parse(v.object({ errors: v.array(v.object({ pointer: v.string() })) }), problem);
    expect(errors.map(({ pointer }) => pointer).toSorted()).toEqual([...pointers, '/Idempotency-Key'].toSorted());
    expect(sandbox().states.executions()).toHaveLength(executions);
  });
});

it('is healthy as long as the registry answers', async () => {
  expect(await callApi(sandbox(), 'GET', '/health')).toMatchObject({ status: 200, body: { status: 'ok' } });
  fault(sandbox(), 'dynamodb:GetItem:throttle:2');
  const { status, headers, body } = await callApi(sandbox(), 'GET', '/health');
  expect([status, headers.get('retry-after'), body]).toMatchObject([503, '5', { name: 'AwsBusy' }]);
});
