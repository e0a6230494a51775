import { describe, expect, it } from 'vitest';
import { createClock } from '../../../../../sandbox/core/clock.ts';
import { createFaults, parseFault } from '../../../../../sandbox/core/faults.ts';
import type { Event } from '../../../../../sandbox/services/events/bus-store.ts';
import { createEvents } from '../../../../../sandbox/services/events/service.ts';
import { accessOf, call } from '../call.ts';

const busArn = 'arn:aws:events:us-east-1:111111111111:event-bus/default';
const rule = {
  name: 'on-failure',
  bus: 'default',
  eventPattern: { source: ['aws.states'], detail: { status: ['FAILED'] } },
  enabled: true,
  targets: [{ id: 'record', arn: 'arn:record' }],
};
const failed = { source: 'aws.states', 'detail-type': 'Status Change', detail: { status: 'FAILED' } };

function setUp() {
  const clock = createClock({ skipIdle: true });
  const faults = createFaults([]);
  const invoked: { targetArn: string; event: Event }[] = [];
  const events = createEvents({ clock, faults, deliver: (targetArn, event) => invoked.push({ targetArn, event }) });
  events.addRule(rule);
  const run = (name: string, input: object) => call(events.service, name, input);
  return { clock, faults, events, invoked, run };
}

describe('a schedule', () => {
  const schedule = {
    name: 'sweep',
    scheduleExpression: 'rate(5 minutes)',
    enabled: true,
    targets: [{ id: 'a', arn: 'arn:sweep' }],
  };

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

  it('has one interval after an update, and none when it is deleted', () => {
    const { clock, events, invoked } = setUp();
    events.addSchedule(schedule);
    events.addSchedule({ ...schedule, scheduleExpression: 'rate(10 minutes)' });
    clock.advance(600_000);
    expect(invoked).toHaveLength(1);
    events.deleteRule({ name: 'sweep', bus: 'default' });
    clock.advance(600_000);
    expect(invoked).toHaveLength(1);
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

  it.each([
    ['lose', 0, 0],
    ['repeat', 2, 2],
    ['late', 0, 1],
  ])('lets a fault %s a delivery', (kind, atOnce, later) => {
    const { clock, events, faults, invoked } = setUp();
    events.addRule({ ...rule, name: 'faulty', eventPattern: { source: ['pipeline'] } });
    faults.add(parseFault(`events:SubscriberRequested:${kind}`));
    events.publish({ source: 'pipeline', 'detail-type': 'SubscriberRequested', detail: {} });
    clock.advance(0);
    expect(invoked).toHaveLength(atOnce);
    clock.advance(120_000);
    expect(invoked).toHaveLength(later);
  });

  it('lets a fault lose what CloudTrail reports PutKeyPolicy', () => {
    const { clock, events, faults, invoked } = setUp();
    events.addRule({ ...rule, name: 'policies', eventPattern: { detail: { eventName: ['PutKeyPolicy'] } } });
    faults.add(parseFault('events:PutKeyPolicy:lose'));
    const put = {
      source: 'aws.kms',
      'detail-type': 'AWS API Call via CloudTrail',
      detail: { eventName: 'PutKeyPolicy' },
    };
    for (const event of [put, put]) events.publish(event);
    clock.advance(0);
    expect(invoked).toHaveLength(1);
  });
});

describe('a bus beside the default one', () => {
  const requested = { Source: 'pipeline', DetailType: 'SubscriberRequested', Detail: '{}' };

  it('delivers its own events to its own rules', async () => {
    const { clock, events, invoked, run } = setUp();
    const arn = events.addBus('mine');
    expect(arn).toBe('arn:aws:events:us-east-1:111111111111:event-bus/mine');
    const pattern = { eventPattern: { source: ['pipeline'] } };
    events.addRule({ ...rule, ...pattern, bus: 'mine', targets: [{ id: 'a', arn: 'arn:mine' }] });
    events.addRule({ ...rule, ...pattern, targets: [{ id: 'a', arn: 'arn:default' }] });
    await run('PutEvents', { Entries: [{ ...requested, EventBusName: 'mine' }] });
    await run('PutEvents', { Entries: [{ ...requested, EventBusName: arn }] });
    clock.advance(0);
    expect(invoked.map(({ targetArn }) => targetArn)).toEqual(['arn:mine', 'arn:mine']);
    expect(await run('DescribeRule', { Name: 'on-failure', EventBusName: 'mine' })).toMatchObject({
      Arn: 'arn:aws:events:us-east-1:111111111111:rule/mine/on-failure',
      EventBusName: 'mine',
    });
  });

  it('is there once, and before its rules', () => {
    const { events } = setUp();
    events.addBus('mine');
    expect(() => events.addBus('mine')).toThrow('Event bus mine already exists.');
    expect(() => events.addRule({ ...rule, bus: 'other' })).toThrow('Event bus other does not exist.');
  });

  it('is what IAM is asked about', () => {
    const { events } = setUp();
    const access = accessOf(events.service, 'PutEvents', { Entries: [{ ...requested, EventBusName: 'mine' }] });
    expect(access).toMatchObject([{ resource: 'arn:aws:events:us-east-1:111111111111:event-bus/mine' }]);
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

  it('refuses more than ten entries, and more than 256 KiB', async () => {
    const { run } = setUp();
    const invalid = { code: 'ValidationException' };
    await expect(run('PutEvents', { Entries: Array(11).fill(good) })).rejects.toMatchObject(invalid);
    const large = { ...good, Detail: JSON.stringify({ padding: 'x'.repeat(256 * 1024) }) };
    await expect(run('PutEvents', { Entries: [large] })).rejects.toMatchObject(invalid);
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
    expect(() => events.addRule({ ...rule, eventPattern: { source: [{ cidr: '*' }] } })).toThrow('cidr');
  });
});
