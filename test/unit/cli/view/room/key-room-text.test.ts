import { describe, expect, it } from 'vitest';
import { keyRoomText } from '../../../../../cli/view/room/key-room-text.ts';

const paint = (_: string, text: string) => text;
const keyArn = 'arn:aws:kms:us-east-1:111111111111:key/11111111-aaaa-4aaa-8aaa-111111111111';
const roleArn = (name: string) => `arn:aws:iam::111111111111:role/RoleForInfinStorMlflowService-${name}`;
const room = {
  policyBytes: 16_000,
  limitBytes: 32_768,
  reservedBytes: 384,
  freeBytes: 16_384,
  subscribersThatFit: 98,
  grants: [{ userName: 'acme', roleArn: roleArn('acme'), state: 'applied' }, { roleArn: roleArn('foreign') }],
  drift: [],
};
const at = (columns: number | undefined, more: Partial<typeof room> | object = {}) =>
  keyRoomText(keyArn, { ...room, ...more }, { paint, columns });

describe('the room on a key', () => {
  it.each([60, 100, 200])('is a bar that fits into %i columns', (columns) => {
    const lines = at(columns).split('\n');
    const figures = lines.find((line) => line.includes('16384/32768'));
    expect(lines.filter((line) => [...line].length > columns && !line.includes('arn:'))).toEqual([]);
    expect(figures).toMatch(/^ {2}▇{10,}·{10,} {2}16384\/32768 {2}bytes$/);
    expect(lines.join('\n')).toMatch(/Reserved +384 bytes of these, for/);
  });

  it('has who may use the key, and the drift', () => {
    const text = at(undefined);
    expect(text).not.toContain('▇');
    expect(text).toMatch(/Room +for 98 more subscribers at least\n/);
    expect(text).toContain(`${roleArn('acme')} (acme, applied)`);
    expect(text).toContain(`${roleArn('foreign')} (only in the policy)`);
    expect(text).toMatch(/Drift +none\n/);
  });

  it('says of what is reserved what for, and until when', () => {
    expect(at(undefined, { reservedBytes: 4 })).toMatch(
      /Reserved +4 bytes of these, for roles that onboardings will add to the policy: of those that run, and for about a day of those that failed\n/,
    );
    expect(at(undefined, { reservedBytes: 0 })).not.toContain('Reserved');
  });

  it.each([
    ['withdrawn', [], /Withdrawn +\S+-gone \(gone, may not use the key any more; the policy does not name it\)\n/],
    ['withdrawn', ['Allow'], /Withdrawn +\S+-gone \(gone, is to lose its access; the policy still names it\)\n/],
    ['orphaned', [], /Role gone +\S+-gone \(gone, the policy does not name it\)\n/],
    ['orphaned', ['Allow'], /Role gone +\S+-gone \(gone, the policy still names it\)\n/],
  ])('does not count who may use the key no more among those who may: %s, in %j', (state, statements, expected) => {
    const text = at(undefined, { grants: [{ userName: 'gone', roleArn: roleArn('gone'), state, statements }] });
    expect(text).toMatch(expected);
    expect(text).not.toMatch(/^ *Grant /m);
  });

  it.each([
    [null, 'for any number of subscribers'],
    [0, 'for no further subscriber'],
    [1, 'for 1 more subscriber at least\n'],
  ])('of %s says so', (subscribersThatFit, expected) => {
    expect(at(undefined, { subscribersThatFit })).toContain(expected);
  });

  it('names each difference, or why they are not known', () => {
    const drift = [
      { kind: 'missingRole', name: roleArn('acme') },
      { kind: 'reason', name: 'DisabledException', message: 'the key is disabled' },
    ];
    const text = at(undefined, { drift });
    expect(text).toContain(`a role that should be there is not: ${roleArn('acme')}`);
    expect(text).toContain('the policy is not as it should be: DisabledException: the key is disabled');
    expect(at(undefined, { drift: null, driftUnknown: 'It is being changed' })).toMatch(/Drift +It is being changed\n/);
  });

  it('has the first grants of many', () => {
    const grants = Array.from({ length: 23 }, (_, place) => ({ roleArn: roleArn(`s${place}`), state: 'applied' }));
    expect(at(undefined, { grants })).toMatch(/s19.*\n +Grants +and 3 more; --json has all\n/);
  });

  it('has no bar of a policy that cannot be read', () => {
    const unread = { policyBytes: null, limitBytes: null, reservedBytes: null, freeBytes: null, subscribersThatFit: 0 };
    expect(at(100, unread)).not.toMatch(/[▇?]/);
  });

  it('is the reason where it cannot be read, and nothing where nobody knows it', () => {
    const error = { name: 'KeyPolicyBusy', message: 'asked too often', remedy: 'Ask again.' };
    expect(keyRoomText(keyArn, { error }, { paint, columns: 100 })).toMatch(/Not read +KeyPolicyBusy: asked too often/);
    expect(keyRoomText(keyArn, null, { paint, columns: 100 })).toBe('');
  });
});
