import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
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
  withSandbox,
} from '../sandbox.ts';
import { credentialsOf, fault, onboarded, stackOf, supplyToken } from '../subscriber.ts';

const sandbox = useSandbox();
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

  it('is not taken from a duration in its place', () =>
    withSandbox({ infinstor: { tokenExpiry: 'duration' } }, async (given) => {
      await onboarded(given, requestFor('lasting'));
      expect(await statusOf(given, 'lasting')).not.toHaveProperty('customTokenExpiresAt');
    }));

  it('where no answer says so is found by the stack that fails for it', () =>
    withSandbox({ infinstor: { tokenExpiry: 'absent' } }, async (given) => {
      await withoutStack(given, 'silent');
      given.clock.advance(week);
      const report = await onboard(given, requestFor('silent'));
      await expectFailure(given, report, { name: 'StackFailed', step: 'WaitForStack' });
      expect(report.error?.message).toContain('Expired token');
    }));
});

describe('a password that is refused when the user is there already', () => {
  it('leaves the outcome unknown, also for a repeat, and another one converges when InfinStor has deleted that user', () =>
    withSandbox({ infinstor: { passwordIsSet: 'afterwards' } }, async (given) => {
      const request = requestFor('half');
      const passwordSecretId = 'infinstor/sandbox/input/half/password';
      given.secretsManager.createSecret(passwordSecretId, JSON.stringify({ password: 'weak-password-marker' }));
      const unknown = { name: 'SubscriberOutcomeUnknown', step: 'CreateSubscriber' };
      const report = await onboard(given, { ...request, passwordSecretId });
      await expectFailure(given, report, unknown);
      expect(report.error?.message).toContain('InvalidPasswordException) when calling the AdminSetUserPassword');
      // Not SubscriberExists: there is no custom token that anybody could supply.
      await expectFailure(given, await onboard(given, request), unknown);
      given.cognito.deleteUser('half');
      given.clock.advance(3 * minute);
      expectOneOfEach(given, await onboard(given, request), { userName: 'half', keyArns: [] });
    }));
});

describe('an e-mail address that another user has', () => {
  it('is InvalidRequest, which names its field, and another one converges', () =>
    withSandbox({ infinstor: { emails: 'unique' } }, async (given) => {
      const first = requestFor('first');
      await onboarded(given, first);
      const report = await onboard(given, requestFor('second'));
      await expectFailure(given, report, { name: 'InvalidRequest', step: 'CreateSubscriber' });
      expect(report.error?.message).toMatch(
        /^subscriber\.emailId: InfinStor has another user with this e-mail address/,
      );
      const corrected = { subscriber: { userName: 'second', emailId: 'second@example.com' } };
      expectOneOfEach(given, await onboard(given, corrected), { userName: 'second', keyArns: [] });
    }));
});
