import { describe, expect, it } from 'vitest';
import { createClock } from '../../../../../sandbox/core/clock.ts';
import { createMachine, failing, never, task } from './machine.ts';

const day = 24 * 60 * 60 * 1000;
const machineArn = 'arn:aws:states:us-east-1:111111111111:stateMachine:Machine';
const executionArn = 'arn:aws:states:us-east-1:111111111111:execution:Machine:acme-1';

// Texts as recorded in https://github.com/localstack/localstack/blob/main/tests/aws/services/stepfunctions/v2 (test_sfn_api, 2024)
describe('an ARN', () => {
  it.each([
    ['DescribeStateMachine', 'stateMachineArn', 'no-arn', 'Invalid ARN prefix: no-arn'],
    ['ListExecutions', 'stateMachineArn', 'no-arn', 'Invalid ARN prefix: no-arn'],
    ['StartExecution', 'stateMachineArn', executionArn, 'Resource type not valid in this context: execution'],
    ['DescribeExecution', 'executionArn', 'no-arn', 'Invalid ARN prefix: no-arn'],
    ['DescribeExecution', 'executionArn', machineArn, 'Resource type not valid in this context: stateMachine'],
    ['GetExecutionHistory', 'executionArn', 'no-arn', 'Invalid ARN prefix: no-arn'],
    ['StopExecution', 'executionArn', 'no-arn', 'Invalid ARN prefix: no-arn'],
    ['RedriveExecution', 'executionArn', 'no-arn', 'Invalid ARN prefix: no-arn'],
  ])('that can be none is refused by %s: %s %s', async (operation, member, arn, reason) => {
    const refused = createMachine({ Only: task() }).run(operation, { [member]: arn });
    await expect(refused).rejects.toMatchObject({ code: 'InvalidArn', message: `Invalid Arn: '${reason}'` });
  });
});

describe('an input', () => {
  it('that is empty is no input', async () => {
    const refused = createMachine({ Only: task() }).start({}, { input: '' });
    await expect(refused).rejects.toMatchObject({
      code: 'InvalidExecutionInput',
      message: "Invalid State Machine Execution Input: 'Invalid execution input.'",
    });
  });
});

describe('a redrive', () => {
  const redriven = async () => {
    const machine = createMachine({ Only: task() }, { invokeLambda: failing(['A', 'B'], createClock()).invokeLambda });
    const { executionArn } = await machine.start();
    await machine.result(executionArn);
    await machine.run('RedriveExecution', { executionArn });
    await machine.result(executionArn);
    return { ...machine, executionArn };
  };

  it('is counted by DescribeExecution, ListExecutions and the events', async () => {
    const { run, stateMachineArn, executionArn, published } = await redriven();
    const counted = { redriveCount: 1, redriveDate: expect.any(Date) };
    expect(await run('DescribeExecution', { executionArn })).toMatchObject({ ...counted, redriveStatus: 'REDRIVABLE' });
    expect(await run('ListExecutions', { stateMachineArn })).toMatchObject({ executions: [counted] });
    expect(published.map(({ detail }) => [detail.status, detail.error, detail.redriveCount])).toEqual([
      ['RUNNING', null, 0],
      ['FAILED', 'A', 0],
      ['RUNNING', null, 1],
      ['FAILED', 'B', 1],
    ]);
    expect(published.map(({ detail }) => typeof detail.redriveDate)).toEqual(['object', 'object', 'number', 'number']);
  });

  it('is never pending, which may be asked for nevertheless', async () => {
    const { run, stateMachineArn } = await redriven();
    const list = (statusFilter: string) => run('ListExecutions', { stateMachineArn, statusFilter });
    expect(await list('PENDING_REDRIVE')).toEqual({ executions: [] });
    await expect(list('PENDING')).rejects.toMatchObject({ code: 'ValidationException' });
  });

  it.each([
    ['14 days after the end', 14 * day + 1, 'Execution redrivable period exceeded'],
    ['a year after the start', 365 * day + 1, 'Execution has exceeded the max execution time'],
  ])('is refused %s, as DescribeExecution says', async (_name, later, reason) => {
    // It is aborted late, so that both are still known.
    const machine = createMachine({ Only: task() }, { invokeLambda: never, clock: createClock() });
    const { executionArn } = await machine.start();
    machine.clock.advance(Math.max(0, later - 15 * day));
    await machine.run('StopExecution', { executionArn });
    expect(await machine.result(executionArn)).toMatchObject({ redriveStatus: 'REDRIVABLE' });
    machine.clock.advance(Math.min(later, 15 * day));
    expect(await machine.result(executionArn)).toMatchObject({
      redriveStatus: 'NOT_REDRIVABLE',
      redriveStatusReason: reason,
    });
    await expect(machine.run('RedriveExecution', { executionArn })).rejects.toMatchObject({
      code: 'ExecutionNotRedrivable',
      message: reason,
    });
  });
});

// As in test_base_scenarios of the same recordings: the cause says where, and quotes the input.
it('an error of the machine says in which state, and quotes its input', async () => {
  const First = { Type: 'Pass', Next: 'Only' };
  const machine = createMachine({ First, Only: task({ Parameters: { 'x.$': '$.absent' } }) });
  const { error, cause } = await machine.execute({ a: 'b' });
  expect(error).toBe('States.Runtime');
  expect(cause).toMatch(
    /^An error occurred while executing the state 'Only' \(entered at the event id #4\)\. .*\$\.absent/,
  );
  expect(cause).toContain(`in the input '{"a":"b"}'`);
});

it('a timeout of a path that leads nowhere is an error of the machine that says where', async () => {
  const { error, cause } = await createMachine({ Only: task({ TimeoutSecondsPath: '$.seconds' }) }).execute({
    seconds: 0,
  });
  expect({ error, cause }).toEqual({
    error: 'States.Runtime',
    cause: expect.stringMatching(
      /^An error occurred while executing the state 'Only' \(entered at the event id #2\)\. /,
    ),
  });
});
