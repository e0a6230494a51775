import { createHash } from 'node:crypto';
import type { Logger } from '@aws-lambda-powertools/logger';
import {
  type Capability,
  type CloudFormationClient,
  CloudFormationServiceException,
  GetTemplateSummaryCommand,
  type GetTemplateSummaryOutput,
} from '@aws-sdk/client-cloudformation';
import type { KMSClient } from '@aws-sdk/client-kms';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { SFNClient } from '@aws-sdk/client-sfn';
import type { STSClient } from '@aws-sdk/client-sts';
import { type AccountRegion, arnOwner, executionNameOf, roleArnIn } from '../../lib/aws/arns.ts';
import type { S3 } from '../../lib/aws/s3.ts';
import { InvalidConfiguration, StackNeedsAttention, TemplateMismatch, TemplateNotReadable } from '../../lib/errors.ts';
import { keyAccess, keyPolicyWriters } from '../../lib/keys/access-environment.ts';
import type { AcceptInput } from '../../lib/plans/accept.ts';
import type { Plan } from '../../lib/plans/onboarding.ts';
import { checkBoth, checkEach } from '../../lib/refusals.ts';
import type { Registry } from '../../lib/registry/table.ts';
import { requestRules } from '../../lib/requests/environment.ts';
import { customerManagedKeys, parseRequest } from '../../lib/requests/onboarding.ts';
import { checkInputSecrets, customTokenSchema, passwordSchema } from '../../lib/secrets/input-secrets.ts';
import { credentialsSecretId } from '../../lib/secrets/names.ts';
import { decideStack } from '../../lib/stacks/decision.ts';
import { describeLiveStack, describeStack } from '../../lib/stacks/describe.ts';
import { stackServiceRoleArn } from '../../lib/stacks/environment.ts';
import { ownershipTags, ownershipTagsOf, stackName } from '../../lib/stacks/names.ts';
import { stackPollSeconds } from '../../lib/stacks/poll.ts';
import { isUnreadable, templateInput } from '../../lib/stacks/template.ts';
import { withAskedKeys } from '../../lib/subscribers/asked-keys.ts';
import { claim } from '../../lib/subscribers/claim.ts';
import { requireNotSuperseded } from '../../lib/subscribers/ownership.ts';
import { readRecord, type SubscriberRecord } from '../../lib/subscribers/record.ts';
import type { Environment } from './environment.ts';
import { pinnedTemplate, requireWhole, type Template } from './pinned-template.ts';
import { requireSame } from './require-same.ts';
import { type Place, requireRoom, reserveRoom } from './room.ts';
import { boundaryParameters, checkParameters, isMasked, templateParameters } from './template-parameters.ts';
import { checkKey } from './usable-keys.ts';

interface Dependencies {
  environment: Environment;
  cloudFormation: (home: AccountRegion) => CloudFormationClient;
  kms: (home: AccountRegion) => KMSClient;
  secrets: SecretsManagerClient;
  sts: STSClient;
  stepFunctions: SFNClient;
  s3: S3;
  registry: Registry;
  logger: Logger;
  now: Date;
}

/**
 * Validates a request, checks beforehand whatever can be known before the irreversible call, claims the subscriber for the
 * execution, reserves its places on the keys, and returns the plan. Claim and reservations are the only side effects, and the last things
 * done, but for a copy of the template, which is named by its content.
 * @throws InvalidConfiguration, InvalidRequest, SecretNotReadable, AccountNotAccessible, KeyNotUsable, KeyPolicyFull, KeyPolicyOrphan, KeyPolicyNotUnderstood, TemplateMismatch, TemplateNotReadable, TemplateChanged, TemplateNotPinned, StackNeedsAttention, SubscriberDiffers, OnboardingInProgress, ExecutionSuperseded
 */
export async function acceptRequest(
  { request: rawRequest, executionArn, startedAt }: AcceptInput,
  { environment, cloudFormation, kms, secrets, sts, stepFunctions, s3, registry, logger, now }: Dependencies,
): Promise<Plan> {
  const own = arnOwner(executionArn);
  const request = parseRequest(rawRequest, {
    ...requestRules(environment, environment.ACCOUNTS, executionArn),
    executionName: executionNameOf(executionArn),
  });
  // Whatever else might be refused of a superseded execution would mislead.
  const known = await readRecord(registry, request.subscriber.userName);
  await requireNotSuperseded(stepFunctions, known, { executionArn, startedAt });
  const { passwordSecretId, customTokenSecretId } = request;
  const { accountId, region } = request.stack;
  const home = { accountId, region };
  const { userName } = request.subscriber;
  const expectedRoleArn = roleArnIn(
    executionArn,
    accountId,
    `${environment.ROLE_PATH}${environment.ROLE_NAME_PREFIX}${userName}`,
  );
  const keyArns = customerManagedKeys(request);
  const access = keyAccess(environment);
  const checkSecrets = () =>
    checkInputSecrets({ secrets, sts }, [
      { field: 'passwordSecretId', secretId: passwordSecretId, schema: passwordSchema },
      { field: 'customTokenSecretId', secretId: customTokenSecretId, schema: customTokenSchema },
    ]);
  const checkPlace = async (keyArn: string): Promise<Place> => {
    const policy = await checkKey(kms(home), keyArn, {
      home,
      userName,
      writers: keyPolicyWriters(environment, accountId),
      deployment: environment.DEPLOYMENT_ID,
    });
    const place = { keyArn, userName, expectedRoleArn, access, policy };
    await requireRoom(place, { registry, stepFunctions, now });
    return place;
  };
  // Before the template itself is read, which is kept then; what the request asks of it is known without.
  const checkOwnParameters = async () => templateParameters(environment.TEMPLATE_PARAMETERS, request);
  const places = await checkBoth(
    () => checkEach([checkOwnParameters, checkSecrets], (check): Promise<unknown> => check()),
    () => checkEach(keyArns, checkPlace),
  );

  const template = await pinnedTemplate(request.stack.build, environment, s3);
  const summary = await templateSummary(cloudFormation(home), template);
  if (environment.REQUIRE_PINNED_TEMPLATE) requireWhole(summary);
  const requested = templateParameters(environment.TEMPLATE_PARAMETERS, request);
  const boundary = boundaryParameters(environment.TEMPLATE_PARAMETERS, boundaryArn(environment, accountId));
  const parameters = { ...requested, ...boundary };
  const tokenParameter = environment.TEMPLATE_PARAMETERS.customToken;
  const undecided = checkParameters(summary, {
    parameters,
    tokenParameter,
    requested: Object.keys(request.stack.parameters),
    text: template.bytes.toString('utf8'),
  });
  if (undecided.length > 0) {
    logger.info(`Left to CloudFormation, which decides when the stack is created: ${undecided.join(', ')}`);
  }
  if (!isMasked(summary, tokenParameter)) {
    const shown = `Template parameter ${tokenParameter} has no NoEcho: describe calls show the custom token`;
    if (environment.REQUIRE_NO_ECHO) throw new TemplateMismatch(shown);
    logger.warn(shown);
  }

  // Without the boundary, which no request chooses: a stack that is older than it is still what the request asks for. And with the
  // template's URL, not its hash: so is a stack that is older than its build's pin.
  const planHash = createHash('sha256')
    .update(JSON.stringify([template.vendorUrl, region, Object.entries(requested).sort()]))
    .digest('hex');
  // By its id first: an earlier version of the deployment may have named and tagged it otherwise.
  const knownId = known?.stackId !== undefined && isSame(arnOwner(known.stackId), home) ? known.stackId : undefined;
  const kept = await describeLiveStack(cloudFormation(home), knownId);
  const name = kept?.StackName ?? stackName(environment.STACK_NAME_PREFIX, userName);
  const plan: Plan = {
    subscriber: request.subscriber,
    executionArn,
    passwordSecretId,
    customTokenSecretId,
    credentialsSecretId: credentialsSecretId(environment.SECRET_PREFIX, userName),
    stack: {
      name,
      ...home,
      templateUrl: template.vendorUrl,
      template: { sha256: template.sha256, copyUrl: template.copyUrl },
      serviceRoleArn: stackServiceRoleArn(environment, accountId),
      capabilities: allowedCapabilities(summary, environment),
      parameters,
      tokenParameter,
      tags: {
        ...request.stack.tags,
        ...ownershipTagsOf(environment, userName, kept),
        [ownershipTags.planHash]: planHash,
      },
      planHash,
      pollSeconds: stackPollSeconds(home, own, environment),
    },
    keyArns,
  };
  const stack = kept ?? (await describeStack(cloudFormation(home), name));
  decideStack(stack, plan);
  const record = await readRecord(registry, userName);
  await requireSameAccountRegion(record, plan, cloudFormation);
  const { tags } = request.stack;
  await requireSame(plan, tags, { record, stack }, secrets);
  const claimed = { userName, executionArn, home, tags, ...withAskedKeys(record, executionArn, keyArns) };
  await claim({ registry, stepFunctions, now, startedAt }, claimed, record);
  for (const place of places) await reserveRoom(place, executionArn, { registry, stepFunctions, now });
  return {
    ...plan,
    // An offboarding that failed may have written the id of a stack that no onboarding has completed.
    ...(record?.stackId !== undefined && record.roleArn !== undefined && { onboarded: { stackId: record.stackId } }),
    ...(record?.offboarded &&
      record.offboarded.retained.length > 0 && {
        retained: record.offboarded.retained.map(({ type, physicalId }) => ({ type, physicalId })),
      }),
    ...(record?.offboarded && !record.stackId && { returning: true }),
  };
}

/**
 * The permissions boundary for roles in an account.
 * @throws TemplateMismatch when the deployment requires one and does not say how the template sets it
 * @throws InvalidConfiguration when the template is to set one and the account has none
 */
function boundaryArn(environment: Environment, accountId: string): string {
  const { TEMPLATE_PARAMETERS, REQUIRE_PERMISSIONS_BOUNDARY, ACCOUNTS, PERMISSIONS_BOUNDARY_ARN } = environment;
  if (TEMPLATE_PARAMETERS.boundary === undefined) {
    if (!REQUIRE_PERMISSIONS_BOUNDARY) return '';
    throw new TemplateMismatch(
      'The deployment requires a permissions boundary (requirePermissionsBoundary), and templateParameters has no boundary',
    );
  }
  const other = ACCOUNTS[accountId];
  if (other === undefined) return PERMISSIONS_BOUNDARY_ARN;
  if (other.permissionsBoundaryArn !== undefined) return other.permissionsBoundaryArn;
  throw new InvalidConfiguration(`ACCOUNTS: account ${accountId} has no permissionsBoundaryArn`);
}

/** A subscriber has one stack: a request that moves it would leave the one before behind. */
async function requireSameAccountRegion(
  record: SubscriberRecord | undefined,
  { stack: { name, accountId, region } }: Plan,
  cloudFormation: Dependencies['cloudFormation'],
): Promise<void> {
  const before = record?.home ?? (record?.stackId === undefined ? undefined : arnOwner(record.stackId));
  if (before === undefined || isSame(before, { accountId, region })) return;
  const knownId =
    record?.stackId !== undefined && isSame(arnOwner(record.stackId), before) ? record.stackId : undefined;
  const stack = await describeLiveStack(cloudFormation(before), knownId, name);
  if (stack === undefined) return;
  throw new StackNeedsAttention(
    `The subscriber has its stack ${stack.StackName ?? name} (${stack.StackStatus}) in account ${before.accountId} in ${before.region} already`,
  );
}

const isSame = (one: AccountRegion, other: AccountRegion) =>
  one.accountId === other.accountId && one.region === other.region;

/**
 * What CloudFormation says of the template.
 * @throws TemplateMismatch when it is none
 * @throws TemplateNotReadable when CloudFormation cannot read the copy of it
 */
async function templateSummary(
  cloudFormation: CloudFormationClient,
  { bytes, copyUrl, vendorUrl }: Template,
): Promise<GetTemplateSummaryOutput> {
  try {
    return await cloudFormation.send(new GetTemplateSummaryCommand(templateInput(bytes, copyUrl)));
  } catch (error) {
    if (!(error instanceof CloudFormationServiceException && error.name === 'ValidationError')) throw error;
    if (isUnreadable(error)) {
      throw new TemplateNotReadable(
        `CloudFormation cannot read the copy of the template, ${copyUrl}: ${error.message}`,
      );
    }
    throw new TemplateMismatch(`Template ${vendorUrl} is not valid: ${error.message}`);
  }
}

/**
 * The capabilities that the template needs. The summary does not include what templates of nested stacks need, and CloudFormation asks
 * the parent's caller for it (user guide, "Acknowledging IAM resources in CloudFormation templates"): all that are allowed, then.
 */
function allowedCapabilities(summary: GetTemplateSummaryOutput, { ALLOWED_CAPABILITIES }: Environment): Capability[] {
  const needed = summary.Capabilities ?? [];
  const forbidden = needed.find((capability) => !ALLOWED_CAPABILITIES.includes(capability));
  if (forbidden !== undefined) {
    throw new TemplateMismatch(
      `The template needs ${forbidden}; the deployment allows ${ALLOWED_CAPABILITIES.join(', ')}`,
    );
  }
  return summary.ResourceTypes?.includes('AWS::CloudFormation::Stack') ? ALLOWED_CAPABILITIES : needed;
}
