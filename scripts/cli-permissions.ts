import type { operations } from '../lib/subscribers/operations.ts';

/** Who a policy of docs/cli.md is for. The others may read as well. */
export const roles = ['reader', 'operator', 'offboarder', 'rebuilder'] as const;
export type Role = (typeof roles)[number];

/** A call that a command makes with the credentials of the person who runs it. */
export interface CliCall {
  /** As IAM names it. */
  action: string;
  /** ARNs, with <account>, <region> and <stage>. */
  resources: readonly string[];
  condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
  /** Whether the command goes on without it, and says what it could not read. */
  degrades?: true;
  /** Where it is called, if not everywhere. */
  where?: string;
}

/** A way to use a command: what it calls, and the least role that may do this. */
interface Use {
  command: string;
  /** Which way it is, where the command has several. */
  when?: string;
  role: Role;
  calls: readonly CliCall[];
}

const service = 'infinstor-onboarding-<stage>';
const arn = (name: string, rest: string) => `arn:aws:${name}:<region>:<account>:${rest}`;

type Machine = keyof typeof operations;
/** All that an operator may start: the rest is for offboarders. */
const startedByOperators = [
  'onboard-subscriber',
  'update-subscriber',
  'upgrade-subscriber',
  'add-user',
] as const satisfies readonly Machine[];
const allMachines = [...startedByOperators, 'offboard-subscriber'] as const satisfies readonly Machine[];
const machineArns = (machines: readonly Machine[]) =>
  machines.map((name) => arn('states', `stateMachine:${service}-${name}`));
const executionArns = (machines: readonly Machine[]) =>
  machines.map((name) => arn('states', `execution:${service}-${name}:*`));

/** Finds the deployment. */
const findStack: CliCall = {
  action: 'cloudformation:DescribeStacks',
  resources: [arn('cloudformation', `stack/${service}/*`)],
};
const invoke = (...names: string[]): CliCall => ({
  action: 'lambda:InvokeFunction',
  resources: names.map((name) => arn('lambda', `function:${service}-${name}`)),
});
const describeExecution: CliCall = { action: 'states:DescribeExecution', resources: executionArns(allMachines) };
const readHistory: CliCall = { action: 'states:GetExecutionHistory', resources: executionArns(allMachines) };
const startExecution = (machines: readonly Machine[]): CliCall => ({
  action: 'states:StartExecution',
  resources: machineArns(machines),
});
const redriveExecution = (machines: readonly Machine[]): CliCall => ({
  action: 'states:RedriveExecution',
  resources: executionArns(machines),
});
/** Nobody may read the policy of a key in another account (AWS KMS API Reference, "GetKeyPolicy"). */
const readPolicies: CliCall = {
  action: 'kms:GetKeyPolicy',
  resources: ['arn:aws:kms:*:<account>:key/*'],
  condition: { Null: { 'aws:ResourceTag/infinstor-onboarding': 'false' } },
};
const readKeyPolicy: CliCall = { ...readPolicies, degrades: true };
/** What is kept of keys, and not what executions wait for, which is in the same table. */
const queryRegistry: CliCall = {
  action: 'dynamodb:Query',
  resources: [arn('dynamodb', `table/${service}-registry`)],
  condition: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['KEY#*'] } },
};
const filterLogs: CliCall = {
  action: 'logs:FilterLogEvents',
  resources: [arn('logs', `log-group:/aws/lambda/${service}-*:*`)],
};

const follow = [describeExecution, readHistory];
const send = (command: string, machine: (typeof startedByOperators)[number], ...others: CliCall[]): Use => ({
  command,
  role: 'operator',
  calls: [findStack, startExecution([machine]), ...follow, ...others],
});
const again = (command: string, begin: (machines: readonly Machine[]) => CliCall): Use[] => {
  const calls = [findStack, invoke('get-subscriber'), ...follow, readKeyPolicy];
  return [
    { command, role: 'operator', calls: [...calls, begin(startedByOperators)] },
    { command, when: 'an offboarding', role: 'offboarder', calls: [...calls, begin(['offboard-subscriber'])] },
  ];
};

/** What `doctor` may not look at, it says. */
const seen = (...calls: CliCall[]): CliCall[] => calls.map((call) => ({ ...call, degrades: true }));
/** Rules are looked for in all Regions that stacks may be in, by what they forward to, which is asked of all rules of a bus. */
const rules = ['arn:aws:events:*:<account>:rule/*'];

/** All ways to use the commands that work on a deployment. */
export const uses: readonly Use[] = [
  send('onboard', 'onboard-subscriber', readKeyPolicy),
  send('update', 'update-subscriber'),
  send('upgrade', 'upgrade-subscriber', readKeyPolicy),
  send('add-user', 'add-user'),
  {
    command: 'offboard',
    role: 'offboarder',
    calls: [findStack, invoke('get-subscriber'), startExecution(['offboard-subscriber']), ...follow, readKeyPolicy],
  },
  {
    command: 'onboard',
    when: '`--plan`',
    role: 'operator',
    calls: [findStack, invoke('plan-request'), startExecution(['onboard-subscriber']), ...follow, readKeyPolicy],
  },
  { command: 'plan', role: 'reader', calls: [findStack, invoke('plan-request')] },
  { command: 'list', role: 'reader', calls: [findStack, invoke('list-subscribers')] },
  { command: 'status', role: 'reader', calls: [findStack, invoke('get-subscriber')] },
  {
    command: 'watch',
    when: 'all that runs',
    role: 'reader',
    calls: [findStack, invoke('list-subscribers'), readHistory],
  },
  {
    command: 'watch',
    when: 'one subscriber',
    role: 'reader',
    calls: [findStack, invoke('get-subscriber'), ...follow],
  },
  {
    command: 'key-policies',
    role: 'reader',
    calls: [findStack, queryRegistry, { ...invoke('get-key'), degrades: true }, readKeyPolicy],
  },
  { command: 'quotas', role: 'reader', calls: [findStack, invoke('get-quotas')] },
  {
    command: 'key-policies',
    when: '`--restore`',
    role: 'operator',
    calls: [findStack, invoke('restore-key-policy'), readKeyPolicy],
  },
  {
    command: 'logs',
    role: 'reader',
    calls: [findStack, invoke('get-subscriber'), ...follow, filterLogs],
  },
  {
    command: 'doctor',
    role: 'operator',
    calls: seen(
      findStack,
      { action: 'cloudformation:ListStackResources', resources: findStack.resources },
      invoke('check-service', 'get-quotas', 'plan-request'),
      { action: 'events:DescribeRule', resources: rules },
      { action: 'events:ListTargetsByRule', resources: rules },
      { action: 'events:ListRuleNamesByTarget', resources: rules, where: 'with stacks in other Regions' },
      { action: 'execute-api:Invoke', resources: [arn('execute-api', '*/$default/GET/subscribers')] },
      { action: 'logs:DescribeLogGroups', resources: [arn('logs', 'log-group:*')] },
      { action: 'cloudwatch:DescribeAlarms', resources: [arn('cloudwatch', 'alarm:*')], where: 'with alarms' },
      { action: 'sns:GetTopicAttributes', resources: [arn('sns', `${service}-alarms`)], where: 'with alarms' },
    ),
  },
  {
    command: 'rebuild-registry',
    role: 'rebuilder',
    calls: [
      { action: 'cloudformation:DescribeStacks', resources: ['*'] },
      {
        action: 'cloudformation:ListStackResources',
        resources: [arn('cloudformation', 'stack/infinstor-subscriber-*')],
      },
      { action: 'iam:GetRole', resources: ['arn:aws:iam::<account>:role/*'] },
      { action: 'secretsmanager:ListSecrets', resources: ['*'] },
      readPolicies,
      { action: 'states:ListExecutions', resources: machineArns(allMachines) },
      { action: 'dynamodb:Scan', resources: [arn('dynamodb', `table/${service}-registry`)] },
      { action: 'dynamodb:PutItem', resources: [arn('dynamodb', `table/${service}-registry`)] },
    ],
  },
  ...again('retry', startExecution),
  ...again('redrive', redriveExecution),
];

/**
 * Commands that call a sandbox only, or what none of the roles may do: to deploy and to remove is up to administrators. The rights of `api`
 * are those of the routes (docs/api.md).
 */
export const withoutRole: readonly string[] = ['api', 'fault', 'deploy', 'remove'];

/** The ways that a role may use the commands in: those of a reader, too. */
export const usesOf = (role: Role): readonly Use[] => uses.filter((use) => use.role === role || use.role === 'reader');

interface Statement {
  Effect: 'Allow';
  Action: string[];
  Resource: string[];
  Condition?: NonNullable<CliCall['condition']>;
}

/**
 * The IAM policy of calls, with a statement for all that is on the same resources.
 * @param calls those of `usesOf` a role; what several of them name is named once
 */
export function policyOf(calls: readonly CliCall[]): { Version: '2012-10-17'; Statement: Statement[] } {
  const byAction = Map.groupBy(calls, ({ action, condition }) => JSON.stringify([action, condition ?? null]));
  const merged = [...byAction.values()].map((same) => ({
    action: same[0]?.action ?? '',
    condition: same[0]?.condition,
    resources: [...new Set(same.flatMap(({ resources }) => resources))].toSorted(),
  }));
  const byPlace = Map.groupBy(merged, ({ resources, condition }) => JSON.stringify([resources, condition ?? null]));
  return {
    Version: '2012-10-17',
    Statement: [...byPlace.values()].map((same) => ({
      Effect: 'Allow',
      Action: same.map(({ action }) => action).toSorted(),
      Resource: [...(same[0]?.resources ?? [])],
      ...(same[0]?.condition !== undefined && { Condition: same[0].condition }),
    })),
  };
}

/** All calls of a role. */
export const callsOf = (role: Role): readonly CliCall[] => usesOf(role).flatMap(({ calls }) => calls);
