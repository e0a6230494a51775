import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, inject, it } from 'vitest';
import { parseTemplate } from '../../../sandbox/services/cloudformation/template.ts';
import { signRequest } from '../../../tools/permissions/sign-request.ts';
import { useSandbox } from '../sandbox.ts';
import { callerWith, routePermission } from './doors.ts';

const sandbox = useSandbox();
const { Resources } = parseTemplate(
  readFileSync(join(inject('packageFolder'), 'cloudformation-template-update-stack.json'), 'utf8'),
);
const routeSchema = v.object({ RouteKey: v.string() });

/** Every route of the package, with a path for it. */
const routes = Object.values(Resources)
  .filter(({ Type }) => Type === 'AWS::ApiGatewayV2::Route')
  .map(({ Properties }) => v.parse(routeSchema, Properties).RouteKey)
  .map((key) => {
    const [method = '', template = ''] = key.split(' ');
    return { key, method, path: template.replace(/\{\w+\}/g, 'nobody') };
  });

/** The status of a call by who may use this route alone. */
async function statusOf({ method, path }: (typeof routes)[number], permitted: (typeof routes)[number]) {
  const { apiEndpoint, clock } = sandbox();
  const credentials = callerWith(sandbox(), 'role', routePermission(permitted.method + permitted.path));
  const sent = {
    method,
    url: `${apiEndpoint}${path}`,
    headers: { 'content-type': 'application/json' },
    ...(method !== 'GET' && { body: '{}' }),
  };
  const headers = await signRequest(sent, { service: 'execute-api', now: clock.now(), credentials });
  const response = await fetch(sent.url, { ...sent, headers });
  return response.status;
}

describe.each(routes)('the route $key', (route) => {
  it('is open to who may use it, and nothing else', async () => {
    expect([400, 200, 404, 422]).toContain(await statusOf(route, route));
  });

  it('is closed to who may use any other one', async () => {
    const others = routes.filter(({ key }) => key !== route.key);
    expect(others.length).toBeGreaterThan(4);
    const made = sandbox().calls().length;
    const statuses = await Promise.all(others.map((other) => statusOf(route, other)));
    expect(statuses).toEqual(others.map(() => 403));
    expect(sandbox().calls()).toHaveLength(made);
  });
});
