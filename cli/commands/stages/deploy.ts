import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { apiUrlOf } from '../../aws/http-api.ts';
import type { Outcome } from '../../command.ts';
import { asCommandError, usageError } from '../../command-error.ts';
import { type Clone, cloneHere } from '../../deploy/clone.ts';
import { throughOsls } from '../../deploy/through-osls.ts';
import { verdict } from '../../doctor/text.ts';
import type { Session } from '../../session.ts';
import { type Deployment, findDeployment, stackNameOf } from '../../target/deployment.ts';
import type { Reachable } from '../../target/target.ts';
import { type Fact, rows } from '../../view/rows.ts';
import { printable, showing } from '../../view/terminal.ts';
import { examineShowing, statusOf } from './doctor.ts';

const stateSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ service: v.object({ provider: v.object({ region: v.string(), stage: v.string() }) }) }),
);

/**
 * Packages a stage, deploys it by osls, and looks at it as doctor does.
 * @param clone where the sources are, and what stands in for that in a test
 * @returns with status 1 when the stage is deployed, and something is wrong with it
 * @throws CommandError named SourcesNotHere, InvalidRequest, PackagingFailed or DeploymentFailed: nothing is deployed then, or CloudFormation has
 * brought back what was there
 */
export async function deploy(
  { options: { 'dry-run': isDryRun = false } }: { options: { 'dry-run'?: boolean | undefined } },
  session: Session,
  clone: Clone = cloneHere(),
): Promise<Outcome> {
  const { terminal } = session;
  if (session.target?.kind === 'sandbox')
    throw usageError('deploy needs --stage or --endpoint: a throw-away sandbox has a deployment');
  const target = await session.reach();
  const { stage } = target;
  const { unchecked } = await showing(terminal, `Packaging stage ${stage} …`, () => clone.packageStage(stage)).catch(
    (error: unknown) => {
      throw asCommandError(
        error,
        'PackagingFailed',
        'Nothing was deployed. Correct what it names, and run the command again.',
      );
    },
  );
  const region = await packagedRegion(clone.root, target);
  const packaged = { stage, region, package: join(clone.root, '.serverless'), unchecked };
  const notChecked =
    unchecked.length === 0 ? '' : `Not checked, because only osls knows the values: ${unchecked.join(', ')}\n`;
  if (isDryRun) {
    return {
      document: { status: 'SUCCEEDED', ...packaged, deployed: false, checks: [], outputs: null },
      text: `${notChecked}Stage ${stage} is packaged into .serverless/ for ${region}, and can be deployed.\n`,
    };
  }
  if (!session.json) terminal.write(printable(`${notChecked}Deploying ${stackNameOf(stage)} to ${region} …\n`));
  session.goodbye = `Stopped following; CloudFormation goes on. To look at it: ${session.command('doctor')}\n`;
  const lines = await throughOsls('deploy', { clone, target, region }, session);
  session.goodbye = '';
  const at: Reachable = target.kind === 'stage' ? { ...target, region } : target;
  if (!session.json) terminal.write('\n');
  const checks = await examineShowing(at, [], session);
  const deployment = await findDeployment(at);
  const isChanged = !lines.some((line) => line.includes('No changes to deploy'));
  const { outputs } = deployment;
  return {
    document: { status: 'SUCCEEDED', ...packaged, deployed: isChanged, checks, outputs },
    text: `\n${isChanged ? `Stage ${stage} is deployed.` : `Stage ${stage} is deployed already, and nothing has changed.`} ${verdict(checks)}\n${rows(places(target, deployment), terminal).join('\n')}\n`,
    status: statusOf(checks),
  };
}

/**
 * Where the package is for. osls would deploy it elsewhere with another Region, in which the functions would look for what is not there.
 * @throws CommandError named InvalidRequest when the command was given another one
 */
async function packagedRegion(root: string, target: Reachable): Promise<string> {
  const { service } = v.parse(stateSchema, await readFile(join(root, '.serverless/serverless-state.json'), 'utf8'));
  const { region } = service.provider;
  if (target.kind === 'endpoint' || target.region === undefined || target.region === region) return region;
  throw usageError(`--region is ${target.region}, and stages/${target.stage}.yml says ${region}`);
}

/** Where things are. */
function places(target: Reachable, deployment: Deployment): Fact[] {
  const { machines, operations, registryTable, outputs } = deployment;
  return [
    ['HTTP API', apiUrlOf({ target, deployment })],
    ['event bus', outputs.OnboardingBusName ?? null],
    ...operations.map((operation, place): Fact => [place === 0 ? 'machines' : '', machines[operation]]),
    ['registry', registryTable],
    ['refused', outputs.RefusedEventsUrl ?? null],
  ];
}
