import { KMSClient } from '@aws-sdk/client-kms';
import { AssumeRoleCommand, type STSClient, STSServiceException } from '@aws-sdk/client-sts';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { perAccountRegion } from '../../../../lib/aws/account-region-clients.ts';
import { clientConfig } from '../../../../lib/aws/clients.ts';
import { errorOf, now, secret } from '../../functions/lambda.ts';
import { accounts, fakeSts } from '../../functions/other-account.ts';

const own = { accountId: '111111111111', region: 'us-east-1' };
const there = { accountId: '222222222222', region: 'eu-west-1' };
const context = {
  environment: { ACCOUNTS: accounts },
  invocation: { functionArn: 'arn:aws:lambda:us-east-1:111111111111:function:infinstor-onboarding-test-deploy-stack' },
};

function setUp() {
  const made: object[] = [];
  const clientIn = perAccountRegion((config) => {
    made.push(config);
    return new KMSClient(config);
  });
  return { made, clientIn, ...fakeSts() };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now });
  vi.stubEnv('AWS_REGION', 'us-east-1');
});

describe('a client in a home', () => {
  it('is made once for each account and Region, to give calls up and repeat them', () => {
    const { made, clientIn } = setUp();
    const clients = [own, there, { ...own, region: 'eu-west-1' }, { ...there, region: 'us-east-1' }, own, there].map(
      (home) => clientIn(home, context),
    );
    expect(new Set(clients)).toHaveLength(4);
    expect(clients[4]).toBe(clients[0]);
    expect(made).toMatchObject([
      { ...clientConfig, region: 'us-east-1' },
      { ...clientConfig, region: 'eu-west-1' },
      { region: 'eu-west-1' },
      { region: 'us-east-1' },
    ]);
  });

  it("acts with the function's own credentials in its account, whatever the Region", () => {
    const { made, clientIn } = setUp();
    clientIn({ ...own, region: 'eu-west-1' }, context);
    expect(made[0]).not.toHaveProperty('credentials');
  });

  it("acts in another account with the account's role, its external id and the function's name, until that expires", async () => {
    const { clientIn, assumed } = setUp();
    const { credentials } = clientIn(there, context).config;
    expect(assumed()).toEqual([]);
    expect(await credentials()).toMatchObject({
      accessKeyId: 'ASIATHERE',
      secretAccessKey: secret('key'),
      sessionToken: secret('session'),
      expiration: new Date(now.getTime() + 3_600_000),
    });
    await credentials();
    const request = {
      RoleArn: 'arn:aws:iam::222222222222:role/onboarding',
      RoleSessionName: 'infinstor-onboarding-test-deploy-stack',
      ExternalId: secret('external-id'),
    };
    expect(assumed()).toEqual([request]);
    // The client renews them five minutes before.
    vi.setSystemTime(now.getTime() + 56 * 60_000);
    await credentials();
    expect(assumed()).toEqual([request, request]);
  });

  it("asks for them in the function's Region", async () => {
    const { clientIn, sts } = setUp();
    await clientIn(there, context).config.credentials();
    const client: STSClient = sts.call(0).thisValue;
    expect(await client.config.region()).toBe('us-east-1');
    expect(await client.config.maxAttempts()).toBe(3);
  });

  it('is AccountNotAccessible where the role cannot be assumed, which names role and function and no external id', async () => {
    const { clientIn, sts } = setUp();
    const denied = { name: 'AccessDenied', message: 'not authorized', $fault: 'client', $metadata: {} } as const;
    sts.on(AssumeRoleCommand).rejects(new STSServiceException(denied));
    const failure = await clientIn(there, context)
      .config.credentials()
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({
      name: 'AccountNotAccessible',
      accountId: '222222222222',
      message:
        'Account 222222222222 cannot be reached: its role arn:aws:iam::222222222222:role/onboarding does not let infinstor-onboarding-test-deploy-stack assume it',
    });
    expect(JSON.stringify(failure)).not.toContain(secret('external-id'));
  });

  it('is AccountNotAccessible when STS returned no credentials', async () => {
    const { clientIn, sts } = setUp();
    sts.on(AssumeRoleCommand).resolves({});
    await expect(clientIn(there, context).config.credentials()).rejects.toMatchObject(
      errorOf('AccountNotAccessible', 'STS returned no credentials'),
    );
  });

  it('is AccountNotAccessible in an account that is not configured, and asks nobody', async () => {
    const { clientIn, sts } = setUp();
    await expect(
      clientIn({ accountId: '333333333333', region: 'us-east-1' }, context).config.credentials(),
    ).rejects.toMatchObject(errorOf('AccountNotAccessible', 'is not among the accounts of the deployment'));
    expect(sts.calls()).toEqual([]);
  });

  it('tries again after a failure, and passes another one on as it is', async () => {
    const { clientIn, sts } = setUp();
    sts
      .on(AssumeRoleCommand)
      .rejectsOnce(new STSServiceException({ name: 'Throttling', message: 'slow', $fault: 'client', $metadata: {} }))
      .resolves({
        Credentials: {
          AccessKeyId: 'ASIATHERE',
          SecretAccessKey: secret('key'),
          SessionToken: secret('session'),
          Expiration: now,
        },
      });
    const { credentials } = clientIn(there, context).config;
    await expect(credentials()).rejects.toMatchObject({ name: 'Throttling' });
    await expect(credentials()).resolves.toMatchObject({ accessKeyId: 'ASIATHERE' });
  });
});
