import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

// The walls that Biome cannot see: it knows files, not rooms. Those that it can are in biome.json.
const root = resolve(import.meta.dirname, '../..');
const houses = ['functions', 'lib', 'sandbox', 'cli', 'build', 'scripts', 'tools', 'bench', 'deployment'];
const files = houses.flatMap((house) => filesIn(house));

function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesIn(path) : [path];
  });
}

interface Arrow {
  from: string;
  to: string;
  isType: boolean;
}

/** What the project's files import of each other, by their paths. */
const arrows: Arrow[] = files
  .filter((file) => file.endsWith('.ts'))
  .flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/^(import|export) (type )?[^;]*?from '(\.[^']+)';/gm)].map(
      ([, , type, path = '']) => ({ from: file, to: join(dirname(file), path), isType: type !== undefined }),
    ),
  );

/** A room is a folder; the files of a folder with rooms in it are a room of their own. */
const roomOf = (file: string) => dirname(file);

/** The rooms that lead back to themselves, by way of others. */
function circles(from: readonly Arrow[]): string[] {
  const next = new Map<string, Set<string>>();
  for (const arrow of from) {
    const [room, other] = [roomOf(arrow.from), roomOf(arrow.to)];
    if (room !== other) next.set(room, (next.get(room) ?? new Set()).add(other));
  }
  return [...next.keys()].filter((start) => {
    const reached = new Set<string>();
    const pending = [...(next.get(start) ?? [])];
    for (let room = pending.pop(); room !== undefined; room = pending.pop()) {
      if (reached.has(room)) continue;
      reached.add(room);
      pending.push(...(next.get(room) ?? []));
    }
    return reached.has(start);
  });
}

const named = (some: readonly Arrow[]) => some.map(({ from, to }) => `${from} → ${to}`);

describe('the rooms', () => {
  it('are all found', () => {
    expect(arrows.length).toBeGreaterThan(500);
    expect(arrows.filter(({ to }) => !statSync(join(root, to), { throwIfNoEntry: false })?.isFile())).toEqual([]);
  });

  it('of lib and the steps lead to each other in one direction', () => {
    expect(circles(arrows.filter(({ from }) => /^(functions|lib)\//.test(from)))).toEqual([]);
  });

  it('of the houses lead to each other in one direction', () => {
    const house = (file: string) => `${relative('', file).split('/')[0]}/any`;
    expect(circles(arrows.map(({ from, to, isType }) => ({ from: house(from), to: house(to), isType })))).toEqual([]);
  });

  it('of the steps know none of another step', () => {
    const step = (file: string) => /^functions\/([^/]+)\//.exec(file)?.[1];
    const wrong = arrows.filter(({ from, to }) => step(from) && step(to) && step(from) !== step(to));
    expect(named(wrong)).toEqual([]);
  });

  it("of the sandbox's services know others only by type, but CloudFormation's", () => {
    const service = (file: string) => /^sandbox\/services\/([^/]+)\//.exec(file)?.[1];
    const wrong = arrows.filter(
      ({ from, to, isType }) =>
        !isType && service(from) && service(to) && service(from) !== service(to) && service(from) !== 'cloudformation',
    );
    expect(named(wrong)).toEqual([]);
  });

  it('have at most 16 files each', () => {
    const counts = Map.groupBy(files, dirname);
    expect([...counts].filter(([, some]) => some.length > 16).map(([folder]) => folder)).toEqual([]);
  });
});
