/** `2026-11-29 23:50:49 UTC`; what is no time stays as it is. */
export function timeText(iso: string): string {
  const time = new Date(iso);
  return Number.isNaN(time.getTime()) ? iso : `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

const units = [
  ['d', 24 * 60 * 60],
  ['h', 60 * 60],
  ['min', 60],
  ['s', 1],
] as const;

/** A while in its two largest units: `41 s`, `3 min 5 s`, `2 h 0 min`. */
export function whileText(milliseconds: number): string {
  const all = Math.max(0, Math.floor(milliseconds / 1000));
  const first = units.findIndex(([, length]) => all >= length);
  if (first === -1) return '0 s';
  let left = all;
  const parts: string[] = [];
  for (const [unit, length] of units.slice(first, first + 2)) {
    parts.push(`${Math.floor(left / length)} ${unit}`);
    left %= length;
  }
  return parts.join(' ');
}
