import { distinct, type Fault, faultAt, faultsMessage } from './faults.ts';
import { foreignRemedy } from './foreign-errors.ts';

/**
 * The errors of the machine: one class per ASL error name, as `Retry`, `Catch`, alarms and the runbook know them.
 * A message names what failed and why; no message, cause or field may hold a secret.
 */
export abstract class StepError extends Error {
  /** The ASL error name. Set as a field, since bundling renames classes. */
  abstract override readonly name: string;
  /** One sentence for the operator: what to do next. */
  abstract readonly remedy: string;
}

/** The base of an error class: its ASL error name and its remedy. Pure, so that a bundle holds only the errors that it uses. */
function stepError(name: string, remedy: string) {
  return class extends StepError {
    static readonly remedy = remedy;
    override readonly name = name;
    override readonly remedy = remedy;
  };
}

/** The request, fields of it, or secrets that it refers to break rules: all that are known. Thrown before anything irreversible. */
export class InvalidRequest extends /* @__PURE__ */ stepError(
  'InvalidRequest',
  'Correct the field of the request, or all that are named, and send it again; this attempt created nothing.',
) {
  /** The first place that is wrong. */
  readonly field: string;
  /** Everything that is wrong, one at least. */
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]);
  /** @param field names with dots between them, none within; `request` for the whole */
  constructor(field: string, rule: string);
  constructor(field: string | readonly Fault[], rule = 'breaks a rule') {
    const faults = typeof field === 'string' ? [faultAt(field, rule)] : distinct(field);
    super(faultsMessage(faults));
    this.faults = faults;
    this.field = faults[0]?.field ?? 'request';
  }
}

/** A function's environment or a secret breaks its schema: the deployment is wrong, not the request. */
export class InvalidConfiguration extends /* @__PURE__ */ stepError(
  'InvalidConfiguration',
  'Correct the value that is named, a secret or a param in stages/<stage>.yml (then deploy), and redrive the execution.',
) {}

/** A secret is there, and the deployment may not read it or use its key. Of a secret of the request mostly found before anything irreversible. */
export class SecretNotReadable extends /* @__PURE__ */ stepError(
  'SecretNotReadable',
  "Allow the named role to use the secret's KMS key (kms:Decrypt, see SecretNotReadable in docs/runbook.md), enable that key if it is disabled, or store the secret without a customer managed key; then send the request again, or, where the message names no field of the request, redrive the execution.",
) {
  /** The field of the request that names the secret; undefined for a secret of the deployment or the subscriber. */
  readonly field: string | undefined;
  readonly reason: string;

  constructor(field: string | undefined, secretId: string, reason: string) {
    super(`${field === undefined ? 'Secret' : `${field}: secret`} ${secretId} cannot be read: ${reason}`);
    this.field = field;
    this.reason = reason;
  }
}

/** The role by which the deployment works in another account cannot be assumed, or none is configured. */
export class AccountNotAccessible extends /* @__PURE__ */ stepError(
  'AccountNotAccessible',
  "Compare the account's role, its trust and its external id with the param accounts in stages/<stage>.yml, correct what differs (and deploy), and redrive the execution.",
) {
  readonly accountId: string;

  constructor(accountId: string, reason: string) {
    super(`Account ${accountId} cannot be reached: ${reason}`);
    this.accountId = accountId;
  }
}

/** A step got a state that the step before it does not make. */
export class InvalidStepInput extends /* @__PURE__ */ stepError(
  'InvalidStepInput',
  'Send the request again. If that ends likewise, machine and functions are of different versions: deploy again before.',
) {}

/** A newer version of the project has written an item of the registry, or a secret. Thrown before anything is written over it. */
export class NewerDataVersion extends /* @__PURE__ */ stepError(
  'NewerDataVersion',
  'Deploy the newer version of the project again, and redrive the execution.',
) {
  constructor(what: string, found: number, known: number) {
    super(`${what} has data of version ${found}; this function knows ${known} at most`);
  }
}

export class OnboardingInProgress extends /* @__PURE__ */ stepError(
  'OnboardingInProgress',
  'Wait for the running execution, or stop it; then send the request again.',
) {
  readonly executionArn: string;

  constructor(userName: string, executionArn: string) {
    super(`Subscriber ${userName} is being changed by ${executionArn}`);
    this.executionArn = executionArn;
  }
}

/** Another execution has taken the subscriber over since: whatever this one still did would be done to what that one made. */
export class ExecutionSuperseded extends /* @__PURE__ */ stepError(
  'ExecutionSuperseded',
  'Do not redrive this execution, which changes nothing any more. Look at the status of the subscriber, which shows what was done since, and send the request again if it is still wanted.',
) {
  /** The execution that the subscriber belongs to; undefined when the registry has no record of the subscriber any more. */
  readonly owner: string | undefined;

  constructor(userName: string, owner?: string) {
    super(
      owner === undefined
        ? `Subscriber ${userName} belongs to this execution no longer`
        : `Subscriber ${userName} belongs to ${owner} since`,
    );
    this.owner = owner;
  }
}

/** What is to be done to a subscriber presupposes that it is onboarded. */
export class SubscriberNotActive extends /* @__PURE__ */ stepError(
  'SubscriberNotActive',
  'Onboard the subscriber, or wait until what is being done to it is over; then send the request again.',
) {
  constructor(userName: string, status: string | undefined) {
    super(
      status === undefined
        ? `There is no subscriber ${userName} in the registry`
        : `Subscriber ${userName} is not active, but ${status}`,
    );
  }
}

/** A field of a request that says something else than what is kept. */
export interface Difference {
  field: string;
  /** What is kept instead; absent for a secret. */
  kept?: string | undefined;
}

/** What the request says of a subscriber that InfinStor knows already is not what is kept. An onboarding changes none of it. */
export class SubscriberDiffers extends /* @__PURE__ */ stepError(
  'SubscriberDiffers',
  'Correct the named fields to what is stored, leave passwordSecretId out, and send the request again. Once the subscriber is ACTIVE, change the e-mail address or the password with an update (npm start -- update, state machine update-subscriber), and tags by an update of the stack in CloudFormation.',
) {
  /** The fields of the request that differ. */
  readonly fields: readonly string[];

  /** @param differences with what is kept, where that is no secret */
  constructor(userName: string, ...differences: readonly Difference[]) {
    const named = differences.map(({ field, kept }) => (kept === undefined ? field : `${field} (kept: ${kept})`));
    super(
      `An onboarding does not change what exists of subscriber ${userName}, and this request differs in ${named.join(', ')}`,
    );
    this.fields = differences.map(({ field }) => field);
  }
}

/** Why Cognito refuses a login. Only `wrong-password` is surely about the password. */
export type LoginRefusal =
  | 'wrong-password'
  | 'locked'
  | 'disabled'
  | 'temporary-expired'
  | 'no-such-user'
  | 'not-confirmed'
  | 'reset-required'
  | 'client-secret'
  | 'no-client'
  | 'no-flow'
  | 'trigger'
  | 'pool'
  | 'invalid'
  | 'firewall'
  | 'blocked'
  | 'no-id-token'
  | 'unknown';

export class LoginRejected extends /* @__PURE__ */ stepError(
  'LoginRejected',
  'Do what the message says of the user that it names, whose password is in the superadmin secret or the credentials secret of the subscriber (see LoginRejected in docs/runbook.md); then redrive the execution, or, where users were not added, send the request again.',
) {
  /** The name of Cognito's error. */
  readonly reason: string;
  readonly refusal: LoginRefusal;

  /** @param explanation what the refusal means, and what to do about it */
  constructor(userName: string, reason: string, refusal: LoginRefusal, explanation: string) {
    super(`Cognito refused the login of ${userName} (${reason}): ${explanation}`);
    this.reason = reason;
    this.refusal = refusal;
  }
}

export class LoginChallenge extends /* @__PURE__ */ stepError(
  'LoginChallenge',
  'Do what the message says of the challenge and of the user that it names, whose password is in the superadmin secret or the credentials secret of the subscriber; then redrive the execution.',
) {
  readonly challenge: string;

  /** @param explanation what the challenge means, and what to do about it */
  constructor(userName: string, challenge: string, explanation: string) {
    super(
      `Cognito answered the login of ${userName} with the challenge ${challenge}, which a machine cannot answer: ${explanation}`,
    );
    this.challenge = challenge;
  }
}

export class TokenRejected extends /* @__PURE__ */ stepError(
  'TokenRejected',
  'InfinStor refuses fresh tokens of the user that the message names: check that the superadmin secret names the superadmin of this service, or that the subscriber may add users there; then send the request again.',
) {}

/** Another execution logs in as the same user at this moment, or did just now. Retried: its session is shared. */
export class LoginInProgress extends /* @__PURE__ */ stepError(
  'LoginInProgress',
  'Wait a minute, then redrive the execution: it uses the session of the login that was under way.',
) {
  constructor(userName: string) {
    super(`Another execution is logging in as ${userName}`);
  }
}

/** So many logins or tokens of a user were refused that one more could lock the user, or use up a secret's versions. */
export class LoginsPaused extends /* @__PURE__ */ stepError(
  'LoginsPaused',
  'If the password is wrong, store the right one, in the superadmin secret or by an update of the subscriber, and redrive the execution then, unless the message says that no password is tried before. Otherwise remove the reason that the message names, and redrive after the time in it, which the status of the subscriber shows, too.',
) {
  /** When it is over, in ISO 8601; absent: when the password has been stored anew. */
  readonly until: string | undefined;

  constructor(userName: string, reason: string, until?: string) {
    super(`Logins of ${userName} are paused until ${until ?? 'its password is stored anew'}: ${reason}`);
    this.until = until;
  }
}

/** No password is kept to log in with as the subscriber. */
export class SubscriberPasswordUnknown extends /* @__PURE__ */ stepError(
  'SubscriberPasswordUnknown',
  'Give the subscriber a password with the machine update-subscriber (passwordSecretId), then send the request again.',
) {
  constructor(userName: string, secretId: string) {
    super(`The password of subscriber ${userName} is not known here: secret ${secretId} has none`);
  }
}

/** InfinStor did not answer, and nothing can have happened there, or nothing that a repeat does not do as well. Retried. */
export class InfinStorUnavailable extends /* @__PURE__ */ stepError(
  'InfinStorUnavailable',
  'Check that the InfinStor service is up at the configured URL, then redrive the execution.',
) {}

/** So much of a function's time was over before an irreversible call that it was not made. Retried. */
export class TooLittleTime extends /* @__PURE__ */ stepError(
  'TooLittleTime',
  'Find on the AWS Health Dashboard, and from InfinStor, which of them answers slowly, and redrive the execution when it answers as usual again.',
) {}

/** InfinStor answered, and said no. */
export class InfinStorRejected extends /* @__PURE__ */ stepError(
  'InfinStorRejected',
  "Correct what InfinStor's answer names, in the request or the deployment, and send the request again.",
) {}

export class SubscriberExists extends /* @__PURE__ */ stepError(
  'SubscriberExists',
  "Put the subscriber's custom token into a secret below input/<userName in lower case>/ and send the request again with customTokenSecretId.",
) {
  constructor(userName: string) {
    super(`InfinStor already has a subscriber ${userName}, whose custom token is not known here`);
  }
}

/** An earlier call of `add_subscriber` may still be under way. Retried until it cannot be. */
export class SubscriberUnsettled extends /* @__PURE__ */ stepError(
  'SubscriberUnsettled',
  'Wait a few minutes, then redrive the execution.',
) {}

/** `add_subscriber` was called, and its answer is lost: the subscriber may exist, its custom token is not known. */
export class SubscriberOutcomeUnknown extends /* @__PURE__ */ stepError(
  'SubscriberOutcomeUnknown',
  'Where the message says that InfinStor has the subscriber, put its custom token into a secret below input/<userName in lower case>/ and send the request again with customTokenSecretId. Otherwise send the request again, which creates the subscriber if it is provably not there. If this error comes back and InfinStor has no such subscriber, take the mark creating out of its record in the registry (see SubscriberOutcomeUnknown in docs/runbook.md) and send the request again.',
) {}

/** A secret has so many versions of the last day that what InfinStor answers could not be stored. Thrown before InfinStor is called. */
export class SecretFull extends /* @__PURE__ */ stepError(
  'SecretFull',
  'Find out what has stored so many versions of the secret that the message names, and stop it; then redrive the execution after the time in the message, when Secrets Manager can remove old versions again.',
) {
  constructor(secretId: string, versions: number, until: string) {
    super(
      `Secret ${secretId} has ${versions} versions that cannot be removed, of about 100, and takes no further ones before ${until}`,
    );
  }
}

/** The registry has no record of the subscriber that a request is about. */
export class SubscriberNotFound extends /* @__PURE__ */ stepError(
  'SubscriberNotFound',
  'Check the name. If the subscriber was onboarded without this registry, send its onboarding request again, which finds what exists; then send this one again.',
) {
  constructor(userName: string) {
    super(`The registry knows no subscriber ${userName}`);
  }
}

/** Not thrown: the result of one user, after whom the others still have their turn. */
export class UserExists extends /* @__PURE__ */ stepError(
  'UserExists',
  'Choose another name; or, if it is a user of this subscriber, put its password into a secret below input/<userName in lower case>/, and send the request again with passwordSecretId for this user.',
) {
  constructor(userName: string) {
    super(`InfinStor already has a user ${userName}, who has another password than the one that is known here`);
  }
}

export class UsersNotAdded extends /* @__PURE__ */ stepError(
  'UsersNotAdded',
  'Correct what the message names of each user, then send the request again: users who were added stay as they are.',
) {}

/** The vendor's template does not fit the deployment's parameter map or allowed capabilities, or CloudFormation refuses it with these parameters. */
export class TemplateMismatch extends /* @__PURE__ */ stepError(
  'TemplateMismatch',
  'Compare the template of this build with the parameter map and capabilities in stages/<stage>.yml and with the parameters of the request, correct what the message names (and deploy), and send the request again.',
) {}

/** The template, or the deployment's copy of it, cannot be read: nothing is known of it, and the request may be right. */
export class TemplateNotReadable extends /* @__PURE__ */ stepError(
  'TemplateNotReadable',
  "Check that the build that the message names exists, that the params templateBaseUrl and templateBucket name the bucket where the vendor has it, and that the role of accept-request may read it there; of the deployment's own copy, which the next request writes again, that deploy-stack and the stack's account may read it. Correct the params (and deploy) or the build, and send the request again.",
) {}

/** The template is not the one whose hash is pinned: at the vendor's, or since then in the deployment's own copy. */
export class TemplateChanged extends /* @__PURE__ */ stepError(
  'TemplateChanged',
  "Find out from the vendor why the template is another one, read it (npm start -- template), and pin its new hash in the param builds only then, and deploy; if the message is about the deployment's own copy, find out who has changed or deleted that. Then send the request again.",
) {}

/** The deployment requires pinned templates, and this build has no pin. */
export class TemplateNotPinned extends /* @__PURE__ */ stepError(
  'TemplateNotPinned',
  'Read the template of the build (npm start -- template), pin its hash in the param builds, and deploy; or choose a build that is pinned. Then send the request again.',
) {
  constructor(build: string, sha256: string) {
    super(`The template of build ${build} is not pinned in builds; it has SHA-256 ${sha256} now`);
  }
}

/** The custom token has ended, or would while the stack is made, whose custom resource uses it. Thrown before the stack is made. */
export class CustomTokenExpiring extends /* @__PURE__ */ stepError(
  'CustomTokenExpiring',
  'Get a new custom token of the subscriber from InfinStor, put it into a secret below input/<userName in lower case>/ and send the request again with customTokenSecretId; a redrive would find the same token.',
) {
  /** When the token ends, in ISO 8601. */
  readonly expiresAt: string;

  constructor(userName: string, expiresAt: string, hasEnded: boolean) {
    super(
      `The custom token of subscriber ${userName} ${hasEnded ? 'has ended' : 'ends'} at ${expiresAt}${hasEnded ? '' : ', too soon to make a stack with it'}`,
    );
    this.expiresAt = expiresAt;
  }
}

/** A quota of AWS that is as good as used up: an account has no room for the subscriber's stack, beside what is to stay free. */
interface ScarceQuota {
  name: string;
  used: number;
  limit: number;
  takes: number;
  /** What to ask AWS for. */
  askFor: string;
}

/** An account has too little left of a quota for one more stack. Thrown before anything irreversible. */
export class QuotaNearlyExhausted extends /* @__PURE__ */ stepError(
  'QuotaNearlyExhausted',
  'Ask AWS for what the message says, delete what is not needed in that account, or, while the subscriber has no stack, name another account in stack.accountId; then send the request again. This attempt created nothing.',
) {
  readonly accountId: string;
  readonly region: string;
  readonly quotas: readonly ScarceQuota[];

  /** @param reserve how many must stay free */
  constructor(accountId: string, region: string, quotas: readonly ScarceQuota[], reserve: number) {
    const texts = quotas.map(
      ({ name, used, limit, takes, askFor }) =>
        `${name}: ${used} of ${limit} are used, an onboarding takes ${takes}, and ${reserve} must stay free (quotaReserve). ${askFor}`,
    );
    super(`Account ${accountId} in ${region} has too little left of ${texts.join('; ')}`);
    this.accountId = accountId;
    this.region = region;
    this.quotas = quotas;
  }
}

/** A stack with this name exists and may not be touched without a person's decision. */
export class StackNeedsAttention extends /* @__PURE__ */ stepError(
  'StackNeedsAttention',
  'Look at the named stack in CloudFormation. Made from other parameters or another build: to keep it, send the request that it was made from; to change it, upgrade the subscriber (npm start -- upgrade, state machine upgrade-subscriber). Not deleted, or in a status that ends in FAILED: remove what keeps it from being deleted, or delete it with --retain-resources (see StackNeedsAttention in docs/runbook.md), and send this request again, which does not help before. Delete a stack only if nothing in it is needed.',
) {}

/** The stack would be deleted together with the subscriber's data, which the request wants to be kept. */
export class DataNotRetained extends /* @__PURE__ */ stepError(
  'DataNotRetained',
  'Update the stack with DeletionPolicy: Retain on what is named, or let its data be deleted by keepData: false; then send the request again.',
) {}

export class StackFailed extends /* @__PURE__ */ stepError(
  'StackFailed',
  'Remove the cause that CloudFormation names, then send the request again: a stack that could not be made is replaced, and one that could not be upgraded is as it was before. Where it is the custom token, put a new one into a secret below input/<userName in lower case>/ and refer to it with customTokenSecretId.',
) {}

/** An upgrade failed, and so did CloudFormation's rollback of it: the stack is neither what it was nor what it was to be. */
export class StackNotRolledBack extends /* @__PURE__ */ stepError(
  'StackNotRolledBack',
  'Remove the cause that CloudFormation names, let it end the rollback (aws cloudformation continue-update-rollback, see StackNotRolledBack in docs/runbook.md), and send the request again, which is refused before.',
) {}

/** Something else is done to the stack, or CloudFormation still prepares the upgrade. Retried. */
export class StackBusy extends /* @__PURE__ */ stepError(
  'StackBusy',
  'Look at the events of the stack for what is done to it; when that is over, redrive the execution.',
) {}

/** An upgrade would replace or remove what holds a subscriber's data, or its role, and the request does not allow it. Nothing is changed. */
export class UpgradeWouldReplace extends /* @__PURE__ */ stepError(
  'UpgradeWouldReplace',
  'Nothing was changed. Choose a build, parameters or encryption that keep what is named; or, where it may go and its data need not come along, name it in allow by its logical id or its type, and send the request again.',
) {
  /** What is not allowed, such as `ArtifactsBucket (AWS::S3::Bucket)`. */
  readonly resources: readonly string[];

  /** @param losses what it would do, such as `replace ArtifactsBucket (AWS::S3::Bucket)` */
  constructor(stackId: string, losses: string, resources: readonly string[]) {
    super(`The upgrade of stack ${stackId} would ${losses}`);
    this.resources = resources;
  }
}

export class StackTimedOut extends /* @__PURE__ */ stepError(
  'StackTimedOut',
  'Look at the events of the stack for the resource that it waits for; when its operation is over, send the request again.',
) {}

/** The stack waited for is deleted: caught by the machine, which then deploys a new one. */
export class StackGone extends /* @__PURE__ */ stepError(
  'StackGone',
  'Send the request again: the stack was deleted and is created anew.',
) {}

/** An earlier attempt's operation on the stack is over: caught by the machine, which then decides anew. */
export class StackSettled extends /* @__PURE__ */ stepError(
  'StackSettled',
  'Send the request again: the earlier operation on the stack is over.',
) {}

export class RoleNotFound extends /* @__PURE__ */ stepError(
  'RoleNotFound',
  "Compare the role names in the stack's resources with the param roleNamePrefix in stages/<stage>.yml, correct it, deploy, and redrive the execution.",
) {}

export class RoleAmbiguous extends /* @__PURE__ */ stepError(
  'RoleAmbiguous',
  'Make the param roleNamePrefix in stages/<stage>.yml match just the one role that InfinStor assumes, deploy, and redrive the execution.',
) {}

export class KeyNotUsable extends /* @__PURE__ */ stepError(
  'KeyNotUsable',
  'Enable or replace the key, tag it for onboarding, or let its policy be changed, then send the request again.',
) {
  readonly keyArn: string;

  constructor(keyArn: string, reason: string) {
    super(`Key ${keyArn} cannot be used: ${reason}`);
    this.keyArn = keyArn;
  }
}

/** The key's policy is being changed by somebody else, too often for KMS, or does not yet read as written. Retried. */
export class KeyPolicyBusy extends /* @__PURE__ */ stepError(
  'KeyPolicyBusy',
  'Wait until the other changes of this key policy are over, then redrive the execution.',
) {}

/** IAM or KMS cannot see the new role yet. Retried. */
export class PrincipalNotVisible extends /* @__PURE__ */ stepError(
  'PrincipalNotVisible',
  'Check in IAM that the role still exists; IAM may need minutes to show a new role to KMS, so redrive the execution. If the role was made anew, send the request again.',
) {}

export class KeyPolicyOrphan extends /* @__PURE__ */ stepError(
  'KeyPolicyOrphan',
  'Remove the id of the deleted principal from the named statement of the key policy (KMS refuses every change until then), then send the request again.',
) {}

/** A statement that is not the onboarding's names a role that is to be deleted: its id would be left there, and block the policy. */
export class RoleStillNamed extends /* @__PURE__ */ stepError(
  'RoleStillNamed',
  'Take the role out of the named statement of the key policy, then send the request again: the id that the deleted role would leave there blocks every change of the policy.',
) {
  readonly keyArn: string;
  /** The Sid of the statement. */
  readonly sid: string;
  readonly roleArn: string;

  constructor(keyArn: string, sid: string, roleArn: string) {
    super(`Statement "${sid}" of the policy of key ${keyArn} names ${roleArn}, which is to be deleted`);
    this.keyArn = keyArn;
    this.sid = sid;
    this.roleArn = roleArn;
  }
}

export class KeyPolicyFull extends /* @__PURE__ */ stepError(
  'KeyPolicyFull',
  'Offboard a subscriber that is not needed any more, or withdraw its grants (delete its GRANT item from the registry, then take its role out of the key policy, see KeyPolicyFull in docs/runbook.md), let the deployment use keyAccess: role-pattern, or, while this subscriber has no stack, choose another key; then send the request again.',
) {
  /** How many roles our statements would name. */
  readonly roles: number;
  /** How large the policy would be. */
  readonly bytes: number;

  /** @param name what the message calls the policy */
  constructor(roles: number, { bytes, maxBytes, name }: { bytes: number; maxBytes: number; name: string }) {
    super(`With ${roles} roles ${name} would have ${bytes} bytes; KMS allows ${maxBytes}`);
    this.roles = roles;
    this.bytes = bytes;
  }
}

/** The key policy holds something that could not be kept as it is, or that is not ours under a Sid of ours. */
export class KeyPolicyNotUnderstood extends /* @__PURE__ */ stepError(
  'KeyPolicyNotUnderstood',
  'Change what is named in the key policy (correct a statement of the onboarding, or give your own statement another Sid; see KeyPolicyNotUnderstood in docs/runbook.md), then send the request again.',
) {}

/** InfinStor does not know the subscriber with its stack's role, or that could not be found out. */
export class SubscriberNotVerified extends /* @__PURE__ */ stepError(
  'SubscriberNotVerified',
  'Remove what the message names, and redrive the execution; or let the deployment only warn of it (verify: warn), and send the request again.',
) {
  constructor(userName: string, reason: string) {
    super(`Subscriber ${userName} could not be verified: ${reason}`);
  }
}

// Not made beforehand: every bundle would then hold every error.
const remedies = (): ReadonlyMap<string, string> =>
  new Map(
    Object.entries({
      InvalidRequest,
      InvalidConfiguration,
      SecretNotReadable,
      AccountNotAccessible,
      InvalidStepInput,
      NewerDataVersion,
      OnboardingInProgress,
      ExecutionSuperseded,
      SubscriberNotActive,
      SubscriberDiffers,
      LoginRejected,
      LoginChallenge,
      TokenRejected,
      LoginInProgress,
      LoginsPaused,
      SubscriberPasswordUnknown,
      InfinStorUnavailable,
      TooLittleTime,
      InfinStorRejected,
      SubscriberExists,
      SubscriberUnsettled,
      SubscriberOutcomeUnknown,
      SecretFull,
      SubscriberNotFound,
      UserExists,
      UsersNotAdded,
      TemplateMismatch,
      TemplateNotReadable,
      TemplateChanged,
      TemplateNotPinned,
      CustomTokenExpiring,
      QuotaNearlyExhausted,
      StackNeedsAttention,
      DataNotRetained,
      StackFailed,
      StackNotRolledBack,
      StackBusy,
      UpgradeWouldReplace,
      StackTimedOut,
      StackGone,
      StackSettled,
      RoleNotFound,
      RoleAmbiguous,
      KeyNotUsable,
      KeyPolicyBusy,
      PrincipalNotVisible,
      KeyPolicyOrphan,
      RoleStillNamed,
      KeyPolicyFull,
      KeyPolicyNotUnderstood,
      SubscriberNotVerified,
    }).map(([name, { remedy }]) => [name, remedy]),
  );

/**
 * What to do about an error that ended an execution, by its ASL error name (or `ABORTED`). Errors that are not the project's own
 * (`Lambda.Unknown`, an AWS service's exception) have an answer by their kind.
 */
export function remedyFor(errorName: string): string {
  return remedies().get(errorName) ?? foreignRemedy(errorName);
}
