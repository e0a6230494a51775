import { maxBytes } from '../../../lib/keys/policy-document.ts';
import type { Quotas } from '../../aws/room.ts';
import { type Meter, meterLines } from '../bar.ts';
import { type Fact, rows, wrapped } from '../rows.ts';
import { type Layout, printable } from '../terminal.ts';

type AccountQuotas = Quotas['accounts'][number];
type Quota = Extract<AccountQuotas, { quotas: unknown }>['quotas'][number];
type KeyQuota = Quotas['keys'][number];

/** What accounts and keys have room for, for people: a block of each account, and a line or two of each key. */
export function quotasText({ accounts, keys }: Quotas, layout: Layout): string {
  return [
    ...accounts.flatMap((account) => ['', ...accountLines(account, layout)]),
    '',
    layout.paint('bold', keys.length === 0 ? 'No key is in use' : 'Keys, and how much of their policies is used'),
    ...keyLines(keys, layout),
    '',
  ].join('\n');
}

function accountLines(account: AccountQuotas, layout: Layout): string[] {
  const { paint } = layout;
  const place = `Account ${account.accountId}, ${account.region}`;
  if (isFailed(account)) {
    const { name, message, remedy } = account.error;
    return [
      ...wrapped(printable(`${place}: ${name}: ${message}`), layout.columns, 2).map((line) =>
        paint('bold', paint('red', line)),
      ),
      ...rows([['Remedy', remedy]], layout),
    ];
  }
  const { quotas, subscribersThatFit, narrowest } = account;
  const narrow = quotas.find(({ name }) => name === narrowest);
  return [
    ...wrapped(printable(`${place}: ${roomText(subscribersThatFit)}`), layout.columns, 2).map((line) =>
      paint('bold', line),
    ),
    ...meterLines(quotas.map(meterOf), layout),
    ...rows(
      [
        ...quotas.flatMap(errorFacts),
        ...reserveFacts(quotas),
        ['Narrowest', narrow?.name ?? null],
        ['Ask AWS for', narrow?.askFor ?? null],
      ],
      layout,
    ),
  ];
}

function isFailed<One extends object, Failed extends { error: unknown }>(one: One | Failed): one is Failed {
  return 'error' in one;
}

function roomText(fit: number | null): string {
  return fit === null ? 'how many subscribers fit is not known' : `room for ${counted(fit)}`;
}

const counted = (fit: number) => (fit === 1 ? '1 more subscriber' : `${fit} more subscribers`);

function meterOf({ name, used, limit, subscribersThatFit, ...quota }: Quota): Meter {
  const byDefault = limit === null && quota.default !== undefined ? `AWS's default: ${quota.default.limit}` : '';
  return {
    label: printable(name),
    used,
    limit,
    note: subscribersThatFit === null ? byDefault : `${subscribersThatFit} fit`,
  };
}

/** That some must stay free, where they would otherwise be taken for room. */
function reserveFacts(quotas: readonly Quota[]): Fact[] {
  const kept = quotas.filter(({ reserve = 0 }) => reserve > 0);
  const [{ reserve } = {}] = kept;
  return reserve === undefined
    ? []
    : [['Kept free', `${reserve} of ${kept.map(({ name }) => name).join(', ')} (param quotaReserve)`]];
}

/** Why something is not known, under the name of the quota. */
const errorFacts = ({ name, errors = [] }: Quota): Fact[] =>
  errors.map((error): Fact => ['Not read', `${name}: ${error.name}: ${error.message}`]);

/** ARNs are whole, to be copied: in a terminal each has a line of its own. */
function keyLines(keys: readonly KeyQuota[], layout: Layout): string[] {
  const meters = keys.map((key) =>
    isFailed(key)
      ? undefined
      : {
          label: '',
          used: Math.max(0, maxBytes - key.freeBytes),
          limit: maxBytes,
          note: `bytes  ${key.subscribersThatFit === null ? 'any number fits' : `${key.subscribersThatFit} fit`}`,
        },
  );
  const bars = meterLines(
    meters.filter((meter) => meter !== undefined),
    layout,
  );
  return keys.flatMap((key) => {
    const keyArn = printable(key.keyArn);
    const text = isFailed(key)
      ? `  ${layout.paint('red', printable(`${key.error.name}: ${key.error.message}`))}`
      : (bars.shift() ?? '');
    return layout.columns === undefined ? [`  ${keyArn}${text}`] : [`  ${keyArn}`, text];
  });
}
