import { describe, expect, it } from 'vitest';
import { designedRetries, endsToRun, isShared, retriesToRun } from '../machines/design.ts';
import { packagedMachine } from '../machines/packaged-machine.ts';
import { expectFailure, redrive, statesOf } from '../sandbox.ts';
import { staysAway } from '../side-effects.ts';
import { endSession, fault, folderOf, functionNameOf, holdLogin, letTokensExpire } from '../subscriber.ts';
import {
  add,
  addUserPath,
  expectAdded,
  expectThere,
  givenUser,
  host,
  keptOf,
  newUser,
  type User,
  useHost,
} from './adding-users.ts';

const sandbox = useHost();

const { states, lambdaFails, retries, catches } = packagedMachine('AddUserMachine');

describe('the edges of the machine', () => {
  const once = (text: string) => (times: number) => fault(sandbox(), text, { times });
  /** The causes of a state's own retries. What all states share comes from Lambda, whichever state it is. */
  const causes: Record<string, (times: number) => unknown> = {
    'ObtainSubscriberToken LoginInProgress': (times) => holdLogin(sandbox(), host, times === 1 ? 3 : 150),
    'ObtainSubscriberToken InfinStorUnavailable': once('infinstor:get_version:error=503'),
    'AddUser TooLittleTime': (times) => sandbox().faults.add(lambdaFails('AddUser', 'TooLittleTime', times)),
    'AddUser InfinStorUnavailable': once('infinstor:addsecondaryuser:error=503'),
  };
  const causeOf = (state: string, error: string) =>
    isShared({ state, error })
      ? (times: number) => sandbox().faults.add(lambdaFails(state, error, times))
      : causes[`${state} ${error}`];

  function prepare(): User {
    letTokensExpire(sandbox());
    return newUser();
  }

  /** Only a login has them, and what shows that one is needed is the step that uses the session. */
  async function letLogIn(state: string, error: string): Promise<number> {
    if (state !== 'ObtainSubscriberToken' || isShared({ state, error })) return 0;
    await add(sandbox(), [newUser()]);
    await endSession(sandbox(), `${folderOf(host)}/token`);
    return 1;
  }

  it('are these', () => {
    expect(states.map(([state]) => state)).toEqual(addUserPath(1));
    expect(
      retries.filter(({ state, error }) => !isShared({ state, error })).map(({ state, error }) => `${state} ${error}`),
    ).toEqual(Object.keys(causes));
    expect(retries).toEqual(designedRetries['add-user']);
    expect(catches).toEqual([{ state: 'AddUser', error: 'TokenRejected', next: 'ObtainSubscriberToken' }]);
    // Its two ways are in every path above: on to the next user, and to the end.
    expect(states.filter(([, { Choices }]) => Choices.length > 0).map(([state]) => state)).toEqual(['MoreUsers']);
  });

  it.each(retriesToRun('add-user'))(
    '$state, $error: is retried, and forgotten when it passes',
    async ({ state, error }) => {
      const user = prepare();
      const before = await letLogIn(state, error);
      await causeOf(state, error)?.(1);
      const report = await add(sandbox(), [user]);
      await expectAdded(sandbox(), report, [user]);
      expect(statesOf(report).filter((name) => name === state)).toHaveLength(before + 2);
    },
  );

  it.each(endsToRun('add-user'))(
    '$state, $error: ends the execution after $times retries',
    async ({ state, error, times }) => {
      const user = prepare();
      const before = await letLogIn(state, error);
      await causeOf(state, error)?.(times + 1);
      const report = await add(sandbox(), [user]);
      await expectFailure(sandbox(), report, { name: error, step: state });
      expect(statesOf(report).filter((name) => name === state)).toHaveLength(before + times + 1);
      sandbox().faults.clear();
      if (error === 'LoginInProgress') sandbox().clock.advance(60_000);
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
    fault(sandbox(), 'infinstor:addsecondaryuser:kill', { followedBy: staysAway(functionNameOf('add-user')) });
    expect((await add(sandbox(), [user])).error?.step).toBe('AddUser');
    const prepared = keptOf(sandbox(), user);
    const { passwordSecretId } = givenUser(sandbox());
    expect((await add(sandbox(), [{ ...user, ...(passwordSecretId && { passwordSecretId }) }])).error).toBeNull();
    expect(keptOf(sandbox(), user)).toEqual({ ...prepared, state: 'created' });
    await expectThere(sandbox(), user);
  });
});
