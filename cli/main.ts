import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Operation } from '../lib/subscribers/operations.ts';
import type { Sandbox } from '../sandbox/boot.ts';
import type { FaultRule } from '../sandbox/core/faults.ts';
import { endWithSignals } from '../sandbox/core/process-end.ts';
import { type Arguments, commandOf, parseArguments, type RunArguments, usage } from './arguments.ts';
import { type Clients, connect, findMachine, follow, readKeyPolicies, type Snapshot, start } from './aws/executions.ts';
import { asCommandError, CommandError } from './command-error.ts';
import { failedRequest, knownKeyArns, subscriberStatus } from './commands/status.ts';
import { keyArnsOf, named, type Request, readRequest, userNameOf } from './request.ts';
import { attemptsOf } from './view/attempts.ts';
import { brokenOff, exitStatus, failureOfCommand, outputOf, reportOf } from './view/report.ts';
import { doing, failureText, summaryText, throwAwayNotice } from './view/summary.ts';
import { createProgress, createTerminal, printable, type Screen, showing, type Terminal } from './view/terminal.ts';

/** How long the stack's resources take each: long enough to see the wait, no longer. */
const resourceDelayMs = 50;
const noScreen: Screen = { write: () => true };

const defaultRequests: Record<Operation, string> = {
  'onboard-subscriber': 'acme.json',
  'update-subscriber': 'update-email.json',
  'add-user': 'add-user-alice.json',
  'offboard-subscriber': 'offboard-acme.json',
};

const args = process.argv.slice(2);
// Also when other arguments are wrong: --json always gets a document.
const json = args.includes('--json');
const screen: Screen = json ? (process.stderr.isTTY ? process.stderr : noScreen) : process.stdout;

/** The sandbox that this command has booted. */
let ownSandbox: Sandbox | undefined;
let executionArn: string | null = null;
/** How to look at what goes on when the command is ended while it follows an execution of a running sandbox. */
let followUp = '';

// The line's end is that of the state that was running.
endWithSignals(() => screen.write(`\n${json ? '' : followUp + keptLogs()}`));

process.exitCode = await main();
await ownSandbox?.close();

async function main(): Promise<number> {
  const terminal = createTerminal(screen, process.env);
  let parsed: Arguments | undefined;
  try {
    parsed = parseArguments(args, process.env);
    switch (parsed.command) {
      case 'help':
        process.stdout.write(usage);
        return 0;
      case 'run': {
        const request = await readRequest(pathOf(parsed), parsed.operation);
        return await showRun({ ...parsed, request }, terminal);
      }
      case 'retry':
        return await showRun({ ...parsed, ...(await failedRequest(parsed)), faults: [] }, terminal);
      case 'status': {
        const { document, text } = await subscriberStatus(parsed, terminal);
        if (!json) terminal.write(text);
        printDocument(document);
        return 0;
      }
      case 'key-policies': {
        // Imported here, since an onboarding needs none of its clients.
        const { keyPolicies } = await import('./commands/key-policies.ts');
        const { document, text } = await keyPolicies(parsed, { terminal, wait });
        if (!json) terminal.write(text);
        printDocument(document);
        return 0;
      }
      case 'template': {
        const { template } = await import('./commands/template.ts');
        const { document, text } = await template(parsed);
        if (!json) terminal.write(text);
        printDocument(document);
        return 0;
      }
      case 'fault': {
        const { faults } = await import('./commands/fault.ts');
        const { document, text } = await faults(parsed);
        if (!json) terminal.write(text);
        printDocument(document);
        return 0;
      }
    }
  } catch (error) {
    const failure = asCommandError(
      error,
      'CommandFailed',
      'Run the command again; if it fails again, report it as a defect.',
    );
    const onStderr = createTerminal(process.stderr, process.env);
    if (!json) onStderr.write(failureText(failureOfCommand(failure), onStderr) + keptLogs());
    printDocument(failedDocument(parsed, failure));
    return exitStatus({ error: failure });
  }
}

/** The document of a command that failed, in the command's own form also when its arguments could not be read. */
function failedDocument(parsed: Arguments | undefined, failure: CommandError): object {
  const error = failureOfCommand(failure);
  switch (commandOf(args)) {
    case 'key-policies':
      return { status: 'FAILED', keyArn: parsed?.command === 'key-policies' ? parsed.keyArn : null, error };
    case 'status':
      return { userName: parsed?.command === 'status' ? parsed.userName : null, status: null, error };
    case 'template':
      return { status: 'FAILED', sha256: null, error };
    case 'fault':
      return { status: 'FAILED', faults: null, error };
    case 'retry':
    case undefined:
      return brokenOff(failure, executionArn);
  }
}

/** Prints what `--json` asks for; nothing for people. */
function printDocument(document: object): void {
  if (json) process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
}

/** A request to a state machine, and where that is. */
type Run = Pick<RunArguments, 'operation' | 'endpoint' | 'faults' | 'diff'> & { request: Request };

async function showRun(run: Run, terminal: Terminal): Promise<number> {
  const { operation, request, endpoint, diff } = run;
  const { report, policiesBefore, sandbox } = await send(run, terminal);
  if (!json) {
    sandbox?.keepLogs();
    const subject = { operation, userName: userNameOf(request), endpoint };
    const extras = { diff, logFolder: sandbox?.logFolder, faultsLeft: sandbox?.faults.left() ?? 0 };
    terminal.write(summaryText(subject, report, policiesBefore, terminal, extras));
  }
  printDocument(report);
  return exitStatus(report);
}

/** Sends the request to the state machine at the endpoint, or of a sandbox booted for it, and follows it to its end. */
async function send({ operation, request, endpoint: givenEndpoint, faults }: Run, terminal: Terminal) {
  const userName = userNameOf(request);
  const subject = printable(doing(operation, userName));
  const isFirst = operation === 'onboard-subscriber';
  const sandbox = givenEndpoint === undefined ? await bootSandbox(terminal, isFirst ? faults : []) : undefined;
  const endpoint = givenEndpoint ?? sandbox?.endpoint ?? '';
  const clients = connect(endpoint);
  try {
    if (sandbox !== undefined && !isFirst) {
      await onboardFirst(clients, userName, terminal);
      for (const fault of faults) sandbox.faults.add(fault);
    }
    const machineArn = await findMachine(clients, operation);
    // The request of an offboarding does not name the subscriber's keys.
    const isLast = operation === 'offboard-subscriber' && userName !== undefined;
    const keyArns = isLast ? await knownKeyArns(endpoint, userName) : keyArnsOf(request);
    const policiesBefore = await readKeyPolicies(clients, keyArns);
    terminal.write(`\n${subject} ${givenEndpoint === undefined ? '(sandbox)' : `at ${givenEndpoint}`} …\n`);
    executionArn = await start(clients, machineArn, request);
    terminal.write(`${executionArn}\n`);
    if (givenEndpoint !== undefined) {
      const command = `npm start -- status ${userName ?? 'USERNAME'} --endpoint ${givenEndpoint}`;
      followUp = printable(`Stopped following; the execution goes on. To look at it: ${command}`).concat('\n');
    }
    const { description, events } = await followShowing(clients, executionArn, terminal);
    followUp = '';
    const outputKeyArns = outputOf(description.output)?.keyArns ?? [];
    const policiesAfter = await readKeyPolicies(clients, [...new Set([...keyArns, ...outputKeyArns])]);
    return { report: reportOf(description, events, policiesAfter), policiesBefore, sandbox };
  } finally {
    clients.sfn.destroy();
    clients.kms.destroy();
  }
}

/** Onboards the example subscriber under this name, so that the request has a subscriber to change. */
async function onboardFirst(clients: Clients, userName: string | undefined, terminal: Terminal): Promise<void> {
  const example = await readRequest(examplePath('acme.json'), 'onboard-subscriber');
  const request = named(example, userName);
  await showing(terminal, `${printable(doing('onboard-subscriber', userName))} …`, async () => {
    const machineArn = await findMachine(clients, 'onboard-subscriber');
    const { description } = await follow(clients, await start(clients, machineArn, request), () => {});
    if (description.status === 'SUCCEEDED') return;
    throw new CommandError(
      description.error ?? 'OnboardingFailed',
      'The example subscriber, which the request is for, could not be onboarded in the throw-away sandbox',
      'Run `npm start` to see why the onboarding fails; or pass --endpoint to use a running sandbox.',
    );
  });
}

async function followShowing(clients: Clients, arn: string, terminal: Terminal): Promise<Snapshot> {
  const progress = createProgress(terminal);
  let attempts = attemptsOf([]);
  let endedAt: Date | undefined;
  try {
    const snapshot = await follow(clients, arn, ({ events }) => {
      attempts = attemptsOf(events);
      progress.show(attempts, /^Execution(Failed|Aborted|TimedOut)$/.test(events.at(-1)?.type ?? ''));
    });
    endedAt = snapshot.description.stopDate;
    return snapshot;
  } finally {
    progress.finish(attempts, endedAt ?? new Date());
  }
}

async function bootSandbox(terminal: Terminal, faults: FaultRule[]): Promise<Sandbox> {
  terminal.write(`${throwAwayNotice}\n`);
  // Imported here, since a command with --endpoint needs none of it.
  const packageFolder = await showing(terminal, 'Packaging the functions …', async () => {
    const { packageForSandbox } = await import('../build/package.ts');
    // The sandbox is loaded meanwhile: most of packaging is another process's work.
    const [folder] = await Promise.all([packageForSandbox(), import('../sandbox/boot.ts')]);
    return folder;
  }).catch((error: unknown) => {
    throw asCommandError(
      error,
      'PackagingFailed',
      'Run `npm run package -- sandbox` to see all of its output, and correct what it names.',
    );
  });
  return showing(terminal, 'Booting the sandbox …', async () => {
    const { bootSandbox } = await import('../sandbox/boot.ts');
    ownSandbox = await bootSandbox({ packageFolder, faults, resourceDelayMs });
    return ownSandbox;
  }).catch((error: unknown) => {
    throw asCommandError(
      error,
      'SandboxNotStarted',
      'Run `npm run sandbox` to see whether a sandbox starts on its own.',
    );
  });
}

function examplePath(file: string): string {
  return join(import.meta.dirname, '..', 'examples', file);
}

/** npm runs scripts in the project's folder; a path is relative to the folder that npm was called in. */
function pathOf({ requestFile, operation }: Pick<RunArguments, 'requestFile' | 'operation'>): string {
  if (requestFile === undefined) return examplePath(defaultRequests[operation]);
  const { npm_lifecycle_event: script, INIT_CWD: calledFrom } = process.env;
  return resolve(script === 'start' && calledFrom ? calledFrom : process.cwd(), requestFile);
}

/** Says where the functions' logs are, which then stay there; nothing without a sandbox of its own. */
function keptLogs(): string {
  if (ownSandbox === undefined) return '';
  ownSandbox.keepLogs();
  return `\nThe functions' logs are in ${ownSandbox.logFolder}\n`;
}
