import { beforeAll, describe, expect, it } from 'vitest';
import { apiExecutionName } from '../../../lib/requests/execution-name.ts';
import type { Operation } from '../../../lib/subscribers/operations.ts';
import { otherAccount } from '../../../sandbox/core/account.ts';
import { isRead } from '../../../sandbox/core/faults.ts';
import { casesInScope } from '../../scope.ts';
import { expectOneOfEach, newKey, onboard, requestFor, useSandbox, withoutTurns } from '../sandbox.ts';
import { credentialsOf, functionNameOf, newRun, onboarded, roleArnOf, stackNameOf } from '../subscriber.ts';
import { callerWith, type Door, doors } from './doors.ts';

const sandbox = useSandbox();
const victim = 'victim';
const mallory = 'mallory';
const inputOf = (userName: string, name: string) => `infinstor/sandbox/input/${userName}/${name}`;

/** What belongs to somebody else, and is told apart from what the requests below have of their own. */
const theirs = {
  key: '',
  execution: '',
  apiPassword: inputOf(victim, `api/${apiExecutionName(victim, new Date('2026-01-31'))}`),
};

beforeAll(async () => {
  const given = sandbox();
  theirs.key = newKey(given, { tags: { 'infinstor-onboarding': `${victim} someone-` } });
  const run = newRun(victim, [theirs.key], victim);
  const report = await onboard(given, run.request);
  expectOneOfEach(given, report, run);
  theirs.execution = report.executionArn ?? '';
  await onboarded(given, requestFor(mallory));
  const password = JSON.stringify({ password: 'Door-Marker-Password-1!' });
  const names = [
    inputOf(victim, 'password'),
    theirs.apiPassword,
    `infinstor/sandbox/input/${victim}-flat`,
    inputOf(mallory, 'x'),
  ];
  for (const name of names) given.secretsManager.createSecret(name, password);
  const token = { customToken: given.infinstor.customTokenOf(victim) };
  given.secretsManager.createSecret(inputOf(victim, 'token'), JSON.stringify(token));
});

/** A request of each operation that would be accepted: it names what is mallory's own. */
const good: Record<Operation, () => object> = {
  'onboard-subscriber': () => requestFor(mallory),
  'update-subscriber': () => ({ subscriber: { userName: mallory, emailId: 'mlops@example.com' } }),
  'upgrade-subscriber': () => ({ subscriber: { userName: mallory }, encryption: { artifacts: { type: 'sse-s3' } } }),
  'add-user': () => ({ subscriber: { userName: mallory }, users: [{ userName: 'eve', emailId: 'eve@example.com' }] }),
  'offboard-subscriber': () => ({ subscriber: { userName: mallory }, confirm: mallory }),
};

type Thing = [what: string, change: () => object, refusal: string];
const users = (user: object) => ({ users: [{ userName: 'eve', emailId: 'eve@example.com', ...user }] });
const table = (keyArn: string) => ({ encryption: { tracking: { type: 'customer-managed', keyArn } } });

const secrets = (field: string, place: (secretId: string) => object): Thing[] => [
  [`${field}: a secret`, () => place(inputOf(victim, 'password')), 'InvalidRequest'],
  [`${field}: a password from the HTTP API`, () => place(theirs.apiPassword), 'InvalidRequest'],
  [`${field}: a secret under a flat name`, () => place(`infinstor/sandbox/input/${victim}-flat`), 'InvalidRequest'],
  [`${field}: the credentials`, () => place(credentialsOf(victim)), 'InvalidRequest'],
  [`${field}: the superadmin's secret`, () => place('infinstor/sandbox/superadmin'), 'InvalidRequest'],
];
/** What no request may name, as it follows from the subscriber. */
const derived: Thing[] = [
  ['an execution', () => ({ executionArn: theirs.execution }), 'InvalidRequest'],
  ['a stack', () => ({ stackId: stackNameOf(victim) }), 'InvalidRequest'],
  ['a role', () => ({ roleArn: roleArnOf(victim) }), 'InvalidRequest'],
  ['a folder of secrets', () => ({ credentialsSecretId: credentialsOf(victim) }), 'InvalidRequest'],
];

/** The things of somebody else that a request can name, and the error that refuses it. */
const things: Record<Operation, Thing[]> = {
  'onboard-subscriber': [
    ...secrets('passwordSecretId', (passwordSecretId) => ({ passwordSecretId })),
    ...secrets('customTokenSecretId', (customTokenSecretId) => ({ customTokenSecretId })),
    ['customTokenSecretId: a token', () => ({ customTokenSecretId: inputOf(victim, 'token') }), 'InvalidRequest'],
    ['a key', () => table(theirs.key), 'KeyNotUsable'],
    ['a key that nobody has allowed', () => table(newKey(sandbox(), { tags: {} })), 'KeyNotUsable'],
    [
      'a key of another account',
      () => table(theirs.key.replace('1'.repeat(12), otherAccount.accountId)),
      'KeyNotUsable',
    ],
    ['an account', () => ({ stack: { accountId: otherAccount.accountId } }), 'InvalidRequest'],
    ['a role for the stack', () => ({ stack: { roleArn: roleArnOf(victim) } }), 'InvalidRequest'],
    ['a stack by its name', () => ({ stack: { name: stackNameOf(victim) } }), 'InvalidRequest'],
    ['an external id', () => ({ stack: { parameters: { ExternalId: 'theirs' } } }), 'InvalidRequest'],
    ['a tag that opens doors', () => ({ stack: { tags: { team: victim } } }), 'InvalidRequest'],
    [
      'a tag of ownership',
      () => ({ stack: { tags: { 'infinstor-onboarding:subscriber': victim } } }),
      'InvalidRequest',
    ],
    [
      'a subscriber',
      () => ({ ...table(theirs.key), subscriber: { userName: victim, emailId: 'eve@example.com' } }),
      'SubscriberDiffers',
    ],
    ...derived,
  ],
  'update-subscriber': [...secrets('passwordSecretId', (passwordSecretId) => ({ passwordSecretId })), ...derived],
  'upgrade-subscriber': [
    ...secrets('customTokenSecretId', (customTokenSecretId) => ({ customTokenSecretId })),
    ['customTokenSecretId: a token', () => ({ customTokenSecretId: inputOf(victim, 'token') }), 'InvalidRequest'],
    ['a key', () => table(theirs.key), 'KeyNotUsable'],
    ['a key that nobody has allowed', () => table(newKey(sandbox(), { tags: {} })), 'KeyNotUsable'],
    ['an account', () => ({ stack: { accountId: otherAccount.accountId } }), 'InvalidRequest'],
    ['an external id', () => ({ stack: { parameters: { ExternalId: 'theirs' } } }), 'InvalidRequest'],
    ['a stack by its name', () => ({ stack: { name: stackNameOf(victim) } }), 'InvalidRequest'],
    ...derived,
  ],
  'add-user': [
    ...secrets('users.0.passwordSecretId', (passwordSecretId) => users({ passwordSecretId })),
    ['a subscriber', () => users({ userName: 'Victim' }), 'InvalidRequest'],
    ...derived,
  ],
  'offboard-subscriber': [['a subscriber', () => ({ subscriber: { userName: victim } }), 'InvalidRequest'], ...derived],
};

/** What a refused request may write: nothing but the request to the machine, and how the failure becomes known. */
const mayFollow = [
  ...['post-subscribers', 'patch-subscriber', 'post-users', 'delete-subscriber'].flatMap((step) => [
    `${functionNameOf(step)} states:StartExecution`,
    // Whose turn it is, which is no subscriber's record.
    `${functionNameOf(step)} dynamodb:PutItem`,
  ]),
  `${functionNameOf('accept-event')} states:StartExecution`,
  `${functionNameOf('accept-event')} sqs:SendMessage`,
  `${functionNameOf('record-failure')} events:PutEvents`,
  // A copy of the vendor's template, which is the same for all.
  `${functionNameOf('accept-request')} s3:PutObject`,
  `${functionNameOf('accept-upgrade')} s3:PutObject`,
  // Of the failure, if the record belongs to the execution, which it does not.
  `${functionNameOf('record-failure')} dynamodb:UpdateItem`,
];

/** Everything that could be somebody's. */
async function everything() {
  const { dynamoDb, registryTable, secretsManager, kms, iam, infinstor, cloudFormation } = sandbox();
  return {
    registry: withoutTurns(await dynamoDb.items(registryTable)),
    secrets: secretsManager.everyValue(),
    policy: kms.keyPolicy(theirs.key).Statement,
    writes: kms.policyWrites(theirs.key),
    roles: iam.roles().filter(({ roleName }) => roleName.startsWith('RoleForInfinStor')).length,
    subscribers: infinstor.subscribers(),
    stacks: [victim, mallory].map((userName) => cloudFormation.stack(stackNameOf(userName))?.status),
  };
}

/** routes.test.ts has all pairs of routes. */
const areRoutes = (...names: string[]) => names.every((name) => name.includes('of the HTTP API'));

/** The events share a function, and differ by a condition of IAM: the usual run has no pairs with the three newer ones. */
const isSeldom = (name: string, other: string) =>
  areRoutes(name, other) || [name, other].some((each) => /(?<!Subscriber)Requested on/.test(each));

/** Its requests are refused by the parser that refuses those of its machine. */
const hasParserOfMachine = (door: Door) =>
  Object.entries(doors).some(
    ([name, each]) => each === door && /HTTP API|event bus/.test(name) && door.operation !== 'onboard-subscriber',
  );

const names = Object.keys(doors);

/** What a door has in the usual run of what its operation can name: all of it where the machine is started, and elsewhere each third. */
function usualThings(door: Door): readonly Thing[] {
  const all = things[door.operation];
  const place = names.findIndex((name) => doors[name] === door);
  const isMachine = names[place]?.startsWith('StartExecution') === true;
  return isMachine ? all : all.filter((_, index) => index % 3 === place % 3);
}

/** A user's requests are a role's to the deployment: one of each door will do. */
const through = (door: Door, kind: 'role' | 'user') =>
  casesInScope(
    things[door.operation],
    kind === 'role' && !hasParserOfMachine(door) ? usualThings(door) : things[door.operation].slice(0, 1),
  ).map(([what, change, refusal]) => ({ what, change, refusal }));

describe.each(Object.entries(doors))('through %s', (name, door) => {
  const kinds = (['role', 'user'] as const).filter((kind) => through(door, kind).length > 0);

  describe.each(kinds)('as a %s that may do nothing else', (kind) => {
    it.each(through(door, kind))(
      "$what of somebody else's is refused before any effect",
      async ({ change, refusal }) => {
        const changes = change();
        const before = await everything();
        const made = sandbox().calls().length;
        const credentials = callerWith(sandbox(), kind, door.permission(sandbox()));
        const end = await door.send(sandbox(), credentials, { ...good[door.operation](), ...changes });
        expect(end?.name).toBe(refusal);
        // What follows from the failure is over.
        await sandbox().clock.quiet();
        const calls = sandbox().calls().slice(made);
        expect(calls.filter(({ service }) => ['infinstor', 'cognito'].includes(service))).toEqual([]);
        const writes = calls
          .filter(({ functionName = '', operation }) => !functionName.startsWith('pipeline') && !isRead(operation))
          .map(({ functionName, service, operation }) => `${functionName} ${service}:${operation}`);
        expect(writes.filter((write) => !mayFollow.includes(write))).toEqual([]);
        expect(await everything()).toEqual(before);
      },
    );
  });

  const others = names.filter((other) => other !== name);

  it.each(
    casesInScope(
      others,
      others.filter((other) => !isSeldom(name, other)),
    ),
  )('who may only use %s is refused by IAM', async (other) => {
    const executions = sandbox().states.executions().length;
    const permission = doors[other]?.permission(sandbox()) ?? { Action: '', Resource: '' };
    const credentials = callerWith(sandbox(), 'role', permission);
    await expect(door.send(sandbox(), credentials, good[door.operation]())).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });
    expect(sandbox().states.executions()).toHaveLength(executions);
  });

  it('an administrator of another account starts nothing', async () => {
    const executions = sandbox().states.executions().length;
    const iam = sandbox().accounts.iam(otherAccount.accountId);
    const credentials = callerWith({ iam }, 'role', { Action: '*', Resource: '*' });
    await expect(door.send(sandbox(), credentials, good[door.operation]())).rejects.toThrow();
    expect(sandbox().states.executions()).toHaveLength(executions);
  });
});

describe('what is refused above', () => {
  it.each(Object.entries(doors).filter(([, { operation }]) => operation !== 'offboard-subscriber'))(
    'is accepted through %s without the thing',
    async (_, door) => {
      const credentials = callerWith(sandbox(), 'role', door.permission(sandbox()));
      expect(await door.send(sandbox(), credentials, good[door.operation]())).toBeUndefined();
    },
  );
});
