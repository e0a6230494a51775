import { afterEach, describe, expect, it } from 'vitest';
import { byScope } from '../../scope.ts';
import { offboard } from '../offboard/offboarding.ts';
import { eventually, hold, newKey, onboard, requestWithKey, useSandbox, withSandbox } from '../sandbox.ts';
import { newName, policyOf } from '../subscriber.ts';

const sandbox = useSandbox({ environment: { KEY_ACCESS: 'role-pattern' } });

afterEach(() => sandbox().faults.clear());

describe('a deployment whose roles stand in key policies by a pattern', () => {
  it('writes a key once for all subscribers, and never needs more room', async () => {
    const keyArn = newKey(sandbox());
    await onboard(sandbox(), requestWithKey('pattern-first', keyArn));
    const written = policyOf(sandbox(), keyArn);
    const others = Array.from({ length: byScope({ usual: 2, all: 4, long: 4 }) }, () => newName('pattern-other'));
    const reports = await Promise.all(others.map((userName) => onboard(sandbox(), requestWithKey(userName, keyArn))));
    expect(reports.filter(({ status }) => status !== 'SUCCEEDED')).toEqual([]);
    expect(policyOf(sandbox(), keyArn)).toEqual(written);
    expect(sandbox().kms.policyWrites(keyArn)).toBe(1);
    const condition = {
      StringEquals: { 'aws:PrincipalAccount': ['111111111111'] },
      ArnLike: { 'aws:PrincipalArn': ['arn:aws:iam::111111111111:role/RoleForInfinStorMlflowService-*'] },
    };
    expect(written.Statement.slice(1)).toMatchObject([
      { Principal: '*', Condition: condition },
      { Principal: '*', Condition: { ...condition, Bool: { 'kms:GrantIsForAWSResource': 'true' } } },
    ]);
  });

  const exclusive = {
    'infinstor-onboarding': 'allowed',
    'infinstor-onboarding:exclusive': '111111111111/us-east-1/infinstor-onboarding-sandbox',
  };

  it('keeps the pattern for those who stay, and takes it away with the last one, if the key is its own', async () => {
    const keyArn = newKey(sandbox(), { tags: exclusive });
    for (const userName of ['pattern-1', 'pattern-2']) await onboard(sandbox(), requestWithKey(userName, keyArn));
    const written = policyOf(sandbox(), keyArn);
    expect(written.Statement).toHaveLength(3);
    await offboard(sandbox(), 'pattern-1');
    expect(policyOf(sandbox(), keyArn)).toEqual(written);
    await offboard(sandbox(), 'pattern-2');
    expect(policyOf(sandbox(), keyArn).Statement).toHaveLength(1);
  });

  it('leaves the pattern, on which another deployment’s roles may rely, with the last one, and says so', async () => {
    const keyArn = newKey(sandbox());
    await onboard(sandbox(), requestWithKey('pattern-3', keyArn));
    const written = policyOf(sandbox(), keyArn);
    const { output } = await offboard(sandbox(), 'pattern-3');
    expect(policyOf(sandbox(), keyArn)).toEqual(written);
    const pattern = 'arn:aws:iam::111111111111:role/RoleForInfinStorMlflowService-*';
    expect(output?.byHand).toContainEqual(
      expect.stringContaining(`Take ${pattern} out of the policy of key ${keyArn}`),
    );
  });

  const another = {
    ...exclusive,
    'infinstor-onboarding:exclusive': '111111111111/eu-west-1/infinstor-onboarding-sandbox',
  };

  it('refuses a key that its owner has marked as another deployment’s alone', async () => {
    const keyArn = newKey(sandbox(), { tags: another });
    const report = await onboard(sandbox(), requestWithKey(newName('not-ours'), keyArn));
    expect(report.error).toMatchObject({ name: 'KeyNotUsable', step: 'AcceptRequest' });
  });

  it('is kept by IAM from a key that is marked while the request is on its way', async () => {
    await withSandbox({ environment: { KEY_ACCESS: 'role-pattern' } }, async (given) => {
      const tags: Record<string, string> = { 'infinstor-onboarding': 'allowed' };
      const keyArn = newKey(given, { tags });
      const release = hold(given, 'infinstor', 'add_subscriber');
      const run = onboard(given, requestWithKey(newName('not-ours'), keyArn));
      await eventually(given, () => expect(given.faults.left()).toBe(0));
      Object.assign(tags, another);
      release();
      expect((await run).error).toMatchObject({ name: 'AccessDeniedException', step: 'PatchKeyPolicy' });
      expect(given.kms.policyWrites(keyArn)).toBe(0);
    });
  });
});
