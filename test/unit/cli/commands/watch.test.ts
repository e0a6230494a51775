import { GetExecutionHistoryCommand, SFNClient } from '@aws-sdk/client-sfn';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { createPace } from '../../../../cli/aws/looks.ts';
import { CommandError } from '../../../../cli/command-error.ts';
import { watch } from '../../../../cli/commands/watch.ts';
import { done, entered, executionFailed, history, started, succeeded } from '../history.ts';
import { createTty } from '../view/watch/tty.ts';
import { deployed, executionArnOf, listed, type Query, sessionOn } from './deployed.ts';

const arn = executionArnOf('acme');
const acme = listed('acme', { status: 'ONBOARDING', executionArn: arn });

/** How a deployment stands at each look: what runs, what was written since the one before, and the histories. */
interface Standing {
  running: ReturnType<typeof listed>[];
  written?: ReturnType<typeof listed>[];
  histories: Record<string, ReturnType<typeof history>>;
  /** The error with which AWS refuses the first read. */
  refusal?: string;
  /** The execution whose history AWS refuses to read now. */
  refusedHistory?: string;
}

const refused = (name: string) => Object.assign(new Error('Rate exceeded'), { name, $fault: 'client' });

function standings(all: readonly Standing[]) {
  let place = 0;
  const current = () => all[place] ?? { running: [], histories: {} };
  deployed(({ status, updatedAfter }: Query) => {
    const { running, written = [], refusal } = current();
    if (refusal !== undefined) throw refused(refusal);
    if (updatedAfter !== undefined) return { subscribers: written };
    return { subscribers: running.filter((each) => each.status === status) };
  });
  mockClient(SFNClient)
    .on(GetExecutionHistoryCommand)
    .callsFake(async ({ executionArn }: { executionArn: string }) => {
      if (executionArn === current().refusedHistory) throw refused('ThrottlingException');
      return { events: current().histories[executionArn] ?? [] };
    });
  const waits: number[] = [];
  const time = {
    now: () => new Date('2026-11-29T12:00:00.000Z'),
    async wait(milliseconds: number) {
      waits.push(milliseconds);
      place += 1;
      return place < all.length;
    },
  };
  return { time, waits };
}

const runs = { running: [acme], histories: { [arn]: history(started, done('AcceptRequest')) } };
const goesOn = {
  running: [acme],
  histories: { [arn]: history(started, done('AcceptRequest'), entered('ObtainToken')) },
};
const isOver = {
  running: [],
  histories: { [arn]: history(started, done('AcceptRequest'), entered('ObtainToken'), executionFailed) },
};
const words: readonly string[] = [];
const endOfLines = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^\S+ \S+ UTC {2}/, ''));

describe('watch of all', () => {
  it('has in a pipe a line for what runs already, and for each change after that', async () => {
    const { time } = standings([runs, goesOn, goesOn, isOver, isOver]);
    const { session, shown } = sessionOn();
    await watch({ words, options: {} }, session, time);
    expect(endOfLines(shown())).toEqual([
      '1 running on stage sandbox',
      'acme  onboard-subscriber  AcceptRequest',
      'acme  onboard-subscriber  ObtainToken',
      expect.stringMatching(/^acme {2}onboard-subscriber {2}failed in ObtainToken after/),
    ]);
  });

  it('sees what has begun and ended between two looks, and nothing of before', async () => {
    const quick = listed('quick', { startedAt: '2026-11-29T12:00:01.000Z', updatedAt: '2026-11-29T12:00:02.000Z' });
    const old = listed('old', { startedAt: '2026-11-01T12:00:01.000Z', updatedAt: '2026-11-29T12:00:02.000Z' });
    const all = history(started, done('AcceptUpdate'), succeeded);
    const histories = { [quick.executionArn]: all, [old.executionArn]: all };
    const { time } = standings([
      { running: [], histories: {} },
      { running: [], written: [old, quick], histories },
      { running: [], written: [quick], histories },
    ]);
    const { session, shown } = sessionOn();
    await watch({ words, options: {} }, session, time);
    expect(endOfLines(shown())).toEqual([
      'Nothing runs on stage sandbox; waiting …',
      'quick  onboard-subscriber  started',
      'quick  onboard-subscriber  AcceptUpdate',
      expect.stringMatching(/^quick {2}onboard-subscriber {2}succeeded after/),
    ]);
  });

  it('prints documents with --json, and shows nothing', async () => {
    const { time } = standings([runs, isOver]);
    const { session, shown, printed } = sessionOn({}, true);
    expect(await watch({ words, options: {} }, session, time)).toEqual({ document: {}, isPrinted: true, text: '' });
    expect(printed).toMatchObject([
      { change: 'entered', step: 'AcceptRequest', userName: 'acme', executionArn: arn },
      { change: 'entered', step: 'ObtainToken' },
      { change: 'failed', step: 'ObtainToken' },
    ]);
    expect(shown()).toBe('');
  });

  it('is a live view in a terminal, below what is over, and gives the cursor back', async () => {
    const { time, waits } = standings([runs, goesOn, isOver, { running: [], histories: {} }]);
    const tty = createTty(60, 10);
    const { session } = sessionOn(tty.screen);
    await watch({ words, options: {} }, session, time);
    expect(tty.text()).toEqual([
      expect.stringMatching(/^2026-.* acme {2}onboard-subscriber {2}failed in/),
      expect.anything(),
      expect.stringMatching(/^Nothing runs on stage sandbox/),
    ]);
    expect(tty.isCursorHidden()).toBe(false);
    expect(Math.max(...waits)).toBeLessThanOrEqual(1000);
  });

  it('gives the cursor back when it fails, or is ended by a signal', async () => {
    const broken = { running: [], histories: {}, refusal: 'AccessDeniedException' };
    const tty = createTty(60, 10);
    const { session } = sessionOn(tty.screen);
    const states: boolean[] = [];
    const { time } = standings([runs, broken, broken]);
    const failing = watch({ words, options: {} }, session, {
      ...time,
      async wait(milliseconds) {
        states.push(tty.isCursorHidden());
        return time.wait(milliseconds);
      },
    });
    await expect(failing).rejects.toMatchObject({ name: 'AccessDeniedException' });
    expect(states).toContain(true);
    expect(tty.isCursorHidden()).toBe(false);

    const other = createTty(60, 10);
    const { session: ended } = sessionOn(other.screen);
    const looking = standings([runs, runs]);
    await watch({ words, options: {} }, ended, {
      ...looking.time,
      async wait() {
        expect(other.isCursorHidden()).toBe(true);
        ended.leave();
        expect(other.isCursorHidden()).toBe(false);
        return false;
      },
    });
    expect(ended.goodbye).toBe('Stopped watching; what runs goes on.\n');
  });

  it('looks once with --once', async () => {
    const { time, waits } = standings([runs]);
    const { session } = sessionOn();
    const { text } = await watch({ words, options: { once: true } }, session, time);
    expect(text).toMatch(/^1 running on stage sandbox .*\nNAME .*\nacme +onboard-subscriber +AcceptRequest /);
    expect(waits).toEqual([]);
  });

  it('goes on more slowly when AWS refuses calls for their rate', async () => {
    const tooMany = { running: [], histories: {}, refusal: 'TooManyRequestsException' };
    const { time, waits } = standings([runs, tooMany, tooMany, goesOn, goesOn]);
    const { session, shown } = sessionOn();
    await watch({ words, options: {} }, session, time);
    expect(waits).toEqual([2000, 4000, 8000, 4000, 2000]);
    expect(endOfLines(shown()).at(-1)).toBe('acme  onboard-subscriber  ObtainToken');
  });
});

it('a look that is broken off for its rate loses no change', async () => {
  const beta = listed('beta', { status: 'UPDATING' });
  const both = { running: [acme, beta], histories: { ...runs.histories, [beta.executionArn]: history(started) } };
  const more = { ...both.histories, ...goesOn.histories };
  const broken = { ...both, histories: more, refusedHistory: beta.executionArn };
  const { time } = standings([
    { ...both, refusedHistory: beta.executionArn },
    both,
    broken,
    { ...both, histories: more },
  ]);
  const { session, shown } = sessionOn();
  await watch({ words, options: {} }, session, time);
  expect(endOfLines(shown())).toEqual([
    '2 running on stage sandbox',
    'acme  onboard-subscriber  AcceptRequest',
    'beta  onboard-subscriber  started',
    'acme  onboard-subscriber  ObtainToken',
  ]);
});

describe('the pace of looks', () => {
  it('spares the rates of AWS when much runs, and has a slowest one', () => {
    const pace = createPace();
    expect([0, 14, 70, 100_000].map(pace.after)).toEqual([2000, 2000, 10_000, 30_000]);
    for (let count = 0; count < 10; count += 1) pace.slowDown(new CommandError('ThrottlingException', '', ''));
    expect(pace.after(0)).toBe(30_000);
  });

  it('does not take other errors for that', () => {
    const pace = createPace();
    expect(pace.slowDown(new CommandError('AccessDeniedException', '', ''))).toBe(false);
    expect(pace.slowDown(new Error('ThrottlingException'))).toBe(false);
    expect(pace.after(0)).toBe(2000);
  });
});
