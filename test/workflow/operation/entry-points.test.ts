import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { connect, follow } from '../../../cli/aws/executions.ts';
import { sandboxAt } from '../../../cli/target/target.ts';
import { requestOf } from '../../../lib/plans/origin.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { casesInScope } from '../../scope.ts';
import { callApi } from '../api.ts';
import { eventually, hold, requestFor, useSandbox } from '../sandbox.ts';
import { kinds, oneOf } from '../side-effects.ts';
import { credentialsOf, fault, roleArnOf, stackOf } from '../subscriber.ts';

const sandbox = useSandbox({ schedules: true });
const queueName = 'infinstor-onboarding-sandbox-refused-events';
/** As the files of `examples/` have it. */
const $schema = '../schemas/onboard-subscriber.json';
const hour = 60 * 60_000;

const acceptedSchema = v.object({ executionArn: v.string(), location: v.string() });
const credentialsSchema = v.pipe(v.string(), v.parseJson(), v.object({ state: v.string(), password: v.string() }));

const storedOf = (userName: string) =>
  v.parse(credentialsSchema, sandbox().secretsManager.value(credentialsOf(userName)));

async function post(request: object) {
  const response = await callApi(sandbox(), 'POST', '/subscribers', request);
  expect(response.status).toBe(202);
  return v.parse(acceptedSchema, response.body);
}

async function statusOf(path: string): Promise<unknown> {
  return (await callApi(sandbox(), 'GET', path)).body;
}

async function ended(executionArn: string) {
  const clients = connect(sandboxAt(sandbox().endpoint));
  return (await follow(clients, executionArn, () => {})).description;
}

async function put(detail: object, eventFault?: string): Promise<string> {
  const { endpoint } = sandbox();
  if (eventFault !== undefined) fault(sandbox(), `events:SubscriberRequested:${eventFault}`);
  const events = new EventBridgeClient(operatorAt(endpoint));
  const { Entries = [] } = await events.send(
    new PutEventsCommand({
      Entries: [
        {
          EventBusName: 'infinstor-onboarding-sandbox',
          Source: 'pipeline',
          DetailType: 'SubscriberRequested',
          Detail: JSON.stringify(detail),
        },
      ],
    }),
  );
  return Entries[0]?.EventId ?? '';
}

const executionOf = (name: string) =>
  sandbox()
    .states.executions()
    .find(({ executionArn }) => executionArn.endsWith(`:${name}`));

describe('the HTTP API', () => {
  it('onboards a subscriber, and returns how it stands', async () => {
    const { executionArn, location } = await post({ $schema, ...requestFor('By-api') });
    expect(await ended(executionArn)).toMatchObject({ status: 'SUCCEEDED' });
    for (const path of [location, '/subscribers/by-API']) {
      expect(await statusOf(path)).toMatchObject({
        userName: 'By-api',
        status: 'ACTIVE',
        executionArn,
        roleArn: roleArnOf('By-api'),
        attempts: [{ executionArn }],
      });
    }
    expect(stackOf(sandbox(), 'By-api')?.status).toBe('CREATE_COMPLETE');
  });

  it('makes the password of a request the one of the subscriber, by way of a secret that the sweep deletes', async () => {
    const { executionArn } = await post({ ...requestFor('chosen'), password: 'Api-Marker-4711!' });
    const inputSecret = `infinstor/sandbox/input/chosen/api/${executionArn.split(':').at(-1)}`;
    expect(await ended(executionArn)).toMatchObject({
      status: 'SUCCEEDED',
    });
    expect(requestOf(JSON.parse(sandbox().states.execution(executionArn).input))).toEqual({
      ...requestFor('chosen'),
      passwordSecretId: inputSecret,
    });
    expect(storedOf('chosen')).toMatchObject({ state: 'created', password: 'Api-Marker-4711!' });

    sandbox().clock.advance(hour);
    await eventually(sandbox(), () => expect(sandbox().secretsManager.value(inputSecret)).toBeUndefined());
    expect(storedOf('chosen').password).toBe('Api-Marker-4711!');
  });

  it('keeps a password that InfinStor refused out of the credentials, and in its secret while a redrive may need it', async () => {
    const { executionArn, location } = await post({ ...requestFor('too-weak'), password: 'api-marker-weak' });
    await ended(executionArn);
    expect(await statusOf(location)).toMatchObject({
      status: 'FAILED',
      error: {
        name: 'InfinStorRejected',
        step: 'CreateSubscriber',
        remedy: expect.stringContaining('send the request'),
      },
    });
    expect(sandbox().secretsManager.value(credentialsOf('too-weak')) ?? '').not.toContain('api-marker-weak');
    sandbox().clock.advance(hour);
    const inputSecret = `infinstor/sandbox/input/too-weak/api/${executionArn.split(':').at(-1)}`;
    expect(sandbox().secretsManager.value(inputSecret)).toContain('api-marker-weak');

    const repeated = await post({ ...requestFor('too-weak'), password: 'Api-Marker-Strong-1!' });
    await ended(repeated.executionArn);
    expect(await statusOf('/subscribers/too-weak')).toMatchObject({
      status: 'ACTIVE',
      attempts: [
        { executionArn, status: 'FAILED', error: { name: 'InfinStorRejected', step: 'CreateSubscriber' } },
        { executionArn: repeated.executionArn },
      ],
    });
    expect(storedOf('too-weak').password).toBe('Api-Marker-Strong-1!');
  });

  it('reports an abort at once, and of the state that runs before', async () => {
    // CreateSubscriber waits until the execution is stopped.
    const goOn = hold(sandbox(), 'infinstor', 'add_subscriber');
    const { executionArn } = await post(requestFor('stopped'));
    await eventually(sandbox(), () => expect(sandbox().faults.left()).toBe(0));
    expect(await statusOf('/subscribers/stopped')).toMatchObject({ status: 'ONBOARDING', step: 'CreateSubscriber' });
    const clients = connect(sandboxAt(sandbox().endpoint));
    await clients.sfn.send(new StopExecutionCommand({ executionArn }));
    expect(await statusOf('/subscribers/stopped')).toMatchObject({ status: 'FAILED', error: { name: 'ABORTED' } });
    goOn();
  });

  it.each(kinds)('converges after a %s of the call that stores the password or starts the machine', async (kind) => {
    for (const [index, call] of ['secretsmanager:CreateSecret', 'states:StartExecution'].entries()) {
      if (!oneOf(kinds, index).includes(kind)) continue;
      const request = { ...requestFor(`door-${kind}-${index}`), password: `Door-Marker-${kind}-${index}!` };
      const functionName = 'infinstor-onboarding-sandbox-post-subscribers';
      fault(sandbox(), `${call}:${kind}`, { functionName });
      const { status } = await callApi(sandbox(), 'POST', '/subscribers', request);
      expect(status).toBe(kind === 'drop' ? 202 : 500);
      // The same request comes again when what was started is over.
      const isRunning = (execution: { name: string; status: string }) =>
        execution.name.startsWith(`${request.subscriber.userName}-`) && execution.status === 'RUNNING';
      await eventually(sandbox(), () => expect(sandbox().states.executions().some(isRunning)).toBe(false));
      // Or when nothing can be started any more by a call that has died: there is no key by which it would be known to be the same.
      await sandbox().clock.quiet();
      sandbox().clock.advance(30_000);
      const { executionArn } = await post(request);
      expect(await ended(executionArn)).toMatchObject({ status: 'SUCCEEDED' });
      expect(storedOf(request.subscriber.userName).password).toBe(request.password);
    }
  });

  it('answers 404 for whom it does not know', async () => {
    expect(await callApi(sandbox(), 'GET', '/subscribers/nobody')).toMatchObject({
      status: 404,
      body: { name: 'SubscriberNotFound' },
    });
  });

  it('refuses who does not sign', async () => {
    const { apiEndpoint, states } = sandbox();
    const before = states.executions().length;
    const body = JSON.stringify(requestFor('unsigned'));
    const response = await fetch(`${apiEndpoint}/subscribers`, { method: 'POST', body });
    expect(response.status).toBe(403);
    expect(states.executions()).toHaveLength(before);
  });
});

describe('the bus', () => {
  it('onboards the subscriber of an event, in an execution named after the event', async () => {
    const eventId = await put({ $schema, ...requestFor('By-event') });
    await eventually(sandbox(), () => expect(executionOf(`By-event-${eventId}`)?.status).toBe('SUCCEEDED'));
    expect(await statusOf('/subscribers/by-event')).toMatchObject({ status: 'ACTIVE', attempts: [{}] });
  });

  it.each(['repeat', 'late'])('starts nothing twice when its delivery comes %s', async (kind) => {
    const userName = `event-${kind}`;
    const eventId = await put(requestFor(userName), kind);
    await eventually(sandbox(), () => expect(executionOf(`${userName}-${eventId}`)?.status).toBe('SUCCEEDED'));
    expect(await statusOf(`/subscribers/${userName}`)).toMatchObject({ status: 'ACTIVE', attempts: [{}] });
    const named = ({ executionArn }: { executionArn: string }) => executionArn.includes(`:${userName}-`);
    expect(sandbox().states.executions().filter(named)).toHaveLength(1);
  });

  const troubles = ['states:StartExecution:drop', 'states:StartExecution:kill', 'states:StartExecution:throttle:3'];

  it.each(casesInScope(troubles, troubles.slice(1)))('goes on after %s', async (trouble) => {
    fault(sandbox(), trouble);
    const userName = `after-${trouble.split(':')[2]}`;
    const eventId = await put(requestFor(userName));
    await eventually(sandbox(), () => expect(executionOf(`${userName}-${eventId}`)?.status).toBe('SUCCEEDED'));
    expect(await statusOf(`/subscribers/${userName}`)).toMatchObject({ status: 'ACTIVE', attempts: [{}] });
  });

  it('loses no event that accept-event fails at: it stands in the queue', async () => {
    fault(sandbox(), 'states:StartExecution:throttle:9');
    const eventId = await put(requestFor('never-started'));
    const messages = () =>
      sandbox()
        .sqs.messages(queueName)
        .map(({ body }) => body);
    await eventually(sandbox(), () => expect(messages()).toEqual([expect.stringContaining(eventId)]));
    expect(executionOf(`never-started-${eventId}`)).toBeUndefined();
  });
});
