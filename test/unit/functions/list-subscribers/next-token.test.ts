import { describe, expect, it } from 'vitest';
import { readToken, tokenFor } from '../../../../functions/list-subscribers/next-token.ts';
import { parseListQuery } from '../../../../functions/list-subscribers/query.ts';

const now = new Date('2026-01-01T12:00:00.000Z');
const hoursLater = (hours: number) => new Date(now.getTime() + hours * 60 * 60_000);
const list = (parameters: Record<string, string> = {}, tableName = 'registry') => ({
  tableName,
  filters: parseListQuery(parameters).filters,
});
const after = 'SUBSCRIBER#acme';
const token = tokenFor(list({ status: 'ACTIVE' }), after, now);
const encoded = (content: unknown) => Buffer.from(JSON.stringify(content)).toString('base64url');
const [version, at, , made]: unknown[] = JSON.parse(Buffer.from(token, 'base64url').toString());

describe('a nextToken', () => {
  it('is read in a list with the same filters, for a day', () => {
    expect(readToken(list({ status: 'ACTIVE' }), token, now)).toBe(after);
    expect(readToken(list({ status: 'ACTIVE' }), token, hoursLater(24))).toBe(after);
    expect(readToken(list({ limit: '3', status: 'ACTIVE' }), token, now)).toBe(after);
  });

  it('is the same for the same time in other words', () => {
    const made = tokenFor(list({ updatedAfter: '2026-01-01T00:00Z' }), after, now);
    expect(readToken(list({ updatedAfter: '2026-01-01T00:00:00.000Z' }), made, now)).toBe(after);
  });

  it.each<[string, ReturnType<typeof list>, string, Date?]>([
    ['of another status', list({ status: 'FAILED' }), token],
    ['of other filters', list({ status: 'ACTIVE', account: '111111111111' }), token],
    ['of a list without filters', list(), token],
    ['of another deployment', list({ status: 'ACTIVE' }, 'other'), token],
    ['of yesterday', list({ status: 'ACTIVE' }), token, hoursLater(24.01)],
    ['of tomorrow', list({ status: 'ACTIVE' }), token, hoursLater(-24)],
    ['of another version', list({ status: 'ACTIVE' }), encoded([2, at, after, made])],
    ['with another place', list({ status: 'ACTIVE' }), encoded([version, at, 'SUBSCRIBER#b', made])],
    ['with a place that is no record', list({ status: 'ACTIVE' }), tokenFor(list({ status: 'ACTIVE' }), 'KEY#a', now)],
    ['that is cut', list({ status: 'ACTIVE' }), token.slice(0, -4)],
    ['with more behind it', list({ status: 'ACTIVE' }), `${token}!`],
    ['that is empty', list({ status: 'ACTIVE' }), ''],
    ['of something else', list({ status: 'ACTIVE' }), encoded({ pk: after })],
    ['that is no JSON', list({ status: 'ACTIVE' }), 'AAAA'],
    ['that is endless', list({ status: 'ACTIVE' }), 'A'.repeat(100_000)],
  ])('%s is refused', (_, asked, given, when = now) => {
    expect(() => readToken(asked, given, when)).toThrow('nextToken: must be that of an answer to the same filters');
  });
});
