import { afterEach, describe, expect, it } from 'vitest';
import { casesInScope } from '../../scope.ts';
import { packagedMachine } from '../machines/packaged-machine.ts';
import { eventsOf, expectOneOfEach, onboard, requestFor, statesOf, useSandbox } from '../sandbox.ts';
import {
  endSession,
  fault,
  functionNameOf,
  letLoginsBeForgotten,
  letTokensExpire,
  newRunWithKey,
} from '../subscriber.ts';

// A minute for each resource: a stack's operation is over only after time was skipped, and not meanwhile.
const sandbox = useSandbox({ resourceDelayMs: 60_000 });

afterEach(() => {
  sandbox().faults.clear();
});

describe('an onboarding survives', () => {
  // A client tries three times before the step has failed once.
  const usual = [
    { trouble: 'cloudformation:CreateStack:throttle:3', by: 'deploy-stack', state: 'DeployStack', tries: 2 },
    { trouble: 'cloudformation:DescribeStacks:throttle:30', by: 'await-stack', state: 'WaitForStack', tries: 11 },
    { trouble: 'iam:GetRole:throttle:3', by: 'read-role-arn', state: 'ReadRoleArn', tries: 2 },
    { trouble: 'dynamodb:UpdateItem:throttle:3', by: 'accept-request', state: 'AcceptRequest', tries: 2 },
    {
      trouble: 'dynamodb:UpdateItem:error=InternalServerError:3',
      by: 'patch-key-policy',
      state: 'PatchKeyPolicy',
      tries: 2,
    },
    { trouble: 'secretsmanager:GetSecretValue:throttle:3', by: 'obtain-token', state: 'ObtainToken', tries: 2 },
    {
      trouble: 'secretsmanager:CreateSecret:error=InternalServiceError:3',
      by: 'create-subscriber',
      state: 'CreateSubscriber',
      tries: 2,
    },
    { trouble: 'events:PutEvents:throttle:3', by: 'complete-onboarding', state: 'CompleteOnboarding', tries: 2 },
    // Slower than a client waits.
    { trouble: 'dynamodb:UpdateItem:delay=20000:3', by: 'accept-request', state: 'AcceptRequest', tries: 2 },
    { trouble: 'kms:PutKeyPolicy:kill:2', by: 'patch-key-policy', state: 'PatchKeyPolicy', tries: 3 },
  ];
  // The same service, or the same death, at another call.
  const others = [
    { trouble: 'cloudformation:DescribeStacks:throttle:9', by: 'deploy-stack', state: 'DeployStack', tries: 4 },
    { trouble: 'cloudformation:ListStackResources:throttle:3', by: 'read-role-arn', state: 'ReadRoleArn', tries: 2 },
    { trouble: 'iam:GetRole:kill', by: 'read-role-arn', state: 'ReadRoleArn', tries: 2 },
    { trouble: 'cloudformation:CreateStack:kill', by: 'deploy-stack', state: 'DeployStack', tries: 2 },
  ];

  it.each(casesInScope([...usual, ...others], usual))('$trouble of $by', async ({ trouble, by, state, tries }) => {
    letTokensExpire(sandbox());
    const run = newRunWithKey(sandbox(), 'survivor');
    fault(sandbox(), trouble, { functionName: functionNameOf(by) });
    const report = await onboard(sandbox(), run.request);
    expect(sandbox().faults.left()).toBe(0);
    expectOneOfEach(sandbox(), report, run);
    expect(statesOf(report).filter((name) => name === state).length).toBeGreaterThanOrEqual(tries);
    expect(eventsOf(sandbox(), report)).toMatchObject([{ 'detail-type': 'SubscriberOnboarded' }]);
  });
});

describe('a login survives', () => {
  it.each(['throttle', 'error=InternalErrorException'])('%s of Cognito', async (kind) => {
    const run = newRunWithKey(sandbox(), 'survivor');
    await endSession(sandbox());
    letLoginsBeForgotten(sandbox());
    fault(sandbox(), `cognito:InitiateAuth:${kind}:3`);
    const report = await onboard(sandbox(), run.request);
    expect(sandbox().faults.left()).toBe(0);
    expectOneOfEach(sandbox(), report, run);
    expect(statesOf(report).filter((name) => name === 'ObtainToken').length).toBeGreaterThanOrEqual(3);
  });
});

describe('the wait for a stack', () => {
  it('goes on as long as its machine runs, and keeps the history short', async () => {
    const { lambdaFails } = packagedMachine('OnboardSubscriber');
    sandbox().faults.add(lambdaFails('WaitForStack', 'Throttling', 5_000));
    const report = await onboard(sandbox(), requestFor('waits-in-vain'));
    expect(report).toMatchObject({ status: 'TIMED_OUT' });
    expect(report.durationMs).toBe(86_400_000);
    expect(sandbox().states.execution(report.executionArn ?? '').history.length).toBeLessThan(5_000);
  });
});
