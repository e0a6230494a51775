import {
  CognitoIdentityProviderClient,
  InitiateAuthCommand,
  NotAuthorizedException,
  TooManyRequestsException,
} from '@aws-sdk/client-cognito-identity-provider';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  InternalServiceError,
  SecretsManagerServiceException,
} from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../../functions/verify-subscriber/environment.ts';
import { environmentOf } from '../environment.ts';
import { type Answer, fakeInfinStor } from '../fake-infinstor.ts';
import { fakeSecrets } from '../fake-secrets.ts';
import { errorOf, lambda, secret } from '../lambda.ts';
import { plan, role } from '../plan.ts';

const { credentialsSecretId } = plan;
const created = { state: 'created', password: secret('password'), customToken: secret('custom-token') };
const idToken = secret('id-token');
const version = { cognitoCliClientId: 'client-1', region: 'eu-north-1', apiDnsName: '', serviceDnsName: '' };
const loggedIn = { AuthenticationResult: { IdToken: idToken, RefreshToken: secret('refresh-token') } };
const info = (customerRoleArn: unknown): Answer => ({ body: { userName: 'Acme', customerRoleArn } });
const otherRole = 'arn:aws:iam::111111111111:role/path/RoleForInfinStorMlflowService-Other';

async function setUp({
  stored = created,
  answers = [info(role.roleArn)],
  login = loggedIn,
  discovery = version,
}: {
  stored?: object;
  answers?: Answer[];
  login?: Error | object;
  discovery?: object;
} = {}) {
  const pool = mockClient(CognitoIdentityProviderClient);
  if (login instanceof Error) pool.on(InitiateAuthCommand).rejects(login);
  else pool.on(InitiateAuthCommand).resolves(login);
  const secrets = fakeSecrets({ [credentialsSecretId]: stored });
  const left = [...answers];
  const infinstor = await fakeInfinStor({
    get_version: () => ({ body: discovery }),
    customerinfo: () => left.shift() ?? 'lost',
  });
  const environment = environmentOf(environmentSchema, {
    INFINSTOR_MLFLOW_URL: infinstor.url,
    INFINSTOR_API_URL: infinstor.url,
    VERIFY: 'warn',
  });
  const invoke = lambda(() => import('../../../../functions/verify-subscriber/handler.ts'), environment);
  const asked = () => infinstor.requests.filter(({ operation }) => operation === 'POST customerinfo');
  return { invoke, pool, secrets, infinstor, asked };
}

describe('verifying a subscriber', () => {
  it('logs in as it, where get_version says', async () => {
    const { invoke, pool } = await setUp();
    expect(await invoke({ plan, role })).toEqual({ verified: true });
    const [login, ...others] = pool.commandCalls(InitiateAuthCommand);
    expect(others).toEqual([]);
    expect(login?.args[0].input).toEqual({
      AuthFlow: 'USER_PASSWORD_AUTH',
      ClientId: 'client-1',
      AuthParameters: { USERNAME: 'Acme', PASSWORD: created.password },
    });
    expect(await login?.thisValue.config.region()).toBe('eu-north-1');
  });

  it("asks with its raw token, as the vendor's own client does", async () => {
    const { invoke, asked } = await setUp();
    await invoke({ plan, role });
    expect(asked()).toMatchObject([
      {
        headers: { authorization: idToken, 'content-type': 'application/x-www-form-urlencoded' },
        body: 'ProductCode=9fcazc4rbiwp6ewg4xlt5c8fu',
      },
    ]);
  });

  it('makes no call at all where it is off', async () => {
    const { invoke, infinstor, pool, secrets } = await setUp();
    expect(await invoke({ plan, role }, { VERIFY: 'off' })).toEqual({ verified: null });
    expect([infinstor.requests, pool.calls(), secrets.client.calls()]).toEqual([[], [], []]);
  });

  it('asks once more after a 504', async () => {
    const { invoke, asked } = await setUp({ answers: [{ status: 504, body: '' }, info(role.roleArn)] });
    expect(await invoke({ plan, role })).toEqual({ verified: true });
    expect(asked()).toHaveLength(2);
  });
});

const notAuthorized = new NotAuthorizedException({ message: 'Incorrect username or password.', $metadata: {} });
const keyRefused = new SecretsManagerServiceException({
  name: 'AccessDeniedException',
  message: 'Access to KMS is not allowed',
  $fault: 'client',
  $metadata: {},
});
const tooMany = new TooManyRequestsException({ message: 'Rate exceeded', $metadata: {} });

describe.each<[what: string, parts: Parameters<typeof setUp>[0], reason: string, error?: string]>([
  [
    'another role',
    { answers: [info(otherRole)] },
    `InfinStor reports the role ${otherRole}, and the stack has ${role.roleArn}`,
  ],
  ['no role', { answers: [info(undefined)] }, `InfinStor reports no role, and the stack has ${role.roleArn}`],
  ['a secret for a role', { answers: [info(secret('x'))] }, 'InfinStor reports no role, and'],
  ['a number for a role', { answers: [info(7)] }, 'customerinfo: InfinStor answered 200 without customerRoleArn'],
  ['text', { answers: [{ body: 'welcome' }] }, 'customerinfo: InfinStor answered 200 without customerRoleArn'],
  [
    'an error and 200',
    { answers: [{ body: 'Error No such customer' }] },
    'customerinfo: InfinStor answered 200: Error No',
  ],
  ['a refusal', { answers: [{ status: 400, body: 'Error Bad' }] }, 'customerinfo: InfinStor answered 400: Error Bad'],
  [
    'a refusal with a secret access key, of which the message alone is quoted',
    { answers: [{ status: 400, body: { InfinStorSecretAccessKey: 'OnlyLettersButStillASecretKey', message: 'Bad' } }] },
    'customerinfo: InfinStor answered 400: Bad',
  ],
  [
    'a failure with a secret access key and 200',
    { answers: [{ body: { InfinStorSecretAccessKey: 'OnlyLettersButStillASecretKey', success: false } }] },
    'customerinfo: InfinStor answered 200: no reason is named',
  ],
  [
    '401',
    { answers: [{ status: 401, body: '' }] },
    "customerinfo: InfinStor refused the subscriber's token (status 401)",
  ],
  ['500', { answers: [{ status: 500, body: '' }] }, 'customerinfo: InfinStor answered 500', 'InfinStorUnavailable'],
  ['429', { answers: [{ status: 429, body: '' }] }, 'customerinfo: InfinStor answered 429', 'InfinStorUnavailable'],
  ['nothing', { answers: ['lost'] }, 'customerinfo was sent, and the connection failed', 'InfinStorUnavailable'],
  ['a refused login', { login: notAuthorized }, 'Cognito refused the login of Acme (NotAuthorizedException): '],
  [
    'a refused login where users log in elsewhere',
    { login: notAuthorized, discovery: { ...version, isExternalAuth: 'true' } },
    '; users of this service log in elsewhere (external auth), so that this one may have no password here',
  ],
  ['a challenge', { login: { ChallengeName: 'SOFTWARE_TOKEN_MFA' } }, 'the challenge SOFTWARE_TOKEN_MFA'],
  ['throttling of Cognito', { login: tooMany }, 'TooManyRequestsException', 'TooManyRequestsException'],
  ['another service', { discovery: {} }, 'get_version: InfinStor answered 200 without'],
  ['no password', { stored: { state: 'created', customToken: created.customToken } }, 'its password is not known here'],
  ['spoiled credentials', { stored: { state: 'lost' } }, credentialsSecretId, 'InvalidConfiguration'],
])('%s', (_, parts, reason, error = 'SubscriberNotVerified') => {
  it('is a reason for a warning', async () => {
    const { invoke } = await setUp(parts);
    expect(await invoke({ plan, role })).toEqual({ verified: false, reason: expect.stringContaining(reason) });
  });

  it('is an error where the deployment requires it', async () => {
    const { invoke } = await setUp(parts);
    const told = error === 'TooManyRequestsException' ? 'Rate exceeded' : reason;
    await expect(invoke({ plan, role }, { VERIFY: 'require' })).rejects.toMatchObject(errorOf(error, told));
  });
});

it('does not know the password of a subscriber without credentials', async () => {
  const { invoke, secrets } = await setUp();
  secrets.remove(credentialsSecretId);
  expect(await invoke({ plan, role })).toEqual({ verified: false, reason: 'its password is not known here' });
});

it('warns of an error of AWS by its name alone', async () => {
  const { invoke, secrets } = await setUp();
  secrets.client.on(GetSecretValueCommand).rejects(new InternalServiceError({ message: secret('x'), $metadata: {} }));
  expect(await invoke({ plan, role })).toEqual({ verified: false, reason: 'InternalServiceError' });
});

it('names secret and key of credentials that it may not decrypt: SecretNotReadable where the deployment requires it', async () => {
  const { invoke, secrets } = await setUp();
  secrets.client.on(GetSecretValueCommand).rejects(keyRefused);
  secrets.client.on(DescribeSecretCommand).resolves({});
  const reason = `Secret ${credentialsSecretId} cannot be read: `;
  await expect(invoke({ plan, role }, { VERIFY: 'require' })).rejects.toMatchObject(
    errorOf('SecretNotReadable', reason),
  );
  expect(await invoke({ plan, role })).toEqual({ verified: false, reason: expect.stringContaining(reason) });
});

it('needs the URL of the API where get_version does not return it', async () => {
  const { invoke } = await setUp();
  const required = { INFINSTOR_API_URL: '', VERIFY: 'require' };
  await expect(invoke({ plan, role }, required)).rejects.toMatchObject(
    errorOf('InvalidConfiguration', 'infinstorApiUrl'),
  );
  expect(await invoke({ plan, role }, { INFINSTOR_API_URL: '' })).toMatchObject({ verified: false });
});

it.each(['INFINSTOR_MLFLOW_URL', 'INFINSTOR_API_URL', 'VERIFY'])(
  'names the missing variable %s: InvalidConfiguration',
  async (name) => {
    const { invoke } = await setUp();
    await expect(invoke({ plan, role }, { [name]: undefined })).rejects.toMatchObject(
      errorOf('InvalidConfiguration', name),
    );
  },
);
