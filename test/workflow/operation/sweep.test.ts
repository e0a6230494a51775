import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DisableRuleCommand, EnableRuleCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import { beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../../cli/aws/executions.ts';
import { sandboxAt } from '../../../cli/target/target.ts';
import type { Report } from '../../../cli/view/report.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { callApi } from '../api.ts';
import {
  ended,
  eventsOf,
  eventually,
  hold,
  onboard,
  recordOf,
  redrive,
  requestFor,
  serviceToken,
  startOnboarding,
  useSandbox,
} from '../sandbox.ts';
import { staysAway } from '../side-effects.ts';
import { fault } from '../subscriber.ts';

// Longer than the machine itself runs: a stack that never ends is then the machine's time limit.
const sandbox = useSandbox({ schedules: true, environment: { STACK_TIMEOUT_MINUTES: '3000' } });
const fiveMinutes = 5 * 60_000;

/** How often the sweep has run to its end, by its log. */
function sweepsSoFar(): number {
  const file = join(sandbox().logFolder, 'infinstor-onboarding-sandbox-sweep-executions.log');
  return readFileSync(file, 'utf8').split('step succeeded').length - 1;
}

// Nobody but the sweep learns of the end of an execution.
beforeAll(async () => {
  const events = new EventBridgeClient(operatorAt(sandbox().endpoint));
  await events.send(new DisableRuleCommand({ Name: sandbox().physicalId('RecordFailureRule') }));
});

/** A status query knows at once, the registry after the sweep; both tell the same. */
async function expectTruth(userName: string, report: Report, error: { name: string; step: string }): Promise<void> {
  const { message, remedy } = report.error ?? {};
  expect(message).not.toBe('');
  const { body } = await callApi(sandbox(), 'GET', `/subscribers/${userName}`);
  expect(body).toMatchObject({ status: 'FAILED', error: { ...error, message, remedy } });

  sandbox().clock.advance(fiveMinutes);
  const lastError = async () => (await recordOf(sandbox(), userName))?.lastError;
  await eventually(sandbox(), async () =>
    expect(await lastError()).toEqual({
      M: { name: { S: error.name }, step: { S: error.step }, message: { S: message }, remedy: { S: remedy } },
    }),
  );
  // A time that is skipped holds many sweeps, which may meet.
  const told = {
    'detail-type': 'SubscriberOnboardingFailed',
    detail: expect.objectContaining({ ...error, message, remedy }),
  };
  expect(eventsOf(sandbox(), report)).toContainEqual(expect.objectContaining(told));
}

describe('an execution that ended unseen', () => {
  it('in a failure is recorded by the sweep', async () => {
    fault(sandbox(), 'iam:GetRole:error=AccessDenied');
    const report = await onboard(sandbox(), requestFor('unseen'));
    expect(report.error?.name).toBe('AccessDenied');
    expect(await recordOf(sandbox(), 'unseen')).toMatchObject({ status: { S: 'ONBOARDING' } });
    await expectTruth('unseen', report, { name: 'AccessDenied', step: 'ReadRoleArn' });
  });

  it('in a second failure after a redrive is recorded by the sweep, too', async () => {
    fault(sandbox(), 'iam:GetRole:error=AccessDenied');
    const report = await onboard(sandbox(), requestFor('redriven'));
    await expectTruth('redriven', report, { name: 'AccessDenied', step: 'ReadRoleArn' });
    fault(sandbox(), 'iam:GetRole:error=Refused');
    // The failure after it has a time of its own.
    sandbox().clock.advance(1000);
    const again = await redrive(sandbox(), report);
    await expectTruth('redriven', again, { name: 'Refused', step: 'ReadRoleArn' });
  });

  it.each(['events:PutEvents', 'dynamodb:UpdateItem'])('after %s, the last steps of all, is told', async (call) => {
    const userName = call.startsWith('events') ? 'told' : 'written';
    const functionName = 'infinstor-onboarding-sandbox-complete-onboarding';
    fault(sandbox(), `${call}:kill`, { functionName, followedBy: staysAway(functionName) });
    const report = await onboard(sandbox(), requestFor(userName));
    expect(report.error).toMatchObject({ name: 'Lambda.Unknown', step: 'CompleteOnboarding' });
    expect(eventsOf(sandbox(), report)).toMatchObject([{ 'detail-type': 'SubscriberOnboarded' }]);
    sandbox().clock.advance(fiveMinutes);
    // Everything is done but for the record, or with it.
    const expected = call.startsWith('events') ? 'FAILED' : 'ACTIVE';
    await eventually(sandbox(), async () =>
      expect((await recordOf(sandbox(), userName))?.status).toEqual({ S: expected }),
    );
    expect((await onboard(sandbox(), requestFor(userName))).status).toBe('SUCCEEDED');
  });

  it('because somebody stopped it is recorded as aborted', async () => {
    // ObtainToken waits until the execution is stopped.
    const functionName = 'infinstor-onboarding-sandbox-obtain-token';
    const goOn = hold(sandbox(), 'secretsmanager', 'GetSecretValue', { functionName });
    const { executionArn } = await startOnboarding(sandbox(), requestFor('stopped'));
    await eventually(sandbox(), () => expect(sandbox().faults.left()).toBe(0));
    await connect(sandboxAt(sandbox().endpoint)).sfn.send(new StopExecutionCommand({ executionArn }));
    const report = await ended(sandbox(), executionArn);
    goOn();
    expect(report.status).toBe('ABORTED');
    await expectTruth('stopped', report, { name: 'ABORTED', step: 'ObtainToken' });
  });

  it('at the time limit of the machine is recorded as timed out', async () => {
    const { templates } = sandbox();
    const trouble = `Type: Custom::SandboxTrouble\n    Properties: { ServiceToken: ${serviceToken}, On: Create, Outcome: Hang }`;
    templates.publish('9.1', templates.standIn.replace('\nOutputs:', `\n  Trouble:\n    ${trouble}\n\nOutputs:`));
    // A day has hundreds of sweeps, which have nothing to find before its end.
    const events = new EventBridgeClient(operatorAt(sandbox().endpoint));
    const sweep = { Name: sandbox().physicalId('SweepExecutionsRule') };
    await events.send(new DisableRuleCommand(sweep));
    const report = await onboard(sandbox(), { ...requestFor('endless'), stack: { build: '9.1' } });
    await events.send(new EnableRuleCommand(sweep));
    expect(report.status).toBe('TIMED_OUT');
    expect(report.durationMs).toBeGreaterThanOrEqual(86_400_000);
    await expectTruth('endless', report, { name: 'States.Timeout', step: 'WaitForStack' });
  });

  it('is left alone while it runs or when it has succeeded', async () => {
    const report = await onboard(sandbox(), requestFor('fine'));
    expect(report.status).toBe('SUCCEEDED');
    const sweeps = sweepsSoFar();
    sandbox().clock.advance(fiveMinutes);
    await eventually(sandbox(), () => expect(sweepsSoFar()).toBeGreaterThan(sweeps));
    expect(await recordOf(sandbox(), 'fine')).toMatchObject({ status: { S: 'ACTIVE' } });
    expect(eventsOf(sandbox(), report)).toMatchObject([{ 'detail-type': 'SubscriberOnboarded' }]);
  });
});
