// Errors of AWS that end an execution say what was called, on what, by whom and for how long it was tried.

import { afterEach, describe, expect, it } from 'vitest';
import { isOwnError } from '../../../cli/view/next-step.ts';
import { remedyFor } from '../../../lib/errors.ts';
import { fixtures } from '../../../sandbox/core/account.ts';
import { functionCalls } from '../../../scripts/function-calls.ts';
import { casesInScope } from '../../scope.ts';
import { packagedMachine } from '../machines/packaged-machine.ts';
import { expectFailure, newKey, onboard, requestFor, requestWithKey, useSandbox } from '../sandbox.ts';
import { credentialsOf, endSession, fault, functionNameOf, newName, onboarded } from '../subscriber.ts';

const sandbox = useSandbox();
const { lambdaFails } = packagedMachine('OnboardSubscriber');

afterEach(() => {
  sandbox().faults.clear();
});

describe('a call that AWS throttles', () => {
  it.each([
    [
      'dynamodb:UpdateItem:throttle',
      'accept-request',
      'AcceptRequest',
      'ThrottlingException',
      'dynamodb:UpdateItem on infinstor-onboarding-sandbox-registry: Rate exceeded',
    ],
    [
      'cloudformation:DescribeStacks:throttle',
      'deploy-stack',
      'DeployStack',
      'Throttling',
      'cloudformation:DescribeStacks on infinstor-subscriber-sandbox-',
    ],
    [
      'iam:GetRole:throttle',
      'read-role-arn',
      'ReadRoleArn',
      'Throttling',
      'iam:GetRole on RoleForInfinStorMlflowService-',
    ],
  ])('says which it was, and for how long it was tried: %s', async (text, by, step, name, start) => {
    // What the function says each time is the same: only the last of the state's tries reaches it.
    sandbox().faults.add(lambdaFails(step, name, 30));
    fault(sandbox(), `${text}:3`, { functionName: functionNameOf(by) });
    const report = await onboard(sandbox(), requestFor(newName('throttled')));
    await expectFailure(sandbox(), report, { name, step });
    expect(report.error?.message).toContain(start);
    expect(report.error?.message).toMatch(/\(tried 3 times, with \d+\.\d s of pauses, by the function\)/);
    expect(report.error?.message).toMatch(/; the state machine has tried it 31 times in \d+ min$/);
    expect(report.error?.remedy).toBe(remedyFor('ThrottlingException'));
  });
});

describe('a secret that cannot be decrypted', () => {
  /** Puts a secret under a key that nobody lets the functions use. */
  function encrypt(secretId: string): string {
    const { secretsManager } = sandbox();
    const keyArn = newKey(sandbox());
    const value = secretsManager.value(secretId);
    secretsManager.deleteSecret(secretId);
    secretsManager.createSecret(secretId, value, {}, keyArn);
    return keyArn;
  }

  const said = (secretId: string, step: string, keyArn: string) =>
    `Secret ${secretId} cannot be read: the role of function ${functionNameOf(step)} may not use its KMS key ${keyArn}, or that is disabled or to be deleted (AccessDeniedException: Access to KMS is not allowed)`;

  it('is named with its key and whose role may not use it: the credentials, when an onboarding is repeated', async () => {
    const request = requestFor(newName('undecryptable'));
    await onboarded(sandbox(), request);
    const secretId = credentialsOf(request.subscriber.userName);
    const keyArn = encrypt(secretId);
    const report = await onboard(sandbox(), request);
    await expectFailure(sandbox(), report, { name: 'SecretNotReadable', step: 'AcceptRequest' });
    expect(report.error?.message).toBe(said(secretId, 'accept-request', keyArn));
  });

  it("is named so of the superadmin's", async () => {
    const { secretId } = fixtures.superadmin;
    await endSession(sandbox());
    const keyArn = encrypt(secretId);
    const report = await onboard(sandbox(), requestFor(newName('undecryptable')));
    await expectFailure(sandbox(), report, { name: 'SecretNotReadable', step: 'ObtainToken' });
    expect(report.error?.message).toBe(said(secretId, 'obtain-token', keyArn));
    // For the tests after it.
    const value = sandbox().secretsManager.value(secretId);
    sandbox().secretsManager.deleteSecret(secretId);
    sandbox().secretsManager.createSecret(secretId, value);
  });
});

/** The calls of each step of an onboarding that a client of AWS makes. */
const steps = [
  'accept-request',
  'obtain-token',
  'create-subscriber',
  'deploy-stack',
  'await-stack',
  'read-role-arn',
  'patch-key-policy',
  'verify-subscriber',
  'complete-onboarding',
];
const refusals = steps.flatMap((by) => {
  const { calls = {}, loops = {} } = functionCalls[by] ?? {};
  return (
    [...Object.keys(calls), ...Object.keys(loops)]
      // Neither is asked of IAM, nor what AWS denies nobody (API reference, GetCallerIdentity).
      .filter((call) => !/^(infinstor|cognito):|^sts:GetCallerIdentity$/.test(call))
      .map((call) => ({ by, call }))
  );
});
// The usual run has one of each service.
const usual = new Map(refusals.map((each) => [each.call.split(':')[0], each]));

const times = 9999;
/** What an onboarding can do without: where `verify` only warns, it is reported that nothing could be verified. */
const dispensable: ReadonlySet<string> = new Set(['verify-subscriber secretsmanager:GetSecretValue']);

describe('a call that is refused without more words', () => {
  it.each(casesInScope(refusals, [...usual.values()]))(
    'of $by says itself what was refused: $call',
    async ({ by, call }) => {
      // A secret takes about a hundred versions a day, and each login stores one.
      sandbox().clock.advance(60 * 60_000);
      await endSession(sandbox());
      const keyArn = newKey(sandbox());
      fault(sandbox(), `${call}:error=AccessDeniedException:${times}`, {
        functionName: functionNameOf(by),
        fault: { kind: 'error', name: 'AccessDeniedException', message: 'Access Denied' },
      });
      const report = await onboard(sandbox(), requestWithKey(newName('refused'), keyArn));
      if (report.error === null) {
        // It succeeds only where it has not made the call, or can do without it.
        const failed = times - sandbox().faults.left();
        expect(failed === 0 || dispensable.has(`${by} ${call}`), `${call} has failed ${failed} times`).toBe(true);
        return;
      }
      const { name, message, remedy } = report.error;
      const own = message.includes(call) && message.includes(functionNameOf(by));
      expect(isOwnError(name) || own, `${name}: ${message}`).toBe(true);
      expect(message.length).toBeGreaterThan('Access Denied'.length);
      expect(remedy).not.toMatch(/log/);
    },
  );
});
