// Errors of keys and their policies.

import type { Sandbox } from '../../../sandbox/boot.ts';
import { editPolicy, naming, newRole, policyWith } from '../keys/key-policies.ts';
import { longOnboarded, offboard } from '../offboard/offboarding.ts';
import { newKey, onboard } from '../sandbox.ts';
import { fault, newName, newRun, onboarded, roleArnOf } from '../subscriber.ts';
import { afterwards, type Cause, failBefore, type Left } from './cause.ts';

/** Onboards a subscriber of its own with a key. */
async function onboardWithKey(sandbox: Sandbox, keyArn: string): Promise<Left> {
  const { userName, request } = newRun('cause', [keyArn]);
  return { userName, keyArn, report: await onboard(sandbox, request) };
}

/** A foreign statement that leaves room for nothing else. */
const largeStatement = {
  ...naming('Allow many', 'arn:aws:iam::111111111111:user/operator'),
  Condition: { StringEquals: { 'aws:PrincipalTag/team': Array.from({ length: 1650 }, (_, n) => `team-${n}-of-many`) } },
};

export const causesOfKeys: readonly Cause[] = [
  {
    error: 'KeyNotUsable',
    because: 'the key is disabled',
    step: 'AcceptRequest',
    says: /^Key arn:aws:kms:\S+ cannot be used: its state is Disabled$/,
    remedy: /Enable or replace the key/,
    provoke: (sandbox) => onboardWithKey(sandbox, newKey(sandbox, { state: 'Disabled' })),
  },
  {
    error: 'KeyNotUsable',
    because: 'the key is not tagged',
    step: 'AcceptRequest',
    says: /does not have the tag infinstor-onboarding/,
    remedy: /tag it for onboarding/,
    provoke: (sandbox) => onboardWithKey(sandbox, newKey(sandbox, { tags: {} })),
  },
  {
    error: 'KeyPolicyBusy',
    because: 'KMS is asked too often',
    step: 'PatchKeyPolicy',
    says: /asked too often about key arn:aws:kms:/,
    remedy: /other changes of this key policy/,
    provoke(sandbox) {
      failBefore(sandbox, 'OnboardSubscriber', { state: 'PatchKeyPolicy', error: 'KeyPolicyBusy', times: 100 });
      fault(sandbox, 'kms:PutKeyPolicy:throttle');
      return onboardWithKey(sandbox, newKey(sandbox));
    },
  },
  {
    error: 'PrincipalNotVisible',
    because: 'KMS does not see the role yet',
    step: 'PatchKeyPolicy',
    says: /^KMS cannot see a principal of the new policy of key arn:aws:kms:\S+ yet, which adds arn:aws:iam::\S+$/,
    remedy: /IAM may need minutes/,
    provoke(sandbox) {
      afterwards(() => sandbox.iam.delayNewRoles(0));
      failBefore(sandbox, 'OnboardSubscriber', { state: 'PatchKeyPolicy', error: 'PrincipalNotVisible', times: 22 });
      sandbox.iam.delayNewRoles(24 * 60 * 60_000);
      return onboardWithKey(sandbox, newKey(sandbox));
    },
  },
  {
    error: 'KeyPolicyOrphan',
    because: 'a statement of somebody else names a deleted role',
    step: 'AcceptRequest',
    says: /^Statement "Backup" of the policy of key arn:aws:kms:\S+ .*AROA/,
    remedy: /Remove the id/,
    provoke(sandbox) {
      const { roleName, arn } = newRole(sandbox, newName('orphan'));
      const keyArn = newKey(sandbox, { policy: policyWith(naming('Backup', arn)) });
      sandbox.iam.deleteRole(roleName);
      return onboardWithKey(sandbox, keyArn);
    },
  },
  {
    error: 'RoleStillNamed',
    because: "a statement of somebody else names the subscriber's role",
    step: 'AcceptOffboarding',
    says: /^Statement "Backup" of the policy of key \S+ names arn:aws:iam::\S+, which is to be deleted$/,
    remedy: /Take the role out/,
    async provoke(sandbox) {
      const { userName, keyArn } = await longOnboarded(sandbox, newName('cause'));
      await editPolicy(sandbox, keyArn, (statements) => [...statements, naming('Backup', roleArnOf(userName))]);
      return { userName, keyArn, report: await offboard(sandbox, userName) };
    },
  },
  {
    error: 'KeyPolicyFull',
    because: 'the policy has no room for one more role',
    step: 'AcceptRequest',
    says: /KMS allows 32768$/,
    remedy: /Offboard a subscriber/,
    provoke: (sandbox) => onboardWithKey(sandbox, newKey(sandbox, { policy: policyWith(largeStatement) })),
  },
  {
    error: 'KeyPolicyNotUnderstood',
    because: 'somebody has changed a statement of the onboarding',
    step: 'AcceptRequest',
    says: /Allow use of the key by InfinStor/,
    remedy: /another Sid/,
    async provoke(sandbox) {
      const keyArn = newKey(sandbox);
      await onboarded(sandbox, newRun('cause', [keyArn]).request);
      const use = 'Allow use of the key by InfinStor';
      await editPolicy(sandbox, keyArn, (statements) =>
        statements.map((each) => ('Sid' in each && each.Sid === use ? { ...each, Action: 'kms:Decrypt' } : each)),
      );
      return onboardWithKey(sandbox, keyArn);
    },
  },
];
