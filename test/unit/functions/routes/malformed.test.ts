import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { environmentSchema as deletion } from '../../../../functions/delete-subscriber/environment.ts';
import { environmentSchema as change } from '../../../../functions/patch-subscriber/environment.ts';
import { environmentSchema as onboarding } from '../../../../functions/post-subscribers/environment.ts';
import { environmentSchema as users } from '../../../../functions/post-users/environment.ts';
import { environmentOf } from '../environment.ts';
import { lambda } from '../lambda.ts';

const load = {
  'post-subscribers': lambda(
    () => import('../../../../functions/post-subscribers/handler.ts'),
    environmentOf(onboarding),
  ),
  'patch-subscriber': lambda(() => import('../../../../functions/patch-subscriber/handler.ts'), environmentOf(change)),
  'post-users': lambda(() => import('../../../../functions/post-users/handler.ts'), environmentOf(users)),
  'delete-subscriber': lambda(
    () => import('../../../../functions/delete-subscriber/handler.ts'),
    environmentOf(deletion),
  ),
};

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('__proto__', 'constructor', '\u0000', '../x', 'x'.repeat(5000)),
);
/** What stands in place of a part of a request. */
const wrong = fc.oneof(text, fc.jsonValue(), fc.constantFrom(null, [], {}, 0, -1, true));
const userName = fc.constantFrom('acme', 'Acme-1', '-', '', 'a'.repeat(35), 'a/b', 'ä');

/** The parts of requests, each right or wrong, and a member that no request has. */
const body = fc.oneof(
  wrong,
  fc
    .record(
      {
        subscriber: fc.oneof(
          wrong,
          fc.record(
            { userName: fc.oneof(userName, wrong), emailId: fc.oneof(fc.constant('a@b.example'), wrong) },
            { requiredKeys: [] },
          ),
        ),
        users: fc.oneof(
          wrong,
          fc.array(fc.oneof(wrong, fc.record({ userName, emailId: wrong }, { requiredKeys: [] }))),
        ),
        password: wrong,
        passwordSecretId: wrong,
        stack: fc.oneof(wrong, fc.record({ build: wrong, tags: wrong, parameters: wrong }, { requiredKeys: [] })),
        encryption: wrong,
        origin: wrong,
      },
      { requiredKeys: [] },
    )
    .map((request) => ({ ...request, nobodyKnowsThis: 1 })),
);

const event = fc.record({
  body: fc.oneof(
    body.map((value) => JSON.stringify(value)),
    text,
  ),
  isBase64Encoded: fc.boolean(),
  pathParameters: fc.record({ userName: fc.oneof(userName, text) }),
  queryStringParameters: fc
    .dictionary(fc.oneof(fc.constantFrom('confirm', 'keepData', 'subscriber', 'password'), text), text, { minKeys: 1 })
    .map((query) => ({ ...query, nobodyKnowsThis: '1' })),
  headers: fc.record({ 'idempotency-key': text, 'x-correlation-id': text }, { requiredKeys: [] }),
});

const problem = v.object({
  name: v.literal('InvalidRequest'),
  errors: v.pipe(v.array(v.object({ pointer: v.string(), detail: v.pipe(v.string(), v.nonEmpty()) })), v.nonEmpty()),
});

describe.each(Object.entries(load))('%s', (_, invoke) => {
  it('refuses whatever is malformed, naming its places, and calls nobody', async () => {
    const clients = [mockClient(SFNClient), mockClient(SecretsManagerClient), mockClient(DynamoDBDocumentClient)];
    await fc.assert(
      fc.asyncProperty(event, async (sent) => {
        const { statusCode, body: answer } = await invoke(sent);
        expect(statusCode).toBe(400);
        v.parse(problem, JSON.parse(answer));
      }),
    );
    expect(clients.map((client) => client.calls().length)).toEqual([0, 0, 0]);
  });
});
