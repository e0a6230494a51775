import { afterEach, describe, expect, it } from 'vitest';
import { isWhole } from '../../scope.ts';
import { designedRetries, endsToRun, isShared, retriesToRun } from '../machines/design.ts';
import { packagedMachine } from '../machines/packaged-machine.ts';
import { eventsOf, expectFailure, statesOf, useSandbox } from '../sandbox.ts';
import { fault, functionNameOf, rolesOn } from '../subscriber.ts';
import { changes, expectUpgraded, publish, toBoth, upgradable, upgrade } from './upgrading.ts';

// A minute for each resource: a stack's operation is over only after time was skipped, and not meanwhile.
const sandbox = useSandbox({ resourceDelayMs: 60_000 });

afterEach(() => {
  sandbox().faults.clear();
});

const { states, lambdaFails, retries, catches } = packagedMachine('UpgradeSubscriber');

const withFault = (text: string, rest: object) => (times: number) => fault(sandbox(), text, { ...rest, times });
const fromLambda = (state: string, error: string) => (times: number) =>
  sandbox().faults.add(lambdaFails(state, error, times));

/** The causes of a state's own retries. What all states share comes from Lambda, whichever state it is. */
const causes: Record<string, (times: number) => unknown> = {
  // The SDK tries it three times before the state has failed once.
  'AcceptUpgrade KeyPolicyBusy': (times) =>
    withFault('kms:GetKeyPolicy:throttle', { functionName: functionNameOf('accept-upgrade') })(times * 3),
  'PrepareChangeSet StackBusy': (times) => fromLambda('PrepareChangeSet', 'StackBusy')(times),
  'ReadRoleArn PrincipalNotVisible': (times) => withFault('iam:GetRole:error=NoSuchEntity', {})(times),
  'PatchKeyPolicy PrincipalNotVisible': (times) => fromLambda('PatchKeyPolicy', 'PrincipalNotVisible')(times),
  'PatchKeyPolicy KeyPolicyBusy': (times) => withFault('kms:PutKeyPolicy:throttle', {})(times),
  'ExecuteChangeSet StackBusy': (times) => fromLambda('ExecuteChangeSet', 'StackBusy')(times),
  'WithdrawGrants KeyPolicyBusy': (times) => fromLambda('WithdrawGrants', 'KeyPolicyBusy')(times),
};
const causeOf = (state: string, error: string) =>
  isShared({ state, error }) ? fromLambda(state, error) : causes[`${state} ${error}`];

/** A subscriber, and the request that enters the state. */
async function given(state: string) {
  const subscriber = await upgradable(sandbox());
  const isReplaced = state === 'WithdrawGrants';
  const build = publish(sandbox(), isReplaced ? changes.role : changes.policy);
  const send = () => upgrade(sandbox(), { ...toBoth(subscriber, build), allow: ['ServiceRole'] });
  async function expectDone(report: Awaited<ReturnType<typeof send>>) {
    if (!isReplaced) return expectUpgraded(sandbox(), report, subscriber, { build });
    expect(report.error).toBeNull();
    const keyArns = [subscriber.before, subscriber.after];
    for (const keyArn of keyArns) expect(rolesOn(sandbox(), keyArn)).toEqual([`${subscriber.roleArn}-2`]);
  }
  return { send, expectDone };
}

/** How often an upgrade enters a state when nothing fails. */
const visits = (state: string) =>
  // A change set takes a minute here, and is not waited for so long within the function.
  ['PrepareChangeSet', 'ReadRoleArn', 'PatchKeyPolicy'].includes(state) ? 2 : 1;

it('finds the edges of the packaged machine', () => {
  expect(retries).toEqual(designedRetries['upgrade-subscriber']);
  expect(catches).toEqual([{ state: 'WaitForStack', error: 'States.Timeout', next: 'WaitForStack' }]);
  expect(states.flatMap(([, { Choices }]) => Choices)).toHaveLength(2);
  expect(retries.filter((edge) => !isShared(edge)).map(({ state, error }) => `${state} ${error}`)).toEqual(
    Object.keys(causes),
  );
});

/** What all states share, and what the steps of an onboarding do, runs in its tests each time, and here where all cases are wanted. */
const isOwn = ({ state, error }: { state: string; error: string }) =>
  isWhole || (!isShared({ state, error }) && ['AcceptUpgrade', 'PrepareChangeSet'].includes(state));

describe.each(retriesToRun('upgrade-subscriber').filter(isOwn))('$state, $error', ({ state, error }) => {
  it('is retried, and forgotten when it passes', async () => {
    const { send, expectDone } = await given(state);
    causeOf(state, error)?.(1);
    const report = await send();
    await expectDone(report);
    expect(statesOf(report).filter((name) => name === state)).toHaveLength(visits(state) + 1);
    expect(eventsOf(sandbox(), report)).toMatchObject([{ 'detail-type': 'SubscriberUpgraded' }]);
  });
});

// A hundred tries take long, and the onboarding has the same.
if (isWhole) {
  describe.each(endsToRun('upgrade-subscriber'))('$state, $error', ({ state, error, times }) => {
    it(`ends the execution after ${times} retries, and is reported`, async () => {
      const { send, expectDone } = await given(state);
      causeOf(state, error)?.(times + 1);
      const report = await send();
      await expectFailure(sandbox(), report, { name: error, step: state });
      expect(statesOf(report).filter((name) => name === state)).toHaveLength(times + 1);
      sandbox().faults.clear();
      // A client that has tried much tries a call less often.
      await sandbox().clock.quiet();
      await expectDone(await send());
    });
  });
}

it('WaitForStack, States.Timeout: looks again when the event is lost', async () => {
  const { send, expectDone } = await given('WaitForStack');
  fault(sandbox(), 'events:StackStatusChange:lose', { times: 9 });
  const report = await send();
  await expectDone(report);
  expect(statesOf(report).filter((state) => state === 'WaitForStack')).toHaveLength(2);
  expect(report.durationMs).toBeGreaterThanOrEqual(600_000);
});
