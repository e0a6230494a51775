import { looksAtNewPassword } from '../../lib/registry/pause-reasons.ts';
import type { SubscriberStatus } from '../aws/subscriber-status.ts';
import { runbookLinkFor } from './next-step.ts';
import { type Fact, rows, wrapped } from './rows.ts';
import { nextCommand, type Place } from './summary.ts';
import { type Layout, printable, type Style, seconds } from './terminal.ts';
import { timeText } from './times.ts';

/** How a subscriber stands, for people: what exists, the latest attempt and what to do about it, and all attempts. */
export function statusText(status: SubscriberStatus, at: Place, layout: Layout): string {
  const { userName, operation, executionArn, step, error, attempts } = status;
  const where = error?.step === undefined ? '' : ` in ${error.step}`;
  const failed = error === undefined ? '' : ` — ${operation} failed${where}`;
  const title = `${printable(userName)}: ${status.status}${failed}`;
  const style = error === undefined ? styleOf(status.status) : 'red';
  return [
    '',
    layout.paint('bold', style === undefined ? title : layout.paint(style, title)),
    '',
    ...rows(
      [
        ['Step', error?.step ?? step ?? null],
        ['Reason', error === undefined ? null : `${error.name}: ${error.message}`],
        ['Remedy', error?.remedy ?? null],
        ['Runbook', error === undefined ? null : runbookLinkFor(error.name)],
        ['Next', error === undefined ? null : nextCommand(error, { userName, executionArn }, at)],
        ['Credentials', status.credentialsSecretId ?? null],
        ['Token until', status.customTokenExpiresAt === undefined ? null : timeText(status.customTokenExpiresAt)],
        ['Home', homeText(status)],
        ['Stack', status.stackId ?? null],
        ['Build', status.build ?? null],
        ['Role', status.roleArn ?? null],
        ...(status.keyArns ?? []).map((keyArn): Fact => ['Key', keyArn]),
        ...(status.users ?? []).map((user): Fact => ['User', user]),
        ...(status.retained ?? []).map(({ type, physicalId }): Fact => ['Retained', `${physicalId} (${type})`]),
        ...(status.pausedLogins ?? []).map((pause): Fact => ['Paused', pauseText(pause)]),
        ['Execution', executionArn],
        ['Asked by', requester(status)],
      ],
      layout,
    ),
    '',
    `${attempts.length === 1 ? 'One attempt' : `${attempts.length} attempts`}, oldest first:`,
    ...attempts.flatMap((attempt) => wrapped(`  ${attemptText(attempt)}`, layout.columns, 4)),
    '',
  ].join('\n');
}

/** What the stack's id says, when there is one. */
function homeText({ home, stackId }: SubscriberStatus): string | null {
  return home === undefined || stackId !== undefined ? null : `account ${home.accountId} in ${home.region}`;
}

/** Nothing of an execution that was started directly. */
function requester({ requestedBy, correlationId }: SubscriberStatus): string | null {
  if (requestedBy === undefined || requestedBy === 'unknown') return null;
  return printable(`${requestedBy}${correlationId === undefined ? '' : ` (${correlationId})`}`);
}

/** `logins of root until 2026-11-29 23:50:49 UTC: InfinStor refuses its tokens` */
function pauseText({ userName, until, reason }: NonNullable<SubscriberStatus['pausedLogins']>[number]): string {
  const end = until === undefined ? 'its password is stored anew' : timeText(until);
  const exception =
    until !== undefined && looksAtNewPassword(reason) ? ' (a password that is stored anew is tried before)' : '';
  return printable(`logins of ${userName} until ${end}: ${reason}${exception}`);
}

/** Green is for what is in use alone: an offboarded subscriber is gone, and one that is being changed is not there yet. */
function styleOf(status: string): Style | undefined {
  switch (status) {
    case 'ACTIVE':
      return 'green';
    case 'FAILED':
      return 'red';
    case 'OFFBOARDED':
      return undefined;
    default:
      return 'yellow';
  }
}

function attemptText({
  executionArn,
  operation,
  startedAt,
  endedAt,
  status,
  error,
}: SubscriberStatus['attempts'][number]): string {
  const name = executionArn.slice(executionArn.lastIndexOf(':') + 1);
  const reason = error === undefined ? '' : `: ${error.name}${error.step === undefined ? '' : ` in ${error.step}`}`;
  const result = status === 'FAILED' ? `failed${reason}` : 'succeeded';
  const end = status === 'RUNNING' ? 'has not ended' : `${result}${durationText(startedAt, endedAt)}`;
  return printable(`${timeText(startedAt)}  ${operation} ${end}  (${name})`);
}

function durationText(startedAt: string, endedAt: string | undefined): string {
  const milliseconds = new Date(endedAt ?? '').getTime() - new Date(startedAt).getTime();
  return milliseconds >= 0 ? ` after ${seconds(milliseconds)}` : '';
}
