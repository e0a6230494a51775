// The sweep after an outage, at Step Functions' and DynamoDB's rates.

import { invocationsOf } from './invocations.ts';
import { registryOf } from './registry.ts';
import { sweeperOf } from './sweep.ts';
import { advance } from './world.ts';

const minute = 60_000;
/** What others take of the rate while the sweep takes its own: the rest of 10 a second, as most Regions have. */
const others = 1;

/** Sweeps a registry of so many subscribers, of whom so many have failed unseen, every five minutes until all records say so. */
export async function sweepAfterOutage(count: number, unseen: number): Promise<string> {
  const { registry, spent } = await registryOf(count, unseen);
  const { sweep, done } = sweeperOf(registry, { unseen, others });
  const invocations = invocationsOf('sweep-executions');
  const begin = Date.now();
  let sweeps = 0;
  for (; done.recorded.size < unseen && sweeps < 12; sweeps += 1) {
    advance(begin + sweeps * 5 * minute - Date.now());
    await invocations.invoke(sweep);
  }
  const minutes = ((Date.now() - begin) / minute).toFixed(0);
  const { recorded, refusedOthers } = done;
  if (recorded.size < unseen) invocations.fail('not all were recorded');
  return `${recorded.size} of ${unseen} recorded after ${minutes} min in ${sweeps} sweeps, ${invocations.summary()}, ${refusedOthers} of others; ${spent.units.toFixed(0)} units`;
}
