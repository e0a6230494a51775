// Where runs are interrupted: the effects of each kind of run.

import type { Effect } from './side-effects.ts';

/** Each effect is interrupted in every way, and the run recovers: of each kind of run. */
export const interruptions = {
  onboarding: [
    // A copy of the template.
    'accept-request s3:PutObject',
    'accept-request dynamodb:UpdateItem',
    // Room on each key.
    'accept-request dynamodb:TransactWriteItems',
    'accept-request dynamodb:TransactWriteItems #2',
    // The stale token is refreshed by the step that uses it, and not stored.
    'cognito:InitiateAuth',
    'create-subscriber secretsmanager:CreateSecret',
    'create-subscriber dynamodb:UpdateItem',
    'infinstor:add_subscriber',
    'create-subscriber secretsmanager:PutSecretValue',
    'create-subscriber dynamodb:UpdateItem #2',
    'deploy-stack cloudformation:CreateStack',
    'await-stack dynamodb:TransactWriteItems',
    'resume-on-stack-event states:SendTaskSuccess',
    // Of each key: grant, lease, policy kept, policy written, grant applied, lease given back.
    'patch-key-policy dynamodb:TransactWriteItems',
    'patch-key-policy dynamodb:UpdateItem',
    'patch-key-policy dynamodb:PutItem',
    'patch-key-policy kms:PutKeyPolicy',
    'patch-key-policy dynamodb:UpdateItem #2',
    'patch-key-policy dynamodb:UpdateItem #3',
    'patch-key-policy dynamodb:TransactWriteItems #2',
    'patch-key-policy dynamodb:UpdateItem #4',
    'patch-key-policy dynamodb:PutItem #2',
    'patch-key-policy kms:PutKeyPolicy #2',
    'patch-key-policy dynamodb:UpdateItem #5',
    'patch-key-policy dynamodb:UpdateItem #6',
    // The end check's, as the subscriber.
    'cognito:InitiateAuth #2',
    'complete-onboarding events:PutEvents',
    'complete-onboarding dynamodb:UpdateItem',
  ],
  'onboarding over a stack that was rolled back': [
    'deploy-stack cloudformation:DeleteStack',
    'resume-on-stack-event states:SendTaskFailure',
    'deploy-stack cloudformation:CreateStack',
  ],
  'onboarding with a token that is refused': [
    'create-subscriber dynamodb:UpdateItem #2',
    // The refusal, the turn to log in, the login (after two refreshes), the session, the turn given back; and when the next token is
    // accepted.
    'obtain-token dynamodb:PutItem',
    'obtain-token dynamodb:PutItem #2',
    'cognito:InitiateAuth #3',
    'obtain-token secretsmanager:PutSecretValue',
    'obtain-token dynamodb:PutItem #3',
    'create-subscriber dynamodb:UpdateItem #5',
  ],
  'onboarding with a token that is supplied': [
    'create-subscriber secretsmanager:PutSecretValue',
    'create-subscriber dynamodb:UpdateItem',
  ],
  'onboarding of whom InfinStor has not any more': ['create-subscriber secretsmanager:RestoreSecret'],
  'adding users': [
    'accept-users dynamodb:UpdateItem',
    'obtain-subscriber-token dynamodb:PutItem',
    'cognito:InitiateAuth',
    'obtain-subscriber-token secretsmanager:CreateSecret',
    'obtain-subscriber-token dynamodb:PutItem #2',
    // One with a generated password, and one with a given one.
    'add-user secretsmanager:CreateSecret',
    'infinstor:addsecondaryuser',
    'add-user secretsmanager:PutSecretValue',
    'infinstor:addsecondaryuser #2',
    'add-user secretsmanager:CreateSecret #2',
    'complete-users events:PutEvents',
    'complete-users dynamodb:UpdateItem',
  ],
  'adding users with a token that is refused': ['obtain-subscriber-token secretsmanager:PutSecretValue'],
  'adding users whose secrets were scheduled for deletion': [
    'obtain-subscriber-token secretsmanager:RestoreSecret',
    'add-user secretsmanager:RestoreSecret',
  ],
  update: [
    'accept-update dynamodb:UpdateItem',
    'cognito:InitiateAuth',
    'infinstor:update_subscriber',
    'update-subscriber secretsmanager:PutSecretValue',
    'complete-update events:PutEvents',
    'complete-update dynamodb:UpdateItem',
  ],
  upgrade: [
    // A copy of the template, the claim, and room on the new key.
    'accept-upgrade s3:PutObject',
    'accept-upgrade dynamodb:UpdateItem',
    'accept-upgrade dynamodb:TransactWriteItems',
    'prepare-change-set cloudformation:CreateChangeSet',
    // Of the new key: grant, lease, policy kept, policy written, grant applied, lease given back.
    'patch-key-policy dynamodb:TransactWriteItems',
    'patch-key-policy dynamodb:UpdateItem',
    'patch-key-policy dynamodb:PutItem',
    'patch-key-policy kms:PutKeyPolicy',
    'patch-key-policy dynamodb:UpdateItem #2',
    'patch-key-policy dynamodb:UpdateItem #3',
    'execute-change-set cloudformation:ExecuteChangeSet',
    'await-stack dynamodb:TransactWriteItems',
    'resume-on-stack-event states:SendTaskSuccess',
    'complete-upgrade events:PutEvents',
    'complete-upgrade dynamodb:UpdateItem',
  ],
  'upgrade that is refused, or finds nothing to do': ['prepare-change-set cloudformation:DeleteChangeSet'],
  'upgrade that replaces the role': [
    // Withdrawn, and forgotten; KMS has no such role any more, so that the policy is written without it before.
    'withdraw-grants dynamodb:TransactWriteItems',
    'withdraw-grants dynamodb:TransactWriteItems #2',
  ],
  offboarding: [
    'accept-offboarding dynamodb:UpdateItem',
    // Withdrawn, lease, policy kept, policy written, lease given back, forgotten.
    'withdraw-grants dynamodb:TransactWriteItems',
    'withdraw-grants dynamodb:UpdateItem',
    'withdraw-grants dynamodb:PutItem',
    'withdraw-grants kms:PutKeyPolicy',
    'withdraw-grants dynamodb:UpdateItem #2',
    'withdraw-grants dynamodb:TransactWriteItems #2',
    'delete-stack cloudformation:DeleteStack',
    'await-stack dynamodb:TransactWriteItems',
    'resume-on-stack-event states:SendTaskFailure',
    'complete-offboarding dynamodb:UpdateItem',
    'complete-offboarding secretsmanager:DeleteSecret',
    'complete-offboarding events:PutEvents',
    'complete-offboarding dynamodb:UpdateItem #2',
  ],
} as const satisfies Record<string, readonly Effect[]>;

/** What tells of a failure is interrupted, and the failure is told all the same. */
export const interruptedNews = {
  'of an onboarding': ['record-failure events:PutEvents', 'record-failure dynamodb:UpdateItem'],
  'of users that were not added': ['complete-users events:PutEvents', 'complete-users dynamodb:UpdateItem'],
  // Before and after the record's, the cursor is written: taken, moved and given back.
  'of the sweep': [
    'sweep-executions events:PutEvents',
    'sweep-executions dynamodb:UpdateItem',
    'sweep-executions dynamodb:UpdateItem #3',
  ],
} as const satisfies Record<string, readonly Effect[]>;
