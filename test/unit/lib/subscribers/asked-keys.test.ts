import { describe, expect, it } from 'vitest';
import { askedKeys, withAskedKeys } from '../../../../lib/subscribers/asked-keys.ts';

const execution = (operation: string, name: string) =>
  `arn:aws:states:us-east-1:111111111111:execution:infinstor-onboarding-test-${operation}:${name}`;
const attempt = (executionArn: string) => ({ executionArn, startedAt: '2026-01-01T12:00:00.000Z' });
const [first, second] = [execution('onboard-subscriber', 'a-1'), execution('onboard-subscriber', 'a-2')];
const later = ['update-subscriber', 'add-user', 'offboard-subscriber'].map((each) => attempt(execution(each, 'a-3')));
const record = { status: 'FAILED' as const, attempts: [attempt(first)], asked: { through: first, keyArns: ['k1'] } };

describe('the keys that were asked for', () => {
  it('are those of all onboardings, whatever has been done since', () => {
    expect(withAskedKeys(undefined, first, ['k1'])).toEqual({ asked: record.asked });
    expect(askedKeys({ ...record, attempts: [...record.attempts, ...later] })).toEqual(['k1']);
    expect(withAskedKeys(record, second, ['k2', 'k1'])).toEqual({ asked: { through: second, keyArns: ['k1', 'k2'] } });
    expect(withAskedKeys(record, first, ['k1'])).toEqual({ asked: record.asked });
  });

  it('begin anew when the subscriber was offboarded', () => {
    const offboarded = { status: 'OFFBOARDED' as const, attempts: [attempt(first)] };
    expect(withAskedKeys(offboarded, second, ['k2'])).toEqual({ asked: { through: second, keyArns: ['k2'] } });
    expect(withAskedKeys({ ...offboarded, asked: record.asked }, second, [])).toEqual({
      asked: { through: second, keyArns: [] },
    });
  });

  it.each([
    ['a version without them was the first', { status: 'ACTIVE' as const, attempts: [attempt(first)] }],
    ['one has accepted an onboarding since', { ...record, attempts: [attempt(first), attempt(second)] }],
    ['no attempt is known', { ...record, attempts: later }],
  ])('are not known when %s', (_, unknown) => {
    expect(askedKeys(unknown)).toBeUndefined();
    expect(withAskedKeys(unknown, execution('onboard-subscriber', 'a-9'), ['k9'])).toEqual({});
  });
});
