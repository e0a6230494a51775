// Subscribers without an onboarding of their own, for what touches neither stack nor key: it finds of them what an onboarding leaves.

import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import * as v from 'valibot';
import { expect } from 'vitest';
import type { Sandbox } from '../../sandbox/boot.ts';
import { operatorAt } from '../../sandbox/operator.ts';
import { call } from '../unit/sandbox/services/call.ts';
import { recordOf, requestFor } from './sandbox.ts';
import { credentialsOf, newName, onboarded } from './subscriber.ts';

const recordSchema = v.looseObject({ executionArn: v.unknown(), attempts: v.unknown() });
const credentialsSchema = v.pipe(v.string(), v.parseJson(), v.looseObject({ state: v.literal('created') }));
const loginSchema = v.object({ AuthenticationResult: v.object({ IdToken: v.string() }) });

/** The subscriber of each sandbox that the others are copies of. */
const models = new WeakMap<Sandbox, Promise<string>>();

async function onboardModel(sandbox: Sandbox): Promise<string> {
  const userName = newName('Copied-Model');
  await onboarded(sandbox, requestFor(userName));
  return userName;
}

/** Makes a subscriber in InfinStor as its superadmin. @returns its password */
async function addToInfinStor({ cognito, infinstor, superadmin }: Sandbox, userName: string): Promise<string> {
  const login = await call(cognito.service, 'InitiateAuth', {
    AuthFlow: 'USER_PASSWORD_AUTH',
    ClientId: cognito.clientId,
    AuthParameters: { USERNAME: superadmin.userName, PASSWORD: superadmin.password },
  });
  const { IdToken } = v.parse(loginSchema, login).AuthenticationResult;
  const password = `Copied-Marker-${userName}-1!`;
  const answer = infinstor.handle({
    method: 'POST',
    path: '/api/2.0/mlflow/infinstor/add_subscriber',
    headers: { authorization: IdToken, 'content-type': 'application/json' },
    body: JSON.stringify({ ...requestFor(userName).subscriber, password }),
  });
  expect(answer.status).toBe(200);
  return password;
}

/**
 * A subscriber that is active: in InfinStor, in the registry and with its secret, of the forms that the onboarding of another one in
 * this sandbox has left. It has neither stack nor role.
 */
export async function copied(sandbox: Sandbox, userName: string): Promise<void> {
  const model = models.get(sandbox) ?? onboardModel(sandbox);
  models.set(sandbox, model);
  const from = await model;
  const renamed = (text: string) =>
    JSON.parse(text.replaceAll(from, userName).replaceAll(from.toLowerCase(), userName.toLowerCase()));
  const record = v.parse(recordSchema, await recordOf(sandbox, from));
  const credentials = v.parse(credentialsSchema, sandbox.secretsManager.value(credentialsOf(from)));
  const password = await addToInfinStor(sandbox, userName);
  const own = { password, customToken: sandbox.infinstor.customTokenOf(userName) };
  sandbox.secretsManager.createSecret(credentialsOf(userName), JSON.stringify({ ...credentials, ...own }));
  // Its execution is the model's, which has ended.
  const { executionArn, attempts } = record;
  const Item = { ...renamed(JSON.stringify(record)), executionArn, attempts };
  const client = new DynamoDBClient(operatorAt(sandbox.endpoint));
  await client.send(new PutItemCommand({ TableName: sandbox.registryTable, Item }));
}
