import { afterEach, describe, expect, it } from 'vitest';
import { designedRetries, endsToRun, isShared, retriesToRun } from '../machines/design.ts';
import { packagedMachine } from '../machines/packaged-machine.ts';
import { expectFailure, statesOf, useSandbox } from '../sandbox.ts';
import { endSession, fault, holdLogin, letLoginsBeForgotten } from '../subscriber.ts';
import { both, changeable, changeableCopy, changes, expectUpdated, kept, update, updatePath } from './updating.ts';

const sandbox = useSandbox();

afterEach(() => {
  sandbox().faults.clear();
});

const { states, lambdaFails, retries, catches } = packagedMachine('UpdateSubscriberMachine');

describe('the edges of the machine', () => {
  const withFault = (text: string) => (times: number) => fault(sandbox(), text, { times });
  const changed = 'emailId, password';
  /** The causes of a state's own retries. What all states share comes from Lambda, whichever state it is. */
  const causes: Record<string, (times: number) => unknown> = {
    'ObtainToken LoginInProgress': (times) => holdLogin(sandbox(), 'superadmin', times === 1 ? 3 : 150),
    'ObtainToken InfinStorUnavailable': withFault('infinstor:get_version:error=503'),
    'UpdateSubscriber TooLittleTime': (times) =>
      sandbox().faults.add(lambdaFails('UpdateSubscriber', 'TooLittleTime', times)),
    'UpdateSubscriber InfinStorUnavailable': withFault('infinstor:update_subscriber:error=503'),
  };
  const causeOf = (state: string, error: string) =>
    isShared({ state, error })
      ? (times: number) => sandbox().faults.add(lambdaFails(state, error, times))
      : causes[`${state} ${error}`];

  /** Only a login has them, and what shows that one is needed is the step that uses the session. */
  const needsLogin = (state: string, error: string) => state === 'ObtainToken' && !isShared({ state, error });

  it('are these', () => {
    expect(states.map(([state]) => state)).toEqual(updatePath);
    expect(
      retries.filter(({ state, error }) => !isShared({ state, error })).map(({ state, error }) => `${state} ${error}`),
    ).toEqual(Object.keys(causes));
    expect(retries).toEqual(designedRetries['update-subscriber']);
    expect(catches).toEqual([{ state: 'UpdateSubscriber', error: 'TokenRejected', next: 'ObtainToken' }]);
  });

  it.each(retriesToRun('update-subscriber'))(
    '$state, $error: is retried, and forgotten when it passes',
    async ({ state, error }) => {
      const subscriber = await changeableCopy(sandbox());
      const before = needsLogin(state, error) ? 1 : 0;
      if (before > 0) await endSession(sandbox());
      await causeOf(state, error)?.(1);
      const report = await update(sandbox(), changes[changed]?.(subscriber) ?? {});
      await expectUpdated(sandbox(), report, subscriber, changed);
      expect(statesOf(report).filter((name) => name === state)).toHaveLength(before + 2);
    },
  );

  it.each(endsToRun('update-subscriber'))(
    '$state, $error: ends the execution after $times retries',
    async ({ state, error, times }) => {
      const subscriber = await changeableCopy(sandbox());
      const before = needsLogin(state, error) ? 1 : 0;
      if (before > 0) await endSession(sandbox());
      await causeOf(state, error)?.(times + 1);
      const report = await update(sandbox(), changes[changed]?.(subscriber) ?? {});
      await expectFailure(sandbox(), report, { name: error, step: state });
      expect(statesOf(report).filter((name) => name === state)).toHaveLength(before + times + 1);
      if (before === 0) return;
      // The tests after it count on a session, which an onboarding gets.
      sandbox().faults.clear();
      await changeable(sandbox());
    },
  );

  it('UpdateSubscriber, TokenRejected: gets a new token twice, and no third time', async () => {
    const subscriber = await changeableCopy(sandbox());
    letLoginsBeForgotten(sandbox());
    withFault('infinstor:update_subscriber:error=401')(2);
    const report = await update(sandbox(), both(subscriber));
    expect(statesOf(report)).toEqual([
      'AcceptUpdate',
      ...['ObtainToken', 'UpdateSubscriber', 'ObtainToken', 'UpdateSubscriber', 'ObtainToken', 'UpdateSubscriber'],
      'CompleteUpdate',
    ]);
    await expectUpdated(sandbox(), report, subscriber, 'emailId, password');

    const other = await changeableCopy(sandbox());
    letLoginsBeForgotten(sandbox());
    withFault('infinstor:update_subscriber:error=403')(3);
    const refused = await update(sandbox(), both(other));
    await expectFailure(sandbox(), refused, { name: 'TokenRejected', step: 'ObtainToken' });
    expect(kept(sandbox(), other.userName)).toEqual(other.before);
    // The tests after it need not wait.
    letLoginsBeForgotten(sandbox());
  });
});

describe('an answer that', () => {
  it.each(['drop', 'error=EndpointTimedOut', 'error=500'])('%s: the call is made again', async (kind) => {
    const subscriber = await changeableCopy(sandbox());
    fault(sandbox(), `infinstor:update_subscriber:${kind}:2`);
    const report = await update(sandbox(), both(subscriber));
    expect(statesOf(report).filter((state) => state === 'UpdateSubscriber')).toHaveLength(3);
    await expectUpdated(sandbox(), report, subscriber, 'emailId, password');
  });

  it('never comes leaves the kept password as it was, until the same request is sent again', async () => {
    const subscriber = await changeableCopy(sandbox());
    const { userName, before } = subscriber;
    fault(sandbox(), 'infinstor:update_subscriber:drop:6');
    await expectFailure(sandbox(), await update(sandbox(), both(subscriber)), {
      name: 'InfinStorUnavailable',
      step: 'UpdateSubscriber',
    });
    expect(kept(sandbox(), userName)).toEqual(before);
    await expectUpdated(sandbox(), await update(sandbox(), both(subscriber)), subscriber, 'emailId, password');
  });
});
