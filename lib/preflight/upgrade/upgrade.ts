import type {
  CloudFormationClient,
  Stack as CloudFormationStack,
  GetTemplateSummaryOutput,
} from '@aws-sdk/client-cloudformation';
import type { KMSClient } from '@aws-sdk/client-kms';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { SFNClient } from '@aws-sdk/client-sfn';
import type { STSClient } from '@aws-sdk/client-sts';
import { type AccountRegion, arnOwner } from '../../aws/arns.ts';
import type { S3 } from '../../aws/signed/s3.ts';
import { InvalidRequest, StackNeedsAttention, TemplateMismatch } from '../../errors.ts';
import { keyAccess, keyPolicyWriters } from '../../keys/access-environment.ts';
import type { UpgradePlan } from '../../plans/upgrade.ts';
import type { Registry } from '../../registry/table.ts';
import { customerManagedKeys } from '../../requests/onboarding.ts';
import { checkUpgradeRequest, type UpgradeRequest } from '../../requests/upgrade.ts';
import { checkInputSecrets, customTokenSchema } from '../../secrets/input-secrets.ts';
import { credentialsSecretId, inputSecretPrefix } from '../../secrets/names.ts';
import { describeLiveStack } from '../../stacks/describe.ts';
import { stackServiceRoleArn } from '../../stacks/environment.ts';
import { ownershipTags, ownershipTagsOf } from '../../stacks/names.ts';
import { stackPollSeconds } from '../../stacks/poll.ts';
import { requireUpgradable } from '../../stacks/upgrade/upgradable.ts';
import { requireActive } from '../../subscribers/claim.ts';
import { readRecord, type SubscriberRecord } from '../../subscribers/record.ts';
import type { Ways } from '../checks.ts';
import { pinnedTemplate, requireWhole, vendorUrlOf } from '../pinned-template.ts';
import { type Place, requireRoom } from '../room.ts';
import { checkParameters, isMasked, planHashOf } from '../template-parameters.ts';
import { allowedCapabilities, boundaryArn, templateSummary } from '../template-summary.ts';
import { checkKey } from '../usable-keys.ts';
import type { UpgradeEnvironment } from './environment.ts';
import { formerKeys } from './former-keys.ts';
import { upgradeParameters } from './parameters.ts';

export interface UpgradeDependencies {
  environment: UpgradeEnvironment;
  cloudFormation: (home: AccountRegion) => CloudFormationClient;
  kms: (home: AccountRegion) => KMSClient;
  secrets: SecretsManagerClient;
  sts: STSClient;
  stepFunctions: SFNClient;
  s3: Pick<S3, 'get'>;
  registry: Registry;
  now: Date;
}

/** What was seen of the world, and what an upgrade is to do in it. */
export interface SeenUpgrade {
  request: UpgradeRequest;
  plan: Omit<UpgradePlan, 'executionArn'>;
  /** The places on the keys of the request, with the policies in force. */
  places: Place[];
  summary: GetTemplateSummaryOutput;
  record: SubscriberRecord;
  stack: CloudFormationStack;
}

/**
 * Looks at everything that can be known of an upgrade before its change set is made, and changes nothing.
 * @param ownArn an ARN of the deployment: the execution's or the function's
 * @throws InvalidRequest, SubscriberNotActive, AccountNotAccessible, SecretNotReadable, KeyNotUsable, KeyPolicyFull, KeyPolicyOrphan, KeyPolicyNotUnderstood, TemplateMismatch, TemplateNotReadable, TemplateChanged, TemplateNotPinned, StackNeedsAttention, StackNotRolledBack, InvalidConfiguration, by way of `checks`
 * @throws KeyPolicyBusy when KMS is asked too often
 */
export async function preflightUpgrade(
  { request: rawRequest, ownArn }: { request: unknown; ownArn: string },
  { environment, cloudFormation, kms, secrets, sts, stepFunctions, s3, registry, now }: UpgradeDependencies,
  { checks, requireTurn, templateSource, info, warn }: Ways,
): Promise<SeenUpgrade> {
  const parsed = await checks.attempt(() =>
    checkUpgradeRequest(
      rawRequest,
      { inputSecretPrefix: inputSecretPrefix(environment.SECRET_PREFIX) },
      { allowedStackParameters: environment.ALLOWED_STACK_PARAMETERS },
    ),
  );
  checks.settle();
  const request = parsed();
  const found = await readRecord(registry, request.subscriber.userName);
  // Whatever else might be refused of a superseded execution would mislead.
  await checks.attempt(() => requireTurn(found));
  const active = await checks.attempt(() => withStack(requireActive(found, request.subscriber.userName)));
  checks.settle();
  const { record, stackId, roleArn } = active();
  const { userName } = record;
  const home = arnOwner(stackId);
  const { customTokenSecretId } = request;
  await checks.attempt(() =>
    checkInputSecrets({ secrets, sts }, [
      { field: 'customTokenSecretId', secretId: customTokenSecretId, schema: customTokenSchema },
    ]),
  );
  const build = await checks.attempt(() => {
    const known = request.stack?.build ?? record.build;
    if (known !== undefined) return known;
    throw new InvalidRequest('stack.build', 'is required: the registry does not know of which build the stack is');
  });
  const stack = await checks.attempt(async () => {
    const live = await describeLiveStack(cloudFormation(home), stackId);
    if (live === undefined) throw new StackNeedsAttention(`Stack ${stackId} of subscriber ${userName} is gone`);
    requireUpgradable(live, userName, ownershipTagsOf(environment, userName, live));
    return live;
  });
  const keyArns = customerManagedKeys({ encryption: request.encryption ?? {} });
  const places: (() => Place)[] = [];
  for (const keyArn of keyArns) {
    const writers = keyPolicyWriters(environment, home.accountId);
    const policy = await checks.attempt(() =>
      checkKey(kms(home), keyArn, { home, userName, writers, deployment: environment.DEPLOYMENT_ID }),
    );
    const place = await checks.attempt(async () => {
      const wanted = { keyArn, userName, expectedRoleArn: roleArn, access: keyAccess(environment), policy: policy() };
      await requireRoom(wanted, { registry, stepFunctions, now });
      return wanted;
    });
    places.push(place);
  }
  const former = await checks.attempt(() =>
    formerKeys(
      kms,
      (record.keyArns ?? []).filter((keyArn) => !keyArns.includes(keyArn)),
      { deployment: environment.DEPLOYMENT_ID, warn },
    ),
  );
  // Before the template is read, of which a step keeps a copy.
  checks.pause();

  const template = await checks.attempt(() => pinnedTemplate(build(), environment, s3));
  checks.pause();
  const summary = await checks.attempt(async () => {
    const { url, asked } = await templateSource(template(), home);
    return templateSummary(cloudFormation(asked), template(), url);
  });
  if (environment.REQUIRE_PINNED_TEMPLATE) await checks.attempt(() => requireWhole(summary()));
  const map = environment.TEMPLATE_PARAMETERS;
  const tokenParameter = map.customToken;
  const parameters = await checks.attempt(() =>
    upgradeParameters({
      map,
      request,
      record,
      stack: stack(),
      summary: summary(),
      boundaryArn: boundaryArn(environment, home.accountId),
    }),
  );
  await checks.attempt(() => {
    const undecided = checkParameters(summary(), {
      parameters: parameters().known,
      tokenParameter,
      requested: Object.keys(request.stack?.parameters ?? {}),
      hidden: parameters().hidden,
      text: template().bytes.toString('utf8'),
    });
    if (undecided.length > 0) {
      info(`Left to CloudFormation, which decides when the change set is made: ${undecided.join(', ')}`);
    }
  });
  await checks.attempt(() => {
    if (isMasked(summary(), tokenParameter)) return;
    const shown = `Template parameter ${tokenParameter} has no NoEcho: describe calls show the custom token`;
    if (environment.REQUIRE_NO_ECHO) throw new TemplateMismatch(shown);
    warn(shown);
  });
  const capabilities = await checks.attempt(() => allowedCapabilities(summary(), environment));
  const plan = await checks.attempt((): Omit<UpgradePlan, 'executionArn'> => {
    const templateUrl = vendorUrlOf(build(), environment);
    const planHash = planHashOf(templateUrl, home.region, parameters().requested);
    return {
      subscriber: { userName },
      allow: request.allow,
      ...(customTokenSecretId !== undefined && { customTokenSecretId }),
      credentialsSecretId: credentialsSecretId(environment.SECRET_PREFIX, userName),
      stack: {
        name: stack().StackName ?? stackId,
        stackId,
        ...home,
        build: build(),
        templateUrl,
        template: { sha256: template().sha256, copyUrl: template().copyUrl },
        serviceRoleArn: stackServiceRoleArn(environment, home.accountId),
        capabilities: capabilities(),
        parameters: parameters().given,
        kept: parameters().kept,
        tokenParameter,
        nestsStacks: summary().ResourceTypes?.includes('AWS::CloudFormation::Stack') ?? false,
        tags: {
          ...requestableTags(stack()),
          ...ownershipTagsOf(environment, userName, stack()),
          [ownershipTags.planHash]: planHash,
        },
        planHash,
        pollSeconds: stackPollSeconds(home, arnOwner(ownArn), environment),
      },
      roleArn,
      roleArns: [roleArn],
      keyArns: [...keyArns, ...former()],
    };
  });
  checks.settle();
  return {
    request,
    plan: plan(),
    places: places.map((place) => place()),
    summary: summary(),
    record,
    stack: stack(),
  };
}

/** A subscriber with what an upgrade is of. @throws StackNeedsAttention when the registry knows no stack of it */
function withStack(record: SubscriberRecord): { record: SubscriberRecord; stackId: string; roleArn: string } {
  const { stackId, roleArn, userName } = record;
  if (stackId !== undefined && roleArn !== undefined) return { record, stackId, roleArn };
  throw new StackNeedsAttention(`The registry knows no stack of subscriber ${userName}, or not its role`);
}

/** A stack's tags as a request may give them: AWS's own are not among them. */
const requestableTags = ({ Tags = [] }: CloudFormationStack): Record<string, string> =>
  Object.fromEntries(
    Tags.filter(({ Key = '' }) => !Key.startsWith('aws:')).map(({ Key = '', Value = '' }) => [Key, Value]),
  );
