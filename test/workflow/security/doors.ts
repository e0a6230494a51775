// Who may send a request, and by which door.

import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import type { Operation } from '../../../lib/subscribers/operations.ts';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { account } from '../../../sandbox/core/account.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { signRequest } from '../../../tools/permissions/sign-request.ts';
import { eventually } from '../sandbox.ts';

export type Credentials = ReturnType<Sandbox['iam']['credentials']>;

/** A way to send a request, which says how the request ended: the name and the message of the error, or undefined. */
export interface Door {
  operation: Operation;
  /** What its caller needs, and no more. */
  permission: (sandbox: Sandbox) => { Action: string; Resource: string };
  /** @throws Error when the caller may not send it */
  send: (sandbox: Sandbox, credentials: Credentials, request: object) => Promise<Refusal | undefined>;
}

interface Refusal {
  name: string;
  message: string;
}

const errorSchema = v.object({ name: v.string(), message: v.string() });
const machineArnOf = ({ stateMachineArn }: Sandbox, operation: Operation) =>
  stateMachineArn.replace('onboard-subscriber', operation);

function machine(operation: Operation): Door {
  return {
    operation,
    permission: (sandbox) => ({ Action: 'states:StartExecution', Resource: machineArnOf(sandbox, operation) }),
    async send(sandbox, credentials, request) {
      const sfn = new SFNClient({ ...operatorAt(sandbox.endpoint), credentials });
      const stateMachineArn = machineArnOf(sandbox, operation);
      const { executionArn = '' } = await sfn.send(
        new StartExecutionCommand({ stateMachineArn, input: JSON.stringify(request) }),
      );
      return endOf(sandbox, executionArn);
    },
  };
}

async function endOf(sandbox: Sandbox, executionArn: string): Promise<Refusal | undefined> {
  const execution = () => sandbox.states.execution(executionArn);
  await eventually(sandbox, () => {
    if (execution().status === 'RUNNING') throw new Error(`${executionArn} still runs`);
  });
  const { error, cause = '' } = execution();
  if (error === undefined) return undefined;
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), v.object({ errorMessage: v.string() })), cause);
  return { name: error, message: parsed.success ? parsed.output.errorMessage : cause };
}

const refusedEvents = 'infinstor-onboarding-sandbox-refused-events';
const refusedSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ error: errorSchema, event: v.object({ id: v.string() }) }),
);

/** What the caller of a route needs, such as `POST/subscribers`. */
export const routePermission = (route: string) => ({
  Action: 'execute-api:Invoke',
  Resource: `arn:aws:execute-api:${account.region}:${account.accountId}:*/$default/${route}`,
});

/** Calls a route of the HTTP API. @throws Error when the caller may not */
async function post({ apiEndpoint, clock }: Sandbox, credentials: Credentials, path: string, request: object) {
  const sent = {
    method: 'POST',
    url: `${apiEndpoint}${path}`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  };
  const headers = await signRequest(sent, { service: 'execute-api', now: clock.now(), credentials });
  const response = await fetch(sent.url, { ...sent, headers });
  const body: unknown = await response.json();
  if (response.status === 403) throw Object.assign(new Error('Forbidden'), { name: 'AccessDeniedException' });
  return { status: response.status, body };
}

/** Every door of the deployment through which a request comes. */
export const doors: Readonly<Record<string, Door>> = {
  ...Object.fromEntries(
    (['onboard-subscriber', 'update-subscriber', 'add-user', 'offboard-subscriber'] satisfies Operation[]).map(
      (operation) => [`StartExecution of ${operation}`, machine(operation)],
    ),
  ),

  'the HTTP API': {
    operation: 'onboard-subscriber',
    permission: () => routePermission('POST/subscribers'),
    async send(sandbox, credentials, request) {
      const { status, body } = await post(sandbox, credentials, '/subscribers', request);
      if (status !== 202) return v.parse(v.object({ error: errorSchema }), body).error;
      return endOf(sandbox, v.parse(v.object({ executionArn: v.string() }), body).executionArn);
    },
  },

  'a plan': {
    operation: 'onboard-subscriber',
    permission: () => routePermission('POST/plans'),
    async send(sandbox, credentials, request) {
      const { status, body } = await post(sandbox, credentials, '/plans', { operation: 'onboard-subscriber', request });
      return status === 200 ? undefined : v.parse(v.object({ error: errorSchema }), body).error;
    },
  },

  'the event bus': {
    operation: 'onboard-subscriber',
    permission: (sandbox) => ({
      Action: 'events:PutEvents',
      Resource: `arn:aws:events:${account.region}:${account.accountId}:event-bus/${busOf(sandbox)}`,
    }),
    async send(sandbox, credentials, request) {
      const events = new EventBridgeClient({ ...operatorAt(sandbox.endpoint), credentials });
      const entry = { Source: 'my.pipeline', DetailType: 'SubscriberRequested', Detail: JSON.stringify(request) };
      const { Entries: [put] = [] } = await events.send(
        new PutEventsCommand({ Entries: [{ ...entry, EventBusName: busOf(sandbox) }] }),
      );
      const id = put?.EventId ?? '';
      const refused = () =>
        sandbox.sqs
          .messages(refusedEvents)
          .map(({ body }) => v.parse(refusedSchema, body))
          .find(({ event }) => event.id === id)?.error;
      const started = () => sandbox.states.executions().find(({ name }) => name.endsWith(`-${id}`));
      await eventually(sandbox, () => {
        if (refused() === undefined && started() === undefined) throw new Error(`Event ${id} is under way`);
      });
      const execution = started();
      return execution === undefined ? refused() : endOf(sandbox, execution.executionArn);
    },
  },
};

const busOf = (sandbox: Sandbox) => sandbox.physicalId('OnboardingBus');

let callers = 0;

/** Credentials of a user, or of a session of a role, who may do just this. */
export function callerWith(
  { iam }: Pick<Sandbox, 'iam'>,
  kind: 'user' | 'role',
  statement: { Action: string; Resource: string },
): Credentials {
  callers += 1;
  const document = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...statement }] };
  const policies = [{ name: 'door', document }];
  const name = `pipeline-${callers}`;
  const { arn } =
    kind === 'user'
      ? iam.createUser({ userName: name, policies })
      : iam.createRole({
          roleName: name,
          policies,
          assumeRolePolicyDocument: { Version: '2012-10-17', Statement: [] },
        });
  return iam.credentials(arn, 'pipeline');
}
