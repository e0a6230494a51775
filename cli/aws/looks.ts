import { SFNClient } from '@aws-sdk/client-sfn';
import { operationOf, runningStatuses } from '../../lib/subscribers/operations.ts';
import { CommandError } from '../command-error.ts';
import { configurationOf, type Deployment } from '../target/deployment.ts';
import type { Reachable } from '../target/target.ts';
import { type Change, changesOf, isEnding } from '../view/watch/changes.ts';
import type { Running } from '../view/watch/running-text.ts';
import { historyOf } from './history.ts';
import { type ListedSubscriber, listSubscribers } from './subscribers.ts';

/** What one look at a deployment has found. */
export interface Look {
  /** The executions that run. */
  running: Running[];
  /** What has changed since the look before, in the order of the times; of the first look nothing. */
  changes: Change[];
  /** How many histories were read. */
  reads: number;
}

/**
 * Looks at all executions of a deployment, again and again. The registry says which run, and which were written since the look before, so that one that has
 * begun and ended between two looks is seen, too; Step Functions says how they stand.
 */
export function createLooks(target: Reachable, deployment: Deployment) {
  const sfn = new SFNClient(configurationOf(target));
  /** How many changes of an execution are known. */
  const known = new Map<string, number>();
  /** Those that ran at the look before, since the registry may say that one has ended before a last change was seen. */
  let ran: ListedSubscriber[] = [];
  let since: string | undefined;

  async function candidates(now: Date): Promise<Map<string, { subscriber: ListedSubscriber; runs: boolean }>> {
    const at = { target, deployment };
    const found = new Map<string, { subscriber: ListedSubscriber; runs: boolean }>();
    for (const subscriber of ran) found.set(subscriber.executionArn, { subscriber, runs: false });
    if (since !== undefined) {
      for await (const subscriber of listSubscribers({ updatedAfter: since }, at)) {
        if (isNew(subscriber, since)) found.set(subscriber.executionArn, { subscriber, runs: false });
      }
    }
    for (const status of runningStatuses) {
      for await (const subscriber of listSubscribers({ status }, at)) {
        found.set(subscriber.executionArn, { subscriber, runs: true });
      }
    }
    const latest = [...found.values()]
      .map(({ subscriber }) => subscriber.updatedAt)
      .toSorted()
      .at(-1);
    since = [since ?? now.toISOString(), latest ?? ''].toSorted().at(-1);
    return found;
  }

  return {
    /** @throws CommandError as `askFunction` and `answer` throw */
    async look(now: Date): Promise<Look> {
      const isFirst = since === undefined;
      const running: Running[] = [];
      const changes: Change[] = [];
      const found = await candidates(now);
      ran = [];
      for (const [executionArn, { subscriber }] of found) {
        const watched = { userName: subscriber.userName, operation: operationOf(executionArn), executionArn };
        const all = changesOf(watched, (await historyOf(sfn, executionArn, target)) ?? []);
        const last = all.at(-1);
        if (last === undefined) continue;
        changes.push(...(isFirst ? [] : all.slice(known.get(executionArn) ?? 0)));
        known.set(executionArn, all.length);
        if (isEnding(last)) continue;
        ran.push(subscriber);
        running.push({ last, startedAt: all[0]?.at ?? last.at });
      }
      const inOrder = changes.toSorted((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0));
      return { running, changes: inOrder, reads: found.size };
    },
    close: () => sfn.destroy(),
  };
}

/** Whether an execution has begun since then: records of older ones are written, too, as when an execution is found dead. */
const isNew = ({ startedAt }: ListedSubscriber, since: string) => startedAt !== undefined && startedAt >= since;

const paceMs = 2000;
const slowestMs = 30_000;
/** How many histories are read in a second on the average: a third of what a small Region has for all who ask (20, with a burst). */
const readsPerSecond = 7;

/** How long to wait before the next look: longer when there is much to read, and twice as long each time that AWS refuses calls for their rate. */
export function createPace() {
  let slower = 1;
  return {
    /** @returns milliseconds */
    after: (reads: number) => Math.min(slowestMs, Math.max(paceMs, (reads / readsPerSecond) * 1000) * slower),
    /** @returns whether an error is that of too many calls, which the next look will do without */
    slowDown(error: unknown): boolean {
      if (!(error instanceof CommandError) || !/Throttl|TooManyRequests|LimitExceeded|RateExceeded/.test(error.name))
        return false;
      slower = Math.min(slower * 2, slowestMs / paceMs);
      return true;
    },
    speedUp() {
      slower = Math.max(1, slower / 2);
    },
  };
}
