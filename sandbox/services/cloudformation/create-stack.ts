import { randomUUID } from 'node:crypto';
import type * as v from 'valibot';
import type { AccountRegion } from '../../core/account.ts';
import type { Clock } from '../../core/clock.ts';
import { AwsError, type Caller } from '../../core/operation.ts';
import type { Iam } from '../iam/service.ts';
import { pseudoParameters } from './evaluate.ts';
import type { Provisioner } from './provisioning/provision.ts';
import type { resourceTypes } from './resource-types.ts';
import type { Stack } from './stack.ts';
import { type createInput, requireAssumable } from './stack-requests.ts';
import { isLive, type StackStore } from './stack-store.ts';
import {
  checkCapabilities,
  checkTemplate,
  type GivenParameter,
  resolveParameters,
  validationError,
} from './template-checks.ts';
import type { TemplateSource } from './template-source.ts';

interface Parts {
  clock: Pick<Clock, 'now'>;
  iam: Pick<Iam, 'role'>;
  home: AccountRegion;
  store: StackStore;
  source: TemplateSource;
  types: ReturnType<typeof resourceTypes>;
  provisioner: Provisioner;
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

export interface StackCreation {
  /** CreateStack. @throws AwsError as AWS does */
  create(input: v.InferOutput<typeof createInput>, caller: Caller): Stack;
  /** Creates a stack that is a resource of another one. @throws AwsError as CreateStack does */
  createNested(
    parent: Stack,
    child: { stackName: string; templateUrl: string; parameters: readonly GivenParameter[] },
  ): Stack;
  /** See `CloudFormation`. */
  deploy(deployment: Deployment): Promise<Stack>;
}

/** All ways in which a stack begins. */
export function createStackCreation({ clock, iam, home, store, source, types, provisioner }: Parts): StackCreation {
  /** The stack that each token of CreateStack made. */
  const createdBy = new Map<string, Stack>();

  /** The stack that an earlier call with this token made. */
  function replayed(stackName: string, requestToken: string | undefined): Stack | undefined {
    const stack = requestToken === undefined ? undefined : createdBy.get(requestToken);
    if (stack === undefined || (stack.stackName === stackName && isLive(stack))) return stack;
    throw new AwsError('TokenAlreadyExistsException', `A client request token already exists: ${requestToken}`);
  }

  function createStack(input: v.InferOutput<typeof createInput>, caller: Caller): Stack {
    const { StackName: stackName, RoleARN: roleArn, ClientRequestToken: clientRequestToken } = input;
    if (!/^[a-zA-Z][-a-zA-Z0-9]{0,127}$/.test(stackName)) {
      throw validationError(
        `1 validation error detected: Value '${stackName}' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*`,
      );
    }
    const earlier = replayed(stackName, clientRequestToken);
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
    if (clientRequestToken !== undefined) createdBy.set(clientRequestToken, stack);
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

  function begin(
    stackName: string,
    templateBody: string,
    given: readonly GivenParameter[],
    request: StackRequest,
  ): Stack {
    const template = source.templateOf(templateBody);
    const parameters = resolveParameters(template, given);
    checkCapabilities(template, request.capabilities);
    const stackId = `arn:aws:cloudformation:${home.region}:${home.accountId}:stack/${stackName}/${randomUUID()}`;
    const pseudo = pseudoParameters({ ...home, stackName, stackId });
    const allowed = request.isDeployment ? types.every : types.atUrl;
    const { conditions, needs } = checkTemplate(template, { parameters, pseudoParameters: pseudo }, allowed);
    if (store.find(stackName) !== undefined) {
      throw new AwsError('AlreadyExistsException', `Stack [${stackName}] already exists`);
    }
    const stack: Stack = {
      ...request,
      stackId,
      stackName,
      template,
      templateBody,
      needs,
      scope: { parameters, pseudoParameters: pseudo, conditions, resources: new Map() },
      creationTime: new Date(clock.now()),
      status: 'CREATE_IN_PROGRESS',
      resources: [],
      outputs: [],
      events: [],
      work: Promise.resolve(),
    };
    store.add(stack);
    provisioner.create(stack);
    return stack;
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
    const failed = stack.events.find(({ ResourceStatus }) => ResourceStatus === 'CREATE_FAILED');
    if (failed === undefined) throw new Error(stack.statusReason);
    throw new Error(`The sandbox cannot deploy ${failed.LogicalResourceId}: ${failed.ResourceStatusReason}`);
  }

  return { create: createStack, createNested, deploy };
}
