/** What goes wrong with a call of a service, or with the delivery of an event. */
export type Fault =
  /** The call is refused for its rate. */
  | { kind: 'throttle' }
  /** The call is refused with this error, or (InfinStor) answered with this status or one of `infinstorAnswers`. */
  | { kind: 'error'; name: string; message?: string }
  | { kind: 'delay'; milliseconds: number }
  /** The call waits for a test to let it go on. */
  | { kind: 'hold'; until: Promise<void> }
  /** The call has its effect, and its answer is lost. */
  | { kind: 'drop' }
  /** The call has its effect, and the function that made it dies. */
  | { kind: 'kill' }
  /** A read answers what it answered the time before. */
  | { kind: 'stale' }
  /** Before its next invocation a function was frozen for minutes, and the flows of its connections were dropped. */
  | { kind: 'freeze' }
  | { kind: 'lose' }
  | { kind: 'repeat' }
  /** The event arrives two minutes later. */
  | { kind: 'late' };

/** A fault for the next `times` calls of an operation or deliveries of an event. */
export interface FaultRule {
  service: string;
  operation: string;
  fault: Fault;
  times: number;
  /** Only calls of this function; default: of every one. */
  functionName?: string;
  /** How many such calls go well before; default: none. */
  skip?: number;
  /** What goes wrong once the last of these calls has failed. */
  followedBy?: FaultRule;
}

/** Whether an operation only reads, and so may answer what it answered before. */
export function isRead(operation: string): boolean {
  return /^(Get|BatchGet|Describe|List|Query|Scan|get_|customerinfo$)/.test(operation);
}

/**
 * Answers of InfinStor that are more than a status: its login page, which comes with 200, and API Gateway's 504 for a call that
 * goes on behind it and has its effect.
 */
const infinstorAnswers = ['LoginExpired', 'EndpointTimedOut'];

/** What can fail, by the names of `service:Operation:kind[:times]`. */
const faultTargets: Readonly<Record<string, readonly string[]>> = {
  cognito: ['InitiateAuth'],
  // `register` is the call of the template's custom resource, by which a stack registers with the service.
  infinstor: ['get_version', 'add_subscriber', 'update_subscriber', 'addsecondaryuser', 'customerinfo', 'register'],
  cloudformation: [
    'CreateStack',
    'DeleteStack',
    'DescribeAccountLimits',
    'DescribeStackEvents',
    'DescribeStacks',
    'GetTemplateSummary',
    // A hook that refuses a resource, with the error's name as its reason.
    'Hook',
    'ListStackResources',
    'ListStacks',
  ],
  iam: ['GetAccountSummary', 'GetRole'],
  kms: ['DescribeKey', 'GetKeyPolicy', 'ListResourceTags', 'PutKeyPolicy'],
  secretsmanager: [
    'CreateSecret',
    'DeleteSecret',
    'DescribeSecret',
    'GetSecretValue',
    'ListSecrets',
    'ListSecretVersionIds',
    'PutSecretValue',
    'RestoreSecret',
  ],
  dynamodb: [
    'BatchGetItem',
    'DeleteItem',
    'GetItem',
    'ListTables',
    'PutItem',
    'Query',
    'Scan',
    'TransactWriteItems',
    'UpdateItem',
  ],
  states: ['DescribeExecution', 'GetExecutionHistory', 'SendTaskFailure', 'SendTaskSuccess', 'StartExecution'],
  events: ['PutEvents'],
  s3: ['GetObject', 'ListBuckets', 'PutObject'],
  servicequotas: ['GetAWSDefaultServiceQuota', 'GetServiceQuota'],
  sqs: ['SendMessage'],
  sts: ['AssumeRole'],
  // The functions, by the names of their steps.
  lambda: [
    'accept-event',
    'accept-offboarding',
    'accept-request',
    'accept-update',
    'accept-users',
    'add-user',
    'await-stack',
    'check-quotas',
    'check-service',
    'complete-offboarding',
    'complete-onboarding',
    'complete-update',
    'complete-users',
    'create-subscriber',
    'delete-stack',
    'delete-subscriber',
    'deploy-stack',
    'detect-key-policy-drift',
    'get-health',
    'get-key',
    'get-openapi',
    'get-quotas',
    'get-subscriber',
    'list-subscribers',
    'obtain-subscriber-token',
    'obtain-token',
    'patch-key-policy',
    'patch-subscriber',
    'plan-request',
    'post-retry',
    'post-subscribers',
    'post-users',
    'read-role-arn',
    'record-failure',
    'restore-key-policy',
    'resume-on-stack-event',
    'sweep-executions',
    'sweep-passwords',
    'update-subscriber',
    'verify-subscriber',
    'withdraw-grants',
  ],
};

/** The events whose delivery can fail, under the service `events`, by detail type. */
export const faultEvents: Readonly<Record<string, string>> = {
  PutKeyPolicy: 'AWS API Call via CloudTrail',
  StackStatusChange: 'CloudFormation Stack Status Change',
  ExecutionStatusChange: 'Step Functions Execution Status Change',
  SubscriberRequested: 'SubscriberRequested',
  SubscriberUpdateRequested: 'SubscriberUpdateRequested',
  UsersRequested: 'UsersRequested',
  SubscriberOffboardingRequested: 'SubscriberOffboardingRequested',
};

/**
 * Parses `service:Operation:kind[:times]`.
 * @throws Error that names the part that is wrong, and what it may be
 */
export function parseFault(text: string): FaultRule {
  const [service = '', operation = '', kind = '', count = '1', ...more] = text.split(':');
  const wrong = (problem: string) => new Error(`Fault '${text}': ${problem}`);
  if (kind === '' || more.length > 0) throw wrong('must be service:Operation:kind[:times]');
  const operations = Object.hasOwn(faultTargets, service) ? faultTargets[service] : undefined;
  if (operations === undefined) throw wrong(`unknown service; known are ${Object.keys(faultTargets).join(', ')}`);
  const isEvent = service === 'events' && Object.hasOwn(faultEvents, operation);
  const known = service === 'events' ? [...operations, ...Object.keys(faultEvents)] : operations;
  if (!known.includes(operation)) throw wrong(`unknown operation; known are ${known.join(', ')}`);
  const fault = isEvent
    ? eventFault(kind)
    : service === 'lambda'
      ? functionFault(kind)
      : callFault(kind, service, operation);
  if (fault === undefined) {
    const kinds = isEvent ? 'lose, repeat, late' : service === 'lambda' ? 'freeze' : callKinds;
    throw wrong(`unknown kind; known are ${kinds}`);
  }
  if (!/^[1-9]\d{0,3}$/.test(count)) throw wrong('times must be a number from 1 to 9999');
  return { service, operation, fault, times: Number(count) };
}

const callKinds =
  'throttle, error=<Name> (of InfinStor: a status, LoginExpired or EndpointTimedOut), delay=<ms>, drop, kill, and for reads stale';

function functionFault(kind: string): Fault | undefined {
  return kind === 'freeze' ? { kind } : undefined;
}

function eventFault(kind: string): Fault | undefined {
  return kind === 'lose' || kind === 'repeat' || kind === 'late' ? { kind } : undefined;
}

function callFault(kind: string, service: string, operation: string): Fault | undefined {
  switch (kind) {
    case 'throttle':
    case 'drop':
    case 'kill':
      return { kind };
    case 'stale':
      return isRead(operation) ? { kind } : undefined;
    default: {
      const [, delay] = /^delay=(\d{1,6})$/.exec(kind) ?? [];
      if (delay !== undefined) return { kind: 'delay', milliseconds: Number(delay) };
      const [, name] = /^error=(\w+)$/.exec(kind) ?? [];
      if (name === undefined) return undefined;
      const isKnown = service !== 'infinstor' || /^[45]\d\d$/.test(name) || infinstorAnswers.includes(name);
      return isKnown ? { kind: 'error', name } : undefined;
    }
  }
}

/** A rule as `service:Operation:kind:times`, which `parseFault` reads; of a call that a test holds, the kind alone. */
export function textOfFault({ service, operation, fault, times }: FaultRule): string {
  return [service, operation, kindOf(fault), times].join(':');
}

function kindOf(fault: Fault): string {
  switch (fault.kind) {
    case 'error':
      return `error=${fault.name}`;
    case 'delay':
      return `delay=${fault.milliseconds}`;
    default:
      return fault.kind;
  }
}

export interface Faults {
  add(rule: FaultRule): void;
  /** The fault of the next call (of this function) or delivery, counted down; undefined when all goes well. */
  take(service: string, operation: string, functionName?: string): Fault | undefined;
  /** How many calls and deliveries are still to fail. */
  left(): number;
  /** The rules that still have calls or deliveries to fail, in the order in which they were added. */
  list(): FaultRule[];
  /** Forgets what has not come yet. */
  clear(): void;
}

/** Faults still to come, in the order in which they were added. */
export function createFaults(rules: readonly FaultRule[]): Faults {
  let left = rules.map((rule) => ({ ...rule }));
  return {
    add: (rule) => void left.push({ ...rule }),
    list: () => left.filter(({ times }) => times > 0).map((rule) => ({ ...rule })),
    left: () => left.reduce((sum, { times }) => sum + times, 0),
    clear() {
      left = [];
    },
    take(service, operation, functionName) {
      const rule = left.find(
        (candidate) =>
          candidate.service === service &&
          candidate.operation === operation &&
          candidate.times > 0 &&
          (candidate.functionName === undefined || candidate.functionName === functionName),
      );
      if (rule === undefined) return undefined;
      if (rule.skip) {
        rule.skip -= 1;
        return undefined;
      }
      rule.times -= 1;
      if (rule.times === 0 && rule.followedBy !== undefined) left.push({ ...rule.followedBy });
      return rule.fault;
    },
  };
}
