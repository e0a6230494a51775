import { InvalidRequestException } from '@aws-sdk/client-secrets-manager';
import { arnOwner } from '../../lib/aws/arns.ts';
import { preflightOnboarding, type SeenOnboarding } from '../../lib/preflight/onboarding.ts';
import type { Change, KeyPolicyChange } from '../../lib/preflight/preview.ts';
import { credentialsSchema, sentOf } from '../../lib/secrets/credentials.ts';
import { customTokenSchema, readInputSecret } from '../../lib/secrets/input-secrets.ts';
import { readSecret } from '../../lib/secrets/secrets.ts';
import type { Dependencies, Draft, Looking } from './draft.ts';
import { grantOn, keyPolicyChanges } from './key-policies.ts';
import { stackPreview } from './stack-preview.ts';

/** The states of its state machine, each entered once. */
const transitions = 9;

/**
 * What an onboarding would do.
 * @throws Faults with everything that its first step would refuse
 */
export async function draftOnboarding(request: unknown, dependencies: Dependencies, looking: Looking): Promise<Draft> {
  const { ownArn, secrets } = dependencies;
  const seen = await preflightOnboarding({ request, ownArn }, dependencies, {
    ...looking,
    // The deployment's own copy is made by the first step. Of the vendor's, the roles in other accounts may read nothing.
    templateSource: async ({ vendorUrl }) => ({ url: vendorUrl, asked: arnOwner(ownArn) }),
    info: looking.warn,
  });
  const { plan, record, decision } = seen;
  const kept = await keptCredentials(secrets, plan.credentialsSecretId);
  const isStackThere = decision.action === 'adopt' && decision.goal === 'created';
  const keyPolicies: KeyPolicyChange[] = [];
  for (const place of seen.places) {
    keyPolicies.push(await grantOn(place, isStackThere ? record?.roleArn : undefined, dependencies));
  }
  const subscriber = await subscriberChanges(seen, kept, dependencies);
  return {
    userName: plan.subscriber.userName,
    changes: [...subscriber, ...stackChanges(seen), ...keyPolicyChanges('PatchKeyPolicy', keyPolicies)],
    stack: stackPreview(plan, seen.summary),
    keyPolicies,
    transitions,
    secrets: kept === undefined || kept === 'scheduled' ? 1 : 0,
    seen: { plan, status: record?.status, stackId: seen.stack?.StackId, stackStatus: seen.stack?.StackStatus },
  };
}

type Kept = Awaited<ReturnType<typeof keptCredentials>>;

/** What is kept of the subscriber; undefined when nothing is, and `scheduled` when its secret is scheduled for deletion. */
async function keptCredentials(secrets: Dependencies['secrets'], secretId: string) {
  try {
    return (await readSecret(secrets, { secretId }, credentialsSchema))?.value;
  } catch (error) {
    // Secrets Manager's error for such a secret.
    if (error instanceof InvalidRequestException) return 'scheduled';
    throw error;
  }
}

/** What create-subscriber does about the subscriber and its secret. */
async function subscriberChanges(
  { plan, record }: SeenOnboarding,
  kept: Kept,
  { secrets }: Dependencies,
): Promise<Change[]> {
  const step = 'CreateSubscriber';
  const what = plan.subscriber.userName;
  const { credentialsSecretId: secretId, customTokenSecretId } = plan;
  const secret = (action: Change['action'], detail: string): Change => ({
    step,
    kind: 'secret',
    action,
    what: secretId,
    detail,
  });
  const stored = kept === 'scheduled' ? undefined : kept;
  const restored = kept === 'scheduled' ? [secret('restore', 'It is scheduled for deletion')] : [];
  if (customTokenSecretId !== undefined) {
    const input = { field: 'customTokenSecretId', secretId: customTokenSecretId };
    const { customToken, expiry } = await readInputSecret(secrets, input, customTokenSchema);
    const expiresAt = expiry === undefined ? undefined : new Date(expiry * 1000).toISOString();
    const isKnown =
      stored?.state === 'created' &&
      stored.customToken === customToken &&
      (expiresAt === undefined || expiresAt === stored.customTokenExpiresAt);
    if (isKnown) return [];
    const detail = `Its custom token is taken from ${customTokenSecretId}`;
    return [...restored, secret(kept === undefined ? 'create' : 'update', detail)];
  }
  if (stored?.state === 'created' && plan.returning !== true) return [];
  const decide = (detail: string): Change => ({ step, kind: 'subscriber', action: 'decide', what, detail });
  if (kept === 'scheduled' || plan.returning === true) {
    const detail =
      'It was offboarded: it is created when InfinStor does not have it any more, and else its kept custom token is used';
    return [decide(detail), ...(kept === undefined ? [secret('create', 'Password and custom token')] : restored)];
  }
  if (sentOf(stored, record?.creating) !== undefined) {
    return [
      decide('add_subscriber was called before, and its answer was lost: whether it had its effect is found out first'),
    ];
  }
  return [
    { step, kind: 'subscriber', action: 'create', what, detail: 'InfinStor documents no call that takes this back' },
    secret(kept === undefined ? 'create' : 'update', 'Password and custom token'),
  ];
}

/** What deploy-stack does about the stack. */
function stackChanges({ plan, stack, decision }: SeenOnboarding): Change[] {
  const change = (action: Change['action'], detail: string): Change => ({
    step: 'DeployStack',
    kind: 'stack',
    action,
    what: plan.stack.name,
    detail,
  });
  const place = `In account ${plan.stack.accountId}, ${plan.stack.region}`;
  switch (decision.action) {
    case 'create':
      return [change('create', place)];
    case 'delete':
      return [change('delete', `It is ${stack?.StackStatus}, and blocks its name`), change('create', place)];
    case 'adopt':
      switch (decision.goal) {
        case 'created':
          return [];
        case 'deleted':
          return [change('create', `${place}, when the one that is being deleted is gone`)];
        // No stack of an onboarding is waited for so.
        case 'updated':
        case 'settled':
          return [change('decide', `It is ${stack?.StackStatus}: what is done follows from what comes of that`)];
      }
  }
}
