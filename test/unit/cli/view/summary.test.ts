import { describe, expect, it } from 'vitest';
import type { Report } from '../../../../cli/view/report.ts';
import { failureText, nextCommand, summaryText } from '../../../../cli/view/summary.ts';
import { sessionFor } from '../session.ts';

const plain = { paint: (_: string, text: string) => text, columns: undefined };
const keyArn = 'arn:aws:kms:us-east-1:111111111111:key/11111111-aaaa-4aaa-8aaa-111111111111';
const role = 'arn:aws:iam::111111111111:role/role-acme';
const policy = (...principals: string[]) => ({
  Version: '2012-10-17',
  Statement: [{ Sid: 'Use', Effect: 'Allow', Principal: { AWS: principals } }],
});
const error = { name: 'StackFailed', step: 'WaitForStack', message: 'the bucket exists', remedy: 'Remove the bucket.' };
const succeeded: Report = {
  status: 'SUCCEEDED',
  executionArn: 'the-execution',
  durationMs: 6200,
  transitions: 8,
  output: { userName: 'acme', stackId: 'the-stack', roleArn: role, keyArns: [keyArn] },
  credentialsSecretId: 'the-secret',
  error: null,
  keyPolicies: { [keyArn]: policy('a', role) },
  history: [],
};
const failed: Report = { ...succeeded, status: 'FAILED', output: null, error };
const before = new Map([[keyArn, policy('a')]]);
const endpoint = 'http://sandbox.example:4566';

const throwAway = sessionFor({ kind: 'sandbox' });
const acme = { operation: 'onboard-subscriber', userName: 'acme', at: throwAway } as const;

describe('summaryText', () => {
  it('ends with the verdict: secret, stack, role, keys and what comes next', () => {
    expect(summaryText({ ...acme, at: sessionFor(endpoint) }, succeeded, before, plain)).toBe(`
Key policy of ${keyArn}:
  + statement "Use": role role-acme

✔ Onboarded acme in 6.2 s
  Credentials  the-secret
               aws secretsmanager get-secret-value --endpoint-url ${endpoint} --secret-id the-secret
  Stack        the-stack
  Role         ${role}
  Keys         1 key policy changed (--diff shows the whole difference)
  Execution    the-execution
  Next         npm start -- status acme --endpoint ${endpoint}
`);
  });

  it('says in its verdict and in its last line that a sandbox was a throw-away one', () => {
    const text = summaryText(acme, succeeded, before, plain, { logFolder: 'the-logs' });
    expect(text).toContain('\n✔ Onboarded acme (sandbox) in 6.2 s\n  Credentials  the-secret\n  Stack');
    expect(text).toMatch(/\n {2}Logs +the-logs\n {2}Next +This throw-away sandbox has ended.*\n$/);
  });

  it('shows the whole difference of a key policy only when it is asked for', () => {
    const text = summaryText(acme, succeeded, before, plain, { diff: true });
    expect(text).toContain(`Key policy of ${keyArn} (`);
    expect(text).toMatch(/^ {2}\+ +"arn:aws:iam::111111111111:role\/role-acme"$/m);
    expect(text).not.toContain('--diff');
    expect(summaryText(acme, succeeded, before, plain)).not.toMatch(/^ {2}\+ +"/m);
  });

  it('names faults that did not happen', () => {
    expect(summaryText(acme, succeeded, before, plain, { faultsLeft: 2 })).toMatch(/Faults +2 faults did not happen/);
    expect(summaryText(acme, succeeded, before, plain, { faultsLeft: 0 })).not.toContain('Faults');
  });

  it.each([
    ['by its key policies, which named the role before', succeeded.output],
    ['by its output', { userName: 'acme', changed: false }],
    ['by its users', { userName: 'acme', users: [{ userName: 'alice', outcome: 'exists' }] }],
  ])('says that nothing changed %s', (_, output) => {
    const text = summaryText(acme, { ...succeeded, output }, new Map([[keyArn, policy(role, 'a')]]), plain);
    expect(text).toContain('✔ Onboarded acme (sandbox) in 6.2 s: nothing changed\n');
    expect(text).toMatch(/Keys +1 key policy unchanged\n/);
  });

  it.each([
    ['a key policy changed', succeeded, before],
    ['the policy before is not known', succeeded, new Map()],
    ['there is no key', { ...succeeded, output: { userName: 'acme', roleArn: role, keyArns: [] } }, new Map()],
    ['an update changed something', { ...succeeded, output: { userName: 'acme', changed: ['emailId'] } }, new Map()],
    ['the output says so', { ...succeeded, output: { userName: 'acme', changed: true } }, new Map()],
    ['it failed', failed, before],
  ])('does not say that nothing changed when %s', (_, report, policies) => {
    expect(summaryText(acme, report, policies, plain)).not.toContain('nothing changed');
  });

  it('says so when a key policy cannot be read', () => {
    const text = summaryText(acme, { ...succeeded, keyPolicies: {} }, before, plain);
    expect(text).toContain(`The key policy of ${keyArn} could not be read`);
    expect(text).toMatch(/Keys +1 key policy could not be read\n/);
  });

  it('says nothing of a key policy that was not read before', () => {
    const text = summaryText(acme, { ...succeeded, output: { userName: 'acme' } }, new Map(), plain);
    expect(text).not.toContain(keyArn);
    expect(text).not.toContain('Keys');
  });

  it('shows step, reason, remedy and runbook of a failure, and what it changed nevertheless', () => {
    const text = summaryText({ ...acme, at: sessionFor(endpoint) }, failed, before, plain);
    expect(text).toContain('\n✖ Onboarding acme failed in 6.2 s\n');
    expect(text).toMatch(
      /Step +WaitForStack\n +Reason +StackFailed: the bucket exists\n +Remedy +Remove the bucket\.\n +Runbook +docs\/runbook\.md#stackfailed\n/,
    );
    expect(text).toMatch(/Next +npm start -- retry acme --endpoint/);
    expect(text).toMatch(/^ {2}\+ statement "Use": role role-acme$/m);
    expect(text).not.toContain('Credentials');
  });

  it('has no word for the keys of a failure that left them alone', () => {
    const text = summaryText(acme, { ...failed, keyPolicies: { [keyArn]: policy('a') } }, before, plain);
    expect(text).not.toContain(keyArn);
    expect(text).not.toContain('Keys');
  });
});

describe('nextCommand', () => {
  const what = { userName: 'acme', executionArn: 'the-execution' };

  it.each([
    ['LoginRejected', `npm start -- redrive acme --endpoint ${endpoint}`],
    ['StackFailed', `npm start -- retry acme --endpoint ${endpoint}`],
    ['UsersNotAdded', 'correct the request as the remedy says, and send its file again'],
  ])('agrees with the remedy of %s', (name, expected) => {
    expect(nextCommand({ name }, what, sessionFor(endpoint))).toBe(expected);
  });

  it.each(['AcceptRequest', 'AcceptUpdate', 'AcceptUsers', 'AcceptOffboarding'])(
    'sends the file again after a refusal in %s, which records no attempt',
    (step) => {
      expect(nextCommand({ name: 'KeyNotUsable', step }, what, sessionFor(endpoint))).toBe(
        'send its file again, when the remedy is done',
      );
      expect(nextCommand({ name: 'AccountNotAccessible', step }, what, sessionFor(endpoint))).toContain(
        'redrive the-execution',
      );
    },
  );
});

describe('failureText', () => {
  it('keeps the lines of a long message together', () => {
    expect(failureText({ ...error, message: 'two faults:\n- one\n' }, plain)).toContain(
      'two faults:\n               - one\n  Remedy',
    );
  });

  it('wraps between words, with a hanging indent, and leaves what is longer whole', () => {
    const message = `${keyArn} cannot be used in this account`;
    const text = failureText({ ...error, message }, { ...plain, columns: 40 });
    expect(text).toContain(`  Reason       StackFailed:
               ${keyArn}
               cannot be used in this
               account
  Remedy       Remove the bucket.`);
  });

  it('takes the control characters out of what others wrote', () => {
    expect(failureText({ ...error, message: '\u001b[2Jgone\r' }, plain)).toContain('StackFailed:  [2Jgone');
  });

  it('leaves out a step that there is not', () => {
    expect(failureText({ ...error, step: null }, plain)).not.toContain('Step');
  });

  it.each([
    ['an error of the command itself', { ...error, name: 'EndpointUnreachable', step: null }],
    ['a request that the command refuses', { ...error, name: 'InvalidRequest', step: null }],
  ])('has no section of the runbook for %s', (_, failure) => {
    expect(failureText(failure, plain)).not.toContain('Runbook');
  });
});
