import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { account } from '../../../sandbox/core/account.ts';
import { decide } from '../../../sandbox/core/policies/policy.ts';
import { signRequest } from '../../../tools/permissions/sign-request.ts';
import { read } from '../../docs/documents.ts';
import { callApi } from '../api.ts';
import { useSandbox, withSandbox } from '../sandbox.ts';
import { type Credentials, callerWith } from './doors.ts';

const sandbox = useSandbox();
const root = join(import.meta.dirname, '../../..');

const functionSchema = v.looseObject({
  events: v.optional(
    v.array(
      v.object({
        httpApi: v.looseObject({
          method: v.picklist(['GET', 'POST', 'PATCH', 'DELETE']),
          path: v.string(),
          authorizer: v.strictObject({ type: v.literal('aws_iam') }),
        }),
      }),
    ),
    [],
  ),
});

/** Every route that there is. */
const routes = readdirSync(join(root, 'functions')).flatMap((step) => {
  const { events } = v.parse(
    functionSchema,
    parse(readFileSync(join(root, 'functions', step, 'function.yml'), 'utf8')),
  );
  return events.map(({ httpApi: { method, path } }) => ({ method, path, name: `${method} ${path}` }));
});
const resource = (methodAndPath: string) =>
  `arn:aws:execute-api:${account.region}:${account.accountId}:*/$default/${methodAndPath}`;

type Route = (typeof routes)[number];
const pathOf = ({ path }: Route) => path.replace('{userName}', 'nobody').replace('{keyId}', 'none');

/** Whether IAM lets these credentials use a route, as API Gateway asks it. */
function mayUse(credentials: Credentials, route: Route): boolean {
  const caller = sandbox().iam.caller(credentials.accessKeyId);
  if (caller === undefined) throw new Error('nobody has these credentials');
  const asked = resource(`${route.method}${pathOf(route)}`).replace(':*/', ':sandboxapi/');
  return decide(caller, { action: 'execute-api:Invoke', resource: asked }).allowed;
}

/** A call of a route that starts nothing, whoever may call it. */
async function call(route: Route, credentials: Credentials) {
  const body = route.method === 'POST' || route.method === 'PATCH' ? {} : undefined;
  return (await callApi(sandbox(), route.method, pathOf(route), body, { credentials })).status;
}

describe("the right to one route is no other's", () => {
  it.each(routes.map((route, place) => ({ ...route, next: routes[(place + 1) % routes.length] })))(
    '$name',
    async ({ next, ...own }) => {
      const Resource = resource(`${own.method}${own.path.replace(/\{\w+\}/, '*')}`);
      const credentials = callerWith(sandbox(), 'role', { Action: 'execute-api:Invoke', Resource });
      expect(routes.filter((route) => mayUse(credentials, route)).map(({ name }) => name)).toEqual([own.name]);
      // IAM's word is what the API goes by.
      if (next !== undefined) expect(await call(next, credentials)).toBe(403);
      if (own.method !== 'GET') expect(await call(own, credentials)).not.toBe(403);
    },
  );
});

interface Signing {
  minutesAgo?: number;
  region?: string;
  service?: string;
  credentials?: Credentials;
}
const signings: Readonly<Record<string, Signing | undefined>> = {
  'without a signature': undefined,
  'with one of 20 minutes ago': { minutesAgo: 20 },
  'with one for another Region': { region: 'eu-west-1' },
  'with one for another service': { service: 'lambda' },
  'with one by nobody': { credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'unknown' } },
};

it('on each route, a request that is not signed as it must be is 403 and does nothing', async () => {
  // Where time is skipped, a signature does not grow old.
  await withSandbox({ skipIdle: false }, async ({ clock, apiEndpoint, calls }) => {
    const made = calls().length;
    const ask = async (route: Route, signing: Signing | undefined) => {
      const { method } = route;
      const url = apiEndpoint + pathOf(route);
      const body = method === 'POST' || method === 'PATCH' ? '{}' : undefined;
      const request = { method, url, ...(body !== undefined && { body }) };
      const { minutesAgo = 0, ...more } = signing ?? {};
      const now = clock.now() - minutesAgo * 60_000;
      const headers = signing && (await signRequest(request, { service: 'execute-api', now, ...more }));
      const response = await fetch(url, { ...request, ...(headers && { headers }) });
      return `${response.status} ${await response.text()}`;
    };
    for (const [how, signing] of Object.entries(signings)) {
      const answers = await Promise.all(routes.map((route) => ask(route, signing)));
      expect({ how, answers: [...new Set(answers)] }).toEqual({ how, answers: ['403 {"message":"Forbidden"}'] });
    }
    expect(calls()).toHaveLength(made);
    for (const route of routes) expect(await ask(route, {})).not.toMatch(/^403/);
  });
});

const policySchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ Statement: v.tuple([v.object({ Action: v.string(), Resource: v.array(v.string()) })]) }),
);

describe('the policies in docs/api.md', () => {
  const page = read('docs/api.md');
  const resources = (who: string): string[] => {
    const [, text = ''] = new RegExp(`^### ${who}\\n.*?\`\`\`json\\n(.*?)\`\`\``, 'ms').exec(page) ?? [];
    const own = `arn:aws:execute-api:${account.region}:${account.accountId}:sandboxapi/`;
    const named = text.replaceAll('arn:aws:execute-api:REGION:ACCOUNT:API/', own);
    return v.parse(policySchema, named).Statement[0].Resource;
  };
  const reads = [
    'GET /health',
    'GET /keys/{keyId}',
    'GET /openapi.json',
    'GET /quotas',
    'GET /subscribers',
    'GET /subscribers/{userName}',
  ];
  const operates = ['PATCH /subscribers/{userName}', 'POST /subscribers', 'POST /subscribers/{userName}/users'];

  it.each([
    ['A reader', [...reads, 'POST /plans']],
    ['An operator', [...reads, 'POST /plans', ...operates, 'POST /subscribers/{userName}/retry']],
    ['An offboarder', [...reads, 'POST /plans', 'DELETE /subscribers/{userName}']],
  ])('let %s use its routes and no others', (who, own) => {
    const allowed: string[] = [];
    for (const Resource of resources(who)) {
      const credentials = callerWith(sandbox(), 'user', { Action: 'execute-api:Invoke', Resource });
      for (const route of routes) if (mayUse(credentials, route)) allowed.push(route.name);
    }
    expect([...new Set(allowed)].toSorted()).toEqual(own.toSorted());
  });

  it('are for all routes that there are', () => {
    const named = [...page.matchAll(/^\| `((?:GET|POST|PATCH|DELETE) \S+?)(?:\?\S*)?` \|/gm)].map(([, name]) => name);
    expect(named.toSorted()).toEqual(routes.map(({ name }) => name).toSorted());
  });
});
