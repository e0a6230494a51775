import { describe, expect, it } from 'vitest';
import { call } from '../../unit/sandbox/services/call.ts';
import { interruptedNews, interruptions } from '../interruptions.ts';
import { expectFailure } from '../sandbox.ts';
import { effectsOf, interruptAndRecover, partsOf, placed, waysAt } from '../side-effects.ts';
import { fault, folderOf, letLoginsBeForgotten, letTokensExpire } from '../subscriber.ts';
import {
  add,
  copyOfHost,
  expectAdded,
  expectThere,
  givenUser,
  host,
  newUser,
  secretIdOf,
  useHost,
} from './adding-users.ts';

const sandbox = useHost();

describe('the side effects', () => {
  it('are those that are interrupted below', async () => {
    const subscriber = await copyOfHost(sandbox());
    expect(
      await effectsOf(sandbox(), () =>
        add(sandbox(), [newUser(), givenUser(sandbox(), undefined, subscriber)], subscriber),
      ),
    ).toEqual(interruptions['adding users']);
  });

  describe.each(placed(interruptions['adding users']))('$effect', ({ effect, place }) => {
    it.each(waysAt(place))('$kind, then $recovery: all agree', async (way) => {
      // Only the first token of a subscriber makes its secret.
      const subscriber = effect.startsWith('obtain-subscriber-token') ? await copyOfHost(sandbox()) : host;
      letTokensExpire(sandbox());
      const list = [newUser(), givenUser(sandbox(), undefined, subscriber)];
      const report = await interruptAndRecover(sandbox(), () => add(sandbox(), list, subscriber), effect, way);
      await expectAdded(sandbox(), report, list, { subscriber });
    });
  });

  it.each(waysAt(1))("a refused token's successor: $kind, then $recovery", async (way) => {
    const list = [newUser()];
    // Keeps a token.
    await add(sandbox(), [newUser()]);
    letLoginsBeForgotten(sandbox());
    fault(sandbox(), 'infinstor:addsecondaryuser:error=401');
    const [effect] = interruptions['adding users with a token that is refused'];
    await expectAdded(sandbox(), await interruptAndRecover(sandbox(), () => add(sandbox(), list), effect, way), list);
  });

  it.each(interruptedNews['of users that were not added'].map((effect) => ({ effect, ...partsOf(effect) })))(
    'of a failure, $call: killed, the failure is reported all the same',
    async ({ effect }) => {
      const list = [newUser(), givenUser(sandbox(), 'weak-password-marker')];
      const send = () => add(sandbox(), list);
      const report = await interruptAndRecover(sandbox(), send, effect, {
        kind: 'kill',
        recovery: 'redrive',
      });
      await expectFailure(sandbox(), report, { name: 'UsersNotAdded', step: 'CompleteUsers' });
      if (list[0]) await expectThere(sandbox(), list[0]);
    },
  );

  it.each(
    placed(interruptions['adding users whose secrets were scheduled for deletion']).flatMap(({ effect, place }) =>
      waysAt(place).map((way) => ({ ...partsOf(effect), effect, ...way })),
    ),
  )(
    'of what was scheduled for deletion, $name RestoreSecret: $kind, then $recovery',
    async ({ effect, kind, recovery }) => {
      const list = [newUser()];
      await add(sandbox(), list);
      const [user = newUser()] = list;
      for (const SecretId of [`${folderOf(host)}/token`, secretIdOf(user)]) {
        await call(sandbox().secretsManager.service, 'DeleteSecret', { SecretId });
      }
      const report = await interruptAndRecover(sandbox(), () => add(sandbox(), list), effect, { kind, recovery });
      await expectAdded(sandbox(), report, list);
    },
  );
});
