import { choose } from './choose.ts';
import type { Called, Command } from './command.ts';
import { asCommandError, usageError } from './command-error.ts';
import { commandTable } from './command-table.ts';
import { createSession, noScreen, type Program, type Session, schemaVersion } from './session.ts';
import { readTargetFile, type Target, targetOf } from './target/target.ts';
import { commandHelp } from './view/help.ts';
import { exitStatus, failureOfCommand } from './view/report.ts';
import { failureText } from './view/summary.ts';
import { createTerminal, type Screen } from './view/terminal.ts';

/** A command that runs: its end, and what shows how things stand when a signal ends it before. */
export interface Running {
  status: Promise<number>;
  sayGoodbye(): void;
}

/**
 * Runs the command that the words of the command line mean.
 * @returns the exit status: 0 success, 1 failure, 2 wrong usage, request or plan
 */
export function run(args: readonly string[], program: Program): Running {
  // Also when other arguments are wrong: --json always gets a document.
  const json = args.includes('--json');
  const colours = args.includes('--no-color') ? { ...process.env, NO_COLOR: '1' } : process.env;
  // What is printed line by line has stdout for itself, too.
  const isDocument = json || args.includes('--jsonl');
  const screen: Screen = isDocument ? (process.stderr.isTTY ? process.stderr : noScreen) : process.stdout;
  const terminal = createTerminal(screen, colours);
  const state: { session: Session | undefined } = { session: undefined };

  async function main(): Promise<number> {
    let command: Command | undefined;
    let called: Called | undefined;
    try {
      const chosen = choose(args, program, commandTable);
      if (chosen.command === undefined) return show(chosen.text);
      command = chosen.command;
      called = command.read(chosen.args);
      if (called.shared.help) return show(commandHelp(command, program));
      const named = targetFor(command, called.shared);
      const target = named ?? (program.isTour && command.inTour === true ? ({ kind: 'sandbox' } as const) : undefined);
      const isInteractive = process.stdin.isTTY === true && process.stderr.isTTY === true;
      state.session = createSession({ program, json, terminal, isInteractive, target, isNamed: named !== undefined });
      const { document, text, isPrinted, status = 0 } = await called.run(state.session);
      if (!json) terminal.write(text);
      if (isPrinted !== true) print(document);
      return status;
    } catch (error) {
      const failure = asCommandError(
        error,
        'CommandFailed',
        'Run the command again; if it fails again, report it as a defect.',
      );
      const onStderr = createTerminal(process.stderr, colours);
      if (!json) onStderr.write(failureText(failureOfCommand(failure), onStderr) + keptLogs(state.session));
      const failed = {
        status: 'FAILED',
        ...command?.onFailure?.(state.session, called?.words ?? []),
        error: failureOfCommand(failure),
      };
      if (json && command?.jsonLines === true)
        process.stdout.write(`${JSON.stringify({ schemaVersion, ...failed })}\n`);
      else print(failed);
      return exitStatus({ error: failure });
    } finally {
      await state.session?.sandbox?.close();
    }
  }

  function show(text: string): number {
    process.stdout.write(text);
    return 0;
  }

  function print(document: object): void {
    if (json) process.stdout.write(`${JSON.stringify({ schemaVersion, ...document }, undefined, 2)}\n`);
  }

  return {
    status: main(),
    // The line's end is that of the state that was running.
    sayGoodbye: () => {
      const { session } = state;
      session?.leave();
      screen.write(`\n${json || session === undefined ? '' : session.goodbye + keptLogs(session)}`);
    },
  };
}

/** The target that is named; none for a command that has no use for one. */
function targetFor({ name, target }: Command, shared: Called['shared']): Target | undefined {
  const given = (['stage', 'profile', 'region', 'endpoint', 'sandbox'] as const).find((option) => shared[option]);
  if (target === 'none' && given !== undefined) throw usageError(`${name} takes no --${given}`);
  return target === 'none' ? undefined : targetOf(shared, process.env, readTargetFile(process.cwd()));
}

/** Says where the functions' logs are, which then stay there; nothing without a sandbox of its own. */
function keptLogs(session: Session | undefined): string {
  if (session?.sandbox === undefined) return '';
  session.sandbox.keepLogs();
  return `\nThe functions' logs are in ${session.sandbox.logFolder}\n`;
}
