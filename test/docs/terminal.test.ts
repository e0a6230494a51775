import { expect, it } from 'vitest';
import { terminalIn, terminalPicture, withoutSeconds } from '../../scripts/draw/terminal.ts';
import { read } from './documents.ts';

it('README.md shows what `npm start` prints, as `npm run draw-terminal` writes it', async () => {
  expect(withoutSeconds(terminalIn(read('README.md')))).toBe(withoutSeconds(await terminalPicture()));
});
