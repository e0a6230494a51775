import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { createMachine, task } from './machine.ts';

const answering = (result: unknown) => vi.fn(async (_functionArn: string, _event: unknown) => result);

describe('a Task state', () => {
  it.each([
    ['nothing', {}, { a: 1 }],
    ['InputPath', { InputPath: '$.a' }, 1],
    ['Parameters', { Parameters: { 'copy.$': '$.a', fixed: [true] } }, { copy: 1, fixed: [true] }],
    ['an intrinsic function', { Parameters: { 'text.$': "States.Format('a-{}', $.a)" } }, { text: 'a-1' }],
  ])('hands its function what %s makes of the input', async (_name, fields, event) => {
    const invokeLambda = answering(null);
    await createMachine({ Only: task(fields) }, { invokeLambda }).execute({ a: 1 });
    const stateMachineArn = expect.stringMatching(/^arn:aws:states:.*:stateMachine:Machine$/);
    expect(invokeLambda.mock.calls).toEqual([['arn:function', event, { roleArn: 'arn:role', stateMachineArn }]]);
  });

  it.each([
    ['nothing', {}, { b: 2, c: 3 }],
    ['ResultPath "$"', { ResultPath: '$' }, { b: 2, c: 3 }],
    ['ResultPath', { ResultPath: '$.deep.er' }, { a: 1, deep: { er: { b: 2, c: 3 } } }],
    ['ResultPath null', { ResultPath: null }, { a: 1 }],
    ['ResultSelector', { ResultSelector: { 'only.$': '$.b' } }, { only: 2 }],
    [
      'ResultSelector and ResultPath "$"',
      { ResultSelector: { 'all.$': '$' }, ResultPath: '$' },
      { all: { b: 2, c: 3 } },
    ],
    ['OutputPath', { ResultPath: '$.x', OutputPath: '$.x.c' }, 3],
  ])('outputs what %s makes of the result', async (_name, fields, output) => {
    const machine = createMachine({ Only: task(fields) }, { invokeLambda: answering({ b: 2, c: 3 }) });
    expect(await machine.execute({ a: 1 })).toMatchObject({ status: 'SUCCEEDED', output });
  });

  it('has the context object', async () => {
    const Parameters = {
      'execution.$': '$$.Execution.Id',
      'name.$': '$$.Execution.Name',
      'started.$': '$$.Execution.StartTime',
      'state.$': '$$.State.Name',
      'entered.$': '$$.State.EnteredTime',
      'machine.$': '$$.StateMachine.Id',
      'machineName.$': '$$.StateMachine.Name',
    };
    const machine = createMachine({ Only: task({ Parameters }) });
    const { executionArn, startDate } = await machine.start({}, { name: 'first' });
    const { output } = await machine.result(executionArn);
    expect(output).toEqual({
      execution: executionArn,
      name: 'first',
      started: startDate.toISOString(),
      state: 'Only',
      entered: expect.toSatisfy((time: string) => Date.parse(time) >= startDate.getTime()),
      machine: machine.stateMachineArn,
      machineName: 'Machine',
    });
  });

  it.each([[null], ['text'], [0], [[1, 2]]])('takes and returns any JSON: %j', async (input) => {
    expect(await createMachine({ Only: task() }).execute(input)).toMatchObject({ output: input });
  });

  it('ends the execution when its input lacks what a path names', async () => {
    const machine = createMachine({ Only: task({ Parameters: { 'x.$': '$.absent' } }) });
    expect(await machine.execute()).toMatchObject({
      status: 'FAILED',
      error: 'States.Runtime',
      cause: expect.stringContaining('$.absent'),
    });
  });
});

describe('other states', () => {
  it.each([
    ['a Pass state', { Type: 'Pass', End: true }, { a: 1 }],
    ['a result', { Type: 'Pass', Result: 'fixed', ResultPath: '$.b', End: true }, { a: 1, b: 'fixed' }],
    ['parameters', { Type: 'Pass', Parameters: { 'b.$': '$.a' }, End: true }, { b: 1 }],
    ['a Succeed state', { Type: 'Succeed' }, { a: 1 }],
  ])('pass on their input: %s', async (_name, state, output) => {
    expect(await createMachine({ Only: state }).execute({ a: 1 })).toMatchObject({ status: 'SUCCEEDED', output });
  });

  it('hand over from one to the next', async () => {
    const machine = createMachine({
      First: { Type: 'Pass', Result: 1, ResultPath: '$.first', Next: 'Second' },
      Second: task({ End: undefined, Next: 'Third', ResultPath: '$.second' }),
      Third: { Type: 'Succeed' },
    });
    expect(await machine.execute({ a: 0 })).toMatchObject({ output: { a: 0, first: 1, second: { a: 0, first: 1 } } });
  });

  it('end the execution with the error and cause of a Fail state', async () => {
    const machine = createMachine({ Only: { Type: 'Fail', Error: 'Broken', Cause: 'for a reason' } });
    expect(await machine.execute()).toMatchObject({ status: 'FAILED', error: 'Broken', cause: 'for a reason' });
  });
});

describe('a Choice state', () => {
  const arrivals = {
    First: { Type: 'Pass', Result: 'first', End: true },
    Other: { Type: 'Pass', Result: 'other', End: true },
  };
  const choose = (choice: object, input: unknown) =>
    createMachine({ Choose: { Type: 'Choice', ...choice }, ...arrivals }).execute(input);

  const choice = {
    Choices: [
      { Variable: '$.n', NumericGreaterThan: 10, Next: 'First' },
      {
        And: [{ Variable: '$.text', IsPresent: true }, { Not: { Variable: '$.text', StringEquals: 'no' } }],
        Next: 'First',
      },
      {
        Or: [
          { Variable: '$.n', NumericEquals: 5 },
          { Variable: '$.n', NumericLessThan: 3 },
        ],
        Next: 'Other',
      },
    ],
  };

  it.each([
    ['the first rule', { n: 11 }, 'first'],
    ['And with Not', { n: 4, text: 'yes' }, 'first'],
    ['Or', { n: 5 }, 'other'],
    ['the first of several rules', { n: 1, text: 'yes' }, 'first'],
    ['the last of several rules', { n: 1, text: 'no' }, 'other'],
  ])('goes where %s leads', async (_name, input, output) => {
    expect(await choose(choice, input)).toMatchObject({ output });
  });

  it('goes to its default, with its input', async () => {
    const machine = createMachine({
      Choose: { Type: 'Choice', ...choice, Default: 'Rest' },
      ...arrivals,
      Rest: { Type: 'Succeed' },
    });
    expect(await machine.execute({ n: 4 })).toMatchObject({ output: { n: 4 } });
  });

  it('fails when no rule matches and there is no default', async () => {
    expect(await choose(choice, { n: 4 })).toMatchObject({ status: 'FAILED', error: 'States.NoChoiceMatched' });
  });

  it('evaluates any nesting of And, Or and Not', async () => {
    type Rule = { rule: object; holds: boolean };
    const { tree } = fc.letrec<{ tree: Rule; node: Rule }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.boolean().map((holds) => ({ rule: { Variable: '$.yes', BooleanEquals: holds }, holds })),
        tie('node'),
      ),
      node: fc.oneof(
        tie('tree').map(({ rule, holds }) => ({ rule: { Not: rule }, holds: !holds })),
        fc.array(tie('tree'), { minLength: 1, maxLength: 3 }).map((parts) => ({
          rule: { And: parts.map(({ rule }) => rule) },
          holds: parts.every(({ holds }) => holds),
        })),
        fc.array(tie('tree'), { minLength: 1, maxLength: 3 }).map((parts) => ({
          rule: { Or: parts.map(({ rule }) => rule) },
          holds: parts.some(({ holds }) => holds),
        })),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(tree, async ({ rule, holds }) => {
        const { output } = await choose({ Choices: [{ ...rule, Next: 'First' }], Default: 'Other' }, { yes: true });
        expect(output).toBe(holds ? 'first' : 'other');
      }),
    );
  });
});
