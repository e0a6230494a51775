import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { params, paramsPage } from '../../../scripts/list-params.ts';

const all = await params();

describe('the params of stages/default.yml', () => {
  it.each(all)('$name has a description, which ends like a sentence', ({ description }) => {
    expect(description).toMatch(/^[A-Z].*\.$/);
  });

  it.each(all)('$name is used', ({ uses }) => {
    expect(uses).not.toEqual([]);
  });

  it('docs/params.md is what `npm run list-params` writes', async () => {
    expect(readFileSync(join(import.meta.dirname, '../../../docs/params.md'), 'utf8')).toBe(await paramsPage());
  });
});
