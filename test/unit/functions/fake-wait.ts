import {
  CloudFormationClient,
  DescribeStackEventsCommand,
  type ResourceStatus,
  type StackEvent,
} from '@aws-sdk/client-cloudformation';
import {
  InvalidToken,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  SFNClient,
  TaskDoesNotExist,
  TaskTimedOut,
} from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { secret } from './lambda.ts';
import { stackId } from './plan.ts';

/** What Step Functions answers when the wait is over already. */
export const overAlready = [TaskTimedOut, TaskDoesNotExist, InvalidToken].map(
  (Over) => new Over({ message: 'over', $metadata: {} }),
);

const failure = (
  LogicalResourceId: string,
  ResourceStatus: ResourceStatus,
  ResourceStatusReason?: string,
): StackEvent => ({
  StackId: stackId,
  StackName: 'infinstor-subscriber-acme',
  EventId: LogicalResourceId,
  Timestamp: new Date(0),
  PhysicalResourceId: LogicalResourceId === 'Stack' ? stackId : LogicalResourceId,
  LogicalResourceId,
  ResourceStatus,
  ResourceStatusReason,
});

const token = `Custom 11111111-1111-4111-8111-111111111111:${secret('custom-token')}`;
/** What a person is told of the failed stack: the failure that came first, without the token in its reason. */
export const firstReason = 'Registration: <custom token> is expired';

/** CloudFormation with a failed stack's events, Step Functions and the registry, as the wait for a stack uses them. */
export function fakeWait() {
  const documents = mockClient(DynamoDBDocumentClient);
  const cloudFormation = mockClient(CloudFormationClient);
  // Newest first, over two pages.
  cloudFormation.on(DescribeStackEventsCommand, { StackName: stackId }).resolves({
    StackEvents: [
      failure('Stack', 'CREATE_FAILED', 'The following resource(s) failed to create'),
      failure('Bucket', 'CREATE_FAILED', 'Resource creation cancelled'),
    ],
    NextToken: 'page-2',
  });
  cloudFormation.on(DescribeStackEventsCommand, { StackName: stackId, NextToken: 'page-2' }).resolves({
    StackEvents: [
      failure('Registration', 'CREATE_FAILED', `${token} is expired`),
      failure('Role', 'CREATE_COMPLETE', 'not a failure'),
      failure('Stack', 'CREATE_IN_PROGRESS', 'User Initiated'),
    ],
  });
  const stepFunctions = mockClient(SFNClient);
  stepFunctions.on(SendTaskSuccessCommand).resolves({});
  stepFunctions.on(SendTaskFailureCommand).resolves({});
  /** The answers that ended the wait, in order. */
  const answers = () => stepFunctions.calls().map(({ args: [{ input }] }) => input);
  return { documents, cloudFormation, stepFunctions, answers };
}
