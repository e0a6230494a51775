import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLiveView } from '../../../../../cli/view/watch/live-view.ts';
import { createTty } from './tty.ts';

function setUp(columns = 60, rows = 10) {
  const tty = createTty(columns, rows);
  return { tty, view: createLiveView(tty.screen) };
}
/** What a step writes. */
function writtenBy({ written }: { written(): string }, step: () => void): string {
  const before = written().length;
  step();
  return written().slice(before);
}
const esc = '\u001b';

describe('a live view', () => {
  it('writes only the lines that have changed', () => {
    const { tty, view } = setUp();
    view.show(() => ['one', 'two', 'three']);
    expect(writtenBy(tty, () => view.show(() => ['one', 'two', 'three']))).toBe('');
    expect(writtenBy(tty, () => view.show(() => ['one', 'zwei', 'three']))).toBe(`${esc}[2A\r${esc}[2Kzwei\n\n`);
    expect(tty.text()).toEqual(['one', 'zwei', 'three']);
  });

  it('hides the cursor, and gives it back at its end, once', () => {
    const { tty, view } = setUp();
    view.show(() => ['one']);
    expect(tty.isCursorHidden()).toBe(true);
    view.end();
    expect(tty.isCursorHidden()).toBe(false);
    expect(writtenBy(tty, () => view.end())).toBe('');
    expect(tty.text()).toEqual(['one']);
  });

  it('does not touch the cursor when it has shown nothing', () => {
    const { tty, view } = setUp();
    view.end();
    expect(tty.written()).toBe('');
  });

  it('puts lines that stay above those that change', () => {
    const { tty, view } = setUp();
    view.show(() => ['one', 'two']);
    view.print(['over']);
    view.show(() => ['two']);
    view.print(['also over']);
    expect(tty.text()).toEqual(['over', 'also over', 'two']);
  });

  it('has as many lines as the terminal, and says how many there are more', () => {
    const { tty, view } = setUp(60, 4);
    view.show(() => ['1', '2', '3', '4', '5']);
    expect(tty.text()).toEqual(['1', '2', '… and 3 more']);
    view.show(() => ['1', '2', '3']);
    expect(tty.text()).toEqual(['1', '2', '3']);
  });

  it('cuts a line that the terminal would break, with its colours', () => {
    const { tty, view } = setUp(5, 10);
    view.show(() => [`${esc}[31mred and long${esc}[39m`, `${esc}[31mshort${esc}[39m`]);
    expect(tty.text()).toEqual(['red …', 'short']);
  });

  it.each([
    ['narrower', 8, 10],
    ['wider', 200, 10],
    ['lower', 20, 3],
  ])('is made anew when the terminal becomes %s', (_, columns, rows) => {
    const { tty, view } = setUp(20, 10);
    view.print(['over']);
    view.show((width) => [`${'x'.repeat(Math.min(width, 20))}`, 'second', 'third']);
    tty.resize(columns, rows);
    const expected = ['x'.repeat(Math.min(columns, 20)), 'second', 'third'];
    expect(tty.text().slice(0, 1)).toEqual(['over']);
    if (rows === 10) expect(tty.text()).toEqual(['over', ...expected]);
    expect(tty.text().slice(-3)).toEqual(rows === 3 ? [expect.any(String), expected[0], '… and 2 more'] : expected);
    view.show(() => ['end']);
    expect(tty.text().at(-1)).toBe('end');
    expect(tty.text()).not.toContain('third');
  });

  it('does not care for the size any more after its end', () => {
    const { tty, view } = setUp();
    view.show(() => ['one']);
    view.end();
    expect(writtenBy(tty, () => tty.resize(10, 10))).toBe('');
  });

  it('shows what it is to show after any steps, with all that stays above', () => {
    const line = fc.stringMatching(/^[a-z]{1,12}$/);
    const lines = fc.array(line, { maxLength: 12 });
    const step = fc.record({ stay: fc.option(lines, { nil: [] }), view: lines });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
        const { tty, view } = setUp(30, 9);
        const stayed: string[] = [];
        for (const { stay, view: shown } of steps) {
          view.print(stay);
          stayed.push(...stay);
          view.show(() => shown);
          const room = shown.length <= 8 ? shown : [...shown.slice(0, 7), `… and ${shown.length - 7} more`];
          expect(tty.text()).toEqual([...stayed, ...room]);
        }
      }),
    );
  });
});
