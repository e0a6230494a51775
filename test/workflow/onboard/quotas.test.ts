import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { account } from '../../../sandbox/core/account.ts';
import { callApi } from '../../../tools/permissions/call-api.ts';
import { expectFailure, onboard, redrive, requestFor, useSandbox, withSandbox } from '../sandbox.ts';
import { callsOf, credentialsOf, fault, functionNameOf, newName, stackOf, subscribersNamed } from '../subscriber.ts';

const sandbox = useSandbox();
const acceptRequest = { functionName: functionNameOf('accept-request') };
const refused = { name: 'QuotaNearlyExhausted', step: 'AcceptRequest' };

const used = {
  roles: () => sandbox().iam.roles().length,
  stacks: () =>
    new Set(
      sandbox()
        .cloudFormation.descriptions()
        .flatMap((each) => ('StackId' in each && Object(each).StackStatus !== 'DELETE_COMPLETE' ? [each.StackId] : [])),
    ).size,
};
/** Lets so many more of a quota be made. */
const leave = (name: 'roles' | 'stacks', free: number) =>
  sandbox().accounts.quotas.set(name, account, used[name]() + free);

/** How many subscribers fit, by what `GET /quotas` says of a quota. */
async function roomBy(title: string): Promise<unknown> {
  const { body } = await callApi(sandbox(), 'GET', `/quotas?accountId=${account.accountId}&region=${account.region}`);
  const [{ quotas }]: [{ quotas: { name: string; subscribersThatFit: number }[] }] = Object(body).accounts;
  return quotas.find((each) => each.name === title)?.subscribersThatFit;
}

afterEach(() => {
  sandbox().faults.clear();
  sandbox().accounts.quotas.set('roles', account, 1_000);
  sandbox().accounts.quotas.set('stacks', account, 2_000);
});

describe('an account with too little left of a quota', () => {
  it.each([
    ['roles', 'IAM roles', 'L-FE177D64'],
    ['stacks', 'CloudFormation stacks', 'L-0485CB21'],
  ] as const)('of %s lets no subscriber be created', async (name, title, code) => {
    const userName = newName('refused');
    leave(name, 5);
    expect(await roomBy(title)).toBe(0);
    const report = await onboard(sandbox(), requestFor(userName));
    await expectFailure(sandbox(), report, refused);
    const numbers = `${title}: ${used[name]()} of ${used[name]() + 5} are used, an onboarding takes 1, and 5 must stay free`;
    for (const part of [numbers, `Account ${account.accountId} in us-east-1`, `quota ${code}`]) {
      expect(report.error?.message).toContain(part);
    }
    expect(subscribersNamed(sandbox(), userName)).toEqual([]);
    expect(stackOf(sandbox(), userName)).toBeUndefined();
    expect(sandbox().secretsManager.value(credentialsOf(userName))).toBeUndefined();
    // What AWS grants counts immediately: nothing of the refusal is kept.
    leave(name, 6);
    expect(await roomBy(title)).toBe(1);
    expect(await redrive(sandbox(), report)).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('is named by a plan', async () => {
    leave('roles', 0);
    const { status, body } = await callApi(sandbox(), 'POST', '/plans', { request: requestFor(newName('planned')) });
    expect(status).toBe(422);
    expect(JSON.stringify(body)).toContain('QuotaNearlyExhausted');
  });

  it('refuses nobody whose stack is there', async () => {
    const request = requestFor(newName('there'));
    await onboard(sandbox(), request);
    leave('roles', 0);
    leave('stacks', 0);
    expect(await onboard(sandbox(), request)).toMatchObject({ status: 'SUCCEEDED', output: { changed: [] } });
  });

  it('lets a stack be replaced that was rolled back, and counts', async () => {
    const request = requestFor(newName('replaced'));
    fault(sandbox(), 'infinstor:register:error=503');
    expect(await onboard(sandbox(), request)).toMatchObject({ error: { name: 'StackFailed' } });
    await sandbox().clock.quiet();
    leave('stacks', 0);
    expect(await onboard(sandbox(), request)).toMatchObject({ status: 'SUCCEEDED' });
  });
});

describe('a quota', () => {
  it.each(['iam:GetAccountSummary:error=AccessDenied:9', 'cloudformation:ListStacks:throttle:9'])(
    'that cannot be read because of %s refuses nobody, and is logged',
    async (text) => {
      leave(text.startsWith('iam') ? 'roles' : 'stacks', 0);
      sandbox().clock.advance(6 * 60_000);
      fault(sandbox(), text, acceptRequest);
      // With the last role, or the last stack, the onboarding fails where it is made.
      const report = await onboard(sandbox(), requestFor(newName('unread')));
      expect(report.error?.step).not.toBe('AcceptRequest');
      const log = readFileSync(join(sandbox().logFolder, `${acceptRequest.functionName}.log`), 'utf8');
      expect(log.split('of account 111111111111 in us-east-1: ').length).toBeGreaterThan(1);
    },
  );

  it('that leaves plenty is read again only after minutes', async () => {
    sandbox().clock.advance(6 * 60_000);
    const before = callsOf(sandbox(), 'DescribeAccountLimits');
    for (const _ of [1, 2]) await onboard(sandbox(), requestFor(newName('kept')));
    expect(callsOf(sandbox(), 'DescribeAccountLimits') - before).toBe(1);
    sandbox().clock.advance(6 * 60_000);
    await onboard(sandbox(), requestFor(newName('kept')));
    expect(callsOf(sandbox(), 'DescribeAccountLimits') - before).toBe(2);
  });

  it('is not looked at where the deployment says off', async () => {
    await withSandbox({ environment: { QUOTA_RESERVE: 'off' } }, async (given) => {
      expect(await onboard(given, requestFor('unasked'))).toMatchObject({ status: 'SUCCEEDED' });
      expect(callsOf(given, 'GetAccountSummary')).toBe(0);
    });
  });
});
