import type { SubscriberStatus } from '../commands/status.ts';
import { rows } from './summary.ts';
import { type Paint, printable } from './terminal.ts';

/** How a subscriber stands, for people: what exists, the latest attempt and what to do about it, and all attempts. */
export function statusText(status: SubscriberStatus, endpoint: string, paint: Paint): string {
  const { userName, operation, executionArn, step, error, attempts } = status;
  const failed = error === undefined ? '' : `; ${operation} failed`;
  const title = `${printable(userName)} is ${status.status}${failed}`;
  return [
    '',
    paint('bold', paint(error === undefined ? 'green' : 'red', title)),
    '',
    ...rows(
      [
        ['Step', error?.step ?? step ?? null],
        ['Reason', error === undefined ? null : `${error.name}: ${error.message}`],
        ['Remedy', error?.remedy ?? null],
        ['Retry', error === undefined ? null : `npm start -- retry ${userName} --endpoint ${endpoint}`],
        ['Secret', status.credentialsSecretId ?? null],
        ['Stack', status.stackId ?? null],
        ['Role', status.roleArn ?? null],
        ...(status.keyArns ?? []).map((keyArn) => ['Key', keyArn] as const),
        ...(status.users ?? []).map((user) => ['User', user] as const),
        ...(status.retained ?? []).map(({ type, physicalId }) => ['Retained', `${physicalId} (${type})`] as const),
        ['Execution', executionArn],
      ],
      paint,
    ),
    '',
    `${attempts.length === 1 ? 'One attempt' : `${attempts.length} attempts`}, the latest last:`,
    ...attempts.map((attempt) => `  ${attemptText(attempt)}`),
    '',
  ].join('\n');
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
  const end = status === 'RUNNING' ? 'has not ended' : `${result}${endedAt === undefined ? '' : `, ${endedAt}`}`;
  return printable(`${startedAt}  ${operation} ${end}  (${name})`);
}
