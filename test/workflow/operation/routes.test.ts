import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { callApi } from '../api.ts';
import { ended, eventually, hold, recordOf, requestFor, useSandbox } from '../sandbox.ts';
import { fault, newName, onboarded, stackOf } from '../subscriber.ts';

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

const statusOf = async (path: string) => callApi(sandbox(), 'GET', path);

describe('a whole life over the HTTP API', () => {
  it('is onboarded, changed, given users, and offboarded, each with who asked', async () => {
    const userName = newName('Life');
    const started = await send('POST', '/subscribers', requestFor(userName), { 'x-correlation-id': 'run-1' });
    await ended(sandbox(), started.executionArn);

    const changed = await send('PATCH', `/subscribers/${userName}`, { subscriber: { emailId: 'new@acme.example' } });
    expect(changed).toMatchObject({ userName, operation: 'update-subscriber', status: 'UPDATING' });
    expect((await ended(sandbox(), changed.executionArn)).status).toBe('SUCCEEDED');
    expect((await statusOf(changed.location)).body).toMatchObject({ status: 'ACTIVE', operation: 'update-subscriber' });

    const users = [{ userName: `${userName}-eve`, emailId: 'eve@acme.example' }];
    const added = await send('POST', `/subscribers/${userName}/users`, { users });
    expect((await ended(sandbox(), added.executionArn)).status).toBe('SUCCEEDED');

    const gone = await send('DELETE', `/subscribers/${userName}?confirm=${userName}&keepData=false`);
    expect((await ended(sandbox(), gone.executionArn)).status).toBe('SUCCEEDED');
    const { status, body } = await statusOf(`/subscribers/${userName}`);
    expect([status, body]).toMatchObject([200, { status: 'OFFBOARDED' }]);
    const attempts = v.parse(
      v.object({ attempts: v.array(v.object({ requestedBy: v.string(), correlationId: v.string() })) }),
      body,
    ).attempts;
    expect(new Set(attempts.map(({ requestedBy }) => requestedBy))).toEqual(
      new Set(['arn:aws:iam::111111111111:user/operator']),
    );
    expect(attempts[0]?.correlationId).toBe('run-1');
    expect(new Set(attempts.map(({ correlationId }) => correlationId)).size).toBe(4);
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

  it('is known again by every route', async () => {
    const userName = newName('every');
    await onboarded(sandbox(), requestFor(userName));
    for (const [method, path, body] of [
      ['PATCH', `/subscribers/${userName}`, { subscriber: { emailId: 'every@acme.example' } }],
      ['POST', `/subscribers/${userName}/users`, { users: [{ userName: `${userName}-u`, emailId: 'u@acme.example' }] }],
      ['DELETE', `/subscribers/${userName}?confirm=${userName}`, undefined],
    ] as const) {
      const first = await send(method, path, body, keyed(userName));
      await ended(sandbox(), first.executionArn);
      expect(await send(method, path, body, keyed(userName))).toEqual(first);
    }
    expect(stackOf(sandbox(), userName)).toBeUndefined();
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

  it.each(['drop', 'kill'])('finds what was started when the answer of a call is lost by a %s', async (kind) => {
    for (const call of ['secretsmanager:CreateSecret', 'states:StartExecution']) {
      const userName = newName(`lost-${kind}`);
      const request = { ...requestFor(userName), password: `Lost-Marker-${userName}!` };
      fault(sandbox(), `${call}:${kind}`, { functionName: 'infinstor-onboarding-sandbox-post-subscribers' });
      await callApi(sandbox(), 'POST', '/subscribers', request, { headers: keyed(userName) });
      const { executionArn } = await send('POST', '/subscribers', request, keyed(userName));
      expect((await ended(sandbox(), executionArn)).status).toBe('SUCCEEDED');
      expect((await recordOf(sandbox(), userName))?.attempts?.L).toHaveLength(1);
    }
  });
});

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
