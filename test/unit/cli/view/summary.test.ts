import { describe, expect, it } from 'vitest';
import type { Report } from '../../../../cli/view/report.ts';
import { failureText, summaryText } from '../../../../cli/view/summary.ts';

const plain = (_: string, text: string) => text;
const keyArn = 'arn:aws:kms:us-east-1:111111111111:key/11111111-aaaa-4aaa-8aaa-111111111111';
const policy = (...principals: string[]) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { AWS: principals } }],
});
const error = { name: 'StackFailed', step: 'WaitForStack', message: 'the bucket exists', remedy: 'Remove the bucket.' };
const succeeded: Report = {
  status: 'SUCCEEDED',
  executionArn: 'the-execution',
  durationMs: 6200,
  transitions: 8,
  output: { userName: 'acme', stackId: 'the-stack', roleArn: 'the-role', keyArns: [keyArn] },
  error: null,
  keyPolicies: { [keyArn]: policy('a', 'b') },
  history: [],
};
const failed: Report = { ...succeeded, status: 'FAILED', output: null, error };
const before = new Map([[keyArn, policy('a')]]);

const acme = { operation: 'onboard-subscriber', userName: 'acme' } as const;

describe('summaryText', () => {
  it('tells subscriber, stack, role and how each key policy changed', () => {
    const text = summaryText(acme, succeeded, before, plain);
    expect(text).toContain('Onboarded acme in 6.2 s, 8 transitions.');
    for (const fact of [/Subscriber +acme/, /Stack +the-stack/, /Role +the-role/, /Execution +the-execution/])
      expect(text).toMatch(fact);
    expect(text).toContain(`Key policy of ${keyArn} (`);
    expect(text).toMatch(/^ {2}\+ +"b"$/m);
  });

  it('says so when a key policy did not change', () => {
    const text = summaryText(acme, succeeded, new Map([[keyArn, policy('b', 'a')]]), plain);
    expect(text).toContain(`Key policy of ${keyArn}: unchanged`);
  });

  it('says so when a key policy cannot be read', () => {
    const text = summaryText(acme, { ...succeeded, keyPolicies: {} }, before, plain);
    expect(text).toContain(`The key policy of ${keyArn} could not be read`);
  });

  it('says nothing of a key policy that nobody has read before', () => {
    expect(summaryText(acme, succeeded, new Map(), plain)).not.toContain(keyArn);
  });

  it('tells step, reason and remedy of a failure, and what it changed nevertheless', () => {
    const text = summaryText(acme, failed, before, plain);
    expect(text).toContain('Onboarding acme ended FAILED');
    expect(text).toMatch(/Step +WaitForStack\n +Reason +StackFailed: the bucket exists\n +Remedy +Remove the bucket\./);
    expect(text).toMatch(/^ {2}\+ +"b"$/m);
  });

  it('has no word for the keys of a failure that left them alone', () => {
    expect(summaryText(acme, { ...failed, keyPolicies: { [keyArn]: policy('a') } }, before, plain)).not.toContain(
      keyArn,
    );
  });
});

describe('failureText', () => {
  it('keeps the lines of a long message together', () => {
    expect(failureText({ ...error, message: 'two faults:\n- one\n' }, plain)).toContain(
      'two faults:\n              - one\n  Remedy',
    );
  });

  it('takes the control characters out of what others wrote', () => {
    expect(failureText({ ...error, message: '\u001b[2Jgone\r' }, plain)).toContain('StackFailed:  [2Jgone');
  });

  it('leaves out a step that there is not', () => {
    expect(failureText({ ...error, step: null }, plain)).not.toContain('Step');
  });
});
