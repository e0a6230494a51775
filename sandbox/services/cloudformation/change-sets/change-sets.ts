import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import type { AccountRegion } from '../../../core/account.ts';
import type { Clock } from '../../../core/clock.ts';
import { AwsError, type Caller } from '../../../core/operation.ts';
import { isSame, requireUpdatable } from '../checks/updates.ts';
import type { StackCreation } from '../create-stack.ts';
import { nestedProperties, parametersOf } from '../nested-stack.ts';
import type { Provisioner } from '../provisioning/provision.ts';
import type { Stack, StackPlan } from '../stack.ts';
import type { StackStore } from '../stack-store.ts';
import { validationError } from '../template-checks.ts';
import type { ChangeSet, ResourceChange } from './change-set.ts';
import type { createChangeSetInput, executeChangeSetInput } from './change-set-requests.ts';
import { changesOf } from './changes.ts';

interface Parts {
  clock: Pick<Clock, 'now' | 'sleep'>;
  home: AccountRegion;
  store: Pick<StackStore, 'find' | 'require'>;
  creation: () => Pick<StackCreation, 'draft' | 'review' | 'planCreation' | 'planUpdate' | 'planNested'>;
  provisioner: Pick<Provisioner, 'create' | 'update'>;
  /** How long it takes to create one. */
  delayMs: number;
}

type Which = Pick<v.InferOutput<typeof executeChangeSetInput>, 'ChangeSetName' | 'StackName'>;

export interface ChangeSets {
  /** CreateChangeSet. @throws AwsError as AWS does */
  create(input: v.InferOutput<typeof createChangeSetInput>, caller: Caller): ChangeSet;
  /** ExecuteChangeSet. @throws AwsError as AWS does */
  execute(input: v.InferOutput<typeof executeChangeSetInput>, caller: Caller): void;
  /** DeleteChangeSet. @throws AwsError as AWS does */
  delete(which: Which): void;
  /** @throws AwsError as DescribeChangeSet does */
  require(which: Which): ChangeSet;
  /** Those of a stack that ListChangeSets lists. */
  of(stack: Stack): readonly ChangeSet[];
  /** Notes that a stack is updated otherwise, or by another change set. */
  outdate(stack: Stack): void;
}

/** The words for a change set of which nothing would come (LocalStack's `test_create_change_set_no_changes`). */
const noChanges =
  "The submitted information didn't contain changes. Submit different information to create a change set.";

/** Change sets, which say what an update of a stack would do before it does it. */
export function createChangeSets({ clock, home, store, creation, provisioner, delayMs }: Parts): ChangeSets {
  const all = new Map<string, ChangeSet>();

  /** Those that can be executed, or cannot because they were not created yet or have failed. */
  const isActive = ({ executionStatus }: ChangeSet) =>
    executionStatus === 'AVAILABLE' || executionStatus === 'UNAVAILABLE';
  const of = (stack: Stack) => [...all.values()].filter((each) => each.stack === stack && isActive(each));

  /** By its name a change set is found until another one is executed, or the stack is updated without one. */
  const named = (stack: Stack, name: string) =>
    [...all.values()].findLast(
      (each) => each.stack === stack && each.name === name && each.executionStatus !== 'OBSOLETE',
    );

  function find({ ChangeSetName: nameOrId, StackName: stackName }: Which): ChangeSet | undefined {
    if (nameOrId.startsWith('arn:')) return all.get(nameOrId);
    if (stackName === undefined) {
      throw validationError('StackName must be specified if ChangeSetName is not specified as an ARN.');
    }
    return named(store.require(stackName, `Stack [${stackName}] does not exist`), nameOrId);
  }

  function require(which: Which): ChangeSet {
    const found = find(which);
    if (found !== undefined) return found;
    throw new AwsError('ChangeSetNotFound', `ChangeSet [${which.ChangeSetName}] does not exist`, 404);
  }

  /** The stack that a change set is for; a new one is not there yet. */
  function stackFor(
    { StackName: stackName, ChangeSetName: name, ChangeSetType: type }: Created,
    existing: Stack | undefined,
    caller: Caller,
  ): Stack {
    const isReviewed = existing?.status === 'REVIEW_IN_PROGRESS';
    if (type === 'UPDATE') {
      // boto/boto3#2327
      if (existing === undefined || isReviewed) throw validationError(`Stack [${stackName}] does not exist`);
      return existing;
    }
    if (existing !== undefined && !isReviewed) {
      throw validationError(
        `Stack [${stackName}] already exists and cannot be created again with the changeSet [${name}].`,
      );
    }
    return existing ?? creation().draft(stackName, caller);
  }

  function create(input: Created, caller: Caller): ChangeSet {
    const { ChangeSetType: type, ChangeSetName: name, Description: description, OnStackFailure: onFailure } = input;
    if (type === 'UPDATE' && onFailure === 'DELETE') {
      throw validationError('OnStackFailure DELETE is only valid for a change set of type CREATE');
    }
    const stack = stackFor(input, store.find(input.StackName), caller);
    const text = JSON.stringify(input);
    // One that was executed does not keep its name (elias5000/clouds-aws#9), one that has failed does.
    const same = of(stack).find((each) => each.name === name);
    // A replayed call is the same change set; the words are those of saksdirect/nova#10.
    if (same !== undefined && same.input === text && input.ClientToken !== undefined) return same;
    if (same !== undefined) {
      throw new AwsError(
        'AlreadyExistsException',
        `ChangeSet ${name} cannot be created due to a mismatch with existing attribute Template`,
      );
    }
    const plan = creation()[type === 'CREATE' ? 'planCreation' : 'planUpdate'](stack, input, caller);
    if (type === 'CREATE') creation().review(stack);
    const changeSet = newChangeSet(
      name,
      { type, stack, plan },
      {
        includesNestedStacks: input.IncludeNestedStacks,
        input: text,
        ...(description !== undefined && { description }),
        ...(input.RoleARN !== undefined && { roleArn: input.RoleARN }),
        ...(onFailure !== undefined && { onStackFailure: onFailure }),
      },
    );
    begin(changeSet, look(changeSet));
    return changeSet;
  }

  const newChangeSet = (
    name: string,
    what: Pick<ChangeSet, 'type' | 'stack' | 'plan'>,
    rest: Omit<ChangeSet, keyof typeof fresh | 'id' | 'name' | 'creationTime' | 'type' | 'stack' | 'plan'>,
  ): ChangeSet => ({
    id: `arn:aws:cloudformation:${home.region}:${home.accountId}:changeSet/${name}/${randomUUID()}`,
    name,
    creationTime: new Date(clock.now()),
    ...fresh,
    ...what,
    ...rest,
  });

  function begin(changeSet: ChangeSet, found: Found): void {
    all.set(changeSet.id, changeSet);
    void complete(changeSet, found);
  }

  /** What is found is of the time of the call: an update that comes in between makes the change set obsolete. */
  async function complete(changeSet: ChangeSet, { reason, changes }: Found): Promise<void> {
    await clock.sleep(delayMs / 2);
    changeSet.status = 'CREATE_IN_PROGRESS';
    await clock.sleep(delayMs / 2);
    if (reason !== undefined) {
      changeSet.status = 'FAILED';
      changeSet.statusReason = reason;
      return;
    }
    changeSet.changes = changes;
    changeSet.status = 'CREATE_COMPLETE';
    if (changeSet.executionStatus === 'UNAVAILABLE') changeSet.executionStatus = 'AVAILABLE';
  }

  /** What a change set would do, or why it cannot be. Begins with those of nested stacks. */
  function look(changeSet: ChangeSet): Found {
    const { type, stack, plan, includesNestedStacks } = changeSet;
    const [macro] = plan.template.Transform;
    if (macro !== undefined) return { reason: `No transform named ${macro} found.`, changes: [] };
    const failed: string[] = [];
    const changes = changesOf(stack, plan, (resource, properties) => {
      const child = includesNestedStacks ? store.find(resource.provisioned?.physicalId ?? '') : undefined;
      return child && lookInto(changeSet, { logicalId: resource.logicalId, child, properties }, failed);
    });
    const [within] = failed;
    if (within !== undefined) {
      return { reason: `Nested change set ${within} was not successfully created: Currently in FAILED.`, changes: [] };
    }
    // Deletion policies alone are no update, whereas that of a nested stack is one.
    const isEmpty = isSame(stack, plan) && !changes.some(({ ResourceType: of }) => of === 'AWS::CloudFormation::Stack');
    return type === 'UPDATE' && isEmpty ? { reason: noChanges, changes: [] } : { changes };
  }

  /** The change set of a nested stack, which is begun with unless nothing would change. */
  function lookInto(
    parent: ChangeSet,
    { logicalId, child, properties }: { logicalId: string; child: Stack; properties: unknown },
    failed: string[],
  ): { id?: string } | undefined {
    const parsed = v.safeParse(nestedProperties, properties);
    // What depends on resources that are not there yet is not known.
    if (!parsed.success) return undefined;
    const given = { templateUrl: parsed.output.TemplateURL, parameters: parametersOf(parsed.output.Parameters) };
    const roleArn = parent.roleArn ?? parent.stack.roleArn;
    const nested = (plan: StackPlan) =>
      newChangeSet(
        `${parent.name}-${logicalId}-${randomUUID().slice(-12).toUpperCase()}`.slice(-128),
        { type: 'UPDATE', stack: child, plan },
        {
          includesNestedStacks: true,
          input: '',
          nestedIn: { parentId: parent.id, rootId: parent.nestedIn?.rootId ?? parent.id },
          ...(roleArn !== undefined && { roleArn }),
        },
      );
    try {
      const changeSet = nested(
        creation().planNested(child, { ...parent.plan, ...(roleArn !== undefined && { roleArn }) }, given),
      );
      const found = look(changeSet);
      if (found.reason === noChanges) return {};
      begin(changeSet, found);
      if (found.reason !== undefined) failed.push(changeSet.id);
      return { id: changeSet.id };
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      const changeSet = nested(child);
      begin(changeSet, { reason: error.message, changes: [] });
      failed.push(changeSet.id);
      return { id: changeSet.id };
    }
  }

  function execute(input: v.InferOutput<typeof executeChangeSetInput>, caller: Caller): void {
    const changeSet = require(input);
    requireRoot(changeSet);
    const { id, stack, type, status, executionStatus, plan, roleArn, onStackFailure } = changeSet;
    if (status !== 'CREATE_COMPLETE') {
      throw invalidStatus(`ChangeSet [${id}] cannot be executed in its current status of [${status}]`);
    }
    if (executionStatus !== 'AVAILABLE') {
      throw invalidStatus(
        `ChangeSet [${id}] cannot be executed in its current execution status of [${executionStatus}]`,
      );
    }
    if (type === 'UPDATE') requireUpdatable(stack);
    else if (stack.status !== 'REVIEW_IN_PROGRESS') {
      throw validationError(`Stack:${stack.stackId} is in ${stack.status} state and can not be created.`);
    }
    if (input.DisableRollback !== undefined && onStackFailure !== undefined) {
      throw validationError('DisableRollback cannot be specified when OnStackFailure is specified in the change set');
    }
    const disableRollback = input.DisableRollback === 'true' || onStackFailure === 'DO_NOTHING';
    const nested = within(changeSet);
    for (const each of [changeSet, ...nested]) each.executionStatus = 'EXECUTE_IN_PROGRESS';
    outdate(stack);
    if (roleArn !== undefined) stack.roleArn = roleArn;
    if (input.ClientRequestToken === undefined) delete stack.clientRequestToken;
    else stack.clientRequestToken = input.ClientRequestToken;
    stack.changeSetId = id;
    stack.lastUpdatedTime = new Date(clock.now());
    // Without a role it is who executes it, and not who has created it, that acts.
    const executed = { ...plan, creator: caller };
    if (type === 'CREATE') {
      Object.assign(stack, executed, {
        onFailure: onStackFailure ?? (disableRollback ? 'DO_NOTHING' : 'ROLLBACK'),
        retainExceptOnCreate: input.RetainExceptOnCreate,
      });
      provisioner.create(stack);
    } else provisioner.update(stack, executed, disableRollback);
    void settle(changeSet, nested);
  }

  /** Those of the stacks within a stack. */
  const within = ({ id }: ChangeSet) => [...all.values()].filter(({ nestedIn }) => nestedIn?.rootId === id);

  async function settle(changeSet: ChangeSet, nested: readonly ChangeSet[]): Promise<void> {
    await changeSet.stack.work;
    for (const each of [changeSet, ...nested]) {
      const { status } = each.stack;
      const isDone = status === 'CREATE_COMPLETE' || status === 'UPDATE_COMPLETE';
      each.executionStatus = isDone ? 'EXECUTE_COMPLETE' : 'EXECUTE_FAILED';
    }
  }

  return {
    create,
    execute,
    require,
    outdate,
    delete(which) {
      const changeSet = find(which);
      // To delete what is not there succeeds, as long as the stack is (aws/aws-cdk deletes before it creates).
      if (changeSet === undefined) return;
      requireRoot(changeSet);
      const isBusy =
        changeSet.status === 'CREATE_PENDING' ||
        changeSet.status === 'CREATE_IN_PROGRESS' ||
        changeSet.executionStatus === 'EXECUTE_IN_PROGRESS';
      if (isBusy) {
        // aws/aws-cdk#26182
        throw invalidStatus(
          'An operation on this ChangeSet is currently in progress.  Please attempt this operation again later.',
        );
      }
      for (const each of [changeSet, ...within(changeSet)]) all.delete(each.id);
    },
    of,
  };

  function outdate(stack: Stack): void {
    for (const each of of(stack)) each.executionStatus = 'OBSOLETE';
  }
}

type Created = v.InferOutput<typeof createChangeSetInput>;

interface Found {
  /** Why it fails. */
  reason?: string;
  changes: readonly ResourceChange[];
}

/** What a change set is when the call for it is answered. */
const fresh = { status: 'CREATE_PENDING', executionStatus: 'UNAVAILABLE', changes: [] } as const;

/** Those of nested stacks go with that of the stack at the top; the words are the sandbox's. */
function requireRoot({ id, nestedIn }: ChangeSet): void {
  if (nestedIn === undefined) return;
  throw validationError(`ChangeSet [${id}] is nested. Use root change set [${nestedIn.rootId}] instead.`);
}

const invalidStatus = (message: string) => new AwsError('InvalidChangeSetStatus', message);
