import { answered, call, fact, type RecordedTest, type Recordings, refused, type Step } from '../fact.ts';

const roleArn = 'arn:aws:iam::111111111111:role/recorded-machines';
const prefix = 'arn:aws:states:us-east-1:111111111111';
const passes = { State_1: { Type: 'Pass', Result: { Arg1: 'argument1' }, End: true } };

const invoking = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: '*' }],
};

/** A machine of the test's own. */
export const machine = (
  name: string,
  States: Readonly<Record<string, object>> = passes,
): Required<Pick<RecordedTest, 'prepare'>> => ({
  prepare({ iam, states }) {
    if (iam.role('recorded-machines') === undefined) {
      iam.createRole({
        roleName: 'recorded-machines',
        assumeRolePolicyDocument: {
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Principal: { Service: 'states.amazonaws.com' }, Action: 'sts:AssumeRole' }],
        },
        policies: [{ name: 'invoke', document: invoking }],
      });
    }
    const definition = JSON.stringify({ StartAt: Object.keys(States)[0], States });
    return { machine: states.createStateMachine({ name, roleArn, definition }) };
  },
});
const stateMachineArn = '$machine';
export const executionArn = '$execution';
export const start = (input: string): Step =>
  call('StartExecution', { stateMachineArn, input }, { keep: { execution: 'executionArn' } });
const started = answered({ executionArn: `${prefix}:execution:<machine>:<execution>`, startDate: '(date)' });
const afterAll = { afterAll: true };

const shown = { truncated: false };
const event = (id: number, previousEventId: number, type: string, details: object = {}) => ({
  id,
  previousEventId,
  timestamp: '(date)',
  type,
  ...details,
});
const begun = (input: string) =>
  event(1, 0, 'ExecutionStarted', { executionStartedEventDetails: { input, inputDetails: shown, roleArn } });
const entered = (id: number, previous: number, type: string, name: string, input: string) =>
  event(id, previous, type, { stateEnteredEventDetails: { input, inputDetails: shown, name } });
const exited = (id: number, type: string, name: string, output: string) =>
  event(id, id - 1, type, { stateExitedEventDetails: { name, output, outputDetails: shown } });
const succeeded = (id: number, output: string) =>
  event(id, id - 1, 'ExecutionSucceeded', { executionSucceededEventDetails: { output, outputDetails: shown } });
const failed = (id: number, executionFailedEventDetails: object) =>
  event(id, id - 1, 'ExecutionFailed', { executionFailedEventDetails });
const history = (...events: readonly object[]) => answered({ events });
const passed = [
  begun('{}'),
  entered(2, 0, 'PassStateEntered', 'State_1', '{}'),
  exited(3, 'PassStateExited', 'State_1', '{"Arg1":"argument1"}'),
  succeeded(4, '{"Arg1":"argument1"}'),
];
const execution = (name: string, status: string, more: object = {}) => ({
  executionArn: `${prefix}:execution:${name}:<execution>`,
  name: '<execution>',
  redriveCount: 0,
  startDate: '(date)',
  stateMachineArn,
  status,
  stopDate: '(date)',
  ...more,
});
const described = (name: string, status: string, more: object) =>
  answered(execution(name, status, { input: '{}', inputDetails: { included: true }, ...more }));
const invalid = (value: string, member: string, rule: string) =>
  refused(
    'ValidationException',
    `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: Member must ${rule}`,
  );
const tooMany = (key: string, operation: string, input: object = {}): Step =>
  fact(
    key,
    operation,
    { ...input, maxResults: 1001 },
    invalid('1001', 'maxResults', 'have value less than or equal to 1000'),
  );
const tooLong = (key: string, operation: string, most: number, input: object = {}): Step =>
  fact(
    key,
    operation,
    { ...input, nextToken: 'x'.repeat(most + 1) },
    invalid('x'.repeat(most + 1), 'nextToken', `have length less than or equal to ${most}`),
  );
const badInput = (message: string) =>
  refused('InvalidExecutionInput', `Invalid State Machine Execution Input: '${message}'`);

/** What is no ARN at all. */
const invalidArn = (test: string, operation: string, member: string, arn: string): RecordedTest => ({
  test: `TestSnfApi::${test}`,
  date: '2024-03-08',
  steps: [
    fact('exception', operation, { [member]: arn }, refused('InvalidArn', `Invalid Arn: 'Invalid ARN prefix: ${arn}'`)),
  ],
});

export const states: Recordings = {
  service: 'states',
  file: 'stepfunctions/v2/test_sfn_api.snapshot.json',
  tests: [
    {
      test: 'TestSnfApi::test_start_execution',
      date: '2024-06-30',
      ...machine('start-execution'),
      steps: [
        fact('exec_resp', 'StartExecution', { stateMachineArn, input: '{}' }, started, {
          keep: { execution: 'executionArn' },
        }),
        fact(
          'exec_list_resp',
          'ListExecutions',
          { stateMachineArn },
          answered({ executions: [execution('start-execution', 'SUCCEEDED')] }),
          afterAll,
        ),
        fact('exec_hist_resp', 'GetExecutionHistory', { executionArn }, history(...passed)),
      ],
    },
    {
      test: 'TestSnfApi::test_invalid_start_execution_arn',
      date: '2023-06-22',
      steps: [
        fact(
          'start_exec_of_deleted',
          'StartExecution',
          { stateMachineArn: `${prefix}:stateMachine:nowhere` },
          refused('StateMachineDoesNotExist', `State Machine Does Not Exist: '${prefix}:stateMachine:nowhere'`),
        ),
      ],
    },
    {
      test: 'TestSnfApi::test_invalid_start_execution_input',
      date: '2023-06-22',
      ...machine('execution-input'),
      steps: [
        fact(
          'start_exec_str_inp',
          'StartExecution',
          { stateMachineArn, input: 'not some json' },
          badInput(
            "Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')",
          ),
        ),
        fact(
          'start_exec_not_json_inp',
          'StartExecution',
          { stateMachineArn, input: "{'not': 'json'" },
          badInput("Unexpected character (''' (code 39)): was expecting double-quote to start field name"),
        ),
        fact('start_res_empty', 'StartExecution', { stateMachineArn, input: '' }, badInput('Invalid execution input.')),
        fact('start_res_num', 'StartExecution', { stateMachineArn, input: '2' }, started),
        fact('start_res_str', 'StartExecution', { stateMachineArn, input: '"some text"' }, started),
        fact('start_res_null', 'StartExecution', { stateMachineArn, input: 'null' }, started),
      ],
    },
    {
      test: 'TestSnfApi::test_start_execution_idempotent',
      date: '2024-08-21',
      ...machine('idempotent', {
        State_1: {
          Type: 'Task',
          Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
          Parameters: {
            FunctionName: 'infinstor-onboarding-sandbox-create-subscriber',
            Payload: { 'token.$': '$$.Task.Token' },
          },
          End: true,
        },
      }),
      steps: [
        fact('exec_resp', 'StartExecution', { stateMachineArn, name: 'once', input: '{}' }, started),
        fact(
          'start_exec_already_exists',
          'StartExecution',
          { stateMachineArn, name: 'once', input: '{"other":1}' },
          refused('ExecutionAlreadyExists', `Execution Already Exists: '${prefix}:execution:idempotent:once'`),
        ),
      ],
    },
    {
      test: 'TestSnfApi::test_describe_nonexistent_sm',
      date: '2023-10-26',
      steps: [
        fact(
          'describe_nonexistent_sm',
          'DescribeStateMachine',
          { stateMachineArn: `${prefix}:stateMachine:nowhere` },
          refused('StateMachineDoesNotExist', `State Machine Does Not Exist: '${prefix}:stateMachine:nowhere'`),
        ),
      ],
    },
    invalidArn('test_describe_invalid_arn_sm', 'DescribeStateMachine', 'stateMachineArn', 'not_a_valid_arn'),
    invalidArn('test_describe_execution_invalid_arn', 'DescribeExecution', 'executionArn', 'invalid_state_machine_arn'),
    invalidArn(
      'test_get_execution_history_invalid_arn',
      'GetExecutionHistory',
      'executionArn',
      'invalid_state_machine_arn',
    ),
    ...['DescribeExecution', 'GetExecutionHistory'].map((operation) => ({
      test: `TestSnfApi::test_${operation === 'DescribeExecution' ? 'describe_execution_no_such_state_machine' : 'get_execution_history_no_such_execution'}`,
      date: '2024-03-08',
      steps: [
        fact(
          'exception',
          operation,
          { executionArn: `${prefix}:execution:nowhere:0000` },
          refused('ExecutionDoesNotExist', `Execution Does Not Exist: '${prefix}:execution:nowhere:0000'`),
        ),
      ],
    })),
    {
      test: 'TestSnfApi::test_describe_execution',
      date: '2024-08-21',
      ...machine('describe-execution'),
      steps: [
        start('{}'),
        fact(
          'describe_execution',
          'DescribeExecution',
          { executionArn },
          described('describe-execution', 'SUCCEEDED', {
            output: '{"Arg1":"argument1"}',
            outputDetails: { included: true },
            redriveStatus: 'NOT_REDRIVABLE',
            redriveStatusReason: 'Execution is SUCCEEDED and cannot be redriven',
          }),
          afterAll,
        ),
      ],
    },
    {
      test: 'TestSnfApi::test_get_execution_history_reversed',
      date: '2024-01-28',
      ...machine('reversed'),
      steps: [
        start('{}'),
        fact(
          'get_execution_history_reverseOrder[False]',
          'GetExecutionHistory',
          { executionArn, reverseOrder: false },
          history(...passed),
          afterAll,
        ),
        fact(
          'get_execution_history_reverseOrder[True]',
          'GetExecutionHistory',
          { executionArn, reverseOrder: true },
          history(...passed.toReversed()),
        ),
      ],
    },
    {
      test: 'TestSnfApi::test_state_machine_status_filter',
      date: '2024-03-14',
      ...machine('status-filter'),
      steps: [
        fact('list_before_execution', 'ListExecutions', { stateMachineArn }, answered({ executions: [] })),
        fact('exec_resp', 'StartExecution', { stateMachineArn, input: '{}' }, started),
        fact(
          'list_succeeded_when_complete',
          'ListExecutions',
          { stateMachineArn, statusFilter: 'SUCCEEDED' },
          answered({ executions: [execution('status-filter', 'SUCCEEDED')] }),
          afterAll,
        ),
        fact(
          'list_running_when_complete',
          'ListExecutions',
          { stateMachineArn, statusFilter: 'RUNNING' },
          answered({ executions: [] }),
        ),
        fact(
          'list_executions_filter_exc',
          'ListExecutions',
          { stateMachineArn, statusFilter: 'succeeded' },
          invalid('succeeded', 'statusFilter', 'satisfy enum value set: [<values>]'),
        ),
      ],
    },
    {
      test: 'TestSnfApi::test_list_sms_pagination',
      date: '2024-07-01',
      steps: [
        tooMany('list-state-machines-invalid-param-too-large', 'ListStateMachines'),
        tooLong('list-state-machines-invalid-param-long-nextToken', 'ListStateMachines', 1024),
      ],
    },
    {
      test: 'TestSnfApi::test_list_executions_pagination',
      date: '2024-07-01',
      ...machine('pagination'),
      steps: [
        tooMany('list-executions-invalid-param-too-large', 'ListExecutions', { stateMachineArn }),
        tooLong('list-executions-invalid-param-long-nextToken', 'ListExecutions', 3096, { stateMachineArn }),
      ],
    },
    {
      test: 'TestSnfApi::test_cloudformation_definition_create_describe[dumps]',
      date: '2023-11-17',
      ...machine('described'),
      steps: [
        fact(
          'describe_state_machine_response',
          'DescribeStateMachine',
          { stateMachineArn },
          answered({
            creationDate: '(date)',
            definition: '<definition>',
            loggingConfiguration: { includeExecutionData: false, level: 'OFF' },
            name: 'described',
            roleArn,
            stateMachineArn,
            status: 'ACTIVE',
            tracingConfiguration: { enabled: false },
            type: 'STANDARD',
          }),
        ),
      ],
    },
    {
      test: 'TestSnfBase::test_state_fail',
      file: 'stepfunctions/v2/base/test_base.snapshot.json',
      date: '2024-03-06',
      ...machine('state-fail', { FailState: { Type: 'Fail', Error: 'SomeFailure', Cause: 'A failure' } }),
      steps: [
        start('{}'),
        fact(
          'describe_execution',
          'DescribeExecution',
          { executionArn },
          described('state-fail', 'FAILED', { cause: 'A failure', error: 'SomeFailure', redriveStatus: 'REDRIVABLE' }),
          afterAll,
        ),
        fact(
          'get_execution_history',
          'GetExecutionHistory',
          { executionArn },
          history(
            begun('{}'),
            entered(2, 0, 'FailStateEntered', 'FailState', '{}'),
            failed(3, { cause: 'A failure', error: 'SomeFailure' }),
          ),
        ),
      ],
    },
    {
      test: 'TestSnfBase::test_state_fail_empty',
      file: 'stepfunctions/v2/base/test_base.snapshot.json',
      date: '2024-03-06',
      ...machine('state-fail-empty', { FailState: { Type: 'Fail' } }),
      steps: [
        start('{}'),
        fact(
          'describe_execution',
          'DescribeExecution',
          { executionArn },
          described('state-fail-empty', 'FAILED', { redriveStatus: 'REDRIVABLE' }),
          afterAll,
        ),
        fact(
          'get_execution_history',
          'GetExecutionHistory',
          { executionArn },
          history(begun('{}'), entered(2, 0, 'FailStateEntered', 'FailState', '{}'), failed(3, {})),
        ),
      ],
    },
    {
      test: 'TestSnfBase::test_state_pass_result',
      file: 'stepfunctions/v2/base/test_base.snapshot.json',
      date: '2024-02-07',
      ...machine('pass-result'),
      steps: [
        start('{}'),
        fact('get_execution_history', 'GetExecutionHistory', { executionArn }, history(...passed), afterAll),
      ],
    },
  ],
};
