import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createServices } from '../../sandbox/account-region-services.ts';
import { account } from '../../sandbox/core/account.ts';
import { createClock } from '../../sandbox/core/clock.ts';
import { createFaults } from '../../sandbox/core/faults.ts';
import { createInfinStor } from '../../sandbox/infinstor/infinstor.ts';
import { resourceTypes } from '../../sandbox/services/cloudformation/resource-types.ts';
import { createCognito } from '../../sandbox/services/cognito-idp/service.ts';
import { operations as dynamoDbOperations } from '../../sandbox/services/dynamodb/service.ts';
import { createAccounts } from '../../sandbox/services/iam/accounts.ts';
import { createLambda } from '../../sandbox/services/lambda/service.ts';

const doc = readFileSync(join(import.meta.dirname, '../../docs/sandbox.md'), 'utf8');

/** The sections of the services have a heading that begins with the service's name as code. */
const sections = new Map(
  doc.split(/^## /m).flatMap((section) => {
    const [, name, body] = /^`([\w-]+)`.*?\n(.*)$/s.exec(section) ?? [];
    return name && body ? [[name, body] as const] : [];
  }),
);

/** The first cells of a section's rows, where they are code. */
const named = (service: string) =>
  [...(sections.get(service) ?? '').matchAll(/^\| `([^`]+)` \|/gm)].map(([, name = '']) => name);
const isResourceType = (name: string) => name.includes('::');

const clock = createClock();
const accounts = createAccounts(clock);
const nothing = () => {};
const customResource = async () => ({ physicalId: '', attributes: {} });
const deployment = {
  lambdas: { add: nothing },
  invocations: { configure: nothing },
  httpApi: { id: '', addIntegration: () => '', addRoute: nothing },
  endpoint: () => '',
  packageFolder: '',
  environment: {},
};
const world = createServices({
  ...deployment,
  clock,
  accounts,
  faults: createFaults([]),
  deliver: nothing,
  invokeLambda: async () => undefined,
  templates: () => undefined,
  customResource,
  onAccess: nothing,
  resourceDelayMs: 0,
  schedules: true,
})(account);
const cognito = createCognito({ clock });
const lambda = createLambda({
  pool: { functions: () => [], invoke: async () => undefined },
  invocations: { invoke: async () => undefined },
  authorize: nothing,
});
const infinstor = createInfinStor({ clock, cognito, baseUrl: () => '', region: '', superadmin: { userName: '' } });

const served = new Map<string, readonly string[]>([
  ...[...world.services, cognito.service].map(
    ({ name, operations }) => [name, Object.keys(operations)] satisfies [string, string[]],
  ),
  ['dynamodb', [...dynamoDbOperations]],
  ['lambda', lambda.operations],
  ['infinstor', infinstor.operations],
]);

describe('the document of the sandbox', () => {
  it('has a section for each service, and no other', () => {
    expect([...sections.keys()].toSorted()).toEqual([...served.keys()].toSorted());
  });

  it.each([...served])('has a row for each operation of %s, and no other', (service, operations) => {
    const rows = named(service).filter((name) => !isResourceType(name));
    expect(operations.length).toBeGreaterThan(0);
    expect(rows.toSorted()).toEqual([...operations].toSorted());
  });

  it('has a row for each type of resource, and no other', () => {
    const { every } = resourceTypes({
      ...{ ...world, ...deployment },
      ...{ clock, iam: accounts.iam(account.accountId), buckets: new Map(), tables: new Map() },
      ...{ customResource, nestedStack: customResource, onAccess: nothing },
    });
    expect(named('cloudformation').filter(isResourceType).toSorted()).toEqual(Object.keys(every).toSorted());
  });

  it('says in each row what the operation does, what it refuses, and how AWS differs', () => {
    const rows = [...doc.matchAll(/^\| `.*\|$/gm)].map(([row]) => row.slice(2, -2).split(' | '));
    for (const cells of rows) {
      expect(cells, cells[0]).toHaveLength(4);
      for (const cell of cells) expect(cell, cells[0]).toMatch(/\S/);
    }
  });
});
