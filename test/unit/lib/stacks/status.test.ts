import { StackStatus } from '@aws-sdk/client-cloudformation';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDeletionCanceled, stackPhase, waitOutcome } from '../../../../lib/stacks/status.ts';

const table = {
  // status: [phase, and what a wait for `created`, `deleted` and `settled` makes of it]
  REVIEW_IN_PROGRESS: ['stuck', 'StackFailed', 'pending', 'StackSettled'],
  CREATE_IN_PROGRESS: ['creating', 'pending', 'pending', 'pending'],
  CREATE_FAILED: ['stuck', 'StackFailed', 'pending', 'StackSettled'],
  CREATE_COMPLETE: ['live', 'reached', 'pending', 'StackSettled'],
  ROLLBACK_IN_PROGRESS: ['rolling-back', 'StackFailed', 'pending', 'pending'],
  ROLLBACK_FAILED: ['stuck', 'StackFailed', 'pending', 'StackSettled'],
  ROLLBACK_COMPLETE: ['rolled-back', 'StackFailed', 'pending', 'StackSettled'],
  DELETE_IN_PROGRESS: ['deleting', 'StackFailed', 'pending', 'pending'],
  DELETE_FAILED: ['stuck', 'StackFailed', 'StackNeedsAttention', 'StackSettled'],
  DELETE_COMPLETE: ['deleted', 'StackFailed', 'StackGone', 'StackSettled'],
  UPDATE_IN_PROGRESS: ['busy', 'pending', 'pending', 'pending'],
  UPDATE_COMPLETE_CLEANUP_IN_PROGRESS: ['live', 'reached', 'pending', 'StackSettled'],
  UPDATE_COMPLETE: ['live', 'reached', 'pending', 'StackSettled'],
  UPDATE_FAILED: ['stuck', 'StackFailed', 'pending', 'StackSettled'],
  UPDATE_ROLLBACK_IN_PROGRESS: ['busy', 'pending', 'pending', 'pending'],
  UPDATE_ROLLBACK_FAILED: ['stuck', 'StackFailed', 'pending', 'StackSettled'],
  UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS: ['busy', 'pending', 'pending', 'pending'],
  UPDATE_ROLLBACK_COMPLETE: ['live', 'reached', 'pending', 'StackSettled'],
  IMPORT_IN_PROGRESS: ['busy', 'pending', 'pending', 'pending'],
  IMPORT_COMPLETE: ['live', 'reached', 'pending', 'StackSettled'],
  IMPORT_ROLLBACK_IN_PROGRESS: ['busy', 'pending', 'pending', 'pending'],
  IMPORT_ROLLBACK_FAILED: ['stuck', 'StackFailed', 'pending', 'StackSettled'],
  IMPORT_ROLLBACK_COMPLETE: ['live', 'reached', 'pending', 'StackSettled'],
} as const satisfies Record<StackStatus, readonly [phase: string, created: string, deleted: string, settled: string]>;

const rows = Object.values(StackStatus).map((status) => ({ status, expected: table[status] }));

describe('a stack in', () => {
  it.each(rows)('$status has its phase, and its outcome for each goal', ({ status, expected }) => {
    const outcomes = (['created', 'deleted', 'settled'] as const).map((goal) => waitOutcome(goal, status));
    expect([stackPhase(status), ...outcomes]).toEqual(expected);
  });
});

describe('whether a deletion is canceled: one that', () => {
  const inUse = 'Delete canceled. Cannot delete export x as it is in use by other.';
  it.each<[what: string, status: StackStatus | undefined, reason: string | undefined, isCanceled: boolean]>([
    ['CloudFormation has canceled', 'CREATE_COMPLETE', inUse, true],
    ['CloudFormation has canceled, in whichever case it writes that', 'ROLLBACK_COMPLETE', inUse.toUpperCase(), true],
    ['goes on', 'DELETE_IN_PROGRESS', inUse, false],
    ['has failed, which its status says itself', 'DELETE_FAILED', inUse, false],
    ['has a reason that only quotes these words', 'UPDATE_ROLLBACK_COMPLETE', `Not: ${inUse}`, false],
    ['has another reason', 'CREATE_COMPLETE', 'User Initiated', false],
    ['has no reason', 'CREATE_COMPLETE', undefined, false],
    ['has a reason and no status', undefined, inUse, false],
  ])('%s, in status %s for the reason %j', (_what, status, reason, isCanceled) => {
    expect(isDeletionCanceled(status, reason)).toBe(isCanceled);
  });
});

describe('events in whatever order, repeated and lost,', () => {
  /** The statuses that a stack of ours goes through, and what a wait for the goal may come to. */
  const lives: { goal: 'created' | 'deleted' | 'settled'; statuses: StackStatus[]; outcomes: string[] }[] = [
    { goal: 'created', statuses: ['CREATE_IN_PROGRESS', 'CREATE_COMPLETE'], outcomes: ['pending', 'reached'] },
    {
      goal: 'created',
      statuses: ['CREATE_IN_PROGRESS', 'CREATE_COMPLETE', 'UPDATE_IN_PROGRESS', 'UPDATE_ROLLBACK_COMPLETE'],
      outcomes: ['pending', 'reached'],
    },
    {
      goal: 'created',
      statuses: ['CREATE_IN_PROGRESS', 'ROLLBACK_IN_PROGRESS', 'ROLLBACK_COMPLETE'],
      outcomes: ['pending', 'StackFailed'],
    },
    {
      goal: 'deleted',
      statuses: [
        ...(['CREATE_IN_PROGRESS', 'ROLLBACK_IN_PROGRESS', 'ROLLBACK_COMPLETE'] as const),
        ...(['DELETE_IN_PROGRESS', 'DELETE_COMPLETE'] as const),
      ],
      outcomes: ['pending', 'StackGone'],
    },
    {
      goal: 'deleted',
      statuses: ['UPDATE_FAILED', 'UPDATE_ROLLBACK_FAILED', 'DELETE_IN_PROGRESS', 'DELETE_COMPLETE'],
      outcomes: ['pending', 'StackGone'],
    },
    {
      goal: 'settled',
      statuses: ['CREATE_IN_PROGRESS', 'ROLLBACK_IN_PROGRESS', 'ROLLBACK_COMPLETE'],
      outcomes: ['pending', 'StackSettled'],
    },
  ];

  it.each(lives)('end a wait for $goal only as the life $statuses allows', ({ goal, statuses, outcomes }) => {
    const delivered = fc.array(fc.constantFrom(...statuses), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(delivered, (events) => {
        const first = events.map((status) => waitOutcome(goal, status)).find((outcome) => outcome !== 'pending');
        expect(outcomes).toContain(first ?? 'pending');
        // Whatever came before: the last status of the life decides.
        const last = statuses.at(-1);
        if (last !== undefined && events.includes(last)) expect(first).toBeDefined();
      }),
    );
  });
});

it('a status that is not known leaves a stack alone, however it is spelled', () => {
  const part = fc.constantFrom('CREATE', 'UPDATE', 'DELETE', 'ROLLBACK', 'IMPORT', 'COMPLETE', 'FAILED', 'IN_PROGRESS');
  const known = new Set<string>(Object.values(StackStatus));
  const spelled = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('_'));
  fc.assert(
    fc.property(fc.oneof(spelled, fc.string()), (text) => {
      if (known.has(text)) return;
      // What AWS may add is no status by today's types.
      const status = text as StackStatus;
      expect(stackPhase(status)).toBe('stuck');
      expect(waitOutcome('created', status)).toBe('StackFailed');
      expect(waitOutcome('deleted', status)).toBe('StackNeedsAttention');
    }),
  );
});
