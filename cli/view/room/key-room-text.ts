import type { getKeyRoom, KeyRoom } from '../../aws/room.ts';
import { meterLines } from '../bar.ts';
import { type Fact, rows } from '../rows.ts';
import { type Layout, printable } from '../terminal.ts';

/** So many grants are shown; a key has room for some two hundred. */
const maxGrants = 20;

/** The room on a key, who may use it, and its drift, for people; nothing when that is not known. */
export function keyRoomText(keyArn: string, room: Awaited<ReturnType<typeof getKeyRoom>>, layout: Layout): string {
  if (room === null) return '';
  const title = layout.paint('bold', `Room on ${printable(keyArn)}`);
  if (isFailed(room)) {
    const { name, message, remedy } = room.error;
    return [
      title,
      ...rows(
        [
          ['Not read', `${name}: ${message}`],
          ['Remedy', remedy],
        ],
        layout,
      ),
      '',
      '',
    ].join('\n');
  }
  return [title, ...roomLines(room, layout), '', ''].join('\n');
}

const isFailed = (room: object): room is { error: { name: string; message: string; remedy: string } } =>
  'error' in room;

function roomLines({ policyBytes, limitBytes, reservedBytes, ...key }: KeyRoom, layout: Layout): string[] {
  const used = policyBytes === null ? null : policyBytes + (reservedBytes ?? 0);
  const { grants, drift, driftUnknown = 'not known' } = key;
  return [
    ...(used === null ? [] : meterLines([{ label: '', used, limit: limitBytes, note: 'bytes' }], layout)),
    ...rows(
      [
        ['Room', fitText(key.subscribersThatFit)],
        ['Reserved', reservedBytes ? reservedText(reservedBytes) : null],
        ...grants.slice(0, maxGrants).map(grantFact),
        ['Grants', grants.length > maxGrants ? `and ${grants.length - maxGrants} more; --json has all` : null],
        ['Drift', drift === null ? driftUnknown : drift.length === 0 ? 'none' : null],
        ...(drift ?? []).map((each): Fact => ['Drift', driftText(each)]),
      ],
      layout,
    ),
  ];
}

function fitText(fit: number | null): string {
  if (fit === null) return 'for any number of subscribers: one pattern stands for all their roles';
  if (fit === 0) return 'for no further subscriber';
  return `for ${fit} more ${fit === 1 ? 'subscriber' : 'subscribers'} at least`;
}

const reservedText = (bytes: number) =>
  `${bytes} bytes of these, for roles that onboardings will add to the policy: of those that run, and for about a day of those that failed`;

/** A role that may use the key, or that may not any more, which the registry remembers for some time. */
function grantFact({ userName, roleArn, state, statements = [] }: KeyRoom['grants'][number]): Fact {
  const of = userName === undefined ? '' : `${userName}, `;
  const isNamed = statements.length > 0;
  switch (state) {
    case undefined:
      return ['Grant', `${roleArn} (${of}only in the policy)`];
    case 'withdrawn':
      return isNamed
        ? ['Withdrawn', `${roleArn} (${of}is to lose its access; the policy still names it)`]
        : ['Withdrawn', `${roleArn} (${of}may not use the key any more; the policy does not name it)`];
    case 'orphaned':
      return [
        'Role gone',
        `${roleArn} (${of}${isNamed ? 'the policy still names it' : 'the policy does not name it'})`,
      ];
    default:
      return ['Grant', `${roleArn} (${of}${state})`];
  }
}

function driftText({ kind, name, message }: NonNullable<KeyRoom['drift']>[number]): string {
  const what = driftKinds.get(kind) ?? kind;
  return `${what}: ${name}${message === undefined ? '' : `: ${message}`}`;
}

const driftKinds: ReadonlyMap<string, string> = new Map([
  ['missingRole', 'a role that should be there is not'],
  ['unexpectedRole', 'a role is there that should not be'],
  ['orphanedId', 'the id of a role that was deleted'],
  ['lostStatement', 'a statement is gone'],
  ['reason', 'the policy is not as it should be'],
]);
