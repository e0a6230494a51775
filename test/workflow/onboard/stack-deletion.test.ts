// Stacks that an onboarding or an offboarding deletes, and what may keep it from that.

import {
  CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  UpdateTerminationProtectionCommand,
} from '@aws-sdk/client-cloudformation';
import { afterEach, describe, expect, it } from 'vitest';
import { operatorAt } from '../../../sandbox/operator.ts';
import { expectOffboarded, longOnboarded, offboard } from '../offboard/offboarding.ts';
import {
  ended,
  eventually,
  expectFailure,
  expectOneOfEach,
  hold,
  onboard,
  startOnboarding,
  useSandbox,
} from '../sandbox.ts';
import { newRun, stackNameOf, stackOf, subscribersNamed } from '../subscriber.ts';

// A minute for each resource: a stack's operation is over only after time was skipped, and not meanwhile.
const sandbox = useSandbox({ resourceDelayMs: 60_000 });

afterEach(() => {
  sandbox().faults.clear();
});

const cloudFormation = () => new CloudFormationClient(operatorAt(sandbox().endpoint));

let roles = 0;

/** A role that stacks were made with once, which may do nothing any more. */
function olderRole(): { arn: string; remove: () => void } {
  roles += 1;
  const roleName = `older-stacks-${roles}`;
  const Statement = [
    { Effect: 'Allow', Principal: { Service: 'cloudformation.amazonaws.com' }, Action: 'sts:AssumeRole' },
  ];
  const { arn } = sandbox().iam.createRole({
    roleName,
    assumeRolePolicyDocument: { Version: '2012-10-17', Statement },
  });
  return { arn, remove: () => sandbox().iam.deleteRole(roleName) };
}

/** A stack of an earlier attempt for the subscriber, which is being rolled back. */
async function createRolledBack(userName: string, roleArn: string): Promise<string | undefined> {
  const tags = {
    'infinstor-onboarding:deployment': '111111111111/us-east-1/infinstor-onboarding-sandbox',
    'infinstor-onboarding:subscriber': userName,
    'infinstor-onboarding:plan-hash': 'of-before',
  };
  const { StackId } = await cloudFormation().send(
    new CreateStackCommand({
      StackName: stackNameOf(userName),
      TemplateURL: 'https://s3.amazonaws.com/infinstorcft/2.3.72/infinstor-setup-customer.yaml',
      Parameters: [
        { ParameterKey: 'SubscriberName', ParameterValue: userName },
        { ParameterKey: 'CustomToken', ParameterValue: 'none' },
      ],
      Capabilities: ['CAPABILITY_NAMED_IAM'],
      RoleARN: roleArn,
      Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
    }),
  );
  return StackId;
}

const untilStatus = (userName: string, status: string) =>
  eventually(sandbox(), () => expect(stackOf(sandbox(), userName)?.status).toBe(status));

const protect = (userName: string, EnableTerminationProtection: boolean) =>
  cloudFormation().send(
    new UpdateTerminationProtectionCommand({ StackName: stackNameOf(userName), EnableTerminationProtection }),
  );

describe('a stack that is to be deleted and has termination protection', () => {
  it.each(['ROLLBACK_COMPLETE', 'CREATE_IN_PROGRESS'])(
    'is found in %s before the subscriber is created',
    async (status) => {
      const run = newRun('protected');
      await createRolledBack(run.userName, olderRole().arn);
      await protect(run.userName, true);
      await untilStatus(run.userName, status);
      const report = await onboard(sandbox(), run.request);
      await expectFailure(sandbox(), report, { name: 'StackNeedsAttention', step: 'AcceptRequest' });
      expect(report.error?.message).toContain('has termination protection');
      expect(subscribersNamed(sandbox(), run.userName)).toEqual([]);

      await protect(run.userName, false);
      await untilStatus(run.userName, 'ROLLBACK_COMPLETE');
      expectOneOfEach(sandbox(), await onboard(sandbox(), run.request), run);
    },
  );

  it('by somebody who set it meanwhile is named as such', async () => {
    const run = newRun('protected');
    await createRolledBack(run.userName, olderRole().arn);
    await untilStatus(run.userName, 'ROLLBACK_COMPLETE');
    const goOn = hold(sandbox(), 'cloudformation', 'DeleteStack');
    const { executionArn } = await startOnboarding(sandbox(), run.request);
    await eventually(sandbox(), () => expect(sandbox().faults.left()).toBe(0));
    await protect(run.userName, true);
    goOn();
    const report = await ended(sandbox(), executionArn);
    await expectFailure(sandbox(), report, { name: 'StackNeedsAttention', step: 'DeployStack' });
    expect(report.error?.message).toContain('has termination protection');
  });
});

describe('a stack of a role that is gone', () => {
  it('and that was rolled back is replaced', async () => {
    const run = newRun('older');
    const role = olderRole();
    const before = await createRolledBack(run.userName, role.arn);
    await untilStatus(run.userName, 'ROLLBACK_COMPLETE');
    role.remove();
    const report = await onboard(sandbox(), run.request);
    expectOneOfEach(sandbox(), report, run);
    expect(report.output?.stackId).not.toBe(before);
  });

  it('is deleted by an offboarding', async () => {
    const subscriber = await longOnboarded(sandbox());
    const role = olderRole();
    // A deletion by hand leaves the stack with the role that it was called with.
    const StackName = stackNameOf(subscriber.userName);
    await cloudFormation().send(new DeleteStackCommand({ StackName, RoleARN: role.arn }));
    await untilStatus(subscriber.userName, 'DELETE_FAILED');
    role.remove();
    await expectOffboarded(sandbox(), await offboard(sandbox(), subscriber.userName), subscriber);
  });
});
