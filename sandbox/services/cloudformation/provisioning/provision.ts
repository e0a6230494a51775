import type { Clock } from '../../../core/clock.ts';
import type { Faults } from '../../../core/faults.ts';
import type { ResourceProviders } from '../../../core/resource-provider.ts';
import type { Iam } from '../../iam/service.ts';
import { conditionValue, evaluate, UnknownAttribute } from '../evaluate.ts';
import { type Exports, importedNames } from '../exports.ts';
import type { Stack, StackPlan, Transitions } from '../stack.ts';
import { isLive, type StackStore } from '../stack-store.ts';
import { createCreation, isCreating } from './create-resources.ts';
import { createDeletion } from './delete-resources.ts';
import { createHook } from './hook.ts';
import { messageOf } from './message-of.ts';
import { type Change, createUpdating } from './update-resources.ts';

interface Parts {
  clock: Clock;
  iam: Pick<Iam, 'serviceCaller'>;
  providers: ResourceProviders;
  transitions: Transitions;
  store: Pick<StackStore, 'all'>;
  exports: Exports;
  faults: Pick<Faults, 'take'>;
  /** How long each resource takes. */
  resourceDelayMs: number;
}

/** The operations on stacks as they go on after their call was answered; a stack's `work` settles at their end. */
export interface Provisioner {
  /** Begins with a stack of which nothing is made before one of its change sets is executed. */
  review(stack: Stack): void;
  create(stack: Stack): void;
  /** What fails is taken back, unless the rollback is disabled. */
  update(stack: Stack, plan: StackPlan, disableRollback?: boolean): void;
  /** Leaves the resources of these logical ids where they are. */
  delete(stack: Stack, retained: readonly string[]): void;
}

export function createProvisioner(parts: Parts): Provisioner {
  const { transitions, store, exports, faults } = parts;
  const creation = createCreation({ ...parts, hook: createHook({ faults, transitions }) });
  const deletion = createDeletion(parts);
  const { createResources } = creation;
  const { deleteResources, finishDeletion } = deletion;
  const { updateResources, restoreResources, cleanUp } = createUpdating({ transitions, creation, deletion });

  async function create(stack: Stack): Promise<void> {
    // The first two are found before anything is made: widdix/aws-s3-virusscan#39 and LocalStack's
    // tests/aws/services/cloudformation/test_template_engine.snapshot.json have no events of resources.
    const failure =
      missingTransform(stack) ??
      missingImport(stack) ??
      (await createResources(stack)) ??
      (isCreating(stack) ? setOutputs(stack) : undefined);
    if (!isCreating(stack)) return;
    if (failure === undefined) return transitions.stack(stack, 'CREATE_COMPLETE');
    switch (stack.onFailure) {
      case 'DO_NOTHING':
        return transitions.stack(stack, 'CREATE_FAILED', failure);
      case 'ROLLBACK': {
        transitions.stack(stack, 'ROLLBACK_IN_PROGRESS', `${failure} Rollback requested by user.`);
        const problem = await deleteResources(stack, true);
        return transitions.stack(stack, problem === undefined ? 'ROLLBACK_COMPLETE' : 'ROLLBACK_FAILED', problem);
      }
      case 'DELETE':
        transitions.stack(stack, 'DELETE_IN_PROGRESS', `${failure} Delete requested by user.`);
        return finishDeletion(stack, true);
    }
  }

  /** Brings a stack to its new plan, or back to what it was. */
  async function update(stack: Stack, plan: StackPlan, disableRollback: boolean): Promise<void> {
    const { template, templateBody, needs, parameters, exportNames, scope, capabilities, tags, creator } = stack;
    const before = { template, templateBody, needs, parameters, exportNames, scope, capabilities, tags, creator };
    const { imports } = stack;
    Object.assign(stack, plan, { scope: { ...plan.scope, resources: new Map(scope.resources) } });
    const changes: Change[] = [];
    const failure =
      missingTransform(stack) ?? missingImport(stack) ?? (await updateResources(stack, changes)) ?? setOutputs(stack);
    if (failure === undefined) {
      transitions.stack(stack, 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS');
      const isClean = await cleanUp(stack, changes);
      // What could not be deleted is the stack's no more (rvedotrc/aws-cloudformation-stack-states#2).
      const reason = isClean ? undefined : 'Update successful. One or more resources could not be deleted.';
      return transitions.stack(stack, 'UPDATE_COMPLETE', reason);
    }
    if (disableRollback) return transitions.stack(stack, 'UPDATE_FAILED', failure);
    transitions.stack(stack, 'UPDATE_ROLLBACK_IN_PROGRESS', failure);
    Object.assign(stack, before, { imports });
    const problem = await restoreResources(stack, changes);
    if (problem !== undefined) return transitions.stack(stack, 'UPDATE_ROLLBACK_FAILED', problem);
    transitions.stack(stack, 'UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS');
    await cleanUp(stack, changes);
    transitions.stack(stack, 'UPDATE_ROLLBACK_COMPLETE');
  }

  /** Returns why the outputs have no value, or cannot be exported. */
  function setOutputs(stack: Stack): string | undefined {
    const { stackId, stackName } = stack;
    const outputs = outputsOf(stack);
    if (typeof outputs === 'string') return outputs;
    const names = new Map(
      outputs.flatMap(({ ExportName, OutputValue }) => (ExportName === undefined ? [] : [[ExportName, OutputValue]])),
    );
    for (const name of names.keys()) {
      const taken = exports.get(name);
      if (taken === undefined || taken.stackId === stackId) continue;
      return `Export with name ${name} is already exported by stack ${taken.stackName}.`;
    }
    const own = [...exports].filter(([, exported]) => exported.stackId === stackId);
    for (const [name, { value }] of own) {
      const user = userOf(name);
      if (user === undefined || names.get(name) === value) continue;
      // aws/aws-cdk#3414, for both.
      const what = names.has(name) ? 'updated' : 'deleted';
      return `Export ${name} cannot be ${what} as it is in use by ${user.stackName}`;
    }
    for (const [name] of own) exports.delete(name);
    for (const [name, value] of names) exports.set(name, { stackId, stackName, value });
    stack.outputs = outputs;
    return undefined;
  }

  const userOf = (name: string) => store.all().find((other) => isLive(other) && other.imports.includes(name));

  /** Why a stack cannot be deleted, in CloudFormation's words; its status stays what it was (USSBA/aws-cft-tools#27). */
  function exportInUse(stack: Stack): string | undefined {
    for (const [name, { stackId }] of exports) {
      const user = userOf(name);
      if (stackId !== stack.stackId || user === undefined) continue;
      return `Delete canceled. Cannot delete export ${name} as it is in use by ${user.stackName}.`;
    }
    return undefined;
  }

  function missingImport(stack: Stack): string | undefined {
    const { template, needs, scope } = stack;
    const used = Object.entries(template.Resources).filter(([logicalId]) => needs.has(logicalId));
    try {
      stack.imports = importedNames([used, Object.values(template.Outputs).map(({ Value }) => Value)], scope);
    } catch (error) {
      return messageOf(error);
    }
    const missing = stack.imports.find((name) => !exports.has(name));
    return missing && `No export named ${missing} found.`;
  }

  return {
    review(stack) {
      transitions.stack(stack, 'REVIEW_IN_PROGRESS', 'User Initiated');
    },
    create(stack) {
      transitions.stack(stack, 'CREATE_IN_PROGRESS', 'User Initiated');
      stack.work = create(stack);
    },
    update(stack, plan, disableRollback = false) {
      transitions.stack(stack, 'UPDATE_IN_PROGRESS', 'User Initiated');
      stack.work = stack.work.then(() => update(stack, plan, disableRollback));
    },
    delete(stack, retained) {
      const inUse = exportInUse(stack);
      if (inUse !== undefined) {
        transitions.stack(stack, stack.status, inUse);
        return;
      }
      for (const [name, { stackId }] of exports) if (stackId === stack.stackId) exports.delete(name);
      transitions.stack(stack, 'DELETE_IN_PROGRESS', 'User Initiated');
      // A creation that is under way ends at its next resource.
      stack.work = stack.work.then(() => finishDeletion(stack, false, retained));
    },
  };
}

/** The sandbox has no macros. The account's own are named with it. */
function missingTransform({ template: { Transform } }: Stack): string | undefined {
  const [macro] = Transform;
  return macro && `No transform named ${macro} found.`;
}

/** The outputs, or why one has no value. */
function outputsOf(
  stack: Stack,
):
  | { OutputKey: string; OutputValue: string; Description?: string | undefined; ExportName?: string | undefined }[]
  | string {
  const { template, scope, exportNames } = stack;
  try {
    return Object.entries(template.Outputs)
      .filter(([, { Condition }]) => conditionValue(Condition, scope.conditions))
      .map(([OutputKey, { Value, Description }]) => ({
        OutputKey,
        OutputValue: outputValue(OutputKey, Value, stack),
        Description,
        ExportName: exportNames.get(OutputKey),
      }));
  } catch (error) {
    return messageOf(error);
  }
}

/** @throws Error in CloudFormation's words (LocalStack's engine/test_attributes.snapshot.json for an attribute that there is not) */
function outputValue(name: string, written: unknown, { template, scope }: Stack): string {
  try {
    const value = evaluate(written, scope);
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  } catch (error) {
    if (!(error instanceof UnknownAttribute)) throw error;
    const type = template.Resources[error.logicalId]?.Type;
    throw new Error(
      `[Error] /Outputs/${name}/Value/Fn::GetAtt: Resource type ${type} does not support attribute {${error.attribute}}.`,
    );
  }
  throw new Error(
    `Template format error: Output ${name} is malformed. The Value field of every Outputs member must evaluate to a String.`,
  );
}
