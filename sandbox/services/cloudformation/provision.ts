import type { Clock } from '../../core/clock.ts';
import type { Caller } from '../../core/operation.ts';
import { providerOf, type ResourceProviders } from '../../core/resource-provider.ts';
import type { Iam } from '../iam/service.ts';
import { dependencyOrder } from './dependencies.ts';
import { conditionValue, evaluate, isRecord } from './evaluate.ts';
import type { Stack, StackResource, Transitions } from './stack.ts';

interface Parts {
  clock: Clock;
  iam: Pick<Iam, 'serviceCaller'>;
  providers: ResourceProviders;
  transitions: Transitions;
  /** How long each resource takes. */
  resourceDelayMs: number;
}

/** The operations on stacks as they go on after their call was answered; a stack's `work` settles at their end. */
export interface Provisioner {
  create(stack: Stack): void;
  /** Leaves the resources of these logical ids where they are. */
  delete(stack: Stack, retained: readonly string[]): void;
}

const via = 'cloudformation.amazonaws.com';

export function createProvisioner({ clock, iam, providers, transitions, resourceDelayMs }: Parts): Provisioner {
  async function create(stack: Stack): Promise<void> {
    const failure = (await createResources(stack)) ?? (isCreating(stack) ? setOutputs(stack) : undefined);
    if (!isCreating(stack)) return;
    if (failure === undefined) return transitions.stack(stack, 'CREATE_COMPLETE');
    switch (stack.onFailure) {
      case 'DO_NOTHING':
        return transitions.stack(stack, 'CREATE_FAILED', failure);
      case 'ROLLBACK': {
        transitions.stack(stack, 'ROLLBACK_IN_PROGRESS', `${failure} Rollback requested by user.`);
        const problem = await deleteResources(stack, true);
        return transitions.stack(stack, problem === undefined ? 'ROLLBACK_COMPLETE' : 'ROLLBACK_FAILED', problem);
      }
      case 'DELETE':
        transitions.stack(stack, 'DELETE_IN_PROGRESS', `${failure} Delete requested by user.`);
        return finishDeletion(stack, true);
    }
  }

  async function finishDeletion(stack: Stack, inCreation: boolean, retained: readonly string[] = []): Promise<void> {
    // It takes its time, also when there is nothing left to delete.
    await clock.sleep(resourceDelayMs);
    const problem = await deleteResources(stack, inCreation, retained);
    transitions.stack(stack, problem === undefined ? 'DELETE_COMPLETE' : 'DELETE_FAILED', problem);
  }

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
      started.set(logicalId, resource);
      stack.resources.push(resource);
      transitions.resource(stack, resource, 'CREATE_IN_PROGRESS');
    }
  }

  async function createResource(stack: Stack, resource: StackResource): Promise<void> {
    const { logicalId, type } = resource;
    const { stackId, stackName } = stack;
    try {
      const provider = providerOf(providers, type);
      if (provider === undefined) throw new Error(`Unrecognized resource type ${type}`);
      const properties = evaluate(stack.template.Resources[logicalId]?.Properties, stack.scope);
      if (!isRecord(properties)) throw new Error(`The properties of ${logicalId} are no map`);
      const caller = callerFor(stack);
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
          transitions.resource(stack, resource, 'CREATE_IN_PROGRESS', 'Resource creation Initiated');
        },
      });
      stack.scope.resources.set(logicalId, resource.provisioned);
      transitions.resource(stack, resource, 'CREATE_COMPLETE');
    } catch (error) {
      transitions.resource(stack, resource, 'CREATE_FAILED', messageOf(error));
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

  /** Returns what went wrong. */
  async function deleteResources(
    stack: Stack,
    inCreation: boolean,
    retained: readonly string[] = [],
  ): Promise<string | undefined> {
    for (const resource of stack.resources.toReversed()) {
      if (resource.status === 'DELETE_COMPLETE' || resource.status === 'DELETE_SKIPPED') continue;
      if (resource.provisioned === undefined) transitions.resource(stack, resource, 'DELETE_COMPLETE');
      else if (retained.includes(resource.logicalId) || isRetained(resource, stack, inCreation))
        transitions.resource(stack, resource, 'DELETE_SKIPPED');
      else await deleteResource(stack, resource);
    }
    const failed = stack.resources.filter(({ status }) => status === 'DELETE_FAILED').map(({ logicalId }) => logicalId);
    return failed.length === 0 ? undefined : `The following resource(s) failed to delete: [${failed.join(', ')}].`;
  }

  async function deleteResource(stack: Stack, resource: StackResource): Promise<void> {
    transitions.resource(stack, resource, 'DELETE_IN_PROGRESS');
    await clock.sleep(resourceDelayMs);
    try {
      await resource.provisioned?.delete?.(callerFor(stack));
      transitions.resource(stack, resource, 'DELETE_COMPLETE');
    } catch (error) {
      transitions.resource(stack, resource, 'DELETE_FAILED', messageOf(error));
    }
  }

  function callerFor({ roleArn, creator }: Stack): Caller {
    return roleArn === undefined ? { ...creator, via } : iam.serviceCaller(roleArn, via, creator.region);
  }

  return {
    create(stack) {
      transitions.stack(stack, 'CREATE_IN_PROGRESS', 'User Initiated');
      stack.work = create(stack);
    },
    delete(stack, retained) {
      transitions.stack(stack, 'DELETE_IN_PROGRESS', 'User Initiated');
      // A creation that is under way ends at its next resource.
      stack.work = stack.work.then(() => finishDeletion(stack, false, retained));
    },
  };
}

/** False as soon as DeleteStack was called, whatever the creation is doing. */
const isCreating = ({ status }: Stack) => status === 'CREATE_IN_PROGRESS';

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html */
function isRetained({ deletionPolicy }: StackResource, { retainExceptOnCreate }: Stack, inCreation: boolean): boolean {
  switch (deletionPolicy) {
    case 'Delete':
      return false;
    case 'Retain':
      return !(inCreation && retainExceptOnCreate);
    case 'RetainExceptOnCreate':
      return !inCreation;
  }
}

/** Returns why the outputs have no value. */
function setOutputs(stack: Stack): string | undefined {
  const { template, scope } = stack;
  try {
    stack.outputs = Object.entries(template.Outputs)
      .filter(([, { Condition }]) => conditionValue(Condition, scope.conditions))
      .map(([OutputKey, { Value, Description }]) => ({
        OutputKey,
        OutputValue: String(evaluate(Value, scope)),
        Description,
      }));
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
