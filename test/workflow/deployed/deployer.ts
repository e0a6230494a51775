import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStackResourceCommand,
  UpdateStackCommand,
  ValidateTemplateCommand,
} from '@aws-sdk/client-cloudformation';
import type { EmptySandbox } from '../../../sandbox/boot.ts';
import { operatorAt } from '../../../sandbox/operator.ts';

export const StackName = 'infinstor-onboarding-sandbox';
const Capabilities = ['CAPABILITY_IAM', 'CAPABILITY_NAMED_IAM'] as const;

/** Deploys a package into an empty sandbox by the calls of CloudFormation that osls makes for it. @param folder that osls has filled */
export function deployer(sandbox: EmptySandbox, folder: string) {
  const { endpoint, objects, infinstorUrl } = sandbox;
  const client = new CloudFormationClient(operatorAt(endpoint));
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  const settled = async () => {
    const stack = sandbox.cloudFormation.stack(StackName);
    await stack?.work;
    return stack?.status;
  };
  const Parameters = ['InfinStorMlflowUrl', 'InfinStorApiUrl'].map((ParameterKey) => ({
    ParameterKey,
    ParameterValue: infinstorUrl,
  }));
  return {
    client,
    settled,
    async create() {
      const TemplateBody = read('cloudformation-template-create-stack.json');
      await client.send(new CreateStackCommand({ StackName, TemplateBody, Capabilities: [...Capabilities] }));
      return settled();
    },
    /** Uploads the package where its template looks for it, and updates the stack. */
    async update(edit = (template: string) => template) {
      const { StackResourceDetail } = await client.send(
        new DescribeStackResourceCommand({ StackName, LogicalResourceId: 'ServerlessDeploymentBucket' }),
      );
      const bucket = StackResourceDetail?.PhysicalResourceId ?? '';
      const template = edit(read('cloudformation-template-update-stack.json'));
      const [, prefix = ''] = /"S3Key": ?"([^"]+)\/[^"/]+"/.exec(template) ?? [];
      for (const name of readdirSync(folder).filter((file) => file.endsWith('.zip'))) {
        objects.put({ bucket, key: `${prefix}/${name}` }, readFileSync(join(folder, name)));
      }
      objects.put({ bucket, key: `${prefix}/template.json` }, Buffer.from(template));
      const TemplateURL = `https://s3.amazonaws.com/${bucket}/${prefix}/template.json`;
      await client.send(new ValidateTemplateCommand({ TemplateURL }));
      await client.send(
        new UpdateStackCommand({ StackName, TemplateURL, Parameters, Capabilities: [...Capabilities] }),
      );
      return settled();
    },
  };
}
