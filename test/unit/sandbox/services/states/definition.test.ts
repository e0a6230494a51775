import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseDefinition } from '../../../../../sandbox/services/states/definition.ts';
import { task, waitingTask } from './machine.ts';

const parse = (state: object, more: object = {}) =>
  parseDefinition(JSON.stringify({ StartAt: 'Only', States: { Only: state }, ...more }));

describe('parseDefinition', () => {
  it("reads the project's machine", () => {
    const text = readFileSync(
      new URL('../../../../../statemachine/onboard-subscriber.asl.json', import.meta.url),
      'utf8',
    );
    // Packaging puts ARNs in their places.
    const packaged = text
      .replaceAll(/\{\s*"Fn::GetAtt":[^}]*\}/g, '"arn:aws:lambda:us-east-1:111111111111:function:f"')
      .replaceAll(/\{\s*"Fn::Sub": ("[^"]*")\s*\}/g, (_, arn: string) => arn.replaceAll('${AWS::Partition}', 'aws'));
    expect(Object.keys(parseDefinition(packaged).States)).toHaveLength(9);
  });

  it('fills in the defaults of Retry', () => {
    expect(parse(task({ Retry: [{ ErrorEquals: ['E'] }] })).States.Only?.Retry).toEqual([
      { ErrorEquals: ['E'], IntervalSeconds: 1, BackoffRate: 2, MaxAttempts: 3, JitterStrategy: 'NONE' },
    ]);
  });

  it.each([
    ['Map', { Type: 'Map' }, 'States.Only.Type'],
    ['Parallel', { Type: 'Parallel' }, 'States.Only.Type'],
    ['Wait', { Type: 'Wait', Seconds: 1 }, 'States.Only.Type'],
    ['JSONata', task({ QueryLanguage: 'JSONata' }), 'States.Only.QueryLanguage'],
    ['a heartbeat without a token', task({ HeartbeatSeconds: 5 }), 'HeartbeatSeconds'],
    ['a heartbeat by path', waitingTask({ HeartbeatSecondsPath: '$.x' }), 'HeartbeatSecondsPath'],
    ['another name of it', waitingTask({ Retry: [{ ErrorEquals: ['States.HeartbeatTimeout'] }] }), 'ErrorEquals'],
    ['credentials', task({ Credentials: { RoleArn: 'arn:role' } }), 'Credentials'],
    ['another integration', task({ Resource: 'arn:aws:states:::dynamodb:putItem' }), 'States.Only.Resource'],
    ['Lambda without a token', task({ Resource: 'arn:aws:states:::lambda:invoke' }), 'States.Only.Resource'],
    ['a result that the engine overlooks', { Type: 'Pass', Result: 0, End: true }, 'States.Only.Result'],
    ['an unknown field of Retry', task({ Retry: [{ ErrorEquals: ['E'], MaxTries: 1 }] }), 'MaxTries'],
    ['an unknown field of Catch', task({ Catch: [{ ErrorEquals: ['E'], Next: 'X', Output: {} }] }), 'Output'],
    ["the execution's input", task({ Parameters: { 'x.$': '$$.Execution.Input.a' } }), '$$.Execution.Input.a'],
    ['the time of a redrive', task({ Parameters: { 'x.$': '$$.Execution.RedriveTime' } }), '$$.Execution.RedriveTime'],
    ['the role', task({ Parameters: { 'x.$': '$$.Execution.RoleArn' } }), '$$.Execution.RoleArn'],
    ['a longer name', task({ Parameters: { 'x.$': '$$.Execution.Ids' } }), '$$.Execution.Ids'],
  ])('refuses what it does not have: %s', (_name, state, named) => {
    expect(() => parse(state)).toThrow(named);
  });

  it('refuses JSONata for all states', () => {
    expect(() => parse(task(), { QueryLanguage: 'JSONata' })).toThrow('QueryLanguage');
  });
});
