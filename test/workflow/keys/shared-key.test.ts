import { afterEach, describe, expect, it } from 'vitest';
import { foreignStatements, grantedRoles } from '../../../lib/keys/key-policy.ts';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { byScope, casesInScope } from '../../scope.ts';
import {
  ended,
  eventually,
  expectFailure,
  hold,
  newKey,
  onboard,
  redrive,
  requestWithKey,
  startOnboarding,
  statesOf,
  useSandbox,
} from '../sandbox.ts';
import { staysAway } from '../side-effects.ts';
import { fault, policyOf, roleArnOf, roleNameOf } from '../subscriber.ts';
import { editPolicy, enableIam, naming, newRole, policyWith } from './key-policies.ts';

const sandbox = useSandbox();

afterEach(() => {
  sandbox().faults.clear();
  sandbox().kms.delayReads(0);
});

let crowds = 0;
/** Enough to meet each other. */
const some = byScope({ usual: 2, all: 6, long: 6 });
/** Enough to stand in a row behind one that works on the key. */
const others = byScope({ usual: 2, all: 4, long: 4 });
/** So many that they can be done together. */
const crowd = byScope({ usual: 5, all: 12, long: 12 });

/** Onboards so many subscribers at once, whose tables share one key. */
async function onboardTogether(given: Sandbox, keyArn: string, count: number) {
  crowds += 1;
  const userNames = Array.from({ length: count }, (_, n) => `crowd-${crowds}-${n}`);
  const reports = await Promise.all(userNames.map((userName) => onboard(given, requestWithKey(userName, keyArn))));
  return { userNames, reports, failed: reports.filter(({ status }) => status !== 'SUCCEEDED') };
}

/** Expects just these subscribers' roles to have the key, and nothing else to be changed. */
function expectGranted(given: Sandbox, keyArn: string, userNames: readonly string[]): void {
  const policy = policyOf(given, keyArn);
  expect(grantedRoles(policy).sort()).toEqual(userNames.map((userName) => roleArnOf(userName)).sort());
  expect(policy.Statement).toHaveLength(3);
  expect(foreignStatements(policy)).toMatchObject([{ Sid: 'Enable IAM User Permissions' }]);
}

const ofPatchKeyPolicy = { functionName: 'infinstor-onboarding-sandbox-patch-key-policy' };

describe('what an owner has written that KMS takes, and nobody would', () => {
  it('stays as it is beside the grants', async () => {
    const keyArn = newKey(sandbox());
    const user = { Effect: 'Allow', Principal: { AWS: newRole(sandbox(), 'odd-owner').arn } };
    const odd = [
      { Sid: 'no action', ...user, Resource: '*' },
      { Sid: 'no resource', ...user, Action: 'kms:Decrypt' },
      { Sid: 'its ARN', ...user, Action: 'kms:Decrypt', Resource: keyArn },
      { Sid: '', ...user, Action: 'kms:Encrypt', Resource: '*' },
      { Sid: '', ...user, Action: 'kms:DescribeKey', Resource: '*' },
    ];
    await editPolicy(sandbox(), keyArn, (statements) => [...statements, ...odd]);
    expect((await onboard(sandbox(), requestWithKey('odd-owner', keyArn))).error).toBeNull();
    const policy = policyOf(sandbox(), keyArn);
    expect(foreignStatements(policy)).toEqual([enableIam, ...odd]);
    expect(grantedRoles(policy)).toEqual([roleArnOf('odd-owner')]);
  });
});

describe('subscribers that are onboarded at once with one key', () => {
  it('all get it, with no more writes than subscribers', async () => {
    const keyArn = newKey(sandbox());
    const { userNames, failed } = await onboardTogether(sandbox(), keyArn, crowd);
    expect(failed).toEqual([]);
    expectGranted(sandbox(), keyArn, userNames);
    expect(sandbox().kms.policyWrites(keyArn)).toBeLessThanOrEqual(crowd);
  });

  it('all get it, with fewer writes than subscribers, when they have to wait for each other', async () => {
    const keyArn = newKey(sandbox());
    // Until the last of these tries, all have asked for it.
    fault(sandbox(), 'kms:PutKeyPolicy:throttle', { ...ofPatchKeyPolicy, times: 2 * crowd });
    const { userNames, failed } = await onboardTogether(sandbox(), keyArn, crowd);
    expect(sandbox().faults.left()).toBe(0);
    expect(failed).toEqual([]);
    expectGranted(sandbox(), keyArn, userNames);
    expect(sandbox().kms.policyWrites(keyArn)).toBeLessThan(crowd);
  });

  const troubles = [
    ['a change whose answer is lost', 'kms:PutKeyPolicy:drop:2'],
    ['a change that KMS fails at', 'kms:PutKeyPolicy:error=KMSInternalException:2'],
    ['reads that are throttled', 'kms:GetKeyPolicy:throttle:9'],
    ['grants that are throttled', 'dynamodb:UpdateItem:throttle:2'],
    // Both come up above and below, too, in worse.
    ['a change that is throttled', 'kms:PutKeyPolicy:throttle:9'],
    ['functions that die after a change', 'kms:PutKeyPolicy:kill:2'],
  ] as const;
  it.each(casesInScope(troubles, troubles.slice(0, 4)))('all get it after %s', async (_, trouble) => {
    const keyArn = newKey(sandbox());
    fault(sandbox(), trouble, ofPatchKeyPolicy);
    const { userNames, failed } = await onboardTogether(sandbox(), keyArn, some);
    expect(sandbox().faults.left()).toBe(0);
    expect(failed).toEqual([]);
    expectGranted(sandbox(), keyArn, userNames);
  });

  it('all get it when KMS returns policies that are some seconds old', async () => {
    const keyArn = newKey(sandbox());
    sandbox().kms.delayReads(5_000);
    const { userNames, failed } = await onboardTogether(sandbox(), keyArn, some);
    expect(failed).toEqual([]);
    expectGranted(sandbox(), keyArn, userNames);
  });

  it('all get it when those that work on it die after a write, and again and again, and are redriven', async () => {
    const keyArn = newKey(sandbox());
    const { functionName } = ofPatchKeyPolicy;
    fault(sandbox(), 'kms:PutKeyPolicy:kill', { functionName, followedBy: { ...staysAway(functionName), times: 42 } });
    const { userNames, failed } = await onboardTogether(sandbox(), keyArn, some);
    expect(failed).not.toEqual([]);
    for (const { error } of failed) expect(error?.step).toBe('PatchKeyPolicy');
    sandbox().faults.clear();
    for (const report of failed) expect(await redrive(sandbox(), report)).toMatchObject({ status: 'SUCCEEDED' });
    expectGranted(sandbox(), keyArn, userNames);
  });

  it('do not wait for one whose role KMS cannot see', async () => {
    const keyArn = newKey(sandbox());
    // Its role is there, and the step that reads its ARN waits.
    const goOn = hold(sandbox(), 'iam', 'GetRole');
    const { executionArn } = await startOnboarding(sandbox(), requestWithKey('crowd-unseen', keyArn));
    await eventually(sandbox(), () => expect(sandbox().faults.left()).toBe(0));
    sandbox().iam.hideRole(roleNameOf('crowd-unseen'), 200_000);
    goOn();
    const { userNames, reports, failed } = await onboardTogether(sandbox(), keyArn, others);
    const unseen = await ended(sandbox(), executionArn);
    expect([...failed, unseen.error]).toEqual([null]);
    expect(statesOf(unseen).filter((state) => state === 'PatchKeyPolicy').length).toBeGreaterThan(2);
    expect(unseen.durationMs).toBeGreaterThan(200_000);
    for (const { durationMs } of reports) expect(durationMs).toBeLessThan(120_000);
    expectGranted(sandbox(), keyArn, [...userNames, 'crowd-unseen']);
  });

  it('get it without one whose role is deleted at the same time, which is reported with the reason', async () => {
    const keyArn = newKey(sandbox());
    const goOn = hold(sandbox(), 'kms', 'PutKeyPolicy');
    const { executionArn } = await startOnboarding(sandbox(), requestWithKey('crowd-gone', keyArn));
    await eventually(sandbox(), () => expect(sandbox().faults.left()).toBe(0));
    sandbox().iam.deleteRole(roleNameOf('crowd-gone'));
    goOn();
    const { userNames, failed } = await onboardTogether(sandbox(), keyArn, others);
    expect(failed).toEqual([]);
    const gone = await ended(sandbox(), executionArn);
    await expectFailure(sandbox(), gone, { name: 'PrincipalNotVisible', step: 'PatchKeyPolicy' });
    expect(gone.error?.message).toContain(`IAM has no role ${roleArnOf('crowd-gone')}`);
    expectGranted(sandbox(), keyArn, userNames);
  });

  it('all end KeyPolicyOrphan when a foreign statement comes to name a deleted role, until somebody mends it', async () => {
    const { iam, kms, faults } = sandbox();
    const { arn } = newRole(sandbox(), 'crowd-backup');
    const keyArn = newKey(sandbox(), { policy: policyWith(naming('Backup', arn)) });
    // Both are accepted long before either has a stack. Only one is held: the other may have to wait for it, and no time is skipped.
    const goOn = hold(sandbox(), 'kms', 'PutKeyPolicy');
    const userNames = ['crowd-orphan-0', 'crowd-orphan-1'];
    const requests = userNames.map((userName) => requestWithKey(userName, keyArn));
    const started = await Promise.all(requests.map((request) => startOnboarding(sandbox(), request)));
    await eventually(sandbox(), () => expect(faults.left()).toBe(0));
    iam.deleteRole('crowd-backup');
    goOn();
    const failed = await Promise.all(started.map(({ executionArn }) => ended(sandbox(), executionArn)));
    expect(failed.map(({ error }) => error?.name)).toEqual(['KeyPolicyOrphan', 'KeyPolicyOrphan']);
    expect(kms.policyWrites(keyArn)).toBe(0);

    await editPolicy(sandbox(), keyArn, () => [enableIam]);
    const redriven = await Promise.all(failed.map((report) => redrive(sandbox(), report)));
    expect(redriven.map(({ status }) => status)).toEqual(['SUCCEEDED', 'SUCCEEDED']);
    expectGranted(sandbox(), keyArn, userNames);
  });
});
