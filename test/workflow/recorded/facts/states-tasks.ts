// What is done to executions and their tasks from outside.

import * as v from 'valibot';
import { answered, call, fact, type Recordings, refused, type Step } from '../fact.ts';
import { executionArn, machine, start } from './states.ts';

/** A task that waits for its token, without a limit, because time is skipped while only timers are pending. Its function takes any input. */
const waits = {
  WaitForToken: {
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
    Parameters: {
      FunctionName: 'arn:aws:lambda:us-east-1:111111111111:function:infinstor-onboarding-sandbox-sweep-passwords',
      Payload: { 'token.$': '$$.Task.Token' },
    },
    End: true,
  },
};
const scheduledSchema = v.object({
  events: v.array(
    v.object({ type: v.string(), taskScheduledEventDetails: v.optional(v.object({ parameters: v.string() })) }),
  ),
});
const payloadSchema = v.pipe(v.string(), v.parseJson(), v.object({ Payload: v.object({ token: v.string() }) }));
const readToken = call(
  'GetExecutionHistory',
  { executionArn },
  {
    keep: { token: 'token' },
    pick(answer) {
      const { events } = v.parse(scheduledSchema, answer);
      const scheduled = events.find(({ taskScheduledEventDetails }) => taskScheduledEventDetails !== undefined);
      return v.parse(payloadSchema, scheduled?.taskScheduledEventDetails?.parameters).Payload;
    },
  },
);
const ends = (key: string, count: number, events: readonly object[]): Step =>
  fact(
    key,
    'GetExecutionHistory',
    { executionArn, reverseOrder: true, maxResults: count },
    answered({ events, nextToken: '<token>' }),
    {
      afterAll: true,
    },
  );
const shown = { truncated: false };
const resource = { resource: 'invoke.waitForTaskToken', resourceType: 'lambda' };
const event = (id: number | string, type: string, details: object, previousEventId = Number(id) - 1) => ({
  id,
  previousEventId,
  timestamp: '(date)',
  type,
  ...details,
});
const noToken = refused('InvalidToken', "Invalid Token: 'Invalid token'");
const services = 'stepfunctions/v2/services/test_aws_sdk_task_service.snapshot.json';
const answeredWith = (output: string) =>
  [
    event(6, 'TaskSucceeded', { taskSucceededEventDetails: { output, outputDetails: shown, ...resource } }),
    event(7, 'TaskStateExited', { stateExitedEventDetails: { name: 'WaitForToken', output, outputDetails: shown } }),
    event(8, 'ExecutionSucceeded', { executionSucceededEventDetails: { output, outputDetails: shown } }),
  ].toReversed();

export const tasks: Recordings = {
  service: 'states',
  file: 'stepfunctions/v2/callback/test_callback.snapshot.json',
  tests: [
    {
      test: 'TestCallback::test_sqs_wait_for_task_token',
      date: '2024-04-18',
      ...machine('wait-for-token', waits),
      steps: [
        start('{}'),
        readToken,
        fact(
          'send_task_success',
          'SendTaskSuccess',
          { taskToken: '$token', output: '"test_message_txt"' },
          answered({}),
        ),
        ends('get_execution_history', 3, answeredWith('"test_message_txt"')),
      ],
    },
    {
      test: 'TestCallback::test_sqs_failure_in_wait_for_task_token',
      date: '2024-04-18',
      ...machine('wait-and-fail', waits),
      steps: [
        start('{}'),
        readToken,
        fact(
          'send_task_failure',
          'SendTaskFailure',
          { taskToken: '$token', error: 'Failure error', cause: 'Failure cause' },
          answered({}),
        ),
        ends(
          'get_execution_history',
          2,
          [
            event(6, 'TaskFailed', {
              taskFailedEventDetails: { cause: 'Failure cause', error: 'Failure error', ...resource },
            }),
            event(7, 'ExecutionFailed', {
              executionFailedEventDetails: { cause: 'Failure cause', error: 'Failure error' },
            }),
          ].toReversed(),
        ),
      ],
    },
    {
      test: 'TestCallback::test_multiple_heartbeat_notifications',
      date: '2024-04-18',
      ...machine('wait-with-heartbeats', waits),
      steps: [
        start('{}'),
        readToken,
        ...['first', 'second'].map((key) =>
          fact(`send_task_heartbeat ${key}`, 'SendTaskHeartbeat', { taskToken: '$token' }, answered({})),
        ),
        call('SendTaskSuccess', { taskToken: '$token', output: '{"Message":"txt"}' }),
        ends('get_execution_history', 3, answeredWith('{"Message":"txt"}')),
      ],
    },
    ...[
      ['state_machine_template0', 'SendTaskSuccess', { output: '{}' }] as const,
      ['state_machine_template1', 'SendTaskFailure', {}] as const,
    ].map(([template, operation, more]) => ({
      test: `TestTaskServiceAwsSdk::test_sfn_send_task_outcome_with_no_such_token[${template}]`,
      file: services,
      date: '2025-11-06',
      steps: [fact('get_execution_history', operation, { taskToken: 'noSuchToken', ...more }, noToken)],
    })),
    {
      test: 'TestSnfApi::test_stop_execution',
      file: 'stepfunctions/v2/test_sfn_api.snapshot.json',
      date: '2024-05-06',
      ...machine('stopped', waits),
      steps: [
        start('{}'),
        readToken,
        fact('stop_res', 'StopExecution', { executionArn }, answered({ stopDate: '(date)' })),
        ends('exec_hist_resp', 1, [event('<id>', 'ExecutionAborted', { executionAbortedEventDetails: {} }, 0)]),
      ],
    },
  ],
};
