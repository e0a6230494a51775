import type { HistoryEventType } from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import { changeText } from '../../../../../cli/view/watch/change-text.ts';
import { changesOf, isEnding, isFailure } from '../../../../../cli/view/watch/changes.ts';
import { runningLines } from '../../../../../cli/view/watch/running-text.ts';
import { done, entered, exited, history, lambdaFails, lambdaStarts, started } from '../../history.ts';

const watched = {
  userName: 'acme',
  operation: 'onboard-subscriber' as const,
  executionArn: 'arn:aws:states:us-east-1:111111111111:execution:m:acme-1',
};
const paint = (_style: string, text: string) => text;
const event = (type: HistoryEventType, more: object = {}) => ({ type, ...more });
const failed = event('ExecutionFailed', { executionFailedEventDetails: { error: 'KeyPolicyFull', cause: '{}' } });
const events = history(
  started,
  done('AcceptRequest'),
  entered('PatchKeyPolicy'),
  lambdaStarts,
  lambdaFails('KeyPolicyBusy'),
  lambdaStarts,
  lambdaFails('KeyPolicyFull'),
  failed,
);
const texts = (all: ReturnType<typeof changesOf>) =>
  all.map((change) => changeText(change, { paint }).trimEnd().split('  ').slice(3).join('  '));

describe('the changes of an execution', () => {
  it('are its states, their tries and its end', () => {
    expect(texts(changesOf(watched, events))).toEqual([
      'started',
      'AcceptRequest',
      'PatchKeyPolicy',
      'PatchKeyPolicy  try 1 failed: KeyPolicyBusy',
      'PatchKeyPolicy  try 2',
      'PatchKeyPolicy  try 2 failed: KeyPolicyFull',
      expect.stringMatching(/^failed in PatchKeyPolicy: KeyPolicyFull after \d+ s$/),
    ]);
  });

  it('are the same ones first when the history was shorter', () => {
    const all = changesOf(watched, events);
    for (let count = 0; count <= events.length; count += 1) {
      const some = changesOf(watched, events.slice(0, count));
      expect(some).toEqual(all.slice(0, some.length));
    }
  });

  it('go on after a redrive', () => {
    const redriven = history(
      events,
      event('ExecutionRedriven'),
      lambdaStarts,
      exited('PatchKeyPolicy'),
      event('ExecutionSucceeded'),
    );
    const all = changesOf(watched, redriven);
    expect(texts(all).slice(-2)).toEqual([
      'redriven at PatchKeyPolicy',
      expect.stringMatching(/^succeeded after \d+ s$/),
    ]);
    expect(all.filter(isEnding).map((change) => [change.change, isFailure(change)])).toEqual([
      ['failed', true],
      ['succeeded', false],
    ]);
  });

  it.each([
    ['ExecutionAborted', 'aborted in AcceptRequest'],
    ['ExecutionTimedOut', 'timed out in AcceptRequest'],
  ] as const)('have the end of %s', (type, text) => {
    const all = changesOf(watched, history(started, entered('AcceptRequest'), event(type)));
    expect(texts(all).at(-1)).toMatch(new RegExp(`^${text} after`));
    expect(all.filter(isFailure)).toHaveLength(1);
  });

  it('do not have the error that an offboarding waits for', () => {
    const all = changesOf(
      watched,
      history(started, entered('WaitForDeletion'), lambdaStarts, lambdaFails('StackGone')),
    );
    expect(texts(all)).toEqual(['started', 'WaitForDeletion']);
  });

  it('are lines with time, name and operation, and nothing that controls the terminal', () => {
    const [first] = changesOf({ ...watched, userName: 'a\u001bb' }, events);
    expect(first && changeText(first, { paint })).toMatch(
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC {2}a b {2}onboard-subscriber {2}started\n$/,
    );
  });
});

describe('what runs', () => {
  const running = (userName: string, count: number) => {
    const all = changesOf({ ...watched, userName }, events.slice(0, count));
    const [first] = all;
    const last = all.at(-1);
    if (first === undefined || last === undefined) throw new Error('There is no event');
    return { last, startedAt: first.at };
  };
  const now = new Date(new Date(events.at(-1)?.timestamp ?? 0).getTime() + 90_000);
  const waits = events.findIndex(({ type }) => type === 'LambdaFunctionFailed') + 1;
  const all = [running('globex-of-the-european-union-corp1', waits), running('acme', 2)];
  const lines = (columns: number | undefined) => runningLines(all, 'on stage prod', now, { paint, columns });

  it.each([60, 100, 200])('fits %i columns', (columns) => {
    for (const line of lines(columns)) expect(line.length).toBeLessThanOrEqual(columns);
    expect(lines(columns)[0]).toMatch(/^2 running on stage prod {2}\d\d:\d\d:\d\d UTC$/);
    expect(lines(columns)[1]).toMatch(/^NAME .*STEP/);
  });

  it('says what is waited for, and for how long', () => {
    const [, , first = '', second = ''] = lines(undefined);
    expect([first, second].join('\n')).toMatch(
      /PatchKeyPolicy: KeyPolicyBusy, try 2 follows +1 min \d+ s +1 min \d+ s/,
    );
  });

  it('is said also when it is nothing', () => {
    expect(runningLines([], 'on stage prod', now, { paint, columns: 60 })).toEqual([
      expect.stringMatching(/^Nothing runs on stage prod/),
    ]);
  });
});
