import { type CloudFormationClient, GetTemplateCommand } from '@aws-sdk/client-cloudformation';
import { DataNotRetained } from '../errors.ts';
import { deletionPolicies } from './deletion-policies.ts';
import { isThere, type StackResource } from './resources.ts';

/** What holds a subscriber's data, by the vendor's guide. */
const dataTypes = ['AWS::S3::Bucket', 'AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable'];
/** The policies under which a stack's deletion leaves a resource (CloudFormation template reference, "DeletionPolicy attribute"). */
const retaining = ['Retain', 'RetainExceptOnCreate'];

/**
 * Checks that a stack's deletion would leave the subscriber's data, by the templates of the stack and of those nested in it: no
 * call reports that.
 * @param resources those of the stack
 * @throws DataNotRetained
 */
export async function requireRetainedData(
  cloudFormation: CloudFormationClient,
  stackId: string,
  resources: readonly StackResource[],
): Promise<void> {
  const data = resources.filter((resource) => dataTypes.includes(resource.type) && isThere(resource));
  const kept = await retainedOf(cloudFormation, data);
  const lost = data.filter((resource) => !kept.includes(resource)).map(({ path, type }) => `${path} (${type})`);
  if (lost.length === 0) return;
  throw new DataNotRetained(
    `Stack ${stackId} would take its data along: its template has no DeletionPolicy: Retain that is found of ${lost.join(', ')}`,
  );
}

/** Those of a stack's resources that its deletion would leave, as far as the templates say so literally. */
export async function retainedOf(
  cloudFormation: CloudFormationClient,
  resources: readonly StackResource[],
): Promise<StackResource[]> {
  const kept: StackResource[] = [];
  for (const owner of new Set(resources.map((resource) => resource.stackId))) {
    const policies = deletionPolicies(await processedTemplate(cloudFormation, owner));
    const own = resources.filter((resource) => resource.stackId === owner);
    kept.push(...own.filter(({ logicalId }) => retaining.includes(policies.get(logicalId) ?? '')));
  }
  return kept;
}

async function processedTemplate(cloudFormation: CloudFormationClient, stackId: string): Promise<string> {
  // What CloudFormation goes by: macros may have set policies, or taken them away.
  const answer = await cloudFormation.send(new GetTemplateCommand({ StackName: stackId, TemplateStage: 'Processed' }));
  return answer.TemplateBody ?? '';
}
