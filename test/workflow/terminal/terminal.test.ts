import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pictureFolder } from '../../../scripts/draw/pictures/draw.ts';
import { pictureOf } from '../../../scripts/draw/pictures/picture.ts';
import type { Ended } from '../../../scripts/draw/pictures/pseudo-terminal.ts';
import {
  createStage,
  pictured,
  type Scene,
  type Stage,
  scenes,
  widths,
} from '../../../scripts/draw/pictures/scenes.ts';
import { shownAfter, textOf } from '../../../scripts/draw/pictures/screen.ts';
import { casesInScope, isWhole } from '../../scope.ts';
import { eventually, hold, spoken, useSandbox } from '../sandbox.ts';

const sandbox = useSandbox();
const folder = mkdtempSync(join(tmpdir(), 'terminal-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What each scene has written at each width; all are played before the tests, since what some begin is in the lists of others. */
const played = new Map<string, Ended>();
let stage: Stage;
const placeOf = ({ name }: Scene, { columns }: { columns: number }) => `${name} ${columns}`;
const list = scenes.find(({ name }) => name === 'list') ?? expect.fail('there is no list');

beforeAll(async () => {
  stage = await createStage(sandbox(), folder);
  const playAll = async (some: readonly Scene[]) => {
    for (const scene of some) {
      // In any case what others have in their lists.
      for (const width of scene.isFirst === true ? widths : looked) {
        const ended = await stage.play(scene, width);
        spoken.push(ended.output);
        played.set(placeOf(scene, width), ended);
      }
    }
  };
  await playAll(scenes.filter(({ isFirst }) => isFirst));
  const release = await stage.setUp();
  await playAll(scenes.filter(({ isFirst }) => !isFirst));
  release();
});

/** What is right in the others is so in the widest one, but for what nobody has thought of. */
const looked = widths.filter(({ columns }) => isWhole || columns <= pictured.columns);

const endOf = (scene: Scene, width: { columns: number }): Ended =>
  played.get(placeOf(scene, width)) ?? expect.fail(placeOf(scene, width));
const colour = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`);

/** A word or a command that has no room in a line stays whole, so that it can be copied; a terminal breaks it. */
function mayBeWide(line: string, columns: number): boolean {
  const longest = Math.max(...line.split(/\s+/).map(({ length }) => length));
  return longest > columns - 17 || /(^| {2})(aws|npm|infinstor-onboarding) /.test(line);
}

describe.each(looked)('in a terminal of $columns columns', (width) => {
  it.each(scenes)('$name has no line that is wider, and leaves the terminal as it was', (scene) => {
    const { output, status } = endOf(scene, width);
    const { lines, isCursorHidden, styles } = shownAfter(output);
    const texts = lines.map(textOf);
    const wide = texts.filter(({ length }) => length > width.columns);
    expect(wide.filter((line) => !mayBeWide(line, width.columns))).toEqual([]);
    expect({ status, isCursorHidden, styles }).toEqual({ status: scene.status, isCursorHidden: false, styles: [] });
    expect(texts.join('\n')).toMatch(/\S/);
    expect(output).toMatch(colour);
  });
});

const colourless: [string, Parameters<Stage['play']>[2]][] = [
  ['NO_COLOR', { environment: { NO_COLOR: '1' } }],
  ['--no-color', { options: ['--no-color'] }],
  ['a dumb terminal', { environment: { TERM: 'dumb' } }],
];
it.each(casesInScope(colourless, colourless.slice(0, 2)))('there are no colours with %s', async (_, more) => {
  const { output, status } = await stage.play(list, pictured, more);
  expect(output).toMatch(/acme +ACTIVE/);
  expect(output).not.toMatch(colour);
  expect(status).toBe(0);
});

it('Ctrl-C ends the command, not the execution, and says how to follow that', async () => {
  const goOn = hold(sandbox(), 'iam', 'GetRole');
  const scene: Scene = { ...(scenes[0] ?? list), ctrlC: { after: /ReadRoleArn/ } };
  const { output, status } = await stage.play({ ...scene, line: () => ['onboard', 'acme.json'] }, pictured);
  spoken.push(output);
  const texts = shownAfter(output).lines.map(textOf);
  expect(texts.at(-1)).toBe(
    'Stopped following; the execution goes on. To follow it: infinstor-onboarding watch acme --stage sandbox',
  );
  expect(status).toBe(130);
  const [, arn = ''] = /(arn:aws:states:\S+)/.exec(texts.join('\n')) ?? [];
  expect(sandbox().states.execution(arn).status).toBe('RUNNING');
  goOn();
  await eventually(sandbox(), () => expect(sandbox().states.execution(arn).status).toBe('SUCCEEDED'));
});

describe('the pictures', () => {
  it.each(scenes)('of $name is as `npm run draw-pictures` draws it', (scene) => {
    const drawn = readFileSync(join(pictureFolder, `${scene.name}.svg`), 'utf8');
    expect(drawn).toBe(pictureOf(scene, endOf(scene, pictured).output));
  });

  it('are of the scenes that there are', () => {
    expect(readdirSync(pictureFolder).toSorted()).toEqual(scenes.map(({ name }) => `${name}.svg`).toSorted());
  });
});
