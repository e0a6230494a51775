import { describe, expect, it } from 'vitest';
import { attemptsOf } from '../../../../cli/view/attempts.ts';
import { createProgress, createTerminal, showing } from '../../../../cli/view/terminal.ts';
import { at, done, entered, exited, history, lambdaFails, lambdaStarts, started } from '../history.ts';

function screen(isTTY: boolean, columns?: number) {
  const written: string[] = [];
  return {
    isTTY,
    ...(columns !== undefined && { columns }),
    write: (text: string) => written.push(text),
    text: () => written.join(''),
  };
}

/** Lines with every run of blanks as one. */
const lines = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().replaceAll(/ +/g, ' '));
const ESC = String.fromCharCode(27);

describe('createTerminal', () => {
  it.each([
    ['a pipe', false, {}],
    ['a pipe, whatever FORCE_COLOR says', false, { FORCE_COLOR: '1' }],
    ['a dumb terminal', true, { TERM: 'dumb' }],
  ])('writes plain lines to %s', async (_, isTTY, environment) => {
    const out = screen(isTTY);
    const terminal = createTerminal(out, environment);
    await showing(terminal, 'Packaging …', async () => undefined);
    terminal.write(terminal.paint('red', 'text\n'));
    expect(lines(out.text())).toEqual(['Packaging … 0.0 s ok', 'text']);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
    expect(out.text()).not.toMatch(/[\x00-\x09\x0b-\x1f]/);
  });

  it('rewrites the line in a terminal', async () => {
    const out = screen(true);
    await showing(createTerminal(out, {}), 'Packaging …', async () => undefined);
    expect(out.text()).toContain(`\r${ESC}[2K${ESC}[32m✔${ESC}[39m Packaging …`);
  });

  it('rewrites it without colours when NO_COLOR is set', async () => {
    const out = screen(true);
    await showing(createTerminal(out, { NO_COLOR: '1' }), 'Packaging …', async () => undefined);
    expect(out.text()).toContain(`\r${ESC}[2K✔ Packaging …`);
    expect(out.text()).not.toContain(`${ESC}[3`);
  });

  /** What stands in each frame of a line without colours. */
  const frames = (text: string) => text.split(`\r${ESC}[2K`).slice(1);
  const noColours = { NO_COLOR: '1' };

  it('keeps the time in its column from the first frame to the last', async () => {
    const out = screen(true, 80);
    await showing(createTerminal(out, noColours), 'Packaging …', async () => undefined);
    const [first = '', last = ''] = frames(out.text());
    expect(first.indexOf('0.0 s')).toBe(last.indexOf('0.0 s'));
  });

  it.each([41, 40, 38, 20])('fills no line of %i columns, which would wrap', async (columns) => {
    const out = screen(true, columns);
    await showing(createTerminal(out, noColours), 'Onboarding a-long-name-of-a-subscriber …', async () => undefined);
    expect(frames(out.text())).toHaveLength(2);
    for (const frame of frames(out.text())) expect(frame.trimEnd().length).toBeLessThan(columns);
  });

  it('shows what runs before it is over', () => {
    const out = screen(false);
    createTerminal(out, {}).begin('Packaging …');
    expect(out.text()).toContain('Packaging …');
  });

  it('marks a task that fails, and passes its error on', async () => {
    const out = screen(false);
    const failing = showing(createTerminal(out, {}), 'Booting …', () => Promise.reject(new Error('no port')));
    await expect(failing).rejects.toThrow('no port');
    expect(lines(out.text())).toEqual(['Booting … 0.0 s failed']);
  });
});

describe('createProgress', () => {
  function progressOn() {
    const out = screen(false);
    return { out, progress: createProgress(createTerminal(out, {})) };
  }

  it('shows each state once, however often it is reported', () => {
    const { out, progress } = progressOn();
    const events = history(started, done('AcceptRequest'), done('ObtainToken'));
    for (let count = 1; count <= events.length; count += 1) progress.show(attemptsOf(events.slice(0, count)));
    progress.finish(attemptsOf(events), new Date(at(11)));
    expect(lines(out.text())).toEqual(['AcceptRequest 4.0 s ok', 'ObtainToken 4.0 s ok']);
  });

  it('shows a state when it is entered', () => {
    const { out, progress } = progressOn();
    progress.show(attemptsOf(history(started, entered('DeployStack'))));
    expect(lines(out.text())).toEqual(['DeployStack']);
  });

  it('shows the wait before a retry as a line of its own', () => {
    const { out, progress } = progressOn();
    progress.show(attemptsOf(history(started, entered('PatchKeyPolicy'), lambdaFails('KeyPolicyBusy'), lambdaStarts)));
    expect(lines(out.text())).toEqual([
      'PatchKeyPolicy 3.0 s retried KeyPolicyBusy',
      'wait before attempt 2 1.0 s waited',
      'PatchKeyPolicy (attempt 2)',
    ]);
  });

  it('shows a wait while it goes on, once the failure is seen to be retried', () => {
    const { out, progress } = progressOn();
    const attempts = attemptsOf(history(started, entered('PatchKeyPolicy'), lambdaFails('KeyPolicyBusy')));
    progress.show(attempts);
    expect(lines(out.text())).toEqual(['PatchKeyPolicy']);
    progress.show(attempts);
    expect(lines(out.text())).toEqual(['PatchKeyPolicy 3.0 s retried KeyPolicyBusy', 'wait before attempt 2']);
  });

  it('takes the failure that ends the execution for no retry, however often it is shown', () => {
    const { out, progress } = progressOn();
    const attempts = attemptsOf(history(started, entered('ObtainToken'), lambdaFails('LoginRejected')));
    for (let count = 0; count < 3; count += 1) progress.show(attempts, true);
    progress.finish(attempts, new Date(at(5)));
    expect(lines(out.text())).toEqual(['ObtainToken 4.0 s failed LoginRejected']);
  });

  it('adds up to the time of the execution', () => {
    const { out, progress } = progressOn();
    const retried = [lambdaFails('KeyPolicyBusy'), lambdaFails('KeyPolicyBusy'), lambdaStarts].flat();
    const events = history(entered('PatchKeyPolicy'), retried, exited('PatchKeyPolicy'));
    progress.show(attemptsOf(events));
    const shown = [...out.text().matchAll(/(\d+\.\d) s/g)].map(([, time]) => Number(time));
    expect(shown.reduce((sum, time) => sum + time, 0)).toBe(events.length - 1);
  });

  it('shows the error that an offboarding waits for as its success', () => {
    const { out, progress } = progressOn();
    progress.show(
      attemptsOf(history(started, entered('WaitForStack'), lambdaFails('StackGone'), exited('WaitForStack'))),
    );
    expect(lines(out.text())).toEqual(['WaitForStack 4.0 s ok StackGone']);
  });

  it('marks an error that the state machine has caught', () => {
    const { out, progress } = progressOn();
    const caught = [entered('CreateSubscriber'), ...lambdaFails('TokenRejected'), exited('CreateSubscriber')];
    progress.show(attemptsOf(history(started, caught)));
    expect(lines(out.text())).toEqual(['CreateSubscriber 4.0 s caught TokenRejected']);
  });

  it('ends the state that failed the execution', () => {
    const { out, progress } = progressOn();
    const attempts = attemptsOf(history(started, entered('ObtainToken'), lambdaFails('LoginRejected')));
    progress.show(attempts);
    progress.finish(attempts, new Date(at(5)));
    expect(lines(out.text())).toEqual(['ObtainToken 4.0 s failed LoginRejected']);
  });

  it('ends a state that never came to an end', () => {
    const { out, progress } = progressOn();
    progress.finish(attemptsOf(history(started, entered('WaitForStack'))), new Date(at(61)));
    expect(lines(out.text())).toEqual(['WaitForStack 60.0 s failed not finished']);
  });
});
