import {
  DeleteSecretCommand,
  InvalidRequestException,
  ListSecretsCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { DescribeExecutionCommand, ExecutionDoesNotExist, type ExecutionStatus, SFNClient } from '@aws-sdk/client-sfn';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { dueNow, sweepPasswords } from '../../../../functions/sweep-passwords/sweep-passwords.ts';
import { apiExecutionName } from '../../../../lib/requests/execution-name.ts';

const now = new Date('2026-01-31T12:00:00.000Z');
const daysAgo = (days: number) => new Date(now.getTime() - days * 24 * 60 * 60_000);
const inputPrefix = 'infinstor/test/input/';
/** Names of executions, and so of secrets, as post-subscribers makes them. */
const acme = apiExecutionName('Acme', now);
const b = apiExecutionName('b', now);
const c = apiExecutionName('c-1', now);
/** Where the password for an execution is. */
const folders = new Map([
  [acme, 'acme/api/'],
  [b, 'b/api/'],
  [c, 'c-1/api/'],
]);
const secretIdOf = (name: string) => `${inputPrefix}${folders.get(name) ?? ''}${name}`;

/** Sweeps passwords of executions in these statuses, which ended so many days ago; returns which were deleted. */
async function sweep(
  executions: Record<string, { status?: ExecutionStatus; ended?: number; created?: number }>,
  deletedAlready: string[] = [],
  denied: string[] = [],
) {
  const secrets = new SecretsManagerClient({ region: 'us-east-1' });
  const stepFunctions = new SFNClient({ region: 'us-east-1' });
  const mockedSecrets = mockClient(secrets);
  const mockedStates = mockClient(stepFunctions);
  const [first, ...others] = Object.entries(executions).map(([name, { created = 30 }]) => ({
    Name: secretIdOf(name),
    CreatedDate: daysAgo(created),
  }));
  mockedSecrets
    .on(ListSecretsCommand, { Filters: [{ Key: 'name', Values: [inputPrefix] }], NextToken: undefined })
    .resolves({ SecretList: first && [first, { Name: 'infinstor/test/superadmin' }], NextToken: 'more' })
    .on(ListSecretsCommand, { Filters: [{ Key: 'name', Values: [inputPrefix] }], NextToken: 'more' })
    .resolves({ SecretList: others });
  mockedSecrets.on(DeleteSecretCommand).resolves({});
  const gone = new InvalidRequestException({ message: 'marked for deletion', $metadata: {} });
  for (const name of deletedAlready) {
    mockedSecrets.on(DeleteSecretCommand, { SecretId: secretIdOf(name) }).rejects(gone);
  }
  const denial = Object.assign(new Error('not authorized'), { name: 'AccessDeniedException' });
  for (const name of denied) mockedSecrets.on(DeleteSecretCommand, { SecretId: secretIdOf(name) }).rejects(denial);
  for (const [name, { status, ended = 0 }] of Object.entries(executions)) {
    const describing = mockedStates.on(DescribeExecutionCommand, {
      executionArn: `arn:aws:states:us-east-1:111111111111:execution:onboard-subscriber:${name.split('/').at(-1)}`,
    });
    if (status === undefined) describing.rejects(new ExecutionDoesNotExist({ message: 'gone', $metadata: {} }));
    else describing.resolves({ status, stopDate: daysAgo(ended) });
  }
  const end = sweepPasswords({
    secrets,
    stepFunctions,
    stateMachineArn: 'arn:aws:states:us-east-1:111111111111:stateMachine:onboard-subscriber',
    inputPrefix,
    now,
  });
  const tried = () => mockedSecrets.commandCalls(DeleteSecretCommand).map(({ args: [{ input }] }) => input);
  return end.then(tried, (error: unknown) => ({ error, tried: tried() }));
}

describe('a password that came through the API', () => {
  it.each<[string, { status?: ExecutionStatus; ended?: number; created?: number }]>([
    ['InfinStor has accepted it', { status: 'SUCCEEDED' }],
    ['its execution failed too long ago for a redrive', { status: 'FAILED', ended: 14 }],
    ['its execution was stopped too long ago for a redrive', { status: 'ABORTED', ended: 15 }],
    ['its execution was never started', { created: 1 / 24 }],
  ])('is deleted, so that it can be restored, when %s', async (_, execution) => {
    expect(await sweep({ [acme]: execution })).toEqual([{ SecretId: secretIdOf(acme), RecoveryWindowInDays: 7 }]);
  });

  it.each<[string, { status?: ExecutionStatus; ended?: number; created?: number }]>([
    ['its execution runs', { status: 'RUNNING' }],
    ['its execution is about to be redriven', { status: 'PENDING_REDRIVE' }],
    ['its execution can be redriven', { status: 'TIMED_OUT', ended: 13.9 }],
    ['its execution is about to be started', { created: 0.9 / 24 }],
  ])('is kept while %s', async (_, execution) => {
    expect(await sweep({ [acme]: execution })).toEqual([]);
  });

  it('is found on every page, and no other secret is touched', async () => {
    const deleted = await sweep({
      [acme]: { status: 'SUCCEEDED' },
      [b]: { status: 'RUNNING' },
      [c]: { status: 'SUCCEEDED' },
    });
    expect(deleted).toMatchObject([{ SecretId: secretIdOf(acme) }, { SecretId: secretIdOf(c) }]);
  });

  it('is found where releases up to 0.1.0 put it', async () => {
    const secretId = `api/${acme}`;
    expect(await sweep({ [secretId]: { status: 'SUCCEEDED' } })).toMatchObject([
      { SecretId: `${inputPrefix}${secretId}` },
    ]);
  });

  it('that cannot be deleted does not keep the others, and then says so', async () => {
    const executions = { [acme]: { status: 'SUCCEEDED' }, [c]: { status: 'SUCCEEDED' } } as const;
    expect(await sweep(executions, [], [acme])).toEqual({
      error: expect.objectContaining({
        name: 'AggregateError',
        message: '1 passwords could not be swept, the first for AccessDeniedException: not authorized',
      }),
      tried: [acme, c].map((name) => ({ SecretId: secretIdOf(name), RecoveryWindowInDays: 7 })),
    });
  });

  it('may be deleted already, as the list may be old', async () => {
    expect(await sweep({ [acme]: { status: 'SUCCEEDED' }, [b]: { status: 'SUCCEEDED' } }, [acme])).toHaveLength(2);
  });

  it.each([
    ['acme-password', 'acme-password'],
    ['team/acme', 'team/acme'],
    ['acme/api/mine', 'acme/api/mine'],
    ['api/password', 'api/password'],
    // Not in the test's name: it is another one in each run.
    ['acme/<name of an execution>', `acme/${acme}`],
    ['acme/api/api/<name of an execution>', `acme/api/api/${acme}`],
    ["acme/api/<name of another's execution>", `acme/api/${b}`],
  ])('is not what people put there under a name of theirs: %s', async (_, name) => {
    expect(await sweep({ [name]: { status: 'SUCCEEDED' } })).toEqual([]);
  });
});

describe('the turns of the passwords', () => {
  const hourLater = (hours: number) => new Date(now.getTime() + hours * 60 * 60_000);
  const passwords = (count: number) => Array.from({ length: count }, (_, place) => ({ name: `acme-${place}/api/x` }));

  it('are each hour while there are few', () => {
    expect([0, 1, 2].map((hours) => dueNow(passwords(400), hourLater(hours)).length)).toEqual([400, 400, 400]);
    expect(dueNow([], now)).toEqual([]);
  });

  it('are one each in as many hours as it takes when there are many', () => {
    const all = passwords(3_000);
    const turns = Array.from({ length: 8 }, (_, hours) => dueNow(all, hourLater(hours)));
    expect(turns.flat().toSorted((one, other) => one.name.localeCompare(other.name))).toEqual(
      all.toSorted((one, other) => one.name.localeCompare(other.name)),
    );
    expect(Math.max(...turns.map(({ length }) => length))).toBeLessThan(460);
  });
});
