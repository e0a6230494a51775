// How many units the list, sweep, drift, offboarding and claim take of a registry with 100, 1,000 and 10,000 subscribers, of whom always as many run, have
// failed and are in another account, and who share a key by the hundred: what is read must follow these, and not the size of the registry. And how long each
// takes at the rates of DynamoDB, Step Functions and KMS, where a call takes 5 ms, and whether it gets over what is refused. Then the same of a sweep after
// an outage. Exits with 1 when something fails, or takes longer than its function may.
import { listSubscribers } from '../functions/list-subscribers/list-subscribers.ts';
import { parseListQuery } from '../functions/list-subscribers/query.ts';
import { grantsOf, grantsOn } from '../lib/keys/grants.ts';
import { claimRecord, readRecord } from '../lib/subscribers/record.ts';
import { lookAtKeys } from './scale/drift.ts';
import { invocationsOf } from './scale/invocations.ts';
import { sweepAfterOutage } from './scale/outage.ts';
import { executionArnOf, keyArnOf, registryOf, userNameOf } from './scale/registry.ts';
import { sweeperOf } from './scale/sweep.ts';
import { advance, beginTime } from './scale/world.ts';

const minute = 60_000;
const hour = 60 * minute;

beginTime();
for (const count of [100, 1_000, 10_000]) await measure(count);
for (const unseen of [300, 3_000]) print(`an outage of ${unseen}: ${await sweepAfterOutage(unseen + 500, unseen)}`);

type Invoke = ReturnType<typeof invocationsOf>['invoke'];

async function measure(count: number): Promise<void> {
  const { registry, prompt, spent } = await registryOf(count);
  const page = (parameters: Record<string, string>) =>
    listSubscribers(parseListQuery(parameters), { registry: prompt, now: new Date(), onSpoiled: () => {} });
  async function whole(parameters: Record<string, string>, invoke: Invoke) {
    let pages = 0;
    let found = 0;
    let nextToken: string | undefined;
    do {
      const read = await invoke(() => page({ ...parameters, ...(nextToken !== undefined && { nextToken }) }));
      pages += 1;
      found += read?.subscribers.length ?? 0;
      nextToken = read?.nextToken;
    } while (nextToken !== undefined);
    return `${found} on ${pages} pages`;
  }
  /** @param work invokes the function, once or several times */
  async function row(what: string, functionName: string, work: (invoke: Invoke) => Promise<unknown>): Promise<void> {
    // What the row before has taken has come back.
    advance(minute);
    const invocations = invocationsOf(functionName);
    const [unitsBefore, timeBefore, begin] = [spent.units, Date.now(), performance.now()];
    const result = await work(invocations.invoke);
    const units = (spent.units - unitsBefore).toFixed(1).padStart(9);
    const seconds = ((Date.now() - timeBefore) / 1_000).toFixed(1).padStart(6);
    print(
      `${String(count).padStart(6)}  ${what.padEnd(46)} ${units} units ${seconds} s  ${String(result)}; ${invocations.summary()} (in ${((performance.now() - begin) / 1_000).toFixed(1)} s)`,
    );
  }
  async function list(what: string, parameters: Record<string, string>) {
    await row(what, 'list-subscribers', async (invoke) => (await invoke(() => page(parameters)))?.subscribers.length);
  }
  await list('the first page', {});
  await list('a page of status ACTIVE', { status: 'ACTIVE' });
  await row('all of status FAILED', 'list-subscribers', (invoke) => whole({ status: 'FAILED' }, invoke));
  await row('all of status UPDATING', 'list-subscribers', (invoke) => whole({ status: 'UPDATING' }, invoke));
  await list('a page of another account', { account: '222222222222' });
  await row('the whole list', 'list-subscribers', (invoke) => whole({ limit: '100' }, invoke));
  const { sweep, done } = sweeperOf(registry, { unseen: 0, others: 0 });
  const swept = async (what: string) => {
    const before = done.described;
    await row(what, 'sweep-executions', async (invoke) => {
      await invoke(sweep);
      return `${done.described - before} described`;
    });
  };
  await swept('a sweep, once an hour: also the active ones');
  advance(4 * minute);
  await swept('a sweep, every five minutes');
  const look = (what: string) =>
    row(what, 'detect-key-policy-drift', (invoke) => invoke((remainingMs) => lookAtKeys(registry, count, remainingMs)));
  await look('drift, once a week: reads the whole table');
  advance(hour);
  await look('drift, once an hour');
  advance(24 * hour);
  await look('drift, once a day: also looks at kept policies');
  const [userName, keyArn] = [userNameOf(50), keyArnOf(50)];
  await row('an offboarding', 'accept-offboarding', (invoke) =>
    invoke(async () => `${(await grantsOn(registry, userName, [keyArn])).length} grants`),
  );
  await row('an offboarding of an earlier version', 'accept-offboarding', (invoke) =>
    invoke(async () => `${(await grantsOf(registry, userName)).length} grants`),
  );
  async function claim(number: number): Promise<unknown> {
    const record = await readRecord(registry, userNameOf(number));
    const claimed = { userName: userNameOf(number), executionArn: executionArnOf(number).replace('onboard', 'update') };
    const options = { previousExecutionArn: record?.executionArn, attempts: [], now: new Date().toISOString() };
    return claimRecord(registry, claimed, options);
  }
  await row('a claim', 'accept-request', (invoke) => invoke(() => claim(50)));
  // As many as Lambda runs at the same time.
  const others = Array.from({ length: Math.min(count - 60, 1_000) }, (_, place) => place + 60);
  await row('claims of one moment', 'accept-request', async (invoke) => {
    const claims = await Promise.all(others.map((number) => invoke(() => claim(number))));
    return `${claims.filter((isClaimed) => isClaimed === true).length} of ${claims.length}`;
  });
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
