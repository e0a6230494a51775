// How users are added to subscribers, and what is expected of them then.

import * as v from 'valibot';
import { afterEach, beforeAll, expect } from 'vitest';
import type { Report } from '../../../cli/view/report.ts';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { copied } from '../copied-subscriber.ts';
import { recordOf, requestFor, run, useSandbox } from '../sandbox.ts';
import { folderOf, logIn, newName, onboarded } from '../subscriber.ts';

/** The subscriber whose users most tests add to. */
export const host = 'Host';

/** A sandbox for all tests of a file, in which the host is onboarded. */
export function useHost(): () => Sandbox {
  const sandbox = useSandbox();
  beforeAll(async () => {
    await onboarded(sandbox(), requestFor(host));
  });
  afterEach(() => {
    sandbox().faults.clear();
  });
  return sandbox;
}

export interface User {
  userName: string;
  emailId: string;
  passwordSecretId?: string;
}

let users = 0;

/** A user of its own, whose password is to be generated. */
export const newUser = (change: Partial<User> = {}): User => {
  users += 1;
  return { userName: `user-${users}`, emailId: `user-${users}@example.com`, ...change };
};

/** A user of its own, whose password is in a secret of the request. */
export function givenUser(
  { secretsManager }: Sandbox,
  password?: string,
  subscriber = host,
): User & { password: string } {
  const user = newUser();
  const given = password ?? `Given-Marker-${user.userName}-1!`;
  const passwordSecretId = `infinstor/sandbox/input/${subscriber.toLowerCase()}/${user.userName}`;
  secretsManager.createSecret(passwordSecretId, JSON.stringify({ password: given }));
  return { ...user, passwordSecretId, password: given };
}

/** A subscriber of its own, to which users are added. */
export async function newHost(sandbox: Sandbox): Promise<string> {
  const userName = newName('Adds');
  await onboarded(sandbox, requestFor(userName));
  return userName;
}

/** The same without an onboarding of its own. */
export async function copyOfHost(sandbox: Sandbox): Promise<string> {
  const userName = newName('Adds');
  await copied(sandbox, userName);
  return userName;
}

/** The request that adds users to a subscriber. */
export const addingRequest = (list: readonly User[], userName: string) => ({
  subscriber: { userName },
  users: list.map(({ userName: name, emailId, passwordSecretId }) => ({ userName: name, emailId, passwordSecretId })),
});
export const add = (sandbox: Sandbox, list: readonly User[], userName = host): Promise<Report> =>
  run(sandbox, 'add-user', addingRequest(list, userName));

/** Where the user's password is kept. */
export const secretIdOf = (user: User, subscriber = host) =>
  `${folderOf(subscriber)}/users/${user.userName.toLowerCase()}`;
const userSecretSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.strictObject({ state: v.string(), userName: v.string(), password: v.string(), schemaVersion: v.literal(2) }),
  v.transform(({ schemaVersion: _, ...user }) => user),
);

/** What is kept of a user: its password, and how far it is made. */
export function keptOf({ secretsManager }: Sandbox, user: User, subscriber = host) {
  const text = secretsManager.value(secretIdOf(user, subscriber));
  return text === undefined ? undefined : v.parse(userSecretSchema, text);
}

/** Registry, InfinStor, user pool and secrets agree, and hold the users. */
export async function expectAdded(
  sandbox: Sandbox,
  report: Report,
  list: readonly (User & { password?: string })[],
  { subscriber = host, login: expected = 'in' } = {},
): Promise<void> {
  expect(report.error).toBeNull();
  expect(report.output).toEqual({
    userName: subscriber,
    users: list.map((user) => ({
      userName: user.userName,
      outcome: 'added',
      credentialsSecretId: secretIdOf(user, subscriber),
    })),
  });
  for (const user of list) await expectThere(sandbox, user, { subscriber, login: expected });
  const record = await recordOf(sandbox, subscriber);
  expect(record).toMatchObject({ status: { S: 'ACTIVE' }, executionArn: { S: report.executionArn } });
  expect(record).not.toHaveProperty('lastError');
  expect(record).toHaveProperty('roleArn');
}

const recordSchema = v.object({ users: v.object({ L: v.array(v.object({ S: v.string() })) }) });

/** The users in the subscriber's record. */
export async function namesOf(sandbox: Sandbox, subscriber: string): Promise<string[]> {
  return v.parse(recordSchema, await recordOf(sandbox, subscriber)).users.L.map(({ S }) => S);
}

/** A user is in InfinStor once, under the subscriber, in its record, and the password that is kept is the right one. */
export async function expectThere(
  sandbox: Sandbox,
  user: User & { password?: string },
  { subscriber = host, login: expected = 'in' } = {},
): Promise<void> {
  const { userName, emailId } = user;
  const there = sandbox.infinstor.usersOf(subscriber).filter((found) => found.userName === userName);
  expect(there).toEqual([{ userName, emailId }]);
  const secret = keptOf(sandbox, user, subscriber);
  expect(secret).toMatchObject({ state: 'created', userName, ...(user.password && { password: user.password }) });
  expect(await logIn(sandbox, userName, secret?.password)).toBe(expected);
  expect((await namesOf(sandbox, subscriber)).filter((name) => name === userName)).toHaveLength(1);
}

const cycle = (count: number) => Array(count).fill(['AddUser', 'MoreUsers']).flat();

/** The states of a run that adds so many users. */
export const addUserPath = (count: number) => [
  'AcceptUsers',
  'ObtainSubscriberToken',
  ...cycle(count),
  'CompleteUsers',
];
