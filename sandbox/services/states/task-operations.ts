import * as v from 'valibot';
import { AwsError, operation } from '../../core/operation.ts';
import { isJson, maxCauseLength, maxPayloadBytes } from './json.ts';
import type { TaskTokens } from './task-tokens.ts';

/** The operations by which a task with a token is answered. */
export function taskOperations(tokens: TaskTokens) {
  /** @throws AwsError for a token that is unknown or whose task is over */
  function requireOpen(token: string): void {
    if (tokens.machineOf(token) === undefined) throw new AwsError('InvalidToken', `Invalid Token: 'Invalid token'`);
    if (!tokens.isOpen(token)) {
      throw new AwsError('TaskTimedOut', 'Task Timed Out: Provided task does not exist anymore');
    }
  }

  const onTask =
    (action: string) =>
    ({ taskToken }: { taskToken: string }) => [
      { action: `states:${action}`, resource: tokens.machineOf(taskToken) ?? '*' },
    ];

  return {
    SendTaskSuccess: operation(
      v.strictObject({ taskToken: v.string(), output: v.pipe(v.string(), v.maxBytes(maxPayloadBytes)) }),
      {
        access: onTask('SendTaskSuccess'),
        run: ({ taskToken, output }) => {
          if (!isJson(output)) throw new AwsError('InvalidOutput', 'Invalid Output: the output is not JSON');
          requireOpen(taskToken);
          tokens.succeed(taskToken, JSON.parse(output));
          return {};
        },
      },
    ),
    SendTaskHeartbeat: operation(v.strictObject({ taskToken: v.string() }), {
      access: onTask('SendTaskHeartbeat'),
      run: ({ taskToken }) => {
        requireOpen(taskToken);
        tokens.heartbeat(taskToken);
        return {};
      },
    }),
    SendTaskFailure: operation(
      v.strictObject({
        taskToken: v.string(),
        error: v.optional(v.pipe(v.string(), v.maxLength(256))),
        cause: v.optional(v.pipe(v.string(), v.maxLength(maxCauseLength))),
      }),
      {
        access: onTask('SendTaskFailure'),
        run: ({ taskToken, error, cause }) => {
          requireOpen(taskToken);
          tokens.fail(taskToken, { error, cause });
          return {};
        },
      },
    ),
  };
}
