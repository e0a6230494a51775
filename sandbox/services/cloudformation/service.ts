import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { type AccountRegion, account } from '../../core/account.ts';
import type { Clock } from '../../core/clock.ts';
import { type Access, AwsError, type Caller, type Operation, operation, type Service } from '../../core/operation.ts';
import type { Table } from '../dynamodb/table-resource.ts';
import type { Iam } from '../iam/service.ts';
import type { Bucket } from '../s3/bucket-resource.ts';
import { pseudoParameters } from './evaluate.ts';
import { nestedStackProvider } from './nested-stack.ts';
import { createProvisioner } from './provision.ts';
import { type ProviderParts, resourceTypes } from './resource-types.ts';
import { createTransitions, type Stack, type StackStatus, type StackStatusChange } from './stack.ts';
import {
  createInput,
  deleteInput,
  pageInput,
  passRoleAccess,
  requireAssumable,
  templateAccess,
  text,
} from './stack-requests.ts';
import { describeStack, eventPage, resourcePage } from './stack-views.ts';
import { parseTemplate, type Template } from './template.ts';
import {
  checkCapabilities,
  checkTemplate,
  type GivenParameter,
  resolveParameters,
  templateSummary,
  validationError,
} from './template-checks.ts';

export interface CloudFormation {
  service: Service;
  /**
   * Creates the sandbox's own deployment as a stack that cannot be deleted, in no time of the clock.
   * @returns the stack in CREATE_COMPLETE
   * @throws AwsError as CreateStack does for the template and its parameters
   * @throws Error naming the first resource that failed, and why
   */
  deploy(deployment: {
    stackName: string;
    templateBody: string;
    parameters: Readonly<Record<string, string>>;
    capabilities: readonly string[];
    caller: Caller;
  }): Promise<Readonly<Stack>>;
  /** The stack of this id, or the one of this name that is not deleted; it changes as work goes on. */
  stack(nameOrId: string): Readonly<Stack> | undefined;
  /** Every stack that was made, the deleted ones too, as DescribeStacks and DescribeStackEvents answer them. */
  descriptions(): readonly object[];
  /** Puts a stack into a status that no operation of the sandbox leads to. */
  setStatus(nameOrId: string, status: StackStatus): void;
  /** The buckets that stacks have made. */
  buckets(): readonly Bucket[];
  /** The tables that stacks have made. */
  tables(): readonly Table[];
  /** Deletes a bucket or a table by its name, as a person would one that a stack has left. */
  deleteByHand(name: string): Promise<void>;
}

interface CloudFormationOptions extends Omit<ProviderParts, 'nestedStack'> {
  clock: Clock;
  iam: Pick<Iam, 'role' | 'createRole' | 'deleteRole' | 'putRolePolicy' | 'serviceCaller' | 'credentials'>;
  /** The template that lies at a URL. */
  templates: (url: string) => string | undefined;
  /** Puts an event on the event bus. */
  publish: (event: StackStatusChange) => unknown;
  /** How long each resource takes. */
  resourceDelayMs: number;
  /** Default: where the onboarding is deployed. */
  home?: AccountRegion;
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

/**
 * CloudFormation as far as the deployment and the stacks of subscribers need it, from CreateStack to DeleteStack.
 * Error codes and messages are AWS's: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
 */
export function createCloudFormation(options: CloudFormationOptions): CloudFormation {
  const { clock, iam, templates, publish, resourceDelayMs, buckets, tables, home = account } = options;
  const stacks: Stack[] = [];
  const byId = new Map<string, Stack>();
  /** A name is free for another stack when its stack is deleted, so that the latest one alone can be live. */
  const latestByName = new Map<string, Stack>();
  /** The templates that were read so far, by their text. */
  const templatesRead = new Map<string, Template>();
  /** The stack that each token of CreateStack made. */
  const createdBy = new Map<string, Stack>();
  const nestedStack = nestedStackProvider({
    stack: (stackId) => requireStack(stackId),
    create: createNested,
    delete: (child) => provisioner.delete(child, []),
    onAccess: options.onAccess,
  });
  const types = resourceTypes({ ...options, nestedStack });
  const transitions = createTransitions(clock, publish);
  const provisioner = createProvisioner({ clock, iam, providers: types.every, transitions, resourceDelayMs });

  const isLive = ({ status }: Stack) => status !== 'DELETE_COMPLETE';
  function find(nameOrId: string): Stack | undefined {
    const latest = latestByName.get(nameOrId);
    return byId.get(nameOrId) ?? (latest !== undefined && isLive(latest) ? latest : undefined);
  }

  function requireStack(nameOrId: string, message = `Stack with id ${nameOrId} does not exist`): Stack {
    const stack = find(nameOrId);
    if (stack === undefined) throw validationError(message);
    return stack;
  }

  function readTemplate(url: string): Template {
    return templateOf(bodyOf(url));
  }

  function bodyOf(url: string): string {
    const body = templates(url);
    if (body === undefined) {
      throw validationError(
        'S3 error: Access Denied\nFor more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html',
      );
    }
    if (Buffer.byteLength(body) > maxTemplateBytes) {
      throw validationError(`Template may not exceed ${maxTemplateBytes} bytes in size.`);
    }
    return body;
  }

  function templateOf(body: string): Template {
    const template = templatesRead.get(body) ?? parseTemplate(body);
    templatesRead.set(body, template);
    return template;
  }

  const stackAccess = (action: string, nameOrId: string): Access => ({
    action: `cloudformation:${action}`,
    resource: nameOrId.startsWith('arn:')
      ? nameOrId
      : (find(nameOrId)?.stackId ?? `arn:aws:cloudformation:${home.region}:${home.accountId}:stack/${nameOrId}/*`),
  });

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
    const stack = begin(stackName, bodyOf(input.TemplateURL), input.Parameters, {
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
    return begin(child.stackName, bodyOf(child.templateUrl), child.parameters, {
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
    const template = templateOf(templateBody);
    const parameters = resolveParameters(template, given);
    checkCapabilities(template, request.capabilities);
    const stackId = `arn:aws:cloudformation:${home.region}:${home.accountId}:stack/${stackName}/${randomUUID()}`;
    const pseudo = pseudoParameters({ ...home, stackName, stackId });
    const allowed = request.isDeployment ? types.every : types.atUrl;
    const { conditions, needs } = checkTemplate(template, { parameters, pseudoParameters: pseudo }, allowed);
    if (find(stackName) !== undefined) {
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
    stacks.push(stack);
    byId.set(stackId, stack);
    latestByName.set(stackName, stack);
    provisioner.create(stack);
    return stack;
  }

  function deleteStack({ StackName, RoleARN, ClientRequestToken, RetainResources }: v.InferOutput<typeof deleteInput>) {
    const stack = find(StackName);
    // To delete what is not there, or already being deleted, succeeds.
    if (stack === undefined || stack.status === 'DELETE_COMPLETE' || stack.status === 'DELETE_IN_PROGRESS') return;
    if (stack.enableTerminationProtection) {
      throw validationError(`Stack [${stack.stackName}] cannot be deleted while TerminationProtection is enabled`);
    }
    if (stack.status === 'ROLLBACK_IN_PROGRESS' || stack.status === 'UPDATE_IN_PROGRESS') {
      throw validationError(`Stack [${stack.stackId}] cannot be deleted while in status ${stack.status}`);
    }
    requireRetainable(stack, RetainResources);
    if (RoleARN !== undefined) {
      requireAssumable(iam, RoleARN);
      stack.roleArn = RoleARN;
    }
    if (ClientRequestToken === undefined) delete stack.clientRequestToken;
    else stack.clientRequestToken = ClientRequestToken;
    provisioner.delete(stack, RetainResources);
  }

  const operations = {
    CreateStack: operation(createInput, {
      access: ({ StackName, TemplateURL, RoleARN }) => [
        {
          ...stackAccess('CreateStack', StackName),
          context: {
            'cloudformation:TemplateUrl': TemplateURL,
            ...(RoleARN !== undefined && { 'cloudformation:RoleArn': RoleARN }),
          },
        },
        templateAccess(TemplateURL),
        ...passRoleAccess(RoleARN),
      ],
      run: (input, caller) => ({ StackId: createStack(input, caller).stackId }),
    }),

    DescribeStacks: operation(v.strictObject({ StackName: v.optional(text) }), {
      access: ({ StackName = '*' }) => [stackAccess('DescribeStacks', StackName)],
      run: ({ StackName }) => {
        const found = StackName === undefined ? stacks.filter(isLive) : [requireStack(StackName)];
        return { Stacks: found.map(describeStack) };
      },
    }),

    DescribeStackEvents: operation(pageInput, {
      access: ({ StackName }) => [stackAccess('DescribeStackEvents', StackName)],
      run: ({ StackName, NextToken }) =>
        eventPage(requireStack(StackName, `Stack [${StackName}] does not exist`), NextToken),
    }),

    ListStackResources: operation(pageInput, {
      access: ({ StackName }) => [stackAccess('ListStackResources', StackName)],
      run: ({ StackName, NextToken }) => resourcePage(requireStack(StackName), NextToken),
    }),

    GetTemplate: operation(
      v.strictObject({
        StackName: text,
        TemplateStage: v.optional(v.picklist(['Original', 'Processed']), 'Processed'),
      }),
      {
        access: ({ StackName }) => [stackAccess('GetTemplate', StackName)],
        // Without macros both stages are what was sent.
        run: ({ StackName }) => ({
          TemplateBody: requireStack(StackName).templateBody,
          StagesAvailable: ['Original', 'Processed'],
        }),
      },
    ),

    GetTemplateSummary: operation(v.strictObject({ TemplateURL: text }), {
      access: ({ TemplateURL }) => [
        {
          action: 'cloudformation:GetTemplateSummary',
          resource: '*',
          context: { 'cloudformation:TemplateUrl': TemplateURL },
        },
        templateAccess(TemplateURL),
      ],
      run: ({ TemplateURL }) => templateSummary(readTemplate(TemplateURL)),
    }),

    DeleteStack: operation(deleteInput, {
      access: ({ StackName, RoleARN }) => [stackAccess('DeleteStack', StackName), ...passRoleAccess(RoleARN)],
      run(input) {
        deleteStack(input);
        return {};
      },
    }),
  };

  return {
    service: {
      name: 'cloudformation',
      protocol: 'query',
      operations: Object.fromEntries(Object.entries(operations).map(([name, parts]) => [name, withQueryCode(parts)])),
    },
    async deploy({ stackName, templateBody, parameters, capabilities, caller }) {
      const given = Object.entries(parameters).map(([ParameterKey, ParameterValue]) => ({
        ParameterKey,
        ParameterValue,
      }));
      const stack = begin(stackName, templateBody, given, {
        isDeployment: true,
        capabilities,
        tags: [],
        creator: caller,
        onFailure: 'DO_NOTHING',
        retainExceptOnCreate: false,
        // Most of its resources could not be deleted.
        enableTerminationProtection: true,
      });
      await stack.work;
      if (stack.status === 'CREATE_COMPLETE') return stack;
      const failed = stack.resources.find(({ status }) => status === 'CREATE_FAILED');
      if (failed === undefined) throw new Error(stack.statusReason);
      throw new Error(`The sandbox cannot deploy ${failed.logicalId}: ${failed.statusReason}`);
    },
    stack: find,
    descriptions: () => stacks.map((stack) => ({ ...describeStack(stack), events: stack.events })),
    setStatus: (nameOrId, status) => transitions.stack(requireStack(nameOrId), status),
    buckets: () => [...buckets.values()],
    tables: () => [...tables.values()],
    async deleteByHand(name) {
      if (tables.has(name)) await options.dynamoDb.deleteTable(name);
      else if (!buckets.delete(name)) throw new Error(`There is no bucket and no table ${name}`);
    },
  };
}

/** What may lie at a TemplateURL: "1 MB" in https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html */
const maxTemplateBytes = 1_000_000;

function requireRetainable({ stackId, status, resources }: Stack, retained: readonly string[]): void {
  if (retained.length === 0) return;
  if (status !== 'DELETE_FAILED') {
    throw validationError(
      `Invalid operation on stack [${stackId}]. When you delete a stack, specify which resources to retain only when the stack is in the DELETE_FAILED state.`,
    );
  }
  const isLeft = (name: string) =>
    resources.some((resource) => resource.logicalId === name && resource.status !== 'DELETE_COMPLETE');
  if (!retained.every(isLeft)) {
    throw validationError(
      'The specified resources to retain must be in a valid state. Do not specify resources that are in the DELETE_COMPLETE state.',
    );
  }
}

/** Query services call a bad input ValidationError, JSON services ValidationException. */
function withQueryCode(parts: Operation): Operation {
  return {
    ...parts,
    parse(input) {
      try {
        return parts.parse(input);
      } catch (error) {
        throw error instanceof AwsError ? validationError(error.message) : error;
      }
    },
  };
}
