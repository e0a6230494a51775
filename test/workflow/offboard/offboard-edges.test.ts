import { afterEach, describe, expect, it } from 'vitest';
import { isWhole } from '../../scope.ts';
import { designedRetries, endsToRun, isShared, retriesToRun } from '../machines/design.ts';
import { packagedMachine } from '../machines/packaged-machine.ts';
import {
  ended,
  eventsOf,
  eventually,
  expectFailure,
  offboardingPath,
  onboard,
  redrive,
  startRun,
  statesOf,
  useSandbox,
} from '../sandbox.ts';
import { fault, functionNameOf, roleNameOf, stackNameOf, stackOf, waiterOf } from '../subscriber.ts';
import { expectOffboarded, longOnboarded, offboard, offboarding } from './offboarding.ts';

// A minute for each resource: a stack's operation is over only after time was skipped, and not meanwhile.
const sandbox = useSandbox({ resourceDelayMs: 60_000 });

afterEach(() => {
  sandbox().faults.clear();
});

const { lambdaFails, retries, catches, states } = packagedMachine('OffboardSubscriber');

/** Makes a state end with an error, so often. */
const causes: Record<string, (times: number) => void> = {
  // The SDK tries it three times before the state has failed once.
  'AcceptOffboarding KeyPolicyBusy': (times) =>
    fault(sandbox(), 'kms:GetKeyPolicy:throttle', {
      functionName: functionNameOf('accept-offboarding'),
      times: times * 3,
    }),
  'WithdrawGrants KeyPolicyBusy': (times) =>
    fault(sandbox(), 'kms:PutKeyPolicy:throttle', {
      functionName: 'infinstor-onboarding-sandbox-withdraw-grants',
      times,
    }),
};
const causeOf = (state: string, error: string) =>
  isShared({ state, error })
    ? (times: number) => sandbox().faults.add(lambdaFails(state, error, times))
    : causes[`${state} ${error}`] && ((times: number) => failByItself(state, error, times));

/**
 * Where not all cases are wanted, only the last of a hundred failures has its own cause: most of the time of such a test is its
 * function's, which then does not run for those before.
 */
function failByItself(state: string, error: string, times: number): void {
  const own = isWhole ? times : 1;
  if (times > own) sandbox().faults.add(lambdaFails(state, error, times - own));
  causes[`${state} ${error}`]?.(own);
}

it('finds the edges of the packaged machine', () => {
  expect(retries).toEqual(designedRetries['offboard-subscriber']);
  expect(catches).toHaveLength(3);
  expect(states.flatMap(([, { Choices }]) => Choices)).toEqual([]);
});

describe.each(retriesToRun('offboard-subscriber'))('$state, $error', ({ state, error }) => {
  const cause = causeOf(state, error);

  it('is retried, and forgotten when it passes', async () => {
    expect(cause).toBeDefined();
    const subscriber = await longOnboarded(sandbox());
    cause?.(1);
    const report = await offboard(sandbox(), subscriber.userName);
    await expectOffboarded(sandbox(), report, subscriber);
    expect(statesOf(report).filter((name) => name === state)).toHaveLength(2);
    expect(eventsOf(sandbox(), report)).toMatchObject([{ 'detail-type': 'SubscriberOffboarded' }]);
  });
});

describe.each(endsToRun('offboard-subscriber'))('$state, $error', ({ state, error, times }) => {
  it(`ends the execution after ${times} retries, and is reported`, async () => {
    const cause = causeOf(state, error);
    const subscriber = await longOnboarded(sandbox());
    cause?.(times + 1);
    const report = await offboard(sandbox(), subscriber.userName);
    await expectFailure(sandbox(), report, { name: error, step: state });
    expect(statesOf(report).filter((name) => name === state)).toHaveLength(times + 1);
    // A client that has tried much tries a call less often.
    sandbox().faults.clear();
    await expectOffboarded(sandbox(), await redrive(sandbox(), report), subscriber);
  });
});

/** The runs of the machine's catchers. */
const caught: Record<string, () => Promise<void>> = {
  async 'WaitForStack States.Timeout'() {
    const subscriber = await longOnboarded(sandbox());
    fault(sandbox(), 'events:StackStatusChange:lose', { times: 9 });
    const report = await offboard(sandbox(), subscriber.userName);
    await expectOffboarded(sandbox(), report, subscriber);
    expect(statesOf(report).filter((state) => state === 'WaitForStack')).toHaveLength(2);
    expect(report.durationMs).toBeGreaterThanOrEqual(600_000);
  },

  async 'WaitForStack StackGone'() {
    const subscriber = await longOnboarded(sandbox());
    const report = await offboard(sandbox(), subscriber.userName);
    expect(statesOf(report)).toEqual(offboardingPath);
    await expectOffboarded(sandbox(), report, subscriber);
  },

  async 'WaitForStack StackSettled'() {
    const subscriber = await longOnboarded(sandbox());
    sandbox().cloudFormation.setStatus(stackNameOf(subscriber.userName), 'UPDATE_IN_PROGRESS');
    // Time stands still while the wait begins.
    const { promise: until, resolve: goOn } = Promise.withResolvers<void>();
    const functionName = 'infinstor-onboarding-sandbox-await-stack';
    const fault = { kind: 'hold', until } as const;
    sandbox().faults.add({ service: 'cloudformation', operation: 'DescribeStacks', fault, times: 1, functionName });
    const { executionArn } = await startRun(sandbox(), 'offboard-subscriber', offboarding(subscriber.userName));
    await eventually(sandbox(), async () => expect((await waiterOf(sandbox(), executionArn))?.goal?.S).toBe('settled'));
    sandbox().cloudFormation.setStatus(stackNameOf(subscriber.userName), 'UPDATE_COMPLETE');
    goOn();
    const report = await ended(sandbox(), executionArn);
    await expectOffboarded(sandbox(), report, subscriber);
    expect(statesOf(report).slice(2, 6)).toEqual(['DeleteStack', 'WaitForStack', 'DeleteStack', 'WaitForStack']);
  },
};

describe('a catcher', () => {
  it('has a run, each', () => {
    expect(Object.keys(caught)).toEqual(catches.map(({ state, error }) => `${state} ${error}`));
  });

  it.each(Object.entries(caught))('%s', (_, work) => work());
});

describe('the wait for the deletion', () => {
  it('ends with the reason of the resource that could not be deleted, and a repeat deletes it', async () => {
    const subscriber = await longOnboarded(sandbox());
    const { userName } = subscriber;
    const trouble = blockDeletion(userName);
    const report = await offboard(sandbox(), userName);
    await expectFailure(sandbox(), report, { name: 'StackNeedsAttention', step: 'WaitForStack' });
    expect(report.error?.message).toMatch(/is DELETE_FAILED: ServiceRole: .*the role is still needed/);
    expect(report.error?.remedy).toContain('what keeps it from being deleted');
    // A redrive of the wait looks at a stack that nothing has been done to.
    expect(await redrive(sandbox(), report)).toMatchObject({ error: { name: 'StackNeedsAttention' } });
    // Nor may an onboarding touch it.
    expect(await onboard(sandbox(), subscriber.request)).toMatchObject({
      error: { name: 'StackNeedsAttention', step: 'AcceptRequest' },
    });
    trouble.mend();
    await expectOffboarded(sandbox(), await offboard(sandbox(), userName), subscriber);
  });

  it('ends when it takes too long, and a repeat goes on with it', async () => {
    const subscriber = await longOnboarded(sandbox());
    const { userName } = subscriber;
    sandbox().cloudFormation.setStatus(stackNameOf(userName), 'UPDATE_IN_PROGRESS');
    const report = await offboard(sandbox(), userName);
    await expectFailure(sandbox(), report, { name: 'StackTimedOut', step: 'WaitForStack' });
    sandbox().cloudFormation.setStatus(stackNameOf(userName), 'UPDATE_COMPLETE');
    await expectOffboarded(sandbox(), await offboard(sandbox(), userName), subscriber);
  });
});

/** Lets the deletion of the subscriber's role fail. */
function blockDeletion(userName: string): { mend: () => void } {
  const role = sandbox().iam.role(roleNameOf(userName));
  const stack = stackOf(sandbox(), userName);
  const resource = stack?.resources.find(({ logicalId }) => logicalId === 'ServiceRole');
  const provisioned = resource?.provisioned;
  if (resource === undefined || provisioned === undefined || role === undefined)
    throw new Error('There is no such role');
  resource.provisioned = {
    ...provisioned,
    delete() {
      throw new Error(`${role.arn}: the role is still needed`);
    },
  };
  return {
    mend() {
      resource.provisioned = provisioned;
    },
  };
}
