import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  type ExecutionStatus,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it, vi } from 'vitest';
import { type Sending, sendRequest, type Withheld } from '../../../../lib/subscribers/send-request.ts';
import { registryTable } from '../registry/registry-table.ts';

const stateMachineArn = 'arn:aws:states:us-east-1:111111111111:stateMachine:onboard-subscriber';
const origin = { requestedBy: 'arn:aws:sts::111111111111:assumed-role/pipeline/build-1', correlationId: 'order-7' };
const request = { subscriber: { userName: 'Acme', emailId: 'mlops@acme.example' } };
const now = new Date('2026-01-31T12:00:00.000Z');
const gone = new ExecutionDoesNotExist({ message: 'gone', $metadata: {} });
const exists = new ExecutionAlreadyExists({ message: 'exists', $metadata: {} });

async function setUp() {
  const registry = await registryTable();
  const stepFunctions = new SFNClient({ region: 'us-east-1' });
  const mocked = mockClient(stepFunctions);
  mocked.on(DescribeExecutionCommand).rejects(gone);
  mocked.on(StartExecutionCommand).resolves({});
  const send = (more: Partial<Sending> = {}) =>
    sendRequest(
      {
        operation: 'onboard-subscriber',
        userName: 'Acme',
        request,
        origin,
        route: 'POST /subscribers',
        idempotencyKey: 'order-7',
        ...more,
      },
      { stepFunctions, registry, stateMachineArn, now: new Date(now.getTime() + passedMs) },
    );
  let passedMs = 0;
  const pass = (seconds: number) => {
    passedMs += seconds * 1000;
  };
  const started = () => mocked.commandCalls(StartExecutionCommand).map(({ args: [{ input }] }) => input);
  /** The execution that the key has started, with this input. */
  const earlier = (status: ExecutionStatus, input: object = request) =>
    mocked
      .on(DescribeExecutionCommand)
      .resolves({ status, input: JSON.stringify({ ...input, origin: { requestedBy: 'x' } }) });
  return { send, started, earlier, mocked, pass };
}

/** A password whose storing ends so. */
function password(outcome: Awaited<ReturnType<Withheld['store']>>) {
  const store = vi.fn(async () => outcome);
  return { store, withheld: (name: string) => ({ reference: { passwordSecretId: `input/${name}` }, store }) };
}

const reused = expect.objectContaining({ name: 'IdempotencyKeyReused' });

describe('a request with an idempotency key', () => {
  it('starts the execution of its name, with who asked', async () => {
    const { send, started } = await setUp();
    const { executionArn, location } = await send();
    const [{ name = '', input = '' } = {}] = started();
    expect(name).toMatch(/^key-[0-9a-f]{40}$/);
    expect(executionArn.endsWith(`:${name}`)).toBe(true);
    expect(location).toBe(`/subscribers/Acme?execution=${name}`);
    expect(JSON.parse(input)).toEqual({ ...request, origin });
  });

  it.each<ExecutionStatus>(['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'])(
    'is answered as the first was that is %s, whatever else works on the subscriber',
    async (status) => {
      const { send, started, earlier } = await setUp();
      const first = await send();
      earlier(status, { subscriber: { emailId: 'mlops@acme.example', userName: 'Acme' } });
      expect(await send({ origin: { requestedBy: origin.requestedBy.replace('build-1', 'build-2') } })).toEqual(first);
      expect(started()).toHaveLength(1);
    },
  );

  it.each<[string, Partial<Sending>]>([
    ['body', { request: { subscriber: { ...request.subscriber, emailId: 'other@acme.example' } } }],
    ['subscriber', { userName: 'b', request: { subscriber: { ...request.subscriber, userName: 'b' } } }],
    ['password, where there was none', { withheld: password('created').withheld }],
  ])('is refused for another %s', async (_, more) => {
    const { send, started, earlier } = await setUp();
    earlier('RUNNING');
    await expect(send(more)).rejects.toThrow(reused);
    expect(started()).toEqual([]);
  });

  it('is refused for another password, as long as the first one is kept', async () => {
    const { send, earlier, started } = await setUp();
    const { store, withheld } = password('other');
    await expect(send({ withheld })).rejects.toThrow(reused);
    const { executionArn } = await send();
    const input = { ...request, passwordSecretId: `input/${executionArn.split(':').at(-1)}` };
    earlier('FAILED', input);
    await expect(send({ withheld })).rejects.toThrow(reused);
    earlier('SUCCEEDED', input);
    expect(await send({ withheld })).toMatchObject({ executionArn });
    expect([store.mock.calls.length, started().length]).toEqual([2, 1]);
  });

  it('needs another key when its password was deleted and nothing started', async () => {
    const { send, started } = await setUp();
    const spent = expect.objectContaining({ name: 'IdempotencyKeySpent' });
    await expect(send({ withheld: password('deleted').withheld })).rejects.toThrow(spent);
    expect(started()).toEqual([]);
  });

  it.each([
    ['finds what the same request has started', request, undefined],
    ['is refused when another request has been started', { subscriber: {} }, 'IdempotencyKeyReused'],
    ['is to be sent again when an execution has been started that is not shown yet', undefined, 'AwsBusy'],
  ])('%s a moment before', async (_, started, name) => {
    const { send, mocked } = await setUp();
    mocked.on(StartExecutionCommand).rejects(exists);
    const input = JSON.stringify({ ...started, origin: { requestedBy: 'x' } });
    const look = mocked.on(DescribeExecutionCommand).rejectsOnce(gone);
    if (started !== undefined) look.resolves({ status: 'RUNNING', input });
    if (name === undefined) expect(await send()).toMatchObject({ userName: 'Acme' });
    else await expect(send()).rejects.toThrow(expect.objectContaining({ name }));
  });
});

describe('a request without a key', () => {
  const unkeyed = { idempotencyKey: undefined };
  const inProgress = (executionArn = '') => expect.objectContaining({ name: 'OnboardingInProgress', executionArn });

  it('starts an execution of its own each time', async () => {
    const { send, started, earlier } = await setUp();
    const first = await send(unkeyed);
    earlier('FAILED');
    const second = await send(unkeyed);
    expect(second.executionArn).not.toBe(first.executionArn);
    const ofAcme = expect.stringMatching(/^Acme-/);
    expect(started().map(({ name }) => name)).toEqual([ofAcme, ofAcme]);
  });

  it('is refused while the one before it is started, and as long as that runs', async () => {
    const { send, started, earlier } = await setUp();
    const { executionArn } = await send(unkeyed);
    // Step Functions does not show it yet.
    await expect(send(unkeyed)).rejects.toThrow(inProgress(executionArn));
    await expect(send({ ...unkeyed, userName: 'ACME' })).rejects.toThrow(inProgress(executionArn));
    earlier('RUNNING');
    await expect(send(unkeyed)).rejects.toThrow(inProgress(executionArn));
    expect(started()).toHaveLength(1);
  });

  it('has its turn when nothing can be started any more by the one before it', async () => {
    const { send, mocked, pass } = await setUp();
    mocked.on(StartExecutionCommand).rejectsOnce(new Error('killed')).resolves({});
    await expect(send(unkeyed)).rejects.toThrow('killed');
    pass(29);
    await expect(send(unkeyed)).rejects.toThrow('is being changed');
    pass(1);
    expect(await send(unkeyed)).toMatchObject({ userName: 'Acme' });
  });

  it('is one of many that come at the same moment', async () => {
    const { send, started, earlier } = await setUp();
    for (const isFirst of [true, false]) {
      if (!isFirst) earlier('FAILED');
      const ends = await Promise.allSettled(Array.from({ length: 8 }, () => send(unkeyed)));
      const [winner] = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
      const refused = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
      expect(refused).toEqual(Array.from({ length: 7 }, () => inProgress(winner?.executionArn)));
    }
    expect(started()).toHaveLength(2);
  });

  it('stores no password when it is refused', async () => {
    const { send } = await setUp();
    await send(unkeyed);
    const { store, withheld } = password('created');
    await expect(send({ ...unkeyed, withheld })).rejects.toThrow('is being changed');
    expect(store).not.toHaveBeenCalled();
  });

  it('does not wait for the execution of another subscriber, which the same key has started', async () => {
    const { send, earlier } = await setUp();
    await send(unkeyed);
    earlier('RUNNING', { subscriber: { userName: 'b' } });
    expect(await send(unkeyed)).toMatchObject({ userName: 'Acme' });
  });
});

it('the same key has its turn again when the first try died before it started anything', async () => {
  const { send, mocked } = await setUp();
  mocked.on(StartExecutionCommand).rejectsOnce(new Error('killed')).resolves({});
  await expect(send()).rejects.toThrow('killed');
  expect(await send()).toMatchObject({ userName: 'Acme' });
});
