import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import * as v from 'valibot';
import { describe, expect, inject, it } from 'vitest';
import type { DetailType } from '../../../functions/accept-event/requests.ts';
import { type AccountRegion, account, otherAccount } from '../../../sandbox/core/account.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { callApi } from '../api.ts';
import {
  ended,
  eventsOf,
  eventually,
  onboard,
  recordOf,
  redrive,
  requestFor,
  run,
  useSandbox,
  withSandbox,
} from '../sandbox.ts';
import { fault, functionNameOf } from '../subscriber.ts';

/** Of a deployment that lets another account send requests. */
const sandbox = useSandbox({ packageFolder: inject('accountsPackageFolder') });
const there: AccountRegion = { accountId: otherAccount.accountId, region: account.region };
const bus = 'infinstor-onboarding-sandbox';
const busArn = `arn:aws:events:${account.region}:${account.accountId}:event-bus/${bus}`;
const detailSchema = v.looseObject({ eventKey: v.string() });

async function put(detailType: string, detail: object, given = sandbox(), home = there): Promise<string> {
  const events = new EventBridgeClient(operatorAt(given.endpoint, home));
  const entry = { Source: 'pipeline', DetailType: detailType, Detail: JSON.stringify(detail) };
  const { Entries = [] } = await events.send(new PutEventsCommand({ Entries: [{ ...entry, EventBusName: busArn }] }));
  return Entries[0]?.EventId ?? '';
}

const executionsOf = (id: string) =>
  sandbox()
    .states.executions()
    .filter(({ name }) => name.endsWith(`-${id}`));

/** The execution that an event has started, when it is over. */
async function endOf(id: string) {
  await eventually(sandbox(), () => expect(executionsOf(id)).toHaveLength(1));
  return ended(sandbox(), executionsOf(id)[0]?.executionArn ?? '');
}

const keyOf = ({ detail }: { detail: object } = { detail: {} }) => v.parse(detailSchema, detail).eventKey;
const said = { requestedBy: 'release pipeline', correlationId: 'build-4711' };
const asked = { ...said, requestedBy: `account ${otherAccount.accountId}: release pipeline` };

describe('another account', () => {
  it('leads a subscriber through its whole life by events, which say in the end who asked', async () => {
    const subscriber = { userName: 'By-events' };
    const life: [DetailType, object, string][] = [
      ['SubscriberRequested', requestFor('By-events'), 'SubscriberOnboarded'],
      ['SubscriberUpdateRequested', { subscriber: { ...subscriber, emailId: 'ml@acme.example' } }, 'SubscriberUpdated'],
      ['UsersRequested', { subscriber, users: [{ userName: 'alice', emailId: 'alice@acme.example' }] }, 'UsersAdded'],
      ['SubscriberOffboardingRequested', { subscriber, confirm: 'By-events' }, 'SubscriberOffboarded'],
    ];
    const keys: string[] = [];
    for (const [detailType, request, outcome] of life) {
      const id = await put(detailType, { ...request, ...said });
      const report = await endOf(id);
      expect(report).toMatchObject({ status: 'SUCCEEDED', executionArn: expect.stringContaining(`:By-events-${id}`) });
      const events = eventsOf(sandbox(), report);
      expect(events).toMatchObject([{ 'detail-type': outcome, detail: { schemaVersion: 1, ...asked } }]);
      keys.push(...events.map(keyOf));
    }
    expect(new Set(keys).size).toBe(life.length);
    expect((await callApi(sandbox(), 'GET', '/subscribers/by-events')).body).toMatchObject({
      attempts: life.map(() => asked),
    });
  });

  it('may put no other events on the bus', async () => {
    const refused = { name: 'AccessDeniedException' };
    await expect(put('SubscriberOnboarded', { userName: 'made-up' })).rejects.toMatchObject(refused);
    await withSandbox({}, async (given) => {
      await expect(put('SubscriberRequested', requestFor('not-let-in'), given)).rejects.toMatchObject(refused);
      expect(given.states.executions()).toEqual([]);
    });
  });
});

it.each<[DetailType, object]>([
  ['SubscriberUpdateRequested', { subscriber: { userName: 'nobody-1', emailId: 'ml@acme.example' } }],
  ['UsersRequested', { subscriber: { userName: 'nobody-2' }, users: [{ userName: 'al', emailId: 'al@acme.example' }] }],
  ['SubscriberOffboardingRequested', { subscriber: { userName: 'nobody-3' }, confirm: 'nobody-3' }],
])(
  '%s that is delivered twice is one execution, which fails once when its first step refuses it',
  async (type, detail) => {
    fault(sandbox(), `events:${type}:repeat`);
    const id = await put(type, detail, sandbox(), account);
    const report = await endOf(id);
    expect(report.status).toBe('FAILED');
    await eventually(sandbox(), () =>
      expect(eventsOf(sandbox(), report)).toMatchObject([
        { detail: { requestedBy: `account ${account.accountId}`, correlationId: id, step: report.error?.step } },
      ]),
    );
    await sandbox().clock.quiet();
    expect([executionsOf(id).length, eventsOf(sandbox(), report).length]).toEqual([1, 1]);
  },
);

it('a success that is published again after a failure and a redrive is another event; a repeat is not', async () => {
  await onboard(sandbox(), requestFor('twice'));
  const functionName = functionNameOf('complete-update');
  const update = { subscriber: { userName: 'twice', emailId: 'ml@acme.example' } };
  // Its answer is lost, and the step repeated.
  fault(sandbox(), 'dynamodb:UpdateItem:kill', { functionName });
  const repeated = await run(sandbox(), 'update-subscriber', update);
  expect(new Set(eventsOf(sandbox(), repeated).map(keyOf)).size).toBe(1);
  expect(eventsOf(sandbox(), repeated).length).toBeGreaterThan(1);

  fault(sandbox(), 'dynamodb:UpdateItem:error=AccessDeniedException', { functionName });
  const failed = await run(sandbox(), 'update-subscriber', update);
  expect(failed.status).toBe('FAILED');
  // The failure is published, and then recorded.
  await eventually(sandbox(), async () => expect(await recordOf(sandbox(), 'twice')).toHaveProperty('failedAt'));
  expect(await redrive(sandbox(), failed)).toMatchObject({ status: 'SUCCEEDED' });
  const events = eventsOf(sandbox(), failed);
  expect(events.map((event) => event['detail-type'])).toEqual([
    'SubscriberUpdated',
    'SubscriberUpdateFailed',
    'SubscriberUpdated',
  ]);
  expect(new Set(events.map(keyOf)).size).toBe(3);
});

it('results are put on the bus that the deployment names', async () => {
  // As the package of a stage with this param, beside a bus that is there already.
  const editTemplate = (template: string) =>
    template
      .replaceAll(':event-bus/default"', ':event-bus/results"')
      .replace(
        '"Resources": {',
        '"Resources": { "Results": { "Type": "AWS::Events::EventBus", "Properties": { "Name": "results" } },',
      );
  await withSandbox({ environment: { EVENT_BUS: 'results' }, editTemplate }, async (given) => {
    const report = await run(given, 'offboard-subscriber', { subscriber: { userName: 'nobody' }, confirm: 'nobody' });
    expect(report.status).toBe('FAILED');
    await eventually(given, () => expect(eventsOf(given, report)).toHaveLength(1));
    expect(given.grants().filter(({ action }) => action === 'events:PutEvents')).toMatchObject([
      { resource: 'arn:aws:events:us-east-1:111111111111:event-bus/results' },
    ]);
  });
});
