import type { Clock } from '../../../core/clock.ts';
import { providerOf, type ResourceProviders } from '../../../core/resource-provider.ts';
import type { Iam } from '../../iam/service.ts';
import { dependencyOrder } from '../dependencies.ts';
import { evaluate, isRecord } from '../evaluate.ts';
import type { Stack, StackResource, Transitions } from '../stack.ts';
import { callerFor } from './caller.ts';
import type { Hook } from './hook.ts';
import { messageOf } from './message-of.ts';

interface Parts {
  clock: Clock;
  iam: Pick<Iam, 'serviceCaller'>;
  providers: ResourceProviders;
  transitions: Transitions;
  hook: Hook;
  /** How long each resource takes. */
  resourceDelayMs: number;
}

/** What creates the resources of a stack, one after another; `createResources` returns why the stack cannot be completed. */
export function createCreation({ clock, iam, providers, transitions, hook, resourceDelayMs }: Parts) {
  /** Ends early, without a reason, when the stack is deleted meanwhile. Returns why the stack cannot be completed. */
  async function createResources(stack: Stack): Promise<string | undefined> {
    const { needs, timeoutInMinutes } = stack;
    const waiting = new Map([...needs].map(([logicalId, needed]) => [logicalId, new Set(needed)]));
    const started = new Map<string, StackResource>();
    const deadline = stack.creationTime.getTime() + (timeoutInMinutes ?? Number.POSITIVE_INFINITY) * 60_000;

    for (const logicalId of dependencyOrder(needs)) {
      startReady(stack, waiting, started);
      const resource = started.get(logicalId);
      // It has started: all that it needs comes before it in this order.
      if (resource === undefined) throw new Error(`${logicalId} has not started`);
      if (!stack.isDeployment) await clock.sleep(Math.max(0, Math.min(resourceDelayMs, deadline - clock.now())));
      if (clock.now() >= deadline) {
        const failed = cancelOthers(stack).join(', ');
        return `Stack creation time exceeded the specified timeout. The following resource(s) failed to create: [${failed}].`;
      }
      if (isCreating(stack)) await createResource(stack, resource);
      if (resource.status === 'CREATE_COMPLETE' && isCreating(stack)) {
        for (const needed of waiting.values()) needed.delete(logicalId);
        continue;
      }
      const failed = [...(resource.status === 'CREATE_FAILED' ? [logicalId] : []), ...cancelOthers(stack)];
      return `The following resource(s) failed to create: [${failed.join(', ')}].`;
    }
    return undefined;
  }

  /** CloudFormation begins with every resource as soon as all that it needs exists: nothing is `waiting` for it then. */
  function startReady(stack: Stack, waiting: Map<string, Set<string>>, started: Map<string, StackResource>) {
    for (const [logicalId, needed] of waiting) {
      const definition = stack.template.Resources[logicalId];
      if (definition === undefined || needed.size > 0) continue;
      waiting.delete(logicalId);
      const { Type: type, DeletionPolicy: deletionPolicy } = definition;
      const resource: StackResource = {
        logicalId,
        type,
        deletionPolicy,
        status: 'CREATE_IN_PROGRESS',
        updated: new Date(clock.now()),
      };
      const properties = propertiesOf(stack, logicalId);
      if (properties !== undefined) resource.properties = properties;
      started.set(logicalId, resource);
      stack.resources.push(resource);
      transitions.resource(stack, resource, 'CREATE_IN_PROGRESS');
    }
  }

  async function createResource(stack: Stack, resource: StackResource): Promise<void> {
    const { logicalId, type } = resource;
    const { stackId, stackName } = stack;
    let isInitiated = false;
    try {
      hook(stack, resource);
      const provider = providerOf(providers, type);
      if (provider === undefined) throw new Error(`Unrecognized resource type ${type}`);
      const properties = evaluate(stack.template.Resources[logicalId]?.Properties, stack.scope);
      if (!isRecord(properties)) throw new Error(`The properties of ${logicalId} are no map`);
      const caller = callerFor(iam, stack);
      resource.provisioned = await provider({
        type,
        properties,
        logicalId,
        stackName,
        stackId,
        caller,
        tags: stack.tags,
        begin(begun) {
          resource.provisioned = begun;
          isInitiated = true;
          transitions.resource(stack, resource, 'CREATE_IN_PROGRESS', 'Resource creation Initiated');
        },
      });
      if (!isInitiated) transitions.resource(stack, resource, 'CREATE_IN_PROGRESS', 'Resource creation Initiated');
      stack.scope.resources.set(logicalId, resource.provisioned);
      transitions.resource(stack, resource, 'CREATE_COMPLETE');
    } catch (error) {
      transitions.resource(stack, resource, 'CREATE_FAILED', messageOf(error));
    }
  }

  /** What of it cannot be evaluated fails the resource later. */
  function propertiesOf(stack: Stack, logicalId: string): Record<string, unknown> | undefined {
    try {
      const properties = evaluate(stack.template.Resources[logicalId]?.Properties, stack.scope);
      return isRecord(properties) ? properties : undefined;
    } catch {
      return undefined;
    }
  }

  /** Returns the logical ids of the resources that were still being created. */
  function cancelOthers(stack: Stack): string[] {
    const underWay = stack.resources.filter(({ status }) => status === 'CREATE_IN_PROGRESS');
    for (const resource of underWay) {
      transitions.resource(stack, resource, 'CREATE_FAILED', 'Resource creation cancelled');
    }
    return underWay.map(({ logicalId }) => logicalId);
  }

  return { createResources };
}

/** False as soon as DeleteStack was called, whatever the creation is doing. */
export const isCreating = ({ status }: Stack) => status === 'CREATE_IN_PROGRESS';
