import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { machinesPage } from '../../../scripts/draw/machines.ts';

it('docs/machines.md is what `npm run draw-machines` writes', async () => {
  expect(readFileSync(join(import.meta.dirname, '../../../docs/machines.md'), 'utf8')).toBe(await machinesPage());
});
