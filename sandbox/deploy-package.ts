import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Caller } from './core/operation.ts';
import type { ResourceValues } from './services/cloudformation/evaluate.ts';
import type { CloudFormation } from './services/cloudformation/service.ts';

interface Deployment {
  /** The folder that `osls package` filled. */
  packageFolder: string;
  /** Changes the packaged template before it is deployed. */
  editTemplate: (template: string) => string;
  parameters: Readonly<Record<string, string>>;
  deployer: Caller;
}

const template = 'cloudformation-template-update-stack.json';
/** As osls names it: the service and the stage. */
const stackName = 'infinstor-onboarding-sandbox';

/**
 * Deploys the packaged CloudFormation template into the sandbox, so that what runs here is what runs in AWS.
 * @returns the resources by logical id
 * @throws Error naming a resource type or property that the sandbox does not have, or why a resource cannot be created
 */
export async function deployPackage(
  cloudFormation: Pick<CloudFormation, 'deploy'>,
  { packageFolder, editTemplate, parameters, deployer }: Deployment,
): Promise<ReadonlyMap<string, ResourceValues>> {
  const templateBody = editTemplate(await readFile(join(packageFolder, template), 'utf8'));
  const { scope } = await cloudFormation.deploy({
    stackName,
    templateBody,
    parameters,
    // What osls acknowledges.
    capabilities: ['CAPABILITY_IAM', 'CAPABILITY_NAMED_IAM'],
    caller: deployer,
  });
  return scope.resources;
}
