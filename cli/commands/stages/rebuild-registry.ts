import * as v from 'valibot';
import { arnOwner } from '../../../lib/aws/arns.ts';
import { NewerDataVersion } from '../../../lib/errors.ts';
import { ask } from '../../ask.ts';
import type { Outcome } from '../../command.ts';
import { CommandError, usageError } from '../../command-error.ts';
import { type Change, type Plan, planRebuild } from '../../rebuild/changes.ts';
import { findSubscribers, granteesOf, type Home } from '../../rebuild/found.ts';
import { executionsOf, registryAt } from '../../rebuild/registry.ts';
import type { Session } from '../../session.ts';
import { type Deployment, findDeployment } from '../../target/deployment.ts';
import { placeOf, type Reachable } from '../../target/target.ts';
import { type Fact, rows } from '../../view/rows.ts';

interface Options {
  confirm?: string | undefined;
  also?: string[] | undefined;
}

/**
 * Writes into the registry what secrets, stacks and key policies show, and it lacks or says otherwise. Nothing else is changed.
 * @throws CommandError named ExecutionsRunning, InvalidRequest, RegistryChanged or NewerDataVersion; as `answer` throws
 */
export async function rebuildRegistry(
  { options: { confirm, also = [] } }: { options: Options },
  session: Session,
): Promise<Outcome> {
  const { terminal } = session;
  if (session.target?.kind === 'sandbox') throw usageError('rebuild-registry needs --stage or --endpoint');
  const others = also.map(homeOf);
  const target = await session.reach();
  const deployment = await findDeployment(target);
  const now = await requireNothingRuns(target, deployment);
  const plan = await look(target, deployment, { others, now });
  const { stage } = target;
  const shown = [
    ...plan.changes.map(({ kind, userName, what }): Fact => [kind, `${userName}: ${what}`]),
    ...plan.left.map(({ userName, why }): Fact => ['left', `${userName} ${why}`]),
  ];
  if (shown.length > 0) terminal.write(`\n${rows(shown, terminal).join('\n')}\n`);
  const document = {
    changes: plan.changes.map(({ kind, userName, what }) => ({ kind, userName, what })),
    left: plan.left,
  };
  if (plan.changes.length === 0) {
    return {
      document: { status: 'SUCCEEDED', stage, written: 0, ...document, error: null },
      text: '\nThe registry has all that AWS shows.\n',
    };
  }
  const isConfirmed = await confirmed(target, confirm, session);
  if (!isConfirmed) {
    return {
      document: { status: 'SUCCEEDED', stage, written: 0, ...document, error: null },
      text: `\nNothing was written. To write it: ${session.command(`rebuild-registry --confirm ${stage}`)}\n`,
    };
  }
  // Somebody may have started one meanwhile.
  await requireNothingRuns(target, deployment);
  const written = await write(target, deployment, plan.changes);
  return {
    document: { status: 'SUCCEEDED', stage, written, ...document, error: null },
    text: `\n${written} items are written.\n`,
  };
}

const homeSchema = v.pipe(v.string(), v.regex(/^\d{12}\/[a-z]{2}(-[a-z]+)+-\d+(=[^\s[\]]+)?$/));

/** @throws CommandError for what is no account and Region */
function homeOf(text: string): Home {
  if (!v.is(homeSchema, text)) throw usageError(`--also ${text}: must be ACCOUNT/REGION or ACCOUNT/REGION=PROFILE`);
  const [place = '', profile] = text.split('=');
  const [accountId = '', region = ''] = place.split('/');
  return { accountId, region, ...(profile !== undefined && { profile }) };
}

/** @returns a time after the start of every execution */
async function requireNothingRuns(target: Reachable, deployment: Deployment): Promise<Date> {
  const { running, latestStart } = await executionsOf(target, deployment);
  if (running.length === 0) return latestStart === undefined ? new Date() : new Date(latestStart.getTime() + 1);
  throw new CommandError(
    'ExecutionsRunning',
    `What runs changes what would be found: ${running.slice(0, 5).join(', ')}${running.length > 5 ? ' and others' : ''}`,
    'Nothing was written. Let no request arrive, wait until these executions are over, or stop them, and run the command again.',
  );
}

async function look(
  target: Reachable,
  deployment: Deployment,
  { others, now }: { others: readonly Home[]; now: Date },
): Promise<Plan> {
  const { accountId, region, stage, outputs } = deployment;
  const homes = [{ accountId, region }, ...others];
  const marks = {
    deploymentId: outputs.DeploymentId ?? `${accountId}/${region}/infinstor-onboarding-${stage}`,
    secretPrefix: `infinstor/${stage}/`,
  };
  const found = await findSubscribers(target, homes, marks);
  const items = await registryAt(target, deployment).items();
  const keys = new Set([
    ...found.flatMap(({ stack }) => stack?.keyArns ?? []),
    ...items.flatMap((item) => {
      const key = v.safeParse(v.object({ pk: v.pipe(v.string(), v.startsWith('KEY#')) }), item);
      return key.success ? [key.output.pk.slice('KEY#'.length)] : [];
    }),
  ]);
  const grantees = new Map<string, string[]>();
  for (const keyArn of keys) {
    const owner = arnOwner(keyArn);
    const home = homes.find((each) => each.accountId === owner.accountId && each.region === owner.region);
    grantees.set(keyArn, await granteesOf(target, keyArn, home));
  }
  try {
    return planRebuild({ found, grantees, items, deployment, now });
  } catch (error) {
    if (!(error instanceof NewerDataVersion)) throw error;
    throw new CommandError(error.name, error.message, 'Use the command of the newer version. Nothing was written.');
  }
}

/** Whether somebody wants it written; without a terminal only by the option. @throws CommandError for another name than the stage's */
async function confirmed(target: Reachable, confirm: string | undefined, session: Session): Promise<boolean> {
  const { stage } = target;
  const given =
    confirm ??
    (session.isInteractive
      ? await ask(
          `This writes into the registry ${placeOf(target)}, and changes nothing else.\nType the name of the stage: `,
          'Nothing was written.',
        )
      : undefined);
  if (given === undefined || given === stage) return given === stage;
  throw new CommandError(
    'InvalidRequest',
    `'${given}' is not the stage, ${stage}`,
    `Nothing was written. Confirm it with --confirm ${stage}.`,
  );
}

/** @throws CommandError named RegistryChanged when somebody else has written an item since it was read */
async function write(target: Reachable, deployment: Deployment, changes: readonly Change[]): Promise<number> {
  const registry = registryAt(target, deployment);
  let written = 0;
  for (const change of changes) {
    if (!(await registry.write(change))) {
      throw new CommandError(
        'RegistryChanged',
        `Somebody has written the ${change.kind} of ${change.userName} since it was read; ${written} of ${changes.length} items are written`,
        'Run the command again: it finds what is still to be written.',
      );
    }
    written += 1;
  }
  return written;
}
