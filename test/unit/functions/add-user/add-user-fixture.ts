import {
  CognitoIdentityProviderClient,
  InitiateAuthCommand,
  NotAuthorizedException,
} from '@aws-sdk/client-cognito-identity-provider';
import { mockClient } from 'aws-sdk-client-mock';
import { environmentSchema } from '../../../../functions/add-user/environment.ts';
import { registryTable } from '../../lib/registry/registry-table.ts';
import { environmentOf } from '../environment.ts';
import { type Answer, fakeInfinStor } from '../fake-infinstor.ts';
import { fakeSecrets, firstVersionId } from '../fake-secrets.ts';
import { lambda, now, secret } from '../lambda.ts';
import { own } from '../own-record.ts';
import { usersPlan } from '../users-plan.ts';

export const { tokenSecretId } = usersPlan;
export const aliceSecretId = 'infinstor/test/subscribers/acme/users/alice';
export const bobSecretId = 'infinstor/test/subscribers/acme/users/bob';
export const inputSecretId = 'infinstor/test/input/acme/bob';
export const token = { secretId: tokenSecretId, versionId: firstVersionId, rejections: 0, userIndex: 0 };
export const tokens = { idToken: secret('id-token'), refreshToken: secret('refresh'), obtainedAt: now.toISOString() };
/** With every character that forms and JSON escape. */
export const bobPassword = secret('b"o\\b+ &%=');
export const kept = secret('kept-password');
export const added: Answer = { headers: { 'content-type': 'application/json' }, body: 'Successfully created user' };
export const duplicate: Answer = { status: 400, body: 'Error User Exists' };
export const loginExpired: Answer = {
  headers: { 'content-type': 'text/html' },
  body: '<html><head><meta http-equiv="refresh" content="3;url=/login.html"></head><body>Login expired. Please login again</body></html>',
};
export const details = { message: 'refused', $metadata: {} };
export const aliceAdded = { userName: 'Alice', outcome: 'added', credentialsSecretId: aliceSecretId };
export const afterAlice = { next: 1, hasMore: true, results: [aliceAdded] };

export async function setUp({
  stored = {},
  answer = added,
  login = 'refused',
}: {
  stored?: Record<string, unknown>;
  answer?: Answer | (() => Answer);
  login?: 'refused' | 'challenge' | string;
} = {}) {
  const secrets = fakeSecrets({ [tokenSecretId]: tokens, [inputSecretId]: { password: bobPassword }, ...stored });
  const cognito = mockClient(CognitoIdentityProviderClient);
  cognito.on(InitiateAuthCommand).callsFake(({ AuthParameters }) => {
    if (login === 'challenge') return { ChallengeName: 'NEW_PASSWORD_REQUIRED' };
    if (AuthParameters?.PASSWORD !== login)
      throw new NotAuthorizedException({ message: 'Incorrect username or password.', $metadata: {} });
    return { AuthenticationResult: { IdToken: secret('user-id') } };
  });
  const infinstor = await fakeInfinStor({
    get_version: () => ({ body: { cognitoCliClientId: 'cli-client', region: 'eu-north-1' } }),
    addsecondaryuser: () => (typeof answer === 'function' ? answer() : answer),
  });
  const { environment: dynamoDb, ...registry } = await registryTable();
  await own(registry, usersPlan.executionArn, usersPlan.subscriber.userName);
  const values = environmentOf(environmentSchema, {
    REGISTRY_TABLE: registry.tableName,
    INFINSTOR_MLFLOW_URL: infinstor.url,
    INFINSTOR_API_URL: infinstor.url,
  });
  const environment = { ...values, ...dynamoDb };
  const invoke = lambda(() => import('../../../../functions/add-user/handler.ts'), environment);
  const addAlice = () => invoke({ plan: usersPlan, token });
  const addBob = () => invoke({ plan: usersPlan, token, progress: afterAlice });
  const calls = () => infinstor.requests.filter(({ operation }) => operation === 'POST addsecondaryuser');
  const logins = () => cognito.commandCalls(InitiateAuthCommand).map(({ args: [{ input }] }) => input.AuthParameters);
  return { secrets, cognito, infinstor, invoke, addAlice, addBob, calls, logins };
}

export const formOf = (body = '') => Object.fromEntries(new URLSearchParams(body));
export const resultOf = ({ results }: { results: readonly object[] }) => results.at(-1);
