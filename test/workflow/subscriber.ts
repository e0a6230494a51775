// One subscriber: what its things are called, and how they stand.

import { DeleteItemCommand, DynamoDBClient, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { expect } from 'vitest';
import type { Report } from '../../cli/view/report.ts';
import { arnOwner } from '../../lib/aws/arns.ts';
import { grantedRoles, parseKeyPolicy } from '../../lib/keys/key-policy.ts';
import type { KeyPolicy } from '../../lib/keys/policy-document.ts';
import type { Sandbox } from '../../sandbox/boot.ts';
import { type AccountRegion, account } from '../../sandbox/core/account.ts';
import { type FaultRule, parseFault } from '../../sandbox/core/faults.ts';
import { operatorAt } from '../../sandbox/operator.ts';
import { call } from '../unit/sandbox/services/call.ts';
import { newKey, onboard, putSecret, requestFor } from './sandbox.ts';

export const stackNameOf = (userName: string) => `infinstor-subscriber-sandbox-${userName.toLowerCase()}`;
export const roleNameOf = (userName: string) => `RoleForInfinStorMlflowService-${userName}`;
export const roleArnOf = (userName: string, { accountId }: AccountRegion = account) =>
  `arn:aws:iam::${accountId}:role/${roleNameOf(userName)}`;

/** The folder of the subscriber's secrets. */
export const folderOf = (userName: string) => `infinstor/sandbox/subscribers/${userName.toLowerCase()}`;
export const credentialsOf = (userName: string) => `${folderOf(userName)}/credentials`;

export const stackOf = (sandbox: Sandbox, userName: string, home: AccountRegion = account) =>
  sandbox.world(home).cloudFormation.stack(stackNameOf(userName));

/** The subscribers of this name in InfinStor: one, if all is well. */
export const subscribersNamed = ({ infinstor }: Sandbox, name: string) =>
  infinstor.subscribers().filter(({ userName }) => userName === name);

/** The policy of a key, wherever the key is. */
export const policyOf = (sandbox: Sandbox, keyArn: string): KeyPolicy =>
  parseKeyPolicy(JSON.stringify(sandbox.world(arnOwner(keyArn)).kms.keyPolicy(keyArn)));

/** The roles that the policy of a key lets in. */
export const rolesOn = (sandbox: Sandbox, keyArn: string): string[] => grantedRoles(policyOf(sandbox, keyArn));

/** The name of a step's function. */
export const functionNameOf = (step: string) => `infinstor-onboarding-sandbox-${step}`;

/** Adds a fault, from its text and what a text cannot say. */
export const fault = ({ faults }: Sandbox, text: string, rest: Partial<FaultRule> = {}): void =>
  faults.add({ ...parseFault(text), ...rest });

/** How often an operation was called so far. */
export const callsOf = (sandbox: Sandbox, name: string): number =>
  sandbox.calls().filter(({ operation }) => operation === name).length;

/** The wait of an execution for its stack, while it waits. */
export async function waiterOf({ dynamoDb, registryTable }: Sandbox, executionArn: string) {
  const items = await dynamoDb.items(registryTable);
  return items.find((item) => item.sk?.S === 'WAITER' && item.executionArn?.S === executionArn);
}

/** Half an hour later no token of an earlier run is good any more. */
export const letTokensExpire = ({ clock }: Sandbox): void => clock.advance(31 * 60_000);

/** A day later refused tokens and logins no longer count. */
export const letLoginsBeForgotten = ({ clock }: Sandbox): void => clock.advance(25 * 60 * 60_000);

let names = 0;

/** A name that no other subscriber has. */
export function newName(kind: string): string {
  names += 1;
  return `${kind}-${names}`;
}

/** A subscriber of its own, and the request that onboards it: with one key its table is encrypted, with two its bucket, too. */
export function newRun(kind: string, keyArns: readonly string[] = [], userName = newName(kind)) {
  const [tracking, artifacts] = keyArns.toReversed();
  const encryption = {
    ...(artifacts !== undefined && { artifacts: { type: 'sse-kms-customer-managed', keyArn: artifacts } }),
    ...(tracking !== undefined && { tracking: { type: 'customer-managed', keyArn: tracking } }),
  };
  return { userName, keyArns, request: { ...requestFor(userName), ...(tracking !== undefined && { encryption }) } };
}
export type Run = ReturnType<typeof newRun>;

/** The same with a key of its own, which its table is encrypted with. */
export const newRunWithKey = (sandbox: Sandbox, kind: string): Run => newRun(kind, [newKey(sandbox)]);

/** Onboards a subscriber, which must succeed. */
export async function onboarded(sandbox: Sandbox, request: object): Promise<Report> {
  const report = await onboard(sandbox, request);
  expect(report.error).toBeNull();
  return report;
}

/** Stores the subscriber's custom token where a request may refer to it, as a person would. */
export function supplyToken(
  { infinstor, secretsManager }: Sandbox,
  userName: string,
  customToken = infinstor.customTokenOf(userName),
): { customTokenSecretId: string } {
  const customTokenSecretId = `infinstor/sandbox/input/${userName.toLowerCase()}/custom-token`;
  secretsManager.createSecret(customTokenSecretId, JSON.stringify({ customToken }));
  return { customTokenSecretId };
}

/** Takes the mark `creating` out of a subscriber's record, as a person would who knows that InfinStor has no such subscriber. */
export async function takeMarkAway({ endpoint, registryTable }: Sandbox, userName: string): Promise<void> {
  await new DynamoDBClient(operatorAt(endpoint)).send(
    new UpdateItemCommand({
      TableName: registryTable,
      Key: { pk: { S: `SUBSCRIBER#${userName.toLowerCase()}` }, sk: { S: 'RECORD' } },
      UpdateExpression: 'REMOVE creating',
    }),
  );
}

/** Lets the subscriber's record be of another version of the data than that of the code. */
export async function setDataVersion({ endpoint, registryTable }: Sandbox, userName: string, version: number) {
  await new DynamoDBClient(operatorAt(endpoint)).send(
    new UpdateItemCommand({
      TableName: registryTable,
      Key: { pk: { S: `SUBSCRIBER#${userName.toLowerCase()}` }, sk: { S: 'RECORD' } },
      UpdateExpression: 'SET schemaVersion = :version',
      ExpressionAttributeValues: { ':version': { N: `${version}` } },
    }),
  );
}

/** Lets the registry lose the subscriber's record. */
export async function loseRecord({ endpoint, registryTable }: Sandbox, userName: string): Promise<void> {
  const Key = { pk: { S: `SUBSCRIBER#${userName.toLowerCase()}` }, sk: { S: 'RECORD' } };
  await new DynamoDBClient(operatorAt(endpoint)).send(new DeleteItemCommand({ TableName: registryTable, Key }));
}

const superadminSession = 'infinstor/sandbox/superadmin-token';

/** Lets a kept session be over: the next execution that needs it logs in by password. */
export const endSession = (sandbox: Sandbox, secretId = superadminSession): Promise<void> =>
  putSecret(sandbox, secretId, { idToken: '', refreshToken: '', obtainedAt: '1970-01-01T00:00:00Z' });

/** Lets somebody have the turn to log in as a user, and do nothing with it. */
export async function holdLogin(
  { clock, endpoint, registryTable }: Sandbox,
  userName: string,
  seconds: number,
): Promise<void> {
  const until = new Date(clock.now() + seconds * 1000).toISOString();
  await new DynamoDBClient(operatorAt(endpoint)).send(
    new PutItemCommand({
      TableName: registryTable,
      Item: {
        pk: { S: `LOGIN#${userName.toLowerCase()}` },
        sk: { S: 'BREAKER' },
        revision: { S: 'held' },
        lease: { M: { id: { S: 'held' }, until: { S: until } } },
      },
    }),
  );
}

/** How the user pool answers a login with this password. */
export function logIn({ cognito }: Sandbox, userName: string, password = ''): Promise<'in' | 'challenge' | 'refused'> {
  const AuthParameters = { USERNAME: userName, PASSWORD: password };
  const input = { AuthFlow: 'USER_PASSWORD_AUTH', ClientId: cognito.clientId, AuthParameters };
  return call(cognito.service, 'InitiateAuth', input).then(
    (answer) => ('ChallengeName' in answer ? 'challenge' : 'in'),
    () => 'refused',
  );
}

/** Lets wrong passwords lock a user for as long as they can, which is about 15 minutes. */
export async function lockOut(sandbox: Sandbox, userName: string): Promise<void> {
  for (let failures = 1; failures <= 15; failures += 1) {
    sandbox.clock.advance(failures > 5 ? 2 ** (failures - 6) * 1000 : 0);
    await logIn(sandbox, userName, 'Wrong-Marker-1!');
  }
}
