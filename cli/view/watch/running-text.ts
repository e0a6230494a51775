import { type Column, cut, table } from '../table.ts';
import type { Layout } from '../terminal.ts';
import { whileText } from '../times.ts';
import type { Change } from './changes.ts';

/** An execution that runs, as it stands. */
export interface Running {
  /** The latest change. */
  last: Change;
  startedAt: string;
}

/** What runs as lines, those that run for longest first. @param at what is said of the place */
export function runningLines(running: readonly Running[], at: string, now: Date, layout: Layout): string[] {
  const since = (iso: string) => whileText(now.getTime() - new Date(iso).getTime());
  const columns: readonly Column<Running>[] = [
    { title: 'NAME', value: ({ last }) => last.userName, importance: 1, least: 8 },
    { title: 'OPERATION', value: ({ last }) => last.operation, importance: 4 },
    {
      title: 'STEP',
      value: ({ last }) => stepText(last),
      importance: 2,
      least: 12,
      style: ({ last }) => (last.error === null ? undefined : 'yellow'),
    },
    { title: 'IN STEP', value: ({ last }) => since(last.at), importance: 3, align: 'right' },
    { title: 'RUNS FOR', value: ({ startedAt }) => since(startedAt), importance: 5, align: 'right' },
  ];
  const sorted = running.toSorted((one, other) =>
    one.startedAt < other.startedAt ? -1 : one.startedAt > other.startedAt ? 1 : 0,
  );
  const title = running.length === 0 ? `Nothing runs ${at}` : `${running.length} running ${at}`;
  const time = `${now.toISOString().slice(11, 19)} UTC`;
  const head = cut(`${title}  ${time}`, layout.columns ?? Number.POSITIVE_INFINITY);
  return [layout.paint('bold', head), ...(running.length === 0 ? [] : table(columns, sorted, layout))];
}

/** `DeployStack`, `PatchKeyPolicy, try 2`, `PatchKeyPolicy: KeyPolicyBusy, waits` */
function stepText({ step, attempt, error, change }: Change): string {
  if (step === null) return change;
  if (change === 'try failed') return `${step}: ${error}, try ${(attempt ?? 1) + 1} follows`;
  return attempt === null || attempt === 1 ? step : `${step}, try ${attempt}`;
}
