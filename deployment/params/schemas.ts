import * as v from 'valibot';
import { environmentSchema as acceptRequest } from '../../functions/accept-request/environment.ts';
import { environmentSchema as acceptUpdate } from '../../functions/accept-update/environment.ts';
import { environmentSchema as checkQuotas } from '../../functions/check-quotas/environment.ts';
import { environmentSchema as completeOffboarding } from '../../functions/complete-offboarding/environment.ts';
import { environmentSchema as detectKeyPolicyDrift } from '../../functions/detect-key-policy-drift/environment.ts';
import { environmentSchema as verifySubscriber } from '../../functions/verify-subscriber/environment.ts';
import { accountsEnvironment } from '../../lib/aws/accounts-environment.ts';
import { regionSchema } from '../../lib/aws/regions.ts';
import { customTokenEnvironment, infinstorApiEnvironment } from '../../lib/infinstor/environment.ts';
import { keyAccessEnvironment, roleArnEnvironment } from '../../lib/keys/access-environment.ts';
import { requestEnvironment } from '../../lib/requests/environment.ts';
import { secretKeyEnvironment } from '../../lib/secrets/environment.ts';
import { stackNameEnvironment, stackTimeoutEnvironment } from '../../lib/stacks/environment.ts';
import { quotaReserveEnvironment, stackUsesEnvironment } from '../../lib/stacks/quotas/limits.ts';
import { eventBusEnvironment } from '../../lib/subscribers/environment.ts';

type Schema = v.GenericSchema<unknown, unknown>;

const { STACK_NAME_PREFIX } = stackNameEnvironment;

/** Params that are the value of an environment variable, or of the same form as one: its schema is theirs. */
const ofVariables = {
  stackRegions: requestEnvironment.STACK_REGIONS,
  stackEventRegions: acceptRequest.entries.STACK_EVENT_REGIONS,
  accounts: accountsEnvironment.ACCOUNTS,
  infinstorMlflowUrl: infinstorApiEnvironment.INFINSTOR_MLFLOW_URL,
  infinstorApiUrl: infinstorApiEnvironment.INFINSTOR_API_URL,
  superadminUserName: requestEnvironment.SUPERADMIN_USER_NAME,
  customTokenPath: customTokenEnvironment.CUSTOM_TOKEN_PATH,
  customTokenPrefix: customTokenEnvironment.CUSTOM_TOKEN_PREFIX,
  updateSubscriberFields: acceptUpdate.entries.UPDATE_SUBSCRIBER_FIELDS,
  templateBaseUrl: acceptRequest.entries.TEMPLATE_BASE_URL,
  defaultBuild: acceptRequest.entries.DEFAULT_BUILD,
  builds: acceptRequest.entries.BUILDS,
  requirePinnedTemplate: acceptRequest.entries.REQUIRE_PINNED_TEMPLATE,
  allowedCapabilities: acceptRequest.entries.ALLOWED_CAPABILITIES,
  requireNoEcho: acceptRequest.entries.REQUIRE_NO_ECHO,
  allowedStackParameters: requestEnvironment.ALLOWED_STACK_PARAMETERS,
  allowedTagKeys: requestEnvironment.ALLOWED_TAG_KEYS,
  roleNamePrefix: roleArnEnvironment.ROLE_NAME_PREFIX,
  rolePath: roleArnEnvironment.ROLE_PATH,
  requirePermissionsBoundary: acceptRequest.entries.REQUIRE_PERMISSIONS_BOUNDARY,
  verify: verifySubscriber.entries.VERIFY,
  keyAccess: keyAccessEnvironment.KEY_ACCESS,
  repairKeyPolicies: detectKeyPolicyDrift.entries.REPAIR_KEY_POLICIES,
  stackNamePrefix: STACK_NAME_PREFIX,
  formerStackNamePrefix: STACK_NAME_PREFIX,
  stackTimeoutMinutes: stackTimeoutEnvironment.STACK_TIMEOUT_MINUTES,
  stackUses: stackUsesEnvironment.STACK_USES,
  quotaReserve: quotaReserveEnvironment.QUOTA_RESERVE,
  quotaWarningPercent: checkQuotas.entries.QUOTA_WARNING_PERCENT,
  kmsKeyArn: secretKeyEnvironment.KMS_KEY_ARN,
  secretRecoveryDays: completeOffboarding.entries.SECRET_RECOVERY_DAYS,
  eventBus: eventBusEnvironment.EVENT_BUS,
  templateParameters: acceptRequest.entries.TEMPLATE_PARAMETERS,
} as const satisfies Readonly<Record<string, Schema>>;

/** How long CloudWatch Logs keeps log events (API reference, `PutRetentionPolicy`). */
const retentionDays = [
  ...[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
].map(String);

/** Of so many accounts the policy of a bus surely has less than its 10 KB (EventBridge API reference, PutPermission). */
const maxEventSources = 100;

const text = (form: RegExp, rule: string) => v.pipe(v.string(), v.regex(form, rule));

const onOrOff = v.picklist(['true', 'false'], 'must be "true" or "false"');

/** Params that no function has in its environment. */
const withoutVariable = {
  region: regionSchema,
  templateBucket: text(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket'),
  permissionsBoundaryArn: text(
    /^$|^arn:aws[\w-]*:iam::(\d{12}|aws):policy\/[\w+=,.@/-]+$/,
    'must be the ARN of a managed policy, or empty',
  ),
  bucketNamePattern: text(/^[a-z0-9.*?-]{1,63}$/, 'must be names of buckets with the wildcards * and ?'),
  tableNamePattern: text(/^[\w.*?-]{1,255}$/, 'must be names of tables with the wildcards * and ?'),
  customResourceFunctions: text(/^arn:\S+:lambda:\S+:function:\S+$/, 'must be the ARN of functions, with wildcards'),
  eventSources: v.pipe(
    v.string(),
    v.regex(/^(\d{12}(,\d{12})*)?$/, 'must be account ids of 12 digits, separated by commas, without spaces'),
    v.check(
      (ids) => ids.split(',').length <= maxEventSources,
      `must be at most ${maxEventSources} accounts, as the policy of an event bus has room for`,
    ),
  ),
  alarmTopic: text(
    /^(own|none|arn:aws[\w-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256})$/,
    'must be own, none, or the ARN of an SNS topic that is not FIFO',
  ),
  dashboard: onOrOff,
  tracing: onOrOff,
  logRetentionDays: v.picklist(
    retentionDays,
    `must be a number of days that CloudWatch Logs has: ${retentionDays.join(', ')}`,
  ),
} as const satisfies Readonly<Record<string, Schema>>;

/** What each param must be, by its name: the schema that the functions parse their environment with, if it is in a variable. */
export const paramSchemas: ReadonlyMap<string, Schema> = new Map<string, Schema>([
  ...Object.entries(ofVariables),
  ...Object.entries(withoutVariable),
]);
