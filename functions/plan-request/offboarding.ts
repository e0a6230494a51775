import { preflightOffboarding } from '../../lib/preflight/offboarding.ts';
import type { Change, KeyPolicyChange } from '../../lib/preflight/preview.ts';
import { secretNames } from '../../lib/secrets/folder.ts';
import { subscriberSecretPrefix } from '../../lib/secrets/names.ts';
import { isThere } from '../../lib/stacks/resources.ts';
import { retainedOf } from '../../lib/stacks/retained-data.ts';
import type { Dependencies, Draft, Looking } from './draft.ts';
import { keyPolicyChanges, withdrawOn } from './key-policies.ts';

/** The states of its state machine, each entered once. */
const transitions = 5;

/**
 * What an offboarding would take away, and what it would leave.
 * @throws Faults with everything that its first step would refuse
 */
export async function draftOffboarding(request: unknown, dependencies: Dependencies, looking: Looking): Promise<Draft> {
  const { environment, ownArn, secrets } = dependencies;
  const { plan, record, resources, policies } = await preflightOffboarding({ request, ownArn }, dependencies, looking);
  const { userName } = plan.subscriber;
  const cloudFormation = dependencies.cloudFormation(plan.stack);
  const keyPolicies: KeyPolicyChange[] = [];
  for (const [keyArn, policy] of policies) {
    keyPolicies.push(await withdrawOn({ keyArn, userName, policy }, plan.roleArns, dependencies));
  }
  const living = resources.filter(isThere);
  const retained = await retainedOf(cloudFormation, living);
  const resourceChanges = living.map(
    (resource): Change => ({
      step: 'DeleteStack',
      kind: 'resource',
      action: retained.includes(resource) ? 'retain' : 'delete',
      what: resource.physicalId,
      detail: `${resource.type} ${resource.path}`,
    }),
  );
  const stackChange: Change = { step: 'DeleteStack', kind: 'stack', action: 'delete', what: plan.stack.name };
  const folder = subscriberSecretPrefix(environment.SECRET_PREFIX, userName);
  const names = (await secretNames(secrets, folder, { isPlannedDeletionIncluded: false })).sort();
  const step = 'CompleteOffboarding';
  const stays = 'InfinStor documents no call that deletes it';
  return {
    userName,
    changes: [
      ...keyPolicyChanges('WithdrawGrants', keyPolicies),
      ...(living.length === 0 ? [] : [stackChange]),
      ...resourceChanges,
      ...names.map((what): Change => ({ step, kind: 'secret', action: 'delete', what, detail: 'Scheduled' })),
      ...(record.users ?? []).map((what): Change => ({ step, kind: 'user', action: 'retain', what, detail: stays })),
      { step, kind: 'subscriber', action: 'retain', what: userName, detail: stays },
    ],
    stack: { name: plan.stack.name, accountId: plan.stack.accountId, region: plan.stack.region },
    keyPolicies,
    transitions,
    secrets: names.length === 0 ? 0 : -names.length,
    seen: { plan, status: record.status },
  };
}
