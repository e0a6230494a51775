import { maxBytes } from '../../../lib/keys/policy-document.ts';
import type { Change, Cost, Preview, StackPreview } from '../../../lib/preflight/preview.ts';
import { meterLines } from '../bar.ts';
import { summarizeKeyPolicies } from '../key-policy-summary.ts';
import { type Fact, rows, wrap, wrapped } from '../rows.ts';
import { changeLines, doing } from '../summary.ts';
import { type Layout, printable, type Style } from '../terminal.ts';

/** What else there is to say of a plan. */
export interface Extras {
  /** Whether changes of key policies are shown whole. */
  diff: boolean;
  /** The command that starts the request as it is planned; null where there is none. */
  next: string | null;
}

const end = 'Nothing was changed. Room on keys is not reserved, and others may change what this was made from.';

/** What a request would do, for people: in the order in which it would be done, with the hash at the end. */
export function planText(plan: Preview, layout: Layout, { diff, next }: Extras): string {
  const { paint } = layout;
  const { operation, userName, converges, changes, stack, keyPolicies, cost, warnings, hash } = plan;
  const title = `Plan: ${printable(doing(operation, userName))}`;
  return [
    '',
    paint('bold', converges ? `${title}: nothing would change` : title),
    ...changes.flatMap((change) => changeText(change, layout)),
    ...(stack === undefined ? [] : ['', paint('bold', 'Stack'), ...rows(stackFacts(stack), layout)]),
    ...keyPolicies.flatMap((key) => keyLines(key, layout, diff)),
    '',
    ...warnings.flatMap((warning) =>
      wrapped(`! ${printable(warning)}`, layout.columns, 2).map((line) => paint('yellow', line)),
    ),
    ...rows(
      [
        ['Cost', costText(cost)],
        ['Hash', hash],
        ['Next', next],
      ],
      layout,
    ),
    ...wrapped(end, layout.columns, 0).map((line) => paint('dim', line)),
    '',
  ].join('\n');
}

const signs: Record<Change['action'], { sign: string; style: Style }> = {
  create: { sign: '+', style: 'green' },
  restore: { sign: '+', style: 'green' },
  update: { sign: '~', style: 'yellow' },
  delete: { sign: '-', style: 'red' },
  retain: { sign: '=', style: 'dim' },
  decide: { sign: '?', style: 'yellow' },
};

const indent = '      ';

function changeText({ step, kind, action, what, detail }: Change, { paint, columns }: Layout): string[] {
  const { sign, style } = signs[action];
  const line = printable(`${sign} ${action} ${kind.replace('-', ' ')} ${what}`);
  const place = `(${step})`;
  const width = (columns ?? Number.POSITIVE_INFINITY) - indent.length;
  const isOneLine = columns === undefined || 2 + line.length + 2 + place.length <= columns;
  return [
    ...(isOneLine
      ? [`  ${paint(style, line)}  ${paint('dim', place)}`]
      : [`  ${paint(style, line)}`, `    ${paint('dim', place)}`]),
    ...wrap(printable(detail ?? ''), width).flatMap((text) => (text === '' ? [] : [paint('dim', `${indent}${text}`)])),
  ];
}

function stackFacts({ name, accountId, region, templateUrl, templateSha256, parameters, tags }: StackPreview): Fact[] {
  const named = (label: string, values: Readonly<Record<string, string>> = {}) =>
    Object.entries(values).map(([key, value]): Fact => [label, `${key} = ${value}`]);
  return [
    ['Name', name],
    ['Place', `${accountId}, ${region}`],
    ['Template', templateUrl ?? null],
    ['SHA-256', templateSha256 ?? null],
    ...named('Parameter', parameters),
    ...named('Tag', tags),
  ];
}

function keyLines(key: Preview['keyPolicies'][number], layout: Layout, diff: boolean): string[] {
  const { keyArn, before, after, freeBytesAfter } = key;
  const changes = summarizeKeyPolicies(before, after);
  const meter = { label: '', used: maxBytes - freeBytesAfter, limit: maxBytes, note: 'bytes then' };
  return [
    ...(changes.length === 0
      ? ['', `Key policy of ${keyArn}: unchanged`]
      : changeLines({ keyArn, changes, diff: key.diff }, layout, diff)),
    ...meterLines([meter], layout),
  ];
}

/** `about 0.0014 USD once, 0.4 USD more a month` */
function costText({ once, monthly, currency }: Cost): string {
  const each = monthly === 0 ? [] : [`${Math.abs(monthly)} ${currency} ${monthly > 0 ? 'more' : 'less'} a month`];
  return [`about ${once} ${currency} once`, ...each].join(', ');
}
