import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { describe, expect, it } from 'vitest';
import { keyPolicies } from '../../../cli/commands/key-policies.ts';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { otherAccount } from '../../../sandbox/core/account.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { setUpOtherAccount } from '../../../tools/permissions/other-account.ts';
import { sessionFor } from '../../unit/cli/session.ts';
import { editPolicy, naming } from '../keys/key-policies.ts';
import { onboard, withSandbox } from '../sandbox.ts';
import { roleArnOf, rolesOn } from '../subscriber.ts';
import { abroad, accountsPackage, keyIn, requestWithKeys, there, unheard, useOtherAccount } from './elsewhere.ts';

const sandbox = useOtherAccount();
const hour = 60 * 60_000;

describe('a key there', () => {
  const backup = naming('Allow the backup team', `arn:aws:iam::${otherAccount.accountId}:user/operator`);

  /** Edits its policy, later than what was kept of it before, and lets everybody who hears of it work. */
  async function edit(keyArn: string, change: (statements: object[]) => object[]): Promise<void> {
    sandbox().clock.advance(2_000);
    await editPolicy(sandbox(), keyArn, change);
    await sandbox().clock.quiet();
  }
  const drifts = (given: Sandbox, keyArn: string) =>
    given.events
      .published()
      .filter((event) => event['detail-type'] === 'KeyPolicyDrift')
      .map(({ detail }) => detail)
      .filter((detail) => 'keyArn' in detail && detail.keyArn === keyArn);

  it('is watched: what an operator does to it is reported, and what the deployment does is not', async () => {
    const keyArn = keyIn(sandbox(), abroad);
    await onboard(sandbox(), requestWithKeys('watched', abroad, keyArn));
    sandbox().clock.advance(hour);
    await sandbox().clock.quiet();
    expect(drifts(sandbox(), keyArn)).toEqual([]);
    const items = await sandbox().dynamoDb.items(sandbox().registryTable);
    expect(items.filter(({ pk, eventId }) => pk?.S === `KEY#${keyArn}` && eventId !== undefined)).toEqual([]);
    await edit(keyArn, (statements) => statements.slice(0, 1));
    expect(drifts(sandbox(), keyArn)).toMatchObject([
      { missingRoles: [roleArnOf('watched', abroad)], by: `arn:aws:iam::${otherAccount.accountId}:user/operator` },
    ]);
  });

  it('is restored there', async () => {
    const keyArn = keyIn(sandbox(), there);
    await edit(keyArn, (statements) => [...statements, backup]);
    await onboard(sandbox(), requestWithKeys('restored', there, keyArn));
    await edit(keyArn, (statements) => statements.filter((each) => !('Sid' in each) || each.Sid !== backup.Sid));
    sandbox().clock.advance(2 * 60_000);
    const { document } = await keyPolicies({ words: [keyArn], options: {} }, sessionFor(sandbox().endpoint));
    const [first] = 'policies' in document && Array.isArray(document.policies) ? document.policies : [];
    const { FunctionError } = await new LambdaClient(operatorAt(sandbox().endpoint)).send(
      new InvokeCommand({
        FunctionName: 'infinstor-onboarding-sandbox-restore-key-policy',
        Payload: JSON.stringify({ keyArn, policyId: first.id }),
      }),
    );
    expect(FunctionError).toBeUndefined();
    expect(sandbox().world(there).kms.keyPolicy(keyArn).Statement).toContainEqual(backup);
    expect(rolesOn(sandbox(), keyArn)).toEqual([roleArnOf('restored', there)]);
  });

  it('is reported as out of reach when the account takes the role away', async () => {
    await withSandbox({ ...accountsPackage(), environment: unheard, schedules: true }, async (given) => {
      await setUpOtherAccount(given);
      const keyArn = keyIn(given, there);
      await onboard(given, requestWithKeys('cut-off', there, keyArn));
      given.accounts.iam(otherAccount.accountId).deleteRole('infinstor-onboarding-access');
      given.clock.advance(hour);
      await given.clock.quiet();
      expect(drifts(given, keyArn)).toMatchObject([
        { reason: { name: 'AccountNotAccessible', message: expect.stringContaining('infinstor-onboarding-access') } },
      ]);
    });
  });
});
