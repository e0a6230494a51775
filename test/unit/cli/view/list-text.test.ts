import { describe, expect, it } from 'vitest';
import type { ListedSubscriber } from '../../../../cli/aws/subscribers.ts';
import { listText } from '../../../../cli/view/list-text.ts';

const subscriber = (userName: string, more: Partial<ListedSubscriber> = {}): ListedSubscriber => ({
  userName,
  status: 'ACTIVE',
  operation: 'onboard-subscriber',
  accountId: '111111111111',
  region: 'us-east-1',
  updatedAt: '2026-11-29T23:50:49.000Z',
  executionArn: `arn:aws:states:us-east-1:111111111111:execution:infinstor-onboarding-prod-onboard-subscriber:${userName}-1`,
  keyArns: ['arn:aws:kms:us-east-1:111111111111:key/11111111-aaaa-4aaa-8aaa-111111111111'],
  users: 3,
  ...more,
});
const all = [
  subscriber('acme'),
  subscriber('globex-of-the-european-union-corp1', {
    status: 'FAILED',
    operation: 'offboard-subscriber',
    error: { name: 'StackNeedsAttention', step: 'DeleteStack' },
  }),
];
const paint = (_style: string, text: string) => text;
const at = (columns: number | undefined) => listText(all, false, { paint, columns }).split('\n');

describe('a list of subscribers', () => {
  it('has name and status, and as much as there is room for of the reason, in 60 columns', () => {
    expect(at(60)).toEqual(
      [
        'NAME                                STATUS',
        'acme                                ACTIVE',
        'globex-of-the-european-union-corp1  FAILED  StackNeedsAtten…',
        '',
        '2 subscribers',
        '',
      ].map((line, place) => (place === 0 ? `${line}  REASON` : line)),
    );
  });

  it('has the whole reason and the time in 100 columns', () => {
    const lines = at(100);
    expect(lines[0]).toBe('NAME                                STATUS  UPDATED (UTC)     REASON');
    expect(lines[2]).toBe(
      'globex-of-the-european-union-corp1  FAILED  2026-11-29 23:50  StackNeedsAttention in DeleteStack',
    );
  });

  it('has everything in 200 columns, as in a pipe', () => {
    expect(at(200)).toEqual(at(undefined));
    expect(at(200)[0]).toMatch(/REASON +OPERATION +ACCOUNT +REGION +KEYS +USERS +EXECUTION$/);
  });

  it('has no column of reasons where nothing has failed', () => {
    expect(listText([subscriber('acme')], false, { paint, columns: undefined })).not.toContain('REASON');
  });

  it('says that there are more, and that there are none', () => {
    expect(listText([subscriber('acme')], true, { paint, columns: 60 })).toContain('1 subscriber; there are more');
    expect(listText([], false, { paint, columns: 60 })).toBe('No subscribers.\n');
  });
});
