import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  assumptions,
  backgroundCosts,
  billedSeconds,
  type Costs,
  costOfUse,
  invocationsOf,
  monthlyCosts,
  shareOfTime,
  total,
} from '../cost/estimate.ts';
import { operationNames, measured as readMeasured, scheduledNames, sizes, type Use } from '../cost/measured.ts';
import { costOf, prices } from '../cost/prices.ts';

const page = join(resolve(import.meta.dirname, '../..'), 'docs', 'cost.md');

const dollars = (amount: number, digits = 2) =>
  `$${amount.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
/** Of a single operation: with two digits that say something. */
const small = (amount: number) => (amount === 0 ? '' : amount < 0.01 ? `$${fixed(amount)}` : dollars(amount, 4));
const fixed = (amount: number) => amount.toFixed(Math.min(9, 1 - Math.floor(Math.log10(amount))));
const percent = (share: number) => (share < 0.01 ? 'less than 1 %' : `${Math.round(100 * share)} %`);
const count = (amount: number) => amount.toLocaleString('en-US', { maximumFractionDigits: 1 });
const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const operationTitles = {
  onboarding: 'an onboarding',
  onboardingWithKeys: 'an onboarding with two customer managed keys',
  update: 'an update',
  addedUser: 'an added user',
  upgrade: 'an upgrade that changes a key',
  offboarding: 'an offboarding',
  status: 'a query of a status by the HTTP API',
  list: 'a page of the list by the HTTP API',
} as const;

const scheduleTitles = {
  sweepExecutions: ['the sweep of executions', 'every 5 minutes'],
  sweepPasswords: ['the sweep of passwords', 'every hour'],
  drift: ['the check for drift', 'every hour'],
  checkQuotas: ['the check of quotas', 'every hour'],
} as const;

const useHead = [
  ...['Transitions', 'Invocations', 'Billed seconds', 'Reads', 'Writes', 'Calls of Secrets Manager', 'Calls of KMS'],
  ...['Events', 'Log bytes'],
];
const useCells = (use: Use) => [
  count(use.transitions),
  count(invocationsOf(use)),
  billedSeconds(use).toFixed(1),
  count(use.dynamoDbReads),
  count(use.dynamoDbWrites),
  count(use.secretCalls),
  count(use.kmsCalls),
  count(use.events),
  count(use.logBytes),
];

/** The page `docs/cost.md`. */
export async function costPage(): Promise<string> {
  const measured = readMeasured();
  const operations = operationNames.map((name) => {
    const use = measured.operations[name];
    return { title: operationTitles[name], use, costs: costOfUse(use) };
  });
  const [onboarding] = operations;
  if (onboarding === undefined) throw new Error('There is no onboarding');
  const kinds = Object.keys(onboarding.costs);
  const months = await Promise.all(sizes.map((size) => monthlyCosts(measured, size)));
  const background = sizes.map((size) => backgroundCosts(measured, size));
  const lines = (columns: readonly Costs[]) =>
    Object.keys(columns[0] ?? {}).map((what) => [what, ...columns.map((costs) => dollars(costs[what] ?? 0))]);
  const together = (columns: readonly Costs[]) => [
    '**together**',
    ...columns.map((costs) => `**${dollars(total(costs))}**`),
  ];
  const timeOfMonth = background.map((costs, index) => percent(shareOfTime(costs, total(months[index] ?? {}))));
  const sizeHead = sizes.map((size) => `${count(size)} subscriber${size === 1 ? '' : 's'}`);
  const most = sizes.at(-1) ?? 0;
  const rest = (costs: Costs = {}) => total({ ...costs, "subscribers' secrets": 0 });
  const { startMs, awsCallMs, infinstorCallMs, memoryGb, processorShare, logRetentionMonths } = assumptions;
  return `# What it costs

Written by \`npm run draw-cost\`, from what \`npm run bench:cost\` has measured in the sandbox and from [list prices](#prices) of us-east-1 in US dollars, without what is free and without discounts. It is an estimate: the bill is AWS's.

Not in it: what subscribers' stacks cost (bucket, table and what InfinStor does with them), customer managed keys (${dollars(costOf('key', 1))} a month each), InfinStor itself, taxes, and data transfer.

## A month

In which nothing is asked of the deployment: the defaults of all params, and keys that a hundred subscribers share.

${table(['What', ...sizeHead], [...lines(months), together(months)])}

Each subscriber has a secret, with the password and the custom token: ${dollars(costOf('secret', 1))} a month until the offboarding. Each added user has one more, and so has the subscriber from its first added user on. That is what many subscribers cost: up to ${count(most)}, all the rest together grows by ${dollars(rest(months.at(-1)) - rest(months[0]))}.

The background work in detail:

${table(['What', ...sizeHead], [...lines(background).filter((cells) => cells.slice(1).some((cell) => cell !== '$0.00')), together(background)])}

With as many onboardings in a month as there are subscribers, each asked for its status ten times: ${sizes.map((size) => `${dollars(size * (total(onboarding.costs) + 10 * total(costOfUse(measured.operations.status))))} more for ${count(size)}`).join(', ')}.

## An operation

Without the secrets that it makes, which are paid for by the month: an onboarding makes ${measured.operations.onboarding.secretsMade}, a subscriber's first added user ${measured.operations.addedUser.secretsMade}.

${table(
  ['What', 'Costs', 'Of this assumed time', ...kinds.slice(0, 4)],
  operations.map(({ title, costs }) => [
    title,
    small(total(costs)),
    percent(shareOfTime(costs)),
    ...kinds.slice(0, 4).map((kind) => small(costs[kind] ?? 0)),
  ]),
)}

The rest is calls of Secrets Manager and KMS, events, logs and traces. A thousand onboardings cost ${dollars(1000 * total(onboarding.costs))}. One that waits for a stack costs nothing meanwhile: it waits for a callback.

## What was measured

One operation each, all of whose functions had run before, with the events of its stack and its execution. A transition is a state that is entered, or tried again. Units of DynamoDB are by the sizes of items; a write of an item that stands in the index counts one more, and writes in transactions count twice.

${table(
  ['What', ...useHead],
  [
    ...operations.map(({ title, use }) => [title, ...useCells(use)]),
    ...scheduledNames.map((name) => {
      const [title, rate] = scheduleTitles[name];
      return [`${title}, ${rate}`, ...useCells(measured.scheduled[name])];
    }),
  ],
)}

The schedules are those of a deployment with one subscriber, who has two keys. What they read of more:

${table(
  ['Units of reads and writes of a run', ...sizeHead],
  (
    [
      ['sweep', 'the sweep, every 5 minutes'],
      ['sweepHourly', 'the sweep, once an hour'],
      ['drift', 'drift, every hour'],
      ['driftDaily', 'drift, once a day'],
      ['driftWeekly', 'drift, once a week'],
    ] as const
  ).map(([name, title]) => [
    title,
    ...sizes.map(
      (size) => `${count(measured.atScale[size][name].reads)} and ${count(measured.atScale[size][name].writes)}`,
    ),
  ]),
)}

In the registry a subscriber with two keys has ${measured.registry.items} items of ${count(measured.registry.bytes)} bytes in all.

## What is assumed

The sandbox's times are not AWS's, so the billed time of functions is reckoned, rather too high than too low:

- Each invocation is a cold start of ${count(startMs)} ms.
- Each call of AWS takes ${awsCallMs} ms and each of InfinStor ${count(infinstorCallMs)} ms, one after the other.
- The functions' own work takes the processor time that was measured (the one figure that varies between measurements, by half), with the ${Math.round(100 * processorShare)} % of a processor that a function of 512 MB has.
- A function has ${memoryGb} GB.

Of an onboarding ${percent(shareOfTime(onboarding.costs))} hangs on that: if everything took twice as long, it would cost ${small(total(onboarding.costs) + (onboarding.costs['Lambda time'] ?? 0))} instead of ${small(total(onboarding.costs))}. Of a month it is ${sizes.map((size, index) => `${timeOfMonth[index]} with ${count(size)}`).join(', ')}.

Also assumed: Lambda writes ${assumptions.lambdaLogBytes} bytes of its own into the log of each invocation; logs are kept for ${logRetentionMonths} months, as \`logRetentionDays\` is by default, and not compressed; each invocation is a trace of its own. Not counted: events that other accounts or Regions forward, queries of logs, e-mails of alarms, and the queue of refused events, which costs nothing while nobody sends any. With a key of the deployment's own, calls of KMS for what it encrypts come in addition.

## Prices

The one list of prices is \`scripts/cost/prices.yml\`; [operations.md](operations.md#what-it-costs) uses it, too. *By others*: AWS's page fills in its table by a script, and the price is what several report who have read it. Check these first.

${table(
  ['Of', 'What', 'Price', 'Read', 'By'],
  Object.values(prices).map(({ price, unit, source, read, by }) => [
    `[${source.split('/')[3]}](${source})`,
    unit,
    `$${price < 0.01 ? fixedPrice(price) : price.toFixed(3).replace(/0$/, '')}`,
    read,
    by === 'aws' ? "from AWS's page" : 'by others',
  ]),
)}

## Measure it anew

After a change of state machines or functions:

\`\`\`sh
npm run bench:cost
npm run draw-cost
\`\`\`

The first writes \`scripts/cost/measured.json\`; it takes a minute or two.
`;
}

/** All digits, without an exponent. */
function fixedPrice(price: number): string {
  return price.toFixed(12).replace(/0+$/, '');
}

// Not `import.meta.main`: the bootstrap imports what it runs.
if (process.argv[1] === import.meta.filename) writeFileSync(page, await costPage());
