import { describe, expect, it } from 'vitest';
import { commandTable } from '../../cli/command-table.ts';
import { uses, withoutRole } from '../../scripts/cli-permissions.ts';
import { cliPage } from '../../scripts/draw/cli.ts';
import { read } from './documents.ts';

describe('docs/cli.md', () => {
  it('has all commands as `npm run draw-cli` writes them', () => {
    const page = read('docs/cli.md');
    expect(page).toBe(cliPage(page));
  });

  it('cannot be drawn without a place', () => {
    expect(() => cliPage(read('docs/cli.md').replace('<!-- policies -->', ''))).toThrow('<!-- policies -->');
  });

  it('has the permissions of each command that works on a deployment, and of no other one', () => {
    const onDeployments = commandTable.filter(({ target }) => target === 'deployment').map(({ name }) => name);
    const named = [...uses.map(({ command }) => command), ...withoutRole];
    expect([...new Set(named)].toSorted()).toEqual(onDeployments.toSorted());
  });
});
