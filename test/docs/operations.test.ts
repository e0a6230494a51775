import { expect, it } from 'vitest';
import { operationsPage } from '../../scripts/draw/operations.ts';
import { read } from './documents.ts';

it('docs/operations.md is what `npm run draw-operations` writes', async () => {
  const page = read('docs/operations.md');
  expect(await operationsPage(page)).toBe(page);
});
