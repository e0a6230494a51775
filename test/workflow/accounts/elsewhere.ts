// Another account than the deployment's, and onboardings into it.

import { afterEach, beforeAll, inject } from 'vitest';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { type AccountRegion, otherAccount } from '../../../sandbox/core/account.ts';
import { accounts, forwardEvents, setUpOtherAccount } from '../../../tools/permissions/other-account.ts';
import { requestFor, useSandbox } from '../sandbox.ts';

const { accountId } = otherAccount;
export const there: AccountRegion = { accountId, region: 'us-east-1' };
export const abroad: AccountRegion = { accountId, region: 'eu-west-1' };

/** The other account, whose events do not reach the deployment. */
export const unheard = {
  ACCOUNTS: JSON.stringify({ [accountId]: { ...accounts[accountId], stackEvents: undefined } }),
};

/** The package of a deployment that may work in other accounts. */
export const accountsPackage = () => ({ packageFolder: inject('accountsPackageFolder') });

/** A sandbox for all tests of a file, whose deployment works in the other account and hears of its stacks. */
export function useOtherAccount(): () => Sandbox {
  const sandbox = useSandbox(accountsPackage());
  beforeAll(async () => {
    await setUpOtherAccount(sandbox());
    for (const home of [there, abroad]) await forwardEvents(sandbox(), home);
  });
  afterEach(() => {
    sandbox().faults.clear();
  });
  return sandbox;
}

let keys = 0;

/** A key there that may be used for onboarding. */
export function keyIn(sandbox: Sandbox, home: AccountRegion): string {
  keys += 1;
  const arn = `arn:aws:kms:${home.region}:${home.accountId}:key/77777777-aaaa-4aaa-8aaa-${String(keys).padStart(12, '0')}`;
  sandbox.world(home).kms.createKey({ arn, tags: { 'infinstor-onboarding': 'allowed' } });
  return arn;
}

export const requestIn = (userName: string, home: AccountRegion) => ({ ...requestFor(userName), stack: { ...home } });
export const requestWithKeys = (userName: string, home: AccountRegion, artifacts: string, tracking = artifacts) => ({
  ...requestIn(userName, home),
  encryption: {
    artifacts: { type: 'sse-kms-customer-managed', keyArn: artifacts },
    tracking: { type: 'customer-managed', keyArn: tracking },
  },
});
