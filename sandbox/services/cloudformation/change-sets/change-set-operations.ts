import { type Access, type Operation, operation } from '../../../core/operation.ts';
import { pageInput, passRoleAccess, requestTags, tagAccess } from '../stack-requests.ts';
import type { StackStore } from '../stack-store.ts';
import type { TemplateSource } from '../template-source.ts';
import {
  createChangeSetInput,
  deleteChangeSetInput,
  describeChangeSetInput,
  executeChangeSetInput,
} from './change-set-requests.ts';
import { changeSetPage, describeChangeSet } from './change-set-views.ts';
import type { ChangeSets } from './change-sets.ts';

interface Parts {
  store: Pick<StackStore, 'require'>;
  source: Pick<TemplateSource, 'accessTo'>;
  changeSets: ChangeSets;
  /** What IAM is asked about a stack. */
  stackAccess: (action: string, nameOrId: string) => Access;
}

/**
 * The operations on change sets. What IAM is asked: service authorization reference, "Actions, resources, and condition keys for AWS
 * CloudFormation". The key `cloudformation:ChangeSetName` has what the call says, a name or an ARN (aws/aws-cdk#1034); a call that
 * names no stack is one on the change set's ARN (widdix/complete-aws-iam-reference#6).
 */
export function changeSetOperations({ store, source, changeSets, stackAccess }: Parts): Record<string, Operation> {
  const withName = (access: Access, name: string, context: Access['context'] = {}): Access => ({
    ...access,
    context: { ...access.context, ...context, 'cloudformation:ChangeSetName': name },
  });
  const accessTo =
    (action: string) =>
    ({ ChangeSetName, StackName = ChangeSetName }: { ChangeSetName: string; StackName?: string | undefined }) => [
      withName(stackAccess(action, StackName), ChangeSetName),
    ];

  return {
    CreateChangeSet: operation(createChangeSetInput, {
      access: ({ StackName, ChangeSetName, TemplateURL, RoleARN, Tags = [] }) => [
        withName(stackAccess('CreateChangeSet', StackName), ChangeSetName, {
          ...requestTags(Tags),
          ...(TemplateURL !== undefined && { 'cloudformation:TemplateUrl': TemplateURL }),
          ...(RoleARN !== undefined && { 'cloudformation:RoleArn': RoleARN }),
        }),
        ...tagAccess(stackAccess('TagResource', StackName), Tags, 'CreateChangeSet'),
        ...(TemplateURL === undefined ? [] : [source.accessTo(TemplateURL)]),
        ...passRoleAccess(RoleARN),
      ],
      run(input, caller) {
        const { id, stack } = changeSets.create(input, caller);
        return { Id: id, StackId: stack.stackId };
      },
    }),

    DescribeChangeSet: operation(describeChangeSetInput, {
      access: accessTo('DescribeChangeSet'),
      run: ({ NextToken, ...which }) => describeChangeSet(changeSets.require(which), NextToken),
    }),

    ExecuteChangeSet: operation(executeChangeSetInput, {
      access: accessTo('ExecuteChangeSet'),
      run(input, caller) {
        changeSets.execute(input, caller);
        return {};
      },
    }),

    DeleteChangeSet: operation(deleteChangeSetInput, {
      access: accessTo('DeleteChangeSet'),
      run(which) {
        changeSets.delete(which);
        return {};
      },
    }),

    ListChangeSets: operation(pageInput, {
      access: ({ StackName }) => [stackAccess('ListChangeSets', StackName)],
      run: ({ StackName, NextToken }) =>
        changeSetPage(changeSets.of(store.require(StackName, `Stack [${StackName}] does not exist`)), NextToken),
    }),
  };
}
