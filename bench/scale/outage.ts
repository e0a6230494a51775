// The sweep after an outage, at Step Functions' rates, on a clock of its own.
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SFNClient } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { describePace, sweepExecutions } from '../../functions/sweep-executions/sweep-executions.ts';
import { paced } from '../../lib/pace.ts';
import { createRates } from '../../sandbox/http/rates.ts';
import { now, registryOf, served } from './registry.ts';

const minute = 60_000;
/** What others take of the rate while the sweep takes its own: the rest of 10 a second, as most Regions have. */
const othersPerSweptCall = 1;
const region = 'ap-southeast-2';

/** Sweeps a registry of so many subscribers, of whom so many have failed unseen, every five minutes until all records say so. */
export async function sweepAfterOutage(count: number, unseen: number): Promise<string> {
  const { registry, spent } = await registryOf(count, unseen);
  const time = { now: now.getTime() };
  const rates = createRates({ now: () => time.now });
  const caller = { accountId: '111111111111', region };
  const [refused, recorded] = [{ sweep: 0, others: 0 }, new Set<string>()];
  const input = v.object({ executionArn: v.optional(v.string(), '') });
  const stepFunctions = new SFNClient({
    ...served(async (operation, asked) => {
      if (operation === 'GetExecutionHistory') return { events: [] };
      if (!rates.take('states', operation, caller)) refused.sweep += 1;
      for (let call = 0; call < othersPerSweptCall; call += 1) {
        if (!rates.take('states', operation, caller)) refused.others += 1;
      }
      const { executionArn } = v.parse(input, asked);
      const userName = executionArn.split(':').at(-1);
      const request = { status: 'FAILED', error: 'StackFailed', input: JSON.stringify({ subscriber: { userName } }) };
      // The records of failures say so already.
      const stopDate = now.getTime() / 1_000 - 2 * 60 * 60;
      return { executionArn, stateMachineArn: 'arn', startDate: stopDate, stopDate, ...request };
    }),
  });
  const client = new EventBridgeClient({
    ...served(async (_operation, asked) => {
      const { Entries } = v.parse(v.object({ Entries: v.array(v.object({ Detail: v.string() })) }), asked);
      for (const { Detail } of Entries) recorded.add(Detail);
      return { FailedEntryCount: 0, Entries: [{ EventId: 'one' }] };
    }),
  });
  const begin = time.now;
  let sweeps = 0;
  let longestMs = 0;
  for (; recorded.size < unseen && sweeps < 12; sweeps += 1) {
    const start = begin + sweeps * 5 * minute;
    time.now = Math.max(time.now, start);
    // Some wait at the same time: the clock goes to where the first of them is to go on.
    const wait = (milliseconds: number) => {
      const due = time.now + milliseconds;
      return new Promise<void>((resolve) => {
        setImmediate(() => {
          time.now = Math.max(time.now, due);
          resolve();
        });
      });
    };
    const turn = paced(describePace, { now: () => time.now, wait });
    await sweepExecutions({
      ...{ stepFunctions, registry, events: { client, name: 'default' }, now: new Date(time.now) },
      clock: () => time.now,
      remainingMs: () => start + 5 * minute - time.now,
      logger: { info: () => {}, warn: () => {} },
      emit: () => {},
      turn,
    });
    longestMs = Math.max(longestMs, time.now - start);
  }
  const minutes = ((time.now - begin) / minute).toFixed(0);
  return `${recorded.size} of ${unseen} recorded after ${minutes} min in ${sweeps} sweeps of ${(longestMs / 1_000).toFixed(0)} s at most; refused: ${refused.sweep} calls of the sweep, ${refused.others} of others; ${spent.units.toFixed(0)} units`;
}
