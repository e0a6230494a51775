import { describe, expect, it } from 'vitest';
import { timeBefore } from '../../../cli/duration.ts';
import { timeText, whileText } from '../../../cli/view/times.ts';

const now = new Date('2026-11-29T12:00:00Z');

describe('a time before now', () => {
  it.each([
    ['45s', '2026-11-29T11:59:15.000Z'],
    ['30m', '2026-11-29T11:30:00.000Z'],
    ['2h', '2026-11-29T10:00:00.000Z'],
    ['3d', '2026-11-26T12:00:00.000Z'],
    ['1w', '2026-11-22T12:00:00.000Z'],
  ])('%s: %s', (text, time) => {
    expect(timeBefore(now, text, '--since').toISOString()).toBe(time);
  });

  it.each(['', 'h', '2', '2H', '-2h', '2 h', '1.5h', '2h30m', '9999999d', '999999w', '2y'])('is none: %s', (text) => {
    expect(() => timeBefore(now, text, '--since')).toThrow(
      `--since takes a duration such as 30m, 2h or 3d, not '${text}'`,
    );
  });
});

describe('a while', () => {
  it.each([
    [-5, '0 s'],
    [999, '0 s'],
    [41_900, '41 s'],
    [60_000, '1 min 0 s'],
    [185_000, '3 min 5 s'],
    [7_200_000, '2 h 0 min'],
    [2 * 86_400_000 + 3 * 3_600_000 + 59_000, '2 d 3 h'],
  ])('%i ms: %s', (milliseconds, text) => {
    expect(whileText(milliseconds)).toBe(text);
  });
});

it('a time is in UTC, and what is none stays', () => {
  expect(timeText('2026-11-29T23:50:49.123Z')).toBe('2026-11-29 23:50:49 UTC');
  expect(timeText('then')).toBe('then');
});
