import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cachedPackage } from '../../../build/package-cache.ts';

const root = resolve(import.meta.dirname, '../../..');
const hour = 60 * 60 * 1000;
let parent = '';
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'package-cache-'));
});
afterEach(() => rmSync(parent, { recursive: true }));

/** Makes a package of two files. */
async function make(folder: string): Promise<string> {
  const made = join(folder, 'made');
  mkdirSync(made);
  for (const name of ['one', 'two']) {
    writeFileSync(join(made, name), name);
    await Promise.resolve();
  }
  return made;
}

// biome-ignore lint/plugin/real-time: the times of files are real, and the hours of these tests more than a busy machine takes
const ago = (milliseconds: number) => new Date(Date.now() - milliseconds);

/** A folder of this name that was last used so long ago. */
function used(name: string, milliseconds: number): string {
  const folder = join(parent, name);
  const at = ago(milliseconds);
  mkdirSync(folder);
  writeFileSync(join(folder, 'one'), 'of old');
  utimesSync(folder, at, at);
  return name;
}

const take = (key = 'k', maker = make) => cachedPackage({ parent, keyNow: () => key, make: maker });

describe('cachedPackage', () => {
  it('makes a package once, and another one for another key', async () => {
    const maker = vi.fn(make);
    const folder = await take('k', maker);
    expect(readdirSync(folder)).toEqual(['one', 'two']);
    expect(await take('k', maker)).toBe(folder);
    expect(maker).toHaveBeenCalledTimes(1);
    expect(await take('other', maker)).not.toBe(folder);
    expect(readdirSync(parent)).toEqual(['package-k', 'package-other']);
  });

  it('gives whole packages to all who make the same at the same time', async () => {
    const allBegun = Promise.withResolvers<void>();
    let begun = 0;
    const maker = vi.fn(async (folder: string) => {
      begun += 1;
      if (begun === 3) allBegun.resolve();
      await allBegun.promise;
      return make(folder);
    });
    const folders = await Promise.all([take('k', maker), take('k', maker), take('k', maker)]);
    expect(maker).toHaveBeenCalledTimes(3);
    expect(new Set(folders).size).toBe(1);
    expect(readdirSync(folders[0] ?? '')).toEqual(['one', 'two']);
    expect(readdirSync(parent)).toEqual(['package-k']);
  });

  it('leaves nothing of a package that could not be made', async () => {
    const failing = async (folder: string) => {
      await make(folder);
      throw new Error('no disk');
    };
    await expect(take('k', failing)).rejects.toThrow('no disk');
    expect(readdirSync(parent)).toEqual([]);
  });

  it('makes it again when something of it was edited meanwhile', async () => {
    let key = 'before';
    const maker = vi.fn((folder: string) => {
      key = 'after';
      return make(folder);
    });
    const folder = await cachedPackage({ parent, keyNow: () => key, make: maker });
    expect(maker).toHaveBeenCalledTimes(2);
    expect(folder).toBe(join(parent, 'package-after'));
    expect(readdirSync(parent)).toEqual(['package-after']);
  });

  it('takes nothing for whole that a killed process has left, and removes it later', async () => {
    const script = `
      import { mkdirSync, writeFileSync } from 'node:fs';
      import { cachedPackage } from './build/package-cache.ts';
      const make = async (folder) => {
        mkdirSync(folder + '/made');
        writeFileSync(folder + '/made/one', 'one');
        process.kill(process.pid, 'SIGKILL');
        await new Promise((resolve) => setTimeout(resolve, 600_000));
      };
      await cachedPackage({ parent: process.env.PARENT, keyNow: () => 'k', make });
    `;
    const env = { ...process.env, PARENT: parent };
    const { signal } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { cwd: root, env });
    expect(signal).toBe('SIGKILL');
    const [left = '', ...more] = readdirSync(parent);
    expect({ left, more }).toEqual({ left: expect.stringMatching(/^packaging-/), more: [] });

    const folder = await take();
    expect(readdirSync(folder)).toEqual(['one', 'two']);
    // Another process could still be at it.
    expect(existsSync(join(parent, left))).toBe(true);
    const longAgo = ago(2 * hour);
    utimesSync(join(parent, left), longAgo, longAgo);
    await take('other');
    expect(existsSync(join(parent, left))).toBe(false);
  });

  it('keeps the packages that were used last, and all that were used within the hour', async () => {
    const lately = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((minutes) => used(`package-${minutes}`, minutes * 60_000));
    used('package-old', 2 * hour);
    await take();
    expect(readdirSync(parent).sort()).toEqual([...lately, 'package-k'].sort());
  });

  it('keeps no more than eight that were not used within the hour', async () => {
    const old = [2, 3, 4, 5, 6, 7, 8, 9, 10].map((hours) => used(`package-${hours}`, hours * hour));
    // Counts as used now.
    await take('10');
    expect(readFileSync(join(parent, 'package-10', 'one'), 'utf8')).toBe('of old');
    await take();
    expect(readdirSync(parent).sort()).toEqual([...old.slice(0, 6), 'package-10', 'package-k'].sort());
  });
});
