import { pageSizeOf, position } from '../stack-views.ts';
import type { ChangeSet } from './change-set.ts';

const summary = ({ id, name, description, stack, creationTime, ...changeSet }: ChangeSet) => ({
  StackId: stack.stackId,
  StackName: stack.stackName,
  ChangeSetId: id,
  ChangeSetName: name,
  ExecutionStatus: changeSet.executionStatus,
  Status: changeSet.status,
  StatusReason: changeSet.statusReason,
  CreationTime: creationTime,
  Description: description,
  IncludeNestedStacks: changeSet.includesNestedStacks,
  ParentChangeSetId: changeSet.nestedIn?.parentId,
  RootChangeSetId: changeSet.nestedIn?.rootId,
});

/** A change set as DescribeChangeSet answers it, with a page of its changes; parameters that the template marks `NoEcho` are masked. */
export function describeChangeSet(changeSet: ChangeSet, nextToken: string | undefined): object {
  const { changes, plan, onStackFailure } = changeSet;
  const { template, parameters, capabilities, tags } = plan;
  const start = nextToken === undefined ? 0 : position(nextToken, changes.length);
  const end = start + pageSizeOf(changes);
  const values = Object.entries(parameters).map(([ParameterKey, value]) => ({
    ParameterKey,
    ParameterValue: template.Parameters[ParameterKey]?.NoEcho === true ? '****' : value,
  }));
  return {
    ...summary(changeSet),
    // Recorded: these are not there when they are empty, and the others are.
    ...(values.length > 0 && { Parameters: values }),
    ...(tags.length > 0 && { Tags: tags }),
    NotificationARNs: [],
    RollbackConfiguration: {},
    Capabilities: capabilities,
    OnStackFailure: onStackFailure,
    Changes: changes.slice(start, end).map((ResourceChange) => ({ Type: 'Resource', ResourceChange })),
    ...(end < changes.length && { NextToken: String(end) }),
  };
}

/** A page of ListChangeSets. */
export function changeSetPage(changeSets: readonly ChangeSet[], nextToken: string | undefined): object {
  const start = nextToken === undefined ? 0 : position(nextToken, changeSets.length);
  const end = start + pageSizeOf(changeSets);
  return {
    Summaries: changeSets.slice(start, end).map(summary),
    ...(end < changeSets.length && { NextToken: String(end) }),
  };
}
