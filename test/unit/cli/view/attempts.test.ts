import { describe, expect, it } from 'vitest';
import { attemptsOf } from '../../../../cli/view/attempts.ts';
import {
  at,
  done,
  entered,
  executionFailed,
  exited,
  history,
  lambdaFails,
  lambdaStarts,
  started,
  succeeded,
  waits,
  waitTimesOut,
} from '../history.ts';

describe('attemptsOf', () => {
  it('is empty before the first state', () => {
    expect(attemptsOf(history(started))).toEqual([]);
  });

  it('says when each state was entered and left', () => {
    expect(attemptsOf(history(started, done('AcceptRequest'), done('ObtainToken'), succeeded))).toEqual([
      {
        state: 'AcceptRequest',
        attempt: 1,
        enteredAt: new Date(at(1)),
        exitedAt: new Date(at(5)),
        failedAt: null,
        error: null,
      },
      {
        state: 'ObtainToken',
        attempt: 1,
        enteredAt: new Date(at(6)),
        exitedAt: new Date(at(10)),
        failedAt: null,
        error: null,
      },
    ]);
  });

  it('leaves the state that runs without an end', () => {
    expect(attemptsOf(history(started, entered('DeployStack'), lambdaStarts))).toEqual([
      { state: 'DeployStack', attempt: 1, enteredAt: new Date(at(1)), exitedAt: null, failedAt: null, error: null },
    ]);
  });

  it('counts each retry as an attempt of its own', () => {
    const events = history(
      started,
      entered('PatchKeyPolicy'),
      lambdaFails('KeyPolicyBusy'),
      lambdaFails('PrincipalNotVisible'),
      lambdaStarts,
      { type: 'LambdaFunctionSucceeded' },
      exited('PatchKeyPolicy'),
    );
    expect(attemptsOf(events)).toEqual([
      {
        state: 'PatchKeyPolicy',
        attempt: 1,
        enteredAt: new Date(at(1)),
        exitedAt: new Date(at(4)),
        failedAt: new Date(at(4)),
        error: 'KeyPolicyBusy',
      },
      {
        state: 'PatchKeyPolicy',
        attempt: 2,
        enteredAt: new Date(at(5)),
        exitedAt: new Date(at(7)),
        failedAt: new Date(at(7)),
        error: 'PrincipalNotVisible',
      },
      {
        state: 'PatchKeyPolicy',
        attempt: 3,
        enteredAt: new Date(at(8)),
        exitedAt: new Date(at(11)),
        failedAt: null,
        error: null,
      },
    ]);
  });

  it('keeps an attempt open that failed and may be retried', () => {
    const [attempt, ...others] = attemptsOf(
      history(started, entered('ObtainToken'), lambdaFails('InfinStorUnavailable')),
    );
    expect(attempt).toMatchObject({ exitedAt: null, error: 'InfinStorUnavailable' });
    expect(others).toEqual([]);
  });

  it('starts at attempt 1 when a caught error leads back to the same state', () => {
    const timedOutWait = [entered('WaitForStack'), ...waitTimesOut, exited('WaitForStack')];
    const events = history(
      started,
      timedOutWait,
      entered('WaitForStack'),
      waits,
      { type: 'TaskSucceeded' },
      exited('WaitForStack'),
    );
    expect(attemptsOf(events)).toMatchObject([
      { state: 'WaitForStack', attempt: 1, error: 'States.Timeout' },
      { state: 'WaitForStack', attempt: 1, error: null },
    ]);
  });

  it('names the error that ended the execution', () => {
    const events = history(
      started,
      done('AcceptRequest'),
      entered('ObtainToken'),
      lambdaFails('LoginRejected'),
      executionFailed,
    );
    expect(attemptsOf(events).at(-1)).toMatchObject({ state: 'ObtainToken', exitedAt: null, error: 'LoginRejected' });
  });

  it('calls a time-out without details what ASL calls it', () => {
    const events = history(started, entered('ObtainToken'), lambdaStarts, { type: 'LambdaFunctionTimedOut' });
    expect(attemptsOf(events)).toMatchObject([{ error: 'States.Timeout' }]);
  });
});
