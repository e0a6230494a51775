import { afterEach, describe, expect, it } from 'vitest';
import type { Report } from '../../../cli/view/report.ts';
import { grantedRoles } from '../../../lib/keys/key-policy.ts';
import { byScope, casesInScope } from '../../scope.ts';
import { interruptions } from '../interruptions.ts';
import { expectFailure, expectOneOfEach, newKey, onboard, redrive, requestWithKey, useSandbox } from '../sandbox.ts';
import { effectsOf, interruptAndRecover, waysAt } from '../side-effects.ts';
import { credentialsOf, fault, letTokensExpire, newName, policyOf, roleArnOf } from '../subscriber.ts';
import {
  bucketsOf,
  expectOffboarded,
  type Leaving,
  longOnboarded,
  offboard,
  passDays,
  recordedAsLeft,
} from './offboarding.ts';

// A minute for each resource: a stack's operation is over only after time was skipped, and not meanwhile.
const sandbox = useSandbox({ resourceDelayMs: 60_000 });

afterEach(() => {
  sandbox().faults.clear();
  sandbox().kms.delayReads(0);
});

describe('a subscriber that is onboarded again', () => {
  /** Offboarded, with nothing that stands in the way of another onboarding. */
  async function offboarded(): Promise<Leaving> {
    const subscriber = await longOnboarded(sandbox());
    await expectOffboarded(sandbox(), await offboard(sandbox(), subscriber.userName), subscriber);
    return subscriber;
  }

  it('has its password and, while that is good, its custom token back, without a call of add_subscriber', async () => {
    const subscriber = await offboarded();
    const { userName, keyArn, request } = subscriber;
    const before = sandbox().infinstor.customTokenOf(userName);
    await sandbox().cloudFormation.deleteByHand(`InfinStorMlflow-${userName}`);
    let report: Report | undefined;
    const effects = await effectsOf(sandbox(), async () => {
      report = await onboard(sandbox(), request);
    });
    expect(effects).not.toContain('infinstor:add_subscriber');
    // One login as the subscriber, besides the one of the end check; the superadmin's token is not needed.
    expect(effects.filter((effect) => effect.startsWith('cognito:InitiateAuth'))).toHaveLength(2);
    if (report === undefined) throw new Error('It has not run');
    expectOneOfEach(sandbox(), report, { userName, keyArns: [keyArn] });
    expect(sandbox().infinstor.customTokenOf(userName)).toBe(before);
    expect(sandbox().secretsManager.value(credentialsOf(userName))).toContain(before);
    // The table has the name of the one that was kept: it is in use, and not left any more.
    expect(await recordedAsLeft(sandbox(), userName)).toEqual(bucketsOf(sandbox(), subscriber));
    // And once it is active, no more than everybody else.
    const again = await effectsOf(sandbox(), () => onboard(sandbox(), request));
    expect(again.filter((effect) => effect.startsWith('cognito:'))).toEqual(['cognito:InitiateAuth']);
    const last = { ...subscriber, stackId: `${report.output?.stackId}` };
    await expectOffboarded(sandbox(), await offboard(sandbox(), userName), last, bucketsOf(sandbox(), subscriber));
  });

  it('is refused with another e-mail address while InfinStor has it: SubscriberDiffers', async () => {
    const { userName, request } = await offboarded();
    const other = { ...request, subscriber: { userName, emailId: 'other@example.com' } };
    const report = await onboard(sandbox(), other);
    await expectFailure(sandbox(), report, { name: 'SubscriberDiffers', step: 'CreateSubscriber' });
    sandbox().infinstor.deleteSubscriber(userName);
    sandbox().cloudFormation.deleteByHand(`InfinStorMlflow-${userName}`);
    expect((await onboard(sandbox(), other)).error).toBeNull();
    expect(sandbox().cognito.emailOf(userName)).toBe('other@example.com');
  });

  it('and was deleted in InfinStor is created anew', async () => {
    const { userName, keyArn, request } = await offboarded();
    const { infinstor, cloudFormation } = sandbox();
    const before = infinstor.customTokenOf(userName);
    infinstor.deleteSubscriber(userName);
    await cloudFormation.deleteByHand(`InfinStorMlflow-${userName}`);
    expectOneOfEach(sandbox(), await onboard(sandbox(), request), { userName, keyArns: [keyArn] });
    expect(infinstor.customTokenOf(userName)).not.toBe(before);
  });

  const [restored] = interruptions['onboarding of whom InfinStor has not any more'];

  it.each(waysAt(0))(
    'and was deleted in InfinStor is created anew although its secret was only just restored: $kind, then $recovery',
    async (way) => {
      const { userName, keyArn, request } = await offboarded();
      const { infinstor, cloudFormation } = sandbox();
      infinstor.deleteSubscriber(userName);
      await cloudFormation.deleteByHand(`InfinStorMlflow-${userName}`);
      const send = () => onboard(sandbox(), request);
      const report = await interruptAndRecover(sandbox(), send, restored, way);
      expectOneOfEach(sandbox(), report, { userName, keyArns: [keyArn] });
    },
  );

  it('is reported for a token that has expired, and goes on with another one', async () => {
    const { userName, keyArn, request } = await offboarded();
    await sandbox().cloudFormation.deleteByHand(`InfinStorMlflow-${userName}`);
    await passDays(sandbox(), 8);
    const report = await onboard(sandbox(), request);
    await expectFailure(sandbox(), report, { name: 'CustomTokenExpiring', step: 'DeployStack' });
    expect(report.error?.message).toContain('has ended');
    expect(report.error?.remedy).toContain('customTokenSecretId');
    const customToken = sandbox().infinstor.renewToken(userName);
    const customTokenSecretId = `infinstor/sandbox/input/${userName.toLowerCase()}/renewed-token`;
    sandbox().secretsManager.createSecret(customTokenSecretId, JSON.stringify({ customToken }));
    const renewed = await onboard(sandbox(), { ...request, customTokenSecretId });
    expectOneOfEach(sandbox(), renewed, { userName, keyArns: [keyArn] });
  });

  it('is reported for a table whose name is taken by what was kept', async () => {
    const { userName, keyArn, request } = await offboarded();
    const report = await onboard(sandbox(), request);
    await expectFailure(sandbox(), report, { name: 'StackFailed', step: 'WaitForStack' });
    expect(report.error?.message).toContain(`InfinStorMlflow-${userName} already exists`);
    await sandbox().cloudFormation.deleteByHand(`InfinStorMlflow-${userName}`);
    expectOneOfEach(sandbox(), await onboard(sandbox(), request), { userName, keyArns: [keyArn] });
  });

  it('whose secret is gone for good ends SubscriberExists while InfinStor has it', async () => {
    const { userName, keyArn, request } = await offboarded();
    await sandbox().cloudFormation.deleteByHand(`InfinStorMlflow-${userName}`);
    await passDays(sandbox(), 31);
    const report = await onboard(sandbox(), request);
    await expectFailure(sandbox(), report, { name: 'SubscriberExists', step: 'CreateSubscriber' });
    const customTokenSecretId = `infinstor/sandbox/input/${userName.toLowerCase()}/token-again`;
    const customToken = sandbox().infinstor.renewToken(userName);
    sandbox().secretsManager.createSecret(customTokenSecretId, JSON.stringify({ customToken }));
    const again = await onboard(sandbox(), { ...request, customTokenSecretId });
    expectOneOfEach(sandbox(), again, { userName, keyArns: [keyArn] });
  });
});

describe('an offboarding while others are onboarded with the same key', () => {
  const troubles: Record<string, string> = {
    'without trouble': '',
    'with a change that is throttled': 'kms:PutKeyPolicy:throttle:9',
    'with a change whose answer is lost': 'kms:PutKeyPolicy:drop:2',
    'with a change that KMS fails at': 'kms:PutKeyPolicy:error=KMSInternalException:2',
    'with grants that are throttled': 'dynamodb:UpdateItem:throttle:2',
    'with policies that are some seconds old': 'stale',
  };
  // Calls that have no effect are tried again alike whether others are on their way or not, which the tests of edges show.
  const usual = ['without trouble', 'with a change whose answer is lost', 'with policies that are some seconds old'];

  it.each(casesInScope(Object.keys(troubles), usual))('loses nobody’s intent, %s', async (name) => {
    const trouble = troubles[name] ?? expect.fail(name);
    const keyArn = newKey(sandbox());
    const crowd = newName('crowd');
    const names = (kind: string, usually: number) =>
      [...Array(byScope({ usual: usually, all: 5, long: 5 })).keys()].map((n) => `${kind}-${crowd}-${n}`);
    const [leaving, staying, coming] = [names('leaving', 2), names('staying', 1), names('coming', 2)];
    letTokensExpire(sandbox());
    const onboardAll = (userNames: readonly string[]) =>
      userNames.map((userName) => onboard(sandbox(), requestWithKey(userName, keyArn)));
    await Promise.all(onboardAll([...leaving, ...staying]));
    if (trouble === 'stale') sandbox().kms.delayReads(5_000);
    else if (trouble !== '') fault(sandbox(), trouble);
    const reports = await Promise.all([
      ...leaving.map((userName) => offboard(sandbox(), userName)),
      ...onboardAll(coming),
    ]);
    const failed = reports.filter(({ status }) => status !== 'SUCCEEDED');
    for (const report of failed) expect((await redrive(sandbox(), report)).error).toBeNull();
    const policy = policyOf(sandbox(), keyArn);
    expect(grantedRoles(policy).toSorted()).toEqual(
      [...staying, ...coming].map((userName) => roleArnOf(userName)).toSorted(),
    );
    expect(policy.Statement).toHaveLength(3);
  });
});
