import {
  DescribeStacksCommand,
  type DescribeStacksOutput,
  GetTemplateSummaryCommand,
  type GetTemplateSummaryOutput,
} from '@aws-sdk/client-cloudformation';
import {
  DescribeKeyCommand,
  GetKeyPolicyCommand,
  type KeyMetadata,
  ListResourceTagsCommand,
  NotFoundException,
} from '@aws-sdk/client-kms';
import { DescribeSecretCommand } from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import { fullPolicy, keyPolicy, orphanedPolicy } from '../key-policy.ts';
import { errorOf, secret } from '../lambda.ts';
import { accounts } from '../other-account.ts';
import { stackId } from '../plan.ts';
import {
  details,
  enabledKey,
  encryption,
  environment,
  type Fixture,
  keyArn,
  setUp,
  subscriber,
  summary,
  templateUrl,
  validationError,
} from './accept-request-fixture.ts';

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
    ({ kms }: Fixture) =>
      kms.on(DescribeKeyCommand).resolves({ KeyMetadata: { ...enabledKey, ...change } });
  const withPolicy =
    (policy: object) =>
    ({ kms }: Fixture) =>
      kms.on(GetKeyPolicyCommand).resolves({ Policy: JSON.stringify(policy) });
  const withSummary =
    (change: Partial<GetTemplateSummaryOutput>) =>
    ({ cloudFormation }: Fixture) =>
      cloudFormation.on(GetTemplateSummaryCommand).resolves({ ...summary, ...change });
  const withTemplate =
    (bytes: Buffer) =>
    ({ s3 }: Fixture) =>
      s3.objects.set(templateUrl, bytes);
  const withTemplateError =
    (words: string) =>
    ({ cloudFormation }: Fixture) =>
      cloudFormation.on(GetTemplateSummaryCommand).rejects(validationError(words));
  const asItIs = () => {};

  type Case = [name: string, reason: string, request: object, arrange: (world: Fixture) => unknown];

  it.each<Case>([
    ['InvalidRequest', 'subscriber.password', { subscriber: { ...subscriber, password: secret('password') } }, asItIs],
    ['InvalidRequest', 'colour', { colour: 'blue' }, asItIs],
    ['InvalidRequest', 'passwordSecretId', { passwordSecretId: 'infinstor/test/superadmin' }, asItIs],
    ['InvalidRequest', 'passwordSecretId', { passwordSecretId: 'infinstor/test/input/acme/none' }, asItIs],
    [
      'InvalidRequest',
      'customTokenSecretId',
      { customTokenSecretId: 'infinstor/test/input/acme/password' },
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
    [
      'KeyNotUsable',
      'denies kms:PutKeyPolicy to arn:aws:iam::111111111111:role/patch-key-policy',
      customerKey,
      withPolicy({
        Statement: [
          ...keyPolicy().Statement,
          { Effect: 'Deny', Principal: '*', Action: 'kms:PutKeyPolicy', Resource: '*' },
        ],
      }),
    ],
    ['KeyPolicyFull', 'bytes', customerKey, withPolicy(fullPolicy)],
    ['KeyPolicyOrphan', 'AROADELETED', customerKey, withPolicy(orphanedPolicy)],
    ['TemplateNotReadable', templateUrl, {}, ({ s3 }) => s3.objects.clear()],
    ['TemplateNotReadable', 'build 9.9.9', { stack: { build: '9.9.9' } }, ({ s3 }) => s3.objects.clear()],
    [
      'TemplateNotReadable',
      '(S3 answers so, too, when there is no such build)',
      { stack: { build: '2.3.99' } },
      () => {},
    ],
    ['InvalidRequest', 'stack.build', { stack: { build: '2.3.99' } }, ({ s3 }) => s3.letListing()],
    ['TemplateMismatch', 'more than 1000000 bytes', {}, withTemplate(Buffer.alloc(1_000_001))],
    ['TemplateNotReadable', 'S3 error: Access Denied', {}, withTemplateError('S3 error: Access Denied')],
    ['TemplateNotReadable', 'TemplateURL must', {}, withTemplateError('TemplateURL must be a supported URL.')],
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
      'has termination protection',
      {},
      ({ cloudFormation }) => {
        const [stack] = live(ofStage('111111111111/us-east-1/infinstor-onboarding-test'), ofAcme).Stacks ?? [];
        const rolledBack = { StackStatus: 'ROLLBACK_COMPLETE', EnableTerminationProtection: true } as const;
        cloudFormation.on(DescribeStacksCommand).resolves({ Stacks: stack && [{ ...stack, ...rolledBack }] });
      },
    ],
    [
      'StackNeedsAttention',
      'other parameters',
      {},
      ({ cloudFormation }) =>
        cloudFormation
          .on(DescribeStacksCommand)
          .resolves(live(ofStage('111111111111/us-east-1/infinstor-onboarding-test'), ofAcme)),
    ],
    [
      'StackNeedsAttention',
      'was not made by',
      {},
      ({ cloudFormation }) =>
        cloudFormation.on(DescribeStacksCommand).resolves(live(ofStage('infinstor/prod/'), ofAcme)),
    ],
    // Of the same stage name in another Region, and with the tag of version 0.1.0 without being known by its id.
    ...['111111111111/eu-west-1/infinstor-onboarding-test', 'infinstor/test/'].map(
      (deployment): Case => [
        'StackNeedsAttention',
        'was not made by',
        {},
        ({ cloudFormation }) => cloudFormation.on(DescribeStacksCommand).resolves(live(ofStage(deployment), ofAcme)),
      ],
    ),
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

  it('names all that is wrong with secrets, parameters and keys at once, and keeps no template', async () => {
    const { accept, kms, s3, claims } = setUp();
    const other = keyArn.replace(/1$/, '2');
    kms.on(DescribeKeyCommand, { KeyId: keyArn }).resolves({ KeyMetadata: { ...enabledKey, KeyState: 'Disabled' } });
    kms.on(DescribeKeyCommand, { KeyId: other }).rejects(new NotFoundException(details));
    const request = {
      passwordSecretId: 'infinstor/test/input/acme/absent',
      customTokenSecretId: 'infinstor/test/input/acme/gone',
      stack: { parameters: { S3: 'x', S3Key: 'y' } },
      encryption: { ...encryption, ...keyInstead(other) },
    };
    await expect(accept(request)).rejects.toMatchObject(
      errorOf(
        'InvalidRequest',
        [
          'stack.parameters.S3: is set by the onboarding itself; stack.parameters.S3Key: is set by the onboarding itself; ',
          'passwordSecretId: there is no secret infinstor/test/input/acme/absent; ',
          'customTokenSecretId: there is no secret infinstor/test/input/acme/gone; ',
          `also KeyNotUsable: Key ${keyArn} cannot be used: its state is Disabled; `,
          `also Key ${other} cannot be used: there is no such key`,
        ].join(''),
      ),
    );
    expect([s3.written, claims()]).toEqual([[], []]);
  });

  it.each(Object.keys(environment))('InvalidConfiguration: %s is missing', async (variable) => {
    const { accept, documents } = setUp();
    await expect(accept({}, { [variable]: undefined })).rejects.toMatchObject(
      errorOf('InvalidConfiguration', variable),
    );
    expect(documents.calls()).toEqual([]);
  });
});
