import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import * as v from 'valibot';
import { createSession, type Session } from '../../../../cli/session.ts';
import type { Target } from '../../../../cli/target/target.ts';
import { createTerminal, type Screen } from '../../../../cli/view/terminal.ts';

export const executionArnOf = (userName: string, operation = 'onboard-subscriber') =>
  `arn:aws:states:us-east-1:111111111111:execution:infinstor-onboarding-sandbox-${operation}:${userName}-1`;

/** A subscriber as list-subscribers returns it. */
export const listed = (userName: string, more: object = {}) => ({
  userName,
  status: 'ACTIVE',
  operation: 'onboard-subscriber',
  accountId: '111111111111',
  region: 'us-east-1',
  updatedAt: '2026-11-29T12:00:00.000Z',
  startedAt: '2026-11-29T11:59:00.000Z',
  executionArn: executionArnOf(userName),
  keyArns: [],
  users: 0,
  ...more,
});

const outputs = {
  OnboardSubscriberArn: 'onboard-subscriber',
  UpdateSubscriberArn: 'update-subscriber',
  AddUserArn: 'add-user',
  OffboardSubscriberArn: 'offboard-subscriber',
  RegistryTableName: 'registry',
};
const eventSchema = v.object({ queryStringParameters: v.optional(v.record(v.string(), v.string()), {}) });

/** The query of a request to a function behind the HTTP API. */
export type Query = v.InferOutput<typeof eventSchema>['queryStringParameters'];

/**
 * A deployment in place of AWS, of which only a function is called.
 * @param body what the function answers with, or what it throws as AWS's refusal to call it
 */
export function deployed(body: (query: Query) => object) {
  const queries: Query[] = [];
  mockClient(CloudFormationClient)
    .on(DescribeStacksCommand)
    .resolves({
      Stacks: [
        {
          StackName: 'infinstor-onboarding-sandbox',
          StackId: 'arn:aws:cloudformation:us-east-1:111111111111:stack/infinstor-onboarding-sandbox/1',
          CreationTime: new Date(0),
          StackStatus: 'CREATE_COMPLETE',
          Outputs: Object.entries(outputs).map(([OutputKey, OutputValue]) => ({ OutputKey, OutputValue })),
        },
      ],
    });
  mockClient(LambdaClient)
    .on(InvokeCommand)
    .callsFake(async ({ Payload }: { Payload: string }) => {
      const query = v.parse(eventSchema, JSON.parse(Payload)).queryStringParameters;
      queries.push(query);
      const text = JSON.stringify({ statusCode: 200, body: JSON.stringify(body(query)) });
      return { Payload: Object.assign(Buffer.from(text), { transformToString: () => text }) };
    });
  return { queries };
}

const stage: Target = { kind: 'stage', stage: 'sandbox', region: 'us-east-1' };

/** A session, and what it has shown and printed. */
export function sessionOn(screen: Partial<Screen> = {}, json = false, target = stage) {
  let shown = '';
  const printed: unknown[] = [];
  const write = (text: string) => {
    shown += text;
  };
  const session: Session = {
    ...createSession({
      program: { name: 'infinstor-onboarding', isTour: false },
      json,
      terminal: createTerminal({ write, ...screen }, { NO_COLOR: '1' }),
      isInteractive: false,
      target,
      isNamed: true,
    }),
    printLine: (document) => void printed.push(document),
  };
  return { session, printed, shown: () => shown };
}
