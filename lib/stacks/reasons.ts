import {
  type CloudFormationClient,
  paginateDescribeStackEvents,
  type StackEvent,
} from '@aws-sdk/client-cloudformation';
import { redact, redactOpaque } from '../redact.ts';
import { updateToken } from './names.ts';
import { isDeletionCanceled } from './status.ts';

/**
 * Why a stack could not be created, in CloudFormation's words: the reason of the resource that failed first, which a person wants to see,
 * since others ("Resource creation cancelled") and the stack's own only follow from it; else the stack's own, which stands on its events
 * where no resource has failed (an export whose name is taken, an import that is missing, an output, a macro). Of a nested stack that
 * failed the reason within it. No property of a resource is read: `ResourceProperties` holds the custom token.
 */
export const creationFailure = (cloudFormation: CloudFormationClient, stackId: string): Promise<string | undefined> =>
  failureIn(cloudFormation, stackId);

/** Why a stack failed, by all of its events. */
async function failureIn(cloudFormation: CloudFormationClient, stackId: string): Promise<string | undefined> {
  const failure = createFailure(stackId);
  for await (const event of eventsOf(cloudFormation, stackId)) failure.meet(event);
  return failure.describe((nestedId) => failureIn(cloudFormation, nestedId));
}

/** What became of a stack's latest deletion: whether it goes on, and why it failed or was given up. */
export async function latestDeletion(
  cloudFormation: CloudFormationClient,
  stackId: string,
): Promise<{ isUnderWay: boolean; failure: string | undefined }> {
  const failure = createFailure(stackId);
  let isUnderWay: boolean | undefined;
  for await (const event of eventsOf(cloudFormation, stackId)) {
    const { ResourceStatus, PhysicalResourceId, ResourceStatusReason } = event;
    const isOfStack = PhysicalResourceId === stackId;
    if (isOfStack) isUnderWay ??= ResourceStatus === 'DELETE_IN_PROGRESS';
    // It begins here: what failed before is of the creation, or of an earlier deletion.
    if (isOfStack && ResourceStatus === 'DELETE_IN_PROGRESS') break;
    failure.meet(event);
    if (isOfStack && isDeletionCanceled(ResourceStatus, ResourceStatusReason)) break;
  }
  const reason = await failure.describe(async (nestedId) => (await latestDeletion(cloudFormation, nestedId)).failure);
  return { isUnderWay: isUnderWay ?? false, failure: reason };
}

/** What has become of an execution's update of a stack. */
export interface OwnUpdate {
  /** The latest status of the stack in it. */
  status: string;
  /** Why it failed, in CloudFormation's words. */
  failure: string | undefined;
}

/**
 * What has become of an execution's update of a stack, by the events that carry its token: the stack's status alone may be one of before
 * it, or of what somebody else has done since.
 * @returns undefined when it has not begun
 */
export async function ownUpdate(
  cloudFormation: CloudFormationClient,
  { stackId, executionArn }: { stackId: string; executionArn: string },
): Promise<OwnUpdate | undefined> {
  const token = updateToken(executionArn);
  const failure = createFailure(stackId);
  /** Of the rollback, which comes later. */
  const ofRollback = createFailure(stackId);
  let isOfRollback = true;
  let status: string | undefined;
  for await (const event of eventsOf(cloudFormation, stackId)) {
    if (event.ClientRequestToken !== token) {
      // What is older is of others.
      if (status !== undefined) break;
      continue;
    }
    const isOfStack = event.PhysicalResourceId === stackId;
    if (isOfStack) status ??= event.ResourceStatus;
    if (isOfStack && event.ResourceStatus === 'UPDATE_ROLLBACK_IN_PROGRESS') isOfRollback = false;
    (isOfRollback ? ofRollback : failure).meet(event);
    if (isOfStack && event.ResourceStatus === 'UPDATE_IN_PROGRESS') break;
  }
  if (status === undefined) return undefined;
  const reasonIn = (nestedId: string) => failureIn(cloudFormation, nestedId);
  const [cause, second] = [await failure.describe(reasonIn), await ofRollback.describe(reasonIn)];
  if (status !== 'UPDATE_ROLLBACK_FAILED') return { status, failure: cause ?? second };
  return { status, failure: [cause, second && `the rollback: ${second}`].filter(Boolean).join('; ') || undefined };
}

/**
 * What a stack waits for, such as `Subscriber (Custom::InfinStorSubscriber), CREATE_IN_PROGRESS`: of the resources in progress the one that is it
 * longest, since others may wait for it; of a nested stack the one within it. Undefined when there is none.
 */
export async function longestInProgress(
  cloudFormation: CloudFormationClient,
  stackId: string,
): Promise<string | undefined> {
  const known = new Set<string>();
  let longest: StackEvent | undefined;
  for await (const event of eventsOf(cloudFormation, stackId)) {
    const { LogicalResourceId = '', PhysicalResourceId, ResourceStatus, HookType } = event;
    // A resource's newest event is the first of it.
    if (HookType !== undefined || PhysicalResourceId === stackId || known.has(LogicalResourceId)) continue;
    known.add(LogicalResourceId);
    if (ResourceStatus?.endsWith('_IN_PROGRESS')) longest = event;
  }
  if (longest === undefined) return undefined;
  const { LogicalResourceId, ResourceType, ResourceStatus } = longest;
  const nestedId = nestedStackOf(longest);
  const within = nestedId === undefined ? undefined : await longestInProgress(cloudFormation, nestedId);
  return within === undefined
    ? `${LogicalResourceId} (${ResourceType}), ${ResourceStatus}`
    : `${LogicalResourceId}: ${within}`;
}

/** The id of the stack that an event's resource is, once it is made. */
const nestedStackOf = ({ ResourceType, PhysicalResourceId: id }: StackEvent) =>
  ResourceType === 'AWS::CloudFormation::Stack' && id?.startsWith('arn:') ? id : undefined;

/** A stack's own reason as people may read it; undefined when there is none. "Rollback requested by user" is CloudFormation's setting, and nobody's request. */
export function reasonOf(statusReason: string | undefined): string | undefined {
  const reason = statusReason?.replace(/ ?(?:Rollback|Delete) requested by user\.$/, '');
  return reason === undefined || reason === '' ? undefined : redacted(reason);
}

/** The events of a stack, newest first. */
async function* eventsOf(cloudFormation: CloudFormationClient, stackId: string): AsyncGenerator<StackEvent> {
  const pages = paginateDescribeStackEvents({ client: cloudFormation }, { StackName: stackId });
  for await (const { StackEvents = [] } of pages) yield* StackEvents;
}

interface Failure {
  /** Of the events, newest first: the last one met is the first that happened. */
  meet(event: StackEvent): void;
  /** @param reasonIn why a nested stack failed */
  describe(reasonIn: (nestedId: string) => Promise<string | undefined>): Promise<string | undefined>;
}

/** What has failed of a stack, found in its events. */
function createFailure(stackId: string): Failure {
  let ofResource: StackEvent | undefined;
  let ofStack: StackEvent | undefined;
  /** The reasons of hooks that refused something, by its logical id. */
  const refusals = new Map<string, string>();

  return {
    meet(event) {
      const { LogicalResourceId = '', PhysicalResourceId, HookStatusReason, HookType } = event;
      // The reason of the resource names the hook alone (aws/aws-cdk#21674).
      if (isRefusal(event) && HookStatusReason) refusals.set(LogicalResourceId, HookStatusReason);
      if (HookType !== undefined || !event.ResourceStatusReason) return;
      if (PhysicalResourceId === stackId) {
        if (isOwnFailure(event)) ofStack = event;
      } else if (isFailure(event)) ofResource = event;
    },

    async describe(reasonIn) {
      const { LogicalResourceId = '', ResourceStatusReason = '' } = ofResource ?? ofStack ?? {};
      const refusal =
        refusals.get(LogicalResourceId) ?? (ofResource === undefined ? [...refusals.values()].at(-1) : undefined);
      const isNamed = refusal !== undefined && !ResourceStatusReason.includes(refusal);
      const hook = isNamed ? redactOpaque(refusal) : undefined;
      if (ofResource === undefined)
        return [reasonOf(ResourceStatusReason), hook].filter(Boolean).join(': ') || undefined;
      const nestedId = nestedStackOf(ofResource);
      const reason = nestedId === undefined ? undefined : await reasonIn(nestedId);
      return [LogicalResourceId, reason ?? redacted(ResourceStatusReason), hook].filter(Boolean).join(': ');
    },
  };
}

/** That a hook refuses something, or has failed itself; where it is only to warn (`WARN`), neither stops anything (API reference, StackEvent). */
const isRefusal = ({ HookStatus, HookFailureMode }: StackEvent) =>
  (HookStatus === 'HOOK_COMPLETE_FAILED' || HookStatus === 'HOOK_FAILED') && HookFailureMode !== 'WARN';

/** That a resource was cancelled follows from another one's failure, or from the stack's. */
const isFailure = ({ ResourceStatus, ResourceStatusReason = '' }: StackEvent) =>
  ResourceStatus?.endsWith('_FAILED') === true && !/^Resource \w+ cancelled/.test(ResourceStatusReason);

/** An event of the stack itself whose reason says more than that it has begun. */
const isOwnFailure = ({ ResourceStatus: status, ResourceStatusReason: reason }: StackEvent) =>
  status !== 'CREATE_IN_PROGRESS' &&
  status !== 'UPDATE_IN_PROGRESS' &&
  String(status) !== 'REVIEW_IN_PROGRESS' &&
  reason !== 'User Initiated';

/**
 * A reason as people may read it. What gets the custom token as a property or a parameter may quote it: custom resources, hooks and macros,
 * and services that refuse a value. Who waits for a stack does not know the token, so it cannot be hidden by value.
 */
const redacted = (reason: string) => (mayQuote.test(reason) ? redactOpaque(reason) : redact(reason));
const mayQuote = /custom resource|hook|transform|resource handler returned|invalid request|validation|\bvalue\b/i;
