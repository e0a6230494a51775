import * as v from 'valibot';
import type { Operation } from '../../lib/subscribers/operations.ts';
import { planOf } from '../aws/plans.ts';
import type { Outcome } from '../command.ts';
import { usageError } from '../command-error.ts';
import { operationNamedIn, readRequest, userNameOf } from '../request.ts';
import type { Session } from '../session.ts';
import { findDeployment } from '../target/deployment.ts';
import { stageOf } from '../target/target.ts';
import { planText } from '../view/plan/plan-text.ts';
import { showing } from '../view/terminal.ts';
import { onboardFirst, pathOf } from './send.ts';

interface Options {
  operation?: string | undefined;
  diff?: boolean | undefined;
}

/** The operations by the commands that start them. */
const operationsOf = {
  onboard: 'onboard-subscriber',
  update: 'update-subscriber',
  upgrade: 'upgrade-subscriber',
  'add-user': 'add-user',
  offboard: 'offboard-subscriber',
} as const satisfies Record<string, Operation>;
const commandSchema = v.picklist(['onboard', 'update', 'upgrade', 'add-user', 'offboard']);
type Command = v.InferOutput<typeof commandSchema>;

/** The command that a request is for: the one of the option, else the one whose schema the file names, else onboard. */
async function commandFor(named: string | undefined, file: string | undefined, session: Session): Promise<Command> {
  if (named === undefined) {
    const operation =
      file === undefined ? undefined : await operationNamedIn(pathOf(file, 'onboard-subscriber', session));
    return commandSchema.options.find((command) => operationsOf[command] === operation) ?? 'onboard';
  }
  const command = v.safeParse(commandSchema, named);
  if (!command.success) throw usageError(`--operation takes ${commandSchema.options.join(', ')}, not '${named}'`);
  return command.output;
}

/**
 * Shows what a request would do. Nothing is changed.
 * @throws CommandError with everything that is wrong with the request, in `errors`
 * @throws CommandError named InvalidRequest for wrong usage, and as `readRequest` throws; as `planOf` throws
 */
export async function plan(
  { words: [file], options: { operation: named, diff = false } }: { words: readonly string[]; options: Options },
  session: Session,
): Promise<Outcome> {
  const command = await commandFor(named, file, session);
  const operation = operationsOf[command];
  const request = await readRequest(pathOf(file, operation, session), operation, stageOf(session.target));
  const target = await session.reach();
  const at = { target, deployment: await findDeployment(target) };
  if (session.sandbox !== undefined && operation !== 'onboard-subscriber') {
    await onboardFirst(at, userNameOf(request), session);
  }
  const { terminal } = session;
  const preview = await showing(terminal, 'Planning …', () => planOf({ operation, request }, at));
  // What is planned in a throw-away sandbox is gone with it.
  const next =
    preview.converges || session.sandbox !== undefined
      ? null
      : session.command(`${command} ${file ?? 'REQUEST.json'} --plan ${preview.hash}`);
  return {
    document: { ...preview, error: null },
    text: planText(preview, terminal, { diff, next }),
  };
}
