import { usageError } from './command-error.ts';

const unitMs: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 60 * 60_000,
  d: 24 * 60 * 60_000,
  w: 7 * 24 * 60 * 60_000,
};

/**
 * The time that lies so far back.
 * @param text such as `90m`, `2h` or `3d`
 * @param option what it was given with
 * @throws CommandError named InvalidRequest for what is no duration, or goes back before 1970
 */
export function timeBefore(now: Date, text: string, option: string): Date {
  const [, count = '', unit = ''] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  const time = new Date(now.getTime() - Number(count) * (unitMs[unit] ?? Number.NaN));
  if (count !== '' && time.getTime() >= 0) return time;
  throw usageError(`${option} takes a duration such as 30m, 2h or 3d, not '${text}'`);
}
