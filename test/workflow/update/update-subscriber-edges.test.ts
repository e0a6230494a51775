import { afterEach, describe, expect, it } from 'vitest';
import { designedRetries, retriesToRun } from '../machines/design.ts';
import { packagedMachine } from '../machines/packaged-machine.ts';
import { expectFailure, statesOf, useSandbox } from '../sandbox.ts';
import { fault } from '../subscriber.ts';
import { both, changeable, changes, expectUpdated, kept, update, updatePath } from './updating.ts';

const sandbox = useSandbox();

afterEach(() => {
  sandbox().faults.clear();
});

const { states, lambdaFails, retries, catches } = packagedMachine('UpdateSubscriberMachine');

describe('the edges of the machine', () => {
  const withFault =
    (text: string, perTry: number, skip = 0) =>
    (times: number) =>
      fault(sandbox(), text, { times: times * perTry, skip });
  /** Only an update that leaves the password as it is logs in as the subscriber. */
  const changedFor = (state: string, error: string) =>
    state === 'UpdateSubscriber' && /^(TooManyRequests|InternalError)Exception$/.test(error)
      ? 'emailId'
      : 'emailId, password';
  /** The causes of the machine's own retries. Errors of Lambda itself come from Lambda, whichever state it is. */
  const causes: Record<string, (times: number) => void> = {
    'ObtainToken InfinStorUnavailable': withFault('infinstor:get_version:error=503', 1),
    // The SDK tries it three times before the state has failed once.
    'ObtainToken TooManyRequestsException': withFault('cognito:InitiateAuth:throttle', 3),
    'ObtainToken InternalErrorException': withFault('cognito:InitiateAuth:error=InternalErrorException', 3),
    'UpdateSubscriber TooLittleTime': (times) =>
      sandbox().faults.add(lambdaFails('UpdateSubscriber', 'TooLittleTime', times)),
    'UpdateSubscriber InfinStorUnavailable': withFault('infinstor:update_subscriber:error=503', 1),
    // The login before is the superadmin's.
    'UpdateSubscriber TooManyRequestsException': withFault('cognito:InitiateAuth:throttle', 3, 1),
    'UpdateSubscriber InternalErrorException': withFault('cognito:InitiateAuth:error=InternalErrorException', 3, 1),
  };
  const causeOf = (state: string, error: string) =>
    error.startsWith('Lambda.')
      ? (times: number) => sandbox().faults.add(lambdaFails(state, error, times))
      : causes[`${state} ${error}`];

  it('are these', () => {
    expect(states.map(([state]) => state)).toEqual(updatePath);
    expect(
      retries.filter(({ error }) => !error.startsWith('Lambda.')).map(({ state, error }) => `${state} ${error}`),
    ).toEqual(Object.keys(causes));
    expect(retries).toEqual(designedRetries['update-subscriber']);
    expect(catches).toEqual([{ state: 'UpdateSubscriber', error: 'TokenRejected', next: 'ObtainToken' }]);
  });

  it.each(retriesToRun('update-subscriber'))(
    '$state, $error: is retried, and forgotten when it passes',
    async ({ state, error }) => {
      const subscriber = await changeable(sandbox());
      causeOf(state, error)?.(1);
      const changed = changedFor(state, error);
      const report = await update(sandbox(), changes[changed]?.(subscriber) ?? {});
      await expectUpdated(sandbox(), report, subscriber, changed);
      expect(statesOf(report).filter((name) => name === state)).toHaveLength(2);
    },
  );

  it.each(retriesToRun('update-subscriber'))(
    '$state, $error: ends the execution after $times retries',
    async ({ state, error, times }) => {
      const subscriber = await changeable(sandbox());
      causeOf(state, error)?.(times + 1);
      const report = await update(sandbox(), changes[changedFor(state, error)]?.(subscriber) ?? {});
      await expectFailure(sandbox(), report, { name: error, step: state });
      expect(statesOf(report).filter((name) => name === state)).toHaveLength(times + 1);
    },
  );

  it('UpdateSubscriber, TokenRejected: gets a new token twice, and no third time', async () => {
    const subscriber = await changeable(sandbox());
    withFault('infinstor:update_subscriber:error=401', 1)(2);
    const report = await update(sandbox(), both(subscriber));
    expect(statesOf(report)).toEqual([
      'AcceptUpdate',
      ...['ObtainToken', 'UpdateSubscriber', 'ObtainToken', 'UpdateSubscriber', 'ObtainToken', 'UpdateSubscriber'],
      'CompleteUpdate',
    ]);
    await expectUpdated(sandbox(), report, subscriber, 'emailId, password');

    const other = await changeable(sandbox());
    withFault('infinstor:update_subscriber:error=403', 1)(3);
    const refused = await update(sandbox(), both(other));
    await expectFailure(sandbox(), refused, { name: 'TokenRejected', step: 'ObtainToken' });
    expect(kept(sandbox(), other.userName)).toEqual(other.before);
  });
});

describe('an answer that', () => {
  it.each(['drop', 'error=EndpointTimedOut', 'error=500'])('%s: the call is made again', async (kind) => {
    const subscriber = await changeable(sandbox());
    fault(sandbox(), `infinstor:update_subscriber:${kind}:2`);
    const report = await update(sandbox(), both(subscriber));
    expect(statesOf(report).filter((state) => state === 'UpdateSubscriber')).toHaveLength(3);
    await expectUpdated(sandbox(), report, subscriber, 'emailId, password');
  });

  it('never comes leaves the kept password as it was, until the same request is sent again', async () => {
    const subscriber = await changeable(sandbox());
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
