import { afterEach, describe, expect, it } from 'vitest';
import { designedRetries, endsToRun, isShared, retriesToRun } from '../machines/design.ts';
import { packagedMachine } from '../machines/packaged-machine.ts';
import {
  ended,
  eventsOf,
  eventually,
  expectFailure,
  expectOneOfEach,
  hold,
  onboard,
  recordOf,
  requestFor,
  startOnboarding,
  statesOf,
  useSandbox,
} from '../sandbox.ts';
import {
  endSession,
  fault,
  functionNameOf,
  holdLogin,
  letLoginsBeForgotten,
  letTokensExpire,
  newRunWithKey,
  onboarded,
  type Run,
  stackOf,
  waiterOf,
} from '../subscriber.ts';

// A minute for each resource: a stack's operation is over only after time was skipped, and not meanwhile.
// Only where the end check is required does an error of it end anything.
const sandbox = useSandbox({ resourceDelayMs: 60_000, environment: { VERIFY: 'require' } });

afterEach(() => {
  sandbox().faults.clear();
  sandbox().iam.delayNewRoles(0);
});

const { states, lambdaFails, retries, catches } = packagedMachine('OnboardSubscriber');

/** Makes a state end with an error, so often: how the services around it bring that about. */
type Cause = (times: number) => unknown;
const withFault =
  (text: string): Cause =>
  (times) =>
    fault(sandbox(), text, { times });

/** The state's function ends with the error, without having been called. */
const fromLambda =
  (state: string, error: string): Cause =>
  (times) =>
    sandbox().faults.add(lambdaFails(state, error, times));

/** All tries but the last end without their function having run, as what it says each time is the same: the last one says it. */
const untilTheLast =
  (state: string, error: string, last: Cause): Cause =>
  (times) => {
    const skip = isOfLogin({ state, error }) ? 1 : 0;
    if (times > 1) sandbox().faults.add({ ...lambdaFails(state, error, times - 1), skip });
    return last(times);
  };

/** Only a login has them, and what shows that one is needed is the step that uses the session. */
const isOfLogin = (edge: { state: string; error: string }) => edge.state === 'ObtainToken' && !isShared(edge);

/** The causes of a state's own retries. What all states share comes from Lambda, whichever state it is. */
const causes: Record<string, Cause> = {
  // The SDK tries it three times before the state has failed once.
  'AcceptRequest KeyPolicyBusy': untilTheLast('AcceptRequest', 'KeyPolicyBusy', () =>
    fault(sandbox(), 'kms:GetKeyPolicy:throttle', { functionName: functionNameOf('accept-request'), times: 3 }),
  ),
  'ObtainToken LoginInProgress': untilTheLast('ObtainToken', 'LoginInProgress', (times) =>
    holdLogin(sandbox(), 'superadmin', times === 1 ? 3 : 150),
  ),
  'ObtainToken InfinStorUnavailable': withFault('infinstor:get_version:error=503'),
  // So much time is over only where the calls before are as slow as AWS's never are.
  'CreateSubscriber TooLittleTime': (times) => fromLambda('CreateSubscriber', 'TooLittleTime')(times),
  'CreateSubscriber InfinStorUnavailable': withFault('infinstor:add_subscriber:error=429'),
  // Two minutes after a mark are soon over: only a clock that stands still asks so often.
  'CreateSubscriber SubscriberUnsettled': (times) => fromLambda('CreateSubscriber', 'SubscriberUnsettled')(times),
  'ReadRoleArn PrincipalNotVisible': withFault('iam:GetRole:error=NoSuchEntity'),
  // Once means four minutes; more often, longer than anybody waits.
  'PatchKeyPolicy PrincipalNotVisible': untilTheLast('PatchKeyPolicy', 'PrincipalNotVisible', (times) =>
    sandbox().iam.delayNewRoles(times === 1 ? 240_000 : 86_400_000),
  ),
  'PatchKeyPolicy KeyPolicyBusy': untilTheLast('PatchKeyPolicy', 'KeyPolicyBusy', () =>
    fault(sandbox(), 'kms:PutKeyPolicy:throttle'),
  ),
  'VerifySubscriber InfinStorUnavailable': withFault('infinstor:customerinfo:error=503'),
};

const causeOf = (state: string, error: string) =>
  isShared({ state, error }) ? fromLambda(state, error) : causes[`${state} ${error}`];

/** A subscriber with a key of its own, when no token of an earlier run is good any more. */
function freshRun(): Run {
  letTokensExpire(sandbox());
  return newRunWithKey(sandbox(), 'edge');
}

async function prepared(needsLogin: boolean): Promise<Run> {
  const run = freshRun();
  if (needsLogin) await endSession(sandbox());
  return run;
}

it('finds the edges of the packaged machine', () => {
  expect(retries).toEqual(designedRetries['onboard-subscriber']);
  expect(catches).toHaveLength(4);
  // A choice would need runs of its own.
  expect(states.flatMap(([, { Choices }]) => Choices)).toEqual([]);
});

describe.each(retriesToRun('onboard-subscriber'))('$state, $error', ({ state, error }) => {
  const cause = causeOf(state, error);
  const needsLogin = isOfLogin({ state, error });
  const before = needsLogin ? 1 : 0;

  it('has a run', () => {
    expect(cause).toBeDefined();
  });

  it('is retried, and forgotten when it passes', async () => {
    const run = await prepared(needsLogin);
    await cause?.(1);
    const report = await onboard(sandbox(), run.request);
    expectOneOfEach(sandbox(), report, run);
    const tries = statesOf(report).filter((name) => name === state).length;
    // A role that KMS does not see for minutes is asked for more often than once.
    if (error === 'PrincipalNotVisible' && state === 'PatchKeyPolicy') expect(tries).toBeGreaterThan(2);
    else expect(tries).toBe(before + 2);
    expect(await recordOf(sandbox(), run.userName)).toMatchObject({ status: { S: 'ACTIVE' } });
    expect(eventsOf(sandbox(), report)).toMatchObject([{ 'detail-type': 'SubscriberOnboarded' }]);
  });
});

describe.each(endsToRun('onboard-subscriber'))('$state, $error', ({ state, error, times }) => {
  const needsLogin = isOfLogin({ state, error });
  const before = needsLogin ? 1 : 0;

  it(`ends the execution after ${times} retries, and is reported`, async () => {
    const cause = causeOf(state, error);
    const run = await prepared(needsLogin);
    await cause?.(times + 1);
    const report = await onboard(sandbox(), run.request);
    await expectFailure(sandbox(), report, { name: error, step: state });
    expect(statesOf(report).filter((name) => name === state)).toHaveLength(before + times + 1);
    if (!needsLogin) return;
    // The tests after it count on a session.
    sandbox().faults.clear();
    await onboarded(sandbox(), freshRun().request);
  });
});

/** The runs of the machine's catchers. */
const caught: Record<string, () => Promise<void>> = {
  async 'CreateSubscriber TokenRejected'() {
    letLoginsBeForgotten(sandbox());
    const run = freshRun();
    withFault('infinstor:add_subscriber:error=401')(2);
    const report = await onboard(sandbox(), run.request);
    expectOneOfEach(sandbox(), report, run);
    expect(statesOf(report).slice(0, 7)).toEqual([
      'AcceptRequest',
      ...['ObtainToken', 'CreateSubscriber', 'ObtainToken', 'CreateSubscriber', 'ObtainToken', 'CreateSubscriber'],
    ]);
    expect(eventsOf(sandbox(), report)).toMatchObject([{ 'detail-type': 'SubscriberOnboarded' }]);

    letLoginsBeForgotten(sandbox());
    withFault('infinstor:add_subscriber:error=403')(3);
    const refused = await onboard(sandbox(), freshRun().request);
    await expectFailure(sandbox(), refused, { name: 'TokenRejected', step: 'ObtainToken' });
  },

  async 'WaitForStack States.Timeout'() {
    const run = freshRun();
    withFault('events:StackStatusChange:lose')(9);
    const report = await onboard(sandbox(), run.request);
    expectOneOfEach(sandbox(), report, run);
    expect(statesOf(report).filter((state) => state === 'WaitForStack')).toHaveLength(2);
    expect(report.durationMs).toBeGreaterThanOrEqual(600_000);
  },

  async 'WaitForStack StackGone'() {
    const run = freshRun();
    withFault('infinstor:register:error=503')(1);
    const failed = await onboard(sandbox(), run.request);
    await expectFailure(sandbox(), failed, { name: 'StackFailed', step: 'WaitForStack' });
    await eventually(sandbox(), () => expect(stackOf(sandbox(), run.userName)?.status).toBe('ROLLBACK_COMPLETE'));

    const report = await onboard(sandbox(), run.request);
    expectOneOfEach(sandbox(), report, run);
    expect(statesOf(report).slice(3, 7)).toEqual(['DeployStack', 'WaitForStack', 'DeployStack', 'WaitForStack']);
    const again = await onboard(sandbox(), run.request);
    expect(statesOf(again)).toHaveLength(9);
  },

  async 'WaitForStack StackSettled'() {
    // What is held below is to be the record of this run's failure.
    await sandbox().clock.quiet();
    const run = freshRun();
    withFault('infinstor:register:error=503')(1);
    // Time stands still while the failure of the first attempt is being recorded, in the middle of the rollback.
    const goOn = hold(sandbox(), 'events', 'PutEvents');
    const failed = await onboard(sandbox(), run.request);
    expect(failed.error).toMatchObject({ name: 'StackFailed', step: 'WaitForStack' });
    const { executionArn } = await startOnboarding(sandbox(), run.request);
    const status = () => stackOf(sandbox(), run.userName)?.status;
    await eventually(sandbox(), async () => expect((await waiterOf(sandbox(), executionArn))?.goal?.S).toBe('settled'));
    expect(status()).toBe('ROLLBACK_IN_PROGRESS');
    goOn();

    const report = await ended(sandbox(), executionArn);
    expectOneOfEach(sandbox(), report, run);
    expect(statesOf(report).slice(3, 9)).toEqual(Array(3).fill(['DeployStack', 'WaitForStack']).flat());
  },
};

describe('a catcher', () => {
  it('has a run, each', () => {
    expect(Object.keys(caught)).toEqual(catches.map(({ state, error }) => `${state} ${error}`));
  });

  it.each(Object.entries(caught))('%s', (_, run) => run());
});

it('needs no edge when all goes well', async () => {
  const report = await onboard(sandbox(), requestFor('straight'));
  expect(statesOf(report)).toHaveLength(9);
});
