import { describe, expect, it, vi } from 'vitest';
import { createClock } from '../../../../../sandbox/core/clock.ts';
import { AwsError, type Caller } from '../../../../../sandbox/core/operation.ts';
import { createHttpApi } from '../../../../../sandbox/services/http-api/service.ts';

const caller: Caller = {
  accountId: '111111111111',
  region: 'us-east-1',
  principalArn: 'arn:aws:iam::111111111111:user/pipeline',
  arn: 'arn:aws:iam::111111111111:user/pipeline',
  principalId: 'AIDAPIPELINE',
  policies: [],
};

function setUp(answer: () => Promise<unknown> = async () => ({ statusCode: 200, body: 'ok' })) {
  const invoke = vi.fn((_functionArn: string, _event: unknown) => answer());
  const authorize = vi.fn();
  const api = createHttpApi({ clock: createClock(), authorize, invoke });
  const apiId = api.createApi(caller, 'sandboxapi');
  for (const [id, routeKey] of [
    ['post', 'POST /subscribers'],
    ['get', 'GET /subscribers/{userName}'],
  ] as const) {
    api.setIntegration(apiId, id, `arn:${id}`);
    api.setRoute(apiId, id, { routeKey, integrationId: id });
  }
  const request = (method: string, path: string, more: object = {}) =>
    api.handle(apiId, { method, path, query: new URLSearchParams(), headers: {}, body: '', caller, ...more });
  return { api, request, invoke, authorize };
}

describe('a request', () => {
  it('reaches the function of its route, by payload format 2.0', async () => {
    const { request, invoke } = setUp();
    await request('GET', '/subscribers/acme%20inc', { query: new URLSearchParams('a=1&a=2&b=3') });
    expect(invoke).toHaveBeenCalledWith(
      'arn:get',
      expect.objectContaining({
        version: '2.0',
        routeKey: 'GET /subscribers/{userName}',
        rawPath: '/subscribers/acme inc',
        rawQueryString: 'a=1&a=2&b=3',
        pathParameters: { userName: 'acme inc' },
        queryStringParameters: { a: '1,2', b: '3' },
        isBase64Encoded: false,
        requestContext: expect.objectContaining({
          authorizer: { iam: expect.objectContaining({ userArn: caller.arn }) },
          http: expect.objectContaining({ method: 'GET' }),
          domainName: 'sandboxapi.execute-api.us-east-1.amazonaws.com',
          domainPrefix: 'sandboxapi',
        }),
      }),
    );
  });

  it.each([
    ['application/json', '{"a":1}', false],
    ['application/x-www-form-urlencoded', 'YT0x', true],
    [undefined, '{"a":1}', false],
  ])('hands over a body of type %s', async (type, body, isBase64Encoded) => {
    const { request, invoke } = setUp();
    const text = isBase64Encoded ? 'a=1' : body;
    await request('POST', '/subscribers', { headers: { 'content-type': type }, body: text });
    expect(invoke.mock.lastCall?.[1]).toMatchObject({ body, isBase64Encoded });
  });

  it('asks IAM about the route', async () => {
    const { request, authorize } = setUp();
    await request('POST', '/subscribers');
    expect(authorize).toHaveBeenCalledWith(caller, {
      action: 'execute-api:Invoke',
      resource: 'arn:aws:execute-api:us-east-1:111111111111:sandboxapi/$default/POST/subscribers',
      resourceAccountId: '111111111111',
    });
  });

  it.each([
    ['of no route', ['GET', '/subscribers'], {}, 404, 'Not Found'],
    ['with a slash that is encoded', ['GET', '/subscribers/a%2Fb'], {}, 404, 'Not Found'],
    ['of nobody', ['POST', '/subscribers'], { caller: undefined }, 403, 'Forbidden'],
    ['too large', ['POST', '/subscribers'], { body: 'x'.repeat(10_485_761) }, 413, 'Request Entity Too Large'],
  ] as const)('%s is refused', async (_, [method, path], more, status, message) => {
    const { request, invoke } = setUp();
    expect(await request(method, path, more)).toMatchObject({ status, body: JSON.stringify({ message }) });
    expect(invoke).not.toHaveBeenCalled();
  });
});

it('of a caller whom IAM does not allow it is refused', async () => {
  const { request, invoke, authorize } = setUp();
  authorize.mockImplementation(() => {
    throw new AwsError('AccessDeniedException', 'no');
  });
  expect(await request('POST', '/subscribers')).toMatchObject({ status: 403, body: '{"message":"Forbidden"}' });
  expect(invoke).not.toHaveBeenCalled();
});

describe('an answer', () => {
  it('is the one of the function', async () => {
    const answer = { statusCode: 202, headers: { location: '/x', 'content-type': 'application/json' }, body: '{}' };
    const { request } = setUp(async () => answer);
    expect(await request('POST', '/subscribers')).toEqual({ status: 202, headers: answer.headers, body: '{}' });
  });

  it.each([
    ['fails', () => Promise.reject(new Error('a secret'))],
    ['answers in no form', async () => ({ status: 200 })],
  ])('is 500 without details when the function %s', async (_, answer) => {
    const { request } = setUp(answer);
    expect(await request('POST', '/subscribers')).toMatchObject({
      status: 500,
      body: '{"message":"Internal Server Error"}',
    });
  });
});

describe('several APIs', () => {
  it('have routes of their own, in their own account and Region', async () => {
    const { api, invoke, authorize } = setUp();
    const id = api.createApi({ accountId: '222222222222', region: 'eu-west-1' });
    expect(id).toMatch(/^[a-z0-9]{10}$/);
    api.setIntegration(id, 'i', 'arn:other');
    api.setRoute(id, 'r', { routeKey: 'GET /other', integrationId: 'i' });
    const get = (apiId: string, path: string) =>
      api.handle(apiId, { method: 'GET', path, query: new URLSearchParams(), headers: {}, body: '', caller });
    expect(await get(id, '/other')).toMatchObject({ status: 200 });
    expect(invoke).toHaveBeenCalledWith('arn:other', expect.anything());
    expect(authorize.mock.lastCall?.[1]).toMatchObject({
      resource: `arn:aws:execute-api:eu-west-1:222222222222:${id}/$default/GET/other`,
      resourceAccountId: '222222222222',
    });
    expect((await get('sandboxapi', '/other')).status).toBe(404);
    expect((await get(id, '/subscribers/x')).status).toBe(404);
    api.setRoute(id, 'r', { routeKey: 'GET /renamed', integrationId: 'i' });
    expect((await get(id, '/other')).status).toBe(404);
    expect((await get(id, '/renamed')).status).toBe(200);
    api.deleteApi(id);
    expect((await get(id, '/renamed')).status).toBe(404);
  });

  it('refuse a route twice, an integration that is not there, and an API that is not', () => {
    const { api } = setUp();
    const route = { routeKey: 'POST /subscribers', integrationId: 'post' };
    expect(() => api.setRoute('sandboxapi', 'again', route)).toThrow('already exists for this API');
    expect(() => api.setRoute('sandboxapi', 'x', { routeKey: 'GET /x', integrationId: 'nobody' })).toThrow(
      'Invalid Integration identifier specified nobody',
    );
    expect(() => api.setIntegration('nobody', 'x', 'arn:x')).toThrow('Invalid API identifier specified nobody');
  });
});
