import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import type { AccountRegion } from '../../lib/aws/arns.ts';
import { arnOwner } from '../../lib/aws/arns.ts';
import { machineArnOf, type Operation, operationSchema, type operations } from '../../lib/subscribers/operations.ts';
import { operatorAt } from '../../sandbox/operator.ts';
import { answer, isServiceError } from '../aws/answer.ts';
import { CommandError } from '../command-error.ts';
import type { Reachable } from './target.ts';

/** A deployed stage, as the outputs of its stack describe it. */
export interface Deployment {
  stage: string;
  accountId: string;
  region: string;
  /** The ARN of each operation's state machine. */
  machines: Readonly<Record<Operation, string>>;
  /** The operations that it has: one that is older than the command may lack the last ones. */
  operations: readonly Operation[];
  /** The name of one of its functions. @param name that of the function's folder */
  functionName(name: string): string;
  /** The status of its stack. */
  stackStatus: string;
  registryTable: string;
  /** The version of the project that is deployed; undefined before there was that output. */
  version: string | undefined;
  /** All outputs of the stack, by their keys. */
  outputs: Readonly<Record<string, string>>;
}

/** The configuration of a client for a target: of a stage AWS's own, from the shell and the shared files. */
export function configurationOf(target: Reachable, home?: AccountRegion) {
  if (target.kind === 'endpoint') return operatorAt(target.url, home);
  const region = home?.region ?? target.region;
  return {
    ...(region !== undefined && { region }),
    ...(target.profile !== undefined && { profile: target.profile }),
  };
}

/** The name of a stage's stack (osls: service and stage). */
export const stackNameOf = (stage: string) => `infinstor-onboarding-${stage}`;

const outputOfMachine: Record<Operation, string> = {
  'onboard-subscriber': 'OnboardSubscriberArn',
  'update-subscriber': 'UpdateSubscriberArn',
  'upgrade-subscriber': 'UpgradeSubscriberArn',
  'add-user': 'AddUserArn',
  'offboard-subscriber': 'OffboardSubscriberArn',
};

/** The stack of a stage, whatever it has come to. */
export interface StageStack {
  accountId: string;
  region: string;
  status: string;
  outputs: Readonly<Record<string, string>>;
}

/**
 * Finds a stage's stack, with one call of CloudFormation.
 * @throws CommandError named DeploymentNotFound when there is no such stack; as `answer` throws
 */
export async function findStack(target: Reachable): Promise<StageStack> {
  const client = new CloudFormationClient(configurationOf(target));
  const StackName = stackNameOf(target.stage);
  try {
    const { Stacks: [stack] = [] } = await answer(
      'CloudFormation',
      client.send(new DescribeStacksCommand({ StackName })).catch(nothingWhenUnknown),
      target,
    );
    if (stack?.StackId === undefined) throw notFound(target);
    const outputs = (stack.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]);
    return {
      ...arnOwner(stack.StackId),
      status: stack.StackStatus ?? 'unknown',
      outputs: Object.fromEntries(outputs),
    };
  } finally {
    client.destroy();
  }
}

/**
 * Finds a stage's deployment, with one call of CloudFormation.
 * @throws CommandError named DeploymentNotFound when there is no such stack, or it is not one of this project; as `answer` throws
 */
export const findDeployment = async (target: Reachable): Promise<Deployment> =>
  deploymentOf(target, await findStack(target));

/** CloudFormation has no error of its own for a stack that there is not. */
function nothingWhenUnknown(error: unknown): { Stacks?: [] } {
  if (isServiceError(error) && error.name === 'ValidationError' && error.message.includes('does not exist')) return {};
  throw error;
}

/**
 * A deployment as its stack describes it.
 * @throws CommandError named DeploymentNotFound when the stack is not one of this project, or not whole
 */
export function deploymentOf(target: Reachable, { accountId, region, status, outputs }: StageStack): Deployment {
  const output = (key: string) => outputs[key] ?? missing(target, key);
  const machines = {
    'onboard-subscriber': output(outputOfMachine['onboard-subscriber']),
    'update-subscriber': output(outputOfMachine['update-subscriber']),
    // A deployment from before there was this state machine serves all else; to start it then fails as AWS says.
    'upgrade-subscriber':
      outputs[outputOfMachine['upgrade-subscriber']] ??
      machineArnOf(output(outputOfMachine['onboard-subscriber']), 'upgrade-subscriber'),
    'add-user': output(outputOfMachine['add-user']),
    'offboard-subscriber': output(outputOfMachine['offboard-subscriber']),
  } satisfies Record<keyof typeof operations, string>;
  return {
    stage: target.stage,
    ...{ accountId, region, stackStatus: status },
    machines,
    operations: operationSchema.options.filter((operation) => outputs[outputOfMachine[operation]] !== undefined),
    functionName: (name) => `${stackNameOf(target.stage)}-${name}`,
    registryTable: output('RegistryTableName'),
    version: outputs.Version,
    outputs,
  };
}

function notFound(target: Reachable): CommandError {
  const where =
    target.kind === 'endpoint' ? `The sandbox at ${target.url}` : 'The account and Region of these credentials';
  return new CommandError(
    'DeploymentNotFound',
    `${where} has no stack ${stackNameOf(target.stage)}`,
    target.kind === 'endpoint'
      ? `Name the stage that is deployed there with --stage; a sandbox that \`npm run sandbox\` starts without --empty has the stage sandbox. To deploy one: \`init\`, then \`deploy\`.`
      : 'Check --stage, --profile and --region; `aws sts get-caller-identity` names the account of the credentials.',
  );
}

function missing(target: Reachable, key: string): never {
  throw new CommandError(
    'DeploymentNotFound',
    `The stack ${stackNameOf(target.stage)} has no output ${key}`,
    'Its first deployment failed or is not over, or it is of another version of the project: deploy the stage with this version.',
  );
}
