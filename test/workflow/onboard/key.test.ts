import { afterEach, describe, expect, it } from 'vitest';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { fixtures } from '../../../sandbox/core/account.ts';
import { editPolicy, enableIam, naming, newRole, policyWith } from '../keys/key-policies.ts';
import {
  ended,
  eventually,
  expectFailure,
  expectOneOfEach,
  hold,
  newKey,
  onboard,
  redrive,
  startOnboarding,
  statesOf,
  useSandbox,
  withSandbox,
} from '../sandbox.ts';
import { fault, newRun, newRunWithKey, subscribersNamed } from '../subscriber.ts';

const sandbox = useSandbox();

afterEach(() => {
  sandbox().faults.clear();
  sandbox().iam.delayNewRoles(0);
});

/** A statement for a role that is deleted when `remove` is called. */
function statementOfRole(sandbox: Sandbox, roleName: string) {
  const { arn } = newRole(sandbox, roleName);
  return { statement: naming('Allow the backup team', arn), remove: () => sandbox.iam.deleteRole(roleName) };
}

/** A foreign statement that leaves room for nothing else. */
const largeStatement = {
  ...naming('Allow many', 'arn:aws:iam::111111111111:user/operator'),
  Condition: { StringEquals: { 'aws:PrincipalTag/team': Array.from({ length: 1650 }, (_, n) => `team-${n}-of-many`) } },
};

/** Nobody may do this with the key, not even its account. */
const frozen = (action: string) => ({ Sid: 'Freeze', Effect: 'Deny', Principal: '*', Action: action, Resource: '*' });
const onlyOperator = { ...enableIam, Sid: 'Admin', Principal: { AWS: 'arn:aws:iam::111111111111:user/operator' } };
const readOnly = { ...enableIam, Action: ['kms:Describe*', 'kms:Get*', 'kms:List*'] };

const inAnother = (part: string, other: string) => fixtures.trackingKeyArn.replace(part, other);

describe('what can be known of a key before the subscriber is created', () => {
  it.each<[string, (given: Sandbox) => string, string, string]>([
    ['is disabled', () => fixtures.disabledKeyArn, 'KeyNotUsable', 'its state is Disabled'],
    ['is pending deletion', (given) => newKey(given, { state: 'PendingDeletion' }), 'KeyNotUsable', 'PendingDeletion'],
    [
      'is asymmetric',
      (given) => newKey(given, { keySpec: 'RSA_2048', keyUsage: 'ENCRYPT_DECRYPT' }),
      'KeyNotUsable',
      'RSA_2048',
    ],
    ['is for signatures', (given) => newKey(given, { keyUsage: 'SIGN_VERIFY' }), 'KeyNotUsable', 'SIGN_VERIFY'],
    ['is managed by AWS', (given) => newKey(given, { keyManager: 'AWS' }), 'KeyNotUsable', 'managed by AWS'],
    [
      'is not tagged',
      (given) => newKey(given, { tags: {} }),
      'KeyNotUsable',
      'does not have the tag infinstor-onboarding',
    ],
    [
      "is another subscriber's",
      (given) => newKey(given, { tags: { 'infinstor-onboarding': 'somebody-else another-' } }),
      'KeyNotUsable',
      'its tag infinstor-onboarding does not allow it to',
    ],
    ['is of another account', () => inAnother('111111111111', '222222222222'), 'KeyNotUsable', 'not in account'],
    ['is in another Region', () => inAnother('us-east-1', 'eu-west-1'), 'KeyNotUsable', 'not in Region'],
    ['is not there', () => inAnother('22222222-bbbb', '99999999-bbbb'), 'KeyNotUsable', 'there is no such key'],
    [
      'denies the change of its policy',
      (given) => newKey(given, { policy: policyWith(frozen('kms:Put*')) }),
      'KeyNotUsable',
      'statement "Freeze" of its policy denies kms:PutKeyPolicy to arn:aws:iam::111111111111:role/infinstor-onboarding-',
    ],
    [
      'lets nobody but a person change its policy',
      (given) => newKey(given, { policy: { Version: '2012-10-17', Statement: [onlyOperator, readOnly] } }),
      'KeyNotUsable',
      'no statement of its policy allows kms:PutKeyPolicy to arn:aws:iam::111111111111:role/infinstor-onboarding-',
    ],
    ['is full', (given) => newKey(given, { policy: policyWith(largeStatement) }), 'KeyPolicyFull', 'KMS allows 32768'],
    [
      'names a deleted role in a foreign statement',
      (given) => {
        const { statement, remove } = statementOfRole(given, 'backup-early');
        const keyArn = newKey(given, { policy: policyWith(statement) });
        remove();
        return keyArn;
      },
      'KeyPolicyOrphan',
      'Statement "Allow the backup team" of the policy of key arn:aws:kms:',
    ],
  ])('that it %s', async (_, keyOf, name, words) => {
    const run = newRun('key', [keyOf(sandbox())]);
    const report = await onboard(sandbox(), run.request);
    await expectFailure(sandbox(), report, { name, step: 'AcceptRequest' });
    expect(report.error?.message).toContain(words);
    expect(subscribersNamed(sandbox(), run.userName)).toEqual([]);
  });
});

it('a key that the deployment may not look at is KeyNotUsable, with the words of KMS', () =>
  withSandbox({}, async (given) => {
    const run = newRun('key', [newKey(given, { policy: policyWith(frozen('kms:GetKeyPolicy')) })]);
    const report = await onboard(given, run.request);
    await expectFailure(given, report, { name: 'KeyNotUsable', step: 'AcceptRequest' });
    expect(report.error?.message).toMatch(/may not look at it: User: .* kms:GetKeyPolicy/);
    expect(subscribersNamed(given, run.userName)).toEqual([]);
  }));

describe('a role that KMS does not see', () => {
  it('for four minutes is waited for', async () => {
    const run = newRunWithKey(sandbox(), 'key');
    sandbox().iam.delayNewRoles(240_000);
    const report = await onboard(sandbox(), run.request);
    expectOneOfEach(sandbox(), report, run);
    expect(report.durationMs).toBeGreaterThanOrEqual(240_000);
    expect(statesOf(report).filter((state) => state === 'PatchKeyPolicy').length).toBeGreaterThan(2);
  });

  it('for longer than that ends the attempt, and a redrive goes on when it is seen', async () => {
    const run = newRunWithKey(sandbox(), 'key');
    sandbox().iam.delayNewRoles(3_600_000);
    const report = await onboard(sandbox(), run.request);
    await expectFailure(sandbox(), report, { name: 'PrincipalNotVisible', step: 'PatchKeyPolicy' });
    // At least the five minutes that others have seen it take.
    expect(report.durationMs).toBeGreaterThanOrEqual(300_000);
    sandbox().clock.advance(3_600_000);
    expectOneOfEach(sandbox(), await redrive(sandbox(), report), run);
  });
});

describe('a key that changes meanwhile', () => {
  it('so that a foreign statement names a deleted role is KeyPolicyOrphan, until somebody mends it', async () => {
    const { statement, remove } = statementOfRole(sandbox(), 'backup-late');
    const keyArn = newKey(sandbox(), { policy: policyWith(statement) });
    const run = newRun('key', [keyArn]);
    const goOn = hold(sandbox(), 'infinstor', 'add_subscriber');
    const { executionArn } = await startOnboarding(sandbox(), run.request);
    await eventually(sandbox(), () => expect(sandbox().faults.left()).toBe(0));
    remove();
    goOn();
    const report = await ended(sandbox(), executionArn);
    await expectFailure(sandbox(), report, { name: 'KeyPolicyOrphan', step: 'PatchKeyPolicy' });
    expect(sandbox().kms.keyPolicy(keyArn).Statement).toHaveLength(2);

    await editPolicy(sandbox(), keyArn, () => [enableIam]);
    expectOneOfEach(sandbox(), await onboard(sandbox(), run.request), run);
  });

  it('so that KMS takes the change for a lockout is KeyNotUsable, and nothing bypasses the check', async () => {
    const run = newRunWithKey(sandbox(), 'key');
    sandbox().faults.add({
      service: 'kms',
      operation: 'PutKeyPolicy',
      fault: {
        kind: 'error',
        name: 'MalformedPolicyDocumentException',
        message: 'The new key policy will not allow you to update the key policy in the future.',
      },
      times: 1,
    });
    const report = await onboard(sandbox(), run.request);
    await expectFailure(sandbox(), report, { name: 'KeyNotUsable', step: 'PatchKeyPolicy' });
    expectOneOfEach(sandbox(), await redrive(sandbox(), report), run);
  });
});

it('throttling of the change is waited for, longer than an SDK does', async () => {
  const run = newRunWithKey(sandbox(), 'key');
  fault(sandbox(), 'kms:PutKeyPolicy:throttle:7');
  const report = await onboard(sandbox(), run.request);
  expectOneOfEach(sandbox(), report, run);
  // No client repeats it: a change that arrives late would be made over somebody else's.
  expect(statesOf(report).filter((state) => state === 'PatchKeyPolicy')).toHaveLength(8);
});
