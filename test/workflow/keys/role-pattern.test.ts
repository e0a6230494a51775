import { afterEach, describe, expect, it } from 'vitest';
import { offboard } from '../offboard/offboarding.ts';
import { eventually, hold, newKey, onboard, requestWithKey, useSandbox } from '../sandbox.ts';
import { newName, policyOf } from '../subscriber.ts';

const sandbox = useSandbox({ environment: { KEY_ACCESS: 'role-pattern' } });

afterEach(() => sandbox().faults.clear());

describe('a deployment whose roles stand in key policies by a pattern', () => {
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

  it.each([
    ['a request', 'KeyNotUsable', 'AcceptRequest', false],
    [
      'a mark that comes while the request is on its way, which IAM refuses',
      'AccessDeniedException',
      'PatchKeyPolicy',
      true,
    ],
  ])('puts no role on a key that is another’s alone: %s', async (_, name, step, isLate) => {
    const owner = '111111111111/eu-west-1/infinstor-onboarding-sandbox';
    const tags: Record<string, string> = { ...exclusive, 'infinstor-onboarding:exclusive': owner };
    if (isLate) delete tags['infinstor-onboarding:exclusive'];
    const keyArn = newKey(sandbox(), { tags });
    const release = hold(sandbox(), 'infinstor', 'add_subscriber');
    const run = onboard(sandbox(), requestWithKey(newName('not-ours'), keyArn));
    if (isLate) {
      await eventually(sandbox(), () => expect(sandbox().faults.left()).toBe(0));
      tags['infinstor-onboarding:exclusive'] = owner;
    } else sandbox().faults.clear();
    release();
    expect((await run).error).toMatchObject({ name, step });
    expect(sandbox().kms.policyWrites(keyArn)).toBe(0);
  });
});
