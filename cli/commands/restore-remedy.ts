const byHand = 'docs/runbook.md, "Find and restore a key policy", says how';

/**
 * What to do about an error that ended a restore, by its name. The machine's remedies for the same errors end with a redrive or
 * the request, of which there is none here.
 */
export function restoreRemedyFor(errorName: string): string {
  switch (errorName) {
    case 'InvalidRequest':
      return 'List what is kept of the key with `npm start -- key-policies <key ARN> --endpoint URL`, and take one of these ids.';
    case 'InvalidConfiguration':
      return 'Correct the value that is named, a param in serverless.yml, deploy, and restore again.';
    case 'KeyPolicyBusy':
      return 'Wait until the other changes of this key policy are over, and a minute longer; then restore again.';
    case 'KeyPolicyOrphan':
      return `Write the kept policy by hand without the principal that is named: ${byHand}.`;
    case 'KeyPolicyNotUnderstood':
      return `Where the policy in force is meant, change what is named in it (docs/runbook.md, KeyPolicyNotUnderstood) and restore again; a kept policy can be written by hand without it: ${byHand}.`;
    case 'KeyPolicyFull':
      return 'Withdraw the grants of a subscriber that is not needed any more, or let the deployment use keyAccess: role-pattern (docs/runbook.md, KeyPolicyFull); then restore again.';
    case 'KeyNotUsable':
      return `Write the kept policy by hand with a statement that lets the onboarding change it: ${byHand}.`;
    default:
      return "Look at the log of the function restore-key-policy for the cause, remove it, and restore again; AWS's own errors are explained at the end of docs/runbook.md.";
  }
}
