import { isDeepStrictEqual } from 'node:util';
import { type UpdateRule, updateRuleOf } from '../../../core/update-rules.ts';
import { dependencyOrder } from '../dependencies.ts';
import type { Stack, StackResource, Transitions } from '../stack.ts';
import { type createCreation, evaluatedProperties, policiesOf } from './create-resources.ts';
import { type createDeletion, isRetained } from './delete-resources.ts';
import { messageOf } from './message-of.ts';

interface Parts {
  transitions: Transitions;
  creation: Pick<ReturnType<typeof createCreation>, 'startResource' | 'createResource' | 'provide'>;
  deletion: Pick<ReturnType<typeof createDeletion>, 'deleteOrLeave' | 'takeTime'>;
}

type Properties = Readonly<Record<string, unknown>>;

/** What an update has done to a resource so far. */
export type Change =
  | { kind: 'created'; resource: StackResource }
  | { kind: 'updated'; resource: StackResource; before: StackResource; properties: Properties }
  | { kind: 'replaced'; resource: StackResource; before: StackResource }
  /** It has failed before anything was changed. */
  | { kind: 'unchanged'; resource: StackResource };

/**
 * What brings the resources of a stack from one template to the next, one after another, and back:
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html
 */
export function createUpdating({ transitions, creation, deletion }: Parts) {
  /** Notes in `changes` what it does. Returns why the stack cannot be brought to its template. */
  async function updateResources(stack: Stack, changes: Change[]): Promise<string | undefined> {
    const existing = new Map(stack.resources.map((resource) => [resource.logicalId, resource]));
    for (const logicalId of dependencyOrder(stack.needs)) {
      const definition = stack.template.Resources[logicalId];
      if (definition === undefined) continue;
      const resource = existing.get(logicalId);
      if (resource === undefined) {
        const created = creation.startResource(stack, logicalId, definition);
        changes.push({ kind: 'created', resource: created });
        await deletion.takeTime(stack);
        await creation.createResource(stack, created);
        if (created.status === 'CREATE_FAILED') return `The following resource(s) failed to create: [${logicalId}].`;
        continue;
      }
      const change = await updateResource(stack, resource);
      if (change !== undefined) changes.push(change);
      Object.assign(resource, policiesOf(definition));
      if (resource.status === 'UPDATE_FAILED') return `The following resource(s) failed to update: [${logicalId}].`;
    }
    return undefined;
  }

  /** Returns what it has done; nothing where the properties are what they were. */
  async function updateResource(stack: Stack, resource: StackResource): Promise<Change | undefined> {
    const before = { ...resource };
    let properties: Properties;
    try {
      properties = evaluatedProperties(stack, resource.logicalId);
    } catch (error) {
      transitions.resource(stack, resource, 'UPDATE_FAILED', messageOf(error));
      return { kind: 'unchanged', resource };
    }
    const { properties: old = {} } = before;
    // Whether the template of a nested stack is another one is seen when it is updated.
    if (isDeepStrictEqual(properties, old) && resource.type !== 'AWS::CloudFormation::Stack') return undefined;
    const rule = updateRuleOf(resource.type);
    const isReplaced =
      rule?.createOnly.some((name) => !isDeepStrictEqual(properties[name], old[name])) === true ||
      rule?.replaces?.(properties, old) === true;
    transitions.resource(
      stack,
      resource,
      'UPDATE_IN_PROGRESS',
      isReplaced ? 'Requested update requires the creation of a new physical resource; hence creating one.' : undefined,
    );
    await deletion.takeTime(stack);
    const problem = refusal(rule, { resource, isReplaced, properties, old });
    if (problem !== undefined) {
      transitions.resource(stack, resource, 'UPDATE_FAILED', problem);
      return { kind: 'unchanged', resource };
    }
    if (!isReplaced) {
      await bringTo(stack, resource, properties);
      return { kind: 'updated', resource, before, properties };
    }
    // Until it is made, the resource is the one that is there: should it fail, that is what stays.
    await creation.createResource(stack, resource, 'UPDATE');
    if (resource.provisioned === before.provisioned) return { kind: 'unchanged', resource };
    return { kind: 'replaced', resource, before };
  }

  /** Updates a resource in place. */
  async function bringTo(stack: Stack, resource: StackResource, properties: Properties): Promise<void> {
    const { provisioned, properties: old = {} } = resource;
    try {
      if (provisioned === undefined) throw new Error(`${resource.logicalId} is not there`);
      const previous = { physicalId: provisioned.physicalId, properties: old };
      resource.provisioned = await creation.provide(stack, resource, { properties, previous });
      resource.properties = properties;
      stack.scope.resources.set(resource.logicalId, resource.provisioned);
      transitions.resource(stack, resource, 'UPDATE_COMPLETE');
    } catch (error) {
      transitions.resource(stack, resource, 'UPDATE_FAILED', messageOf(error));
    }
  }

  /** Brings back what an update has changed, the last first; the stack has its old template again. Returns what went wrong. */
  async function restoreResources(stack: Stack, changes: readonly Change[]): Promise<string | undefined> {
    const failed: string[] = [];
    for (const change of changes.toReversed()) {
      if (change.kind === 'created') continue;
      if (change.kind === 'unchanged') {
        transitions.resource(stack, change.resource, 'UPDATE_COMPLETE');
        continue;
      }
      const { resource, before } = change;
      const leftover = { ...resource };
      if (change.kind === 'updated') {
        // Also one that has failed half-way: what it may have become is what it was to become.
        resource.properties = change.properties;
      } else if (before.provisioned !== undefined) resource.provisioned = before.provisioned;
      Object.assign(resource, {
        deletionPolicy: before.deletionPolicy,
        isRetainedWhenReplaced: before.isRetainedWhenReplaced,
      });
      transitions.resource(stack, resource, 'UPDATE_IN_PROGRESS');
      await deletion.takeTime(stack);
      if (change.kind === 'updated') await bringTo(stack, resource, before.properties ?? {});
      else {
        change.before = leftover;
        if (before.properties !== undefined) resource.properties = before.properties;
        transitions.resource(stack, resource, 'UPDATE_COMPLETE');
      }
      if (resource.status === 'UPDATE_FAILED') failed.push(resource.logicalId);
    }
    return failed.length === 0 ? undefined : `The following resource(s) failed to update: [${failed.join(', ')}].`;
  }

  /** Deletes what is not wanted any more after an update. Returns whether all of it is gone, or stays because it is to be retained. */
  async function cleanUp(stack: Stack, changes: readonly Change[]): Promise<boolean> {
    const gone = stack.resources.filter(({ logicalId }) => !stack.needs.has(logicalId));
    const replaced = changes.flatMap((change) => (change.kind === 'replaced' ? [change.before] : []));
    for (const former of replaced.toReversed()) {
      await deletion.deleteOrLeave(stack, former, former.isRetainedWhenReplaced);
    }
    for (const resource of gone.toReversed()) {
      const isNew = changes.some((change) => change.kind === 'created' && change.resource === resource);
      await deletion.deleteOrLeave(stack, resource, isRetained(resource, stack, isNew));
      stack.scope.resources.delete(resource.logicalId);
    }
    // What is deleted later goes before what it needs.
    const order = dependencyOrder(stack.needs);
    stack.resources = stack.resources
      .filter(({ logicalId }) => stack.needs.has(logicalId))
      .sort((a, b) => order.indexOf(a.logicalId) - order.indexOf(b.logicalId));
    return [...replaced, ...gone].every(({ status }) => status !== 'DELETE_FAILED');
  }

  return { updateResources, restoreResources, cleanUp };
}

interface Wanted {
  resource: StackResource;
  isReplaced: boolean;
  properties: Properties;
  old: Properties;
}

/** Why a resource cannot be updated at all. */
function refusal(rule: UpdateRule | undefined, { resource, isReplaced, properties, old }: Wanted): string | undefined {
  if (rule === undefined) return `The sandbox does not update resources of type ${resource.type}`;
  const { name } = rule;
  const isNamed = name !== undefined && properties[name] !== undefined && properties[name] === old[name];
  // ministackorg/ministack#1433
  if (!isReplaced || !isNamed) return undefined;
  return `CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename ${properties[name]} and update the stack again.`;
}
