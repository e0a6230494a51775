import type { IncomingMessage } from 'node:http';

/** The stack of the sandbox's stage, as CloudFormation describes it. */
export const stackOfSandbox = stackWith({
  OnboardSubscriberArn: machine('onboard-subscriber'),
  UpdateSubscriberArn: machine('update-subscriber'),
  AddUserArn: machine('add-user'),
  OffboardSubscriberArn: machine('offboard-subscriber'),
  RegistryTableName: 'infinstor-onboarding-sandbox-registry',
  Version: '0.1.0',
});

/** Whether a request is one of CloudFormation, whose operations are in its body. */
export const isForCloudFormation = ({ headers }: IncomingMessage) =>
  headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;

function machine(operation: string): string {
  return `arn:aws:states:us-east-1:111111111111:stateMachine:infinstor-onboarding-sandbox-${operation}`;
}

/** An answer of DescribeStacks. */
function stackWith(outputs: Readonly<Record<string, string>>): string {
  const members = Object.entries(outputs).map(
    ([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
  );
  return `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks><member>
    <StackId>arn:aws:cloudformation:us-east-1:111111111111:stack/infinstor-onboarding-sandbox/1</StackId>
    <StackName>infinstor-onboarding-sandbox</StackName><StackStatus>CREATE_COMPLETE</StackStatus>
    <Outputs>${members.join('')}</Outputs>
  </member></Stacks></DescribeStacksResult></DescribeStacksResponse>`;
}
