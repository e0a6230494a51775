import { describe, expect, it } from 'vitest';
import { createClock } from '../../../sandbox/clock.ts';
import { createEvents, type Event } from '../../../sandbox/services/events.ts';
import { accessOf, call } from './call.ts';

const busArn = 'arn:aws:events:us-east-1:111111111111:event-bus/default';
const rule = {
  name: 'on-failure',
  eventPattern: { source: ['aws.states'], detail: { status: ['FAILED'] } },
  enabled: true,
  targets: [{ id: 'record', arn: 'arn:record' }],
};
const failed = { source: 'aws.states', 'detail-type': 'Status Change', detail: { status: 'FAILED' } };

function setUp(answer: () => Promise<unknown> = async () => undefined) {
  const clock = createClock();
  const invoked: { targetArn: string; event: Event }[] = [];
  const errors: unknown[] = [];
  const events = createEvents({
    clock,
    invoke(targetArn, event) {
      invoked.push({ targetArn, event });
      return answer();
    },
    onError: (ruleName, error) => errors.push([ruleName, error]),
  });
  events.addRule(rule);
  const run = (name: string, input: object) => call(events.service, name, input);
  return { clock, events, invoked, errors, run };
}

describe('a schedule', () => {
  const schedule = { name: 'sweep', everyMs: 300_000, enabled: true, targets: [{ id: 'a', arn: 'arn:sweep' }] };

  it('calls its targets again and again, with an event of its own', () => {
    const { clock, events, invoked } = setUp();
    events.addSchedule(schedule);
    clock.advance(600_000);
    expect(invoked).toMatchObject([
      { targetArn: 'arn:sweep', event: { source: 'aws.events', 'detail-type': 'Scheduled Event' } },
      { targetArn: 'arn:sweep', event: { 'detail-type': 'Scheduled Event' } },
    ]);
    clock.stop();
  });

  it('rests while it is disabled', async () => {
    const { clock, events, invoked, run } = setUp();
    events.addSchedule(schedule);
    await run('DisableRule', { Name: 'sweep' });
    clock.advance(300_000);
    expect(invoked).toEqual([]);
    await run('EnableRule', { Name: 'sweep' });
    clock.advance(300_000);
    expect(invoked).toHaveLength(1);
    clock.stop();
  });
});

describe('publishing', () => {
  it('calls the targets of a matching rule, later, with the whole event', () => {
    const { clock, events, invoked } = setUp();
    const event = events.publish({ ...failed, resources: ['arn:execution'] });
    expect(invoked).toEqual([]);
    clock.advance(0);
    expect(invoked).toEqual([{ targetArn: 'arn:record', event }]);
    expect(event).toEqual({
      ...failed,
      version: '0',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      account: '111111111111',
      region: 'us-east-1',
      resources: ['arn:execution'],
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    });
    expect(events.published()).toEqual([event]);
  });

  it('keeps the account and Region of an event that comes from elsewhere', () => {
    const { events } = setUp();
    const elsewhere = { account: '222222222222', region: 'eu-west-1' };
    expect(events.publish({ ...failed, ...elsewhere })).toMatchObject(elsewhere);
  });

  it('calls no target of a rule that does not match', () => {
    const { clock, events, invoked } = setUp();
    events.publish({ ...failed, detail: { status: 'SUCCEEDED' } });
    clock.advance(0);
    expect(invoked).toEqual([]);
    expect(events.published()).toHaveLength(1);
  });

  it('reports what a target throws, and goes on', async () => {
    const error = new Error('refused');
    const { clock, events, errors, invoked } = setUp(() => Promise.reject(error));
    events.publish(failed);
    events.publish(failed);
    clock.advance(0);
    await new Promise(setImmediate);
    expect(invoked).toHaveLength(2);
    expect(errors).toEqual([
      ['on-failure', error],
      ['on-failure', error],
    ]);
  });

  it('keeps idle time from being skipped while a target works', async () => {
    const work = Promise.withResolvers<void>();
    const clock = createClock({ skipIdle: true });
    const called = Promise.withResolvers<void>();
    const invoke = () => {
      called.resolve();
      return work.promise;
    };
    const events = createEvents({ clock, invoke, onError: () => undefined });
    events.addRule(rule);
    const timer = Promise.withResolvers<void>();
    let due = false;
    clock.after(3_600_000, () => {
      due = true;
      timer.resolve();
    });
    events.publish(failed);
    await called.promise;
    for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
    expect(due).toBe(false);
    work.resolve();
    await timer.promise;
    expect(due).toBe(true);
  });
});

describe('PutEvents', () => {
  const good = { Source: 'infinstor-onboarding', DetailType: 'SubscriberOnboarded', Detail: '{"userName":"acme"}' };

  it('puts the entries on the bus', async () => {
    const { events, run } = setUp();
    const answer = await run('PutEvents', { Entries: [{ ...good, Time: 1_700_000_000, EventBusName: 'default' }] });
    const [event] = events.published();
    expect(answer).toEqual({ FailedEntryCount: 0, Entries: [{ EventId: event?.id }] });
    expect(event).toMatchObject({
      source: 'infinstor-onboarding',
      'detail-type': 'SubscriberOnboarded',
      detail: { userName: 'acme' },
      time: '2023-11-14T22:13:20Z',
    });
  });

  it.each<[string, object, string]>([
    ['without a source', { Source: undefined }, 'InvalidArgument'],
    ['without a detail', { Detail: undefined }, 'InvalidArgument'],
    ['with a malformed detail', { Detail: '{' }, 'MalformedDetail'],
    ['with a detail that is no object', { Detail: '[]' }, 'MalformedDetail'],
    ['of an AWS service', { Source: 'aws.states' }, 'NotAuthorizedForSourceException'],
  ])('fails an entry %s alone', async (_, change, code) => {
    const { events, run } = setUp();
    expect(await run('PutEvents', { Entries: [{ ...good, ...change }, good] })).toMatchObject({
      FailedEntryCount: 1,
      Entries: [{ ErrorCode: code }, { EventId: expect.any(String) }],
    });
    expect(events.published()).toHaveLength(1);
  });

  it('refuses more than ten entries, and another bus', async () => {
    const { run } = setUp();
    const invalid = { code: 'ValidationException' };
    await expect(run('PutEvents', { Entries: Array(11).fill(good) })).rejects.toMatchObject(invalid);
    await expect(run('PutEvents', { Entries: [{ ...good, EventBusName: 'other' }] })).rejects.toMatchObject(invalid);
  });

  it('asks about the bus with source and detail type', () => {
    const { events } = setUp();
    expect(accessOf(events.service, 'PutEvents', { Entries: [good] })).toEqual([
      {
        action: 'events:PutEvents',
        resource: busArn,
        context: { 'events:source': 'infinstor-onboarding', 'events:detail-type': 'SubscriberOnboarded' },
      },
    ]);
  });
});

describe('rules', () => {
  it('can be disabled and enabled', async () => {
    const { clock, events, invoked, run } = setUp();
    await run('DisableRule', { Name: 'on-failure' });
    expect(await run('DescribeRule', { Name: 'on-failure' })).toMatchObject({
      Arn: 'arn:aws:events:us-east-1:111111111111:rule/on-failure',
      EventPattern: JSON.stringify(rule.eventPattern),
      State: 'DISABLED',
    });
    events.publish(failed);
    await run('EnableRule', { Name: 'on-failure' });
    clock.advance(0);
    expect(invoked).toEqual([]);
    events.publish(failed);
    clock.advance(0);
    expect(invoked).toHaveLength(1);
  });

  it.each(['EnableRule', 'DisableRule', 'DescribeRule'])('%s does not find an unknown one', async (operation) => {
    const { run } = setUp();
    await expect(run(operation, { Name: 'other' })).rejects.toMatchObject({
      code: 'ResourceNotFoundException',
      message: 'Rule other does not exist on EventBus default.',
    });
  });

  it('are refused when their pattern has an unknown matcher', () => {
    const { events } = setUp();
    expect(() => events.addRule({ ...rule, eventPattern: { source: [{ wildcard: '*' }] } })).toThrow('wildcard');
  });
});
