import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { terminalIn, terminalPicture, withoutSeconds } from '../../scripts/draw/terminal.ts';
import { read } from './documents.ts';

it('README.md shows what `npm start` prints, as `npm run draw-terminal` writes it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'terminal-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const picture = await terminalPicture({ TMPDIR: folder });
  expect(withoutSeconds(terminalIn(read('README.md')))).toBe(withoutSeconds(picture));
  // The same run has left its logs, and nothing else.
  expect(readdirSync(folder).map((name) => readdirSync(join(folder, name)))).toEqual([['logs']]);
});
