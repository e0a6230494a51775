import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DisableRuleCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import { beforeAll, describe, expect, it } from 'vitest';
import { connect, follow, start } from '../../cli/onboard.ts';
import { account, operator } from '../../sandbox/account.ts';
import { parseFault } from '../../sandbox/faults.ts';
import { onboard, useSandbox } from './sandbox.ts';

const sandbox = useSandbox();
const requestFor = (userName: string) => ({ subscriber: { userName, emailId: 'mlops@example.com' } });
const fiveMinutes = 5 * 60_000;

async function recordOf(userName: string) {
  const items = await sandbox().dynamoDb.items(sandbox().registryTable);
  return items.find(({ pk, sk }) => pk?.S === `SUBSCRIBER#${userName}` && sk?.S === 'RECORD');
}

/** How often the sweep has run to its end, by its log. */
function sweepsSoFar(): number {
  const file = join(sandbox().logFolder, 'infinstor-onboarding-sandbox-sweep-executions.log');
  return readFileSync(file, 'utf8').split('step succeeded').length - 1;
}

// Nobody but the sweep learns of the end of an execution.
beforeAll(async () => {
  const events = new EventBridgeClient({ endpoint: sandbox().endpoint, region: account.region, credentials: operator });
  await events.send(new DisableRuleCommand({ Name: 'RecordFailureRule' }));
});

describe('an execution that ended unseen', () => {
  it('is recorded by the sweep, with step, reason and remedy', async () => {
    sandbox().faults.add(parseFault('iam:GetRole:error=AccessDenied'));
    const report = await onboard(sandbox(), requestFor('unseen'));
    expect(report.error?.name).toBe('AccessDenied');
    expect(await recordOf('unseen')).toMatchObject({ status: { S: 'ONBOARDING' } });

    sandbox().clock.advance(fiveMinutes);
    await expect.poll(async () => (await recordOf('unseen'))?.status).toEqual({ S: 'FAILED' });
    expect(await recordOf('unseen')).toMatchObject({
      lastError: {
        M: { name: { S: 'AccessDenied' }, step: { S: 'ReadRoleArn' }, remedy: { S: report.error?.remedy } },
      },
    });
  });

  it('is recorded as aborted when somebody stopped it', async () => {
    const { sfn } = connect(sandbox().endpoint);
    // Holds ObtainToken until the execution is stopped.
    sandbox().faults.add(parseFault('secretsmanager:GetSecretValue:delay=60000'));
    const executionArn = await start({ sfn }, sandbox().stateMachineArn, requestFor('stopped'));
    await expect.poll(async () => (await recordOf('stopped'))?.status).toEqual({ S: 'ONBOARDING' });
    await sfn.send(new StopExecutionCommand({ executionArn }));
    const { description } = await follow({ sfn }, executionArn, () => {});
    expect(description.status).toBe('ABORTED');

    sandbox().clock.advance(fiveMinutes);
    await expect.poll(async () => (await recordOf('stopped'))?.status).toEqual({ S: 'FAILED' });
    expect(await recordOf('stopped')).toMatchObject({
      lastError: { M: { name: { S: 'ABORTED' }, step: { S: 'ObtainToken' } } },
    });
  });

  it('is left alone while it runs or when it has succeeded', async () => {
    expect((await onboard(sandbox(), requestFor('fine'))).status).toBe('SUCCEEDED');
    const before = sandbox().events.published().length;
    const sweeps = sweepsSoFar();
    sandbox().clock.advance(fiveMinutes);
    await expect.poll(sweepsSoFar).toBeGreaterThan(sweeps);
    expect(await recordOf('fine')).toMatchObject({ status: { S: 'ACTIVE' } });
    expect(sandbox().events.published()).toHaveLength(before);
  });
});

it('needs no right that its role does not have', () => {
  expect(sandbox().denials()).toEqual([]);
});
