import { arnOwner } from '../../lib/aws/arns.ts';
import type { Change, KeyPolicyChange } from '../../lib/preflight/preview.ts';
import { preflightUpgrade, type SeenUpgrade } from '../../lib/preflight/upgrade/upgrade.ts';
import { ownershipTags } from '../../lib/stacks/names.ts';
import type { Dependencies, Draft, Looking } from './draft.ts';
import { grantOn, keyPolicyChanges } from './key-policies.ts';
import { stackPreview } from './stack-preview.ts';

/** The states of its state machine, with those that it enters before the stack is changed and after. */
const transitions = 11;

/**
 * What an upgrade would do. Which resources it replaces only a change set says, which is none of a plan's: it would be an effect.
 * @throws Faults with everything that its first step would refuse
 */
export async function draftUpgrade(request: unknown, dependencies: Dependencies, looking: Looking): Promise<Draft> {
  const { ownArn } = dependencies;
  const seen = await preflightUpgrade({ request, ownArn }, dependencies, {
    ...looking,
    // As of an onboarding.
    templateSource: async ({ vendorUrl }) => ({ url: vendorUrl, asked: arnOwner(ownArn) }),
    info: looking.warn,
  });
  const { plan, record } = seen;
  const keyPolicies: KeyPolicyChange[] = [];
  for (const place of seen.places) keyPolicies.push(await grantOn(place, plan.roleArn, dependencies));
  return {
    userName: plan.subscriber.userName,
    changes: [...keyPolicyChanges('PatchKeyPolicy', keyPolicies), ...stackChanges(seen)],
    stack: stackPreview(plan, seen.summary),
    keyPolicies,
    transitions,
    secrets: 0,
    seen: { plan, status: record.status, stackStatus: seen.stack.StackStatus },
  };
}

/** What execute-change-set does about the stack, as far as it can be known without a change set. */
function stackChanges({ plan, stack, record }: SeenUpgrade): Change[] {
  const { name, build, template, parameters, planHash } = plan.stack;
  const given = Object.keys(parameters);
  const isSame =
    record.templateSha256 === template.sha256 &&
    given.length === 0 &&
    stack.Tags?.some(({ Key, Value }) => Key === ownershipTags.planHash && Value === planHash);
  if (isSame) return [];
  const others = given.length === 0 ? '' : `, with other values of ${given.join(', ')}`;
  const detail = `To build ${build}${others}; PrepareChangeSet finds out which resources that replaces, and refuses what allow does not name`;
  return [{ step: 'ExecuteChangeSet', kind: 'stack', action: 'update', what: name, detail }];
}
