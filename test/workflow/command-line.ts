import { vi } from 'vitest';
import { choose } from '../../cli/choose.ts';
import { commandTable } from '../../cli/command-table.ts';
import { run } from '../../cli/run.ts';
import { createSession, schemaVersion } from '../../cli/session.ts';
import { targetOf } from '../../cli/target/target.ts';
import { createTerminal } from '../../cli/view/terminal.ts';
import { expectValid } from '../unit/cli/valid-document.ts';
import { spoken } from './sandbox.ts';

/** What a command came to: what it has shown and printed, and its document. */
export interface Ran {
  document: object;
  text: string;
  status: number;
}

const program = { name: 'infinstor-onboarding', isTour: false };

/**
 * Runs a command line in this process, as it runs in a pipe.
 * @param environment what the shell has, of AWS's variables nothing else
 * @throws what the command throws, CommandError as a rule
 */
export async function runCommand(args: readonly string[], environment: Readonly<Record<string, string>>): Promise<Ran> {
  stubShell(environment);
  const shown: string[] = [];
  try {
    const { command, ...chosen } = choose(args, program, commandTable);
    if (command === undefined || !('args' in chosen)) throw new Error(`${args.join(' ')} is no command`);
    const called = command.read(chosen.args);
    const terminal = createTerminal({ write: (text) => shown.push(text) }, {});
    const target = targetOf(called.shared, process.env, undefined);
    const parts = { program, json: called.shared.json, terminal, isInteractive: false, target, isNamed: true };
    const session = createSession(parts);
    const printed: string[] = [];
    session.printLine = (line) => void printed.push(JSON.stringify({ schemaVersion, ...line }));
    const { document, text, isPrinted, status = 0 } = await called.run(session);
    shown.push(text);
    if (isPrinted !== true) printed.push(JSON.stringify({ schemaVersion, ...document }));
    spoken.push(...printed);
    const format = isPrinted === true && command.jsonLines !== true ? '--jsonl' : '--json';
    expectValid([...args, format], printed.join('\n'), false);
    return { document, text: shown.join(''), status };
  } finally {
    spoken.push(...shown);
    vi.unstubAllEnvs();
  }
}

/**
 * Runs a command line in this process to its end, as `npm start` does: what it writes to the process's streams is returned. A process
 * of its own takes a second to load, which a test of the text does not need.
 */
export async function runToItsEnd(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      written[name] += String(text);
      return true;
    }),
  );
  stubShell({});
  try {
    const status = await run(args, { name: 'npm start --', isTour: true }).status;
    expectValid(args, written.stdout, true);
    return { status, ...written };
  } finally {
    for (const spy of spies) spy.mockRestore();
    vi.unstubAllEnvs();
    spoken.push(written.stdout, written.stderr);
  }
}

/** Lets the shell have these of AWS's variables and the project's, and no others. */
function stubShell(environment: Readonly<Record<string, string>>): void {
  const own = Object.keys(process.env).filter((name) => /^(AWS|INFINSTOR)_/.test(name));
  for (const name of own) vi.stubEnv(name, undefined);
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
}
