import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type AccountRegion, account, otherAccount } from '../../../sandbox/core/account.ts';
import { callApi } from '../../../tools/permissions/call-api.ts';
import {
  accounts,
  forwardEvents,
  hundredAccounts,
  setUpOtherAccount,
} from '../../../tools/permissions/other-account.ts';
import { isWhole } from '../../scope.ts';
import {
  ended,
  eventually,
  expectFailure,
  onboard,
  recordOf,
  redrive,
  requestFor,
  startOnboarding,
  useSandbox,
} from '../sandbox.ts';
import { fault, functionNameOf, newName, stackOf, subscribersNamed } from '../subscriber.ts';
import { abroad, accountsPackage, keyIn, there } from './elsewhere.ts';

const third = { accountId: '222222222223', region: 'us-east-1' };
const ACCOUNTS = JSON.stringify({ ...accounts, [third.accountId]: hundredAccounts[third.accountId] });
const sandbox = useSandbox({ ...accountsPackage(), environment: { ACCOUNTS } });
const planRequest = { functionName: functionNameOf('plan-request') };
const acceptRequest = { functionName: functionNameOf('accept-request') };

beforeAll(async () => {
  await setUpOtherAccount(sandbox());
  for (const home of [there, abroad]) await forwardEvents(sandbox(), home);
  const anything = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
  sandbox()
    .accounts.iam(third.accountId)
    .createRole({
      roleName: 'infinstor-onboarding-access',
      assumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account.accountId}:root` }, Action: 'sts:AssumeRole' },
        ],
      },
      policies: [{ name: 'anything', document: anything }],
    });
});
afterEach(() => sandbox().faults.clear());

/** Lets so many roles more be made in the deployment's account, the other one and the third one. */
function leave(own: number, other: number, ofThird: number): void {
  const free = new Map([
    [account.accountId, own],
    [otherAccount.accountId, other],
    [third.accountId, ofThird],
  ]);
  for (const [accountId, left] of free) {
    const { length } = sandbox().accounts.iam(accountId).roles();
    sandbox().accounts.quotas.set('roles', { accountId, region: 'us-east-1' }, length + left);
  }
  // Whatever is kept of a reading of plenty is over.
  sandbox().clock.advance(6 * 60_000);
}
const auto = (userName: string, stack: object = {}) => ({
  ...requestFor(userName),
  stack: { accountId: 'auto', ...stack },
});
async function homeOf(userName: string): Promise<AccountRegion | undefined> {
  const { accountId, region } = Object((await recordOf(sandbox(), userName))?.home?.M);
  return accountId === undefined ? undefined : { accountId: accountId.S, region: region.S };
}

describe('stack.accountId auto', () => {
  it('takes the account with the most room, and keeps it whatever room others have later', async () => {
    const userName = newName('auto');
    leave(50, 90, 70);
    const report = await onboard(sandbox(), auto(userName));
    expect(report.error).toBeNull();
    expect(stackOf(sandbox(), userName, there)?.status).toBe('CREATE_COMPLETE');
    expect(await homeOf(userName)).toEqual(there);
    leave(90, 7, 70);
    expect(await onboard(sandbox(), auto(userName))).toMatchObject({ status: 'SUCCEEDED', output: { changed: [] } });
    expect(await homeOf(userName)).toEqual(there);
    // Another subscriber has another home.
    const other = newName('auto');
    await onboard(sandbox(), auto(other));
    expect(await homeOf(other)).toMatchObject({ accountId: account.accountId });
  });

  it('is answered by a plan with the account', async () => {
    leave(50, 70, 90);
    const { status, body } = await callApi(sandbox(), 'POST', '/plans', { request: auto(newName('planned')) });
    expect({ status, stack: Object(body).stack }).toMatchObject({ status: 200, stack: { accountId: third.accountId } });
  });

  it('leaves an account out that cannot be read', async () => {
    leave(90, 50, 70);
    fault(sandbox(), 'iam:GetAccountSummary:error=AccessDenied', planRequest);
    const { body } = await callApi(sandbox(), 'POST', '/plans', { request: auto(newName('planned')) });
    const notChosen = /Account (\d+) in us-east-1 is not chosen/.exec(JSON.stringify(Object(body).warnings))?.[1];
    // Which one was asked first is not known.
    expect(notChosen).toBeDefined();
    expect(Object(body).stack.accountId).toBe(notChosen === account.accountId ? third.accountId : account.accountId);
  });

  it('takes an account of the Region that is named, and of one that nobody else has', async () => {
    leave(90, 50, 7);
    const [userName, again] = [newName('auto'), newName('auto')];
    expect(await onboard(sandbox(), auto(userName, { region: 'eu-west-1' }))).toMatchObject({ status: 'SUCCEEDED' });
    expect(await homeOf(userName)).toEqual(abroad);
    // A repeat that names no Region has that of the subscriber.
    expect(await onboard(sandbox(), auto(userName))).toMatchObject({ status: 'SUCCEEDED', output: { changed: [] } });
    const nowhere = await onboard(sandbox(), auto(again, { region: 'ap-south-1' }));
    await expectFailure(sandbox(), nowhere, { name: 'InvalidRequest', step: 'AcceptRequest' });
    expect(nowhere.error?.message).toContain('stack.region');
  });

  // Both are held by unit tests of the choice, too.
  it.each(isWhole ? ['the request'] : [])('takes the account that has the key of %s', async () => {
    leave(90, 50, 70);
    const userName = newName('auto');
    const tracking = { type: 'customer-managed', keyArn: keyIn(sandbox(), there) };
    expect(await onboard(sandbox(), { ...auto(userName), encryption: { tracking } })).toMatchObject({
      status: 'SUCCEEDED',
    });
    expect(await homeOf(userName)).toEqual(there);
  });

  it('refuses when the account with the most room has too little', async () => {
    leave(1, 5, 2);
    const report = await onboard(sandbox(), auto(newName('auto')));
    await expectFailure(sandbox(), report, { name: 'QuotaNearlyExhausted', step: 'AcceptRequest' });
    expect(report.error?.message).toContain(`Account ${otherAccount.accountId} in us-east-1`);
  });

  it.each(isWhole ? ['read'] : [])('fails when no account can be %s, and is redriven', async () => {
    leave(50, 90, 70);
    fault(sandbox(), 'iam:GetAccountSummary:error=AccessDenied:9', acceptRequest);
    const userName = newName('auto');
    const report = await onboard(sandbox(), auto(userName));
    expect(report.error).toMatchObject({ name: 'AccessDenied', step: 'AcceptRequest' });
    expect(await homeOf(userName)).toBeUndefined();
    sandbox().faults.clear();
    expect(await redrive(sandbox(), report)).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('decides anew when the function dies before the claim, as nothing is made', async () => {
    const userName = newName('auto');
    leave(50, 90, 70);
    fault(sandbox(), 's3:PutObject:kill:9', acceptRequest);
    const report = await onboard(sandbox(), auto(userName));
    expect(report.error).toMatchObject({ step: 'AcceptRequest' });
    sandbox().faults.clear();
    leave(90, 50, 70);
    expect(await redrive(sandbox(), report)).toMatchObject({ status: 'SUCCEEDED' });
    expectOneStack(userName, account);
    expect(await homeOf(userName)).toMatchObject({ accountId: account.accountId });
  });

  it('decides nothing anew when the function dies after the claim', async () => {
    const userName = newName('auto');
    leave(50, 90, 70);
    fault(sandbox(), 'dynamodb:UpdateItem:kill', acceptRequest);
    const { executionArn } = await startOnboarding(sandbox(), auto(userName));
    await eventually(sandbox(), async () => expect(await homeOf(userName)).toEqual(there));
    leave(90, 50, 70);
    expect(await ended(sandbox(), executionArn)).toMatchObject({ status: 'SUCCEEDED' });
    expectOneStack(userName, there);
    expect(await homeOf(userName)).toEqual(there);
  });
});

function expectOneStack(userName: string, { accountId }: AccountRegion): void {
  const stacks = [account, there].filter((home) => stackOf(sandbox(), userName, home) !== undefined);
  expect(stacks.map((home) => home.accountId)).toEqual([accountId]);
  expect(subscribersNamed(sandbox(), userName)).toHaveLength(1);
}
