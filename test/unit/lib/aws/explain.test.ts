import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { clientConfig } from '../../../../lib/aws/clients.ts';
import { explain } from '../../../../lib/aws/explain.ts';
import { failedCallsLogger } from '../../../../lib/aws/failed-calls.ts';
import { functionCalls } from '../../../../scripts/function-calls.ts';

const functionName = 'infinstor-onboarding-dev-obtain-token';

beforeEach(() => void vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', functionName));
afterEach(() => void vi.unstubAllEnvs());

/** An error of a client, as its own middleware reports it. */
function failed(
  name: string,
  message: string,
  call: { clientName: string; commandName: string; input?: object; metadata?: object },
): Error {
  const error = Object.assign(new Error(message), { name });
  failedCallsLogger.error({ input: {}, ...call, error });
  return error;
}

const getSecret = {
  clientName: 'SecretsManagerClient',
  commandName: 'GetSecretValueCommand',
  input: { SecretId: 'infinstor/dev/superadmin' },
};
const user = 'User: arn:aws:sts::111111111111:assumed-role/ObtainTokenRole-1/infinstor-onboarding-dev-obtain-token';

describe('an error of AWS', () => {
  // As AWS words them: IAM user guide, "Troubleshoot access denied error messages", and the security blog of the policy's ARN.
  it.each([
    ` is not authorized to perform: secretsmanager:GetSecretValue on resource: infinstor/dev/superadmin because no identity-based policy allows the secretsmanager:GetSecretValue action`,
    ` is not authorized to perform: secretsmanager:GetSecretValue on resource: infinstor/dev/superadmin with an explicit deny in a service control policy: arn:aws:organizations::987654321098:policy/o-qv5af4abcd/service_control_policy/p-2kgnabcd`,
    ` is not authorized to perform: secretsmanager:GetSecretValue on resource: infinstor/dev/superadmin because no permissions boundary allows the secretsmanager:GetSecretValue action`,
  ])('that names role, action, resource and policy is left as it is: %s', (text) => {
    expect(explain(failed('AccessDeniedException', `${user}${text}`, getSecret))).toBe(`${user}${text}`);
  });

  it.each([
    [
      'sts:AssumeRole on resource: arn:aws:iam::222222222222:role/access',
      / \(AWS does not say by what: the role's policy, /,
    ],
    [
      'kms:GetKeyPolicy on resource: arn:aws:kms:us-east-1:111111111111:key/1',
      / \(AWS does not say by what: the key's policy, /,
    ],
  ])('that does not say what denies names what may: %s', (what, end) => {
    const text = `${user} is not authorized to perform: ${what}`;
    const said = explain(failed('AccessDenied', text, getSecret));
    expect(said.startsWith(text)).toBe(true);
    expect(said).toMatch(end);
  });

  it('that says nothing of it gets role, action and resource', () => {
    const call = { clientName: 'SFNClient', commandName: 'SendTaskSuccessCommand' };
    expect(explain(failed('AccessDeniedException', 'Access Denied', call))).toBe(
      `states:SendTaskSuccess: Access Denied, to the role of function ${functionName}`,
    );
    expect(explain(failed('AccessDeniedException', 'Access to KMS is not allowed', getSecret))).toBe(
      `secretsmanager:GetSecretValue on infinstor/dev/superadmin: Access to KMS is not allowed, to the role of function ${functionName}`,
    );
  });

  it("of a key that is disabled is not blamed on the function's role", () => {
    const key = 'arn:aws:kms:us-east-1:111111111111:key/1';
    const call = { clientName: 'KMSClient', commandName: 'PutKeyPolicyCommand', input: { KeyId: key } };
    expect(explain(failed('DisabledException', `${key} is disabled.`, call))).toBe(
      `kms:PutKeyPolicy: ${key} is disabled.`,
    );
  });

  it('that passes says how often it was tried', () => {
    const metadata = { attempts: 3, totalRetryDelay: 1234 };
    expect(explain(failed('ThrottlingException', 'Rate exceeded', { ...getSecret, metadata }))).toBe(
      'secretsmanager:GetSecretValue on infinstor/dev/superadmin: Rate exceeded (tried 3 times, with 1.2 s of pauses, by the function)',
    );
    expect(explain(failed('TimeoutError', '', getSecret))).toBe(
      'secretsmanager:GetSecretValue on infinstor/dev/superadmin: TimeoutError',
    );
  });

  it('names nothing twice', () => {
    const text = 'Stack with id acme does not exist';
    const call = {
      clientName: 'CloudFormationClient',
      commandName: 'DescribeStacksCommand',
      input: { StackName: 'acme' },
    };
    expect(explain(failed('ValidationError', text, call))).toBe(`cloudformation:DescribeStacks: ${text}`);
  });

  it('holds nothing of the input but what the call is about', () => {
    const input = { SecretId: 'infinstor/dev/superadmin', SecretString: 'Marked-1', ClientRequestToken: 'Marked-2' };
    const said = explain(failed('InternalServiceError', 'no', { ...getSecret, input }));
    expect(said).not.toMatch(/Marked/);
  });
});

it('an error that no client has thrown is as it is', () => {
  expect(explain(new Error('x is not a function'))).toBe('x is not a function');
});

/** The packages of the clients, by IAM's name of the service. */
const clientPackages: Readonly<Record<string, string>> = {
  cloudformation: 'cloudformation',
  cognito: 'cognito-identity-provider',
  dynamodb: 'dynamodb',
  events: 'eventbridge',
  iam: 'iam',
  kms: 'kms',
  secretsmanager: 'secrets-manager',
  sqs: 'sqs',
  states: 'sfn',
  sts: 'sts',
};

/** Every call of a function but those of S3 and Service Quotas, which have no client (lib/aws/signed/s3.ts, lib/stacks/quotas/signed-calls.ts), and InfinStor's. */
const calls = new Set(
  Object.values(functionCalls)
    .flatMap(({ calls, loops = {} }) => [...Object.keys(calls), ...Object.keys(loops)])
    .filter((call) => !/^(s3|servicequotas|infinstor):/.test(call)),
);

const exportsSchema = v.record(v.string(), v.unknown());
type Send = (command: unknown) => Promise<unknown>;
const sendable = v.custom<{ send: Send }>((value) => typeof value === 'object' && value !== null && 'send' in value);

describe('a client', () => {
  it.each([...calls])("reports %s by IAM's name when AWS refuses it", async (call) => {
    const [service = '', operation = ''] = call.split(':');
    const module = v.parse(exportsSchema, { ...(await import(`@aws-sdk/client-${clientPackages[service]}`)) });
    const [, Client] = Object.entries(module).find(([name]) => name.endsWith('Client') && name !== '__Client') ?? [];
    const Command = module[`${operation}Command`];
    if (typeof Client !== 'function' || typeof Command !== 'function') throw new Error(`${call} is in no client`);
    const body = '{"__type": "AccessDeniedException", "message": "Access Denied"}';
    const xml =
      '<ErrorResponse><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error></ErrorResponse>';
    const isXml = ['cloudformation', 'iam', 'sts'].includes(service);
    const client = v.parse(
      sendable,
      Reflect.construct(Client, [
        {
          ...clientConfig,
          region: 'us-east-1',
          endpoint: 'https://aws.invalid',
          credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
          maxAttempts: 1,
          requestHandler: {
            handle: async () => ({
              response: {
                statusCode: isXml ? 403 : 400,
                headers: { 'content-type': isXml ? 'text/xml' : 'application/x-amz-json-1.1' },
                body: new TextEncoder().encode(isXml ? xml : body),
              },
            }),
          },
        },
      ]),
    );
    const error = await client
      .send(Reflect.construct(Command, [inputOf(operation)]))
      .catch((thrown: unknown) => thrown);
    if (!(error instanceof Error)) throw new Error(`${call} was not refused`);
    expect(error.name).toMatch(/^AccessDenied(Exception)?$/);
    const action = call.replace(/^cognito:/, 'cognito-idp:');
    expect(explain(error)).toMatch(
      new RegExp(`^${action}( on \\S+)?: Access Denied, to the role of function ${functionName}$`),
    );
  });
});

/** Members without which a client does not make the call. */
function inputOf(operation: string): object {
  switch (operation) {
    case 'SendMessage':
      return { QueueUrl: 'https://aws.invalid/queue', MessageBody: 'x' };
    case 'PutEvents':
      return { Entries: [] };
    default:
      return {};
  }
}
