/**
 * What an operator does about a failure when the remedy is done. Redrive: the execution resumes at the state that failed. Retry: the
 * same request is sent again. Correct: the request itself must change, and would fail again otherwise.
 */
export type NextStep = 'redrive' | 'retry' | 'correct';

/** By error name, as the remedies of `lib/errors.ts` end. */
const nextSteps: ReadonlyMap<string, NextStep> = new Map([
  ...named('redrive', [
    'InvalidConfiguration',
    'AccountNotAccessible',
    'LoginRejected',
    'LoginChallenge',
    'InfinStorUnavailable',
    'SubscriberUnsettled',
    'RoleNotFound',
    'RoleAmbiguous',
    'KeyPolicyBusy',
    'PrincipalNotVisible',
    'SubscriberNotVerified',
  ]),
  ...named('retry', [
    'InvalidStepInput',
    'OnboardingInProgress',
    'SubscriberNotActive',
    'TokenRejected',
    'SubscriberPasswordUnknown',
    'TemplateMismatch',
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
    'SubscriberNotFound',
    'UserExists',
    'UsersNotAdded',
    'StackNeedsAttention',
  ]),
]);

function named(step: NextStep, names: readonly string[]): [string, NextStep][] {
  return names.map((name) => [name, step]);
}

/** What to do after the remedy; of an error that is not the project's own, a redrive, which repeats the failed state alone. */
export function nextStepFor(errorName: string): NextStep {
  return nextSteps.get(errorName) ?? 'redrive';
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
