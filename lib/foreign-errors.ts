/**
 * The errors that end executions and are not the project's own: those of AWS's clients, of Lambda and of Step Functions, by the names
 * that the state machines know them by, and what to do about them.
 */

/** What an error that is not the project's own says of its cause. */
export type ForeignKind =
  | 'refused'
  | 'credentials'
  | 'throttled'
  | 'busy'
  | 'failed'
  | 'key'
  | 'scheduled'
  | 'missing'
  | 'quota'
  | 'invalid'
  | 'lambda'
  | 'variables'
  | 'setup'
  | 'died'
  | 'slow'
  | 'mismatch'
  | 'aborted'
  | 'defect'
  | 'other';

/** By name; the retried ones are those of statemachine/retriers.yml, with which a test compares them. */
const kinds: ReadonlyMap<string, ForeignKind> = new Map([
  ...named('refused', ['AccessDenied', 'AccessDeniedException', 'UnauthorizedOperation', 'AuthorizationError']),
  ...named('refused', ['Lambda.AccessDeniedException']),
  ...named('credentials', ['ExpiredToken', 'ExpiredTokenException', 'InvalidClientTokenId']),
  ...named('credentials', ['UnrecognizedClientException', 'InvalidSignatureException', 'SignatureDoesNotMatch']),
  ...named('throttled', [
    ...['BandwidthLimitExceeded', 'EC2ThrottledException', 'KmsThrottled', 'KmsThrottlingException'],
    ...['PriorRequestNotComplete', 'ProvisionedThroughputExceededException', 'RequestLimitExceeded'],
    ...['RequestThrottled', 'RequestThrottledException', 'SlowDown', 'ThrottledException', 'Throttling'],
    ...['ThrottlingException', 'TooManyRequestsException', 'TransactionConflictException'],
    'TransactionInProgressException',
  ]),
  ...named('busy', ['Lambda.TooManyRequestsException']),
  ...named('failed', [
    ...['DependencyTimeoutException', 'InternalErrorException', 'InternalException', 'InternalServerError'],
    ...['InternalServerException', 'InternalServiceError', 'KMSInternalException', 'KeyUnavailableException'],
    ...['PolicyEvaluationException', 'ServiceFailureException', 'InternalError', 'InternalFailure', 'ServiceFailure'],
    ...['ServiceUnavailable', 'ServiceUnavailableException', 'RequestTimeout', 'RequestTimeoutException'],
    ...['TimeoutError', 'NetworkingError', 'ServerError'],
  ]),
  ...named('key', ['DecryptionFailure', 'EncryptionFailure', 'DisabledException', 'KMSInvalidStateException']),
  // Of Step Functions and SQS, which name so what they are refused of the key of a state machine or queue.
  ...named('key', ['KmsAccessDeniedException', 'KmsInvalidStateException', 'KmsAccessDenied', 'KmsDisabled']),
  ...named('scheduled', ['InvalidRequestException']),
  ...named('missing', [
    ...['ResourceNotFoundException', 'NotFoundException', 'NoSuchEntity', 'NoSuchEntityException', 'NoSuchBucket'],
    ...['StateMachineDoesNotExist', 'ExecutionDoesNotExist', 'Lambda.ResourceNotFoundException'],
    ...['QueueDoesNotExist', 'AWS.SimpleQueueService.NonExistentQueue'],
  ]),
  ...named('quota', ['LimitExceededException', 'LimitExceeded', 'ServiceQuotaExceededException']),
  ...named('quota', ['Lambda.ServiceQuotaExceededException']),
  ...named('invalid', ['ValidationError', 'ValidationException', 'InsufficientCapabilitiesException']),
  ...named('lambda', [
    ...['Lambda.ServiceException', 'Lambda.AWSLambdaException', 'Lambda.SdkClientException'],
    'Lambda.ClientExecutionTimeoutException',
  ]),
  ...named('died', ['Lambda.Unknown', 'Sandbox.Timedout', 'Runtime.ExitError', 'Runtime.OutOfMemory']),
  ...named('slow', ['States.Timeout']),
  ...named('mismatch', ['States.Runtime', 'States.DataLimitExceeded']),
  ...named('aborted', ['ABORTED']),
  ...named('defect', ['Error', 'TypeError', 'RangeError', 'ReferenceError', 'SyntaxError', 'ValiError']),
]);

function named(kind: ForeignKind, names: readonly string[]): [string, ForeignKind][] {
  return names.map((name) => [name, kind]);
}

/** @param name the ASL error name, or `ABORTED` */
export function foreignKind(name: string): ForeignKind {
  const kind = kinds.get(name);
  if (kind !== undefined) return kind;
  if (name.startsWith('Runtime.')) return 'died';
  if (name.startsWith('Lambda.KMS')) return 'variables';
  // Lambda's other errors of an invocation are of the function and what it needs (API reference, Invoke), and no retrier names them.
  return name.startsWith('Lambda.') ? 'setup' : 'other';
}

/** Whether the state machines try such an error again, so that the number of tries is part of its cause. */
export function isRetried(name: string): boolean {
  return ['throttled', 'busy', 'failed', 'lambda', 'died', 'slow'].includes(foreignKind(name));
}

/** One sentence for the operator: what to do next about an error that is not the project's own. */
export function foreignRemedy(name: string): string {
  switch (foreignKind(name)) {
    case 'refused':
      return "Find in the message the role, the action and the resource, and what denies it: allow the action where no policy allows it (deploy again if functions/<step>/function.yml or deployment/other-account.yaml grants it), or change the policy that denies it (the resource's or key's own, a permissions boundary, an organization's policy); then redrive the execution.";
    case 'credentials':
      return "Redrive the execution, which gets new credentials; if that fails, too, check that the role of the failed step's function exists, and deploy again.";
    case 'throttled':
      return 'Redrive the execution later, with fewer requests at the same time, or have the quota of the call that the message names raised.';
    case 'busy':
      return "Redrive the execution later, or have the account's quota of concurrent Lambda executions raised.";
    case 'failed':
      return 'Look at the AWS Health Dashboard for the service that the message names, and redrive the execution when it answers again; for NetworkingError also check the way from the functions to it.';
    case 'key':
      return 'Cancel the deletion of the KMS key of what the message names if it is to be deleted, enable it, and let the role of the function use it; then redrive the execution.';
    case 'scheduled':
      return 'Restore the secret that the message names if it is scheduled for deletion (aws secretsmanager restore-secret), and redrive the execution.';
    case 'missing':
      return 'Find out who has deleted what the message names; deploy again if it belongs to the deployment, and redrive the execution.';
    case 'quota':
      return 'Have the quota raised that the message names, or delete what is not needed, and redrive the execution.';
    case 'invalid':
      return 'Correct what the message names, in the request or in the params of stages/<stage>.yml (then deploy), and send the request again.';
    case 'lambda':
      return 'Look at the AWS Health Dashboard for Lambda, and redrive the execution when it works again.';
    case 'variables':
      return "Lambda cannot decrypt the function's variables: most likely its role was deleted and made anew, so give the function another role and then its own again (aws lambda update-function-configuration --role); if the message names a key of yours, make it usable again; then redrive the execution.";
    case 'setup':
      return 'Lambda cannot start the function: correct what the message says of it, such as its state, code or network, or deploy again; then redrive the execution.';
    case 'died':
      return "Redrive the execution once. If it fails again and the message says that the task timed out, find on the AWS Health Dashboard, and from InfinStor, which of the services that the step calls is slow, and redrive when it is not any more; if it says that the runtime ended, ran out of memory or nothing, it is a defect: report it, with the last lines of the step's log.";
    case 'slow':
      return "If it waited for the stack, find in the stack's events in CloudFormation what does not end, and send the request again when that is over; if for a function, find on the AWS Health Dashboard whether Lambda works in this Region, and redrive the execution when it does.";
    case 'mismatch':
      return 'Deploy again, so that state machine and functions are of one version, or shorten the parameters and tags of the request if it is too large, and send the request again.';
    case 'aborted':
      return 'Ask who stopped the execution and why; then redrive it or send the request again.';
    case 'defect':
      return "Redrive the execution; if it fails again, it is a defect, or an item of the registry was changed by hand: keep the failed step's log, and report it.";
    case 'other':
      return "Remove the cause that the message gives in AWS's own words, with the call and its resource, and redrive the execution or send the request again.";
  }
}
