import { describe, expect, it } from 'vitest';
import { CommandError } from '../../../../cli/command-error.ts';
import { brokenOff, type Description, exitStatus, reportOf } from '../../../../cli/view/report.ts';
import { remedyFor } from '../../../../lib/errors.ts';
import { at, done, entered, executionFailed, history, lambdaFails, started, succeeded, waits } from '../history.ts';

const output = {
  userName: 'acme',
  stackId: 'arn:aws:cloudformation:us-east-1:111111111111:stack/infinstor-acme/1',
  roleArn: 'arn:aws:iam::111111111111:role/RoleForInfinStorMlflowService-acme',
  keyArns: ['arn:aws:kms:us-east-1:111111111111:key/11111111-aaaa-4aaa-8aaa-111111111111'],
};
const description: Description = {
  executionArn: 'arn:aws:states:us-east-1:111111111111:execution:onboard-subscriber:acme-1',
  status: 'SUCCEEDED',
  startDate: new Date(at(0)),
  stopDate: new Date(at(6)),
};
const failed = (error: string, cause?: string): Description => ({ ...description, status: 'FAILED', error, cause });
const lambdaCause = (errorType: string, errorMessage: string) => JSON.stringify({ errorType, errorMessage, trace: [] });

describe('reportOf', () => {
  it('reports a success', () => {
    const policies = new Map([['a-key', { Version: '2012-10-17' }]]);
    const events = history(started, done('AcceptRequest'), succeeded);
    expect(reportOf({ ...description, output: JSON.stringify(output) }, events, policies)).toEqual({
      status: 'SUCCEEDED',
      executionArn: description.executionArn,
      durationMs: 6000,
      transitions: 1,
      output,
      credentialsSecretId: null,
      error: null,
      keyPolicies: { 'a-key': { Version: '2012-10-17' } },
      history: [{ state: 'AcceptRequest', attempt: 1, enteredAt: at(1), exitedAt: at(5) }],
    });
  });

  it('counts states entered plus retries as transitions', () => {
    const events = history(
      started,
      done('AcceptRequest'),
      entered('ObtainToken'),
      lambdaFails('A'),
      lambdaFails('A'),
      executionFailed,
    );
    const { transitions, history: rows } = reportOf(failed('A'), events, new Map());
    expect(transitions).toBe(3);
    expect(rows.map(({ state, attempt }) => `${state} ${attempt}`)).toEqual([
      'AcceptRequest 1',
      'ObtainToken 1',
      'ObtainToken 2',
    ]);
    expect(rows.at(-1)?.exitedAt).toBeNull();
  });

  it("takes step, message and remedy of a failed function from the history and Lambda's cause", () => {
    const events = history(
      started,
      done('AcceptRequest'),
      entered('ObtainToken'),
      lambdaFails('LoginRejected'),
      executionFailed,
    );
    const cause = lambdaCause('LoginRejected', 'Cognito refused the login of superadmin');
    expect(reportOf(failed('LoginRejected', cause), events, new Map())).toMatchObject({
      status: 'FAILED',
      output: null,
      error: {
        name: 'LoginRejected',
        step: 'ObtainToken',
        message: 'Cognito refused the login of superadmin',
        remedy: remedyFor('LoginRejected'),
      },
    });
  });

  it.each([
    ['a cause that is no JSON', 'the bucket exists', 'the bucket exists'],
    ['a cause of other JSON', '{"reason":"x"}', '{"reason":"x"}'],
    ['no cause', undefined, 'The execution failed in WaitForStack, without a cause'],
    ['an empty message', lambdaCause('Error', ''), 'The execution failed in WaitForStack, without a cause'],
  ])('has a message for %s', (_, cause, message) => {
    const events = history(started, entered('WaitForStack'), waits);
    expect(reportOf(failed('StackFailed', cause), events, new Map()).error).toMatchObject({ message });
  });

  it.each([
    [
      'TIMED_OUT',
      'States.Timeout',
      'The time limit was reached in WaitForStack, which waited for CloudFormation to finish with the stack',
    ],
    ['ABORTED', 'ABORTED', 'The execution was stopped in WaitForStack'],
  ] as const)('names what ended an execution that is %s', (status, name, message) => {
    const report = reportOf({ ...description, status }, history(started, entered('WaitForStack'), waits), new Map());
    expect(report).toMatchObject({ status, error: { name, step: 'WaitForStack', message } });
    expect(exitStatus(report)).toBe(1);
  });

  it('has no step when none was entered', () => {
    expect(reportOf(failed('States.Runtime'), history(started, executionFailed), new Map()).error?.step).toBeNull();
  });

  it.each([
    ['an onboarding', { plan: { credentialsSecretId: 'planned' }, subscriber: { credentialsSecretId: 'the-secret' } }],
    ['an update', { plan: { credentialsSecretId: 'the-secret' } }],
  ])('names the credentials secret of %s, by what its states put out', (_, put) => {
    const exit = {
      type: 'TaskStateExited' as const,
      stateExitedEventDetails: { name: 'CreateSubscriber', output: JSON.stringify(put) },
    };
    const events = history(started, entered('CreateSubscriber'), exit, done('DeployStack'), succeeded);
    expect(reportOf(description, events, new Map()).credentialsSecretId).toBe('the-secret');
  });

  it('refuses an execution that still runs', () => {
    expect(() => reportOf({ ...description, status: 'RUNNING' }, history(started), new Map())).toThrow('still running');
  });
});

describe('exitStatus', () => {
  const events = history(started, entered('AcceptRequest'), lambdaFails('x'));
  it.each([
    ['InvalidRequest', 2],
    ['StackFailed', 1],
  ])('is for %s %i', (name, expected) => {
    expect(exitStatus(reportOf(failed(name), events, new Map()))).toBe(expected);
  });

  it('is 0 for a success', () => {
    expect(exitStatus(reportOf(description, history(started, succeeded), new Map()))).toBe(0);
  });
});

describe('brokenOff', () => {
  it('is a failure without an execution', () => {
    expect(brokenOff(new CommandError('InvalidRequest', 'x.json is not JSON', 'Mend it.'), null)).toEqual({
      status: 'FAILED',
      executionArn: null,
      durationMs: 0,
      transitions: 0,
      output: null,
      credentialsSecretId: null,
      error: { name: 'InvalidRequest', step: null, message: 'x.json is not JSON', remedy: 'Mend it.' },
      keyPolicies: {},
      history: [],
    });
  });
});
