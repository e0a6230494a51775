import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { beforeEach, describe, expect, it } from 'vitest';
import { operatorAt } from '../../../sandbox/operator.ts';
import { callApi } from '../api.ts';
import {
  ended,
  eventually,
  expectFailure,
  expectOneOfEach,
  hold,
  onboard,
  recordOf,
  requestWithKey,
  startOnboarding,
  useSandbox,
} from '../sandbox.ts';
import { credentialsOf, newRunWithKey, type Run } from '../subscriber.ts';

const sandbox = useSandbox();
let run: Run & { executionArn: string; goOn: () => void };

// An attempt that waits for InfinStor's answer while others come.
beforeEach(async () => {
  const newOne = newRunWithKey(sandbox(), 'busy');
  const goOn = hold(sandbox(), 'infinstor', 'add_subscriber');
  const { executionArn } = await startOnboarding(sandbox(), newOne.request);
  await eventually(sandbox(), () => expect(sandbox().faults.left()).toBe(0));
  run = { ...newOne, executionArn, goOn };
});

const credentials = () => sandbox().secretsManager.value(credentialsOf(run.userName));
const untouched = async () => ({ record: await recordOf(sandbox(), run.userName), credentials: credentials() });

/** The running attempt succeeds as if nothing had come between. */
async function expectSuccess(): Promise<void> {
  run.goOn();
  const report = await ended(sandbox(), run.executionArn);
  expectOneOfEach(sandbox(), report, run);
  const record = await recordOf(sandbox(), run.userName);
  expect(record).toMatchObject({ status: { S: 'ACTIVE' }, executionArn: { S: run.executionArn } });
  expect(record?.attempts).toMatchObject({ L: [{ M: { executionArn: { S: run.executionArn } } }] });
}

describe('a second request for a subscriber that is being onboarded', () => {
  const entryPoints: Record<string, (request: object) => Promise<string>> = {
    async StartExecution(request) {
      return (await startOnboarding(sandbox(), request)).executionArn;
    },
    async SubscriberRequested(request) {
      const events = new EventBridgeClient(operatorAt(sandbox().endpoint));
      const { Entries = [] } = await events.send(
        new PutEventsCommand({
          Entries: [
            {
              EventBusName: 'infinstor-onboarding-sandbox',
              Source: 'pipeline',
              DetailType: 'SubscriberRequested',
              Detail: JSON.stringify(request),
            },
          ],
        }),
      );
      const name = `${run.userName}-${Entries[0]?.EventId}`;
      const executionArn = () =>
        sandbox()
          .states.executions()
          .find((execution) => execution.name === name)?.executionArn;
      await eventually(sandbox(), () => expect(executionArn()).toBeDefined());
      return executionArn() ?? '';
    },
  };

  it.each(Object.entries(entryPoints))(
    'by %s is refused, and touches nothing of the running attempt',
    async (_, send) => {
      const before = await untouched();
      const report = await ended(sandbox(), await send(run.request));
      await expectFailure(sandbox(), report, { name: 'OnboardingInProgress', step: 'AcceptRequest' });
      expect(report.error?.message).toContain(run.executionArn);
      expect(await untouched()).toEqual(before);
      await expectSuccess();
    },
  );

  it('by POST /subscribers is refused by the API itself, which stores no password', async () => {
    const before = await untouched();
    const executions = sandbox().states.executions().length;
    const sent = { ...run.request, password: 'Second-Marker-1!' };
    expect(await callApi(sandbox(), 'POST', '/subscribers', sent)).toMatchObject({
      status: 409,
      body: { name: 'OnboardingInProgress', executionArn: run.executionArn },
    });
    expect(sandbox().states.executions()).toHaveLength(executions);
    expect(JSON.stringify(sandbox().secretsManager.everyValue())).not.toContain('Second-Marker');
    expect(await untouched()).toEqual(before);
    await expectSuccess();
  });

  it('under the same name ignoring case is refused, too', async () => {
    const before = await untouched();
    const other = requestWithKey(run.userName.toUpperCase(), run.keyArns[0] ?? '');
    const report = await onboard(sandbox(), other);
    await expectFailure(sandbox(), report, { name: 'OnboardingInProgress', step: 'AcceptRequest' });
    expect(await untouched()).toEqual(before);
    await expectSuccess();
  });
});
