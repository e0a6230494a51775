import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import fc from 'fast-check';
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { operatorAt } from '../../../sandbox/operator.ts';
import { byScope } from '../../scope.ts';
import { malformedEvent } from '../../unit/functions/accept-event/malformed-event.ts';
import { malformedCall } from '../../unit/functions/routes/malformed-call.ts';
import { callApi } from '../api.ts';
import { useSandbox } from '../sandbox.ts';

const sandbox = useSandbox();
const numRuns = byScope({ usual: 15, all: 300, long: 300 });

/** What functions have called since: only a queue may hear of what is refused. */
const callsSince = (made: number) =>
  sandbox()
    .calls()
    .slice(made)
    .flatMap(({ functionName, service, operation }) =>
      functionName === undefined || operation === 'SendMessage' ? [] : [`${functionName} ${service}:${operation}`],
    );

const route = fc.constantFrom(
  { method: 'POST', path: () => '/subscribers' },
  { method: 'PATCH', path: (name: string) => `/subscribers/${name}` },
  { method: 'POST', path: (name: string) => `/subscribers/${name}/users` },
  { method: 'DELETE', path: (name: string) => `/subscribers/${name}` },
  { method: 'POST', path: (name: string) => `/subscribers/${name}/retry` },
  { method: 'POST', path: () => '/plans' },
) satisfies fc.Arbitrary<{ method: 'POST' | 'PATCH' | 'DELETE'; path: (name: string) => string }>;

const problem = v.object({
  name: v.literal('InvalidRequest'),
  errors: v.pipe(v.array(v.object({ pointer: v.string(), detail: v.pipe(v.string(), v.nonEmpty()) })), v.nonEmpty()),
});

/** Whether a URL or a header can have a text; another one is no request. */
const isSent = (text: string) => /^[\x21-\x7e]{0,100}$/.test(text);
/** What a path is matched with: something, in one part. API Gateway answers 404 itself for another. */
const isOnePart = (name: string) =>
  name !== '' && name.length <= 100 && name.isWellFormed() && !/^\.{1,2}$|[/\\]/.test(name);

/**
 * What a client signs as it sends it: the SDK's signer has the parameters as an object, which has no `__proto__` of its own. Longer ones end at the
 * limit of 10 KB for URL and headers together, and not in a function.
 */
const isSigned = (name: string, text: string) =>
  name !== '' && name !== '__proto__' && [name, text].every((part) => part.isWellFormed() && part.length <= 100);
const queryOf = (parameters: Readonly<Record<string, string>>) =>
  Object.entries(parameters)
    .filter(([name, text]) => isSigned(name, text))
    .map((pair) => pair.map(encodeURIComponent).join('='))
    .join('&');

it('no malformed request does anything over the wire, and each is answered with the fields that are wrong', async () => {
  const made = sandbox().calls().length;
  await fc.assert(
    fc.asyncProperty(malformedCall, route, async (call, { method, path }) => {
      const { userName } = call.pathParameters;
      const name = isOnePart(userName) ? userName : '-';
      const query = method === 'DELETE' ? queryOf(call.queryStringParameters) : '';
      const headers = Object.fromEntries(Object.entries(call.headers).filter(([, text]) => isSent(text)));
      const isRetry = path(name).endsWith('/retry');
      // A retry takes no body, and is wrong by its key.
      const sent = isRetry ? { ...headers, 'idempotency-key': 'a b' } : headers;
      const target = `${path(encodeURIComponent(name))}${query === '' ? '' : `?${query}`}`;
      const { status, body } = await callApi(sandbox(), method, target, method === 'DELETE' ? undefined : call.body, {
        headers: sent,
      });
      expect({ target, status }).toEqual({ target, status: 400 });
      v.parse(problem, body);
    }),
    { numRuns },
  );
  expect(callsSince(made)).toEqual([]);
  expect(sandbox().states.executions()).toEqual([]);
});

const refusedSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    error: v.object({
      name: v.literal('InvalidRequest'),
      errors: v.pipe(v.array(v.object({ pointer: v.string() })), v.nonEmpty()),
    }),
    event: v.object({ id: v.string() }),
  }),
);

it('no malformed event does anything over the wire, and each is kept with the fields that are wrong', async () => {
  const made = sandbox().calls().length;
  const events = new EventBridgeClient(operatorAt(sandbox().endpoint));
  const EventBusName = sandbox().physicalId('OnboardingBus');
  const put: string[] = [];
  await fc.assert(
    fc.asyncProperty(malformedEvent, async ({ detailType, detail }) => {
      const entry = { EventBusName, Source: 'pipeline', DetailType: detailType, Detail: JSON.stringify(detail) };
      const { Entries: [answer] = [] } = await events.send(new PutEventsCommand({ Entries: [entry] }));
      if (answer?.EventId !== undefined) put.push(answer.EventId);
    }),
    { numRuns },
  );
  await sandbox().clock.quiet();
  const refused = sandbox()
    .sqs.messages('infinstor-onboarding-sandbox-refused-events')
    .map(({ body }) => v.parse(refusedSchema, body).event.id);
  expect(put.length).toBeGreaterThanOrEqual(numRuns);
  expect(refused.toSorted()).toEqual(put.toSorted());
  expect(callsSince(made)).toEqual([]);
  expect(sandbox().states.executions()).toEqual([]);
});
