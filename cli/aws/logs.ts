import {
  CloudWatchLogsClient,
  paginateFilterLogEvents,
  ResourceNotFoundException,
} from '@aws-sdk/client-cloudwatch-logs';
import { configurationOf } from '../target/deployment.ts';
import type { Reachable } from '../target/target.ts';
import { answer } from './answer.ts';

/** A line that a function has logged. */
export interface LoggedLine {
  /** Milliseconds since 1970. */
  at: number;
  /** The function's whole name. */
  functionName: string;
  /** As it was written: JSON, but for what Lambda's runtime or a library says. */
  message: string;
}

/** Where and when lines are looked for. */
export interface LogSearch {
  executionArn: string;
  functionNames: readonly string[];
  from: Date;
  /** Undefined: up to now. */
  to: Date | undefined;
}

/** The log group of a function. */
export const logGroupOf = (functionName: string) => `/aws/lambda/${functionName}`;

/**
 * The lines that functions have logged for an execution, by their times. One log group is read after the other, because AWS lets an account search
 * five times a second in some Regions; the client waits when it is refused for that.
 * @returns also the functions that have no log group, as before their first invocation or when somebody has deleted it
 * @throws CommandError as `answer` throws
 */
export async function readLogs(
  { executionArn, functionNames, from, to }: LogSearch,
  target: Reachable,
): Promise<{ lines: LoggedLine[]; without: string[] }> {
  const client = new CloudWatchLogsClient({ ...configurationOf(target), retryMode: 'adaptive', maxAttempts: 8 });
  const lines: LoggedLine[] = [];
  const without: string[] = [];
  try {
    for (const functionName of functionNames) {
      const search = {
        logGroupName: logGroupOf(functionName),
        startTime: from.getTime(),
        ...(to !== undefined && { endTime: to.getTime() }),
        filterPattern: `{ $.executionArn = "${executionArn}" }`,
      };
      const found = await answer('CloudWatch Logs', readAll(client, search), target);
      if (found === undefined) without.push(functionName);
      else lines.push(...found.map((event) => ({ ...event, functionName })));
    }
  } finally {
    client.destroy();
  }
  // Those of one function stay in their order.
  return { lines: lines.toSorted((one, other) => one.at - other.at), without };
}

/** @returns undefined when there is no such log group */
async function readAll(
  client: CloudWatchLogsClient,
  search: { logGroupName: string; startTime: number; endTime?: number; filterPattern: string },
): Promise<{ at: number; message: string }[] | undefined> {
  const found: { at: number; message: string }[] = [];
  try {
    // Pages may be empty before the last one.
    for await (const { events = [] } of paginateFilterLogEvents({ client }, search)) {
      for (const { timestamp = 0, message = '' } of events) found.push({ at: timestamp, message });
    }
    return found;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}
