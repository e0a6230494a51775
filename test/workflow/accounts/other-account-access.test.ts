import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { account, otherAccount } from '../../../sandbox/core/account.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { accounts, forwardEvents, setUpOtherAccount } from '../../../tools/permissions/other-account.ts';
import {
  ended,
  eventually,
  expectFailure,
  hold,
  onboard,
  redrive,
  startOnboarding,
  statesOf,
  withSandbox,
} from '../sandbox.ts';
import { fault, stackOf } from '../subscriber.ts';
import { accountsPackage, requestIn, there, unheard, useOtherAccount } from './elsewhere.ts';

const sandbox = useOtherAccount();

describe('without the events of its stacks', () => {
  it('an account is asked every 30 seconds', async () => {
    await withSandbox({ ...accountsPackage(), environment: unheard }, async (given) => {
      await setUpOtherAccount(given);
      const report = await onboard(given, requestIn('polled', there));
      expect(report.status).toBe('SUCCEEDED');
      expect(statesOf(report).filter((state) => state === 'WaitForStack')).toHaveLength(2);
      expect(report.durationMs).toBeGreaterThanOrEqual(30_000);
      expect(report.durationMs).toBeLessThan(60_000);
    });
  });

  it('an account that is said to forward them is asked every 600 seconds, which a lost event costs', async () => {
    fault(sandbox(), 'events:StackStatusChange:lose:99');
    const report = await onboard(sandbox(), requestIn('lost-event', there));
    expect(report.status).toBe('SUCCEEDED');
    expect(report.durationMs).toBeGreaterThanOrEqual(600_000);
  });

  it.each([
    { regions: 'us-east-1', events: false, waits: 'every 30 seconds', least: 30_000 },
    { regions: 'us-east-1,eu-west-1', events: true, waits: 'for events where it forwards them', least: 0 },
  ])("another Region of the deployment's account is asked $waits", async ({ regions, events, least }) => {
    const environment = { STACK_REGIONS: 'us-east-1,eu-west-1', STACK_EVENT_REGIONS: regions };
    await withSandbox({ environment }, async (given) => {
      const home = { ...account, region: 'eu-west-1' };
      if (events) await forwardEvents(given, home);
      const report = await onboard(given, requestIn('region', home));
      expect(report.status).toBe('SUCCEEDED');
      expect(stackOf(given, 'region', home)?.status).toBe('CREATE_COMPLETE');
      expect(report.durationMs).toBeGreaterThanOrEqual(least);
      expect(report.durationMs).toBeLessThan(60_000);
      expect(statesOf(report).filter((state) => state === 'WaitForStack')).toHaveLength(events ? 1 : 2);
    });
  });

  it('of an account that may not send them nothing arrives', async () => {
    await withSandbox({}, async (given) => {
      await forwardEvents(given, there);
      given.world(there).events.publish({
        source: 'aws.cloudformation',
        'detail-type': 'CloudFormation Stack Status Change',
        detail: { 'stack-id': 'arn:aws:cloudformation:us-east-1:222222222222:stack/infinstor-subscriber-x/1' },
      });
      await given.clock.quiet();
      expect(given.events.published().filter((event) => event.account === otherAccount.accountId)).toEqual([]);
      expect(given.denials()).toMatchObject([{ action: 'events:PutEvents' }]);
    });
  });
});

describe('an account that lets nobody in', () => {
  const allowing = (given: Sandbox) => given.accounts.iam(otherAccount.accountId).role('infinstor-onboarding-access');

  it('is reported before anything is made, without the external id; a redrive goes on when it does', async () => {
    await withSandbox(accountsPackage(), async (given) => {
      await setUpOtherAccount(given, { ExternalId: 'another-external-id' });
      const report = await onboard(given, requestIn('kept-out', there));
      await expectFailure(given, report, { name: 'AccountNotAccessible', step: 'AcceptRequest' });
      expect(report.error?.message).toContain('arn:aws:iam::222222222222:role/infinstor-onboarding-access');
      expect(JSON.stringify([report, given.events.published()])).not.toContain('external-id');
      expect(given.infinstor.subscribers()).toEqual([]);
      const role = allowing(given);
      if (role === undefined) throw new Error('There is no role');
      role.assumeRolePolicyDocument = JSON.parse(
        JSON.stringify(role.assumeRolePolicyDocument).replace('another-external-id', 'sandbox-external-id'),
      );
      expect(await redrive(given, report)).toMatchObject({ status: 'SUCCEEDED' });
    });
  });

  it('after the subscriber is there is recorded, and a redrive goes on when it does again', async () => {
    await withSandbox(accountsPackage(), async (given) => {
      await setUpOtherAccount(given);
      const goOn = hold(given, 'infinstor', 'add_subscriber');
      const { executionArn } = await startOnboarding(given, requestIn('half-way', there));
      await eventually(given, () => expect(given.faults.left()).toBe(0));
      const role = allowing(given);
      if (role === undefined) throw new Error('There is no role');
      const iam = given.accounts.iam(otherAccount.accountId);
      iam.deleteRole(role.roleName);
      goOn();
      const report = await ended(given, executionArn);
      await expectFailure(given, report, { name: 'AccountNotAccessible', step: 'DeployStack' });
      iam.createRole({
        roleName: role.roleName,
        assumeRolePolicyDocument: role.assumeRolePolicyDocument,
        policies: [...role.policies].map(([name, document]) => ({ name, document })),
      });
      expect(await redrive(given, report)).toMatchObject({ status: 'SUCCEEDED' });
      expect(given.infinstor.subscribers()).toHaveLength(1);
    });
  });

  it("is not entered by other roles of the deployment's account, whatever they know", async () => {
    const { iam } = sandbox();
    const anyone = { Version: '2012-10-17', Statement: [] };
    const { arn } = iam.createRole({
      roleName: 'somebody-else',
      assumeRolePolicyDocument: anyone,
      policies: [
        {
          name: 'all',
          document: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] },
        },
      ],
    });
    const sts = new STSClient({ ...operatorAt(sandbox().endpoint), credentials: iam.credentials(arn, 'x') });
    await expect(
      sts.send(
        new AssumeRoleCommand({
          RoleArn: accounts[otherAccount.accountId]?.roleArn ?? '',
          RoleSessionName: 'intruder',
          ExternalId: accounts[otherAccount.accountId]?.externalId,
        }),
      ),
    ).rejects.toMatchObject({ name: 'AccessDenied' });
  });
});
