import {
  CloudFormationClient,
  DescribeStacksCommand,
  paginateListStackResources,
} from '@aws-sdk/client-cloudformation';
import { DeleteTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect, it } from 'vitest';
import { operatorAt } from '../../../sandbox/operator.ts';
import { onboard, requestFor, useSandbox } from '../sandbox.ts';

const sandbox = useSandbox();
const StackName = 'infinstor-onboarding-sandbox';

it('shows the deployment as a stack with its outputs', async () => {
  const client = new CloudFormationClient(operatorAt(sandbox().endpoint));
  const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName }));
  expect(Stacks).toMatchObject([{ StackName, StackStatus: 'CREATE_COMPLETE', EnableTerminationProtection: true }]);
  const outputs = new Map(Stacks[0]?.Outputs?.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]));
  expect(outputs.get('OnboardSubscriberArn')).toBe(sandbox().stateMachineArn);
  expect(outputs.get('OnboardingBusName')).toBe(StackName);
  expect(outputs.get('RefusedEventsUrl')).toBe(`${sandbox().endpoint}/111111111111/${StackName}-refused-events`);
});

it('has its tables in DynamoDB, as the stacks of subscribers have theirs', async () => {
  const { cloudFormation, dynamoDb } = sandbox();
  expect(await onboard(sandbox(), requestFor('with-table'))).toMatchObject({ status: 'SUCCEEDED' });
  const names = cloudFormation.tables().map(({ name }) => name);
  expect(names).toEqual([sandbox().registryTable, 'InfinStorMlflow-with-table']);
  const [, own = ''] = names;
  expect(await dynamoDb.items(own)).toEqual([]);
  const client = new DynamoDBClient(operatorAt(sandbox().endpoint));
  await client.send(new DeleteTableCommand({ TableName: own }));
  expect(cloudFormation.tables()).toHaveLength(1);
  await expect(dynamoDb.items(own)).rejects.toThrow('ResourceNotFoundException');
});

it('lists the resources of the deployment, each complete, with the names that other calls take', async () => {
  const client = new CloudFormationClient(operatorAt(sandbox().endpoint));
  const resources = [];
  for await (const { StackResourceSummaries = [] } of paginateListStackResources({ client }, { StackName })) {
    resources.push(...StackResourceSummaries);
  }
  expect(new Set(resources.map(({ ResourceStatus }) => ResourceStatus))).toEqual(new Set(['CREATE_COMPLETE']));
  const registry = resources.find(({ LogicalResourceId }) => LogicalResourceId === 'Registry');
  expect(registry?.PhysicalResourceId).toBe(sandbox().registryTable);
});
