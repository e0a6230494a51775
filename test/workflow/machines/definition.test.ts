import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { operationOf, operations } from '../../../lib/subscribers/operations.ts';
import { happyPath, offboardingPath } from '../sandbox.ts';
import { nothingToDo } from '../upgrade/upgrading.ts';
import { isShared, sharedRetriers } from './design.ts';
import { packagedMachine } from './packaged-machine.ts';

const root = join(import.meta.dirname, '../../..');
const ruleSchema = v.looseObject({ ErrorEquals: v.array(v.string()) });
const definitionSchema = v.looseObject({
  StartAt: v.string(),
  States: v.record(
    v.string(),
    v.looseObject({
      Type: v.picklist(['Task', 'Choice']),
      Choices: v.optional(
        v.array(v.object({ Variable: v.string(), BooleanEquals: v.literal(true), Next: v.string() })),
        [],
      ),
      Default: v.optional(v.string()),
      Next: v.optional(v.string()),
      End: v.optional(v.boolean()),
      TimeoutSeconds: v.optional(v.number()),
      TimeoutSecondsPath: v.optional(v.string()),
      Retry: v.optional(v.array(ruleSchema), []),
      Catch: v.optional(
        v.array(v.looseObject({ ...ruleSchema.entries, Next: v.string(), ResultPath: v.string() })),
        [],
      ),
    }),
  ),
});
const definitionOf = (machine: string) =>
  v.parse(definitionSchema, JSON.parse(readFileSync(join(root, `statemachine/${machine}.asl.json`), 'utf8')));
const machines: readonly {
  machine: string;
  logicalId: string;
  /** The states from the first to the last, a choice's default being the next. */
  line: readonly string[];
  /** Those that only a choice leads to, each with where it leads. */
  beside?: readonly string[];
  edges: readonly string[];
}[] = [
  {
    machine: 'add-user',
    logicalId: 'AddUserMachine',
    line: ['AcceptUsers', 'ObtainSubscriberToken', 'AddUser', 'MoreUsers', 'CompleteUsers'],
    edges: ['AddUser TokenRejected ObtainSubscriberToken', 'MoreUsers $.progress.hasMore AddUser'],
  },
  {
    machine: 'onboard-subscriber',
    logicalId: 'OnboardSubscriber',
    line: happyPath,
    edges: [
      'CreateSubscriber TokenRejected ObtainToken',
      'WaitForStack States.Timeout WaitForStack',
      'WaitForStack StackGone DeployStack',
      'WaitForStack StackSettled DeployStack',
    ],
  },
  {
    machine: 'update-subscriber',
    logicalId: 'UpdateSubscriberMachine',
    line: ['AcceptUpdate', 'ObtainToken', 'UpdateSubscriber', 'CompleteUpdate'],
    edges: ['UpdateSubscriber TokenRejected ObtainToken'],
  },
  {
    machine: 'upgrade-subscriber',
    logicalId: 'UpgradeSubscriber',
    line: nothingToDo,
    beside: ['ExecuteChangeSet WaitForStack', 'WaitForStack ReadRoleArn', 'WithdrawGrants CompleteUpgrade'],
    edges: [
      'WhatIsLeft $.stack.hasChanges ExecuteChangeSet',
      'WhatIsLeft $.role.isOther WithdrawGrants',
      'WaitForStack States.Timeout WaitForStack',
    ],
  },
  {
    machine: 'offboard-subscriber',
    logicalId: 'OffboardSubscriber',
    line: offboardingPath,
    edges: [
      'WaitForStack States.Timeout WaitForStack',
      'WaitForStack StackGone CompleteOffboarding',
      'WaitForStack StackSettled DeleteStack',
    ],
  },
];

describe.each(machines)(
  'the definition of $machine',
  ({ machine, logicalId, line: designed, beside = [], edges: designedEdges }) => {
    const definition = definitionOf(machine);
    const states = Object.entries(definition.States);
    const tasks = states.filter(([, { Type }]) => Type === 'Task');

    it('is a straight line of the states that are designed', () => {
      const line: string[] = [];
      for (let name: string | undefined = definition.StartAt; name !== undefined; ) {
        line.push(name);
        const state: (typeof definition.States)[string] | undefined = definition.States[name];
        name = state?.Next ?? state?.Default;
      }
      expect(line).toEqual(designed);
      const others = states.filter(([name]) => !designed.includes(name)).map(([name, { Next }]) => `${name} ${Next}`);
      expect(others).toEqual(beside);
    });

    it('has no edges beside it but those that are designed', () => {
      const edges = states.flatMap(([from, { Catch, Choices }]) => [
        ...Catch.flatMap(({ ErrorEquals, Next }) => ErrorEquals.map((error) => `${from} ${error} ${Next}`)),
        ...Choices.map(({ Variable, Next }) => `${from} ${Variable} ${Next}`),
      ]);
      expect(edges).toEqual(designedEdges);
    });

    it('begins where a failure before the first state is reported', () => {
      expect(operations[operationOf(`arn:aws:states:us-east-1:111111111111:stateMachine:${machine}`)].firstState).toBe(
        definition.StartAt,
      );
    });

    it.each(tasks)('%s has a timeout, and no retrier for what all states share', (name, state) => {
      expect(state.TimeoutSeconds ?? state.TimeoutSecondsPath).toBeDefined();
      const own = state.Retry.flatMap(({ ErrorEquals }) => ErrorEquals);
      const isElsewhere = (error: string) => isShared({ state: name, error }) || /^(Lambda|States)\./.test(error);
      expect(own.filter(isElsewhere)).toEqual([]);
    });

    it.each(tasks)('%s retries what all states share, after its own, when it is packaged', (name, { Retry }) => {
      const packaged = packagedMachine(logicalId).states.find(([state]) => state === name)?.[1];
      expect(packaged?.Retry).toEqual([...Retry, ...sharedRetriers(name)]);
    });

    it('has a function folder for every state, of the same name', () => {
      const folders = readdirSync(join(root, 'functions'));
      const kebab = (name: string) => name.replace(/(?<!^)([A-Z])/g, '-$1').toLowerCase();
      // WaitForStack is the state; the function that begins the wait awaits the stack.
      const expected = tasks.map(([name]) => (name === 'WaitForStack' ? 'await-stack' : kebab(name)));
      expect(folders).toEqual(expect.arrayContaining(expected));
    });
  },
);

it('knows all machines', () => {
  const files = readdirSync(join(root, 'statemachine')).filter((file) => file.endsWith('.asl.json'));
  expect(machines.map(({ machine }) => `${machine}.asl.json`).toSorted()).toEqual(files.toSorted());
});
