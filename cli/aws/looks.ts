import { SFNClient } from '@aws-sdk/client-sfn';
import { operationOf, operations } from '../../lib/subscribers/operations.ts';
import { CommandError } from '../command-error.ts';
import { configurationOf, type Deployment } from '../target/deployment.ts';
import type { Reachable } from '../target/target.ts';
import { type Change, changesOf, isEnding } from '../view/watch/changes.ts';
import type { Running } from '../view/watch/running-text.ts';
import { historyOf } from './history.ts';
import { compared, type ListedSubscriber, listSubscribers } from './subscribers.ts';

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
  /** When the first look was, by the times of the registry where these are ahead. */
  let begin: string | undefined;
  /** The latest time that a record was seen to be written at. */
  let latest: string | undefined;

  /** The executions to look at, by their ARNs. */
  async function candidates(): Promise<ReadonlyMap<string, ListedSubscriber>> {
    const at = { target, deployment };
    const found = new Map(ran.map((subscriber) => [subscriber.executionArn, subscriber]));
    if (begin !== undefined) {
      for await (const subscriber of listSubscribers({ updatedAfter: before(latest ?? begin) }, at)) {
        if (isNew(subscriber, begin)) found.set(subscriber.executionArn, subscriber);
      }
    }
    // A status that the deployment does not know would be refused.
    for (const operation of deployment.operations) {
      const { running: status } = operations[operation];
      for await (const subscriber of listSubscribers({ status }, at)) found.set(subscriber.executionArn, subscriber);
    }
    return found;
  }

  async function changesIn({ userName, executionArn }: ListedSubscriber): Promise<Change[]> {
    const watched = { userName, operation: operationOf(executionArn), executionArn };
    return changesOf(watched, (await historyOf(sfn, executionArn, target)) ?? []);
  }

  return {
    /**
     * A look that fails is as if it had not been.
     * @throws CommandError as `askFunction` and `answer` throw
     */
    async look(now: Date): Promise<Look> {
      const found = [...(await candidates()).values()];
      const seen: { subscriber: ListedSubscriber; all: Change[] }[] = [];
      for (const subscriber of found) seen.push({ subscriber, all: await changesIn(subscriber) });
      const isFirst = begin === undefined;
      const changes = seen.flatMap(({ subscriber, all }) => all.slice(known.get(subscriber.executionArn) ?? 0));
      const running = seen.flatMap(({ subscriber, all: [first, ...others] }) => {
        const last = others.at(-1) ?? first;
        return first === undefined || last === undefined || isEnding(last)
          ? []
          : [{ subscriber, last, startedAt: first.at }];
      });
      for (const { subscriber, all } of seen) known.set(subscriber.executionArn, all.length);
      ran = running.map(({ subscriber }) => subscriber);
      const written = found.map(({ updatedAt }) => updatedAt);
      begin ??= latestOf([now.toISOString(), ...written]);
      latest = latestOf([latest ?? begin, ...written]);
      return {
        running: running.map(({ last, startedAt }) => ({ last, startedAt })),
        changes: isFirst ? [] : changes.toSorted((one, other) => compared(one.at, other.at)),
        reads: found.length,
      };
    },
    close: () => sfn.destroy(),
  };
}

const latestOf = (times: readonly string[]) => times.toSorted().at(-1) ?? '';

/** The registry's index may be a moment behind: what is written before a time may be seen after what is written then. */
const overlapMs = 10_000;
const before = (iso: string) => new Date(new Date(iso).getTime() - overlapMs).toISOString();

/** Whether an execution has begun since then: records of older ones are written, too, as when an execution is found dead. */
const isNew = ({ startedAt }: ListedSubscriber, begin: string) => startedAt !== undefined && startedAt >= begin;

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
