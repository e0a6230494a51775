import {
  CloudFormationClient,
  CloudFormationServiceException,
  DescribeStacksCommand,
  type DescribeStacksOutput,
  GetTemplateSummaryCommand,
  type GetTemplateSummaryOutput,
} from '@aws-sdk/client-cloudformation';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import {
  DescribeKeyCommand,
  GetKeyPolicyCommand,
  type KeyMetadata,
  KMSClient,
  ListResourceTagsCommand,
  NotFoundException,
} from '@aws-sdk/client-kms';
import { DescribeSecretCommand } from '@aws-sdk/client-secrets-manager';
import {
  DescribeExecutionCommand,
  ExecutionDoesNotExist,
  type ExecutionStatus,
  GetExecutionHistoryCommand,
  SFNClient,
} from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient, GetCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { fakeSecrets } from '../fake-secrets.ts';
import { fullPolicy, keyPolicy, orphanedPolicy } from '../key-policy.ts';
import { errorOf, lambda, now, secret } from '../lambda.ts';
import { accounts, fakeSts } from '../other-account.ts';
import { executionArn, otherExecutionArn, stackId } from '../plan.ts';

const environment = {
  REGISTRY_TABLE: 'registry',
  SECRET_PREFIX: 'infinstor/test/',
  STACK_NAME_PREFIX: 'infinstor-subscriber-',
  ROLE_NAME_PREFIX: 'RoleForInfinStorMlflowService-',
  KEY_ACCESS: 'role-arns',
  STACK_SERVICE_ROLE_ARN: 'arn:aws:iam::111111111111:role/stack-service',
  STACK_REGIONS: 'us-east-1,eu-west-1',
  STACK_EVENT_REGIONS: 'us-east-1',
  ACCOUNTS: '{}',
  TEMPLATE_BASE_URL: 'https://templates.example',
  DEFAULT_BUILD: '2.3.72',
  TEMPLATE_PARAMETERS: JSON.stringify({
    subscriber: { SubscriberName: '{userName}' },
    customToken: 'CustomToken',
    artifacts: {
      'sse-s3': { S3: 'sse-s3' },
      'sse-kms-aws-managed': { S3: 'kms' },
      'sse-kms-customer-managed': { S3: 'cmk', S3Key: '{keyArn}' },
    },
    tracking: {
      'aws-owned': { DynamoDb: 'owned' },
      'aws-managed': { DynamoDb: 'kms' },
      'customer-managed': { DynamoDb: 'cmk', DynamoDbKey: '{keyArn}' },
    },
  }),
  ALLOWED_CAPABILITIES: 'CAPABILITY_IAM,CAPABILITY_NAMED_IAM',
  REQUIRE_NO_ECHO: 'false',
};
const templateUrl = 'https://templates.example/2.3.72/infinstor-setup-customer.yaml';
const keyArn = 'arn:aws:kms:us-east-1:111111111111:key/11111111-1111-4111-8111-111111111111';
const subscriber = { userName: 'Acme', emailId: 'mlops@acme.example' };
const encryption = {
  artifacts: { type: 'sse-kms-customer-managed', keyArn },
  tracking: { type: 'customer-managed', keyArn },
};
const details = { message: 'refused', $metadata: {} };
const validationError = (message: string) =>
  new CloudFormationServiceException({ name: 'ValidationError', message, $fault: 'client', $metadata: {} });

const parameter = (ParameterKey: string, DefaultValue?: string) => ({ ParameterKey, DefaultValue });
const summary: GetTemplateSummaryOutput = {
  Capabilities: ['CAPABILITY_NAMED_IAM'],
  Parameters: [
    parameter('SubscriberName'),
    { ...parameter('CustomToken'), NoEcho: true },
    ...['S3', 'S3Key', 'DynamoDb', 'DynamoDbKey'].map((name) => parameter(name, '')),
  ],
};
const enabledKey: KeyMetadata = {
  KeyId: keyArn,
  KeyManager: 'CUSTOMER',
  KeyState: 'Enabled',
  KeySpec: 'SYMMETRIC_DEFAULT',
  KeyUsage: 'ENCRYPT_DECRYPT',
};

/** The function in an account where everything is as a first onboarding needs it. */
function setUp() {
  const secrets = fakeSecrets({ 'infinstor/test/input/acme': { password: secret('password') } });
  const cloudFormation = mockClient(CloudFormationClient);
  cloudFormation.on(GetTemplateSummaryCommand, { TemplateURL: templateUrl }).resolves(summary);
  cloudFormation.on(DescribeStacksCommand).rejects(validationError('Stack with id acme does not exist'));
  const kms = mockClient(KMSClient);
  kms.on(DescribeKeyCommand, { KeyId: keyArn }).resolves({ KeyMetadata: enabledKey });
  kms.on(ListResourceTagsCommand, { KeyId: keyArn }).resolves({
    Tags: [{ TagKey: 'infinstor-onboarding', TagValue: 'allowed' }],
  });
  kms.on(GetKeyPolicyCommand).resolves({ Policy: JSON.stringify(keyPolicy()) });
  const documents = mockClient(DynamoDBDocumentClient);
  documents.on(GetCommand).resolves({});
  documents.on(QueryCommand).resolves({ Items: [] });
  documents.on(UpdateCommand).resolves({});
  const stepFunctions = mockClient(SFNClient);
  stepFunctions.on(GetExecutionHistoryCommand).resolves({ events: [] });
  const load = () => import('../../../functions/accept-request/handler.ts');
  const invoke = lambda(load, environment);
  const accept = (request: object = {}, changes: Partial<typeof environment> = {}) =>
    invoke({ request: { subscriber, ...request }, executionArn }, changes);
  const claims = () => documents.commandCalls(UpdateCommand);
  return { accept, invoke, secrets, cloudFormation, kms, documents, stepFunctions, claims };
}
type World = ReturnType<typeof setUp>;

describe('accepting a request', () => {
  it('plans the onboarding from the request and the deployment, and refers to secrets only', async () => {
    const { accept } = setUp();
    const request = {
      passwordSecretId: 'infinstor/test/input/acme',
      stack: { tags: { team: 'ml' } },
      encryption,
    };
    expect(await accept(request)).toEqual({
      subscriber,
      executionArn,
      passwordSecretId: 'infinstor/test/input/acme',
      customTokenSecretId: undefined,
      credentialsSecretId: 'infinstor/test/subscribers/acme/credentials',
      stack: {
        name: 'infinstor-subscriber-acme',
        accountId: '111111111111',
        region: 'us-east-1',
        templateUrl,
        serviceRoleArn: environment.STACK_SERVICE_ROLE_ARN,
        capabilities: ['CAPABILITY_NAMED_IAM'],
        parameters: {
          SubscriberName: 'Acme',
          S3: 'cmk',
          S3Key: keyArn,
          DynamoDb: 'cmk',
          DynamoDbKey: keyArn,
        },
        tokenParameter: 'CustomToken',
        tags: {
          team: 'ml',
          'infinstor-onboarding:deployment': 'infinstor/test/',
          'infinstor-onboarding:subscriber': 'acme',
          'infinstor-onboarding:plan-hash': expect.stringMatching(/^[0-9a-f]{64}$/),
        },
        planHash: expect.stringMatching(/^[0-9a-f]{64}$/),
        pollSeconds: 600,
      },
      keyArns: [keyArn],
    });
  });

  it('looks often at a stack in another Region, whose events do not come here', async () => {
    const { accept, cloudFormation } = setUp();
    expect(await accept({ stack: { region: 'eu-west-1' } })).toMatchObject({
      stack: { region: 'eu-west-1', pollSeconds: 30 },
    });
    const client: CloudFormationClient = cloudFormation.call(0).thisValue;
    expect(await client.config.region()).toBe('eu-west-1');
  });

  it.each([
    ['only now and then', 600, { STACK_EVENT_REGIONS: 'us-east-1,eu-west-1' }],
    ['often', 30, { STACK_EVENT_REGIONS: 'ap-south-1' }],
  ])('looks %s at a stack in another Region when %i is what its events allow', async (_, pollSeconds, changes) => {
    expect(await setUp().accept({ stack: { region: 'eu-west-1' } }, changes)).toMatchObject({ stack: { pollSeconds } });
  });

  it('hears of stacks in its own Region, whatever else is said', async () => {
    expect(await setUp().accept({}, { STACK_EVENT_REGIONS: '' })).toMatchObject({ stack: { pollSeconds: 600 } });
  });

  it('marks the same template and parameters with the same hash, and others with another one', async () => {
    const { accept, cloudFormation } = setUp();
    cloudFormation.on(GetTemplateSummaryCommand).resolves(summary);
    const hash = async (stack: object) => (await accept({ stack })).stack.planHash;
    const parameters = { S3Key: 'a', DynamoDbKey: 'b' };
    const reordered = { DynamoDbKey: 'b', S3Key: 'a' };
    const first = await hash({ parameters });
    expect(await hash({ parameters: reordered, tags: { team: 'ml' } })).toBe(first);
    for (const other of [{}, { parameters, build: '2.4.1' }, { parameters, region: 'eu-west-1' }]) {
      expect(await hash(other)).not.toBe(first);
    }
  });

  it('warns of a template that shows the custom token, unless the deployment refuses it', async () => {
    const { accept, cloudFormation } = setUp();
    const shown = summary.Parameters?.map((shownParameter) => ({ ...shownParameter, NoEcho: false })) ?? [];
    cloudFormation.on(GetTemplateSummaryCommand).resolves({ ...summary, Parameters: shown });
    await expect(accept()).resolves.toMatchObject({ subscriber });
    await expect(accept({}, { REQUIRE_NO_ECHO: 'true' })).rejects.toMatchObject(errorOf('TemplateMismatch', 'NoEcho'));
  });
});

describe('a request for another account', () => {
  const there = '222222222222';
  const keyThere = keyArn.replace('111111111111', there);
  const stack = { accountId: there, region: 'us-east-1' };
  const configured = { ACCOUNTS: JSON.stringify(accounts) };
  const withKey = { stack, encryption: { tracking: { type: 'customer-managed', keyArn: keyThere } } };

  it("is looked at and planned there, with the account's roles", async () => {
    const { accept, cloudFormation, kms, claims } = setUp();
    const { assumed } = fakeSts();
    kms.on(DescribeKeyCommand).resolves({ KeyMetadata: enabledKey });
    kms.on(ListResourceTagsCommand).resolves({ Tags: [{ TagKey: 'infinstor-onboarding', TagValue: 'allowed' }] });
    expect(await accept(withKey, configured)).toMatchObject({
      stack: { ...stack, serviceRoleArn: 'arn:aws:iam::222222222222:role/stacks', pollSeconds: 30 },
      keyArns: [keyThere],
    });
    for (const { thisValue } of [...cloudFormation.calls(), ...kms.calls()]) {
      const client: KMSClient = thisValue;
      expect(await client.config.credentials()).toMatchObject({ accessKeyId: 'ASIATHERE' });
    }
    expect(assumed()[0]).toMatchObject({ RoleSessionName: 'function-under-test', ExternalId: secret('external-id') });
    expect(claims()[0]?.args[0].input.ExpressionAttributeValues).toMatchObject({ ':home': stack });
  });

  it('is waited for by events where the account forwards them', async () => {
    fakeSts();
    const ACCOUNTS = JSON.stringify({ [there]: { ...accounts[there], stackEvents: 'forwarded' } });
    expect(await setUp().accept({ stack }, { ACCOUNTS })).toMatchObject({ stack: { pollSeconds: 600 } });
  });

  it.each<[string, string, object]>([
    ['InvalidRequest', 'stack.accountId: must be one of 111111111111', { stack }],
    [
      'InvalidRequest',
      'stack.region: must be one of us-east-1, eu-west-1 in account',
      { stack: { ...stack, region: 'x' } },
    ],
    [
      'InvalidRequest',
      'stack.roleArn: is not a known field',
      { stack: { ...stack, roleArn: 'arn:aws:iam::1:role/x' } },
    ],
    ['InvalidRequest', 'stack.externalId: is not a known field', { stack: { ...stack, externalId: 'mine' } }],
    ['KeyNotUsable', 'it is not in account 222222222222, where the stack is', { stack, encryption }],
    ['KeyNotUsable', 'it is not in Region eu-west-1', { ...withKey, stack: { ...stack, region: 'eu-west-1' } }],
  ])('is %s: %s', async (name, message, request) => {
    const { accept, cloudFormation, claims } = setUp();
    const changes = message.endsWith('111111111111') ? {} : configured;
    await expect(accept(request, changes)).rejects.toMatchObject(errorOf(name, message));
    expect([...cloudFormation.calls(), ...claims()]).toEqual([]);
  });
});

describe('a subscriber who has a stack elsewhere', () => {
  const record = (home: object | undefined, id?: string) => ({
    Item: {
      userName: 'Acme',
      status: 'FAILED',
      executionArn: otherExecutionArn,
      updatedAt: '2026-01-01T11:00:00.000Z',
      attempts: [],
      home,
      stackId: id,
    },
  });
  const elsewhere = { accountId: '111111111111', region: 'eu-west-1' };

  it.each([
    ['as the registry says', record(elsewhere)],
    ['as the id of its stack says', record(undefined, stackId)],
  ])('keeps it, %s: StackNeedsAttention', async (_, item) => {
    const { accept, documents, cloudFormation, claims } = setUp();
    documents.on(GetCommand).resolves(item);
    cloudFormation.on(DescribeStacksCommand).callsFake(async (_input, client) => {
      const region = await client().config.region();
      if (region === 'eu-west-1') return { Stacks: [{ StackId: stackId, StackStatus: 'CREATE_COMPLETE' }] };
      throw validationError('Stack with id acme does not exist');
    });
    await expect(accept()).rejects.toMatchObject(
      errorOf('StackNeedsAttention', 'stack infinstor-subscriber-acme in account 111111111111 in eu-west-1 already'),
    );
    expect(claims()).toEqual([]);
  });

  it.each([
    ['its stack is gone', elsewhere],
    ['it never had one', undefined],
    ['it is here', { accountId: '111111111111', region: 'us-east-1' }],
  ])('may have one here when %s', async (_, home) => {
    const { accept, documents, stepFunctions, claims } = setUp();
    documents.on(GetCommand).resolves(record(home));
    stepFunctions.on(DescribeExecutionCommand).resolves({ executionArn: otherExecutionArn, status: 'FAILED' });
    await accept();
    expect(claims()).toHaveLength(1);
  });
});

describe('the capabilities of a template', () => {
  const allowed = { ALLOWED_CAPABILITIES: 'CAPABILITY_IAM,CAPABILITY_NAMED_IAM,CAPABILITY_AUTO_EXPAND' };

  it('are the ones that it needs, of those that are allowed', async () => {
    const { accept, cloudFormation } = setUp();
    cloudFormation.on(GetTemplateSummaryCommand).resolves({ ...summary, ResourceTypes: ['AWS::IAM::Role'] });
    expect((await accept({}, allowed)).stack.capabilities).toEqual(['CAPABILITY_NAMED_IAM']);
  });

  it('are all that are allowed when it nests stacks, as nobody can tell what theirs need', async () => {
    const { accept, cloudFormation } = setUp();
    const nesting = { ...summary, Capabilities: [], ResourceTypes: ['AWS::CloudFormation::Stack'] };
    cloudFormation.on(GetTemplateSummaryCommand).resolves(nesting);
    expect((await accept({}, allowed)).stack.capabilities).toEqual(allowed.ALLOWED_CAPABILITIES.split(','));
  });

  it('are refused where the deployment allows one that CloudFormation does not have: InvalidConfiguration', async () => {
    const { accept } = setUp();
    const misspelt = { ALLOWED_CAPABILITIES: 'CAPABILITY_IAM, CAPABILITY_NAMED_IAM' };
    await expect(accept({}, misspelt)).rejects.toMatchObject(errorOf('InvalidConfiguration', 'ALLOWED_CAPABILITIES'));
  });
});

describe('claiming the subscriber', () => {
  const record = {
    userName: 'Acme',
    status: 'ONBOARDING',
    executionArn: otherExecutionArn,
    updatedAt: '',
    attempts: [],
  };

  it('is the last thing done, and makes the record if there is none', async () => {
    const { accept, cloudFormation, kms, secrets, claims } = setUp();
    await accept({ passwordSecretId: 'infinstor/test/input/acme', encryption });
    const [claim, ...others] = claims();
    expect(others).toEqual([]);
    expect(claim?.args[0].input).toMatchObject({
      TableName: 'registry',
      Key: { pk: 'SUBSCRIBER#acme', sk: 'RECORD' },
      ConditionExpression: 'attribute_not_exists(#executionArn)',
      ExpressionAttributeValues: {
        ':status': 'ONBOARDING',
        ':executionArn': executionArn,
        ':userName': 'Acme',
        ':attempts': [{ executionArn, startedAt: now.toISOString() }],
      },
    });
    const checks = [...cloudFormation.calls(), ...kms.calls(), ...secrets.client.calls()];
    expect(checks.length).toBeGreaterThanOrEqual(6);
    for (const check of checks) expect(claim?.calledAfter(check)).toBe(true);
  });

  it('is done already when the step is repeated', async () => {
    const { accept, documents, claims } = setUp();
    documents.on(GetCommand).resolves({ Item: { ...record, executionArn } });
    await expect(accept()).resolves.toMatchObject({ executionArn });
    expect(claims()).toEqual([]);
  });

  it("takes its own record back after a redrive, whatever a failure's event wrote into it", async () => {
    const { accept, documents, claims } = setUp();
    documents.on(GetCommand).resolves({ Item: { ...record, status: 'FAILED', executionArn } });
    await accept();
    expect(claims()).toHaveLength(1);
  });

  it.each<[string, ExecutionStatus]>([
    ['ONBOARDING', 'RUNNING'],
    ['ONBOARDING', 'PENDING_REDRIVE'],
    // A redrive runs on, though its record says FAILED.
    ['FAILED', 'RUNNING'],
  ])('is OnboardingInProgress while the execution of a record %s is %s', async (status, executionStatus) => {
    const { accept, documents, stepFunctions, claims } = setUp();
    documents.on(GetCommand).resolves({ Item: { ...record, status } });
    stepFunctions
      .on(DescribeExecutionCommand, { executionArn: otherExecutionArn })
      .resolves({ executionArn: otherExecutionArn, status: executionStatus });
    await expect(accept()).rejects.toMatchObject({ name: 'OnboardingInProgress', executionArn: otherExecutionArn });
    expect(claims()).toEqual([]);
  });

  it.each<[string, ExecutionStatus]>([
    ['ONBOARDING', 'ABORTED'],
    ['FAILED', 'FAILED'],
    ['ACTIVE', 'SUCCEEDED'],
  ])('takes over a record %s whose execution is %s, if it belongs to it still', async (status, executionStatus) => {
    const { accept, documents, stepFunctions, claims } = setUp();
    documents.on(GetCommand).resolves({ Item: { ...record, status } });
    stepFunctions.on(DescribeExecutionCommand).resolves({ executionArn: otherExecutionArn, status: executionStatus });
    await accept();
    expect(claims().map(({ args: [{ input }] }) => input)).toMatchObject([
      {
        ConditionExpression: '#executionArn = :onlyIfOf',
        ExpressionAttributeValues: { ':onlyIfOf': otherExecutionArn, ':executionArn': executionArn },
      },
    ]);
  });

  it('takes over the record of an execution whose history is gone', async () => {
    const { accept, documents, stepFunctions, claims } = setUp();
    documents.on(GetCommand).resolves({ Item: record });
    stepFunctions.on(DescribeExecutionCommand).rejects(new ExecutionDoesNotExist(details));
    await accept();
    expect(claims()).toHaveLength(1);
  });

  it('is OnboardingInProgress when another execution claims at the same moment', async () => {
    const { accept, documents } = setUp();
    documents.on(GetCommand).resolvesOnce({}).resolves({ Item: record });
    documents.on(UpdateCommand).rejects(new ConditionalCheckFailedException(details));
    await expect(accept()).rejects.toMatchObject({ name: 'OnboardingInProgress', executionArn: otherExecutionArn });
  });
});

describe('a check that fails writes nothing', () => {
  const customerKey = { encryption: { artifacts: encryption.artifacts } };
  const keyInstead = (other: string) => ({ tracking: { type: 'customer-managed', keyArn: other } });
  const ofStage = (secretPrefix: string): [string, string] => ['infinstor-onboarding:deployment', secretPrefix];
  const ofAcme: [string, string] = ['infinstor-onboarding:subscriber', 'acme'];
  const live = (...tags: [string, string][]): DescribeStacksOutput => ({
    Stacks: [
      {
        StackId: stackId,
        StackName: 'infinstor-subscriber-acme',
        CreationTime: new Date(0),
        StackStatus: 'CREATE_COMPLETE',
        Tags: tags.map(([Key, Value]) => ({ Key, Value })),
      },
    ],
  });
  const withKey =
    (change: Partial<KeyMetadata>) =>
    ({ kms }: World) =>
      kms.on(DescribeKeyCommand).resolves({ KeyMetadata: { ...enabledKey, ...change } });
  const withPolicy =
    (policy: object) =>
    ({ kms }: World) =>
      kms.on(GetKeyPolicyCommand).resolves({ Policy: JSON.stringify(policy) });
  const withSummary =
    (change: Partial<GetTemplateSummaryOutput>) =>
    ({ cloudFormation }: World) =>
      cloudFormation.on(GetTemplateSummaryCommand).resolves({ ...summary, ...change });
  const withTemplateError =
    (words: string) =>
    ({ cloudFormation }: World) =>
      cloudFormation.on(GetTemplateSummaryCommand).rejects(validationError(words));
  const asItIs = () => {};

  it.each<[name: string, reason: string, request: object, arrange: (world: World) => unknown]>([
    ['InvalidRequest', 'subscriber.password', { subscriber: { ...subscriber, password: secret('password') } }, asItIs],
    ['InvalidRequest', 'colour', { colour: 'blue' }, asItIs],
    ['InvalidRequest', 'passwordSecretId', { passwordSecretId: 'infinstor/test/superadmin' }, asItIs],
    ['InvalidRequest', 'passwordSecretId', { passwordSecretId: 'infinstor/test/input/none' }, asItIs],
    [
      'InvalidRequest',
      'customTokenSecretId',
      { customTokenSecretId: 'infinstor/test/input/acme' },
      ({ secrets }) => secrets.client.on(DescribeSecretCommand).resolves({ DeletedDate: new Date(0) }),
    ],
    ['InvalidRequest', 'stack.accountId', { stack: { accountId: '222222222222' } }, asItIs],
    ['InvalidRequest', 'us-east-1, eu-west-1', { stack: { region: 'us-west-2' } }, asItIs],
    ['InvalidRequest', 'stack.parameters.S3', { stack: { parameters: { S3: 'none' } } }, asItIs],
    ['InvalidRequest', 'stack.parameters.Nope', { stack: { parameters: { Nope: 'x' } } }, asItIs],
    ['KeyNotUsable', 'account', { encryption: keyInstead(keyArn.replace('111111111111', '222222222222')) }, asItIs],
    ['KeyNotUsable', 'Region', { encryption: keyInstead(keyArn.replace('us-east-1', 'eu-west-1')) }, asItIs],
    [
      'KeyNotUsable',
      'no such key',
      customerKey,
      ({ kms }) => kms.on(DescribeKeyCommand).rejects(new NotFoundException(details)),
    ],
    ['KeyNotUsable', 'managed by AWS', customerKey, withKey({ KeyManager: 'AWS' })],
    ['KeyNotUsable', 'Disabled', customerKey, withKey({ KeyState: 'Disabled' })],
    ['KeyNotUsable', 'PendingDeletion', customerKey, withKey({ KeyState: 'PendingDeletion' })],
    ['KeyNotUsable', 'RSA_2048', customerKey, withKey({ KeySpec: 'RSA_2048' })],
    ['KeyNotUsable', 'GENERATE_VERIFY_MAC', customerKey, withKey({ KeyUsage: 'GENERATE_VERIFY_MAC' })],
    [
      'KeyNotUsable',
      'tag',
      customerKey,
      ({ kms }) =>
        kms.on(ListResourceTagsCommand).resolves({ Tags: [{ TagKey: 'infinstor-onboarding', TagValue: 'no' }] }),
    ],
    ['KeyPolicyFull', 'bytes', customerKey, withPolicy(fullPolicy)],
    ['KeyPolicyOrphan', 'AROADELETED', customerKey, withPolicy(orphanedPolicy)],
    ['TemplateMismatch', templateUrl, {}, withTemplateError('S3 error: Access Denied')],
    ['InvalidRequest', 'stack.build', { stack: { build: '2.3.73' } }, withTemplateError('S3 error: Access Denied')],
    ['TemplateMismatch', 'is not valid', { stack: { build: '2.3.73' } }, withTemplateError('Template format error')],
    ['TemplateMismatch', 'CAPABILITY_AUTO_EXPAND', {}, withSummary({ Capabilities: ['CAPABILITY_AUTO_EXPAND'] })],
    ['TemplateMismatch', 'SubscriberName', {}, withSummary({ Parameters: [] })],
    [
      'StackNeedsAttention',
      'infinstor-subscriber-acme',
      {},
      ({ cloudFormation }) => cloudFormation.on(DescribeStacksCommand).resolves(live()),
    ],
    [
      'StackNeedsAttention',
      'other parameters',
      {},
      ({ cloudFormation }) =>
        cloudFormation.on(DescribeStacksCommand).resolves(live(ofStage('infinstor/test/'), ofAcme)),
    ],
    [
      'StackNeedsAttention',
      'was not made by',
      {},
      ({ cloudFormation }) =>
        cloudFormation.on(DescribeStacksCommand).resolves(live(ofStage('infinstor/prod/'), ofAcme)),
    ],
  ])('%s: %s', async (name, reason, request, arrange) => {
    const world = setUp();
    arrange(world);
    await expect(world.accept(request)).rejects.toMatchObject(errorOf(name, reason));
    expect(world.claims()).toEqual([]);
  });

  it("InvalidConfiguration: the deployment's own account among the others", async () => {
    const account = JSON.stringify(accounts).replaceAll('222222222222', '111111111111');
    await expect(setUp().accept({}, { ACCOUNTS: account })).rejects.toMatchObject(
      errorOf('InvalidConfiguration', "must not have the deployment's own account"),
    );
  });

  it('refuses a bad request before it asks AWS anything', async () => {
    const { accept, secrets, cloudFormation, kms } = setUp();
    await expect(accept({ encryption, passwordSecretId: 'elsewhere' })).rejects.toMatchObject({
      name: 'InvalidRequest',
    });
    expect([...secrets.client.calls(), ...cloudFormation.calls(), ...kms.calls()]).toEqual([]);
  });

  it.each(Object.keys(environment))('InvalidConfiguration: %s is missing', async (variable) => {
    const { accept, documents } = setUp();
    await expect(accept({}, { [variable]: undefined })).rejects.toMatchObject(
      errorOf('InvalidConfiguration', variable),
    );
    expect(documents.calls()).toEqual([]);
  });
});
