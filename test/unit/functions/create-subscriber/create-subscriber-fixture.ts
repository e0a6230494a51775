import {
  CognitoIdentityProviderClient,
  InitiateAuthCommand,
  NotAuthorizedException,
} from '@aws-sdk/client-cognito-identity-provider';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { createSubscriber } from '../../../../functions/create-subscriber/create-subscriber.ts';
import { environmentSchema } from '../../../../functions/create-subscriber/environment.ts';
import { createSessions } from '../../../../lib/infinstor/session.ts';
import type { Plan } from '../../../../lib/plans/onboarding.ts';
import { recordKey } from '../../../../lib/registry/owner.ts';
import { claimRecord } from '../../../../lib/subscribers/record.ts';
import { registryTable } from '../../lib/registry/registry-table.ts';
import { environmentOf } from '../environment.ts';
import { type Answer, fakeInfinStor } from '../fake-infinstor.ts';
import { fakeSecrets, firstVersionId } from '../fake-secrets.ts';
import { lambda, now, secret } from '../lambda.ts';
import { claimOf, executionArn, plan } from '../plan.ts';

export const { credentialsSecretId, subscriber } = plan;
export const token = { secretId: 'test/superadmin-token', versionId: firstVersionId, rejections: 0 };
export const superadminToken = {
  idToken: secret('id-token'),
  refreshToken: secret('refresh'),
  obtainedAt: now.toISOString(),
};
export const password = secret('password');
export const customToken = secret('custom-token');
export const { emailId } = subscriber;
export const output = { credentialsSecretId, emailId, changed: true };
export const prepared = { state: 'prepared', password };
/** The mark of a call that is long over. */
export const mark = { executionArn, invocationId: 'an-invocation', at: '2026-01-01T11:00:00.000Z', emailId };
/** As releases up to 0.1.0 kept the mark. */
export const creating = { state: 'creating', password, emailId, executionArn, invocationId: 'an-invocation' };
export const notAuthorized = new NotAuthorizedException({ message: 'Incorrect username or password.', $metadata: {} });

/**
 * The function with these secrets beside the superadmin token, this mark in the subscriber's record, an InfinStor that answers add_subscriber so, and a user pool that
 * answers a login as the subscriber so.
 */
export async function setUp({
  stored = {},
  marked,
  answer = () => ({ body: { customToken } }),
  login = notAuthorized,
  isExternalAuth = 'false',
}: {
  stored?: Record<string, unknown>;
  marked?: Record<string, unknown> | undefined;
  answer?: () => Answer | Promise<Answer>;
  login?: Error | object;
  isExternalAuth?: string;
} = {}) {
  const pool = mockClient(CognitoIdentityProviderClient);
  if (login instanceof Error) pool.on(InitiateAuthCommand).rejects(login);
  else pool.on(InitiateAuthCommand).resolves(login);
  const logins = () => pool.commandCalls(InitiateAuthCommand).map(({ args: [{ input }] }) => input.AuthParameters);
  const secrets = fakeSecrets({ [token.secretId]: superadminToken, ...stored });
  const credentials = () => secrets.current(credentialsSecretId);
  const infinstor = await fakeInfinStor({
    add_subscriber: answer,
    get_version: () => ({ body: { cognitoCliClientId: 'client-1', region: 'us-east-1', isExternalAuth } }),
  });
  const added = () => infinstor.requests.filter(({ operation }) => operation === 'POST add_subscriber');
  const { environment: dynamoDb, ...registry } = await registryTable();
  const { tableName: TableName, documents } = registry;
  /** Gives the record to an execution, as the claim of its first step does. */
  const claim = async (claimed: Plan, previousExecutionArn?: string) =>
    claimRecord(registry, claimOf(claimed), { previousExecutionArn, attempts: [], now: now.toISOString() });
  await claim(plan);
  const Key = recordKey(subscriber.userName);
  const setMark = (value: object) =>
    documents.send(
      new UpdateCommand({
        TableName,
        Key,
        UpdateExpression: 'SET creating = :mark',
        ExpressionAttributeValues: { ':mark': value },
      }),
    );
  if (marked !== undefined) await setMark(marked);
  const markNow = async (): Promise<unknown> =>
    (await documents.send(new GetCommand({ TableName, Key, ConsistentRead: true }))).Item?.creating;
  const values = environmentOf(environmentSchema, {
    REGISTRY_TABLE: TableName,
    INFINSTOR_MLFLOW_URL: infinstor.url,
    CUSTOM_TOKEN_PATH: 'customToken',
    CUSTOM_TOKEN_PREFIX: '',
  });
  const environment = { ...values, ...dynamoDb };
  const invoke = lambda(() => import('../../../../functions/create-subscriber/handler.ts'), environment);
  const client = new SecretsManagerClient({ region: 'us-east-1' });
  /** Runs the step without Lambda around it, so that several can run at once. */
  const run = (plan: Plan, remainingMs = () => 600_000) =>
    createSubscriber(
      { plan, token },
      {
        environment: { ...values, CUSTOM_TOKEN_PREFIX: '' },
        registry,
        secrets: client,
        patientSecrets: client,
        cognito: (region) => new CognitoIdentityProviderClient({ region }),
        idTokenOf: createSessions(),
        now,
        remainingMs,
      },
    );
  return { invoke, run, claim, markNow, setMark, secrets, credentials, infinstor, added, logins };
}
export type Fixture = Awaited<ReturnType<typeof setUp>>;
