import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import { afterEach, describe, expect, it } from 'vitest';
import { connect } from '../../../cli/aws/executions.ts';
import { sandboxAt } from '../../../cli/target/target.ts';
import { expectFailure, expectOneOfEach, onboard, redrive, useSandbox } from '../sandbox.ts';
import { fault, newRunWithKey } from '../subscriber.ts';

const sandbox = useSandbox();

afterEach(() => {
  sandbox().faults.clear();
});

it('a store of the custom token that is throttled goes on until it is stored', async () => {
  const run = newRunWithKey(sandbox(), 'faulty');
  const functionName = 'infinstor-onboarding-sandbox-create-subscriber';
  fault(sandbox(), 'secretsmanager:PutSecretValue:throttle:4', { functionName });
  expectOneOfEach(sandbox(), await onboard(sandbox(), run.request), run);
  expect(sandbox().faults.left()).toBe(0);
});

describe('stack events', () => {
  it.each(['repeat', 'late', 'lose'])('that come %s end the wait once', async (kind) => {
    const run = newRunWithKey(sandbox(), 'faulty');
    fault(sandbox(), `events:StackStatusChange:${kind}:9`);
    expectOneOfEach(sandbox(), await onboard(sandbox(), run.request), run);
  });
});

it('a redriven execution says that it was redriven', async () => {
  const run = newRunWithKey(sandbox(), 'faulty');
  fault(sandbox(), 'iam:GetRole:error=AccessDenied');
  const failed = await onboard(sandbox(), run.request);
  await expectFailure(sandbox(), failed, { name: 'AccessDenied', step: 'ReadRoleArn' });
  expectOneOfEach(sandbox(), await redrive(sandbox(), failed), run);
  const { sfn } = connect(sandboxAt(sandbox().endpoint));
  const description = await sfn.send(new DescribeExecutionCommand({ executionArn: failed.executionArn ?? '' }));
  expect(description).toMatchObject({ redriveCount: 1, redriveStatus: 'NOT_REDRIVABLE' });
});
