import { CloudFormationClient, paginateListStackResources } from '@aws-sdk/client-cloudformation';
import { answer } from '../aws/answer.ts';
import { configurationOf, stackNameOf } from '../target/deployment.ts';
import type { At } from './finding.ts';

/** A resource of the deployment's stack. */
export interface StackResource {
  logicalId: string;
  physicalId: string;
  type: string;
}

/** What the deployment's stack has made. @throws CommandError as `answer` throws */
export async function stackResources({ target }: At): Promise<StackResource[]> {
  const client = new CloudFormationClient(configurationOf(target));
  const list = async () => {
    const found: StackResource[] = [];
    for await (const page of paginateListStackResources({ client }, { StackName: stackNameOf(target.stage) })) {
      for (const { LogicalResourceId, PhysicalResourceId, ResourceType } of page.StackResourceSummaries ?? []) {
        if (LogicalResourceId === undefined || PhysicalResourceId === undefined) continue;
        found.push({ logicalId: LogicalResourceId, physicalId: PhysicalResourceId, type: ResourceType ?? '' });
      }
    }
    return found;
  };
  try {
    return await answer('CloudFormation', list(), target);
  } finally {
    client.destroy();
  }
}
