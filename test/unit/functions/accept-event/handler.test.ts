import { ExecutionAlreadyExists, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../../functions/accept-event/environment.ts';
import { environmentOf } from '../environment.ts';
import { errorOf, lambda, secret } from '../lambda.ts';

const id = '33333333-3333-4333-8333-333333333333';
const subscriber = { userName: 'Acme', emailId: 'mlops@acme.example' };
const hidden = { requestedBy: '<redacted>', correlationId: '<redacted>' };
const origin = { requestedBy: 'account 222222222222', correlationId: id };
const requested = (detail: unknown, detailType = 'SubscriberRequested') => ({
  version: '0',
  id,
  source: 'pipeline.example',
  account: '222222222222',
  'detail-type': detailType,
  time: '2026-01-01T12:00:00Z',
  detail,
});

function setUp() {
  const stepFunctions = mockClient(SFNClient);
  stepFunctions.on(StartExecutionCommand).resolves({});
  const queue = mockClient(SQSClient);
  queue.on(SendMessageCommand).resolves({ MessageId: 'message-1' });
  const invoke = lambda(
    () => import('../../../../functions/accept-event/handler.ts'),
    environmentOf(environmentSchema, {
      SUPERADMIN_USER_NAME: 'root',
      DEAD_LETTER_QUEUE_URL: 'https://sqs.example/refused-events',
    }),
  );
  const messages = () => queue.commandCalls(SendMessageCommand).map(({ args: [{ input }] }) => input);
  return { invoke, stepFunctions, queue, messages };
}

describe('SubscriberRequested', () => {
  it('starts an execution named after the event, with its detail as request', async () => {
    const { invoke, stepFunctions, messages } = setUp();
    await invoke(requested({ subscriber }));
    const [start, ...others] = stepFunctions.commandCalls(StartExecutionCommand);
    expect(start?.args[0].input).toEqual({
      stateMachineArn: 'arn:aws:states:us-east-1:111111111111:stateMachine:onboard-subscriber',
      name: `Acme-${id}`,
      input: JSON.stringify({ subscriber, origin }),
    });
    expect([others, messages()]).toEqual([[], []]);
  });

  it('that comes again is done already', async () => {
    const { invoke, stepFunctions, messages } = setUp();
    stepFunctions.on(StartExecutionCommand).rejects(new ExecutionAlreadyExists({ message: 'it is', $metadata: {} }));
    await invoke(requested({ subscriber }));
    expect(messages()).toEqual([]);
  });

  it.each<[string, unknown, string, unknown?]>([
    ['an unknown field', { subscriber, colour: 'x' }, 'colour', { subscriber, colour: '<redacted>' }],
    ['no subscriber', {}, 'subscriber'],
    ['a list', [], 'request'],
    ['an origin of its own making', { subscriber, origin }, 'origin', { subscriber, origin: hidden }],
    ['an account of somebody else', { subscriber, stack: { accountId: '222222222222' } }, 'stack.accountId'],
  ])(
    'that is refused for %s goes into the dead-letter queue, with its reason',
    async (_, detail, field, kept = detail) => {
      const { invoke, stepFunctions, messages } = setUp();
      await invoke(requested(detail));
      const [message, ...others] = messages();
      expect(message).toMatchObject({
        QueueUrl: 'https://sqs.example/refused-events',
        MessageAttributes: { errorName: { DataType: 'String', StringValue: 'InvalidRequest' } },
      });
      expect(JSON.parse(message?.MessageBody ?? '')).toEqual({
        error: {
          name: 'InvalidRequest',
          field,
          message: expect.stringContaining(`${field}: `),
          remedy: expect.stringMatching(/\.$/),
          errors: [{ pointer: field === 'request' ? '' : `/${field.replace('.', '/')}`, rule: expect.any(String) }],
        },
        event: {
          id,
          'detail-type': 'SubscriberRequested',
          source: 'pipeline.example',
          account: '222222222222',
          time: '2026-01-01T12:00:00Z',
          detail: kept,
        },
      });
      expect([others, stepFunctions.calls()]).toEqual([[], []]);
    },
  );

  it('that is wrong in several places goes there with each of them, fifteen at most', async () => {
    const { invoke, messages } = setUp();
    const wrong = { colour: 'x', subscriber: { userName: '-', emailId: 7 }, stack: { accountId: '222222222222' } };
    const many = Object.fromEntries(Array.from({ length: 600 }, (_, n) => [`\u0000/${n}${'~'.repeat(300)}`, 1]));
    await invoke(requested(wrong));
    await invoke(requested({ subscriber, ...many }));
    const [first, second] = messages().map(({ MessageBody = '' }) => JSON.parse(MessageBody));
    expect(first.error.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
      '/subscriber/userName',
      '/subscriber/emailId',
      '/colour',
      '/stack/accountId',
    ]);
    expect(first.error.message).toMatch(/^subscriber.userName: .*; subscriber.emailId: .*; stack.accountId: /);
    expect(second.error.errors).toHaveLength(15);
    expect(second.error.message).toMatch(/…$/);
    for (const { MessageBody = '' } of messages()) expect(Buffer.byteLength(MessageBody)).toBeLessThan(262_144 - 100);
  });

  it.each([
    ['a password', { subscriber, password: secret('outer') }, '"password":"<redacted>"'],
    [
      "a subscriber's password",
      { subscriber: { ...subscriber, password: secret('inner') } },
      '"password":"<redacted>"',
    ],
    ['a password under a wrong name', { subscriber, passwort: secret('x') }, '"passwort":"<redacted>"'],
    [
      'a secret among the parameters',
      { subscriber, colour: 'x', stack: { parameters: { Pin: secret('x') } } },
      '"Pin":"<redacted>"',
    ],
    ['nothing but a secret', secret('x'), '"detail":"<redacted>"'],
    ['a password for a reference', { subscriber, passwordSecretId: secret('x') }, '"passwordSecretId":"<redacted>"'],
    ['a token for a reference', { subscriber, customTokenSecretId: secret('x') }, '"customTokenSecretId":"<redacted>"'],
  ])('that holds %s goes there without it', async (_, detail, redacted) => {
    const { invoke, messages } = setUp();
    await invoke(requested(detail));
    expect(messages()).toHaveLength(1);
    expect(JSON.stringify(messages())).not.toContain(secret(''));
    expect(messages()[0]?.MessageBody).toContain(redacted);
  });

  it('that is refused and too large for the queue is cut to what is no secret', async () => {
    const { invoke, messages } = setUp();
    const long = { ['x'.repeat(200_000)]: 1 };
    const many = Array.from({ length: 90_000 }, () => 1);
    const stack = { build: '2.3.72', region: 'r'.repeat(3000), parameters: { Pin: secret('x') } };
    await invoke(requested({ subscriber, stack, many }));
    await invoke(requested({ subscriber, ...long }));
    const bodies = messages().map(({ MessageBody = '' }) => MessageBody);
    for (const body of bodies) expect(Buffer.byteLength(body)).toBeLessThan(262_144 - 100);
    expect(bodies.join()).not.toContain(secret(''));
    const [first, second] = bodies.map((body) => JSON.parse(body));
    expect(first).toMatchObject({ isCut: true, error: { name: 'InvalidRequest', field: 'many' } });
    expect(first.event).toMatchObject({ id, source: 'pipeline.example', time: '2026-01-01T12:00:00Z' });
    expect(first.event.detail).toEqual({
      'subscriber.userName': 'Acme',
      'subscriber.emailId': 'mlops@acme.example',
      'stack.build': '2.3.72',
      'stack.region': '<redacted>…',
    });
    // It fits, but for the field's name in error and message.
    expect(second).not.toHaveProperty('isCut');
    expect(second.error).toMatchObject({ field: '<redacted>', errors: [{ pointer: '/<redacted>' }] });
  });

  it('that is refused goes there in the characters that a queue takes', async () => {
    const { invoke, messages } = setUp();
    await invoke(requested({ subscriber, '\uffff': 1, '\u0000': 1 }));
    const body = messages()[0]?.MessageBody ?? '';
    expect(body).not.toMatch(/[\ufffe\uffff]/);
    expect(JSON.parse(body).event.detail).toMatchObject({ '\uffff': '<redacted>', '\u0000': '<redacted>' });
  });

  it('that is refused keeps its references, so that it can be corrected and sent again', async () => {
    const { invoke, messages } = setUp();
    const references = {
      passwordSecretId: 'infinstor/test/input/acme/password',
      customTokenSecretId: 'infinstor/test/input/acme/t',
    };
    await invoke(requested({ subscriber, ...references, colour: 'x' }));
    expect(JSON.parse(messages()[0]?.MessageBody ?? '')).toMatchObject({ event: { detail: references } });
  });

  it('that holds a password is not given back to Lambda, which would store it as it is, when the queue does not take it', async () => {
    const { invoke, queue } = setUp();
    queue.on(SendMessageCommand).rejects(new Error('slow down'));
    await invoke(requested({ subscriber, password: secret('outer') }));
    await invoke(requested({ subscriber: { ...subscriber, password: secret('inner') } }));
    await invoke(requested({ subscriber, passwort: secret('misspelled') }));
    await invoke(requested({ subscriber, passwordSecretId: secret('no reference') }));
    expect(queue.commandCalls(SendMessageCommand)).toHaveLength(4);
  });

  it.each([
    ['Step Functions', 'StartExecution', { subscriber }],
    ['the queue', 'SendMessage', {}],
  ])('is invoked again by Lambda when %s does not take it', async (_, operation, detail) => {
    const { invoke, stepFunctions, queue } = setUp();
    const throttled = Object.assign(new Error(`${operation}: slow down`), { name: 'ThrottlingException' });
    stepFunctions.on(StartExecutionCommand).rejects(throttled);
    queue.on(SendMessageCommand).rejects(throttled);
    await expect(invoke(requested(detail))).rejects.toMatchObject(errorOf('ThrottlingException', operation));
  });
});

describe.each([
  [
    'SubscriberUpdateRequested',
    'update-subscriber',
    { subscriber: { userName: 'Acme' } },
    { subscriber: { ...subscriber, userName: '-' }, colour: 'x' },
    ['/subscriber/userName', '/colour'],
  ],
  [
    'UsersRequested',
    'add-user',
    { subscriber: { userName: 'Acme' }, users: [{ userName: 'alice', emailId: 'alice@acme.example' }] },
    { subscriber: { userName: 'Acme' }, users: [{ userName: 'root', emailId: 'x' }, {}] },
    ['/users/0/emailId', '/users/1/userName', '/users/1/emailId', '/users/0/userName'],
  ],
  [
    'SubscriberOffboardingRequested',
    'offboard-subscriber',
    { subscriber: { userName: 'Acme' }, confirm: 'Acme', keepData: false },
    { subscriber: { userName: 'Acme' }, confirm: 'acme', keepData: 'no' },
    ['/keepData', '/confirm'],
  ],
] as const)('%s', (detailType, operation, plain, wrong, pointers) => {
  const request = detailType === 'SubscriberUpdateRequested' ? { subscriber } : plain;

  it('starts its machine, in an execution named after the event', async () => {
    const { invoke, stepFunctions, messages } = setUp();
    await invoke(requested(request, detailType));
    expect(stepFunctions.commandCalls(StartExecutionCommand).map(({ args: [{ input }] }) => input)).toEqual([
      {
        stateMachineArn: `arn:aws:states:us-east-1:111111111111:stateMachine:${operation}`,
        name: `Acme-${id}`,
        input: JSON.stringify({ ...request, origin }),
      },
    ]);
    expect(messages()).toEqual([]);
  });

  it('is refused for all that its machine would refuse, and for what it says of who asks', async () => {
    const { invoke, stepFunctions, messages } = setUp();
    await invoke(requested({ ...wrong, requestedBy: '', correlationId: 7 }, detailType));
    const { error, event } = JSON.parse(messages()[0]?.MessageBody ?? '');
    expect(error.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
      ...pointers,
      '/requestedBy',
      '/correlationId',
    ]);
    expect(event).toMatchObject({ 'detail-type': detailType, detail: { subscriber: wrong.subscriber } });
    expect(stepFunctions.calls()).toEqual([]);
  });
});

describe('who asks', () => {
  const inputOf = async (said: object) => {
    const { invoke, stepFunctions } = setUp();
    await invoke(requested({ subscriber, ...said }));
    return JSON.parse(stepFunctions.commandCalls(StartExecutionCommand)[0]?.args[0].input.input ?? '');
  };

  it('is the account that EventBridge names, with what the sender says after it', async () => {
    const said = { requestedBy: 'Jürgen: account 111111111111', correlationId: 'build-7' };
    expect(await inputOf(said)).toEqual({
      subscriber,
      origin: { requestedBy: 'account 222222222222: Jürgen: account 111111111111', correlationId: 'build-7' },
    });
    expect(await inputOf({})).toEqual({ subscriber, origin });
  });

  it('is kept of a refused event, in the message of the queue', async () => {
    const { invoke, messages } = setUp();
    const said = { requestedBy: 'alice', correlationId: 'build-7' };
    await invoke(requested({ subscriber, colour: 'x', ...said }));
    expect(JSON.parse(messages()[0]?.MessageBody ?? '').event).toMatchObject({
      account: '222222222222',
      detail: said,
    });
  });
});
