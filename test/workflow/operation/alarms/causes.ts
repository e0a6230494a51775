// How each alarm comes to be raised.

import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import { expect } from 'vitest';
import { connect } from '../../../../cli/aws/executions.ts';
import { sandboxAt } from '../../../../cli/target/target.ts';
import type { Sandbox } from '../../../../sandbox/boot.ts';
import { account, fixtures } from '../../../../sandbox/core/account.ts';
import { operatorAt } from '../../../../sandbox/operator.ts';
import { callApi } from '../../api.ts';
import { editPolicy } from '../../keys/key-policies.ts';
import {
  ended,
  eventually,
  hold,
  newKey,
  onboard,
  putSecret,
  requestFor,
  requestWithKey,
  serviceToken,
  startOnboarding,
} from '../../sandbox.ts';
import { endSession, fault, functionNameOf, newName, onboarded } from '../../subscriber.ts';

export const minute = 60_000;

interface Cause {
  /** Lets happen what the alarm is for; when several periods must be beyond the threshold, in each of them. */
  make: (sandbox: Sandbox) => unknown;
  /** How many minutes lie between two of these periods. */
  everyMinutes?: number;
  times?: number;
  /** What happens meanwhile is over, and the function that reports it has run. Default: a minute. */
  afterMinutes?: number;
}

/** Invokes a function asynchronously, as a rule does. */
async function invoke({ endpoint, clock }: Sandbox, step: string, event: object): Promise<void> {
  const command = new InvokeCommand({
    FunctionName: functionNameOf(step),
    InvocationType: 'Event',
    Payload: JSON.stringify(event),
  });
  await new LambdaClient(operatorAt(endpoint)).send(command);
  await clock.quiet();
}

const scheduled = { id: 'by-hand', 'detail-type': 'Scheduled Event' };

async function failed(sandbox: Sandbox, name?: string): Promise<void> {
  const { error } = await onboard(sandbox, requestFor(newName('alarmed')));
  expect(error).toMatchObject(name === undefined ? {} : { name });
  await sandbox.clock.quiet();
}

/** The sandbox throttles and loses nothing of this kind: its metric is emitted by hand. */
const metered =
  (namespace: string, dimension: string, logicalId: string, metric: string) =>
  ({ cloudWatch, physicalId }: Sandbox) =>
    cloudWatch.meter(namespace, { [dimension]: physicalId(logicalId) }, { [metric]: 1 });

/** Lets the function that records failures fail at an event, each time that Lambda tries. */
async function failInBackground(sandbox: Sandbox): Promise<void> {
  fault(sandbox, 'states:DescribeExecution:error=Refused:3', { functionName: functionNameOf('record-failure') });
  const executionArn = sandbox.stateMachineArn.replace(':stateMachine:', ':execution:').concat(':some');
  await invoke(sandbox, 'record-failure', { detail: { executionArn, status: 'FAILED' } });
}

async function refuseEvent({ endpoint, clock }: Sandbox): Promise<void> {
  const Detail = JSON.stringify({ subscriber: { userName: 'no mail' } });
  await new EventBridgeClient(operatorAt(endpoint)).send(
    new PutEventsCommand({
      Entries: [
        {
          Source: 'pipeline',
          DetailType: 'SubscriberRequested',
          Detail,
          EventBusName: 'infinstor-onboarding-sandbox',
        },
      ],
    }),
  );
  await clock.quiet();
}

/** An onboarding whose stack never ends, until the state machine's time is over. */
async function timeOut(sandbox: Sandbox): Promise<void> {
  const { templates } = sandbox;
  const trouble = `Type: Custom::SandboxTrouble\n    Properties: { ServiceToken: ${serviceToken}, On: Create, Outcome: Hang }`;
  templates.publish('9.1', templates.standIn.replace('\nOutputs:', `\n  Trouble:\n    ${trouble}\n\nOutputs:`));
  const { status } = await onboard(sandbox, { ...requestFor(newName('endless')), stack: { build: '9.1' } });
  expect(status).toBe('TIMED_OUT');
}

async function abort(sandbox: Sandbox): Promise<void> {
  const goOn = hold(sandbox, 'secretsmanager', 'GetSecretValue', { functionName: functionNameOf('obtain-token') });
  const { executionArn } = await startOnboarding(sandbox, requestFor(newName('stopped')));
  await eventually(sandbox, () => expect(sandbox.faults.left()).toBe(0));
  await connect(sandboxAt(sandbox.endpoint)).sfn.send(new StopExecutionCommand({ executionArn }));
  await ended(sandbox, executionArn);
  goOn();
}

/** Three onboardings with a wrong password of the superadmin: the third finds the logins paused. */
async function pauseLogins(sandbox: Sandbox): Promise<void> {
  const { secretId, userName } = fixtures.superadmin;
  const right = JSON.parse(sandbox.secretsManager.value(secretId) ?? '');
  await putSecret(sandbox, secretId, { userName, password: 'Wrong-Password-Marker-3' });
  await endSession(sandbox);
  await failed(sandbox, 'LoginRejected');
  await failed(sandbox, 'LoginRejected');
  await failed(sandbox, 'LoginsPaused');
  await putSecret(sandbox, secretId, right);
}

async function fillKey(sandbox: Sandbox): Promise<void> {
  const root = { AWS: `arn:aws:iam::${account.accountId}:root` };
  const statement = {
    Sid: 'x'.repeat(28_000),
    Effect: 'Allow',
    Principal: root,
    Action: 'kms:*',
    Resource: '*',
  } as const;
  const keyArn = newKey(sandbox, { policy: { Version: '2012-10-17', Statement: [statement] } });
  await onboarded(sandbox, requestWithKey(newName('full'), keyArn));
  await invoke(sandbox, 'detect-key-policy-drift', scheduled);
}

const isOurs = (statement: object) => 'Sid' in statement && / by InfinStor$/.test(String(statement.Sid));

/** Somebody takes the roles out of a key's policy. */
async function driftAway(sandbox: Sandbox): Promise<void> {
  const keyArn = newKey(sandbox);
  await onboarded(sandbox, requestWithKey(newName('drifted'), keyArn));
  sandbox.clock.advance(5 * minute);
  // The function hears of it from CloudTrail.
  await editPolicy(sandbox, keyArn, (statements) => statements.filter((each) => !isOurs(each)));
  await sandbox.clock.quiet();
}

async function useQuota(sandbox: Sandbox): Promise<void> {
  const { quotas } = sandbox.accounts;
  quotas.set('roles', account, sandbox.iam.roles().length);
  await invoke(sandbox, 'check-quotas', {});
  quotas.set('roles', account, 1_000);
}

async function failApi(sandbox: Sandbox): Promise<void> {
  fault(sandbox, 'dynamodb:GetItem:error=InternalServerError:9', { functionName: functionNameOf('get-subscriber') });
  expect((await callApi(sandbox, 'GET', '/subscribers/nobody')).status).toBeGreaterThanOrEqual(500);
  sandbox.faults.clear();
}

/** By the names of `deployment/operations.yml`. */
export const causes: Readonly<Record<string, Cause>> = {
  'executions-failed': {
    make: async (sandbox) => {
      fault(sandbox, 'iam:GetRole:error=AccessDenied');
      await failed(sandbox, 'AccessDenied');
    },
  },
  'executions-timed-out': { make: timeOut },
  'executions-aborted': { make: abort },
  'executions-throttled': {
    make: metered('AWS/States', 'StateMachineArn', 'OnboardSubscriber', 'ExecutionThrottled'),
    ...{ times: 3, everyMinutes: 5 },
  },
  'onboardings-slow': { make: timeOut },
  'logins-paused': { make: pauseLogins },
  'infinstor-unavailable': {
    make: async (sandbox) => {
      await endSession(sandbox);
      fault(sandbox, 'infinstor:get_version:error=503:99');
      await failed(sandbox, 'InfinStorUnavailable');
      sandbox.faults.clear();
    },
  },
  // The length of a queue is measured at the end of a minute.
  'events-refused': { make: refuseEvent, afterMinutes: 2 },
  'refused-events-old': { make: refuseEvent, afterMinutes: 4 * 60 + 10 },
  'events-undelivered': { make: metered('AWS/Events', 'RuleName', 'RecordFailureRule', 'FailedInvocations') },
  'invocations-lost': { make: failInBackground },
  'background-errors': { make: failInBackground, times: 2, everyMinutes: 15 },
  // Schedules rest in these tests.
  'sweeps-absent': { make: () => {} },
  'hourly-runs-absent': { make: () => {} },
  'api-errors': { make: failApi, times: 2, everyMinutes: 5 },
  'key-policy-drift': { make: driftAway },
  'key-room': { make: fillKey },
  'quota-room': { make: useQuota },
  'registry-throttled': {
    make: metered('AWS/DynamoDB', 'TableName', 'Registry', 'WriteThrottleEvents'),
    ...{ times: 3, everyMinutes: 5 },
  },
};
