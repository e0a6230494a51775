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
import { byScope } from '../../../scope.ts';
import { environmentOf } from '../environment.ts';
import { lambda } from '../lambda.ts';
import { malformedCall } from './malformed-call.ts';

/** What is logged takes half of a function's time. */
const quiet = { POWERTOOLS_LOG_LEVEL: 'SILENT' };

const load = {
  'post-subscribers': lambda(() => import('../../../../functions/post-subscribers/handler.ts'), {
    ...environmentOf(onboarding),
    ...quiet,
  }),
  'patch-subscriber': lambda(() => import('../../../../functions/patch-subscriber/handler.ts'), {
    ...environmentOf(change),
    ...quiet,
  }),
  'post-users': lambda(() => import('../../../../functions/post-users/handler.ts'), {
    ...environmentOf(users),
    ...quiet,
  }),
  'delete-subscriber': lambda(() => import('../../../../functions/delete-subscriber/handler.ts'), {
    ...environmentOf(deletion),
    ...quiet,
  }),
};

const problem = v.object({
  name: v.literal('InvalidRequest'),
  errors: v.pipe(v.array(v.object({ pointer: v.string(), detail: v.pipe(v.string(), v.nonEmpty()) })), v.nonEmpty()),
});

describe.each(Object.entries(load))('%s', (_, invoke) => {
  it('refuses whatever is malformed, naming its places, and calls nobody', async () => {
    const clients = [mockClient(SFNClient), mockClient(SecretsManagerClient), mockClient(DynamoDBDocumentClient)];
    await fc.assert(
      fc.asyncProperty(malformedCall, async (sent) => {
        const { statusCode, body: answer } = await invoke(sent);
        if (statusCode !== 400) expect(statusCode).toBe(400);
        v.parse(problem, JSON.parse(answer));
      }),
      // A thousand requests of all routes in the usual run; agreement.test.ts has as many of what all routes take.
      { numRuns: byScope({ usual: 250, all: 500, long: 2500 }) },
    );
    expect(clients.map((client) => client.calls().length)).toEqual([0, 0, 0]);
  });
});
