import {
  DescribeExecutionCommand,
  ExecutionDoesNotExist,
  type HistoryEvent,
  paginateGetExecutionHistory,
  type SFNClient,
} from '@aws-sdk/client-sfn';
import type { Reachable } from '../target/target.ts';
import type { Description } from '../view/report.ts';
import { answer } from './answer.ts';

/**
 * What has happened in an execution.
 * @param includeExecutionData whether with inputs, outputs and parameters, which are most of a history
 * @returns undefined when Step Functions no longer knows it, 90 days after its end
 * @throws CommandError as `answer` throws
 */
export async function historyOf(
  sfn: SFNClient,
  executionArn: string,
  target: Reachable,
  includeExecutionData = false,
): Promise<HistoryEvent[] | undefined> {
  const read = async () => {
    const search = { executionArn, maxResults: 1000, includeExecutionData };
    const found: HistoryEvent[] = [];
    for await (const { events = [] } of paginateGetExecutionHistory({ client: sfn }, search)) found.push(...events);
    return found;
  };
  return answer('Step Functions', read().catch(undefinedWhenGone), target);
}

/** How an execution stands. @returns undefined when Step Functions no longer knows it */
export async function descriptionOf(
  sfn: SFNClient,
  executionArn: string,
  target: Reachable,
): Promise<Description | undefined> {
  return answer(
    'Step Functions',
    sfn.send(new DescribeExecutionCommand({ executionArn })).catch(undefinedWhenGone),
    target,
  );
}

function undefinedWhenGone(error: unknown): undefined {
  if (error instanceof ExecutionDoesNotExist) return undefined;
  throw error;
}
