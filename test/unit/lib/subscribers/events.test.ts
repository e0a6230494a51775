import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { mockClient } from 'aws-sdk-client-mock';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import type { EventDetail } from '../../../../lib/subscribers/event-schemas.ts';
import {
  publishDrift,
  publishFailure,
  publishQuota,
  publishSuccess,
  type Success,
} from '../../../../lib/subscribers/events.ts';
import { executionArn, otherExecutionArn } from '../../functions/plan.ts';

const detailSchema = v.pipe(v.string(), v.parseJson(), v.looseObject({ eventKey: v.string() }));

function setUp() {
  const bridge = mockClient(EventBridgeClient);
  bridge.on(PutEventsCommand).resolves({ FailedEntryCount: 0 });
  const bus = { client: new EventBridgeClient({ region: 'us-east-1' }), name: 'results' };
  const entries = () => bridge.commandCalls(PutEventsCommand).flatMap(({ args: [{ input }] }) => input.Entries ?? []);
  const details = () => entries().map(({ Detail }) => v.parse(detailSchema, Detail));
  return { bridge, bus, entries, details, keys: () => details().map(({ eventKey }) => eventKey) };
}

const updated: Success = { detailType: 'SubscriberUpdated', detail: { userName: 'Acme', changed: ['emailId'] } };
const users: Success = { detailType: 'UsersAdded', detail: { userName: 'Acme', users: [] } };
const attempt = { executionArn, startedAt: '2026-01-01T00:00:00.000Z' };
const record = { executionArn, attempts: [attempt] };
const failure = {
  executionArn,
  userName: 'Acme',
  name: 'StackFailed',
  step: 'WaitForStack',
  message: 'It failed',
  remedy: 'Repair it.',
};
const drift: EventDetail<'KeyPolicyDrift'> = {
  keyArn: 'arn:aws:kms:us-east-1:111111111111:key/1',
  missingRoles: [],
  unexpectedRoles: [],
  orphanedIds: [],
  lostStatements: [],
  reason: null,
  omitted: 0,
  repaired: 'no',
  by: null,
};

describe('an event', () => {
  it('is put on the bus that the deployment names, with who asked and by what they find it', async () => {
    const { bus, entries, details } = setUp();
    const asked = { requestedBy: 'account 222222222222: ci', correlationId: 'build-7' };
    await publishSuccess(bus, { ...record, attempts: [{ ...attempt, ...asked }] }, updated);
    expect(entries()).toMatchObject([
      { EventBusName: 'results', Source: 'infinstor.onboarding', DetailType: 'SubscriberUpdated' },
    ]);
    expect(details()).toEqual([
      { schemaVersion: 1, eventKey: expect.any(String), ...updated.detail, executionArn, ...asked },
    ]);
  });

  it('of a failure says so as the input of the execution does', async () => {
    const { bus, details } = setUp();
    const ended = { detail: failure, endedAt: '2026-01-01T01:00:00.000Z' };
    await publishFailure(bus, 'SubscriberUpdateFailed', { ...ended, origin: { requestedBy: 'alice' } });
    await publishFailure(bus, 'SubscriberUpdateFailed', { ...ended, origin: undefined });
    expect(details()).toMatchObject([
      { ...failure, requestedBy: 'alice' },
      { ...failure, requestedBy: 'unknown' },
    ]);
  });

  it('that EventBridge does not take is an error', async () => {
    const { bus, bridge } = setUp();
    bridge.on(PutEventsCommand).resolves({ FailedEntryCount: 1, Entries: [{ ErrorCode: 'ThrottlingException' }] });
    await expect(publishSuccess(bus, record, updated)).rejects.toThrow(
      'EventBridge did not take SubscriberUpdated: ThrottlingException',
    );
  });
});

describe('the key of an event', () => {
  it('is the same in a repeat, also of another invocation', async () => {
    const { bus, keys } = setUp();
    for (const _ of [1, 2]) await publishSuccess(bus, record, updated);
    const failedOnce = { ...record, failedAt: '2026-01-01T01:00:00.000Z' };
    for (const _ of [1, 2]) await publishSuccess(bus, failedOnce, updated);
    const [first, second, third, fourth] = keys();
    expect(second).toBe(first);
    expect(fourth).toBe(third);
    // After a redrive: consumers who drop what they have seen would be left with the failure in between.
    expect(third).not.toBe(first);
  });

  it('is another one for another execution and another type', async () => {
    const { bus, keys } = setUp();
    await publishSuccess(bus, record, updated);
    await publishSuccess(bus, record, users);
    await publishSuccess(bus, { ...record, executionArn: otherExecutionArn }, updated);
    expect(new Set(keys()).size).toBe(3);
  });

  it('of users of whom some were not added is the same after each redrive, which has the same to say', async () => {
    const { bus, keys } = setUp();
    await publishSuccess(bus, record, users, false);
    await publishSuccess(bus, { ...record, failedAt: '2026-01-01T01:00:00.000Z' }, users, false);
    expect(new Set(keys()).size).toBe(1);
  });

  it('of a failure is of the time at which the execution failed', async () => {
    const { bus, keys } = setUp();
    for (const endedAt of ['2026-01-01T01:00:00.000Z', '2026-01-01T01:00:00.000Z', '2026-01-01T02:00:00.000Z']) {
      await publishFailure(bus, 'SubscriberUpdateFailed', { detail: failure, origin: undefined, endedAt });
    }
    const [first, second, third] = keys();
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });

  it('of drift is of the key and the event for which it was looked at', async () => {
    const { bus, keys } = setUp();
    await publishDrift(bus, drift, 'event-1');
    await publishDrift(bus, { ...drift, repaired: 'yes' }, 'event-1');
    await publishDrift(bus, drift, 'event-2');
    const other = { ...drift, keyArn: 'arn:aws:kms:us-east-1:111111111111:key/2' };
    await publishDrift(bus, other, 'event-1');
    const [first, second, ...others] = keys();
    expect(second).toBe(first);
    expect(new Set([first, ...others]).size).toBe(3);
  });

  it('of a quota is of account, Region, quota and day, however much is used', async () => {
    const { bus, keys } = setUp();
    const quota: EventDetail<'QuotaNearlyExhausted'> = {
      ...{ accountId: '111111111111', region: null, quota: 'IAM roles', quotaCode: 'L-FE177D64' },
      ...{ used: 820, limit: 1_000, percentUsed: 82, subscribersThatFit: 180, askFor: 'Ask AWS' },
    };
    await publishQuota(bus, quota, '2026-01-01');
    await publishQuota(bus, { ...quota, used: 830, percentUsed: 83 }, '2026-01-01');
    await publishQuota(bus, quota, '2026-01-02');
    await publishQuota(bus, { ...quota, region: 'us-east-1' }, '2026-01-01');
    await publishQuota(bus, { ...quota, accountId: '222222222222' }, '2026-01-01');
    const [first, second, ...others] = keys();
    expect(second).toBe(first);
    expect(new Set([first, ...others]).size).toBe(4);
  });
});
