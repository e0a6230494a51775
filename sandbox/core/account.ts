/** An account in a Region: a world of its own, but for IAM, which has one world an account. */
export interface AccountRegion {
  accountId: string;
  region: string;
}

/** The account and Region that the onboarding is deployed in. */
export const account = { accountId: '111111111111', region: 'us-east-1' } as const;

/** What stands in the account at boot, with fixed names so that requests and docs can refer to it. */
export const fixtures = {
  /** Customer managed, tagged `infinstor-onboarding: allowed`. */
  artifactsKeyArn: 'arn:aws:kms:us-east-1:111111111111:key/11111111-aaaa-4aaa-8aaa-111111111111',
  trackingKeyArn: 'arn:aws:kms:us-east-1:111111111111:key/22222222-bbbb-4bbb-8bbb-222222222222',
  /** Customer managed, tagged, disabled. */
  disabledKeyArn: 'arn:aws:kms:us-east-1:111111111111:key/33333333-cccc-4ccc-8ccc-333333333333',
  superadmin: { userName: 'superadmin', secretId: 'infinstor/sandbox/superadmin' },
  /** A password for the subscriber of `examples/`, for its update. */
  newPasswordSecretId: 'infinstor/sandbox/input/acme/new-password',
  /** The vendor's build that the template is published under. */
  build: '2.3.72',
} as const;

/** An account beside the deployment's, empty but for an operator of its own. */
export const otherAccount = {
  accountId: '222222222222',
  operator: { accessKeyId: 'AKIASANDBOXOPERATOR2', secretAccessKey: 'public-and-worth-nothing-outside-sandbox2' },
} as const;

/** The well-known credentials of the sandbox's operator, a user who may do everything; worth nothing anywhere else. */
export const operator = {
  accessKeyId: 'AKIASANDBOXOPERATOR0',
  secretAccessKey: 'public-and-worth-nothing-outside-sandbox',
} as const;
