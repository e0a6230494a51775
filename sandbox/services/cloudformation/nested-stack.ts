import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import { handlerPermissions, permissionsOf } from '../../core/handler-permissions.ts';
import type { Access, Caller } from '../../core/operation.ts';
import { type OnAccess, parseProperties, type ResourceProvider } from '../../core/resource-provider.ts';
import type { GivenParameter } from './checks/parameters.ts';
import type { Stack } from './stack.ts';
import { passRoleAccess, tagContext } from './stack-requests.ts';
import type { TemplateSource } from './template-source.ts';

interface Parts {
  /** The stack that the resource is one of. */
  stack: (stackId: string) => Stack;
  /**
   * Makes a stack within its parent, and begins with it.
   * Throws an Error as CreateStack does, for what the template needs or has.
   */
  create: (parent: Stack, child: { stackName: string; templateUrl: string; parameters: GivenParameter[] }) => Stack;
  /**
   * Brings a stack within its parent to a template and parameters. Returns whether anything begins: not where these are what it has.
   * Throws an Error as UpdateStack does.
   */
  update: (child: Stack, parent: Stack, given: { templateUrl: string; parameters: GivenParameter[] }) => boolean;
  delete: (child: Stack, parent: Stack) => void;
  accessTo: TemplateSource['accessTo'];
  onAccess: OnAccess;
}

export const nestedProperties = v.strictObject({
  TemplateURL: v.string(),
  Parameters: v.optional(
    v.record(v.string(), v.pipe(v.union([v.string(), v.number(), v.boolean()]), v.transform(String))),
    {},
  ),
});

/**
 * `AWS::CloudFormation::Stack`: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stack.html
 * `Ref` gives the stack's id, `Outputs.<name>` its outputs.
 */
export function nestedStackProvider(parts: Parts): ResourceProvider {
  return async (context) => {
    const { caller, logicalId } = context;
    const { TemplateURL: templateUrl, Parameters } = parseProperties(nestedProperties, context);
    const parent = parts.stack(context.stackId);
    const { previous } = context;
    const existing = previous && parts.stack(previous.physicalId);
    const stackName =
      existing?.stackName ?? `${parent.stackName}-${logicalId}-${randomBytes(6).toString('hex').toUpperCase()}`;
    const handlers = handlerPermissions['AWS::CloudFormation::Stack'];
    const ask = (actions: readonly string[], resource: string, by = caller, context: Access['context'] = {}) => {
      for (const action of actions) parts.onAccess(by, { action, resource, context });
    };
    if (existing === undefined) {
      const resource = `arn:aws:cloudformation:${caller.region}:${caller.accountId}:stack/${stackName}/*`;
      ask(permissionsOf(handlers.create), resource);
    } else {
      ask(permissionsOf(handlers.update), existing.stackId, caller, tagContext('aws:ResourceTag', existing.tags));
    }
    // The child acts with its parent's role, which is passed on.
    for (const access of passRoleAccess(parent.roleArn)) parts.onAccess(caller, access);
    parts.onAccess(caller, parts.accessTo(templateUrl));
    const parameters = parametersOf(Parameters);
    const child = existing ?? parts.create(parent, { stackName, templateUrl, parameters });
    const resource = {
      physicalId: child.stackId,
      async delete(by: Caller) {
        // A nested stack has its parent's tags. (Whether it is created by a request that has them is not documented.)
        ask(permissionsOf(handlers.delete), child.stackId, by, tagContext('aws:ResourceTag', child.tags));
        parts.delete(child, parent);
        await child.work;
        if (child.status !== 'DELETE_COMPLETE') throw embedded(child, 'deleted');
      },
    };
    if (existing !== undefined) {
      const hasBegun = parts.update(existing, parent, { templateUrl, parameters });
      await existing.work;
      if (hasBegun && existing.status !== 'UPDATE_COMPLETE') throw notUpdated(existing);
      return { ...resource, attributes: outputsOf(existing) };
    }
    // A stack that fails is there, and goes with its parent.
    context.begin({ ...resource, attributes: {} });
    await child.work;
    if (child.status !== 'CREATE_COMPLETE') throw embedded(child, 'created');
    return { ...resource, attributes: outputsOf(child) };
  };
}

/** The parameters of a nested stack as CreateStack has them. */
export const parametersOf = (parameters: Readonly<Record<string, string>>): GivenParameter[] =>
  Object.entries(parameters).map(([ParameterKey, ParameterValue]) => ({ ParameterKey, ParameterValue }));

const outputsOf = ({ outputs }: Stack) =>
  Object.fromEntries(outputs.map(({ OutputKey, OutputValue }) => [`Outputs.${OutputKey}`, OutputValue] as const));

/** CloudFormation's words, while the stack within is being taken back. */
function notUpdated({ stackId, events }: Stack): Error {
  const status = 'UPDATE_ROLLBACK_IN_PROGRESS';
  const began = events.findLast((event) => event.PhysicalResourceId === stackId && event.ResourceStatus === status);
  return new Error(
    `Embedded stack ${stackId} was not successfully updated. Currently in ${status} with reason: ${began?.ResourceStatusReason ?? ''}`,
  );
}

/** CloudFormation's words; the reason is the one with which the nested stack's trouble began. */
function embedded({ stackId, events, statusReason = '' }: Stack, what: 'created' | 'deleted'): Error {
  const ofStack = events.filter(({ PhysicalResourceId }) => PhysicalResourceId === stackId);
  const began = ofStack.find(({ ResourceStatus }) => /^ROLLBACK_IN_PROGRESS$|_FAILED$/.test(ResourceStatus));
  const own = (what === 'created' ? began?.ResourceStatusReason : undefined) ?? statusReason;
  const reason = own.replace(/ (?:Rollback|Delete) requested by user\.$/, '');
  return new Error(`Embedded stack ${stackId} was not successfully ${what}: ${reason}`);
}
