import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { costOf, type PriceName, prices } from '../cost/prices.ts';
import { type Alarm, metricsRead, operations, operationsTemplate } from '../operations.ts';

const page = join(resolve(import.meta.dirname, '../..'), 'docs', 'operations.md');

const dollars = (amount: number) => `$${amount.toFixed(2)}`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
const code = (words: readonly string[]) => words.map((word) => `\`${word}\``).join(', ');

/** As GitHub makes it of a heading. */
export const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\w -]/g, '')
    .replaceAll(' ', '-');
const runbookLink = (heading: string) => `[${heading}](runbook.md#${anchorOf(heading)})`;

function duration(seconds: number): string {
  const [value, unit] = seconds % 3600 === 0 ? [seconds / 3600, 'hour'] : [seconds / 60, 'minute'];
  return value === 1 ? `1 ${unit}` : `${value} ${unit}s`;
}

const missingWords = {
  notBreaching: 'nothing happened',
  ignore: 'stays as it is',
  breaching: 'alarm',
} as const satisfies Record<Alarm['missing'], string>;

function condition({ metrics, combine, statistic, comparison, threshold, points, outOf, period }: Alarm): string {
  const what = combine === 'absent' ? `functions without \`${metrics[0]}\`` : `${statistic} of ${code(metrics)}`;
  const times = outOf === 1 ? `in ${duration(period)}` : `in ${points} of ${outOf} times ${duration(period)}`;
  return `${what} ${comparison} ${threshold.toLocaleString('en-US')} ${times}`;
}

async function alarmRows(): Promise<string[][]> {
  const { Resources } = await operationsTemplate({ alarmTopic: 'own' });
  return Object.entries(operations.alarms).map(([name, alarm]) => {
    const { means, wakes, runbook, missing } = alarm;
    const resource = Object.values(Resources).find(({ Properties }) =>
      String(Properties.AlarmName).endsWith(`-test-${name}`),
    );
    if (resource === undefined) throw new Error(`The template has no alarm ${name}`);
    const cost = dollars(costOf('alarmMetric', metricsRead(resource).length));
    return [
      `\`${name}\``,
      wakes ? 'yes' : '',
      means,
      condition(alarm),
      missingWords[missing],
      runbookLink(runbook),
      cost,
    ];
  });
}

/** What of the template is paid for by the month, whatever happens, with how many there are and the price of each. */
export async function runningCosts(): Promise<{ what: string; count: number; price: number }[]> {
  const { Resources } = await operationsTemplate({ alarmTopic: 'own', dashboard: 'true' });
  const ofType = (type: string) => Object.values(Resources).filter(({ Type }) => Type === type);
  const parts: [string, number, PriceName][] = [
    ['metrics that alarms read', ofType('AWS::CloudWatch::Alarm').flatMap(metricsRead).length, 'alarmMetric'],
    ['composite alarms', ofType('AWS::CloudWatch::CompositeAlarm').length, 'compositeAlarm'],
    ['metrics of the project', Object.keys(operations.metrics).length, 'customMetric'],
    ['dashboards', ofType('AWS::CloudWatch::Dashboard').length, 'dashboard'],
  ];
  return parts.map(([what, count, name]) => ({ what, count, price: prices[name].price }));
}

async function costRows(): Promise<string[][]> {
  const parts = await runningCosts();
  const total = parts.reduce((sum, { count, price }) => sum + count * price, 0);
  return [
    ...parts.map(({ what, count, price }) => [what, String(count), dollars(price), dollars(count * price)]),
    ['together', '', '', dollars(total)],
  ];
}

/** The parts of the page that are made of `deployment/operations.yml`, by their names. */
async function parts(): Promise<Readonly<Record<string, string>>> {
  const { metrics, awsMetrics, queries, dashboard } = operations;
  return {
    alarms: table(
      ['Alarm', 'Wakes', 'What it means', 'When', 'Without data', 'What to do', 'A month'],
      await alarmRows(),
    ),
    metrics: table(
      ['Metric', 'Unit', 'What it means', 'Emitted by', 'Beside it in the log'],
      Object.entries(metrics).map(([name, { unit, means, from, fields }]) => [
        ...[`\`${name}\``, unit, means, code(from)],
        code(fields),
      ]),
    ),
    'aws-metrics': table(
      ['Namespace', 'Metrics', 'Dimensions', 'Source'],
      Object.entries(awsMetrics).map(([namespace, { metrics: ofAws, source, read }]) => [
        ...[`\`${namespace}\``, code(Object.keys(ofAws))],
        code([...new Set(Object.values(ofAws).flatMap(({ dimensions }) => dimensions))]),
        `${source}, read in ${read}`,
      ]),
    ),
    dashboard: dashboard.map(({ title }) => `- ${title}`).join('\n'),
    queries: table(
      ['Query', 'What it shows'],
      Object.values(queries).map(({ title, means }) => [title, means]),
    ),
    costs: table(['What', 'How many', 'Each', 'A month'], await costRows()),
  };
}

/** The page `docs/operations.md` with its made parts as they are to be. @throws Error when one has no place */
export async function operationsPage(text: string): Promise<string> {
  let filled = text;
  for (const [name, content] of Object.entries(await parts())) {
    const place = new RegExp(`(<!-- ${name} -->\n).*?(<!-- /${name} -->)`, 's');
    if (!place.test(filled)) throw new Error(`docs/operations.md has no place for ${name}`);
    filled = filled.replace(place, (_, begin: string, end: string) => `${begin}${content}\n${end}`);
  }
  return filled;
}

// Not `import.meta.main`: the bootstrap imports what it runs.
if (process.argv[1] === import.meta.filename) writeFileSync(page, await operationsPage(readFileSync(page, 'utf8')));
