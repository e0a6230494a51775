import type {
  CloudFormationClient,
  Stack as CloudFormationStack,
  GetTemplateSummaryOutput,
} from '@aws-sdk/client-cloudformation';
import type { KMSClient } from '@aws-sdk/client-kms';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { SFNClient } from '@aws-sdk/client-sfn';
import type { STSClient } from '@aws-sdk/client-sts';
import { type AccountRegion, arnOwner, roleArnIn } from '../aws/arns.ts';
import { homesOf } from '../aws/homes.ts';
import type { S3 } from '../aws/signed/s3.ts';
import { OnboardingInProgress, StackNeedsAttention, TemplateMismatch } from '../errors.ts';
import { keyAccess, keyPolicyWriters } from '../keys/access-environment.ts';
import type { Plan } from '../plans/onboarding.ts';
import type { Registry } from '../registry/table.ts';
import { requestRules } from '../requests/environment.ts';
import { autoAccount, customerManagedKeys, parseRequest, type Request } from '../requests/onboarding.ts';
import { checkInputSecrets, customTokenSchema, passwordSchema } from '../secrets/input-secrets.ts';
import { credentialsSecretId } from '../secrets/names.ts';
import { decideStack, type StackDecision } from '../stacks/decision.ts';
import { describeLiveStack, describeStack } from '../stacks/describe.ts';
import { stackServiceRoleArn } from '../stacks/environment.ts';
import { ownershipTags, ownershipTagsOf, stackName } from '../stacks/names.ts';
import { stackPollSeconds } from '../stacks/poll.ts';
import { readRecord, type SubscriberRecord } from '../subscribers/record.ts';
import { chooseHome, homeBefore, isSameHome } from './accounts/home.ts';
import { type QuotaDependencies, requireQuotas } from './accounts/quotas.ts';
import type { Checks, Ways } from './checks.ts';
import type { OnboardingEnvironment } from './onboarding-environment.ts';
import { pinnedTemplate, requireWhole, vendorUrlOf } from './pinned-template.ts';
import { requireSame } from './require-same.ts';
import { type Place, requireRoom } from './room.ts';
import {
  boundaryParameters,
  checkParameters,
  isMasked,
  planHashOf,
  templateParameters,
} from './template-parameters.ts';
import { allowedCapabilities, boundaryArn, templateSummary } from './template-summary.ts';
import { checkKey } from './usable-keys.ts';

/** Who asks, and for what. */
export interface OnboardingAsked {
  request: unknown;
  /** An ARN of the deployment: the execution's or the function's. */
  ownArn: string;
  /** The execution that the request is the input of, where there is one. */
  executionName?: string | undefined;
}

export interface OnboardingDependencies {
  environment: OnboardingEnvironment;
  cloudFormation: (home: AccountRegion) => CloudFormationClient;
  kms: (home: AccountRegion) => KMSClient;
  secrets: SecretsManagerClient;
  sts: STSClient;
  stepFunctions: SFNClient;
  s3: Pick<S3, 'get'>;
  registry: Registry;
  quotas: QuotaDependencies['quotas'];
  now: Date;
}

/** What was seen of the world, and what an onboarding is to do in it. */
export interface SeenOnboarding {
  request: Request;
  plan: Omit<Plan, 'executionArn'>;
  /** The places on the keys, with the policies in force. */
  places: Place[];
  summary: GetTemplateSummaryOutput;
  /** As it was read last of all. */
  record: SubscriberRecord | undefined;
  stack: CloudFormationStack | undefined;
  decision: StackDecision;
}

/**
 * Looks at everything that can be known of an onboarding before its irreversible call, and changes nothing: the first step and a plan
 * come to the same conclusions.
 * @throws InvalidConfiguration, InvalidRequest, SecretNotReadable, AccountNotAccessible, KeyNotUsable, KeyPolicyFull, KeyPolicyOrphan, KeyPolicyNotUnderstood, TemplateMismatch, TemplateNotReadable, TemplateChanged, TemplateNotPinned, StackNeedsAttention, SubscriberDiffers, QuotaNearlyExhausted, by way of `checks`
 * @throws KeyPolicyBusy when KMS is asked too often
 */
export async function preflightOnboarding(
  { request: rawRequest, ownArn, executionName }: OnboardingAsked,
  { environment, cloudFormation, kms, secrets, sts, stepFunctions, s3, registry, quotas, now }: OnboardingDependencies,
  { checks, requireTurn, templateSource, info, warn }: Ways,
): Promise<SeenOnboarding> {
  const own = arnOwner(ownArn);
  const parsed = await checks.attempt(() =>
    parseRequest(rawRequest, { ...requestRules(environment, environment.ACCOUNTS, ownArn), executionName }),
  );
  checks.settle();
  const asked = parsed();
  const { userName } = asked.subscriber;
  const known = await readRecord(registry, userName);
  // Whatever else might be refused of a superseded execution would mislead.
  await checks.attempt(() => requireTurn(known));
  const lookedAt = { environment, quotas, now };
  const chosen = await checks.attempt(() =>
    chooseHome(asked, known, { ...lookedAt, homes: homesOf(environment, ownArn), warn }),
  );
  const home = orSettled(chosen, checks);
  const request = { ...asked, stack: { ...asked.stack, ...home } };
  const { passwordSecretId, customTokenSecretId } = request;
  // What the request asks of the template is known without reading it.
  const requested = await checks.attempt(() => templateParameters(environment.TEMPLATE_PARAMETERS, request));
  for (const reference of [
    { field: 'passwordSecretId', secretId: passwordSecretId, schema: passwordSchema },
    { field: 'customTokenSecretId', secretId: customTokenSecretId, schema: customTokenSchema },
  ]) {
    await checks.attempt(() => checkInputSecrets({ secrets, sts }, [reference]));
  }
  const { accountId, region } = home;
  const expectedRoleArn = roleArnIn(
    ownArn,
    accountId,
    `${environment.ROLE_PATH}${environment.ROLE_NAME_PREFIX}${userName}`,
  );
  const keyArns = customerManagedKeys(request);
  const places: (() => Place)[] = [];
  for (const keyArn of keyArns) {
    const policy = await checks.attempt(() =>
      checkKey(kms(home), keyArn, {
        home,
        userName,
        writers: keyPolicyWriters(environment, accountId),
        deployment: environment.DEPLOYMENT_ID,
      }),
    );
    const place = await checks.attempt(async () => {
      const wanted = { keyArn, userName, expectedRoleArn, access: keyAccess(environment), policy: policy() };
      await requireRoom(wanted, { registry, stepFunctions, now });
      return wanted;
    });
    places.push(place);
  }
  // Before the template is read, of which a step keeps a copy.
  checks.pause();

  const template = await checks.attempt(() => pinnedTemplate(request.stack.build, environment, s3));
  checks.pause();
  const summary = await checks.attempt(async () => {
    const { url, asked } = await templateSource(template(), home);
    return templateSummary(cloudFormation(asked), template(), url);
  });
  if (environment.REQUIRE_PINNED_TEMPLATE) await checks.attempt(() => requireWhole(summary()));
  const parameters = await checks.attempt(() => ({
    ...requested(),
    ...boundaryParameters(environment.TEMPLATE_PARAMETERS, boundaryArn(environment, accountId)),
  }));
  const tokenParameter = environment.TEMPLATE_PARAMETERS.customToken;
  await checks.attempt(() => {
    const undecided = checkParameters(summary(), {
      parameters: parameters(),
      tokenParameter,
      requested: Object.keys(request.stack.parameters),
      text: template().bytes.toString('utf8'),
    });
    if (undecided.length > 0) {
      info(`Left to CloudFormation, which decides when the stack is created: ${undecided.join(', ')}`);
    }
  });
  checks.pause();
  await checks.attempt(() => {
    if (isMasked(summary(), tokenParameter)) return;
    const shown = `Template parameter ${tokenParameter} has no NoEcho: describe calls show the custom token`;
    if (environment.REQUIRE_NO_ECHO) throw new TemplateMismatch(shown);
    warn(shown);
  });
  const capabilities = await checks.attempt(() => allowedCapabilities(summary(), environment));

  // Without the boundary, which no request chooses: a stack that is older than it is still what the request asks for. And with the
  // template's URL, not its hash: so is a stack that is older than its build's pin.
  const planHash = await checks.attempt(() =>
    planHashOf(vendorUrlOf(request.stack.build, environment), region, requested()),
  );
  // By its id first: an earlier version of the deployment may have named and tagged it otherwise.
  const knownId = known?.stackId !== undefined && isSameHome(arnOwner(known.stackId), home) ? known.stackId : undefined;
  const found = await checks.attempt(async () => {
    const kept = await describeLiveStack(cloudFormation(home), knownId);
    const name = kept?.StackName ?? stackName(environment.STACK_NAME_PREFIX, userName);
    return { kept, name };
  });
  const compared = await checks.attempt(() => ({
    subscriber: request.subscriber,
    passwordSecretId,
    customTokenSecretId,
    credentialsSecretId: credentialsSecretId(environment.SECRET_PREFIX, userName),
    stack: {
      name: found().name,
      ...home,
      templateUrl: vendorUrlOf(request.stack.build, environment),
      parameters: parameters(),
      planHash: planHash(),
      tags: {
        ...request.stack.tags,
        ...ownershipTagsOf(environment, userName, found().kept),
        [ownershipTags.planHash]: planHash(),
      },
    },
  }));
  const plan = await checks.attempt(
    (): Omit<Plan, 'executionArn'> => ({
      ...compared(),
      stack: {
        ...compared().stack,
        build: request.stack.build ?? environment.DEFAULT_BUILD,
        template: { sha256: template().sha256, copyUrl: template().copyUrl },
        serviceRoleArn: stackServiceRoleArn(environment, accountId),
        capabilities: capabilities(),
        tokenParameter,
        pollSeconds: stackPollSeconds(home, own, environment),
      },
      keyArns,
    }),
  );
  const stack = await checks.attempt(
    async () => found().kept ?? (await describeStack(cloudFormation(home), found().name)),
  );
  const decision = await checks.attempt(() => decideStack(stack(), compared()));
  await checks.attempt(async () => {
    const { action } = decision();
    if (makesStack(decision())) await requireQuotas(home, { replaces: action !== 'create', warn }, lookedAt);
  });
  const record = await readRecord(registry, userName);
  if (asked.stack.accountId === autoAccount) await checks.attempt(() => requireSameHomeAs(known, record));
  await checks.attempt(() => requireSameAccountRegion(record, { name: found().name, ...home }, cloudFormation));
  await checks.attempt(() => requireSame(compared(), request.stack.tags, { record, stack: stack() }, secrets));
  checks.settle();
  return {
    request,
    plan: { ...plan(), ...earlier(record) },
    places: places.map((place) => place()),
    summary: summary(),
    record,
    stack: stack(),
    decision: decision(),
  };
}

/** What the other checks cannot do without. @throws Faults, or the fault itself */
function orSettled<Value>(result: () => Value, checks: Checks): Value {
  try {
    return result();
  } catch (error) {
    checks.settle();
    throw error;
  }
}

/** A home was chosen beside the one that another execution has chosen in this moment. @throws OnboardingInProgress */
function requireSameHomeAs(known: SubscriberRecord | undefined, record: SubscriberRecord | undefined): void {
  const [before, now] = [homeBefore(known), homeBefore(record)];
  const isSame = before === undefined || now === undefined ? before === now : isSameHome(before, now);
  if (record !== undefined && !isSame) throw new OnboardingInProgress(record.userName, record.executionArn);
}

/** Whether a stack is made, so that the account must have room for it; of one that something is still done with, that is not known. */
function makesStack(decision: StackDecision): boolean {
  return decision.action !== 'adopt' || decision.goal === 'deleted';
}

/** What of a plan only the subscriber's record knows. */
function earlier(record: SubscriberRecord | undefined): Pick<Plan, 'onboarded' | 'retained' | 'returning'> {
  return {
    // An offboarding that failed may have written the id of a stack that no onboarding has completed.
    ...(record?.stackId !== undefined && record.roleArn !== undefined && { onboarded: { stackId: record.stackId } }),
    ...(record?.offboarded &&
      record.offboarded.retained.length > 0 && {
        retained: record.offboarded.retained.map(({ type, physicalId }) => ({ type, physicalId })),
      }),
    ...(record?.offboarded && !record.stackId && { returning: true }),
  };
}

/** A subscriber has one stack: a request that moves it would leave the one before behind. */
async function requireSameAccountRegion(
  record: SubscriberRecord | undefined,
  { name, ...home }: AccountRegion & { name: string },
  cloudFormation: OnboardingDependencies['cloudFormation'],
): Promise<void> {
  const before = homeBefore(record);
  if (before === undefined || isSameHome(before, home)) return;
  const knownId =
    record?.stackId !== undefined && isSameHome(arnOwner(record.stackId), before) ? record.stackId : undefined;
  const stack = await describeLiveStack(cloudFormation(before), knownId, name);
  if (stack === undefined) return;
  throw new StackNeedsAttention(
    `The subscriber has its stack ${stack.StackName ?? name} (${stack.StackStatus}) in account ${before.accountId} in ${before.region} already`,
  );
}
