import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloudFormationClient, CreateStackCommand } from '@aws-sdk/client-cloudformation';
import type { Sandbox } from '../../sandbox/boot.ts';
import { account, otherAccount } from '../../sandbox/core/account.ts';
import { operatorAt } from '../../sandbox/operator.ts';

const externalId = 'sandbox-external-id';

/** The param `accounts` of a sandbox's deployment that works in the other account, too. */
export const accounts = {
  [otherAccount.accountId]: {
    roleArn: `arn:aws:iam::${otherAccount.accountId}:role/infinstor-onboarding-access`,
    externalId,
    stackServiceRoleArn: `arn:aws:iam::${otherAccount.accountId}:role/infinstor-onboarding-stacks`,
    permissionsBoundaryArn: `arn:aws:iam::${otherAccount.accountId}:policy/infinstor-onboarding-boundary`,
    regions: ['us-east-1', 'eu-west-1'],
    stackEvents: 'forwarded',
  },
};

/** The same of one that works in a hundred, of which the others do not exist: an environment would be too small for so many. */
export const hundredAccounts = Object.fromEntries(
  Array.from({ length: 100 }, (_, index) => {
    const accountId = String(Number(otherAccount.accountId) + index);
    return [
      accountId,
      JSON.parse(JSON.stringify(accounts[otherAccount.accountId]).replaceAll(otherAccount.accountId, accountId)),
    ];
  }),
);

/** Sets the other account up as docs/other-accounts.md says, with the templates beside it. */
export async function setUpOtherAccount(
  sandbox: Sandbox,
  parameters: { ExternalId?: string; TemplateCopiesBucket?: string } = {},
): Promise<void> {
  const there = { accountId: otherAccount.accountId, region: account.region };
  const values = {
    DeploymentAccountId: account.accountId,
    // CloudFormation cuts the stack's name in the names of its roles.
    DeploymentRolePrefix: 'infinstor-onboarding-san',
    DeploymentId: `${account.accountId}/${account.region}/infinstor-onboarding-sandbox`,
    ExternalId: externalId,
    TemplateCopiesBucket: sandbox.physicalId('TemplateCopies'),
    ...parameters,
  };
  await deploy(sandbox, there, 'other-account.yaml', values);
}

/** Lets the events of an account and Region reach the deployment. */
export async function forwardEvents(sandbox: Sandbox, from: { accountId: string; region: string }): Promise<void> {
  const EventBusArn = `arn:aws:events:${account.region}:${account.accountId}:event-bus/default`;
  await deploy(sandbox, from, 'forward-events.yaml', { EventBusArn });
}

async function deploy(
  sandbox: Sandbox,
  home: { accountId: string; region: string },
  file: string,
  parameters: Record<string, string>,
): Promise<void> {
  sandbox.templates.publish('docs', readFileSync(join(import.meta.dirname, '../../deployment', file), 'utf8'), file);
  const client = new CloudFormationClient(operatorAt(sandbox.endpoint, home));
  const StackName = file.replace('.yaml', '');
  await client.send(
    new CreateStackCommand({
      StackName,
      TemplateURL: `https://s3.amazonaws.com/infinstorcft/docs/${file}`,
      Parameters: Object.entries(parameters).map(([ParameterKey, ParameterValue]) => ({
        ParameterKey,
        ParameterValue,
      })),
      Capabilities: ['CAPABILITY_NAMED_IAM'],
    }),
  );
  const { cloudFormation } = sandbox.world(home);
  await cloudFormation.stack(StackName)?.work;
  const status = cloudFormation.stack(StackName)?.status;
  if (status !== 'CREATE_COMPLETE') throw new Error(`The stack of docs/${file} is ${status}`);
}
