import { operations } from '../../lib/subscribers/operations.ts';

/**
 * What an operator does about a failure when the remedy is done. Redrive: the execution resumes at the state that failed. Retry: the
 * recorded request is sent again. Resend: the file is sent again, because no attempt is recorded. Correct: the request itself must
 * change, and would fail again otherwise.
 */
export type NextStep = 'redrive' | 'retry' | 'resend' | 'correct';

/** By error name, as the remedies of `lib/errors.ts` end. */
const nextSteps: ReadonlyMap<string, NextStep> = new Map([
  ...named('redrive', [
    'InvalidConfiguration',
    'AccountNotAccessible',
    'LoginRejected',
    'LoginChallenge',
    'LoginInProgress',
    'LoginsPaused',
    'InfinStorUnavailable',
    'SubscriberUnsettled',
    'TooLittleTime',
    'SecretFull',
    'RoleNotFound',
    'RoleAmbiguous',
    'KeyPolicyBusy',
    'PrincipalNotVisible',
    'SubscriberNotVerified',
  ]),
  ...named('retry', [
    'InvalidStepInput',
    'OnboardingInProgress',
    'ExecutionSuperseded',
    'SubscriberNotActive',
    'SecretNotReadable',
    'TokenRejected',
    'SubscriberPasswordUnknown',
    'TemplateMismatch',
    'TemplateNotReadable',
    'TemplateChanged',
    'TemplateNotPinned',
    'QuotaNearlyExhausted',
    'DataNotRetained',
    'StackFailed',
    'StackTimedOut',
    'StackGone',
    'StackSettled',
    'KeyNotUsable',
    'KeyPolicyOrphan',
    'RoleStillNamed',
    'KeyPolicyFull',
    'KeyPolicyNotUnderstood',
  ]),
  ...named('correct', [
    'InvalidRequest',
    'InfinStorRejected',
    'SubscriberDiffers',
    'SubscriberExists',
    'SubscriberOutcomeUnknown',
    'CustomTokenExpiring',
    'SubscriberNotFound',
    'UserExists',
    'UsersNotAdded',
    'StackNeedsAttention',
  ]),
]);

function named(step: NextStep, names: readonly string[]): [string, NextStep][] {
  return names.map((name) => [name, step]);
}

const firstStates: ReadonlySet<string> = new Set(Object.values(operations).map(({ firstState }) => firstState));

/** Whether a state is the first one of its machine, which records an attempt only at its end. */
export const isFirstState = (state: string | null | undefined) => state != null && firstStates.has(state);

/**
 * What to do after the remedy; of an error that is not the project's own, a redrive, which repeats the failed state alone.
 * @param state the one that failed: the first one records an attempt only at its end
 */
export function nextStepFor(errorName: string, state?: string): NextStep {
  const next = nextSteps.get(errorName) ?? 'redrive';
  return next === 'retry' && isFirstState(state) ? 'resend' : next;
}

/** Whether an error is the project's own, and so has a section of its name in the runbook. */
export function isOwnError(errorName: string): boolean {
  return nextSteps.has(errorName);
}

/** The section of the runbook about an error that ended an execution or was returned by the deployment. */
export function runbookLinkFor(errorName: string): string {
  const section = isOwnError(errorName) ? errorName.toLowerCase() : 'errors-that-are-not-the-projects-own';
  return `docs/runbook.md#${section}`;
}
