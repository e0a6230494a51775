import { randomUUID } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import type { Caller } from '../../core/operation.ts';
import type { ProvisionedResource } from '../../core/resource-provider.ts';
import type { Dependencies } from './dependencies.ts';
import type { Scope } from './evaluate.ts';
import type { Template } from './template.ts';

export type StackStatus =
  | 'CREATE_IN_PROGRESS'
  | 'CREATE_COMPLETE'
  | 'CREATE_FAILED'
  | 'ROLLBACK_IN_PROGRESS'
  | 'ROLLBACK_COMPLETE'
  | 'ROLLBACK_FAILED'
  | 'DELETE_IN_PROGRESS'
  | 'DELETE_COMPLETE'
  | 'DELETE_FAILED'
  | 'UPDATE_IN_PROGRESS'
  | 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS'
  | 'UPDATE_COMPLETE'
  | 'UPDATE_ROLLBACK_IN_PROGRESS'
  | 'UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS'
  | 'UPDATE_ROLLBACK_COMPLETE'
  | 'UPDATE_ROLLBACK_FAILED'
  | 'UPDATE_FAILED'
  | 'REVIEW_IN_PROGRESS';

export type ResourceStatus =
  | 'CREATE_IN_PROGRESS'
  | 'CREATE_COMPLETE'
  | 'CREATE_FAILED'
  | 'UPDATE_IN_PROGRESS'
  | 'UPDATE_COMPLETE'
  | 'UPDATE_FAILED'
  | 'DELETE_IN_PROGRESS'
  | 'DELETE_COMPLETE'
  | 'DELETE_FAILED'
  | 'DELETE_SKIPPED';

export interface StackResource {
  logicalId: string;
  type: string;
  deletionPolicy: Template['Resources'][string]['DeletionPolicy'];
  /** Whether the one that it replaces in an update stays. */
  isRetainedWhenReplaced: boolean;
  status: ResourceStatus;
  statusReason?: string;
  updated: Date;
  /** With its functions replaced; absent when they cannot be. */
  properties?: Readonly<Record<string, unknown>>;
  /** Absent until it is created. */
  provisioned?: ProvisionedResource;
}

/** A stack event as DescribeStackEvents answers it. */
export interface StackEvent {
  StackId: string;
  EventId: string;
  StackName: string;
  LogicalResourceId: string;
  PhysicalResourceId: string;
  ResourceType: string;
  Timestamp: Date;
  ResourceStatus: StackStatus | ResourceStatus;
  ResourceStatusReason?: string;
  /** JSON of all properties, with secrets among them. */
  ResourceProperties?: string;
  ClientRequestToken?: string;
  HookType?: string;
  HookStatus?: 'HOOK_IN_PROGRESS' | 'HOOK_COMPLETE_FAILED';
  HookStatusReason?: string;
  HookInvocationPoint?: 'PRE_PROVISION';
  HookFailureMode?: 'FAIL';
}

export interface Stack {
  stackId: string;
  stackName: string;
  template: Template;
  /** As it was sent. */
  templateBody: string;
  needs: Dependencies;
  /** As they were given, in clear: the service masks those that the template marks `NoEcho`. */
  parameters: Readonly<Record<string, string>>;
  /** The name that each output of these exports. */
  exportNames: ReadonlyMap<string, string>;
  /** The names of exports that it uses. */
  imports: readonly string[];
  /** With the parameters in clear. */
  scope: Scope & { resources: Map<string, ProvisionedResource> };
  capabilities: readonly string[];
  tags: readonly { Key: string; Value: string }[];
  roleArn?: string;
  /** Of a nested stack: the stack that it is a resource of, and the one at the top. */
  nestedIn?: { parentId: string; rootId: string };
  /** The sandbox's own deployment: it takes no time, and may have resources of every type. */
  isDeployment: boolean;
  /** The caller of CreateStack, or of UpdateStack since: resources are made with these rights when there is no `roleArn`. */
  creator: Caller;
  onFailure: 'DO_NOTHING' | 'ROLLBACK' | 'DELETE';
  timeoutInMinutes?: number;
  retainExceptOnCreate: boolean;
  enableTerminationProtection: boolean;
  /** Of the operation under way; copied to its events. */
  clientRequestToken?: string;
  /** The change set that was executed last. */
  changeSetId?: string;
  creationTime: Date;
  lastUpdatedTime?: Date;
  deletionTime?: Date;
  status: StackStatus;
  statusReason?: string;
  /** Those whose creation began, in that order. */
  resources: StackResource[];
  outputs: readonly {
    OutputKey: string;
    OutputValue: string;
    Description?: string | undefined;
    ExportName?: string | undefined;
  }[];
  /** Oldest first. */
  events: StackEvent[];
  /** Settles when the operation under way is over. */
  work: Promise<void>;
}

/** What an update of a stack changes about it, beside its resources. */
export type StackPlan = Pick<
  Stack,
  'template' | 'templateBody' | 'needs' | 'parameters' | 'exportNames' | 'scope' | 'capabilities' | 'tags' | 'creator'
>;

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/event-detail-stack-status-change.html */
export interface StackStatusChange {
  source: 'aws.cloudformation';
  'detail-type': 'CloudFormation Stack Status Change';
  account: string;
  region: string;
  resources: readonly string[];
  detail: {
    'stack-id': string;
    'status-details': { status: StackStatus; 'status-reason': string };
    'client-request-token': string;
  };
}

/** Moves stacks and their resources from status to status, and reports it in stack events and on the event bus. */
export interface Transitions {
  stack(stack: Stack, status: StackStatus, reason?: string): void;
  resource(stack: Stack, resource: StackResource, status: ResourceStatus, reason?: string): void;
  /** What a hook reports of a resource; its status stays what it is. */
  hook(
    stack: Stack,
    resource: StackResource,
    hook: Pick<StackEvent, 'HookType' | 'HookStatus' | 'HookStatusReason'>,
  ): void;
}

export function createTransitions(clock: Clock, publish: (event: StackStatusChange) => unknown): Transitions {
  const now = () => new Date(clock.now());

  function record(
    stack: Stack,
    event: Omit<StackEvent, 'StackId' | 'StackName' | 'Timestamp' | 'ResourceStatusReason' | 'ClientRequestToken'>,
    reason: string | undefined,
  ) {
    stack.events.push({
      StackId: stack.stackId,
      StackName: stack.stackName,
      Timestamp: now(),
      ...event,
      ...(reason !== undefined && { ResourceStatusReason: reason }),
      ...(stack.clientRequestToken !== undefined && { ClientRequestToken: stack.clientRequestToken }),
    });
  }

  const ofResource = (resource: StackResource) => ({
    EventId: `${resource.logicalId}-${resource.status}-${resource.updated.toISOString()}`,
    LogicalResourceId: resource.logicalId,
    PhysicalResourceId: resource.provisioned?.physicalId ?? '',
    ResourceType: resource.type,
    ResourceStatus: resource.status,
    ...(resource.properties !== undefined && { ResourceProperties: JSON.stringify(resource.properties) }),
  });

  return {
    stack(stack, status, reason) {
      stack.status = status;
      if (reason === undefined) delete stack.statusReason;
      else stack.statusReason = reason;
      if (status === 'DELETE_COMPLETE') stack.deletionTime = now();
      const { stackId, stackName, clientRequestToken = '' } = stack;
      record(
        stack,
        {
          EventId: randomUUID(),
          LogicalResourceId: stackName,
          PhysicalResourceId: stackId,
          ResourceType: 'AWS::CloudFormation::Stack',
          ResourceStatus: status,
        },
        reason,
      );
      const { accountId, region } = stack.creator;
      publish({
        source: 'aws.cloudformation',
        'detail-type': 'CloudFormation Stack Status Change',
        account: accountId,
        region,
        resources: [stackId],
        detail: {
          'stack-id': stackId,
          'status-details': { status, 'status-reason': reason ?? '' },
          'client-request-token': clientRequestToken,
        },
      });
    },

    resource(stack, resource, status, reason) {
      resource.status = status;
      if (reason === undefined) delete resource.statusReason;
      else resource.statusReason = reason;
      resource.updated = now();
      record(stack, ofResource(resource), reason);
    },

    hook(stack, resource, hook) {
      const event = { ...ofResource(resource), EventId: randomUUID() };
      record(stack, { ...event, ...hook, HookInvocationPoint: 'PRE_PROVISION', HookFailureMode: 'FAIL' }, undefined);
    },
  };
}
