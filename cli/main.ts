import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Sandbox } from '../sandbox/boot.ts';
import type { FaultRule } from '../sandbox/faults.ts';
import { type Arguments, commandOf, type OnboardArguments, parseArguments, usage } from './arguments.ts';
import { attemptsOf } from './attempts.ts';
import { asCommandError, type CommandError } from './command-error.ts';
import { type Clients, connect, findMachine, follow, readKeyPolicies, type Snapshot, start } from './onboard.ts';
import { brokenOff, exitStatus, failureOfCommand, outputOf, reportOf } from './report.ts';
import { keyArnsOf, type Request, readRequest, userNameOf } from './request.ts';
import { failureText, summaryText } from './summary.ts';
import { createProgress, createTerminal, printable, type Screen, showing, type Terminal } from './terminal.ts';

/** How long closing the sandbox may take once the command is interrupted. */
const graceMilliseconds = 5000;
const noScreen: Screen = { write: () => true };

const args = process.argv.slice(2);
// Also of arguments that are wrong: whoever asked for a document gets one.
const json = args.includes('--json');
const screen: Screen = json ? (process.stderr.isTTY ? process.stderr : noScreen) : process.stdout;

let booting: Promise<Sandbox> | undefined;
let interrupted = false;
let executionArn: string | null = null;

for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.on(signal, () => {
    // A terminal and npm may both deliver the signal.
    if (interrupted) return;
    interrupted = true;
    const leave = () => {
      // Ends the line of the state that was running.
      screen.write('\n');
      process.exit(status);
    };
    setTimeout(leave, graceMilliseconds);
    void closeSandbox().finally(leave);
  });
}

const exitCode = await main();
if (!interrupted) {
  await closeSandbox();
  process.exitCode = exitCode;
}

async function main(): Promise<number> {
  const terminal = createTerminal(screen, process.env);
  let parsed: Arguments | undefined;
  try {
    parsed = parseArguments(args);
    switch (parsed.command) {
      case 'help':
        process.stdout.write(usage);
        return 0;
      case 'onboard':
        return await showOnboarding(parsed, terminal);
      case 'key-policies': {
        // Imported here, since an onboarding needs none of its clients.
        const { keyPolicies } = await import('./key-policies.ts');
        const { document, text } = await keyPolicies(parsed, { terminal, wait });
        if (!json) terminal.write(text);
        printDocument(document);
        return 0;
      }
    }
  } catch (error) {
    if (interrupted) return 1;
    const failure = asCommandError(
      error,
      'CommandFailed',
      'Run the command again; if that fails too, report it as a defect.',
    );
    const { paint, write } = createTerminal(process.stderr, process.env);
    if (!json) write(failureText(failureOfCommand(failure), paint));
    printDocument(failedDocument(parsed, failure));
    return exitStatus({ error: failure });
  }
}

/** The document of a command that failed, in the command's own form also when its arguments could not be read. */
function failedDocument(parsed: Arguments | undefined, failure: CommandError): object {
  if (commandOf(args) !== 'key-policies') return brokenOff(failure, executionArn);
  const keyArn = parsed?.command === 'key-policies' ? parsed.keyArn : null;
  return { status: 'FAILED', keyArn, error: failureOfCommand(failure) };
}

/** Prints what `--json` asks for; nothing for people. */
function printDocument(document: object): void {
  if (json && !interrupted) process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
}

async function showOnboarding(parsed: OnboardArguments, terminal: Terminal): Promise<number> {
  const request = await readRequest(pathOf(parsed.requestFile));
  const { report, policiesBefore, sandbox } = await onboard(request, parsed, terminal);
  if (!json) terminal.write(summaryText(userNameOf(request), report, policiesBefore, terminal.paint));
  if (!json && sandbox) terminal.write(hints(sandbox));
  printDocument(report);
  return exitStatus(report);
}

/** Sends the request to the machine of the endpoint, or of a sandbox booted for it, and follows it to its end. */
async function onboard(
  request: Request,
  { endpoint: givenEndpoint, faults }: Pick<OnboardArguments, 'endpoint' | 'faults'>,
  terminal: Terminal,
) {
  const sandbox = givenEndpoint === undefined ? await bootSandbox(terminal, faults) : undefined;
  const clients = connect(givenEndpoint ?? sandbox?.endpoint ?? '');
  try {
    const machineArn = sandbox?.stateMachineArn ?? (await findMachine(clients));
    const keyArns = keyArnsOf(request);
    const policiesBefore = await readKeyPolicies(clients, keyArns);
    terminal.write(`\nOnboarding ${printable(userNameOf(request) ?? 'the subscriber')} …\n`);
    executionArn = await start(clients, machineArn, request);
    terminal.write(`${executionArn}\n`);
    const { description, events } = await followShowing(clients, executionArn, terminal);
    const outputKeyArns = outputOf(description.output)?.keyArns ?? [];
    const policiesAfter = await readKeyPolicies(clients, [...new Set([...keyArns, ...outputKeyArns])]);
    return { report: reportOf(description, events, policiesAfter), policiesBefore, sandbox };
  } finally {
    clients.sfn.destroy();
    clients.kms.destroy();
  }
}

async function followShowing(clients: Clients, arn: string, terminal: Terminal): Promise<Snapshot> {
  const progress = createProgress(terminal);
  let attempts = attemptsOf([]);
  let endedAt: Date | undefined;
  try {
    const snapshot = await follow(clients, arn, ({ events }) => {
      attempts = attemptsOf(events);
      progress.show(attempts);
    });
    endedAt = snapshot.description.stopDate;
    return snapshot;
  } finally {
    progress.finish(attempts, endedAt ?? new Date());
  }
}

async function bootSandbox(terminal: Terminal, faults: FaultRule[]): Promise<Sandbox> {
  // Imported here, since a command with --endpoint needs none of it.
  const packageFolder = await showing(terminal, 'Packaging the functions …', async () => {
    const { packageForSandbox } = await import('../scripts/package.ts');
    // The sandbox is loaded meanwhile: most of packaging is another process's work.
    const [folder] = await Promise.all([packageForSandbox(), import('../sandbox/boot.ts')]);
    return folder;
  }).catch((error: unknown) => {
    throw asCommandError(
      error,
      'PackagingFailed',
      'Run `npm run package` to see all of its output, and mend what it names.',
    );
  });
  return showing(terminal, 'Booting the sandbox …', async () => {
    const { bootSandbox } = await import('../sandbox/boot.ts');
    booting = bootSandbox({ packageFolder, faults });
    return booting;
  }).catch((error: unknown) => {
    throw asCommandError(
      error,
      'SandboxNotStarted',
      'Run `npm run sandbox` to see whether a sandbox starts on its own.',
    );
  });
}

async function closeSandbox(): Promise<void> {
  const sandbox = await booting?.catch(() => undefined);
  await sandbox?.close({ keepLogs: true });
}

/** npm runs scripts in the project's folder; a path is meant from where npm was called. */
function pathOf(requestFile: string | undefined): string {
  if (requestFile === undefined) return join(import.meta.dirname, '..', 'examples', 'acme.json');
  const { npm_lifecycle_event: script, INIT_CWD: calledFrom } = process.env;
  return resolve(script === 'start' && calledFrom ? calledFrom : process.cwd(), requestFile);
}

function hints({ logFolder }: Sandbox): string {
  return [
    '',
    `The functions' logs are in ${logFolder}`,
    'This sandbox is gone with the command. To keep one running, and send it one request after another:',
    '  npm run sandbox',
    '  npm start -- --endpoint <the endpoint that it prints> examples/artifacts-sse-s3.json',
    '',
  ].join('\n');
}
