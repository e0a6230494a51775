// How many units the list, sweep, drift, offboarding and claim take of a registry with 100, 1,000 and 10,000 subscribers, of whom always as many run, have
// failed and are in another account, and who share a key by the hundred: what is read must follow these, and not the size of the registry. Then how long
// a sweep takes after an outage, at the rates of Step Functions.
import { listSubscribers } from '../functions/list-subscribers/list-subscribers.ts';
import { parseListQuery } from '../functions/list-subscribers/query.ts';
import { grantsOf, grantsOn } from '../lib/keys/grants.ts';
import { claimRecord, readRecord } from '../lib/subscribers/record.ts';
import { lookAtKeys } from './scale/drift.ts';
import { sweepAfterOutage } from './scale/outage.ts';
import { executionArnOf, keyArnOf, now, registryOf, userNameOf } from './scale/registry.ts';
import { sweep } from './scale/sweep.ts';

const hour = 60 * 60_000;
const later = (milliseconds: number) => new Date(now.getTime() + milliseconds);

for (const count of [100, 1_000, 10_000]) await measure(count);
for (const unseen of [300, 3_000]) print(`an outage of ${unseen}: ${await sweepAfterOutage(unseen + 500, unseen)}`);

async function measure(count: number): Promise<void> {
  const { registry, spent } = await registryOf(count);
  const page = (parameters: Record<string, string>) =>
    listSubscribers(parseListQuery(parameters), { registry, now, onSpoiled: () => {} });
  async function whole(parameters: Record<string, string>) {
    let pages = 0;
    let found = 0;
    let nextToken: string | undefined;
    do {
      const read = await page({ ...parameters, ...(nextToken !== undefined && { nextToken }) });
      pages += 1;
      found += read.subscribers.length;
      nextToken = read.nextToken;
    } while (nextToken !== undefined);
    return `${found} on ${pages} pages`;
  }
  async function row(what: string, work: () => Promise<string>): Promise<void> {
    const [before, begin] = [spent.units, performance.now()];
    const result = await work();
    const units = (spent.units - before).toFixed(1).padStart(9);
    print(
      `${String(count).padStart(6)}  ${what.padEnd(46)} ${units} units ${(performance.now() - begin).toFixed(0).padStart(6)} ms  ${result}`,
    );
  }
  await row('the first page', async () => `${(await page({})).subscribers.length}`);
  await row('a page of status ACTIVE', async () => `${(await page({ status: 'ACTIVE' })).subscribers.length}`);
  await row('all of status FAILED', () => whole({ status: 'FAILED' }));
  await row('all of status UPDATING', () => whole({ status: 'UPDATING' }));
  await row('a page of another account', async () => `${(await page({ account: '222222222222' })).subscribers.length}`);
  await row('the whole list', () => whole({ limit: '100' }));
  await row('a sweep, once an hour: also the active ones', () => sweep(registry, now));
  await row('a sweep, every five minutes', () => sweep(registry, later(5 * 60_000)));
  await row('drift, once a week: reads the whole table', () => lookAtKeys(registry, count, now));
  await row('drift, once an hour', () => lookAtKeys(registry, count, later(hour)));
  await row('drift, once a day: also looks at kept policies', () => lookAtKeys(registry, count, later(25 * hour)));
  await row(
    'an offboarding',
    async () => `${(await grantsOn(registry, userNameOf(50), [keyArnOf(50)])).length} grants`,
  );
  await row(
    'an offboarding of an earlier version',
    async () => `${(await grantsOf(registry, userNameOf(50))).length} grants`,
  );
  await row('a claim', async () => {
    const record = await readRecord(registry, userNameOf(50));
    const claimed = { userName: userNameOf(50), executionArn: executionArnOf(50).replace('onboard', 'update') };
    const options = { previousExecutionArn: record?.executionArn, attempts: [], now: now.toISOString() };
    return String(await claimRecord(registry, claimed, options));
  });
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
