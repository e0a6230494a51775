/** What a function calls in one invocation. */
interface FunctionCalls {
  /** How often at most, by `service:Operation`: of each call the most that any way through the function makes. */
  calls: Readonly<Record<string, number>>;
  /** Calls that are made only after another one has failed, and in place of those that would have come after it: they cost no more time. */
  instead?: Readonly<Record<string, number>>;
  /** Calls that are repeated for each page, key, role or event, with how often they are counted. */
  loops?: Readonly<Record<string, number>>;
  /** What ends these. */
  stop?: string;
  /** Calls that are made at the same time, and take as long as one. */
  together?: readonly string[];
  /** Calls that are made while others are that take as long, and cost no time: of all that is done at the same time the longest way counts. */
  beside?: readonly string[];
  /** How its AWS clients are set up; default: `clientConfig`. */
  client?: 'usual' | 'prompt' | 'brisk';
  /** The calls that are tried for longer. */
  patient?: readonly string[];
  /** The calls that are given up sooner. */
  brisk?: readonly string[];
}

/** A claim of the subscriber: the record, again when the claim's answer was lost, the execution that holds it now, and the reason of its failure. */
const claim = {
  'dynamodb:GetItem': 2,
  'states:DescribeExecution': 1,
  'states:GetExecutionHistory': 1,
  'dynamodb:UpdateItem': 1,
};
/** The accounts beside the deployment's own: once per process, where there are some. */
const accounts = { 'secretsmanager:GetSecretValue': 1 };
/** The key of a secret that cannot be decrypted, which ends the step. */
const keyOfSecret = { 'secretsmanager:DescribeSecret': 1 };
/**
 * A request that the HTTP API passes on: what its key has started, beside the record and the turn; the executions that these name; after a refusal
 * because of the name, what has it.
 */
const sending = {
  client: 'brisk',
  calls: { 'dynamodb:GetItem': 2, 'states:DescribeExecution': 3, 'dynamodb:PutItem': 1, 'states:StartExecution': 1 },
  instead: { 'states:DescribeExecution': 1 },
  together: ['dynamodb:GetItem', 'states:DescribeExecution'],
} as const satisfies FunctionCalls;
/** Before an onboarding: of each account that `auto` chooses from, ten at a time. What is not read refuses nothing. */
const roomOfAccounts = {
  'iam:GetAccountSummary': 1,
  'cloudformation:DescribeAccountLimits': 1,
  'cloudformation:ListStacks': 1,
};
const briskRoom = {
  brisk: ['cloudformation:ListStacks'],
  beside: ['iam:GetAccountSummary', 'cloudformation:DescribeAccountLimits'],
} as const;
const aPage = 'one page is the rule, and further ones come within fractions of a second';
const aKey =
  'two keys, whose policies are read again five times at most; before each lease enough of the time must be left, and before each write enough of the lease';

/** The calls of each function. The runs of the workflow tests and of the tour of all permissions are compared with it. */
export const functionCalls: Readonly<Record<string, FunctionCalls>> = {
  'accept-event': { calls: { ...accounts, 'states:StartExecution': 1, 'sqs:SendMessage': 1 } },
  'accept-offboarding': {
    calls: {
      ...accounts,
      ...claim,
      'sts:AssumeRole': 2,
      'cloudformation:DescribeStacks': 2,
      'cloudformation:GetTemplate': 2,
    },
    // The keys' grants, or, where the keys are not known, the whole registry.
    together: ['dynamodb:Query'],
    loops: { 'cloudformation:ListStackResources': 2, 'dynamodb:Query': 2, 'dynamodb:Scan': 1, 'kms:GetKeyPolicy': 2 },
    stop: aPage,
  },
  'accept-request': {
    calls: {
      'dynamodb:UpdateItem': 1,
      'states:GetExecutionHistory': 1,
      'sts:GetCallerIdentity': 1,
      'secretsmanager:DescribeSecret': 2,
      'kms:DescribeKey': 2,
      'kms:ListResourceTags': 2,
      'kms:GetKeyPolicy': 2,
      's3:GetObject': 1,
      's3:PutObject': 1,
      'cloudformation:GetTemplateSummary': 1,
      'cloudformation:DescribeStacks': 2,
      'secretsmanager:GetSecretValue': 4,
    },
    ...briskRoom,
    loops: {
      ...roomOfAccounts,
      'sts:AssumeRole': 3,
      'dynamodb:GetItem': 4,
      'dynamodb:Query': 6,
      'dynamodb:TransactWriteItems': 2,
      'states:DescribeExecution': 2,
    },
    stop: 'two keys; a place on a key that others were faster to reserve is asked for again a few times; when 5 minutes have passed it begins to read no further quota',
  },
  'accept-update': {
    calls: {
      ...claim,
      'secretsmanager:DescribeSecret': 1,
      'secretsmanager:GetSecretValue': 1,
      'sts:GetCallerIdentity': 1,
    },
  },
  'accept-upgrade': {
    calls: {
      'dynamodb:UpdateItem': 1,
      'states:GetExecutionHistory': 1,
      'sts:AssumeRole': 3,
      'sts:GetCallerIdentity': 1,
      'secretsmanager:DescribeSecret': 1,
      'kms:DescribeKey': 2,
      'kms:GetKeyPolicy': 2,
      's3:GetObject': 1,
      's3:PutObject': 1,
      'cloudformation:GetTemplateSummary': 1,
      'cloudformation:DescribeStacks': 1,
      'secretsmanager:GetSecretValue': 2,
    },
    loops: {
      'kms:ListResourceTags': 4,
      'dynamodb:GetItem': 4,
      'dynamodb:Query': 6,
      'dynamodb:TransactWriteItems': 2,
      'states:DescribeExecution': 2,
    },
    stop: 'two keys, and those that the subscriber has had; a place on a key that others were faster to reserve is asked for again a few times',
  },
  'accept-users': {
    calls: { ...claim, 'sts:GetCallerIdentity': 1 },
    // The records of users' names are read at the same time.
    loops: { 'secretsmanager:DescribeSecret': 2, 'secretsmanager:GetSecretValue': 2, 'dynamodb:GetItem': 1 },
    stop: 'a request has 25 users at most',
  },
  'add-user': {
    instead: keyOfSecret,
    calls: {
      'dynamodb:GetItem': 2,
      'dynamodb:UpdateItem': 1,
      'secretsmanager:GetSecretValue': 3,
      'secretsmanager:RestoreSecret': 1,
      'secretsmanager:CreateSecret': 2,
      'secretsmanager:PutSecretValue': 2,
      'infinstor:get_version': 2,
      'infinstor:addsecondaryuser': 1,
      'cognito:InitiateAuth': 3,
    },
  },
  'await-stack': {
    calls: {
      ...accounts,
      'sts:AssumeRole': 1,
      'dynamodb:TransactWriteItems': 1,
      'cloudformation:DescribeStacks': 1,
      'states:SendTaskSuccess': 1,
      'states:SendTaskFailure': 1,
    },
    loops: { 'cloudformation:DescribeStackEvents': 1 },
    stop: aPage,
  },
  'check-quotas': {
    calls: { ...accounts },
    // For each account and Region, five at the same time, and for each quota that is nearly exhausted.
    loops: {
      'sts:AssumeRole': 1,
      'iam:GetAccountSummary': 1,
      'cloudformation:DescribeAccountLimits': 1,
      'servicequotas:GetServiceQuota': 2,
      'servicequotas:GetAWSDefaultServiceQuota': 2,
      'cloudformation:ListStacks': 1,
      's3:ListBuckets': 1,
      'dynamodb:ListTables': 1,
      'dynamodb:GetItem': 1,
      'events:PutEvents': 1,
      'dynamodb:PutItem': 1,
    },
    stop: 'it begins with no further account or page when 12 minutes have passed; what is left comes with the next check',
  },
  'check-service': {
    instead: keyOfSecret,
    calls: {
      'dynamodb:GetItem': 5,
      'dynamodb:PutItem': 3,
      'secretsmanager:GetSecretValue': 2,
      'secretsmanager:PutSecretValue': 1,
      'infinstor:get_version': 3,
      'cognito:InitiateAuth': 2,
    },
  },
  'complete-offboarding': {
    calls: { ...accounts, 'sts:AssumeRole': 1, 'dynamodb:UpdateItem': 2, 'events:PutEvents': 1 },
    loops: {
      'dynamodb:GetItem': 3,
      'cloudformation:ListStackResources': 2,
      'secretsmanager:ListSecrets': 1,
      'secretsmanager:DeleteSecret': 1,
    },
    stop: 'the secrets of one subscriber and its users',
  },
  'complete-onboarding': { calls: { 'dynamodb:GetItem': 2, 'events:PutEvents': 1, 'dynamodb:UpdateItem': 1 } },
  'complete-update': { calls: { 'dynamodb:GetItem': 1, 'events:PutEvents': 1, 'dynamodb:UpdateItem': 1 } },
  'complete-upgrade': { calls: { 'dynamodb:GetItem': 2, 'events:PutEvents': 1, 'dynamodb:UpdateItem': 1 } },
  'complete-users': { calls: { 'dynamodb:GetItem': 2, 'events:PutEvents': 1, 'dynamodb:UpdateItem': 1 } },
  'create-subscriber': {
    instead: keyOfSecret,
    calls: {
      'dynamodb:GetItem': 3,
      'dynamodb:UpdateItem': 3,
      'secretsmanager:GetSecretValue': 6,
      'secretsmanager:ListSecretVersionIds': 1,
      'secretsmanager:RestoreSecret': 1,
      'secretsmanager:CreateSecret': 1,
      'secretsmanager:PutSecretValue': 2,
      'infinstor:get_version': 3,
      'cognito:InitiateAuth': 3,
      'infinstor:add_subscriber': 1,
    },
    patient: ['secretsmanager:PutSecretValue'],
  },
  'delete-stack': {
    calls: {
      ...accounts,
      'dynamodb:GetItem': 2,
      'sts:AssumeRole': 1,
      'cloudformation:DescribeStacks': 1,
      'cloudformation:GetTemplate': 1,
      'cloudformation:DeleteStack': 1,
    },
    loops: { 'cloudformation:ListStackResources': 2 },
    stop: aPage,
  },
  'delete-subscriber': sending,
  'deploy-stack': {
    instead: keyOfSecret,
    calls: {
      'dynamodb:GetItem': 2,
      'sts:AssumeRole': 1,
      'cloudformation:DescribeStacks': 1,
      'secretsmanager:GetSecretValue': 2,
      's3:GetObject': 1,
      'cloudformation:CreateStack': 1,
      'cloudformation:DeleteStack': 1,
    },
  },
  'detect-key-policy-drift': {
    calls: { ...accounts },
    // The cursors are taken, moved and given back; the whole table is read once a week.
    loops: {
      'dynamodb:Scan': 1,
      'sts:AssumeRole': 3,
      'dynamodb:GetItem': 4,
      'dynamodb:Query': 6,
      'dynamodb:PutItem': 2,
      'dynamodb:UpdateItem': 9,
      'kms:GetKeyPolicy': 3,
      'kms:ListResourceTags': 1,
      'kms:PutKeyPolicy': 2,
      'iam:GetRole': 1,
      'events:PutEvents': 1,
    },
    stop: 'it begins with no further key when less than 240 s are left; the next check goes on there',
  },
  'execute-change-set': {
    calls: {
      ...accounts,
      'dynamodb:GetItem': 1,
      'sts:AssumeRole': 1,
      'cloudformation:ExecuteChangeSet': 1,
    },
    loops: { 'cloudformation:DescribeStackEvents': 1 },
    stop: 'the events of a call whose answer was lost are looked at again a few times within 7 s',
  },
  'get-health': { client: 'brisk', calls: { 'dynamodb:GetItem': 1 } },
  'get-key': {
    client: 'brisk',
    // The credentials of another account are fetched while the registry is read.
    calls: { ...accounts, 'sts:AssumeRole': 1 },
    beside: ['sts:AssumeRole'],
    // An id is looked for in all accounts and Regions at the same time.
    loops: { 'dynamodb:GetItem': 2, 'dynamodb:Query': 1, 'kms:GetKeyPolicy': 1 },
    stop: 'one key, whose policy is read again four times at most within 1.5 s; API Gateway answers 503 after 30 s, and the call can be repeated',
  },
  'get-openapi': { calls: {} },
  'get-quotas': {
    client: 'brisk',
    // The longest way: accounts, credentials, and a quota that has only its default; or the keys of the registry, and each of these.
    calls: { ...accounts },
    // For each account, Region and key.
    loops: {
      'sts:AssumeRole': 1,
      'iam:GetAccountSummary': 1,
      'cloudformation:DescribeAccountLimits': 1,
      'servicequotas:GetServiceQuota': 1,
      'servicequotas:GetAWSDefaultServiceQuota': 1,
      'cloudformation:ListStacks': 1,
      's3:ListBuckets': 1,
      'dynamodb:ListTables': 1,
      'dynamodb:Query': 2,
      'kms:GetKeyPolicy': 1,
    },
    beside: [
      ...['iam:GetAccountSummary', 'cloudformation:DescribeAccountLimits', 'cloudformation:ListStacks'],
      ...['s3:ListBuckets', 'dynamodb:ListTables', 'dynamodb:Query', 'kms:GetKeyPolicy'],
    ],
    stop: 'it begins with no further account, page or key when 20 s have passed, and reports what is left as not read',
  },
  'get-subscriber': {
    client: 'prompt',
    calls: { 'dynamodb:GetItem': 3, 'states:DescribeExecution': 1 },
    together: ['dynamodb:GetItem'],
    loops: { 'states:GetExecutionHistory': 2 },
    stop: 'API Gateway answers 503 after 30 s; the call can be repeated',
  },
  'list-subscribers': {
    client: 'prompt',
    calls: {},
    together: ['dynamodb:Query'],
    loops: { 'dynamodb:Query': 2, 'dynamodb:BatchGetItem': 1 },
    stop: 'a page looks through a bounded part of the index, and API Gateway answers 503 after 30 s; the call can be repeated',
  },
  'obtain-subscriber-token': {
    instead: keyOfSecret,
    calls: {
      'dynamodb:GetItem': 4,
      'dynamodb:PutItem': 3,
      'secretsmanager:GetSecretValue': 2,
      'secretsmanager:RestoreSecret': 1,
      'secretsmanager:CreateSecret': 1,
      'secretsmanager:PutSecretValue': 1,
      'infinstor:get_version': 2,
      'cognito:InitiateAuth': 2,
    },
  },
  'obtain-token': {
    instead: keyOfSecret,
    calls: {
      'dynamodb:GetItem': 4,
      'dynamodb:PutItem': 3,
      'secretsmanager:GetSecretValue': 2,
      'secretsmanager:PutSecretValue': 1,
      'infinstor:get_version': 2,
      'cognito:InitiateAuth': 2,
    },
  },
  'patch-key-policy': {
    calls: { ...accounts, 'sts:AssumeRole': 3 },
    loops: {
      'dynamodb:GetItem': 3,
      'dynamodb:TransactWriteItems': 2,
      'dynamodb:PutItem': 2,
      'dynamodb:UpdateItem': 8,
      'dynamodb:Query': 2,
      'kms:GetKeyPolicy': 4,
      'kms:ListResourceTags': 2,
      'kms:PutKeyPolicy': 4,
      'iam:GetRole': 4,
    },
    stop: aKey,
  },
  'patch-subscriber': sending,
  'plan-request': {
    client: 'prompt',
    calls: {
      's3:GetObject': 1,
      'cloudformation:GetTemplateSummary': 1,
      'cloudformation:DescribeStacks': 2,
    },
    ...briskRoom,
    loops: {
      ...roomOfAccounts,
      'sts:AssumeRole': 3,
      'sts:GetCallerIdentity': 1,
      'secretsmanager:DescribeSecret': 2,
      'secretsmanager:GetSecretValue': 6,
      'secretsmanager:ListSecrets': 1,
      'dynamodb:GetItem': 2,
      'dynamodb:Query': 6,
      'dynamodb:Scan': 1,
      'states:DescribeExecution': 2,
      'kms:DescribeKey': 2,
      'kms:ListResourceTags': 4,
      'kms:GetKeyPolicy': 2,
      'cloudformation:ListStackResources': 2,
      'cloudformation:GetTemplate': 2,
    },
    stop: 'two keys, 25 users, one page; after 15 s it begins to read no further quota; API Gateway answers 503 after 30 s, and the call can be repeated',
  },
  'post-retry': {
    ...sending,
    // Before, the record and the execution whose request is sent again; the turn is read beside what the key has started.
    together: ['dynamodb:GetItem'],
  },
  'post-subscribers': { ...sending, calls: { ...accounts, ...sending.calls, 'secretsmanager:CreateSecret': 1 } },
  'post-users': sending,
  'prepare-change-set': {
    instead: keyOfSecret,
    calls: {
      ...accounts,
      'dynamodb:GetItem': 2,
      'sts:AssumeRole': 1,
      'cloudformation:DescribeStacks': 1,
      's3:GetObject': 1,
      'cloudformation:CreateChangeSet': 1,
      'cloudformation:DeleteChangeSet': 2,
    },
    loops: { 'cloudformation:DescribeChangeSet': 3, 'secretsmanager:GetSecretValue': 1 },
    stop: 'it asks for the change set again a few times within 26 s, and ends then: the state comes back',
  },
  'read-role-arn': {
    calls: { ...accounts, 'sts:AssumeRole': 2 },
    loops: { 'cloudformation:ListStackResources': 3, 'iam:GetRole': 1 },
    stop: aPage,
  },
  'record-failure': {
    calls: { 'states:DescribeExecution': 1, 'dynamodb:GetItem': 1, 'events:PutEvents': 1, 'dynamodb:UpdateItem': 1 },
    loops: { 'states:GetExecutionHistory': 2 },
    stop: aPage,
  },
  'restore-key-policy': {
    calls: { ...accounts, 'sts:AssumeRole': 3, 'dynamodb:GetItem': 1 },
    loops: {
      'dynamodb:PutItem': 2,
      'dynamodb:UpdateItem': 4,
      'dynamodb:Query': 2,
      'kms:GetKeyPolicy': 2,
      'kms:ListResourceTags': 1,
      'kms:PutKeyPolicy': 3,
      'iam:GetRole': 1,
    },
    stop: aKey.replace('two keys, whose policies are', 'one key, whose policy is'),
  },
  'resume-on-stack-event': {
    calls: {
      ...accounts,
      'sts:AssumeRole': 1,
      'dynamodb:GetItem': 1,
      'states:SendTaskSuccess': 1,
      'states:SendTaskFailure': 1,
    },
    loops: { 'cloudformation:DescribeStackEvents': 1 },
    stop: aPage,
  },
  'sweep-executions': {
    calls: {},
    // The cursors of the three groups, and the record.
    loops: {
      'dynamodb:Query': 1,
      'dynamodb:GetItem': 2,
      'states:DescribeExecution': 1,
      'states:GetExecutionHistory': 2,
      'events:PutEvents': 1,
      'dynamodb:UpdateItem': 3,
    },
    stop: 'it begins with no further record when less than 60 s are left; the next sweep goes on there',
  },
  'sweep-passwords': {
    calls: {},
    loops: { 'secretsmanager:ListSecrets': 1, 'states:DescribeExecution': 1, 'secretsmanager:DeleteSecret': 1 },
    stop: 'some 400 passwords, and of more those whose turn it is in this hour',
  },
  'update-subscriber': {
    instead: keyOfSecret,
    calls: {
      'dynamodb:GetItem': 2,
      'dynamodb:UpdateItem': 1,
      'secretsmanager:GetSecretValue': 3,
      'secretsmanager:ListSecretVersionIds': 1,
      'secretsmanager:PutSecretValue': 1,
      'infinstor:get_version': 2,
      'cognito:InitiateAuth': 2,
      'infinstor:update_subscriber': 1,
    },
    patient: ['secretsmanager:PutSecretValue'],
  },
  'verify-subscriber': {
    instead: keyOfSecret,
    calls: {
      'secretsmanager:GetSecretValue': 1,
      'infinstor:get_version': 1,
      'cognito:InitiateAuth': 1,
      'infinstor:customerinfo': 2,
    },
  },
  'withdraw-grants': {
    calls: { ...accounts, 'sts:AssumeRole': 3, 'dynamodb:GetItem': 1 },
    loops: {
      'dynamodb:TransactWriteItems': 4,
      'dynamodb:PutItem': 2,
      'dynamodb:UpdateItem': 4,
      'dynamodb:Query': 4,
      'kms:GetKeyPolicy': 6,
      'kms:ListResourceTags': 2,
      'kms:PutKeyPolicy': 3,
      'iam:GetRole': 1,
    },
    stop: aKey,
  },
};
