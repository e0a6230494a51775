const byHand = 'see docs/runbook.md#find-and-restore-a-key-policy';

/**
 * What to do about an error that ended a restore, by its name. The remedies of executions for the same errors end with a redrive or
 * the request; a restore has neither.
 */
export function restoreRemedyFor(errorName: string): string {
  switch (errorName) {
    case 'InvalidRequest':
      return 'List what is kept of the key with the command key-policies and the ARN of the key alone, and use one of the ids listed.';
    case 'InvalidConfiguration':
      return 'Correct the param in stages/<stage>.yml that the message names, deploy, and restore again.';
    case 'KeyPolicyBusy':
      return 'Wait until the other changes of this key policy are over, then one more minute; then restore again.';
    case 'KeyPolicyOrphan':
      return `Put the kept policy by hand, without the principal that the message names: ${byHand}.`;
    case 'KeyPolicyNotUnderstood':
      return `If the message is about the policy in force, correct that (docs/runbook.md#keypolicynotunderstood) and restore again; a kept policy can be put by hand without the part that is named: ${byHand}.`;
    case 'KeyPolicyFull':
      return 'Withdraw the grants of a subscriber that is no longer needed, or set the param keyAccess to role-pattern (docs/runbook.md#keypolicyfull); then restore again.';
    case 'KeyNotUsable':
      return `Put the kept policy by hand, with a statement that lets the onboarding change it: ${byHand}.`;
    default:
      return "Find the cause in the log of the function restore-key-policy, remove it, and restore again; docs/runbook.md#errors-that-are-not-the-projects-own explains AWS's own errors.";
  }
}
