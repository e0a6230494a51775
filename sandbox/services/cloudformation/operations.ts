import * as v from 'valibot';
import type { AccountRegion } from '../../core/account.ts';
import { type Access, AwsError, type Operation, operation } from '../../core/operation.ts';
import type { Quotas } from '../../core/quotas.ts';
import type { Iam } from '../iam/service.ts';
import { changeSetOperations } from './change-sets/change-set-operations.ts';
import type { ChangeSets } from './change-sets/change-sets.ts';
import type { StackCreation } from './create-stack.ts';
import type { Provisioner } from './provisioning/provision.ts';
import type { resourceTypes } from './resource-types.ts';
import type { Stack } from './stack.ts';
import {
  createInput,
  deleteInput,
  givenTemplate,
  pageInput,
  passRoleAccess,
  protectInput,
  requestTags,
  requireAssumable,
  stackStatuses,
  tagAccess,
  tagContext,
  text,
  updateInput,
} from './stack-requests.ts';
import { isLive, type StackStore } from './stack-store.ts';
import { describeResource, describeStack, eventPage, resourcePage, stackPage } from './stack-views.ts';
import { templateSummary, validatedTemplate, validationError } from './template-checks.ts';
import type { TemplateSource } from './template-source.ts';

interface Parts {
  iam: Pick<Iam, 'role'>;
  home: AccountRegion;
  quotas: Pick<Quotas, 'limit'>;
  store: StackStore;
  source: TemplateSource;
  creation: Pick<StackCreation, 'create' | 'update'>;
  types: ReturnType<typeof resourceTypes>;
  provisioner: Pick<Provisioner, 'delete'>;
  changeSets: ChangeSets;
}

/** The operations of CloudFormation: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/ */
export function stackOperations(parts: Parts): Record<string, Operation> {
  const { iam, home, quotas, store, source, creation, provisioner, types, changeSets } = parts;
  /**
   * Every action on a stack knows its tags: service authorization reference, "Actions, resources, and condition keys for AWS
   * CloudFormation", where the resource type `stack` has `aws:ResourceTag/${TagKey}`. A stack that is not there has none.
   */
  const stackAccess = (action: string, nameOrId: string): Access => ({
    action: `cloudformation:${action}`,
    resource: nameOrId.startsWith('arn:')
      ? nameOrId
      : (store.find(nameOrId)?.stackId ??
        `arn:aws:cloudformation:${home.region}:${home.accountId}:stack/${nameOrId}/*`),
    context: tagContext('aws:ResourceTag', store.find(nameOrId)?.tags ?? []),
  });

  /** A nested stack has the protection of its root stack. */
  const isProtected = ({ nestedIn, enableTerminationProtection }: Stack) =>
    nestedIn === undefined
      ? enableTerminationProtection
      : store.find(nestedIn.rootId)?.enableTerminationProtection === true;

  function deleteStack({ StackName, RoleARN, ClientRequestToken, RetainResources }: v.InferOutput<typeof deleteInput>) {
    const stack = store.find(StackName);
    // To delete what is not there, or already being deleted, succeeds.
    if (stack === undefined || stack.status === 'DELETE_COMPLETE' || stack.status === 'DELETE_IN_PROGRESS') return;
    if (isProtected(stack)) {
      throw validationError(`Stack [${stack.stackName}] cannot be deleted while TerminationProtection is enabled`);
    }
    const isInterruptible = stack.status === 'CREATE_IN_PROGRESS' || stack.status === 'REVIEW_IN_PROGRESS';
    if (!isInterruptible && stack.status.endsWith('_IN_PROGRESS')) {
      throw validationError(`Stack [${stack.stackId}] cannot be deleted while in status ${stack.status}`);
    }
    requireRetainable(stack, RetainResources);
    // Without one in the request it is the role that the stack was worked on with before.
    const roleArn = RoleARN ?? stack.roleArn;
    if (roleArn !== undefined) {
      requireAssumable(iam, roleArn);
      stack.roleArn = roleArn;
    }
    if (ClientRequestToken === undefined) delete stack.clientRequestToken;
    else stack.clientRequestToken = ClientRequestToken;
    provisioner.delete(stack, RetainResources);
  }

  const operations = {
    ...changeSetOperations({ store, source, changeSets, stackAccess }),

    CreateStack: operation(createInput, {
      access: ({ StackName, TemplateURL, RoleARN, Tags }) => [
        {
          ...stackAccess('CreateStack', StackName),
          context: {
            ...stackAccess('CreateStack', StackName).context,
            ...requestTags(Tags),
            ...(TemplateURL !== undefined && { 'cloudformation:TemplateUrl': TemplateURL }),
            ...(RoleARN !== undefined && { 'cloudformation:RoleArn': RoleARN }),
          },
        },
        ...tagAccess(stackAccess('TagResource', StackName), Tags, 'CreateStack'),
        ...(TemplateURL === undefined ? [] : [source.accessTo(TemplateURL)]),
        ...passRoleAccess(RoleARN),
      ],
      run: (input, caller) => ({ StackId: creation.create(input, caller).stackId }),
    }),

    UpdateStack: operation(updateInput, {
      access({ StackName, TemplateURL, RoleARN, Tags = [] }) {
        const { context, ...access } = stackAccess('UpdateStack', StackName);
        return [
          {
            ...access,
            context: {
              ...context,
              ...requestTags(Tags),
              ...(TemplateURL !== undefined && { 'cloudformation:TemplateUrl': TemplateURL }),
              ...(RoleARN !== undefined && { 'cloudformation:RoleArn': RoleARN }),
            },
          },
          ...tagAccess(stackAccess('TagResource', StackName), Tags, 'UpdateStack'),
          ...(TemplateURL === undefined ? [] : [source.accessTo(TemplateURL)]),
          ...passRoleAccess(RoleARN),
        ];
      },
      run(input, caller) {
        const stack = store.require(input.StackName, `Stack [${input.StackName}] does not exist`);
        creation.update(stack, input, caller);
        return { StackId: stack.stackId };
      },
    }),

    ValidateTemplate: operation(v.strictObject(givenTemplate), {
      access: ({ TemplateURL }) => [
        {
          action: 'cloudformation:ValidateTemplate',
          resource: '*',
          ...(TemplateURL !== undefined && { context: { 'cloudformation:TemplateUrl': TemplateURL } }),
        },
        ...(TemplateURL === undefined ? [] : [source.accessTo(TemplateURL)]),
      ],
      run: (input) => validatedTemplate(source.templateOf(source.given(input)), types.every),
    }),

    DescribeStackResource: operation(v.strictObject({ StackName: text, LogicalResourceId: text }), {
      access: ({ StackName }) => [stackAccess('DescribeStackResource', StackName)],
      run: ({ StackName, LogicalResourceId }) => ({
        StackResourceDetail: describeResource(
          store.require(StackName, `Stack '${StackName}' does not exist`),
          LogicalResourceId,
        ),
      }),
    }),

    DescribeStacks: operation(v.strictObject({ StackName: v.optional(text) }), {
      access: ({ StackName = '*' }) => [stackAccess('DescribeStacks', StackName)],
      run: ({ StackName }) => {
        const found = StackName === undefined ? store.all().filter(isLive) : [store.require(StackName)];
        return { Stacks: found.map(describeStack) };
      },
    }),

    ListStacks: operation(
      v.strictObject({
        NextToken: v.optional(text),
        StackStatusFilter: v.optional(v.array(v.picklist(stackStatuses)), stackStatuses),
      }),
      {
        access: () => [{ action: 'cloudformation:ListStacks', resource: '*' }],
        run: ({ StackStatusFilter, NextToken }) =>
          stackPage(
            store.all().filter(({ status }) => StackStatusFilter.some((each) => each === status)),
            NextToken,
          ),
      },
    ),

    DescribeAccountLimits: operation(v.strictObject({ NextToken: v.optional(text) }), {
      access: () => [{ action: 'cloudformation:DescribeAccountLimits', resource: '*' }],
      run: () => ({
        AccountLimits: [
          { Name: 'StackLimit', Value: quotas.limit('stacks', home) },
          { Name: 'StackOutputsLimit', Value: 200 },
          { Name: 'ConcurrentResourcesLimit', Value: 2_500 },
        ],
      }),
    }),

    DescribeStackEvents: operation(pageInput, {
      access: ({ StackName }) => [stackAccess('DescribeStackEvents', StackName)],
      run: ({ StackName, NextToken }) =>
        eventPage(store.require(StackName, `Stack [${StackName}] does not exist`), NextToken),
    }),

    ListStackResources: operation(pageInput, {
      access: ({ StackName }) => [stackAccess('ListStackResources', StackName)],
      run: ({ StackName, NextToken }) => resourcePage(store.require(StackName), NextToken),
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
          TemplateBody: store.require(StackName).templateBody,
          StagesAvailable: ['Original', 'Processed'],
        }),
      },
    ),

    GetTemplateSummary: operation(v.strictObject({ ...givenTemplate, StackName: v.optional(text) }), {
      access: ({ StackName, TemplateURL }) => [
        {
          ...(StackName === undefined
            ? { action: 'cloudformation:GetTemplateSummary', resource: '*' }
            : stackAccess('GetTemplateSummary', StackName)),
          ...(TemplateURL !== undefined && { context: { 'cloudformation:TemplateUrl': TemplateURL } }),
        },
        ...(TemplateURL === undefined ? [] : [source.accessTo(TemplateURL)]),
      ],
      run({ StackName, ...given }) {
        if (StackName === undefined) return templateSummary(source.templateOf(source.given(given)));
        if ((given.TemplateBody ?? given.TemplateURL) !== undefined) {
          throw validationError('StackName and a template cannot be specified together.');
        }
        return templateSummary(store.require(StackName).template);
      },
    }),

    UpdateTerminationProtection: operation(protectInput, {
      access: ({ StackName }) => [stackAccess('UpdateTerminationProtection', StackName)],
      run({ StackName, EnableTerminationProtection }) {
        const stack = store.require(StackName);
        if (stack.nestedIn !== undefined) {
          throw validationError(
            `TerminationProtection cannot be changed on nested stack [${stack.stackId}]. Please use root stack [${stack.nestedIn.rootId}] instead.`,
          );
        }
        // The sandbox's own could not be made again.
        if (stack.isDeployment) throw validationError(`The sandbox keeps the protection of [${stack.stackName}]`);
        stack.enableTerminationProtection = EnableTerminationProtection;
        return { StackId: stack.stackId };
      },
    }),

    DeleteStack: operation(deleteInput, {
      access: ({ StackName, RoleARN }) => [
        {
          ...stackAccess('DeleteStack', StackName),
          context: {
            ...stackAccess('DeleteStack', StackName).context,
            ...(RoleARN !== undefined && { 'cloudformation:RoleArn': RoleARN }),
          },
        },
        ...passRoleAccess(RoleARN),
      ],
      run(input) {
        deleteStack(input);
        return {};
      },
    }),
  };

  return Object.fromEntries(Object.entries(operations).map(([name, parts]) => [name, withQueryCode(parts)]));
}

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
