import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sharedOptions, targetOptions } from '../../../../cli/command.ts';
import { commandTable } from '../../../../cli/command-table.ts';
import { completion } from '../../../../cli/commands/completion.ts';

const folder = mkdtempSync(join(tmpdir(), 'completion-'));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, 'acme.json'), '{}');

const program = 'infinstor-onboarding';
const script = completion(['bash'], commandTable).text;

/** What bash offers when Tab is pressed after these words, the last of which may be the beginning of one. */
function offered(...words: string[]): Promise<string[]> {
  const all = [program, ...words];
  const press = [
    script,
    `COMP_WORDS=(${all.map((word) => `'${word}'`).join(' ')})`,
    `COMP_CWORD=${all.length - 1}`,
    '_infinstor_onboarding',
    'printf "%s\\n" "${COMPREPLY[@]}"',
  ].join('\n');
  return new Promise((resolve, reject) => {
    execFile('bash', ['--norc', '-c', press], { cwd: folder }, (error, stdout, stderr) => {
      if (error !== null || stderr !== '') reject(error ?? new Error(stderr));
      else resolve(stdout.split('\n').filter((line) => line !== ''));
    });
  });
}

describe('the completion of bash', () => {
  it('is registered for the command', async () => {
    await expect(offered('')).resolves.not.toEqual([]);
    expect(script).toMatch(new RegExp(`^complete .*-F _infinstor_onboarding ${program}$`, 'm'));
  });

  it('offers every command, and of a beginning those that begin so', async () => {
    expect(await offered('')).toEqual(commandTable.map(({ name }) => name));
    expect(await offered('stat')).toEqual(['status']);
    expect(await offered('xyzzy')).toEqual([]);
  });

  it.each(commandTable)('offers the options of $name', async ({ name, options, target }) => {
    const all = { ...options, ...(target === 'none' ? {} : targetOptions), ...sharedOptions };
    expect(await offered(name, '--')).toEqual(Object.keys(all).map((option) => `--${option}`));
  });

  const known = commandTable.flatMap(({ name, options }) =>
    Object.entries(options).flatMap(([option, { choices }]) =>
      choices === undefined ? [] : [[name, option, choices] as const],
    ),
  );
  it.each(known)('offers the values of %s --%s', async (name, option, choices) => {
    expect(await offered(name, `--${option}`, '')).toEqual(choices);
  });

  it('offers files where a command takes one, and the words that a command takes', async () => {
    expect(await offered('onboard', 'ac')).toEqual(['acme.json']);
    expect(await offered('completion', 'z')).toEqual(['zsh']);
  });
});

describe('the completion of other shells', () => {
  it('is that of bash in zsh', () => {
    expect(completion(['zsh'], commandTable).text).toMatch(
      /^#compdef infinstor-onboarding\n[\s\S]*_infinstor_onboarding\(\)/,
    );
  });

  it('has each command and the values of its options in fish', () => {
    const fish = completion(['fish'], commandTable).text;
    for (const { name } of commandTable) expect(fish).toContain(`-f -a ${name} -d `);
    expect(fish).toMatch(/-l sort -r -f -a 'name updated status' -d /);
    expect(fish).toContain("the vendor\\'s template");
  });
});
