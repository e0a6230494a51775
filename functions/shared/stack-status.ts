import type { StackStatus } from '@aws-sdk/client-cloudformation';
import type { Stack } from './plan.ts';

type Phase = 'creating' | 'live' | 'rolling-back' | 'rolled-back' | 'deleting' | 'deleted' | 'busy' | 'stuck';

/**
 * What a stack's status means for onboarding. Statuses are matched exactly: UPDATE_ROLLBACK_COMPLETE is a live stack,
 * ROLLBACK_COMPLETE one that can only be deleted (CloudFormation user guide, "Stack status codes").
 */
export function stackPhase(status: StackStatus): Phase {
  switch (status) {
    case 'CREATE_IN_PROGRESS':
      return 'creating';
    case 'CREATE_COMPLETE':
    case 'UPDATE_COMPLETE':
    case 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS':
    case 'UPDATE_ROLLBACK_COMPLETE':
    case 'IMPORT_COMPLETE':
    case 'IMPORT_ROLLBACK_COMPLETE':
      return 'live';
    case 'ROLLBACK_IN_PROGRESS':
      return 'rolling-back';
    case 'ROLLBACK_COMPLETE':
      return 'rolled-back';
    case 'DELETE_IN_PROGRESS':
      return 'deleting';
    case 'DELETE_COMPLETE':
      return 'deleted';
    case 'UPDATE_IN_PROGRESS':
    case 'UPDATE_ROLLBACK_IN_PROGRESS':
    case 'UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS':
    case 'IMPORT_IN_PROGRESS':
    case 'IMPORT_ROLLBACK_IN_PROGRESS':
      return 'busy';
    case 'CREATE_FAILED':
    case 'ROLLBACK_FAILED':
    case 'DELETE_FAILED':
    case 'UPDATE_FAILED':
    case 'UPDATE_ROLLBACK_FAILED':
    case 'IMPORT_ROLLBACK_FAILED':
    case 'REVIEW_IN_PROGRESS':
      return 'stuck';
    default:
      return unknownStatus(status);
  }
}

/** A status that AWS added since: nothing is known of it, so nothing may be done to the stack. */
function unknownStatus(_status: never): Phase {
  return 'stuck';
}

export type WaitOutcome = 'pending' | 'reached' | 'StackFailed' | 'StackGone' | 'StackSettled' | 'StackNeedsAttention';

/** What a stack's status means for an execution that waits for the goal: go on waiting, reached, or the error that ends the wait. */
export function waitOutcome(goal: Stack['goal'], status: StackStatus): WaitOutcome {
  const phase = stackPhase(status);
  switch (goal) {
    case 'created':
      if (phase === 'live') return 'reached';
      // A rollback of this attempt's creation already decides it: nobody should wait for its end.
      return phase === 'creating' || phase === 'busy' ? 'pending' : 'StackFailed';
    case 'deleted':
      if (phase === 'deleted') return 'StackGone';
      // Events of what the stack went through before the deletion may arrive late.
      return phase === 'stuck' ? 'StackNeedsAttention' : 'pending';
    case 'settled':
      return phase === 'creating' || phase === 'rolling-back' || phase === 'deleting' || phase === 'busy'
        ? 'pending'
        : 'StackSettled';
  }
}
