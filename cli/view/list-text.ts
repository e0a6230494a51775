import { executionNameOf } from '../../lib/aws/arns.ts';
import type { Status } from '../../lib/subscribers/operations.ts';
import type { ListedSubscriber } from '../aws/subscribers.ts';
import { type Column, table } from './table.ts';
import type { Layout, Style } from './terminal.ts';

const columns: readonly Column<ListedSubscriber>[] = [
  { title: 'NAME', value: ({ userName }) => userName, importance: 1 },
  { title: 'STATUS', value: ({ status }) => status, importance: 2, style: styleOf },
  { title: 'UPDATED (UTC)', value: ({ updatedAt }) => minutesOf(updatedAt), importance: 4 },
  { title: 'REASON', value: reasonOf, importance: 3, least: 12, style: ({ error }) => error && 'red' },
  { title: 'OPERATION', value: ({ operation }) => operation, importance: 7 },
  { title: 'ACCOUNT', value: ({ accountId }) => accountId, importance: 5 },
  { title: 'REGION', value: ({ region }) => region, importance: 6 },
  { title: 'KEYS', value: ({ keyArns }) => String(keyArns.length), importance: 9, align: 'right' },
  { title: 'USERS', value: ({ users }) => String(users), importance: 8, align: 'right' },
  { title: 'EXECUTION', value: ({ executionArn }) => executionNameOf(executionArn), importance: 10 },
];

/** A list of subscribers, for people. @param isCut whether there are more, which `--limit` has left out */
export function listText(subscribers: readonly ListedSubscriber[], isCut: boolean, layout: Layout): string {
  if (subscribers.length === 0) return 'No subscribers.\n';
  // A column that says nothing takes no room.
  const shown = columns.filter(
    ({ title, value }) => title !== 'REASON' || subscribers.some((each) => value(each) !== ''),
  );
  const count = subscribers.length === 1 ? '1 subscriber' : `${subscribers.length} subscribers`;
  const rest = isCut ? '; there are more than --limit lets through' : '';
  return [...table(shown, subscribers, layout), '', layout.paint('dim', `${count}${rest}`), ''].join('\n');
}

/** `StackFailed in WaitForStack` */
function reasonOf({ error }: ListedSubscriber): string {
  if (error === undefined) return '';
  return error.step === undefined ? error.name : `${error.name} in ${error.step}`;
}

/** `2026-11-29 23:50`; what is no time stays as it is. */
const minutesOf = (iso: string) => (/^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(iso) ? iso.slice(0, 16).replace('T', ' ') : iso);

function styleOf({ status }: { status: Status }): Style | undefined {
  switch (status) {
    case 'ACTIVE':
      return 'green';
    case 'FAILED':
      return 'red';
    case 'OFFBOARDED':
      return 'dim';
    case 'ONBOARDING':
    case 'UPDATING':
    case 'UPGRADING':
    case 'ADDING_USERS':
    case 'OFFBOARDING':
      return 'yellow';
  }
}
