import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../../functions/post-subscribers/environment.ts';
import { environmentOf } from '../environment.ts';
import { lambda, secret } from '../lambda.ts';

const stateMachineArn = 'arn:aws:states:us-east-1:111111111111:stateMachine:onboard-subscriber';
const subscriber = { userName: 'Acme', emailId: 'mlops@acme.example' };
const password = secret('password');
const post = (body: unknown) => ({ version: '2.0', body: JSON.stringify(body), isBase64Encoded: false });

/** More than an execution's input takes. */
const manyParameters = Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`P${i}`, 'x'.repeat(4000)]));

function setUp() {
  const stepFunctions = mockClient(SFNClient);
  stepFunctions.on(StartExecutionCommand).resolves({});
  const secrets = mockClient(SecretsManagerClient);
  secrets.on(CreateSecretCommand).resolves({ VersionId: 'version-1' });
  const documents = mockClient(DynamoDBDocumentClient);
  documents.on(GetCommand).resolves({});
  const lines: string[] = [];
  const variables = environmentOf(environmentSchema, {
    STATE_MACHINE_ARN: stateMachineArn,
    SUPERADMIN_USER_NAME: 'root',
    ALLOWED_STACK_PARAMETERS: Object.keys(manyParameters).join(','),
  });
  const invoke = lambda(() => import('../../../../functions/post-subscribers/handler.ts'), variables, lines);
  const started = () =>
    stepFunctions.commandCalls(StartExecutionCommand).map(({ args: [{ input }] }) => ({
      name: input.name,
      stateMachineArn: input.stateMachineArn,
      input: JSON.parse(input.input ?? ''),
    }));
  return { invoke, lines, stepFunctions, secrets, started };
}

describe('POST /subscribers', () => {
  it('starts an execution whose name shows the subscriber, and says where to ask for its status', async () => {
    const { invoke, started, secrets } = setUp();
    const response = await invoke(post({ subscriber }));
    const [execution] = started();
    expect(execution).toMatchObject({ stateMachineArn, input: { subscriber } });
    expect(execution?.name).toMatch(/^Acme-[a-z0-9]+$/);
    const location = `/subscribers/Acme?execution=${execution?.name}`;
    expect(response).toMatchObject({ statusCode: 202, headers: { location, 'content-type': 'application/json' } });
    expect(JSON.parse(response.body)).toEqual({
      userName: 'Acme',
      operation: 'onboard-subscriber',
      status: 'ONBOARDING',
      executionArn: `arn:aws:states:us-east-1:111111111111:execution:onboard-subscriber:${execution?.name}`,
      location,
    });
    expect(secrets.calls()).toEqual([]);
  });

  it('is logged with the subscriber and, once there is one, the execution', async () => {
    const { invoke, lines } = setUp();
    const { executionArn } = JSON.parse((await invoke(post({ subscriber }))).body);
    await invoke(post({ subscriber, colour: 'blue' }));
    const parsed = lines.map((line) => JSON.parse(line));
    const started = parsed.find(({ message }) => message === 'execution started');
    expect(started).toMatchObject({ userName: 'Acme', executionArn });
    const refused = parsed.find(({ message }) => message === 'request refused');
    expect(refused).toMatchObject({ userName: 'Acme' });
    expect(refused).not.toHaveProperty('executionArn');
  });

  it('puts a password into a secret of the execution before that is started, and passes the reference on', async () => {
    const { invoke, started, secrets, stepFunctions } = setUp();
    await invoke(post({ subscriber, password }));
    const [execution] = started();
    const passwordSecretId = `infinstor/test/input/acme/api/${execution?.name}`;
    expect(execution?.input).toEqual({ subscriber, passwordSecretId, origin: expect.anything() });
    const [creation] = secrets.commandCalls(CreateSecretCommand);
    expect(creation?.args[0].input).toMatchObject({
      Name: passwordSecretId,
      SecretString: JSON.stringify({ password }),
    });
    expect(creation?.calledBefore(stepFunctions.call(0))).toBe(true);
  });

  it('takes a body that API Gateway has encoded', async () => {
    const { invoke, started } = setUp();
    const body = Buffer.from(JSON.stringify({ subscriber })).toString('base64');
    expect(await invoke({ body, isBase64Encoded: true })).toMatchObject({ statusCode: 202 });
    expect(started()).toMatchObject([{ input: { subscriber } }]);
  });

  it.each<[string, unknown, string]>([
    ['a body that is not JSON', { body: '{"subscriber":' }, 'request: must be JSON'],
    ['no body', {}, 'request: must be JSON'],
    ['a list', post([]), 'request: must be an object'],
    ['null', post(null), 'request: must be an object'],
    ['an unknown field', post({ subscriber, colour: 'x' }), 'colour: is not a known field'],
    ['an account of somebody else', post({ subscriber, stack: { accountId: '222222222222' } }), 'stack.accountId: '],
    ['a password that is a number', post({ subscriber, password: 7 }), 'password: must be a string'],
    ['an empty password', post({ subscriber, password: '' }), 'password: must not be empty'],
    ['a password of 257 characters', post({ subscriber, password: 'x'.repeat(257) }), 'password: must be at most 256'],
    ['a password within the subscriber', post({ subscriber: { ...subscriber, password } }), 'subscriber.password: '],
    [
      'the password of another execution',
      post({ subscriber, passwordSecretId: 'infinstor/test/input/acme/api/acme-mf8x2k4a01234567' }),
      'passwordSecretId: must not name a password that came through the HTTP API',
    ],
    [
      "another subscriber's password",
      post({ subscriber, passwordSecretId: 'infinstor/test/input/victim/password' }),
      'passwordSecretId: must name a secret below infinstor/test/input/acme/',
    ],
    [
      'two passwords',
      post({ subscriber, password, passwordSecretId: 'infinstor/test/input/acme/x' }),
      'password: must not be given together with passwordSecretId',
    ],
    ['a password with a bad request', post({ subscriber: { userName: '-' }, password }), 'subscriber.userName: '],
    [
      'more than an execution takes',
      post({
        subscriber,
        password,
        stack: { parameters: manyParameters },
      }),
      'request: must be at most 256 KiB',
    ],
  ])('refuses %s with 400, naming field and rule, before it does anything', async (_, event, message) => {
    const { invoke, stepFunctions, secrets } = setUp();
    const response = await invoke(event);
    expect(response.statusCode).toBe(400);
    expect(response.headers).toMatchObject({ 'content-type': 'application/problem+json' });
    expect(JSON.parse(response.body)).toEqual({
      type: 'urn:infinstor-onboarding:docs/runbook.md#invalidrequest',
      title: 'Invalid request',
      status: 400,
      detail: expect.stringContaining(message),
      instance: expect.stringMatching(/^urn:uuid:[\w-]{36}$/),
      name: 'InvalidRequest',
      remedy: expect.stringMatching(/^Correct the field/),
      errors: expect.arrayContaining([{ pointer: expect.any(String), detail: expect.any(String) }]),
    });
    expect([stepFunctions.calls(), secrets.calls()]).toEqual([[], []]);
  });

  it('names all that is wrong at once, a hundred places at most', async () => {
    const { invoke } = setUp();
    const wrong = {
      subscriber: { userName: '-', password },
      password: '',
      passwordSecretId: 7,
      stack: { parameters: manyParameters, tags: { 'a/b': 'x' } },
    };
    const problem = JSON.parse((await invoke(post(wrong))).body);
    expect(problem.errors.map(({ pointer, detail }: Record<string, string>) => `${pointer} ${detail}`)).toEqual([
      expect.stringContaining('/subscriber/userName must be 1 to 34'),
      '/subscriber/emailId is required',
      '/passwordSecretId must be a string',
      expect.stringContaining('/stack/tags/a~1b is not allowed'),
      '/subscriber/password must stand beside subscriber, as password',
      '/password must not be given together with passwordSecretId',
      '/password must not be empty',
      ' must be at most 256 KiB',
    ]);
    const many = Object.fromEntries(Array.from({ length: 120 }, (_, n) => [`f${n}`, 1]));
    const ofMany = JSON.parse((await invoke(post({ subscriber, ...many }))).body);
    expect(ofMany.errors).toHaveLength(100);
    expect(ofMany.detail).toMatch(/; f19: is not a known field; and 100 more$/);
  });

  it('answers without a word of the request when Step Functions does not answer', async () => {
    const { invoke, stepFunctions } = setUp();
    stepFunctions.on(StartExecutionCommand).rejects(Object.assign(new Error('slow'), { name: 'ThrottlingException' }));
    const { statusCode, headers, body } = await invoke(post({ subscriber, password }));
    expect([statusCode, headers['retry-after'], JSON.parse(body).name]).toEqual([503, '5', 'AwsBusy']);
    expect(body).not.toContain('slow');
  });
});
