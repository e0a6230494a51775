// Who may send a request, and by which door.

import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import type { Operation } from '../../../lib/subscribers/operations.ts';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { account } from '../../../sandbox/core/account.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { callApi } from '../api.ts';
import { eventually } from '../sandbox.ts';

export type Credentials = ReturnType<Sandbox['iam']['credentials']>;

/** What a statement of a policy allows. */
interface Permission {
  Action: string;
  Resource: string;
  Condition?: object;
}

/** A way to send a request, which says how the request ended: the name and the message of the error, or undefined. */
export interface Door {
  operation: Operation;
  /** What its caller needs, and no more. */
  permission: (sandbox: Sandbox) => Permission;
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

/** A route by which a request can be sent, with what stands in its path and query. */
interface Route {
  operation: Operation;
  method: 'POST' | 'PATCH' | 'DELETE';
  path: (userName: string) => string;
  query?: (request: object) => string;
}

const routes: readonly Route[] = [
  { operation: 'onboard-subscriber', method: 'POST', path: () => '/subscribers' },
  { operation: 'update-subscriber', method: 'PATCH', path: (name) => `/subscribers/${name}` },
  { operation: 'add-user', method: 'POST', path: (name) => `/subscribers/${name}/users` },
  { operation: 'offboard-subscriber', method: 'DELETE', path: (name) => `/subscribers/${name}`, query: queryOf },
];

/** What of a request is no subscriber, as a query. */
function queryOf({ subscriber: _, ...others }: { subscriber?: unknown }): string {
  const texts = Object.entries(others).map(([name, value]) => [name, String(value)]);
  return `?${new URLSearchParams(Object.fromEntries(texts))}`;
}

const subscriberSchema = v.object({ subscriber: v.object({ userName: v.string() }) });

function httpDoor({ operation, method, path, query }: Route): Door {
  return {
    operation,
    permission: () => routePermission(`${method}${path('*')}`),
    async send(sandbox, credentials, request) {
      const { userName } = v.parse(subscriberSchema, request).subscriber;
      const { status, body } = await callRoute(sandbox, credentials, {
        method,
        path: `${path(userName)}${query?.(request) ?? ''}`,
        body: query === undefined ? request : undefined,
      });
      if (status !== 202) return problemIn(body);
      return endOf(sandbox, v.parse(v.object({ executionArn: v.string() }), body).executionArn);
    },
  };
}

const refusedEvents = 'infinstor-onboarding-sandbox-refused-events';
const refusedSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ error: errorSchema, event: v.object({ id: v.string() }) }),
);

/** What the caller of a route needs, such as `POST/subscribers`. */
const routePermission = (route: string) => ({
  Action: 'execute-api:Invoke',
  Resource: `arn:aws:execute-api:${account.region}:${account.accountId}:*/$default/${route}`,
});

interface RouteCall {
  method: Route['method'];
  path: string;
  body: object | undefined;
}

/** Calls a route of the HTTP API. @throws Error when the caller may not */
async function callRoute(sandbox: Sandbox, credentials: Credentials, { method, path, body }: RouteCall) {
  const response = await callApi(sandbox, method, path, body, { credentials });
  if (response.status === 403) throw Object.assign(new Error('Forbidden'), { name: 'AccessDeniedException' });
  return response;
}

function problemIn(body: unknown): Refusal {
  const { name, detail: message } = v.parse(v.object({ name: v.string(), detail: v.string() }), body);
  return { name, message };
}

/** The events that ask for something, as docs/events.md lists them. */
const detailTypes: Readonly<Record<string, Operation>> = {
  SubscriberRequested: 'onboard-subscriber',
  SubscriberUpdateRequested: 'update-subscriber',
  UsersRequested: 'add-user',
  SubscriberOffboardingRequested: 'offboard-subscriber',
};

function eventDoor(detailType: string, operation: Operation): Door {
  return {
    operation,
    permission: (sandbox) => ({
      Action: 'events:PutEvents',
      Resource: `arn:aws:events:${account.region}:${account.accountId}:event-bus/${busOf(sandbox)}`,
      Condition: { StringEquals: { 'events:detail-type': detailType } },
    }),
    async send(sandbox, credentials, request) {
      const events = new EventBridgeClient({ ...operatorAt(sandbox.endpoint), credentials });
      const entry = { Source: 'my.pipeline', DetailType: detailType, Detail: JSON.stringify(request) };
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
  };
}

/** Every door of the deployment through which a request comes. */
export const doors: Readonly<Record<string, Door>> = {
  ...Object.fromEntries(
    (
      [
        'onboard-subscriber',
        'update-subscriber',
        'upgrade-subscriber',
        'add-user',
        'offboard-subscriber',
      ] satisfies Operation[]
    ).map((operation) => [`StartExecution of ${operation}`, machine(operation)]),
  ),

  ...Object.fromEntries(
    routes.map((route) => [`${route.method} of the HTTP API, ${route.operation}`, httpDoor(route)]),
  ),

  'a plan': {
    operation: 'onboard-subscriber',
    permission: () => routePermission('POST/plans'),
    async send(sandbox, credentials, request) {
      const planned = { operation: 'onboard-subscriber', request };
      const { status, body } = await callRoute(sandbox, credentials, { method: 'POST', path: '/plans', body: planned });
      return status === 200 ? undefined : problemIn(body);
    },
  },

  ...Object.fromEntries(
    Object.entries(detailTypes).map(([detailType, operation]) => [
      `${detailType} on the event bus`,
      eventDoor(detailType, operation),
    ]),
  ),
};

const busOf = (sandbox: Sandbox) => sandbox.physicalId('OnboardingBus');

let callers = 0;

/** Credentials of a user, or of a session of a role, who may do just this. */
export function callerWith({ iam }: Pick<Sandbox, 'iam'>, kind: 'user' | 'role', statement: Permission): Credentials {
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
