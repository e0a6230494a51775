import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
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
import type { BucketStore } from '../../sandbox/services/s3/bucket-resource.ts';
import { createObjectStore } from '../../sandbox/services/s3/object-store.ts';
import { createS3 } from '../../sandbox/services/s3/service.ts';

const page = join(resolve(import.meta.dirname, '../..'), 'docs', 'sandbox.md');
const marker = /(<!-- coverage -->\n).*?(<!-- \/coverage -->)/s;

interface Coverage {
  /** The names of the operations by the service's name. */
  operations: ReadonlyMap<string, readonly string[]>;
  /** The types of resources that a template may have. */
  resourceTypes: readonly string[];
}

/** What the sandbox implements, read from its services: they are made, and nothing is called. */
export function coverage(): Coverage {
  const clock = createClock();
  const accounts = createAccounts(clock);
  const nothing = () => {};
  const buckets: BucketStore = new Map();
  const objects = createObjectStore(buckets, () => undefined);
  const customResource = async () => ({ physicalId: '', attributes: {} });
  const deployment = {
    lambdas: { add: nothing, remove: nothing },
    invocations: { configure: nothing, forget: nothing },
    httpApi: {
      createApi: () => '',
      ...{ deleteApi: nothing, setIntegration: nothing, deleteIntegration: nothing },
      ...{ setRoute: nothing, deleteRoute: nothing },
    },
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
    thaw: async () => undefined,
    ...{ buckets, objects },
    customResource,
    onAccess: nothing,
    logOf: () => '',
    resourceDelayMs: 0,
    newLines: () => [],
    schedules: true,
    alarms: false,
    rates: false,
  })(account);
  const cognito = createCognito({ clock });
  const lambda = createLambda({
    pool: { functions: () => [], invoke: async () => undefined },
    invocations: { invoke: async () => undefined },
    authorize: nothing,
  });
  const s3 = createS3({ objects, now: clock.now, authorize: nothing });
  const infinstor = createInfinStor({ clock, cognito, baseUrl: () => '', region: '', superadmin: { userName: '' } });
  const { every } = resourceTypes({
    ...{ ...world, ...deployment },
    ...{ clock, iam: accounts.iam(account.accountId), buckets, objects, tables: new Map() },
    logs: world.logs,
    ...{ customResource, nestedStack: customResource, onAccess: nothing },
  });
  return {
    operations: new Map<string, readonly string[]>([
      ...[...world.services, cognito.service].map(
        ({ name, operations }) => [name, Object.keys(operations)] satisfies [string, string[]],
      ),
      ['dynamodb', [...dynamoDbOperations]],
      ['lambda', lambda.operations],
      ['s3', s3.operations],
      ['infinstor', infinstor.operations],
    ]),
    resourceTypes: Object.keys(every),
  };
}

/** The table at the top of `docs/sandbox.md`. */
export function coverageTable({ operations, resourceTypes: types }: Coverage): string {
  const names = (list: readonly string[]) =>
    list
      .toSorted()
      .map((name) => `\`${name}\``)
      .join(', ');
  const rows = [...operations]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([service, list]) => `| \`${service}\` | ${list.length} | ${names(list)} |`);
  return [
    '| Service | Number | Operations |',
    '|---|---|---|',
    ...rows,
    '',
    `Types of resources in a template: ${names(types)}.`,
    '',
  ].join('\n');
}

/** The page with its table drawn anew. @throws Error when the page has no place for it */
export function sandboxPage(text: string): string {
  if (!marker.test(text))
    throw new Error('docs/sandbox.md has no place between <!-- coverage --> and <!-- /coverage -->');
  const table = coverageTable(coverage());
  return text.replace(marker, (_, before: string, after: string) => before + table + after);
}

// Not `import.meta.main`: the bootstrap imports what it runs.
if (process.argv[1] === import.meta.filename) await writeFile(page, sandboxPage(await readFile(page, 'utf8')));
