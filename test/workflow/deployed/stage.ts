import {
  CloudFormationClient,
  DescribeStacksCommand,
  paginateListStackResources,
} from '@aws-sdk/client-cloudformation';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { bootEmptySandbox, type EmptySandbox, type Sandbox } from '../../../sandbox/boot.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { spoken } from '../sandbox.ts';
import { leaksOf } from '../secret-scan.ts';

/** A sandbox in which nothing is deployed, for one test. */
export async function withEmptySandbox(use: (sandbox: EmptySandbox) => Promise<void>): Promise<void> {
  const sandbox = await bootEmptySandbox({ skipIdle: true, schedules: false });
  try {
    await use(sandbox);
  } finally {
    await sandbox.close();
  }
}

/** The sandbox as one that has a stage as its deployment, found by the outputs and resources of its stack. */
export async function sandboxWith(sandbox: EmptySandbox, stackName: string): Promise<Sandbox> {
  const client = new CloudFormationClient(operatorAt(sandbox.endpoint));
  const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName: stackName }));
  const outputs = new Map(stack?.Outputs?.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]));
  const resources = new Map<string | undefined, string | undefined>();
  for await (const page of paginateListStackResources({ client }, { StackName: stackName })) {
    for (const resource of page.StackResourceSummaries ?? []) {
      resources.set(resource.LogicalResourceId, resource.PhysicalResourceId);
    }
  }
  const physicalId = (logicalId: string) => resources.get(logicalId) ?? lacks(logicalId);
  return {
    ...sandbox,
    apiEndpoint: `${sandbox.endpoint}/_aws/execute-api/${outputs.get('HttpApiId') ?? lacks('HttpApiId')}`,
    stateMachineArn: outputs.get('OnboardSubscriberArn') ?? lacks('OnboardSubscriberArn'),
    registryTable: physicalId('Registry'),
    physicalId,
  };
}

function lacks(what: string): never {
  throw new Error(`The stack has no ${what}`);
}

/** Makes the secret of a stage's superadmin, as its operator does (docs/deploying.md). */
export async function createSuperadminSecret({ endpoint, superadmin }: EmptySandbox, stage: string): Promise<void> {
  const client = new SecretsManagerClient(operatorAt(endpoint));
  const SecretString = JSON.stringify(superadmin);
  await client.send(new CreateSecretCommand({ Name: `infinstor/${stage}/superadmin`, SecretString }));
}

/** Where runs of a stage have left a secret. */
export const leaksIn = (sandbox: Sandbox): Promise<string[]> => leaksOf(sandbox, spoken, []);
