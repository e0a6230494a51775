import { expect, it, vi } from 'vitest';
import { reconcilers } from '../../../../lib/keys/reconciler.ts';
import { now, secret } from '../../functions/lambda.ts';
import { accounts, fakeSts } from '../../functions/other-account.ts';

it("reconciles a key where it lies, asking IAM there about its roles, and never repeats a write by the client's own choice", async () => {
  vi.useFakeTimers({ toFake: ['Date'], now });
  vi.stubEnv('AWS_REGION', 'us-east-1');
  fakeSts();
  const environment = {
    REGISTRY_TABLE: 'registry',
    KEY_ACCESS: 'role-arns',
    ROLE_NAME_PREFIX: 'RoleFor',
    DEPLOYMENT_ID: '111111111111/us-east-1/onboarding',
  } as const;
  const { kms, kmsOnce, iam } = reconcilers()(
    { accountId: '222222222222', region: 'eu-west-1' },
    {
      environment: { ...environment, ACCOUNTS: accounts },
      invocation: {
        remainingMs: () => 900_000,
        functionArn: 'arn:aws:lambda:us-east-1:111111111111:function:patch-key-policy',
      },
    },
  );
  for (const { config } of [kms, kmsOnce, iam]) {
    expect(await config.region()).toBe('eu-west-1');
    expect(await config.credentials()).toMatchObject({ sessionToken: secret('session') });
  }
  expect([await kms.config.maxAttempts(), await kmsOnce.config.maxAttempts()]).toEqual([3, 1]);
});
