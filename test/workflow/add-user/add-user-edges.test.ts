import { describe, expect, it } from 'vitest';
import { designedRetries, retriesToRun } from '../machines/design.ts';
import { packagedMachine } from '../machines/packaged-machine.ts';
import { expectFailure, redrive, statesOf } from '../sandbox.ts';
import { fault, letTokensExpire } from '../subscriber.ts';
import {
  add,
  addUserPath,
  expectAdded,
  expectThere,
  givenUser,
  keptOf,
  newUser,
  type User,
  useHost,
} from './adding-users.ts';

const sandbox = useHost();

const { states, lambdaFails, retries, catches } = packagedMachine('AddUserMachine');

describe('the edges of the machine', () => {
  const throughSdk = (text: string) => (times: number) =>
    // The SDK tries it three times before the state has failed once.
    fault(sandbox(), text, { times: times * 3 });
  const once = (text: string) => (times: number) => fault(sandbox(), text, { times });
  /** A user is there, and its login is asked for. */
  const afterDuplicate = (text: string) => (times: number) => {
    fault(sandbox(), 'infinstor:addsecondaryuser:drop');
    throughSdk(text)(times);
  };
  /** The causes of the machine's own retries. Errors of Lambda itself come from Lambda, whichever state it is. */
  const causes: Record<string, { cause: (times: number) => void; tokenIsFresh?: boolean; extra?: number }> = {
    'ObtainSubscriberToken InfinStorUnavailable': { cause: once('infinstor:get_version:error=503') },
    'ObtainSubscriberToken TooManyRequestsException': { cause: throughSdk('cognito:InitiateAuth:throttle') },
    'ObtainSubscriberToken InternalErrorException': {
      cause: throughSdk('cognito:InitiateAuth:error=InternalErrorException'),
    },
    'AddUser TooLittleTime': {
      cause: (times) => sandbox().faults.add(lambdaFails('AddUser', 'TooLittleTime', times)),
    },
    'AddUser InfinStorUnavailable': { cause: once('infinstor:addsecondaryuser:error=503') },
    // One more retry, for the lost answer before.
    'AddUser TooManyRequestsException': {
      cause: afterDuplicate('cognito:InitiateAuth:throttle'),
      tokenIsFresh: true,
      extra: 1,
    },
    'AddUser InternalErrorException': {
      cause: afterDuplicate('cognito:InitiateAuth:error=InternalErrorException'),
      tokenIsFresh: true,
      extra: 1,
    },
  };
  const causeOf = (state: string, error: string) =>
    error.startsWith('Lambda.')
      ? {
          cause: (times: number) => sandbox().faults.add(lambdaFails(state, error, times)),
        }
      : causes[`${state} ${error}`];

  async function prepare(tokenIsFresh = false): Promise<User> {
    letTokensExpire(sandbox());
    if (tokenIsFresh) await add(sandbox(), [newUser()]);
    return newUser();
  }

  it('are these', () => {
    expect(states.map(([state]) => state)).toEqual(addUserPath(1));
    expect(
      retries.filter(({ error }) => !error.startsWith('Lambda.')).map(({ state, error }) => `${state} ${error}`),
    ).toEqual(Object.keys(causes));
    expect(retries).toEqual(designedRetries['add-user']);
    expect(catches).toEqual([{ state: 'AddUser', error: 'TokenRejected', next: 'ObtainSubscriberToken' }]);
    // Its two ways are in every path above: on to the next user, and to the end.
    expect(states.filter(([, { Choices }]) => Choices.length > 0).map(([state]) => state)).toEqual(['MoreUsers']);
  });

  it.each(retriesToRun('add-user'))(
    '$state, $error: is retried, and forgotten when it passes',
    async ({ state, error }) => {
      const { cause, tokenIsFresh, extra = 0 } = causeOf(state, error) ?? {};
      const user = await prepare(tokenIsFresh);
      cause?.(1);
      const report = await add(sandbox(), [user]);
      await expectAdded(sandbox(), report, [user]);
      expect(statesOf(report).filter((name) => name === state)).toHaveLength(2 + extra);
    },
  );

  it.each(retriesToRun('add-user'))(
    '$state, $error: ends the execution after $times retries',
    async ({ state, error, times }) => {
      const { cause, tokenIsFresh } = causeOf(state, error) ?? {};
      const user = await prepare(tokenIsFresh);
      cause?.(times + 1);
      const report = await add(sandbox(), [user]);
      await expectFailure(sandbox(), report, { name: error, step: state });
      expect(statesOf(report).filter((name) => name === state)).toHaveLength(times + 1);
      sandbox().faults.clear();
      await expectAdded(sandbox(), await redrive(sandbox(), report), [user]);
    },
  );
});

describe('a lost answer', () => {
  it.each(['drop', 'error=EndpointTimedOut', 'error=500', 'delay=40000'])(
    '(%s): the call is made again',
    async (kind) => {
      const list = [newUser(), givenUser(sandbox())];
      for (const skip of [0, 1]) fault(sandbox(), `infinstor:addsecondaryuser:${kind}`, { skip });
      const report = await add(sandbox(), list);
      await expectAdded(sandbox(), report, list);
      expect(statesOf(report).filter((state) => state === 'AddUser')).toHaveLength(4);
    },
  );

  it('that stays ends in InfinStorUnavailable, which a redrive goes on from', async () => {
    const list = [newUser(), newUser()];
    fault(sandbox(), 'infinstor:addsecondaryuser:error=503:6', { skip: 1 });
    const report = await add(sandbox(), list);
    await expectFailure(sandbox(), report, { name: 'InfinStorUnavailable', step: 'AddUser' });
    await expectAdded(sandbox(), await redrive(sandbox(), report), list);
  });

  it('of a user with a generated password is found out also when the next request brings another one', async () => {
    const user = newUser();
    fault(sandbox(), 'infinstor:addsecondaryuser:kill');
    expect((await add(sandbox(), [user])).error?.step).toBe('AddUser');
    const prepared = keptOf(sandbox(), user);
    const { passwordSecretId } = givenUser(sandbox());
    expect((await add(sandbox(), [{ ...user, ...(passwordSecretId && { passwordSecretId }) }])).error).toBeNull();
    expect(keptOf(sandbox(), user)).toEqual({ ...prepared, state: 'created' });
    await expectThere(sandbox(), user);
  });
});
