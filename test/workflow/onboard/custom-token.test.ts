import * as v from 'valibot';
import { afterEach, describe, expect, it } from 'vitest';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { callApi } from '../api.ts';
import {
  expectFailure,
  expectOneOfEach,
  onboard,
  putSecret,
  recordOf,
  redrive,
  requestFor,
  useSandbox,
} from '../sandbox.ts';
import { credentialsOf, fault, onboarded, stackOf, supplyToken } from '../subscriber.ts';

const sandbox = useSandbox();

afterEach(() => sandbox().infinstor.vary({}));

const minute = 60_000;
const week = 7 * 24 * 60 * minute;

const statusOf = async (given: Sandbox, userName: string) =>
  (await callApi(given, 'GET', `/subscribers/${userName}`)).body;

/** An onboarding that has its custom token, and fails before it has a stack. */
async function withoutStack(given: Sandbox, userName: string) {
  fault(given, 'cloudformation:CreateStack:error=InsufficientCapabilitiesException');
  const report = await onboard(given, requestFor(userName));
  await expectFailure(given, report, { name: 'TemplateMismatch', step: 'DeployStack' });
  return report;
}

const expiring = { name: 'CustomTokenExpiring', step: 'DeployStack' };

describe('a custom token that ends', () => {
  it('is shown with its end, while the onboarding is not done and when it is, and in the record', async () => {
    const issuedAt = sandbox().clock.now();
    await withoutStack(sandbox(), 'shown');
    const kept = v.pipe(v.string(), v.parseJson(), v.object({ customTokenExpiresAt: v.string() }));
    const { customTokenExpiresAt } = v.parse(kept, sandbox().secretsManager.value(credentialsOf('shown')));
    expect(Math.abs(Date.parse(customTokenExpiresAt) - issuedAt - week)).toBeLessThan(10 * minute);
    expect(await statusOf(sandbox(), 'shown')).toMatchObject({ status: 'FAILED', customTokenExpiresAt });
    await onboarded(sandbox(), requestFor('shown'));
    expect(await statusOf(sandbox(), 'shown')).toMatchObject({ status: 'ACTIVE', customTokenExpiresAt });
    expect(await recordOf(sandbox(), 'shown')).toMatchObject({ customTokenExpiresAt: { S: customTokenExpiresAt } });
  });

  it.each(['redrive', 'repeat'] as const)(
    'soon, or has ended, is named before a stack is made, by a %s; another one converges',
    async (way) => {
      const userName = `soon-${way}`;
      const request = requestFor(userName);
      const failed = await withoutStack(sandbox(), userName);
      sandbox().clock.advance(week - 10 * minute);
      const again = () => (way === 'redrive' ? redrive(sandbox(), failed) : onboard(sandbox(), request));
      const soon = await again();
      await expectFailure(sandbox(), soon, expiring);
      expect(soon.error?.message).toContain('too soon to make a stack');
      sandbox().clock.advance(20 * minute);
      const late = await again();
      await expectFailure(sandbox(), late, expiring);
      expect(late.error?.message).toContain('has ended');
      expect(stackOf(sandbox(), userName)).toBeUndefined();

      // Read again from the vendor, it is another one.
      const given = { ...request, ...supplyToken(sandbox(), userName) };
      expectOneOfEach(sandbox(), await onboard(sandbox(), given), { userName, keyArns: [] });
      // When that one ends is not known.
      expect(await statusOf(sandbox(), userName)).not.toHaveProperty('customTokenExpiresAt');
    },
  );

  it('does not matter to a stack that is there', async () => {
    await onboarded(sandbox(), requestFor('there'));
    sandbox().clock.advance(2 * week);
    expect((await onboard(sandbox(), requestFor('there'))).output).toMatchObject({ changed: [] });
  });

  it('as who supplies it knows is kept and shown', async () => {
    const userName = 'supplied';
    await withoutStack(sandbox(), userName);
    const { customTokenSecretId } = supplyToken(sandbox(), userName);
    const expiry = Math.floor((sandbox().clock.now() + 5 * minute) / 1000);
    const customToken = sandbox().infinstor.customTokenOf(userName);
    await putSecret(sandbox(), customTokenSecretId, { customToken, expiry });
    const report = await onboard(sandbox(), { ...requestFor(userName), customTokenSecretId });
    await expectFailure(sandbox(), report, expiring);
    expect(await statusOf(sandbox(), userName)).toMatchObject({
      customTokenExpiresAt: new Date(expiry * 1000).toISOString(),
    });
  });

  it('is not taken from a duration in its place', async () => {
    sandbox().infinstor.vary({ tokenExpiry: 'duration' });
    await onboarded(sandbox(), requestFor('lasting'));
    expect(await statusOf(sandbox(), 'lasting')).not.toHaveProperty('customTokenExpiresAt');
  });

  it('where no answer says so is found by the stack that fails for it', async () => {
    sandbox().infinstor.vary({ tokenExpiry: 'absent' });
    await withoutStack(sandbox(), 'silent');
    sandbox().clock.advance(week);
    const report = await onboard(sandbox(), requestFor('silent'));
    await expectFailure(sandbox(), report, { name: 'StackFailed', step: 'WaitForStack' });
    expect(report.error?.message).toContain('Expired token');
  });
});

describe('a password that is refused when the user is there already', () => {
  it('leaves the outcome unknown, also for a repeat, and another one converges when InfinStor has deleted that user', async () => {
    sandbox().infinstor.vary({ passwordIsSet: 'afterwards' });
    const request = requestFor('half');
    const passwordSecretId = 'infinstor/sandbox/input/half/password';
    sandbox().secretsManager.createSecret(passwordSecretId, JSON.stringify({ password: 'weak-password-marker' }));
    const unknown = { name: 'SubscriberOutcomeUnknown', step: 'CreateSubscriber' };
    const report = await onboard(sandbox(), { ...request, passwordSecretId });
    await expectFailure(sandbox(), report, unknown);
    expect(report.error?.message).toContain('InvalidPasswordException) when calling the AdminSetUserPassword');
    // Not SubscriberExists: there is no custom token that anybody could supply.
    await expectFailure(sandbox(), await onboard(sandbox(), request), unknown);
    sandbox().cognito.deleteUser('half');
    sandbox().clock.advance(3 * minute);
    expectOneOfEach(sandbox(), await onboard(sandbox(), request), { userName: 'half', keyArns: [] });
  });
});

describe('an e-mail address that another user has', () => {
  it('is InvalidRequest, which names its field, and another one converges', async () => {
    sandbox().infinstor.vary({ emails: 'unique' });
    const withEmail = (userName: string, emailId: string) => ({ subscriber: { userName, emailId } });
    await onboarded(sandbox(), withEmail('first', 'taken@example.com'));
    const report = await onboard(sandbox(), withEmail('second', 'taken@example.com'));
    await expectFailure(sandbox(), report, { name: 'InvalidRequest', step: 'CreateSubscriber' });
    expect(report.error?.message).toMatch(/^subscriber\.emailId: InfinStor has another user with this e-mail address/);
    const corrected = withEmail('second', 'second@example.com');
    expectOneOfEach(sandbox(), await onboard(sandbox(), corrected), { userName: 'second', keyArns: [] });
  });
});
