import { StackStatus } from '@aws-sdk/client-cloudformation';
import { describe, expect, it } from 'vitest';
import { stackPhase, waitOutcome } from '../../../functions/shared/stack-status.ts';

const table = {
  // status: [phase, and what a wait for `created`, `deleted` and `settled` makes of it]
  REVIEW_IN_PROGRESS: ['stuck', 'StackFailed', 'StackNeedsAttention', 'StackSettled'],
  CREATE_IN_PROGRESS: ['creating', 'pending', 'pending', 'pending'],
  CREATE_FAILED: ['stuck', 'StackFailed', 'StackNeedsAttention', 'StackSettled'],
  CREATE_COMPLETE: ['live', 'reached', 'pending', 'StackSettled'],
  ROLLBACK_IN_PROGRESS: ['rolling-back', 'StackFailed', 'pending', 'pending'],
  ROLLBACK_FAILED: ['stuck', 'StackFailed', 'StackNeedsAttention', 'StackSettled'],
  ROLLBACK_COMPLETE: ['rolled-back', 'StackFailed', 'pending', 'StackSettled'],
  DELETE_IN_PROGRESS: ['deleting', 'StackFailed', 'pending', 'pending'],
  DELETE_FAILED: ['stuck', 'StackFailed', 'StackNeedsAttention', 'StackSettled'],
  DELETE_COMPLETE: ['deleted', 'StackFailed', 'StackGone', 'StackSettled'],
  UPDATE_IN_PROGRESS: ['busy', 'pending', 'pending', 'pending'],
  UPDATE_COMPLETE_CLEANUP_IN_PROGRESS: ['live', 'reached', 'pending', 'StackSettled'],
  UPDATE_COMPLETE: ['live', 'reached', 'pending', 'StackSettled'],
  UPDATE_FAILED: ['stuck', 'StackFailed', 'StackNeedsAttention', 'StackSettled'],
  UPDATE_ROLLBACK_IN_PROGRESS: ['busy', 'pending', 'pending', 'pending'],
  UPDATE_ROLLBACK_FAILED: ['stuck', 'StackFailed', 'StackNeedsAttention', 'StackSettled'],
  UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS: ['busy', 'pending', 'pending', 'pending'],
  UPDATE_ROLLBACK_COMPLETE: ['live', 'reached', 'pending', 'StackSettled'],
  IMPORT_IN_PROGRESS: ['busy', 'pending', 'pending', 'pending'],
  IMPORT_COMPLETE: ['live', 'reached', 'pending', 'StackSettled'],
  IMPORT_ROLLBACK_IN_PROGRESS: ['busy', 'pending', 'pending', 'pending'],
  IMPORT_ROLLBACK_FAILED: ['stuck', 'StackFailed', 'StackNeedsAttention', 'StackSettled'],
  IMPORT_ROLLBACK_COMPLETE: ['live', 'reached', 'pending', 'StackSettled'],
} as const satisfies Record<StackStatus, readonly [phase: string, created: string, deleted: string, settled: string]>;

const rows = Object.values(StackStatus).map((status) => ({ status, expected: table[status] }));

describe('a stack in', () => {
  it.each(rows)('$status has its phase, and its outcome for each goal', ({ status, expected }) => {
    const outcomes = (['created', 'deleted', 'settled'] as const).map((goal) => waitOutcome(goal, status));
    expect([stackPhase(status), ...outcomes]).toEqual(expected);
  });
});
