import { describe, expect, it } from 'vitest';
import { keyPolicies } from '../../../cli/commands/key-policies.ts';
import { quotas } from '../../../cli/commands/quotas.ts';
import { account } from '../../../sandbox/core/account.ts';
import { sessionFor } from '../../unit/cli/session.ts';
import { newKey, requestWithKey, useSandbox } from '../sandbox.ts';
import { newName, onboarded, roleArnOf } from '../subscriber.ts';

const sandbox = useSandbox();
const session = () => sessionFor(sandbox().endpoint);
const home = { accountId: account.accountId, region: account.region };

describe('the command quotas', () => {
  it('shows what there is in the account, and the keys that are in use', async () => {
    const keyArn = newKey(sandbox());
    await onboarded(sandbox(), requestWithKey(newName('quotas'), keyArn));
    const { document, text, status } = await quotas({ options: {} }, session());
    expect(document).toMatchObject({
      accounts: expect.arrayContaining([expect.objectContaining({ ...home, narrowest: expect.any(String) })]),
      keys: expect.arrayContaining([expect.objectContaining({ keyArn, freeBytes: expect.any(Number) })]),
      error: null,
    });
    expect(status).toBeUndefined();
    expect(text).toMatch(new RegExp(`Account ${home.accountId}, ${home.region}: room for \\d+ more subscribers\\n`));
    expect(text).toMatch(/IAM roles +\d+\/1000 +\d+ fit\n/);
    expect(text).toMatch(new RegExp(`  ${keyArn} +\\d+/32768  bytes  \\d+ fit\n`));
  });

  it('refuses what the deployment does not onboard into, with the place of the query', async () => {
    const refused = quotas({ options: { 'stack-region': 'sa-east-1' } }, session());
    await expect(refused).rejects.toMatchObject({
      name: 'InvalidRequest',
      errors: [expect.objectContaining({ pointer: '/region' })],
    });
    const wrong = quotas({ options: { account: '1' } }, session());
    await expect(wrong).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: expect.stringContaining('12 digits'),
    });
  });
});

it('the command key-policies shows the room on a key, who uses it, and its policy backups', async () => {
  const [keyArn, name] = [newKey(sandbox()), newName('room')];
  await onboarded(sandbox(), requestWithKey(name, keyArn));
  const { document, text } = await keyPolicies({ words: [keyArn], options: {} }, session());
  expect(document).toMatchObject({ room: { grants: [{ userName: name }], drift: [] }, policies: [{}] });
  expect(text).toContain(`${roleArnOf(name)} (${name}, applied)`);
  expect(text).toMatch(/Drift +none\n.*1 policy kept of/s);
});
