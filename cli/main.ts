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
import { doing, failureText, summaryText } from './view/summary.ts';
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

const hints = `This sandbox is gone with the command. To keep one running, and send it one request after another:
  npm run sandbox
  npm start -- --endpoint <the endpoint that it prints>
  npm start -- update --endpoint <the endpoint>     (add-user, offboard, status acme, … likewise)
`;

const args = process.argv.slice(2);
// Also of arguments that are wrong: whoever asked for a document gets one.
const json = args.includes('--json');
const screen: Screen = json ? (process.stderr.isTTY ? process.stderr : noScreen) : process.stdout;

/** The sandbox that this command has booted. */
let ownSandbox: Sandbox | undefined;
let executionArn: string | null = null;

// The line's end is that of the state that was running.
endWithSignals(() => screen.write(`\n${json ? '' : keptLogs()}`));

process.exitCode = await main();
await ownSandbox?.close();

async function main(): Promise<number> {
  const terminal = createTerminal(screen, process.env);
  let parsed: Arguments | undefined;
  try {
    parsed = parseArguments(args);
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
        const { document, text } = await subscriberStatus(parsed, terminal.paint);
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
    }
  } catch (error) {
    const failure = asCommandError(
      error,
      'CommandFailed',
      'Run the command again; if that fails too, report it as a defect.',
    );
    const { paint, write } = createTerminal(process.stderr, process.env);
    if (!json) write(failureText(failureOfCommand(failure), paint) + keptLogs());
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
    case 'retry':
    case undefined:
      return brokenOff(failure, executionArn);
  }
}

/** Prints what `--json` asks for; nothing for people. */
function printDocument(document: object): void {
  if (json) process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
}

/** A request to a machine, and where that is. */
type Run = Pick<RunArguments, 'operation' | 'endpoint' | 'faults'> & { request: Request };

async function showRun(run: Run, terminal: Terminal): Promise<number> {
  const { operation, request } = run;
  const { report, policiesBefore, sandbox } = await send(run, terminal);
  const subject = { operation, userName: userNameOf(request) };
  if (!json) terminal.write(summaryText(subject, report, policiesBefore, terminal.paint));
  const left = sandbox?.faults.left() ?? 0;
  if (!json && left > 0)
    terminal.write(
      `\n${left === 1 ? 'One fault' : `${left} faults`} asked for did not come: nothing made such a call.\n`,
    );
  if (!json && sandbox) terminal.write(keptLogs() + hints);
  printDocument(report);
  return exitStatus(report);
}

/** Sends the request to the machine of the endpoint, or of a sandbox booted for it, and follows it to its end. */
async function send({ operation, request, endpoint: givenEndpoint, faults }: Run, terminal: Terminal) {
  const userName = userNameOf(request);
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
    // An offboarding takes the keys from the subscriber without naming them.
    const isLast = operation === 'offboard-subscriber' && userName !== undefined;
    const keyArns = isLast ? await knownKeyArns(endpoint, userName) : keyArnsOf(request);
    const policiesBefore = await readKeyPolicies(clients, keyArns);
    terminal.write(`\n${printable(doing(operation, userName))} …\n`);
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

/** Onboards the example's subscriber under this name, for what is to be done to it. */
async function onboardFirst(clients: Clients, userName: string | undefined, terminal: Terminal): Promise<void> {
  const example = await readRequest(examplePath('acme.json'), 'onboard-subscriber');
  const request = named(example, userName);
  await showing(terminal, `${printable(doing('onboard-subscriber', userName))} …`, async () => {
    const machineArn = await findMachine(clients, 'onboard-subscriber');
    const { description } = await follow(clients, await start(clients, machineArn, request), () => {});
    if (description.status === 'SUCCEEDED') return;
    throw new CommandError(
      description.error ?? 'OnboardingFailed',
      'The subscriber could not be onboarded, to which the request is to be sent',
      'Run `npm start` to see the onboarding fail; without a sandbox of its own, pass --endpoint.',
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
    const { packageForSandbox } = await import('../build/package.ts');
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

/** npm runs scripts in the project's folder; a path is meant from where npm was called. */
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
