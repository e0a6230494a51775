import { setTimeout as sleep } from 'node:timers/promises';
import { SFNClient } from '@aws-sdk/client-sfn';
import { type Operation, operationOf } from '../../lib/subscribers/operations.ts';
import { getSubscriber } from '../aws/functions.ts';
import { descriptionOf, historyOf } from '../aws/history.ts';
import { createLooks, createPace, type Look } from '../aws/looks.ts';
import type { Outcome } from '../command.ts';
import { CommandError } from '../command-error.ts';
import type { Session } from '../session.ts';
import { configurationOf, type Deployment, findDeployment } from '../target/deployment.ts';
import { placeOf, type Reachable } from '../target/target.ts';
import { attemptsOf } from '../view/attempts.ts';
import { exitStatus, finalStatus, reportOf } from '../view/report.ts';
import { doing, summaryText } from '../view/summary.ts';
import { createProgress, printable } from '../view/terminal.ts';
import { changeText } from '../view/watch/change-text.ts';
import { type Change, changesOf, isEnding } from '../view/watch/changes.ts';
import { createLiveView, type LiveView } from '../view/watch/live-view.ts';
import { runningLines } from '../view/watch/running-text.ts';

interface Options {
  once?: boolean | undefined;
}

/** Real time, or what stands in for it in a test. */
interface Time {
  now(): Date;
  /** Waits for so many milliseconds. @returns whether to go on */
  wait(milliseconds: number): Promise<boolean>;
}

const realTime: Time = {
  now: () => new Date(),
  async wait(milliseconds) {
    await sleep(milliseconds);
    return true;
  },
};

/** How often the times of a live view move on. */
const tickMs = 1000;

/** Where a command watches. */
interface Place {
  target: Reachable;
  deployment: Deployment;
}

/**
 * Shows each change of a subscriber's latest execution until it is over, or of all executions until the process is ended.
 * @throws CommandError named SubscriberNotFound, ExecutionDoesNotExist; as `askFunction` and `answer` throw
 */
export async function watch(
  { words: [userName], options: { once = false } }: { words: readonly string[]; options: Options },
  session: Session,
  time: Time = realTime,
): Promise<Outcome> {
  const target = await session.reach();
  const place = { target, deployment: await findDeployment(target) };
  return userName === undefined ? watchAll(place, once, session, time) : watchOne(userName, place, once, session, time);
}

async function watchOne(
  name: string,
  { target, deployment }: Place,
  once: boolean,
  session: Session,
  time: Time,
): Promise<Outcome> {
  const { terminal, json } = session;
  const { userName, executionArn } = await getSubscriber(name, { target, deployment });
  const operation = operationOf(executionArn);
  session.executionArn = executionArn;
  session.goodbye = `Stopped watching; the execution goes on. To look at it: ${session.command(`status ${userName}`)}\n`;
  terminal.write(`${printable(doing(operation, userName))} ${placeOf(session.target ?? target)}\n${executionArn}\n`);
  const sfn = new SFNClient(configurationOf(target));
  const show = createShow({ userName, operation, executionArn }, session);
  const pace = createPace();
  let isOver = false;
  try {
    do {
      try {
        // In this order, so that the history of an execution that is over is whole.
        const description = await descriptionOf(sfn, executionArn, target);
        const events = await historyOf(sfn, executionArn, target);
        if (description === undefined || events === undefined) throw forgotten(userName);
        isOver = finalStatus(description) !== undefined;
        show.changes(events, isOver, description.stopDate);
        pace.speedUp();
      } catch (error) {
        if (!pace.slowDown(error)) throw error;
      }
    } while (!isOver && !once && (await time.wait(pace.after(1))));
    session.goodbye = '';
    show.leave(time.now());
    if (!isOver) return { document: {}, isPrinted: true, text: '' };
    const description = await descriptionOf(sfn, executionArn, target);
    // Once more, with the states' outputs, of which a summary has something.
    const events = await historyOf(sfn, executionArn, target, true);
    if (description === undefined || events === undefined) throw forgotten(userName);
    const report = reportOf(description, events, new Map());
    // What changed of key policies cannot be known any more.
    const output = report.output === null ? null : { ...report.output, keyArns: [] };
    const text = summaryText({ operation, userName, at: session }, { ...report, output }, new Map(), terminal);
    if (json) {
      const { status, durationMs, error } = report;
      session.printLine({ change: 'over', userName, operation, executionArn, status, durationMs, error });
    }
    return { document: {}, isPrinted: true, text, status: exitStatus(report) === 0 ? 0 : 1 };
  } finally {
    sfn.destroy();
  }
}

/** Shows what is new of an execution: as its states in a terminal, like those of a request that the command has sent; else a line for each change. */
function createShow(watched: { userName: string; operation: Operation; executionArn: string }, session: Session) {
  const { terminal, json } = session;
  const progress = !json && terminal.live !== undefined ? createProgress(terminal) : undefined;
  let attempts = attemptsOf([]);
  let endedAt: Date | undefined;
  let count = 0;
  return {
    changes(events: Parameters<typeof changesOf>[1], isOver: boolean, stopDate: Date | undefined) {
      if (progress !== undefined) {
        attempts = attemptsOf(events);
        endedAt = stopDate;
        progress.show(attempts, isOver);
        return;
      }
      const changes = changesOf(watched, events);
      for (const change of changes.slice(count)) printChange(change, session);
      count = changes.length;
    },
    leave: (now: Date) => progress?.finish(attempts, endedAt ?? now),
  };
}

const printChange = (change: Change, { json, terminal, printLine }: Session) =>
  json ? printLine(change) : terminal.write(changeText(change, terminal));

async function watchAll({ target, deployment }: Place, once: boolean, session: Session, time: Time): Promise<Outcome> {
  const { terminal, json } = session;
  const at = printable(placeOf(session.target ?? target));
  const view = once || json || terminal.live === undefined ? undefined : createLiveView(terminal.live);
  const looks = createLooks(target, deployment);
  const pace = createPace();
  session.goodbye = 'Stopped watching; what runs goes on.\n';
  session.leave = () => view?.end();
  let latest: Look = { running: [], changes: [], reads: 0 };
  const draw = () =>
    view?.show((columns) => runningLines(latest.running, at, time.now(), { paint: terminal.paint, columns }));
  try {
    // Not the first try: AWS may have refused that for its rate.
    let isFirst = true;
    for (;;) {
      try {
        latest = await looks.look(time.now());
        pace.speedUp();
        if (once) return lookOutcome(latest, at, time.now(), session);
        // What runs already is the first that is said of it.
        const news = isFirst ? latest.running.map(({ last }) => last) : latest.changes;
        showNews(news, { at, isFirst, view }, session);
        isFirst = false;
      } catch (error) {
        if (!pace.slowDown(error)) throw error;
      }
      draw();
      if (!(await waiting(pace.after(latest.reads), view === undefined ? undefined : draw, time))) {
        return { document: {}, isPrinted: true, text: '' };
      }
    }
  } finally {
    looks.close();
    view?.end();
  }
}

function showNews(
  news: readonly Change[],
  { at, isFirst, view }: { at: string; isFirst: boolean; view: LiveView | undefined },
  session: Session,
): void {
  const { terminal, json } = session;
  if (view !== undefined) {
    // A live view shows what runs; what is over stays above it.
    const over = news.filter(isEnding).map((change) => changeText(change, terminal).trimEnd());
    view.print(over);
    return;
  }
  if (isFirst && !json)
    terminal.write(news.length === 0 ? `Nothing runs ${at}; waiting …\n` : `${news.length} running ${at}\n`);
  for (const change of news) printChange(change, session);
}

function lookOutcome({ running }: Look, at: string, now: Date, session: Session): Outcome {
  for (const { last } of session.json ? running : []) session.printLine(last);
  return { document: {}, isPrinted: true, text: `${runningLines(running, at, now, session.terminal).join('\n')}\n` };
}

/** Waits, and meanwhile lets the times of a view move on. @returns whether to go on */
async function waiting(milliseconds: number, tick: (() => void) | undefined, { wait }: Time): Promise<boolean> {
  if (tick === undefined) return wait(milliseconds);
  for (let left = milliseconds; left > 0; left -= tickMs) {
    if (!(await wait(Math.min(left, tickMs)))) return false;
    tick();
  }
  return true;
}

function forgotten(userName: string): CommandError {
  return new CommandError(
    'ExecutionDoesNotExist',
    `Step Functions no longer has the latest execution of ${userName}: it ended more than 90 days ago`,
    `Look at what the registry has of it with the command status.`,
  );
}
