import { type Layout, printable, type Style } from '../terminal.ts';
import { timeText, whileText } from '../times.ts';
import { type Change, isEnding, isFailure } from './changes.ts';

/** A change as a line, for a pipe or a log: `2026-11-29 23:50:49 UTC  acme  onboard-subscriber  DeployStack`. */
export function changeText(change: Change, { paint }: Pick<Layout, 'paint'>): string {
  const style = styleOf(change);
  const what = whatText(change);
  const line = [
    timeText(change.at),
    change.userName,
    change.operation,
    style === undefined ? what : paint(style, what),
  ];
  return `${line.map(printableKeepingStyle).join('  ')}\n`;
}

/** Names come from requests; the colours of this program stay. */
const printableKeepingStyle = (text: string, place: number) => (place === 3 ? text : printable(text));

/** What has changed. */
function whatText({ change, step, attempt, error, durationMs }: Change): string {
  const where = step ?? 'the execution';
  const reason = error === null ? '' : `: ${error}`;
  const time = durationMs === null ? '' : ` after ${whileText(durationMs)}`;
  return printable(textOf());

  function textOf(): string {
    switch (change) {
      case 'started':
        return 'started';
      case 'entered':
        return where;
      case 'try failed':
        return `${where}  try ${attempt ?? 1} failed${reason}`;
      case 'retried':
        return `${where}  try ${attempt ?? 1}`;
      case 'redriven':
        return step === null ? 'redriven' : `redriven at ${step}`;
      case 'succeeded':
        return `succeeded${time}`;
      case 'failed':
      case 'timed out':
      case 'aborted':
        return `${change}${step === null ? '' : ` in ${step}`}${reason}${time}`;
    }
  }
}

function styleOf(change: Change): Style | undefined {
  if (isFailure(change)) return 'red';
  if (isEnding(change)) return 'green';
  return change.change === 'try failed' ? 'yellow' : undefined;
}
