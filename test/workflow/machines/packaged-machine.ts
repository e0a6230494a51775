import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { inject } from 'vitest';
import type { FaultRule } from '../../../sandbox/core/faults.ts';
import type { Retried } from './design.ts';

const ruleSchema = v.looseObject({ ErrorEquals: v.array(v.string()) });
const definitionSchema = v.object({
  States: v.record(
    v.string(),
    v.looseObject({
      Type: v.string(),
      Resource: v.optional(v.string()),
      Parameters: v.optional(v.unknown()),
      Choices: v.optional(v.array(v.unknown()), []),
      Retry: v.optional(v.array(v.looseObject({ ...ruleSchema.entries, MaxAttempts: v.number() })), []),
      Catch: v.optional(v.array(v.looseObject({ ...ruleSchema.entries, Next: v.string() })), []),
    }),
  ),
});

/** What is deployed of a machine: its definition's states, the function behind each, and their edges, each of one error. */
export function packagedMachine(logicalId: string) {
  const text = readFileSync(join(inject('packageFolder'), 'cloudformation-template-update-stack.json'), 'utf8');
  const { Resources } = v.parse(v.object({ Resources: v.record(v.string(), v.looseObject({})) }), JSON.parse(text));
  const { Properties: machine } = v.parse(
    v.object({
      Properties: v.object({
        DefinitionString: v.object({ 'Fn::Sub': v.tuple([v.string(), v.record(v.string(), v.unknown())]) }),
      }),
    }),
    Resources[logicalId],
  );
  // The functions are placeholders in it, and so is what a state waits with, after them.
  const [definition, placeholders] = machine.DefinitionString['Fn::Sub'];
  const functionName = (placeholder: string) => {
    const { 'Fn::GetAtt': getAtt } = v.parse(
      v.object({ 'Fn::GetAtt': v.array(v.string()) }),
      placeholders[placeholder],
    );
    const lambda = v.parse(
      v.object({ Properties: v.object({ FunctionName: v.string() }) }),
      Resources[getAtt[0] ?? ''],
    );
    return lambda.Properties.FunctionName;
  };
  const states = Object.entries(v.parse(definitionSchema, JSON.parse(definition)).States);
  const tasks = states.filter(([, { Type }]) => Type === 'Task');
  /** The function that a state invokes. */
  const functionOf = new Map(
    tasks.map(([state, { Resource, Parameters }]) => {
      const [, placeholder = ''] = /\$\{(\w+)\}/.exec(JSON.stringify([Parameters, Resource])) ?? [];
      return [state, functionName(placeholder)];
    }),
  );
  /** That a state fails with this error, without its function having run, so often. */
  const lambdaFails = (state: string, error: string, times: number): FaultRule => ({
    service: 'lambda',
    operation: 'Invoke',
    fault: { kind: 'error', name: error },
    times,
    functionName: functionOf.get(state) ?? '',
  });
  const retries = states.flatMap(([state, { Retry }]) =>
    Retry.flatMap(({ ErrorEquals, MaxAttempts }) =>
      ErrorEquals.map((error): Retried => ({ state, error, times: MaxAttempts })),
    ),
  );
  const catches = states.flatMap(([state, { Catch }]) =>
    Catch.flatMap(({ ErrorEquals, Next }) => ErrorEquals.map((error) => ({ state, error, next: Next }))),
  );
  return { states, functionOf, lambdaFails, retries, catches };
}
