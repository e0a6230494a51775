import { join, resolve } from 'node:path';
import type { Operation } from '../../lib/subscribers/operations.ts';
import { type FaultRule, parseFault } from '../../sandbox/core/faults.ts';
import { ask } from '../ask.ts';
import { type Clients, connect, follow, readKeyPolicies, type Snapshot, start } from '../aws/executions.ts';
import { knownKeyArns } from '../aws/functions.ts';
import type { Outcome } from '../command.ts';
import { CommandError, usageError } from '../command-error.ts';
import { readAgreedPlan, requireSamePlan } from '../plan/same-plan.ts';
import { exampleOf, keyArnsOf, named, type Request, readRequest, userNameOf } from '../request.ts';
import type { Session } from '../session.ts';
import { type Deployment, findDeployment } from '../target/deployment.ts';
import { placeOf, type Reachable, stageOf } from '../target/target.ts';
import { attemptsOf } from '../view/attempts.ts';
import { exitStatus, outputOf, reportOf } from '../view/report.ts';
import { doing, summaryText } from '../view/summary.ts';
import { createProgress, printable, showing } from '../view/terminal.ts';

interface Options {
  diff?: boolean | undefined;
  fault?: string[] | undefined;
  confirm?: string | undefined;
  plan?: string | undefined;
}

/** Where a request is sent. */
interface Place {
  target: Reachable;
  deployment: Deployment;
}

/** A request to a state machine. */
interface Sending {
  operation: Operation;
  request: Request;
  /** Whether changes of key policies are shown whole. */
  diff: boolean;
}

/**
 * Sends the request of a file to the state machine of an operation, and follows the execution to its end. In a sandbox of its own,
 * the example subscriber is onboarded first where the request is for one that exists.
 * @throws CommandError named InvalidRequest for wrong usage and for a request that is not confirmed or cannot be sent; named PlanChanged
 * when it would not do what was planned
 */
export async function send(
  operation: Operation,
  {
    words: [file],
    options: { diff = false, fault = [], confirm, plan },
  }: { words: readonly string[]; options: Options },
  session: Session,
): Promise<Outcome> {
  const isThrowAway = session.target?.kind === 'sandbox';
  if (fault.length > 0 && !isThrowAway) {
    throw usageError(
      `--fault is for a throw-away sandbox; add it to a running one with \`${session.command('fault …')}\``,
    );
  }
  const faults = fault.map(readFault);
  const request = await readRequest(pathOf(file, operation, session), operation, stageOf(session.target));
  const agreed = plan === undefined ? undefined : await readAgreedPlan(plan, folderOf(session));
  const isFirst = operation === 'onboard-subscriber';
  if (operation === 'offboard-subscriber' && !isThrowAway) await confirmOffboarding(request, confirm, session);
  const target = await session.reach(isFirst ? faults : []);
  const deployment = await findDeployment(target);
  if (session.sandbox !== undefined && !isFirst) {
    await onboardFirst({ target, deployment }, userNameOf(request), session);
    for (const rule of faults) session.sandbox.faults.add(rule);
  }
  if (agreed !== undefined) {
    await requireSamePlan(agreed, { operation, request }, { target, deployment }, session);
  }
  return sendTo({ target, deployment }, { operation, request, diff }, session);
}

/** Sends a request to the state machine of an operation, and follows the execution to its end. */
export async function sendTo(
  { target, deployment }: Place,
  { operation, request, diff }: Sending,
  session: Session,
): Promise<Outcome> {
  const clients = connect(target);
  const begin = () => start(clients, deployment.machines[operation], request);
  const userName = userNameOf(request);
  // The request of an offboarding does not name the subscriber's keys.
  const keyArns =
    operation === 'offboard-subscriber' && userName !== undefined
      ? await knownKeyArns(userName, { target, deployment })
      : keyArnsOf(request);
  try {
    return await followShowing({ clients, begin, keyArns }, { operation, userName, diff }, session);
  } finally {
    clients.sfn.destroy();
    clients.kms.destroy();
  }
}

/** What is followed: an execution that is to begin, or to continue. */
interface Followed {
  clients: Clients;
  /** Starts or redrives it. @returns its ARN */
  begin: () => Promise<string>;
  /** The keys whose policies may change. */
  keyArns: readonly string[];
}

/** Begins an execution and shows it to its end, and what it changed. */
export async function followShowing(
  { clients, begin, keyArns }: Followed,
  { operation, userName, diff }: { operation: Operation; userName: string | undefined; diff: boolean },
  session: Session,
): Promise<Outcome> {
  const { terminal, json } = session;
  const policiesBefore = await readKeyPolicies(clients, keyArns);
  terminal.write(`\n${printable(doing(operation, userName))} ${placeOf(session.target ?? clients.target)} …\n`);
  const executionArn = await begin();
  session.executionArn = executionArn;
  terminal.write(`${executionArn}\n`);
  if (session.sandbox === undefined) {
    const command = session.command(`watch ${userName ?? 'USERNAME'}`);
    session.goodbye = `Stopped following; the execution goes on. To follow it: ${command}\n`;
  }
  const { description, events } = await showProgress(clients, executionArn, session);
  session.goodbye = '';
  const outputKeyArns = outputOf(description.output)?.keyArns ?? [];
  const policiesAfter = await readKeyPolicies(clients, [...new Set([...keyArns, ...outputKeyArns])]);
  const report = reportOf(description, events, policiesAfter);
  if (!json) session.sandbox?.keepLogs();
  const extras = { diff, logFolder: session.sandbox?.logFolder, faultsLeft: session.sandbox?.faults.left() ?? 0 };
  const text = summaryText({ operation, userName, at: session }, report, policiesBefore, terminal, extras);
  return { document: report, text, status: exitStatus(report) };
}

/** Onboards the example subscriber under this name, so that the request has a subscriber to change. */
export async function onboardFirst(
  { target, deployment }: Place,
  userName: string | undefined,
  { terminal }: Session,
): Promise<void> {
  const example = await readRequest(examplePath('acme.json'), 'onboard-subscriber');
  const request = named(example, userName);
  const clients = connect(target);
  await showing(terminal, `${printable(doing('onboard-subscriber', userName))} …`, async () => {
    const executionArn = await start(clients, deployment.machines['onboard-subscriber'], request);
    const { description } = await follow(clients, executionArn, () => {});
    if (description.status === 'SUCCEEDED') return;
    throw new CommandError(
      description.error ?? 'OnboardingFailed',
      'The example subscriber, which the request is for, could not be onboarded in the throw-away sandbox',
      'Run `npm start` to see why the onboarding fails; or pass --endpoint to use a running sandbox.',
    );
  }).finally(() => clients.sfn.destroy());
}

async function showProgress(clients: Clients, arn: string, { terminal }: Session): Promise<Snapshot> {
  const progress = createProgress(terminal);
  let attempts = attemptsOf([]);
  let endedAt: Date | undefined;
  try {
    const onProgress = ({ events }: Snapshot) => {
      attempts = attemptsOf(events);
      progress.show(attempts, /^Execution(Failed|Aborted|TimedOut)$/.test(events.at(-1)?.type ?? ''));
    };
    const snapshot = await follow(clients, arn, onProgress);
    endedAt = snapshot.description.stopDate;
    return snapshot;
  } finally {
    progress.finish(attempts, endedAt ?? new Date());
  }
}

/** @throws CommandError named InvalidRequest unless the subscriber's name was given once more */
async function confirmOffboarding(request: Request, confirm: string | undefined, session: Session): Promise<void> {
  const userName = userNameOf(request);
  const given = confirm ?? (session.isInteractive ? await askForName(userName, session) : undefined);
  if (given === userName) return;
  throw new CommandError(
    'InvalidRequest',
    given === undefined
      ? `The offboarding of ${userName} is not confirmed`
      : `'${given}' is not the subscriber of the request, ${userName}`,
    `Nothing was started. Confirm it with --confirm ${userName}, when that is the subscriber that is to go.`,
  );
}

function askForName(userName: string | undefined, { target }: Session): Promise<string> {
  const place = target === undefined ? '' : ` ${placeOf(target)}`;
  return ask(
    `This offboards ${userName}${place}, and nothing brings back what is deleted.\nType the name of the subscriber: `,
    'Nothing was started.',
  );
}

function readFault(text: string): FaultRule {
  try {
    return parseFault(text);
  } catch (error) {
    throw usageError(error instanceof Error ? error.message : String(error));
  }
}

function examplePath(file: string): string {
  return join(import.meta.dirname, '../..', 'examples', file);
}

/** The file of a request. @throws CommandError named InvalidRequest when none is named, where there is no example to take, or a request stands in its place */
export function pathOf(
  file: string | undefined,
  operation: Operation,
  session: Pick<Session, 'program' | 'target'>,
): string {
  const { program, target } = session;
  if (file === undefined) {
    if (target?.kind !== 'sandbox' && !program.isTour) throw usageError('The file of the request is missing');
    return examplePath(exampleOf(operation));
  }
  // A request may hold what no screen should show: it is not repeated.
  if (/^\s*[{[]/.test(file)) throw usageError('What is named must be a file with the request, not the request itself');
  return resolve(folderOf(session), file);
}

/** npm runs scripts in the project's folder; a path is relative to the folder that npm was called in. */
function folderOf({ program }: Pick<Session, 'program'>): string {
  const { INIT_CWD: calledFrom } = process.env;
  return program.isTour && calledFrom ? calledFrom : process.cwd();
}
