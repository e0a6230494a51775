import { CloudFormationClient, CreateStackCommand, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { GetRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import {
  CreateKeyCommand,
  DescribeKeyCommand,
  GetKeyPolicyCommand,
  KMSClient,
  PutKeyPolicyCommand,
} from '@aws-sdk/client-kms';
import { CreateSecretCommand, GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { describe, expect, it } from 'vitest';
import { account, fixtures, operator, otherAccount } from '../../../sandbox/core/account.ts';
import { useSandbox } from '../../workflow/sandbox.ts';

const sandbox = useSandbox();
const here = { region: account.region, credentials: operator };
const inOtherRegion = { region: 'eu-west-1', credentials: operator };
const inOtherAccount = { region: account.region, credentials: otherAccount.operator };
const config = (where: object) => ({ endpoint: sandbox().endpoint, ...where });

const createStack = (name: string) =>
  new CreateStackCommand({
    StackName: name,
    TemplateURL: 'https://s3.amazonaws.com/infinstorcft/2.3.72/infinstor-setup-customer.yaml',
    Parameters: [
      { ParameterKey: 'SubscriberName', ParameterValue: name },
      { ParameterKey: 'CustomToken', ParameterValue: 'none' },
    ],
    Capabilities: ['CAPABILITY_NAMED_IAM'],
    OnFailure: 'DO_NOTHING',
  });

describe('another Region, and another account,', () => {
  it.each([
    ['a Region', inOtherRegion],
    ['an account', inOtherAccount],
  ])('as %s, see nothing of what is made here', async (_, there) => {
    const name = `twice-${there.region}-${there.credentials.accessKeyId.slice(-1)}`;
    const secret = { Name: name, SecretString: `{"password":"World-Marker-${name}"}` };
    await new SecretsManagerClient(config(here)).send(new CreateSecretCommand(secret));
    const secrets = new SecretsManagerClient(config(there));
    await expect(secrets.send(new GetSecretValueCommand({ SecretId: name }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
    // The same name is free there.
    const { ARN } = await secrets.send(new CreateSecretCommand(secret));
    expect(ARN).toContain(`:${there.region}:`);
    await expect(
      new CloudFormationClient(config(there)).send(new DescribeStacksCommand({ StackName: 'infinstor-subscriber-x' })),
    ).rejects.toMatchObject({ name: 'ValidationError' });
  });

  it('make stacks of their own, with ARNs of theirs', async () => {
    const { StackId } = await new CloudFormationClient(config(inOtherRegion)).send(createStack('abroad'));
    expect(StackId).toMatch(/^arn:aws:cloudformation:eu-west-1:111111111111:stack\/abroad\//);
    const other = await new CloudFormationClient(config(inOtherAccount)).send(createStack('abroad'));
    expect(other.StackId).toMatch(/^arn:aws:cloudformation:us-east-1:222222222222:stack\/abroad\//);
    // Roles belong to an account, whatever the Region: the same name is taken in one, and free in the other.
    const role = new GetRoleCommand({ RoleName: 'RoleForInfinStorMlflowService-abroad' });
    const arnOf = async (where: object) => (await new IAMClient(config(where)).send(role)).Role?.Arn;
    await sandbox().clock.quiet();
    expect(await arnOf(here)).toBe('arn:aws:iam::111111111111:role/RoleForInfinStorMlflowService-abroad');
    expect(await arnOf(inOtherAccount)).toBe('arn:aws:iam::222222222222:role/RoleForInfinStorMlflowService-abroad');
  });

  it('hear on their own bus alone of the key policies that are written there', async () => {
    const writeIn = async (where: object) => {
      const kms = new KMSClient(config(where));
      const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
      const { Policy } = await kms.send(new GetKeyPolicyCommand({ KeyId: KeyMetadata?.KeyId }));
      await kms.send(new PutKeyPolicyCommand({ KeyId: KeyMetadata?.KeyId, Policy }));
      return KeyMetadata?.KeyId;
    };
    const told = (accountId: string, region: string) =>
      sandbox()
        .world({ accountId, region })
        .events.published()
        .filter((event) => event.source === 'aws.kms');
    const inRegion = await writeIn(inOtherRegion);
    const inAccount = await writeIn(inOtherAccount);
    expect(told('111111111111', 'eu-west-1')).toMatchObject([
      { region: 'eu-west-1', detail: { awsRegion: 'eu-west-1', requestParameters: { keyId: inRegion } } },
    ]);
    expect(told('222222222222', 'us-east-1')).toMatchObject([
      {
        account: '222222222222',
        detail: { recipientAccountId: '222222222222', requestParameters: { keyId: inAccount } },
      },
    ]);
    expect(told(account.accountId, account.region)).toEqual([]);
  });

  it('do not find the keys of here', async () => {
    const describeKey = new DescribeKeyCommand({ KeyId: fixtures.trackingKeyArn });
    await expect(new KMSClient(config(inOtherRegion)).send(describeKey)).rejects.toMatchObject({
      name: 'NotFoundException',
      message: 'Invalid arn us-east-1',
    });
    await expect(new KMSClient(config(inOtherAccount)).send(describeKey)).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });
  });
});

describe('a role of another account', () => {
  const roleArn = 'arn:aws:iam::222222222222:role/onboarding';
  const assume = (ExternalId?: string) =>
    new STSClient(config(here)).send(
      new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: 'deploy', ExternalId, DurationSeconds: 900 }),
    );

  it('is assumed by whom it trusts, with its external id, and acts there until it expires', async () => {
    sandbox()
      .world({ accountId: '222222222222', region: account.region })
      .secretsManager.createSecret('theirs', '{"password":"Their-Marker-4711!"}');
    await expect(assume('x-1')).rejects.toMatchObject({ name: 'AccessDenied' });
    sandbox()
      .accounts.iam('222222222222')
      .createRole({
        roleName: 'onboarding',
        assumeRolePolicyDocument: {
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Allow',
              Principal: { AWS: 'arn:aws:iam::111111111111:root' },
              Action: 'sts:AssumeRole',
              Condition: { StringEquals: { 'sts:ExternalId': 'x-1' } },
            },
          ],
        },
        policies: [
          {
            name: 'read',
            document: {
              Version: '2012-10-17',
              Statement: [{ Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: '*' }],
            },
          },
        ],
      });
    await expect(assume()).rejects.toMatchObject({ name: 'AccessDenied' });
    await expect(assume('x-2')).rejects.toMatchObject({ name: 'AccessDenied' });
    const { Credentials } = await assume('x-1');
    const session = {
      region: account.region,
      credentials: {
        accessKeyId: Credentials?.AccessKeyId ?? '',
        secretAccessKey: Credentials?.SecretAccessKey ?? '',
        sessionToken: Credentials?.SessionToken ?? '',
      },
    };
    expect(await new STSClient(config(session)).send(new GetCallerIdentityCommand({}))).toMatchObject({
      Arn: 'arn:aws:sts::222222222222:assumed-role/onboarding/deploy',
    });
    const read = () =>
      new SecretsManagerClient(config(session)).send(new GetSecretValueCommand({ SecretId: 'theirs' }));
    expect((await read()).SecretString).toContain('Their-Marker-4711!');
    sandbox().clock.advance(900_000);
    await expect(read()).rejects.toMatchObject({ name: 'ExpiredTokenException' });
  });
});

it('a role that does not trust a service is not assumed by it', () => {
  const { iam } = sandbox();
  const trusting = { Version: '2012-10-17', Statement: [] };
  const { arn } = iam.createRole({ roleName: 'aloof', assumeRolePolicyDocument: trusting });
  expect(() => iam.serviceCaller(arn, 'states.amazonaws.com')).toThrow('is not authorized to perform: sts:AssumeRole');
});
