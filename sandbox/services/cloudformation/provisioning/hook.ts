import type { Faults } from '../../../core/faults.ts';
import type { Stack, StackResource, Transitions } from '../stack.ts';

interface Parts {
  faults: Pick<Faults, 'take'>;
  transitions: Pick<Transitions, 'hook'>;
}

/** What CloudFormation asks before it makes a resource. @throws Error in CloudFormation's words when it refuses */
export type Hook = (stack: Stack, resource: StackResource) => void;

/** The one hook of the sandbox, in the account of who operates it. */
const hookType = 'Sandbox::Guard::Hook';

/**
 * The reason of a hook stands on an event of its own, and the resource's names no more than the hook: CloudFormation hooks user guide,
 * "View invocation results for your Hooks", and aws/aws-cdk#21674.
 */
export function createHook({ faults, transitions }: Parts): Hook {
  return (stack, resource) => {
    if (stack.isDeployment) return;
    const fault = faults.take('cloudformation', 'Hook');
    if (fault?.kind !== 'error') return;
    const HookStatusReason = `Hook failed with message: ${fault.message ?? fault.name}`;
    transitions.hook(stack, resource, { HookType: hookType, HookStatus: 'HOOK_IN_PROGRESS' });
    transitions.hook(stack, resource, { HookType: hookType, HookStatus: 'HOOK_COMPLETE_FAILED', HookStatusReason });
    throw new Error(`The following hook(s) failed: [${hookType}]`);
  };
}
