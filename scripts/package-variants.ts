import { hundredAccounts } from '../tools/permissions/other-account.ts';

interface Variant {
  region: string;
  /** Values of params, in place of those in `stages/`. */
  params: Readonly<Record<string, string>>;
}

/** The accounts of another partition. */
const accountsIn = (partition: string) => JSON.stringify(hundredAccounts).replaceAll('arn:aws:', `arn:${partition}:`);

/** A template that the vendor's bucket of another partition would not have. */
const elsewhere = (region: string, suffix = '') => ({
  templateBaseUrl: `https://templates-of-ours.s3.${region}.amazonaws.com${suffix}`,
  templateBucket: 'templates-of-ours',
});

/** Deployments that differ as much as params let them, whose packages are checked (`scripts/lint-packages.ts`). */
export const variants: Readonly<Record<string, Variant>> = {
  default: { region: 'us-east-1', params: {} },
  'every param': {
    region: 'eu-central-1',
    params: {
      region: 'eu-central-1',
      stackRegions: 'eu-central-1,eu-west-1',
      stackEventRegions: 'eu-west-1',
      accounts: JSON.stringify(hundredAccounts),
      infinstorMlflowUrl: 'https://mlflow.acme.example',
      infinstorApiUrl: 'https://api.acme.example',
      superadminUserName: 'admin',
      customTokenPath: 'answer.token',
      customTokenPrefix: 'Custom',
      updateSubscriberFields: 'changed',
      templateBaseUrl: 'https://templates-of-ours.s3.eu-central-1.amazonaws.com',
      templateBucket: 'templates-of-ours',
      defaultBuild: '2.3.73',
      allowedCapabilities: 'CAPABILITY_IAM',
      requireNoEcho: 'true',
      roleNamePrefix: 'InfinStor-',
      rolePath: '/infinstor/',
      requirePermissionsBoundary: 'false',
      permissionsBoundaryArn: 'arn:aws:iam::111111111111:policy/boundary',
      bucketNamePattern: 'infinstor-*',
      tableNamePattern: 'infinstor-*',
      verify: 'require',
      keyAccess: 'role-pattern',
      repairKeyPolicies: 'true',
      stackNamePrefix: 'subscribers-',
      formerStackNamePrefix: 'tenants-',
      allowedStackParameters: 'Owner,Retention',
      allowedTagKeys: 'team,cost-center',
      builds: JSON.stringify({ '2.3.73': '0'.repeat(64) }),
      requirePinnedTemplate: 'true',
      stackTimeoutMinutes: '90',
      stackUses: JSON.stringify({ roles: 2, policies: 1, stacks: 2, buckets: 1, tables: 3 }),
      quotaReserve: 'off',
      quotaWarningPercent: '90',
      customResourceFunctions: 'arn:aws:lambda:*:*:function:vendor-*',
      secretRecoveryDays: '7',
      kmsKeyArn: 'arn:aws:kms:eu-central-1:111111111111:key/11111111-2222-3333-4444-555555555555',
      alarmTopic: 'arn:aws:sns:eu-central-1:111111111111:operations',
      dashboard: 'true',
      tracing: 'false',
      logRetentionDays: '365',
      eventBus: 'results',
      eventSources: Object.keys(hundredAccounts).join(','),
      templateParameters: JSON.stringify({
        subscriber: {},
        customToken: 'Token',
        artifacts: { 'sse-s3': {}, 'sse-kms-aws-managed': {}, 'sse-kms-customer-managed': {} },
        tracking: { 'aws-owned': {}, 'aws-managed': {}, 'customer-managed': {} },
      }),
    },
  },
  'us-gov-west-1': {
    region: 'us-gov-west-1',
    params: {
      region: 'us-gov-west-1',
      accounts: accountsIn('aws-us-gov'),
      ...elsewhere('us-gov-west-1'),
      alarmTopic: 'own',
      dashboard: 'true',
    },
  },
  'cn-north-1': {
    region: 'cn-north-1',
    params: { region: 'cn-north-1', accounts: accountsIn('aws-cn'), ...elsewhere('cn-north-1', '.cn') },
  },
};
