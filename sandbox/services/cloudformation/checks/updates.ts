import { isDeepStrictEqual } from 'node:util';
import type * as v from 'valibot';
import { conditionValue } from '../evaluate.ts';
import type { Stack, StackPlan, StackStatus } from '../stack.ts';
import type { updateInput } from '../stack-requests.ts';
import { validationError } from '../template-checks.ts';
import type { GivenParameter } from './parameters.ts';

/** @throws AwsError ValidationError */
export function requireName(stackName: string): void {
  if (/^[a-zA-Z][-a-zA-Z0-9]{0,127}$/.test(stackName)) return;
  throw validationError(
    `1 validation error detected: Value '${stackName}' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*`,
  );
}

/** What an update can begin from. The others cannot be updated: some only while they settle, some never. */
const updatable: readonly StackStatus[] = ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'UPDATE_ROLLBACK_COMPLETE'];

/** @throws AwsError ValidationError */
export function requireUpdatable({ stackId, status }: Stack): void {
  if (updatable.includes(status)) return;
  throw validationError(`Stack:${stackId} is in ${status} state and can not be updated.`);
}

/** A parameter of UpdateStack with its value. @throws AwsError ValidationError unless it has just one, or the stack has had one */
export function givenValue(
  { ParameterKey, ParameterValue, UsePreviousValue }: v.InferOutput<typeof updateInput>['Parameters'][number],
  { parameters }: Pick<Stack, 'parameters'>,
): GivenParameter {
  const previous = Object.hasOwn(parameters, ParameterKey) ? parameters[ParameterKey] : undefined;
  const value = UsePreviousValue ? previous : ParameterValue;
  if (value !== undefined && !(UsePreviousValue && ParameterValue !== undefined)) {
    return { ParameterKey, ParameterValue: value };
  }
  throw validationError(`Invalid input for parameter key ${ParameterKey}. Specify one value, or a previous one.`);
}

/** @throws AwsError ValidationError, in the words of aws/aws-sam-cli#6786 */
export function requireSameTypes(stack: Stack, { template }: StackPlan): void {
  const changed = stack.resources
    .filter(({ logicalId, type }) => (template.Resources[logicalId]?.Type ?? type) !== type)
    .map(({ logicalId }) => logicalId);
  if (changed.length === 0) return;
  throw validationError(
    `Update of resource type is not permitted. The new template modifies resource type of the following resources: [${changed.join(', ')}]`,
  );
}

/**
 * Whether an update would do nothing. Deletion policies alone are no update ("DeletionPolicy attribute" in the user guide), nor is the
 * description of a template.
 */
export const isSame = (stack: Stack, plan: StackPlan): boolean => isDeepStrictEqual(essence(stack), essence(plan));

const essence = ({ template: { Resources, Outputs }, parameters, scope, tags }: StackPlan) => ({
  resources: Object.entries(Resources)
    .filter(([, { Condition }]) => conditionValue(Condition, scope.conditions))
    .map(([logicalId, { DeletionPolicy, UpdateReplacePolicy, Condition, DependsOn, ...rest }]) => [logicalId, rest])
    .toSorted(),
  ...{ outputs: Outputs, conditions: scope.conditions, parameters, tags },
});
