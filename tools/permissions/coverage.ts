import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import {
  DisableRuleCommand,
  EnableRuleCommand,
  EventBridgeClient,
  PutEventsCommand,
} from '@aws-sdk/client-eventbridge';
import { KMSClient, PutKeyPolicyCommand } from '@aws-sdk/client-kms';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { connect, start } from '../../cli/aws/executions.ts';
import { sandboxAt } from '../../cli/target/target.ts';
import type { Sandbox } from '../../sandbox/boot.ts';
import { account, fixtures, otherAccount } from '../../sandbox/core/account.ts';
import { parseFault } from '../../sandbox/core/faults.ts';
import { operatorAt } from '../../sandbox/operator.ts';
import { callApi } from './call-api.ts';
import { coverageOfUsers } from './coverage-of-users.ts';
import { forwardEvents, setUpOtherAccount } from './other-account.ts';

const subscriber = (userName: string) => ({ subscriber: { userName, emailId: 'mlops@example.com' } });
const hour = 60 * 60_000;

/** What else the tour is to do. */
interface Extras {
  /** Everything that is for another account: the deployment must have the one of tools/permissions/other-account.ts. */
  otherAccount?: boolean;
}

/**
 * Makes a sandbox that skips idle time do everything that the deployment is for, each function at least once on each of its
 * ways: what a role is granted and no part of the tour needs, is not needed. Goes on whatever fails.
 */
export async function tour(sandbox: Sandbox, extras: Extras = {}): Promise<void> {
  const { endpoint, stateMachineArn, clock, faults } = sandbox;
  const clients = connect(sandboxAt(endpoint));
  const events = new EventBridgeClient(operatorAt(endpoint));
  const lambda = new LambdaClient(operatorAt(endpoint));

  async function run(machineArn: string, request: Record<string, unknown>): Promise<void> {
    await start(clients, machineArn, request);
    // Nothing is left to do when it is over, which nobody has to ask for again and again.
    await clock.quiet();
  }
  const onboard = (request: Record<string, unknown>) => run(stateMachineArn, request);
  const upgrade = (change: object, userName = 'stale') =>
    run(stateMachineArn.replace('onboard-subscriber', 'upgrade-subscriber'), { subscriber: { userName }, ...change });
  const update = (request: Record<string, unknown>) =>
    run(stateMachineArn.replace('onboard-subscriber', 'update-subscriber'), request);
  const offboard = (userName: string, options: { keepData?: false } = {}) =>
    run(stateMachineArn.replace('onboard-subscriber', 'offboard-subscriber'), {
      subscriber: { userName },
      confirm: userName,
      ...options,
    });
  const put = async (Detail: object, DetailType = 'SubscriberRequested') => {
    const entry = { EventBusName: 'infinstor-onboarding-sandbox', Source: 'tour', DetailType };
    await events.send(new PutEventsCommand({ Entries: [{ ...entry, Detail: JSON.stringify(Detail) }] }));
    await clock.quiet();
  };
  const restore = async (keyArn: string, policyId: unknown = 'none') => {
    const Payload = JSON.stringify({ keyArn, policyId });
    await lambda.send(new InvokeCommand({ FunctionName: 'infinstor-onboarding-sandbox-restore-key-policy', Payload }));
  };
  const fail = (fault: string) => faults.add(parseFault(fault));

  // Both keys, of which KMS does not see the role at first, and then the same again.
  const withKeys = {
    ...subscriber('keys'),
    encryption: {
      artifacts: { type: 'sse-kms-customer-managed', keyArn: fixtures.artifactsKeyArn },
      tracking: { type: 'customer-managed', keyArn: fixtures.trackingKeyArn },
    },
  };
  sandbox.iam.delayNewRoles(5_000);
  await onboard(withKeys);
  sandbox.iam.delayNewRoles(0);
  await onboard(withKeys);

  // Plans of that, and of an onboarding with a password.
  const plan = (body: object) => callApi(sandbox, 'POST', '/plans', body);
  await plan({ request: withKeys });
  await plan({
    request: { ...subscriber('acme'), passwordSecretId: 'infinstor/sandbox/input/acme/new-password' },
  });

  // The check of quotas would look at all accounts in each hour that passes, of which once is enough.
  await events.send(new DisableRuleCommand({ Name: sandbox.physicalId('CheckQuotasRule') }));

  // A key policy that a person writes over, and one that names a role that is deleted.
  clock.advance(hour);
  const enableIam = {
    Effect: 'Allow',
    Principal: { AWS: `arn:aws:iam::${account.accountId}:root` },
    Action: 'kms:*',
    Resource: '*',
  };
  const policy = { Version: '2012-10-17', Statement: [enableIam] };
  const kms = new KMSClient(operatorAt(endpoint));
  await kms.send(new PutKeyPolicyCommand({ KeyId: fixtures.artifactsKeyArn, Policy: JSON.stringify(policy) }));
  // And one in which another deployment has its roles by a pattern: whether that may go is said by the key's tags.
  const shared = { ...policy, Statement: [enableIam, ...patternStatements] };
  await kms.send(new PutKeyPolicyCommand({ KeyId: fixtures.trackingKeyArn, Policy: JSON.stringify(shared) }));
  await clock.quiet();
  sandbox.iam.deleteRole('RoleForInfinStorMlflowService-keys');
  clock.advance(hour);
  await clock.quiet();

  // A key policy that was kept is restored while KMS does not see the role of an onboarding that has ended so; somebody else is
  // offboarded meanwhile, and onboarded again, whose table's name is still taken.
  const leaving = { ...withKeys, ...subscriber('leaving') };
  await onboard(leaving);
  sandbox.iam.delayNewRoles(hour);
  await onboard({ ...withKeys, ...subscriber('unseen-by-kms') });
  const items = await sandbox.dynamoDb.items(sandbox.registryTable);
  for (const keyArn of [fixtures.artifactsKeyArn, fixtures.trackingKeyArn]) {
    const kept = items.find(({ pk, sk }) => pk?.S === `KEY#${keyArn}` && `${sk?.S}`.startsWith('POLICY#'));
    await restore(keyArn, kept?.id?.S);
  }
  // Its record is as an earlier version has left it, which did not keep for which keys it had asked.
  const dynamoDb = new DynamoDBClient(operatorAt(endpoint));
  await dynamoDb.send(
    new UpdateItemCommand({
      TableName: sandbox.registryTable,
      Key: { pk: { S: 'SUBSCRIBER#leaving' }, sk: { S: 'RECORD' } },
      UpdateExpression: 'REMOVE asked',
    }),
  );
  // The plan of its offboarding reads all grants, too.
  const leave = { subscriber: { userName: 'leaving' }, confirm: 'leaving' };
  await plan({ operation: 'offboard-subscriber', request: leave });
  await offboard('leaving');
  sandbox.iam.delayNewRoles(0);
  await onboard(leaving);

  // The API, with a password that InfinStor refuses and one that it accepts, which the sweep deletes; then a status query.
  for (const password of ['tour-marker-too-weak', 'Coverage-Marker-Strong-1!']) {
    await callApi(sandbox, 'POST', '/subscribers', { ...subscriber('api'), password });
    await clock.quiet();
    await callApi(sandbox, 'GET', '/subscribers/api');
    await callApi(sandbox, 'GET', '/subscribers');
    await callApi(sandbox, 'GET', `/subscribers?key=${fixtures.artifactsKeyArn}`);
  }
  // Each further route, of which one starts an onboarding again that has failed, by the same key twice.
  fail('infinstor:register:error=503');
  await callApi(sandbox, 'POST', '/subscribers', subscriber('routes'));
  await clock.quiet();
  const key = { headers: { 'idempotency-key': 'tour' } };
  for (const _ of [1, 2]) {
    await callApi(sandbox, 'POST', '/subscribers/routes/retry', undefined, key);
    await clock.quiet();
  }
  const changed = { subscriber: { emailId: 'routes@example.com' } };
  const users = [{ userName: 'routes-user', emailId: 'user@example.com' }];
  for (const [method, path, body] of [
    ['PATCH', '/subscribers/routes', changed],
    ['POST', '/subscribers/routes/users', { users }],
    ['POST', '/subscribers/routes/retry', undefined],
    ['DELETE', '/subscribers/routes?confirm=routes', undefined],
    ['GET', '/health', undefined],
    ['GET', '/openapi.json', undefined],
  ] as const) {
    await callApi(sandbox, method, path, body);
    await clock.quiet();
  }
  await callApi(sandbox, 'GET', `/keys/${fixtures.artifactsKeyArn.split('/')[1]}`);
  await callApi(sandbox, 'GET', `/quotas?accountId=${account.accountId}`);
  // With the session that is kept, and with a password that is stored anew.
  const check = new InvokeCommand({ FunctionName: 'infinstor-onboarding-sandbox-check-service', Payload: '{}' });
  await lambda.send(check);
  const { secretId: SecretId } = fixtures.superadmin;
  const SecretString = sandbox.secretsManager.value(SecretId);
  await new SecretsManagerClient(operatorAt(endpoint)).send(new PutSecretValueCommand({ SecretId, SecretString }));
  await lambda.send(check);

  // The bus: an event that is accepted, one that is refused, and one that accept-event fails at.
  await put(subscriber('event'));
  await put({ colour: 'green' });
  // Each other machine, whose first step refuses whom it does not know.
  const unknown = { subscriber: { userName: 'nobody' } };
  await put({ ...unknown, passwordSecretId: 'infinstor/sandbox/input/nobody/password' }, 'SubscriberUpdateRequested');
  await put({ ...unknown, users: [{ userName: 'some-user', emailId: 'user@acme.example' }] }, 'UsersRequested');
  await put({ ...unknown, confirm: 'nobody' }, 'SubscriberOffboardingRequested');
  fail('states:StartExecution:throttle:9');
  await put(subscriber('never'));

  // A stack that is rolled back, and made anew; and one whose failure the wait finds itself, as no event arrives.
  fail('infinstor:register:error=503');
  await onboard(subscriber('rolled-back'));
  await onboard(subscriber('rolled-back'));
  for (const fault of ['infinstor:register:error=504', 'events:StackStatusChange:lose:99']) fail(fault);
  await onboard(subscriber('unheard'));
  faults.clear();

  // A stack within the stack, which is rolled back, too, and made anew.
  const { templates } = sandbox;
  const [head = ''] = templates.standIn.split('\nConditions:');
  const nesting = `${head}
Resources:
  Inner:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: https://s3.amazonaws.com/infinstorcft/9.1/inner.yaml
      Parameters:
        SubscriberName: !Ref SubscriberName
        CustomToken: !Ref CustomToken
        UseBoundaryPolicy: !Ref UseBoundaryPolicy
        BoundaryPolicyARN: !Ref BoundaryPolicyARN
`;
  // With what the vendor's template, which is not documented, may have beside the stand-in's: a bucket that is open to nobody, and deleted.
  const inner = templates.standIn
    .replaceAll('    DeletionPolicy: Retain\n', '')
    .replace(
      '      CorsConfiguration:',
      '      PublicAccessBlockConfiguration: { BlockPublicAcls: true }\n      CorsConfiguration:',
    )
    .replace('\n  TrackingTable:', `${bucketPolicy}\n  TrackingTable:`);
  templates.publish('9.1', inner, 'inner.yaml');
  templates.publish('9.1', nesting);
  fail('infinstor:register:error=503');
  await onboard({ ...subscriber('nested'), stack: { build: '9.1' } });
  await onboard({ ...subscriber('nested'), stack: { build: '9.1' } });
  // Another build of both, whose changes within the inner one are looked at, too.
  templates.publish('9.11', inner.replace('Action: s3:ListBucket', 'Action: s3:List*'), 'inner.yaml');
  templates.publish('9.11', nesting.replace('9.1/inner', '9.11/inner'));
  await upgrade({ stack: { build: '9.11' } }, 'nested');
  const nested = sandbox.iam.role('RoleForInfinStorMlflowService-nested');
  if (nested !== undefined) attachFromOutside(sandbox.iam, nested.roleName);
  await offboard('nested', { keepData: false });
  // A template that CloudFormation reads from the deployment's copy.
  templates.publish('9.2', `${templates.standIn}#${'x'.repeat(51_200)}`);
  await onboard({ ...subscriber('long'), stack: { build: '9.2' } });
  if (extras.otherAccount) await coverOtherAccount(sandbox, { onboard, upgrade, offboard, restore, fail });
  // With a quota that is nearly exhausted.
  sandbox.accounts.quotas.set('buckets', account, 1);
  const checkQuotas = 'infinstor-onboarding-sandbox-check-quotas';
  await lambda.send(new InvokeCommand({ FunctionName: checkQuotas, Payload: '{}' }));

  // A token that is stale, and one that InfinStor refuses.
  clock.advance(hour);
  fail('infinstor:add_subscriber:error=401');
  await onboard(subscriber('stale'));

  // An answer that is lost, and the token that a person supplies.
  fail('infinstor:add_subscriber:drop');
  await onboard(subscriber('lost'));
  const customToken = sandbox.infinstor.customTokenOf('lost');
  const customTokenSecretId = 'infinstor/sandbox/input/lost/token';
  sandbox.secretsManager.createSecret(customTokenSecretId, JSON.stringify({ customToken }));
  await onboard({ ...subscriber('lost'), customTokenSecretId });

  await coverageOfUsers(sandbox);

  // An update of everything that can be.
  const passwordSecretId = 'infinstor/sandbox/input/stale/new-password';
  sandbox.secretsManager.createSecret(passwordSecretId, JSON.stringify({ password: 'Coverage-Marker-Strong-2!' }));
  // Its first token is refused, and the next one accepted.
  fail('infinstor:update_subscriber:error=401');
  await update({ ...subscriber('stale'), passwordSecretId });

  // Upgrades: one that finds nothing to do, one that is refused, one with a key and a long template whose call is lost, and another role.
  clock.advance(hour);
  const publish = (build: string, from: string, to: string) => {
    const { templates } = sandbox;
    templates.publish(build, `${templates.standIn.replace(from, to)}${'#'.repeat(60_000)}\n`);
    return { stack: { build } };
  };
  const tracking = { type: 'customer-managed', keyArn: fixtures.trackingKeyArn };
  await upgrade({ encryption: { tracking: { type: 'aws-owned' } } });
  await upgrade(publish('7.1', '# Without a name', 'BucketName: infinstor-coverage\n      #'));
  fail('cloudformation:ExecuteChangeSet:drop');
  await upgrade({ ...publish('7.2', 'Action: s3:ListBucket', 'Action: s3:List*'), encryption: { tracking } });
  const renamed = publish('7.3', 'MlflowService-${SubscriberName}', 'MlflowService-${SubscriberName}-2');
  const upgradeTokenId = 'infinstor/sandbox/input/stale/token';
  const upgradeToken = { customToken: sandbox.infinstor.customTokenOf('stale') };
  sandbox.secretsManager.createSecret(upgradeTokenId, JSON.stringify(upgradeToken));
  fail('infinstor:register:error=503');
  await upgrade({ ...renamed, allow: ['ServiceRole'] });
  await upgrade({ ...renamed, allow: ['ServiceRole'], customTokenSecretId: upgradeTokenId });

  // A failure that nobody hears of, taken over by a repeat, and one that the sweep finds.
  const rule = { Name: sandbox.physicalId('RecordFailureRule') };
  await events.send(new DisableRuleCommand(rule));
  fail('iam:GetRole:error=Refused');
  await onboard(subscriber('unseen'));
  await onboard(subscriber('unseen'));
  fail('iam:GetRole:error=Refused');
  await onboard(subscriber('unseen-leaving'));
  await offboard('unseen-leaving');
  fail('infinstor:update_subscriber:error=400');
  await update(subscriber('unseen'));
  await update(subscriber('unseen'));
  fail('cloudformation:CreateChangeSet:error=InsufficientCapabilitiesException');
  for (let times = 0; times < 2; times += 1) {
    await upgrade({ encryption: { tracking: { type: 'aws-managed' } } }, 'unseen');
  }
  fail('iam:GetRole:error=Refused');
  await onboard(subscriber('swept'));
  clock.advance(2 * hour);
  await clock.quiet();
  await events.send(new EnableRuleCommand(rule));

  // Secrets that cannot be decrypted: each run ends with the next function that meets one.
  clock.advance(hour);
  for (const { roleName, policies } of sandbox.iam.roles()) {
    const [, name] = /-([A-Za-z]+)Role-/.exec(roleName) ?? [];
    const reads = JSON.stringify([...policies.values()]).includes('secretsmanager:GetSecretValue');
    if (name === undefined || !reads || name.startsWith('Accept')) continue;
    const step = name.replace(/(?!^)[A-Z]/g, '-$&').toLowerCase();
    const fault = parseFault('secretsmanager:GetSecretValue:error=DecryptionFailure');
    faults.add({ ...fault, functionName: `infinstor-onboarding-sandbox-${step}` });
  }
  await lambda.send(check);
  // A run may also end for what is left of the hours before: as many as it takes, later if need be, until one meets no such secret.
  for (let runs = 1; ; runs += 1) {
    if (runs > 5) clock.advance(hour);
    await onboard(subscriber('undecryptable'));
    const last = sandbox.states.executions().at(-1);
    if (last?.status === 'SUCCEEDED') break;
    if (runs === 12) throw new Error(`No onboarding succeeds any more: ${last?.cause ?? last?.status}`);
  }
  await upgrade({ ...publish('7.4', 'Action: s3:ListBucket', 'Action: s3:*'), customTokenSecretId: upgradeTokenId });
  for (const userName of ['undecryptable', 'stale']) {
    await update({ subscriber: { userName, emailId: 'undecryptable@example.com' } });
  }
  faults.clear();
}

const otherRoles = 'arn:aws:iam::111111111111:role/OtherRoleForInfinStor-*';
const likeOtherRoles = {
  StringEquals: { 'aws:PrincipalAccount': [account.accountId] },
  ArnLike: { 'aws:PrincipalArn': [otherRoles] },
  ArnNotLike: { 'aws:PrincipalArn': [`${otherRoles}/*`] },
};
const patternStatements = [
  {
    Sid: 'Allow use of the key by InfinStor',
    Effect: 'Allow',
    Principal: '*',
    Action: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'],
    Resource: '*',
    Condition: likeOtherRoles,
  },
  {
    Sid: 'Allow attachment of persistent resources by InfinStor',
    Effect: 'Allow',
    Principal: '*',
    Action: ['kms:CreateGrant', 'kms:ListGrants', 'kms:RevokeGrant'],
    Resource: '*',
    Condition: { Bool: { 'kms:GrantIsForAWSResource': 'true' }, ...likeOtherRoles },
  },
];

const bucketPolicy = `
  Policy:
    Type: AWS::S3::BucketPolicy
    Properties: { Bucket: !Ref ArtifactsBucket, PolicyDocument: { Version: "2012-10-17", Statement: [] } }
`;

/** What somebody else does with a role, and what its deletion has to undo. */
function attachFromOutside(iam: Sandbox['iam'], roleName: string): void {
  const document = { Version: '2012-10-17', Statement: [] };
  iam.attachRolePolicy(roleName, iam.createManagedPolicy({ name: 'from-outside', document }));
}

interface Guide {
  upgrade: (change: object, userName: string) => Promise<void>;
  offboard: (userName: string, options?: { keepData?: false }) => Promise<void>;
  onboard: (request: Record<string, unknown>) => Promise<void>;
  restore: (keyArn: string, policyId: unknown) => Promise<void>;
  fail: (fault: string) => void;
}

/** Another account: both keys there, a stack that is rolled back, whose events come or do not, and a nested one; drift and restore. */
async function coverOtherAccount(
  sandbox: Sandbox,
  { onboard, upgrade, offboard, restore, fail }: Guide,
): Promise<void> {
  const { clock, faults } = sandbox;
  const home = { accountId: otherAccount.accountId, region: account.region };
  await setUpOtherAccount(sandbox);
  await forwardEvents(sandbox, home);
  const keyArn = `arn:aws:kms:${home.region}:${home.accountId}:key/66666666-ffff-4fff-8fff-666666666666`;
  sandbox.world(home).kms.createKey({ arn: keyArn, tags: { 'infinstor-onboarding': 'allowed' } });
  const stack = { accountId: home.accountId };
  const abroad = (userName: string) => ({
    ...subscriber(userName),
    stack,
    encryption: {
      artifacts: { type: 'sse-kms-customer-managed', keyArn },
      tracking: { type: 'customer-managed', keyArn },
    },
  });
  await onboard(abroad('abroad'));
  await onboard(abroad('beside'));
  await callApi(sandbox, 'POST', '/plans', { request: abroad('abroad') });
  const long = { ...subscriber('long-abroad'), stack: { ...stack, build: '9.2' } };
  await callApi(sandbox, 'POST', '/plans', { request: long });
  await onboard(long);
  sandbox.accounts.iam(home.accountId).delayNewRoles(hour);
  await onboard(abroad('unseen-abroad'));
  const items = await sandbox.dynamoDb.items(sandbox.registryTable);
  const kept = items.find(({ pk, sk }) => pk?.S === `KEY#${keyArn}` && `${sk?.S}`.startsWith('POLICY#'));
  await restore(keyArn, kept?.id?.S);
  sandbox.accounts.iam(home.accountId).delayNewRoles(0);
  await offboard('beside');
  await callApi(sandbox, 'GET', `/keys/${keyArn.split('/')[1]}`);
  await callApi(sandbox, 'GET', `/quotas?accountId=${home.accountId}`);
  clock.advance(hour);
  await clock.quiet();
  fail('infinstor:register:error=503');
  await onboard({ ...subscriber('rolled-back-abroad'), stack });
  await onboard({ ...subscriber('rolled-back-abroad'), stack });
  for (const fault of ['infinstor:register:error=504', 'events:StackStatusChange:lose:99']) fail(fault);
  await onboard({ ...subscriber('unheard-abroad'), stack });
  faults.clear();
  fail('infinstor:register:error=503');
  await onboard({ ...subscriber('nested-abroad'), stack: { ...stack, build: '9.1' } });
  await onboard({ ...subscriber('nested-abroad'), stack: { ...stack, build: '9.1' } });
  // Twice: the second finds nothing to do, but for what is nested.
  for (let times = 0; times < 2; times += 1) await upgrade({ stack: { build: '9.11' } }, 'nested-abroad');
  await upgrade({ encryption: { tracking: { type: 'aws-managed' } } }, 'long-abroad');
  attachFromOutside(sandbox.accounts.iam(home.accountId), 'RoleForInfinStorMlflowService-nested-abroad');
  await offboard('nested-abroad', { keepData: false });
}
