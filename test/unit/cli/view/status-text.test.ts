import { describe, expect, it } from 'vitest';
import { statusText } from '../../../../cli/view/status-text.ts';
import { sessionFor } from '../session.ts';

const arn = (machine: string, name: string) => `arn:aws:states:us-east-1:111111111111:execution:x-${machine}:${name}`;
const executionArn = arn('onboard-subscriber', 'acme-1');
const active = {
  userName: 'acme',
  status: 'ACTIVE',
  operation: 'onboard-subscriber',
  executionArn,
  attempts: [
    {
      executionArn,
      operation: 'onboard-subscriber',
      startedAt: '2026-11-29T23:50:49.095Z',
      endedAt: '2026-11-29T23:50:51.680Z',
      status: 'SUCCEEDED',
    },
  ],
};
const failure = (name: string) => ({
  ...active,
  status: 'FAILED',
  error: { name, step: 'ObtainToken', message: 'refused', remedy: 'Mend it.' },
});
const painted = { paint: (style: string, text: string) => `<${style}>${text}</${style}>`, columns: undefined };
const plain = { ...painted, paint: (_: string, text: string) => text };
const at = sessionFor('http://sandbox.example:4566');

describe('statusText', () => {
  it('shows attempts with their time and duration', () => {
    expect(statusText(active, at, plain)).toContain(
      'One attempt, oldest first:\n  2026-11-29 23:50:49 UTC  onboard-subscriber succeeded after 2.6 s  (acme-1)\n',
    );
  });

  it.each([
    ['2026-11-30T00:10:00.000Z', '2026-11-30 00:10:00 UTC'],
    [undefined, 'its password is stored anew'],
  ])('says whose logins are paused until %s, and why', (until, end) => {
    const pausedLogins = [{ userName: 'root', reason: 'InfinStor refuses its tokens', ...(until && { until }) }];
    const text = statusText({ ...active, pausedLogins }, at, plain);
    expect(text).toMatch(new RegExp(`Paused +logins of root until ${end}: InfinStor refuses its tokens`));
    expect(statusText(active, at, plain)).not.toContain('Paused');
  });

  it.each([
    ['Cognito has refused its password', true],
    ['Its logins by password do not succeed', true],
    ['Three logins have failed within 16 minutes; no password is tried before', false],
    ['InfinStor refuses its tokens', false],
    ['Cognito has locked the user', false],
    ['a reason that is not known here', false],
  ])('says only where it is true that a new password is tried before: %s', (reason, isTried) => {
    const pausedLogins = [{ userName: 'root', reason, until: '2026-11-30T00:10:00.000Z' }];
    const text = statusText({ ...active, pausedLogins }, at, plain);
    expect(text).toContain(reason);
    expect(text.includes('a password that is stored anew is tried before')).toBe(isTried);
  });

  it('names step, reason, remedy and runbook of a failure', () => {
    const text = statusText(failure('LoginRejected'), at, plain);
    expect(text).toContain('\nacme: FAILED — onboard-subscriber failed in ObtainToken\n');
    expect(text).toMatch(
      /Reason +LoginRejected: refused\n +Remedy +Mend it\.\n +Runbook +docs\/runbook\.md#loginrejected\n/,
    );
  });

  it.each([
    ['LoginRejected', 'npm start -- redrive acme --endpoint http://sandbox.example:4566', 'npm start -- retry'],
    ['StackFailed', 'npm start -- retry acme', 'redrive'],
    ['UsersNotAdded', 'correct the request', 'npm start -- retry'],
  ])('advises what the remedy of %s says, and nothing against it', (name, advice, other) => {
    const text = statusText(failure(name), at, plain);
    expect(text).toContain(advice);
    expect(text).not.toContain(other);
  });

  it.each([
    ['ACTIVE', '<bold><green>acme: ACTIVE</green></bold>'],
    ['ONBOARDING', '<bold><yellow>acme: ONBOARDING</yellow></bold>'],
    ['OFFBOARDED', '<bold>acme: OFFBOARDED</bold>'],
    ['FAILED', '<bold><red>acme: FAILED</red></bold>'],
  ])('paints %s in its own way', (status, title) => {
    expect(statusText({ ...active, status }, at, painted)).toContain(title);
  });
});
