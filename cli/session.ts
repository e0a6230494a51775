import type { Sandbox } from '../sandbox/boot.ts';
import type { FaultRule } from '../sandbox/core/faults.ts';
import { asCommandError, CommandError } from './command-error.ts';
import { optionsOf, type Reachable, sandboxAt, type Target } from './target/target.ts';
import { printable, type Screen, showing, type Terminal } from './view/terminal.ts';

/** How the command was called. */
export interface Program {
  /** What people type before a command's name. */
  name: string;
  /** Whether it is `npm start`: without words it onboards, and without a target requests go to a sandbox of its own. */
  isTour: boolean;
}

/** What a command has while it runs. */
export interface Session {
  program: Program;
  json: boolean;
  /** Where progress is shown. */
  terminal: Terminal;
  /** Whether somebody can answer a question. */
  isInteractive: boolean;
  /** Where the command works; undefined: nothing names it. */
  target: Target | undefined;
  /**
   * Where the command works, with its sandbox booted if it is to have one.
   * @throws CommandError when nothing names a target, or the sandbox does not come up
   */
  reach(faults?: readonly FaultRule[]): Promise<Reachable>;
  /** Prints a document as one line of stdout. */
  printLine(document: object): void;
  /** A command of this program for the same target, as people would type it. */
  command(words: string): string;
  /** The execution that the command has started or follows. */
  executionArn: string | null;
  /** What is said when the command is ended by a signal. */
  goodbye: string;
  /** Gives the terminal back as it was; called before the process ends by a signal. */
  leave(): void;
  /** The sandbox that the command has booted. */
  sandbox: Sandbox | undefined;
}

/** The version of the documents that are printed. */
export const schemaVersion = 1;

/** How long the stack's resources take each: long enough to see the wait, no longer. */
const resourceDelayMs = 50;

/** The first line of a run in a throw-away sandbox that nobody has asked for by name. */
const throwAwayNotice = 'No endpoint is given: this run is in a throw-away sandbox.';

/** Begins a session. @param isNamed whether the target was named, and not the program's own choice */
export function createSession({
  program,
  json,
  terminal,
  isInteractive,
  target,
  isNamed,
}: Pick<Session, 'program' | 'json' | 'terminal' | 'isInteractive' | 'target'> & { isNamed: boolean }): Session {
  const session: Session = {
    program,
    json,
    terminal,
    isInteractive,
    target,
    async reach(faults = []) {
      if (target === undefined) throw noTarget(program);
      if (target.kind !== 'sandbox') return target;
      terminal.write(`${isNamed ? 'This run is in a throw-away sandbox.' : throwAwayNotice}\n`);
      session.sandbox ??= await boot(terminal, faults);
      return sandboxAt(session.sandbox.endpoint);
    },
    printLine: (document) => void process.stdout.write(`${JSON.stringify({ schemaVersion, ...document })}\n`),
    // The sandbox of the command is gone with it.
    command: (words) =>
      printable([program.name, words, ...(target === undefined ? [] : [optionsOf(target)])].join(' ')),
    executionArn: null,
    goodbye: '',
    leave: () => {},
    sandbox: undefined,
  };
  return session;
}

/** That a command needs to know where. */
function noTarget({ isTour }: Program): CommandError {
  return new CommandError(
    'InvalidRequest',
    'The command does not know which deployment is meant',
    `Name it: --stage STAGE for a deployed stage, --endpoint URL for a running sandbox${isTour ? ' (`npm run sandbox` starts one)' : ', --sandbox for a throw-away one'}; or set INFINSTOR_STAGE, or write .infinstor-onboarding.json.`,
  );
}

async function boot(terminal: Terminal, faults: readonly FaultRule[]): Promise<Sandbox> {
  // Imported here, since a command with another target needs none of it, and a packed command has none of it.
  const packageFolder = await showing(terminal, 'Packaging the functions …', async () => {
    const { packageForSandbox } = await import('../build/package.ts');
    // The sandbox is loaded meanwhile: most of packaging is another process's work.
    const [folder] = await Promise.all([packageForSandbox(), import('../sandbox/boot.ts')]);
    return folder;
  }).catch((error: unknown) => {
    throw (
      notPacked(error) ??
      asCommandError(
        error,
        'PackagingFailed',
        'Run `npm run package -- sandbox` to see all of its output, and correct what it names.',
      )
    );
  });
  return showing(terminal, 'Booting the sandbox …', async () => {
    const { bootSandbox } = await import('../sandbox/boot.ts');
    return bootSandbox({ packageFolder, faults, resourceDelayMs });
  }).catch((error: unknown) => {
    throw asCommandError(
      error,
      'SandboxNotStarted',
      'Run `npm run sandbox` to see whether a sandbox starts on its own.',
    );
  });
}

/** That the command runs outside of the project. */
function notPacked(error: unknown): CommandError | undefined {
  if (!(error instanceof Error && 'code' in error && /MODULE_NOT_FOUND$/.test(String(error.code)))) return undefined;
  return new CommandError(
    'SandboxNotHere',
    'The packed command has no sandbox: that is made from the sources',
    'Run it in a clone of the project: `npm start`.',
  );
}

/** A screen that nobody sees. */
export const noScreen: Screen = { write: () => true };
