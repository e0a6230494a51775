import { Capability } from '@aws-sdk/client-cloudformation';
import * as v from 'valibot';
import { accountsEnvironment } from '../aws/accounts-environment.ts';
import { deploymentEnvironment } from '../aws/deployment-environment.ts';
import { baseUrl } from '../infinstor/environment.ts';
import { json } from '../json.ts';
import { keyAccessEnvironment, keyPolicyWritersEnvironment, roleArnEnvironment } from '../keys/access-environment.ts';
import { registryEnvironmentSchema } from '../registry/environment.ts';
import { requestEnvironment } from '../requests/environment.ts';
import { buildSchema } from '../requests/onboarding.ts';
import { stackNameEnvironment, stackServiceRoleEnvironment } from '../stacks/environment.ts';
import { stackPollEnvironment } from '../stacks/poll.ts';
import { quotaReserveEnvironment, stackUsesEnvironment } from '../stacks/quotas/limits.ts';

const parameters = v.record(v.string(), v.string());
/** Absent: the template does not offer the choice. */
const choice = v.optional(parameters);

/**
 * Which template parameters say what, as the vendor's template of a build has them: for every choice a set of parameter
 * values, in which `{userName}`, `{emailId}` and `{keyArn}` stand for the request's, and `{boundaryArn}` for the permissions boundary.
 */
const parameterMapSchema = v.strictObject({
  subscriber: parameters,
  /** The parameter that takes the custom token. */
  customToken: v.string(),
  artifacts: v.strictObject({
    'sse-s3': choice,
    'sse-kms-aws-managed': choice,
    'sse-kms-customer-managed': choice,
  }),
  tracking: v.strictObject({
    'aws-owned': choice,
    'aws-managed': choice,
    'customer-managed': choice,
  }),
  /** What lets the template's role have a permissions boundary; absent when the template cannot. */
  boundary: v.optional(parameters),
});
export type ParameterMap = v.InferOutput<typeof parameterMapSchema>;

/** What the checks of a request for an onboarding need to know of the deployment. */
export const onboardingEnvironmentSchema = v.object({
  ...registryEnvironmentSchema.entries,
  ...requestEnvironment,
  ...accountsEnvironment,
  ...deploymentEnvironment,
  ...stackNameEnvironment,
  ...stackServiceRoleEnvironment,
  ...keyAccessEnvironment,
  ...roleArnEnvironment,
  ...keyPolicyWritersEnvironment,
  ...stackPollEnvironment,
  ...stackUsesEnvironment,
  ...quotaReserveEnvironment,
  /** The permissions boundary of subscribers' roles in the deployment's account. */
  PERMISSIONS_BOUNDARY_ARN: v.string(),
  /** Whether CloudFormation's role may create no role without it, nor may those of other accounts. */
  REQUIRE_PERMISSIONS_BOUNDARY: v.pipe(
    v.picklist(['true', 'false']),
    v.transform((value) => value === 'true'),
  ),
  /** `<this>/<build>/infinstor-setup-customer.yaml` is the template. */
  TEMPLATE_BASE_URL: baseUrl,
  DEFAULT_BUILD: buildSchema,
  /** The SHA-256 of the template, by build. */
  BUILDS: json(
    v.record(
      buildSchema,
      v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in 64 hexadecimal digits, in lower case')),
    ),
  ),
  /** Whether only builds of `BUILDS` may be used. */
  REQUIRE_PINNED_TEMPLATE: v.pipe(
    v.picklist(['true', 'false']),
    v.transform((value) => value === 'true'),
  ),
  /** `<this>/<SHA-256>.yaml` is the deployment's copy of a template that was checked. */
  TEMPLATE_COPIES_URL: v.string(),
  TEMPLATE_PARAMETERS: json(parameterMapSchema),
  ALLOWED_CAPABILITIES: v.pipe(
    v.string(),
    v.transform((list) => list.split(',')),
    v.array(v.enum(Capability)),
  ),
  /** Whether a template that shows the custom token in describe calls is refused, or only warned of. */
  REQUIRE_NO_ECHO: v.pipe(
    v.picklist(['true', 'false']),
    v.transform((value) => value === 'true'),
  ),
});
export type OnboardingEnvironment = v.InferOutput<typeof onboardingEnvironmentSchema>;
