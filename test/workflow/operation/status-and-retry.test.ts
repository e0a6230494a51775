import { describe, expect, it } from 'vitest';
import { command } from '../../unit/cli/command.ts';
import { expectFailure, newKey, onboard, requestFor, requestWithKey, spoken, useSandbox } from '../sandbox.ts';
import { fault } from '../subscriber.ts';

const sandbox = useSandbox();

/** Runs a command on the sandbox. */
async function at(...args: string[]) {
  const result = await command(...args, '--endpoint', sandbox().endpoint);
  spoken.push(result.stdout, result.stderr);
  return result;
}

const documentOf = async (...args: string[]) => JSON.parse((await at(...args, '--json')).stdout);

describe('a subscriber whose onboarding failed', () => {
  it('has a status with step, reason, remedy and what exists, and is onboarded by a retry', async () => {
    const keyArn = newKey(sandbox());
    fault(sandbox(), 'infinstor:register:error=503');
    const failed = await onboard(sandbox(), requestWithKey('retried', keyArn));
    await expectFailure(sandbox(), failed, { name: 'StackFailed', step: 'WaitForStack' });

    const { status, stdout } = await at('status', 'retried');
    expect(status).toBe(0);
    expect(stdout).toMatch(/retried: FAILED — onboard-subscriber failed in WaitForStack\n/);
    expect(stdout).toMatch(/Step +WaitForStack\n +Reason +StackFailed: .*\n +Remedy +Remove the cause/);
    expect(stdout).toMatch(
      /Credentials +infinstor\/sandbox\/subscribers\/retried\/credentials\n +Token until +2.*\n +Stack +arn:aws:cloudformation/,
    );
    expect(stdout).not.toMatch(/^ +(Role|Key) /m);
    expect(stdout).toMatch(/One attempt, .*\n .* onboard-subscriber failed: StackFailed in WaitForStack/);

    const retried = await documentOf('retry', 'retried');
    expect(retried).toMatchObject({ status: 'SUCCEEDED', output: { userName: 'retried', keyArns: [keyArn] } });
    expect(retried.executionArn).not.toBe(failed.executionArn);
    expect(await documentOf('status', 'retried')).toMatchObject({
      status: 'ACTIVE',
      operation: 'onboard-subscriber',
      keyArns: [keyArn],
      attempts: [
        { executionArn: failed.executionArn, status: 'FAILED', error: { name: 'StackFailed', step: 'WaitForStack' } },
        { executionArn: retried.executionArn, operation: 'onboard-subscriber', status: 'SUCCEEDED' },
      ],
      error: null,
    });
  });
});

describe('nothing is retried', () => {
  it('of a subscriber whose latest request has succeeded', async () => {
    await onboard(sandbox(), requestFor('fine'));
    const { status, stderr } = await at('retry', 'fine');
    expect(stderr).toContain('The latest attempt of fine, onboard-subscriber, has not failed');
    expect(status).toBe(2);
  });

  it('of a subscriber whose execution Step Functions has forgotten', async () => {
    fault(sandbox(), 'infinstor:register:error=503');
    await onboard(sandbox(), requestFor('forgotten'));
    await sandbox().clock.quiet();
    sandbox().clock.advance(91 * 24 * 60 * 60_000);
    expect(await documentOf('status', 'forgotten')).toMatchObject({ status: 'FAILED', error: { name: 'StackFailed' } });
    const { status, stderr } = await at('retry', 'forgotten');
    expect(stderr).toMatch(/Reason +ExecutionDoesNotExist.*\n +Remedy +Send the request again from its file/);
    expect(status).toBe(1);
  });

  it('of a subscriber that is not known', async () => {
    const { status, stderr } = await at('retry', 'nobody');
    expect(stderr).toContain('SubscriberNotFound');
    expect(status).toBe(1);
    expect(await documentOf('status', 'nobody')).toMatchObject({ status: null, error: { name: 'SubscriberNotFound' } });
  });
});
