import { randomUUID } from 'node:crypto';
import type * as v from 'valibot';
import type { AccountRegion } from '../../core/account.ts';
import type { Clock } from '../../core/clock.ts';
import { AwsError, type Caller } from '../../core/operation.ts';
import type { Quotas } from '../../core/quotas.ts';
import type { Iam } from '../iam/service.ts';
import { type GivenParameter, parameterValues, resolveParameters } from './checks/parameters.ts';
import { checkRules } from './checks/rules.ts';
import { givenValue, isSame, requireName, requireSameTypes, requireUpdatable } from './checks/updates.ts';
import { pseudoParameters } from './evaluate.ts';
import { type Exports, exportNames } from './exports.ts';
import type { Provisioner } from './provisioning/provision.ts';
import type { resourceTypes } from './resource-types.ts';
import type { Stack, StackPlan } from './stack.ts';
import { type createInput, requireAssumable, type updateInput } from './stack-requests.ts';
import { isLive, type StackStore } from './stack-store.ts';
import { emptyTemplate } from './template.ts';
import { checkCapabilities, checkTemplate, validationError } from './template-checks.ts';
import type { TemplateSource } from './template-source.ts';

interface Parts {
  clock: Pick<Clock, 'now'>;
  iam: Pick<Iam, 'role'>;
  home: AccountRegion;
  quotas: Pick<Quotas, 'limit'>;
  store: StackStore;
  exports: Exports;
  source: TemplateSource;
  types: ReturnType<typeof resourceTypes>;
  provisioner: Provisioner;
  /** Called when a stack is created or updated without a change set: those that it has are of no use any more. */
  outdate: (stack: Stack) => void;
}

/** What the request for a stack decides about it, beside name, template and parameters. */
type StackRequest = Pick<
  Stack,
  | 'capabilities'
  | 'tags'
  | 'roleArn'
  | 'nestedIn'
  | 'creator'
  | 'isDeployment'
  | 'onFailure'
  | 'timeoutInMinutes'
  | 'retainExceptOnCreate'
  | 'enableTerminationProtection'
  | 'clientRequestToken'
>;

/** The sandbox's own deployment, as `osls` would send it. */
export interface Deployment {
  stackName: string;
  templateBody: string;
  parameters: Readonly<Record<string, string>>;
  capabilities: readonly string[];
  caller: Caller;
}

/** What an update of a stack is asked for, directly or in a change set. */
export type UpdateRequest = Pick<
  v.InferOutput<typeof updateInput>,
  'TemplateBody' | 'TemplateURL' | 'UsePreviousTemplate' | 'Parameters' | 'Capabilities' | 'RoleARN' | 'Tags'
>;

/** What a nested stack has of the one that it is in. */
type NestedIn = Pick<Stack, 'capabilities' | 'tags' | 'creator' | 'roleArn'>;

export interface StackCreation {
  /** CreateStack. @throws AwsError as AWS does */
  create(input: v.InferOutput<typeof createInput>, caller: Caller): Stack;
  /** Creates a stack that is a resource of another one. @throws AwsError as CreateStack does */
  createNested(
    parent: Stack,
    child: { stackName: string; templateUrl: string; parameters: readonly GivenParameter[] },
  ): Stack;
  /**
   * Updates a stack that is a resource of another one, with its parent's role, tags and capabilities. Returns whether anything is to do.
   * @throws AwsError as UpdateStack does
   */
  updateNested(
    child: Stack,
    parent: Stack,
    given: { templateUrl: string; parameters: readonly GivenParameter[] },
  ): boolean;
  /** What an update of the stack that it is in would make of a nested one. @throws AwsError as UpdateStack does */
  planNested(
    child: Stack,
    parent: NestedIn,
    given: { templateUrl: string; parameters: readonly GivenParameter[] },
  ): StackPlan;
  /** UpdateStack. @throws AwsError as AWS does */
  update(stack: Stack, input: v.InferOutput<typeof updateInput>, caller: Caller): void;
  /** What an update would make of a stack. @throws AwsError as UpdateStack does, but not when nothing would change */
  planUpdate(stack: Stack, request: UpdateRequest, caller: Caller): StackPlan;
  /** The stack in review of this name, or a new one, which is not there before `review`. @throws AwsError as CreateStack does */
  draft(stackName: string, caller: Caller): Stack;
  /** Adds a draft to the stacks, unless it is one of them. */
  review(draft: Stack): void;
  /** What the first change set of a stack would make of it. @throws AwsError as CreateStack does */
  planCreation(stack: Stack, request: UpdateRequest, caller: Caller): StackPlan;
  /** See `CloudFormation`. */
  deploy(deployment: Deployment): Promise<Stack>;
}

/** All ways in which a stack begins. */
export function createStackCreation(parts: Parts): StackCreation {
  const { clock, iam, home, quotas, store, exports, source, types, provisioner, outdate } = parts;
  /** The stack that each token of CreateStack made, and of what. */
  const createdBy = new Map<string, { stack: Stack; input: string }>();

  /** The stack that an earlier call with this token and the same input made. */
  function replayed(requestToken: string | undefined, input: string): Stack | undefined {
    const earlier = requestToken === undefined ? undefined : createdBy.get(requestToken);
    if (earlier === undefined) return undefined;
    if (earlier.input === input && isLive(earlier.stack)) return earlier.stack;
    throw new AwsError('TokenAlreadyExistsException', `A client request token already exists: ${requestToken}`);
  }

  function createStack(input: v.InferOutput<typeof createInput>, caller: Caller): Stack {
    const { StackName: stackName, RoleARN: roleArn, ClientRequestToken: clientRequestToken } = input;
    requireName(stackName);
    const inputText = JSON.stringify(input);
    const earlier = replayed(clientRequestToken, inputText);
    if (earlier !== undefined) return earlier;
    if (roleArn !== undefined) requireAssumable(iam, roleArn);
    const stack = begin(stackName, source.given(input), input.Parameters, {
      isDeployment: false,
      capabilities: input.Capabilities,
      tags: input.Tags,
      creator: caller,
      onFailure: input.OnFailure,
      retainExceptOnCreate: input.RetainExceptOnCreate,
      enableTerminationProtection: input.EnableTerminationProtection,
      ...(roleArn !== undefined && { roleArn }),
      ...(clientRequestToken !== undefined && { clientRequestToken }),
      ...(input.TimeoutInMinutes !== undefined && { timeoutInMinutes: input.TimeoutInMinutes }),
    });
    if (clientRequestToken !== undefined) createdBy.set(clientRequestToken, { stack, input: inputText });
    return stack;
  }

  /** What the parent's caller has acknowledged, and the role that it passed, hold for the stacks within, too. */
  function createNested(
    parent: Stack,
    child: { stackName: string; templateUrl: string; parameters: readonly GivenParameter[] },
  ): Stack {
    const { stackId: parentId, capabilities, tags, creator, onFailure, retainExceptOnCreate, roleArn } = parent;
    return begin(child.stackName, source.bodyOf(child.templateUrl), child.parameters, {
      isDeployment: false,
      nestedIn: { parentId, rootId: parent.nestedIn?.rootId ?? parentId },
      capabilities,
      tags,
      creator,
      onFailure: onFailure === 'DELETE' ? 'ROLLBACK' : onFailure,
      retainExceptOnCreate,
      enableTerminationProtection: false,
      ...(roleArn !== undefined && { roleArn }),
    });
  }

  /** What a template makes of a stack. @throws AwsError as CreateStack does for the template and its parameters */
  function planOf(
    { stackName, stackId }: Pick<Stack, 'stackName' | 'stackId'>,
    templateBody: string,
    given: readonly GivenParameter[],
    request: Pick<StackRequest, 'capabilities' | 'tags' | 'roleArn' | 'creator'>,
  ): StackPlan {
    const template = source.templateOf(templateBody);
    const values = resolveParameters(template, given);
    const parameters = parameterValues(template, values);
    checkRules(template, parameters);
    checkCapabilities(template, request.capabilities);
    const pseudo = pseudoParameters({ ...home, stackName, stackId });
    // Who has passed a role for subscribers' stacks is held to the types whose permissions are known.
    const allowed = request.roleArn === undefined ? types.every : types.withRole;
    // What a macro would make of the rest is not known before it has run, and it does so after the call is answered.
    const { conditions, needs } =
      template.Transform.length > 0
        ? { conditions: {}, needs: new Map() }
        : checkTemplate(template, { parameters, pseudoParameters: pseudo }, allowed);
    const names = exportNames(template, { parameters, pseudoParameters: pseudo, conditions });
    const { capabilities, tags, creator } = request;
    return {
      ...{ capabilities, tags, creator, template, templateBody, needs },
      parameters: values,
      exportNames: names,
      scope: { parameters, pseudoParameters: pseudo, conditions, resources: new Map(), exports },
    };
  }

  /** The stack in review of this name. @throws AwsError when a stack has the name, or there are too many */
  function reviewed(stackName: string): Stack | undefined {
    const existing = store.find(stackName);
    if (existing?.status === 'REVIEW_IN_PROGRESS') return existing;
    if (existing !== undefined) throw new AwsError('AlreadyExistsException', `Stack [${stackName}] already exists`);
    // Nested stacks count, too; in the words that users report (aws-amplify/amplify-cli#2467).
    if (store.all().filter(isLive).length >= quotas.limit('stacks', home)) {
      throw new AwsError('LimitExceededException', 'Limit for stack has been exceeded');
    }
    return undefined;
  }

  const idOf = (stackName: string) =>
    `arn:aws:cloudformation:${home.region}:${home.accountId}:stack/${stackName}/${randomUUID()}`;

  function begin(
    stackName: string,
    templateBody: string,
    given: readonly GivenParameter[],
    request: StackRequest,
  ): Stack {
    const stackId = store.find(stackName)?.stackId ?? idOf(stackName);
    const plan = planOf({ stackName, stackId }, templateBody, given, request);
    const inReview = reviewed(stackName);
    const stack: Stack = inReview ?? newStack(stackName, stackId, request.creator);
    Object.assign(stack, request, plan, { creationTime: new Date(clock.now()) });
    if (inReview === undefined) store.add(stack);
    else outdate(stack);
    provisioner.create(stack);
    return stack;
  }

  /** A stack as it is before anything is made of it. */
  function newStack(stackName: string, stackId: string, creator: Caller): Stack {
    const pseudo = pseudoParameters({ ...home, stackName, stackId });
    return {
      ...{ stackId, stackName, creator },
      template: emptyTemplate,
      templateBody: '',
      needs: new Map(),
      parameters: {},
      exportNames: new Map(),
      scope: { parameters: {}, pseudoParameters: pseudo, conditions: {}, resources: new Map(), exports },
      capabilities: [],
      tags: [],
      isDeployment: false,
      onFailure: 'ROLLBACK',
      retainExceptOnCreate: false,
      enableTerminationProtection: false,
      imports: [],
      creationTime: new Date(clock.now()),
      status: 'CREATE_IN_PROGRESS',
      resources: [],
      outputs: [],
      events: [],
      work: Promise.resolve(),
    };
  }

  function draft(stackName: string, caller: Caller): Stack {
    requireName(stackName);
    return reviewed(stackName) ?? newStack(stackName, idOf(stackName), caller);
  }

  function review(stack: Stack): void {
    if (store.find(stack.stackId) !== undefined) return;
    store.add(stack);
    provisioner.review(stack);
  }

  function planCreation(stack: Stack, request: UpdateRequest, creator: Caller): StackPlan {
    const { Capabilities: capabilities, Tags: tags = [], RoleARN: roleArn } = request;
    if (roleArn !== undefined) requireAssumable(iam, roleArn);
    const given = request.Parameters.map((parameter) => givenValue(parameter, { parameters: {} }));
    return planOf(stack, source.given(request), given, { capabilities, tags, creator, ...(roleArn && { roleArn }) });
  }

  function planUpdate(stack: Stack, request: UpdateRequest, creator: Caller): StackPlan {
    requireUpdatable(stack);
    const roleArn = request.RoleARN ?? stack.roleArn;
    if (roleArn !== undefined) requireAssumable(iam, roleArn);
    const { UsePreviousTemplate: usesPrevious, Capabilities: capabilities, Tags: tags = stack.tags } = request;
    if (usesPrevious && (request.TemplateBody ?? request.TemplateURL) !== undefined) {
      throw validationError('You cannot specify both usePreviousTemplate and Template Body/Template URL.');
    }
    const templateBody = usesPrevious ? stack.templateBody : source.given(request);
    const given = request.Parameters.map((parameter) => givenValue(parameter, stack));
    const plan = planOf(stack, templateBody, given, { capabilities, tags, creator, ...(roleArn && { roleArn }) });
    requireSameTypes(stack, plan);
    return plan;
  }

  function updateStack(stack: Stack, input: v.InferOutput<typeof updateInput>, creator: Caller): void {
    const plan = planUpdate(stack, input, creator);
    if (isSame(stack, plan)) throw validationError('No updates are to be performed.');
    if (input.RoleARN !== undefined) stack.roleArn = input.RoleARN;
    startUpdate(stack, plan, input.ClientRequestToken);
  }

  function startUpdate(stack: Stack, plan: StackPlan, token: string | undefined): void {
    if (token === undefined) delete stack.clientRequestToken;
    else stack.clientRequestToken = token;
    outdate(stack);
    stack.lastUpdatedTime = new Date(clock.now());
    provisioner.update(stack, plan);
  }

  function updateNested(
    child: Stack,
    parent: Stack,
    { templateUrl, parameters }: { templateUrl: string; parameters: readonly GivenParameter[] },
  ): boolean {
    const plan = planNested(child, parent, { templateUrl, parameters });
    if (isSame(child, plan)) return false;
    if (parent.roleArn !== undefined) child.roleArn = parent.roleArn;
    startUpdate(child, plan, undefined);
    return true;
  }

  function planNested(
    child: Stack,
    { capabilities, tags, creator, roleArn }: NestedIn,
    { templateUrl, parameters }: { templateUrl: string; parameters: readonly GivenParameter[] },
  ): StackPlan {
    requireUpdatable(child);
    const request = { capabilities, tags, creator, ...(roleArn !== undefined && { roleArn }) };
    const plan = planOf(child, source.bodyOf(templateUrl), parameters, request);
    requireSameTypes(child, plan);
    return plan;
  }

  async function deploy({ stackName, templateBody, parameters, capabilities, caller }: Deployment): Promise<Stack> {
    const given = Object.entries(parameters).map(([ParameterKey, ParameterValue]) => ({
      ParameterKey,
      ParameterValue,
    }));
    const stack = begin(stackName, templateBody, given, {
      isDeployment: true,
      capabilities,
      tags: [],
      creator: caller,
      // osls sets no other: of a deployment that fails nothing stays but what is to be retained.
      onFailure: 'DELETE',
      retainExceptOnCreate: false,
      // Most of its resources could not be deleted.
      enableTerminationProtection: true,
    });
    await stack.work;
    if (stack.status === 'CREATE_COMPLETE') return stack;
    const failed =
      stack.events.find(({ ResourceStatus }) => ResourceStatus === 'CREATE_FAILED') ??
      stack.events.find(
        ({ ResourceStatus, ResourceStatusReason }) => ResourceStatus !== 'CREATE_IN_PROGRESS' && ResourceStatusReason,
      );
    if (failed === undefined) throw new Error(`The sandbox cannot deploy ${stackName}`);
    throw new Error(`The sandbox cannot deploy ${failed.LogicalResourceId}: ${failed.ResourceStatusReason}`);
  }

  return {
    create: createStack,
    createNested,
    updateNested,
    planNested,
    update: updateStack,
    planUpdate,
    draft,
    review,
    planCreation,
    deploy,
  };
}
