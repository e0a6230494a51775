import type { StackStatus } from '@aws-sdk/client-cloudformation';
import type { Stack } from '../plans/stack.ts';

type Phase = 'creating' | 'live' | 'rolling-back' | 'rolled-back' | 'deleting' | 'deleted' | 'busy' | 'stuck';

const phases: Record<StackStatus, Phase> = {
  CREATE_IN_PROGRESS: 'creating',
  CREATE_COMPLETE: 'live',
  UPDATE_COMPLETE: 'live',
  UPDATE_COMPLETE_CLEANUP_IN_PROGRESS: 'live',
  UPDATE_ROLLBACK_COMPLETE: 'live',
  IMPORT_COMPLETE: 'live',
  IMPORT_ROLLBACK_COMPLETE: 'live',
  ROLLBACK_IN_PROGRESS: 'rolling-back',
  ROLLBACK_COMPLETE: 'rolled-back',
  DELETE_IN_PROGRESS: 'deleting',
  DELETE_COMPLETE: 'deleted',
  UPDATE_IN_PROGRESS: 'busy',
  UPDATE_ROLLBACK_IN_PROGRESS: 'busy',
  UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS: 'busy',
  IMPORT_IN_PROGRESS: 'busy',
  IMPORT_ROLLBACK_IN_PROGRESS: 'busy',
  CREATE_FAILED: 'stuck',
  ROLLBACK_FAILED: 'stuck',
  DELETE_FAILED: 'stuck',
  UPDATE_FAILED: 'stuck',
  UPDATE_ROLLBACK_FAILED: 'stuck',
  IMPORT_ROLLBACK_FAILED: 'stuck',
  REVIEW_IN_PROGRESS: 'stuck',
};
const knownPhases = new Map<string, Phase>(Object.entries(phases));

/**
 * What a stack's status means for onboarding. Statuses are matched exactly: UPDATE_ROLLBACK_COMPLETE is a live stack,
 * ROLLBACK_COMPLETE one that can only be deleted (CloudFormation user guide, "Stack status codes").
 */
export function stackPhase(status: StackStatus): Phase {
  // A status that AWS added since: nothing is known of it, so nothing may be done to the stack.
  return knownPhases.get(status) ?? 'stuck';
}

export type WaitOutcome =
  | 'pending'
  | 'reached'
  | 'StackFailed'
  | 'StackGone'
  | 'StackSettled'
  | 'StackNeedsAttention'
  | 'StackNotRolledBack';

/** What a stack's status means for an execution that waits for the goal: go on waiting, reached, or the error that ends the wait. */
export function waitOutcome(goal: Stack['goal'], status: StackStatus): WaitOutcome {
  const phase = stackPhase(status);
  switch (goal) {
    case 'created':
      if (phase === 'live') return 'reached';
      // A rollback of this attempt's creation already decides it: nobody should wait for its end.
      return phase === 'creating' || phase === 'busy' ? 'pending' : 'StackFailed';
    case 'updated':
      return updateOutcome(status);
    case 'deleted':
      if (phase === 'deleted') return 'StackGone';
      // Events of what the stack went through before the deletion may arrive late.
      return status === 'DELETE_FAILED' || !knownPhases.has(status) ? 'StackNeedsAttention' : 'pending';
    case 'settled':
      return phase === 'creating' || phase === 'rolling-back' || phase === 'deleting' || phase === 'busy'
        ? 'pending'
        : 'StackSettled';
  }
}

/**
 * What the status of an update means for who waits for its end. What it replaces is deleted only after all else, so that is waited for; and
 * so is a rollback: until it is over, nothing else can be done to the stack.
 */
export function updateOutcome(status: string): WaitOutcome {
  switch (status) {
    case 'UPDATE_COMPLETE':
      return 'reached';
    case 'UPDATE_ROLLBACK_COMPLETE':
      return 'StackFailed';
    case 'UPDATE_ROLLBACK_FAILED':
      return 'StackNotRolledBack';
    case 'UPDATE_IN_PROGRESS':
    case 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS':
    case 'UPDATE_ROLLBACK_IN_PROGRESS':
    case 'UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS':
      return 'pending';
    default:
      // That the update stays half done, or that somebody deletes the stack.
      return 'StackNeedsAttention';
  }
}

/**
 * Whether CloudFormation has given a stack's deletion up because another stack uses what it exports: the status is again what it was, and
 * the reason alone says so.
 */
export const isDeletionCanceled = (status: string | undefined, reason: string | undefined): boolean =>
  status?.startsWith('DELETE_') === false && (reason?.toLowerCase().startsWith('delete canceled') ?? false);
