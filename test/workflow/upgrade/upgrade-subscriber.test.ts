import { afterEach, describe, expect, it } from 'vitest';
import { fixtures } from '../../../sandbox/core/account.ts';
import { isWhole } from '../../scope.ts';
import { eventsOf, onboard, recordOf, run, statesOf, useSandbox } from '../sandbox.ts';
import { callsOf, newRun, onboarded, rolesOn } from '../subscriber.ts';
import {
  changes,
  encryptionOf,
  expectUpgraded,
  nothingToDo,
  parametersOf,
  publish,
  toBoth,
  upgradable,
  upgrade,
  upgradePath,
} from './upgrading.ts';

const sandbox = useSandbox();

afterEach(() => {
  sandbox().faults.clear();
});

describe('an upgrade', () => {
  it('to another build and key grants the key first, keeps the old grant, and converges when it is repeated', async () => {
    const subscriber = await upgradable(sandbox());
    const { userName, before, after, roleArn } = subscriber;
    const token = parametersOf(sandbox(), userName).CustomToken;
    const build = publish(sandbox(), changes.policy);
    const report = await upgrade(sandbox(), toBoth(subscriber, build));
    expect(statesOf(report)).toEqual(upgradePath);
    await expectUpgraded(sandbox(), report, subscriber, { build });
    expect(report.output).toMatchObject({ changed: ['stack', 'keyPolicies'], replaced: [] });
    expect(parametersOf(sandbox(), userName)).toMatchObject({ CustomToken: token, SubscriberName: userName });
    // The key is granted before the stack uses it.
    const calls = sandbox()
      .calls()
      .map(({ operation }) => operation);
    expect(calls.lastIndexOf('PutKeyPolicy')).toBeLessThan(calls.lastIndexOf('ExecuteChangeSet'));
    expect(eventsOf(sandbox(), report)).toMatchObject([
      {
        'detail-type': 'SubscriberUpgraded',
        detail: { userName, build, roleArn, keyArns: [before, after], changed: ['stack', 'keyPolicies'] },
      },
    ]);

    const executed = callsOf(sandbox(), 'ExecuteChangeSet');
    const again = await upgrade(sandbox(), toBoth(subscriber, build));
    expect(statesOf(again)).toEqual(nothingToDo);
    await expectUpgraded(sandbox(), again, subscriber, { build });
    expect(again.output).toMatchObject({ changed: [] });
    expect(callsOf(sandbox(), 'ExecuteChangeSet')).toBe(executed);
  });

  it('leaves what it does not name as it is, and the onboarding request for the same converges', async () => {
    const { userName, request } = newRun('upgrade');
    await onboarded(sandbox(), request);
    const report = await upgrade(sandbox(), {
      subscriber: { userName },
      encryption: { tracking: { type: 'aws-managed' } },
    });
    expect(report.error).toBeNull();
    expect(report.output).toMatchObject({ build: fixtures.build, keyArns: [], changed: ['stack'] });
    expect(encryptionOf(sandbox(), userName)).toEqual({ type: 'aws-managed' });
    const same = { ...request, encryption: { tracking: { type: 'aws-managed' } } };
    expect((await onboard(sandbox(), same)).output).toMatchObject({ changed: [] });
    expect((await onboard(sandbox(), request)).error).toMatchObject({ name: 'StackNeedsAttention' });
  });
});

if (isWhole)
  describe('what an upgrade leaves', () => {
    it('is offboarded with all keys, that of an upgrade that has failed among them', async () => {
      const subscriber = await upgradable(sandbox());
      const { userName, before, after } = subscriber;
      const build = publish(sandbox(), changes.refused);
      const report = await upgrade(sandbox(), toBoth(subscriber, build));
      expect(report.error).toMatchObject({ name: 'StackFailed' });
      expect(rolesOn(sandbox(), after)).toHaveLength(1);
      const offboarded = await run(sandbox(), 'offboard-subscriber', { subscriber: { userName }, confirm: userName });
      expect(offboarded.error).toBeNull();
      for (const keyArn of [before, after]) expect(rolesOn(sandbox(), keyArn)).toEqual([]);
    });

    it('is the old value of a key that is given up for none, whose grant stays for the data', async () => {
      const { userName, before, roleArn } = await upgradable(sandbox());
      const report = await upgrade(sandbox(), {
        subscriber: { userName },
        encryption: { tracking: { type: 'aws-owned' } },
      });
      expect(report.error).toBeNull();
      expect(encryptionOf(sandbox(), userName)).toEqual({ type: 'aws-owned' });
      expect(parametersOf(sandbox(), userName).DynamoDbKmsKeyArn).toBe('');
      expect(rolesOn(sandbox(), before)).toEqual([roleArn]);
      expect(await recordOf(sandbox(), userName)).toMatchObject({ keyArns: { L: [{ S: before }] } });
    });
  });
