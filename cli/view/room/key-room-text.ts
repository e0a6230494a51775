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
        ['Reserved', reservedBytes ? `${reservedBytes} bytes of these, for roles that are to come` : null],
        ...grants.slice(0, maxGrants).map((grant): Fact => ['Grant', grantText(grant)]),
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

function grantText({ userName, roleArn, state }: KeyRoom['grants'][number]): string {
  const known = state === undefined ? 'only in the policy' : state;
  return `${roleArn} (${userName === undefined ? known : `${userName}, ${known}`})`;
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
