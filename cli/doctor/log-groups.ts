import { CloudWatchLogsClient, paginateDescribeLogGroups } from '@aws-sdk/client-cloudwatch-logs';
import { answer } from '../aws/answer.ts';
import { configurationOf } from '../target/deployment.ts';
import { type At, type Finding, fail, ok, warn } from './finding.ts';
import type { StackResource } from './resources.ts';

/** A log group of the deployment as it is now. */
export interface LogGroupState {
  name: string;
  isThere: boolean;
  /** Undefined: log events are kept for ever. */
  retentionInDays: number | undefined;
}

/** Whether what the deployment logs goes somewhere, and goes away in time. */
export async function checkLogGroups(resources: readonly StackResource[], at: At): Promise<Finding[]> {
  const names = resources.filter(({ type }) => type === 'AWS::Logs::LogGroup').map(({ physicalId }) => physicalId);
  const client = new CloudWatchLogsClient(configurationOf(at.target));
  const list = async () => {
    const found = new Map<string, number | undefined>();
    // By what the names have in common: CloudWatch Logs lets an account ask some ten times a second.
    for (const logGroupNamePrefix of prefixesOf(names)) {
      for await (const { logGroups = [] } of paginateDescribeLogGroups({ client }, { logGroupNamePrefix })) {
        for (const { logGroupName, retentionInDays } of logGroups) {
          if (logGroupName !== undefined) found.set(logGroupName, retentionInDays);
        }
      }
    }
    return found;
  };
  try {
    const found = await answer('CloudWatch Logs', list(), at.target);
    return judgeLogGroups(
      names.map((name) => ({ name, isThere: found.has(name), retentionInDays: found.get(name) })),
      at,
    );
  } finally {
    client.destroy();
  }
}

/** Up to what follows the last slash, and of that what all have in common. */
export function prefixesOf(names: readonly string[]): string[] {
  const byFolder = new Map<string, string>();
  for (const name of names) {
    const folder = name.slice(0, name.lastIndexOf('/') + 1);
    byFolder.set(folder, common(byFolder.get(folder) ?? name, name));
  }
  return [...byFolder.values()].sort();
}

function common(one: string, other: string): string {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return one.slice(0, length);
}

export function judgeLogGroups(groups: readonly LogGroupState[], { aws }: Pick<At, 'aws'>): Finding[] {
  const broken = groups.flatMap(({ name, isThere, retentionInDays }) => {
    const what = `log group ${name}`;
    const keep = aws(`logs put-retention-policy --log-group-name ${name} --retention-in-days 90`);
    if (!isThere) {
      return [
        fail(
          what,
          'It is gone: what is logged is lost',
          `${aws(`logs create-log-group --log-group-name ${name}`)} && ${keep}`,
        ),
      ];
    }
    return retentionInDays === undefined
      ? [warn(what, 'Its log events are kept for ever, which costs more and more', keep)]
      : [];
  });
  const days = [...new Set(groups.map(({ retentionInDays }) => retentionInDays))].join(', ');
  return broken.length > 0 ? broken : [ok('log groups', `All ${groups.length} keep log events for ${days} days`)];
}
