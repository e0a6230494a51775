import type { Clock } from '../../../core/clock.ts';
import {
  type ProvisionedResource,
  providerOf,
  type ResourceContext,
  type ResourceProviders,
} from '../../../core/resource-provider.ts';
import type { Iam } from '../../iam/service.ts';
import { dependencyOrder } from '../dependencies.ts';
import { evaluate, isRecord } from '../evaluate.ts';
import type { Stack, StackResource, Transitions } from '../stack.ts';
import type { Template } from '../template.ts';
import { callerFor } from './caller.ts';
import type { Hook } from './hook.ts';
import { messageOf } from './message-of.ts';
import { paceOf } from './pace.ts';

type Definition = Template['Resources'][string];

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
      const pace = paceOf(stack, resourceDelayMs);
      if (!stack.isDeployment) await clock.sleep(Math.max(0, Math.min(pace, deadline - clock.now())));
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
      started.set(logicalId, startResource(stack, logicalId, definition));
    }
  }

  /** Adds a resource to the stack's. */
  function startResource(stack: Stack, logicalId: string, definition: Definition): StackResource {
    const resource: StackResource = {
      logicalId,
      type: definition.Type,
      ...policiesOf(definition),
      status: 'CREATE_IN_PROGRESS',
      updated: new Date(clock.now()),
    };
    const properties = propertiesOf(stack, logicalId);
    if (properties !== undefined) resource.properties = properties;
    stack.resources.push(resource);
    transitions.resource(stack, resource, 'CREATE_IN_PROGRESS');
    return resource;
  }

  /** Creates a resource that has been started, also one in place of another, which an update makes. */
  async function createResource(
    stack: Stack,
    resource: StackResource,
    kind: 'CREATE' | 'UPDATE' = 'CREATE',
  ): Promise<void> {
    let isInitiated = false;
    try {
      hook(stack, resource);
      const properties = evaluatedProperties(stack, resource.logicalId);
      const created = await provide(stack, resource, {
        properties,
        begin(begun) {
          resource.provisioned = begun;
          isInitiated = true;
          transitions.resource(stack, resource, `${kind}_IN_PROGRESS`, 'Resource creation Initiated');
        },
      });
      resource.properties = properties;
      resource.provisioned = created;
      if (!isInitiated) transitions.resource(stack, resource, `${kind}_IN_PROGRESS`, 'Resource creation Initiated');
      stack.scope.resources.set(resource.logicalId, created);
      transitions.resource(stack, resource, `${kind}_COMPLETE`);
    } catch (error) {
      transitions.resource(stack, resource, `${kind}_FAILED`, messageOf(error));
    }
  }

  /** Has a resource's provider create or update it. @throws Error, with the reason for the resource's failure */
  async function provide(
    stack: Stack,
    { logicalId, type }: StackResource,
    context: Pick<ResourceContext, 'properties' | 'previous'> & Partial<Pick<ResourceContext, 'begin'>>,
  ): Promise<ProvisionedResource> {
    const provider = providerOf(providers, type);
    if (provider === undefined) throw new Error(`Unrecognized resource type ${type}`);
    const { stackId, stackName, isDeployment, tags } = stack;
    const caller = callerFor(iam, stack);
    return provider({ begin() {}, ...context, ...{ type, logicalId, stackName, stackId, isDeployment, caller, tags } });
  }

  /** What of it cannot be evaluated fails the resource later. */
  function propertiesOf(stack: Stack, logicalId: string): Record<string, unknown> | undefined {
    try {
      return evaluatedProperties(stack, logicalId);
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

  return { createResources, startResource, createResource, provide };
}

/** The properties of a resource as they are with what is there so far. @throws Error for a function that has no value yet */
export function evaluatedProperties(stack: Stack, logicalId: string): Record<string, unknown> {
  const properties = evaluate(stack.template.Resources[logicalId]?.Properties, stack.scope);
  if (!isRecord(properties)) throw new Error(`The properties of ${logicalId} are no map`);
  return properties;
}

/** What a template says of the end of a resource. */
export const policiesOf = ({ DeletionPolicy, UpdateReplacePolicy }: Definition) => ({
  deletionPolicy: DeletionPolicy,
  isRetainedWhenReplaced: UpdateReplacePolicy === 'Retain',
});

/** False as soon as DeleteStack was called, whatever the creation is doing. */
export const isCreating = ({ status }: Stack) => status === 'CREATE_IN_PROGRESS';
