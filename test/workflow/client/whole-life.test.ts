import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import createClient from 'openapi-fetch';
import * as v from 'valibot';
import { describe, expect, inject, it } from 'vitest';
import { parseTemplate } from '../../../sandbox/services/cloudformation/template.ts';
import type { paths } from '../../../schemas/openapi.d.ts';
import document from '../../../schemas/openapi.json' with { type: 'json' };
import { casesInScope } from '../../scope.ts';
import { ended, newKey, requestWithKey, useSandbox } from '../sandbox.ts';
import { letTokensExpire, newName, roleArnOf, subscribersNamed } from '../subscriber.ts';
import { generatedClient, operations } from './client.ts';

const sandbox = useSandbox();

describe('the document of the HTTP API', () => {
  it('has the routes of the package, and no other ones', () => {
    const template = readFileSync(join(inject('packageFolder'), 'cloudformation-template-update-stack.json'), 'utf8');
    const routes = Object.values(parseTemplate(template).Resources)
      .filter(({ Type }) => Type === 'AWS::ApiGatewayV2::Route')
      .map(({ Properties }) => v.parse(v.object({ RouteKey: v.string() }), Properties).RouteKey);
    expect(operations.map(({ key }) => key).toSorted()).toEqual(routes.toSorted());
  });
});

describe('a client that is generated from the document', () => {
  it('reads, and is refused with every place that is wrong', async () => {
    const { client } = generatedClient(sandbox());
    const userName = newName('nobody');
    const params = { path: { userName } };
    expect((await client.GET('/health')).data).toMatchObject({ status: 'ok' });
    const unsigned = createClient<paths>({ baseUrl: sandbox().apiEndpoint });
    expect((await unsigned.GET('/health')).response.status).toBe(403);
    expect((await client.GET('/openapi.json')).data).toEqual({
      ...document,
      servers: [{ ...document.servers[0], url: 'https://sandboxapi.execute-api.us-east-1.amazonaws.com' }],
    });
    expect((await client.GET('/subscribers/{userName}', { params })).error).toMatchObject({
      name: 'SubscriberNotFound',
    });
    expect((await client.GET('/subscribers')).data).toEqual({ subscribers: [] });
    const wrong = await client.POST('/plans', {
      body: { operation: 'update-subscriber', request: { subscriber: { userName, emailId: 'x' } } },
    });
    expect(wrong.error).toMatchObject({ name: 'InvalidRequest', errors: [{ pointer: '/subscriber/emailId' }] });

    const noKey = await client.GET('/keys/{keyId}', { params: { path: { keyId: '0'.repeat(32) } } });
    expect(noKey.error).toMatchObject({ name: 'KeyNotFound' });
    const unsure = await client.DELETE('/subscribers/{userName}', {
      params: { ...params, query: { confirm: 'other' } },
    });
    expect(unsure.error).toMatchObject({ name: 'InvalidRequest', errors: [{ pointer: '/confirm' }] });
    const retry = await client.POST('/subscribers/{userName}/retry', { params });
    expect(retry.error).toMatchObject({ name: 'SubscriberNotFound' });
  });

  it.each(casesInScope(['a subscriber'], []))('leads %s through its whole life', async () => {
    const { client, answered } = generatedClient(sandbox());
    const [userName, keyArn] = [newName('Life'), newKey(sandbox())];
    const params = { path: { userName } };
    const finished = async (executionArn: string | undefined) => {
      const report = await ended(sandbox(), executionArn ?? '');
      expect(report.error).toBeNull();
      return (await client.GET('/subscribers/{userName}', { params })).data;
    };

    const request = requestWithKey(userName, keyArn);
    const onboarding = {
      subscriber: request.subscriber,
      encryption: { tracking: { type: 'customer-managed', keyArn } },
    } as const;
    const plan = await client.POST('/plans', { body: { request: onboarding } });
    expect(plan.data).toMatchObject({ operation: 'onboard-subscriber', userName, converges: false });
    const header = { 'Idempotency-Key': `life-of-${userName}`, 'X-Correlation-Id': 'run-7' };
    const first = await client.POST('/subscribers', { params: { header }, body: onboarding });
    const again = await client.POST('/subscribers', { params: { header }, body: onboarding });
    expect(again.data).toEqual(first.data);
    const other = await client.POST('/subscribers', { params: { header }, body: { ...onboarding, encryption: {} } });
    expect(other.error).toMatchObject({ name: 'IdempotencyKeyReused' });
    expect(await finished(first.data?.executionArn)).toMatchObject({
      ...{ status: 'ACTIVE', roleArn: roleArnOf(userName), correlationId: 'run-7', keyArns: [keyArn] },
    });

    const refused = await client.POST('/subscribers/{userName}/retry', { params });
    expect(refused.error).toMatchObject({ name: 'NothingToRetry' });

    letTokensExpire(sandbox());
    const emailId = `${userName}@new.example`;
    const update = await client.PATCH('/subscribers/{userName}', { params, body: { subscriber: { emailId } } });
    await finished(update.data?.executionArn);
    expect(subscribersNamed(sandbox(), userName)).toMatchObject([{ emailId }]);

    const users = [{ userName: newName('member'), emailId: 'member@example.com' }];
    const added = await client.POST('/subscribers/{userName}/users', { params, body: { users } });
    expect(await finished(added.data?.executionArn)).toMatchObject({ users: users.map((user) => user.userName) });

    const list = await client.GET('/subscribers', { params: { query: { key: keyArn, status: 'ACTIVE', limit: '1' } } });
    expect(list.data?.subscribers).toMatchObject([{ userName, users: 1 }]);
    const keyId = keyArn.split('/').at(-1) ?? '';
    const key = await client.GET('/keys/{keyId}', { params: { path: { keyId } } });
    expect(key.data).toMatchObject({ keyArn, drift: [], grants: [{ userName, state: 'applied' }] });
    const quotas = await client.GET('/quotas', { params: { query: { region: 'us-east-1' } } });
    expect(quotas.data?.keys).toMatchObject([{ keyArn }]);

    const gone = await client.DELETE('/subscribers/{userName}', {
      params: { ...params, query: { confirm: userName, keepData: false } },
    });
    expect(await finished(gone.data?.executionArn)).toMatchObject({ status: 'OFFBOARDED' });

    const ids = [...answered].map((each) => each.split(' ')[0]);
    const others = operations.filter(({ tag }) => tag !== 'The API').map(({ operationId }) => operationId);
    expect(others.filter((id) => !ids.includes(id))).toEqual([]);
  });
});
