import { describe, expect, it } from 'vitest';
import { planRebuild } from '../../../../cli/rebuild/changes.ts';
import { type Found, isMade } from '../../../../cli/rebuild/found.ts';
import { knownKeysAfter } from '../../../../lib/keys/known-keys.ts';
import { machineArnOf, type Operation } from '../../../../lib/subscribers/operations.ts';

const account = '111111111111';
const machine = `arn:aws:states:us-east-1:${account}:stateMachine:test-onboard-subscriber`;
const machineOf = (operation: Operation) => machineArnOf(machine, operation);
const deployment = {
  machines: {
    'onboard-subscriber': machineOf('onboard-subscriber'),
    'update-subscriber': machineOf('update-subscriber'),
    'upgrade-subscriber': machineOf('upgrade-subscriber'),
    'add-user': machineOf('add-user'),
    'offboard-subscriber': machineOf('offboard-subscriber'),
  },
};
const now = new Date('2026-01-01T12:00:00.000Z');
const keyArn = `arn:aws:kms:us-east-1:${account}:key/1`;
const stackId = `arn:aws:cloudformation:us-east-1:${account}:stack/acme/1`;
const role = { roleArn: `arn:aws:iam::${account}:role/acme`, roleId: 'AROAACME' };
const grantees = new Map([[keyArn, [role.roleArn]]]);

const foundOf = (updatedAt?: string): Found => ({
  name: 'acme',
  credentials: 'kept',
  users: [],
  stack: {
    stackId,
    home: { accountId: account, region: 'us-east-1' },
    userName: 'acme',
    isLive: true,
    updatedAt,
    tags: {},
    role,
    keyArns: [keyArn],
  },
});

const record = {
  ...{ pk: 'SUBSCRIBER#acme', sk: 'RECORD', userName: 'acme', status: 'ACTIVE', stackId, roleArn: role.roleArn },
  ...{ keyArns: [keyArn], build: '1.0', templateSha256: 'a', attempts: [], updatedAt: '2026-01-01T11:00:00.000Z' },
  executionArn: `arn:aws:states:us-east-1:${account}:execution:test-upgrade-subscriber:1`,
};
const grant = {
  ...{ pk: `KEY#${keyArn}`, sk: `GRANT#${role.roleArn}`, ...role },
  ...{ userName: 'acme', state: 'applied', refused: false },
};
const lease = { pk: `KEY#${keyArn}`, sk: 'LEASE', status: 'KEY' };

const planOf = (items: readonly unknown[], updatedAt?: string) =>
  planRebuild({ found: [foundOf(updatedAt)], grantees, items, deployment, now }).changes;

it('changes nothing where the registry says what AWS shows', () => {
  expect(planOf([record, grant, lease])).toEqual([]);
  expect(planOf([record, grant, lease], '2026-01-01T10:59:00.000Z')).toEqual([]);
});

it('leaves the reason of a failure, where the record of it has no stack', () => {
  const { pk, sk, userName, attempts, updatedAt, executionArn } = record;
  const lastError = { name: 'StackFailed' };
  const failed = { pk, sk, userName, attempts, updatedAt, executionArn, status: 'FAILED', lastError };
  expect(planOf([failed, grant, lease])).toEqual([]);
});

describe('a key that has no lease', () => {
  it('is listed once, after its grants, so that it is checked for drift', () => {
    const changes = planOf([record]);
    expect(changes.map(({ kind }) => kind)).toEqual(['grant', 'key']);
    expect(changes[1]).toMatchObject({ item: lease, previous: undefined });
    expect(planOf([record, grant]).map(({ kind }) => kind)).toEqual(['key']);
  });

  it('is found by who looks at keys', async () => {
    const [change] = planOf([record, grant]);
    const documents = { send: async () => ({ Items: [change?.item] }) };
    const { items } = await knownKeysAfter({ documents, tableName: 'registry' } as never, undefined);
    expect(items).toEqual([{ place: keyArn, item: keyArn }]);
  });
});

describe('a stack that was updated after the record was written', () => {
  it('is of a build that nobody knows: the next upgrade must name it', () => {
    const [change, ...others] = planOf([record, grant, lease], '2026-01-01T11:30:00.000Z');
    expect(others).toEqual([]);
    expect(change).toMatchObject({ kind: 'record', item: { status: 'ACTIVE', stackId, keyArns: [keyArn] } });
    expect(change?.item).not.toHaveProperty('build');
    expect(change?.item).not.toHaveProperty('templateSha256');
    expect(planOf([change?.item, grant, lease], '2026-01-01T11:30:00.000Z')).toEqual([]);
  });
});

describe('a stack', () => {
  it.each(['CREATE_COMPLETE', 'UPDATE_IN_PROGRESS', 'UPDATE_ROLLBACK_FAILED', 'UPDATE_ROLLBACK_COMPLETE'] as const)(
    'in status %s is that of an active subscriber',
    (status) => expect(isMade(status)).toBe(true),
  );

  it.each(['CREATE_IN_PROGRESS', 'ROLLBACK_COMPLETE', 'DELETE_FAILED', undefined] as const)(
    'in status %s is not',
    (status) => expect(isMade(status)).toBe(false),
  );
});
