import {
  CognitoIdentityProviderClient,
  InitiateAuthCommand,
  NotAuthorizedException,
  PasswordResetRequiredException,
  UserNotConfirmedException,
  UserNotFoundException,
} from '@aws-sdk/client-cognito-identity-provider';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { environmentSchema } from '../../../../functions/obtain-token/environment.ts';
import { obtainToken } from '../../../../functions/obtain-token/obtain-token.ts';
import type { Token } from '../../../../lib/plans/token.ts';
import { readBreaker } from '../../../../lib/registry/login-breaker.ts';
import { registryTable } from '../../lib/registry/registry-table.ts';
import { environmentOf } from '../environment.ts';
import { type Answer, fakeInfinStor } from '../fake-infinstor.ts';
import { fakeSecrets, firstVersionId } from '../fake-secrets.ts';
import { lambda, now, secret } from '../lambda.ts';
import { own } from '../own-record.ts';
import { plan } from '../plan.ts';

export const names = { SUPERADMIN_SECRET_ID: 'test/superadmin', SUPERADMIN_TOKEN_SECRET_ID: 'test/superadmin-token' };
export const login = {
  AuthFlow: 'USER_PASSWORD_AUTH',
  ClientId: 'cli-client',
  AuthParameters: { USERNAME: 'root', PASSWORD: secret('password') },
};
export const newTokens = { IdToken: secret('new-id'), RefreshToken: secret('new-refresh') };
export const storedAt = (obtainedAt: string) => ({
  idToken: secret('old-id'),
  refreshToken: secret('old-refresh'),
  obtainedAt,
  passwordVersionId: firstVersionId,
});
const version: Answer = { body: { cognitoCliClientId: 'cli-client', region: 'eu-north-1' } };
export const details = { message: 'refused', $metadata: {} };
export const refusals = [
  new NotAuthorizedException(details),
  new UserNotFoundException(details),
  new UserNotConfirmedException(details),
  new PasswordResetRequiredException(details),
];

export async function setUp({
  token = null,
  superadmin = { [names.SUPERADMIN_SECRET_ID]: { userName: 'root', password: secret('password') } },
  answer = version,
}: {
  token?: unknown;
  superadmin?: Record<string, unknown>;
  answer?: Answer;
} = {}) {
  const secrets = fakeSecrets({ ...superadmin, [names.SUPERADMIN_TOKEN_SECRET_ID]: token });
  const cognito = mockClient(CognitoIdentityProviderClient);
  cognito.on(InitiateAuthCommand).resolves({ AuthenticationResult: newTokens });
  const infinstor = await fakeInfinStor({ get_version: () => answer });
  const { environment: dynamoDb, ...registry } = await registryTable();
  await own(registry, plan.executionArn, plan.subscriber.userName);
  const values = environmentOf(environmentSchema, {
    ...names,
    REGISTRY_TABLE: registry.tableName,
    SUPERADMIN_USER_NAME: 'Root',
    INFINSTOR_MLFLOW_URL: infinstor.url,
  });
  const environment = { ...values, ...dynamoDb };
  /** Runs the step at this time, so that several can run at once. */
  const runAt = (minutes: number, previous?: Token) =>
    obtainToken(previous, {
      environment: values,
      registry,
      secrets: new SecretsManagerClient({ region: 'us-east-1' }),
      cognito: (region) => new CognitoIdentityProviderClient({ region }),
      now: new Date(now.getTime() + minutes * 60_000),
    });
  const refuse = (minutes: number, token: Token) => runAt(minutes, token);
  const breaker = () => readBreaker(registry, 'root');
  const run = lambda(() => import('../../../../functions/obtain-token/handler.ts'), environment);
  const invoke = (event: object, changes = {}) => run({ plan, ...event }, changes);
  const logins = () => cognito.commandCalls(InitiateAuthCommand).map(({ args: [{ input }] }) => input);
  const current = () => secrets.current(names.SUPERADMIN_TOKEN_SECRET_ID);
  return { invoke, runAt, refuse, breaker, secrets, cognito, infinstor, logins, current };
}
