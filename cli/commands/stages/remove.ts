import { ask } from '../../ask.ts';
import { type ListedSubscriber, listSubscribers } from '../../aws/subscribers.ts';
import type { Outcome } from '../../command.ts';
import { CommandError, usageError } from '../../command-error.ts';
import { type Clone, cloneHere } from '../../deploy/clone.ts';
import { throughOsls } from '../../deploy/through-osls.ts';
import type { Session } from '../../session.ts';
import { deploymentOf, findStack, type StageStack, stackNameOf } from '../../target/deployment.ts';
import { awsOptions, placeOf, type Reachable } from '../../target/target.ts';
import { type Fact, rows } from '../../view/rows.ts';
import { printable } from '../../view/terminal.ts';

interface Options {
  confirm?: string | undefined;
  'with-subscribers-left'?: boolean | undefined;
}

/** So many names are shown of those who are left. */
const maxShown = 5;

/**
 * Removes the deployment of a stage by osls. Data and secrets stay.
 * @param clone where the sources are, and what stands in for that in a test
 * @throws CommandError named SubscribersLeft while there are subscribers who are not offboarded, SourcesNotHere, InvalidRequest, NotAnswered or
 * RemovalFailed
 */
export async function remove(
  { options: { confirm, 'with-subscribers-left': isRegardless = false } }: { options: Options },
  session: Session,
  clone: Clone = cloneHere(),
): Promise<Outcome> {
  const { terminal } = session;
  if (session.target?.kind === 'sandbox') throw usageError('remove needs --stage or --endpoint');
  const target = await session.reach();
  const stack = await findStack(target);
  if (!isRegardless) await requireNobodyLeft(target, stack, session);
  await confirmed(target, confirm, session);
  const { stage } = target;
  const { region, outputs } = stack;
  if (!session.json) terminal.write(printable(`Removing ${stackNameOf(stage)} from ${region} …\n`));
  session.goodbye = 'Stopped following; CloudFormation goes on.\n';
  await throughOsls('remove', { clone, target, region }, session);
  session.goodbye = '';
  const stays = staying(target, outputs);
  return {
    document: { status: 'SUCCEEDED', stage, region, stays: stays.map(({ what, command }) => ({ what, command })) },
    text: `\nStage ${stage} is removed. These stay, until somebody deletes them:\n${rows(
      stays.map(({ kind, what, command }): Fact => [kind, `${what}\n${command}`]),
      terminal,
    ).join('\n')}\n`,
  };
}

async function requireNobodyLeft(target: Reachable, stack: StageStack, { command }: Session): Promise<void> {
  const left = await subscribersLeft(target, stack);
  if (left.length === 0) return;
  const more = left.length > maxShown ? ' and others' : '';
  throw new CommandError(
    'SubscribersLeft',
    `Not offboarded yet: ${left
      .slice(0, maxShown)
      .map(({ userName, status }) => `${userName} (${status})`)
      .join(', ')}${more}`,
    `Nothing was removed. Offboard them first (\`${command('list')}\` has them all): without the deployment nobody offboards them. To remove it all the same: --with-subscribers-left.`,
  );
}

/** Those who are not offboarded, and no more than can be shown and one. */
async function subscribersLeft(target: Reachable, stack: StageStack): Promise<ListedSubscriber[]> {
  const left: ListedSubscriber[] = [];
  try {
    const deployment = deploymentOf(target, stack);
    for await (const subscriber of listSubscribers({}, { target, deployment })) {
      if (subscriber.status !== 'OFFBOARDED') left.push(subscriber);
      if (left.length > maxShown) break;
    }
    return left;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new CommandError(
      error.name,
      `Whether subscribers are left is not known: ${error.message}`,
      `Nothing was removed. Where the deployment never came about, or was removed in part, or whatever is left: --with-subscribers-left. Else: ${error.remedy}`,
    );
  }
}

/** @throws CommandError named InvalidRequest unless the stage's name was given once more */
async function confirmed(target: Reachable, confirm: string | undefined, session: Session): Promise<void> {
  const { stage } = target;
  const given =
    confirm ??
    (session.isInteractive
      ? await ask(
          `This removes the deployment ${placeOf(target)}: functions, state machines, HTTP API and refused events.\nType the name of the stage: `,
          'Nothing was removed.',
        )
      : undefined);
  if (given === stage) return;
  throw new CommandError(
    'InvalidRequest',
    given === undefined ? `The removal of stage ${stage} is not confirmed` : `'${given}' is not the stage, ${stage}`,
    `Nothing was removed. Confirm it with --confirm ${stage}, when that is the stage that is to go.`,
  );
}

/** What CloudFormation leaves, with the commands that delete it. */
function staying(target: Reachable, outputs: StageStack['outputs']) {
  const { stage } = target;
  // Not of the outputs: those of a stack that was removed in part are gone.
  const registryTable = `${stackNameOf(stage)}-registry`;
  const options = awsOptions(target);
  const aws = (words: string) => `aws ${words}${options === '' ? '' : ` ${options}`}`;
  const bucket = outputs.TemplateCopiesBucket;
  return [
    {
      kind: 'registry',
      what: `the table ${registryTable} with all records; it must be gone, or be imported, before the stage is deployed again (docs/deploying.md)`,
      command: aws(`dynamodb delete-table --table-name ${registryTable}`),
    },
    {
      kind: 'secrets',
      what: `those below infinstor/${stage}/: the superadmin's, and those of subscribers`,
      command: aws(`secretsmanager list-secrets --filters Key=name,Values=infinstor/${stage}/`),
    },
    ...(bucket === undefined
      ? []
      : [
          {
            kind: 'templates',
            what: `the bucket ${bucket} with copies of the vendor's templates`,
            command: aws(`s3 rb --force s3://${bucket}`),
          },
        ]),
  ];
}
