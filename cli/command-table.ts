import * as v from 'valibot';
import { parseKeyArn } from '../lib/aws/arns.ts';
import { userNameSchema } from '../lib/requests/fields.ts';
import { buildSchema } from '../lib/requests/onboarding.ts';
import { statusSchema } from '../lib/subscribers/operations.ts';
import { type Command, defineCommand, type WordSpec } from './command.ts';

const isExecutionArn = (text: string) => /^arn:aws[\w-]*:states:[\w-]+:\d{12}:execution:[^:]+:[^:]+$/.test(text);
const userName: WordSpec = {
  name: 'USERNAME',
  refuse: (text) => (v.is(userNameSchema, text) ? undefined : 'the userName of a subscriber'),
};
const diff = { type: 'boolean', help: 'show changes of key policies line by line, not only as a summary' } as const;
const plan = {
  type: 'string',
  value: 'PLAN',
  help: 'start only what was planned: the hash of a plan, or a file with what plan --json printed',
} as const;
const fault = {
  type: 'string',
  multiple: true,
  value: 'FAULT',
  help: 'make calls in the throw-away sandbox fail; may be repeated',
} as const;

/**
 * All commands, in the order of the help. From this table are made: what a command line may have, the help of each command,
 * docs/cli.md, and the completion of shells. What a command does is loaded when it runs.
 */
export const commandTable: readonly Command[] = [
  defineCommand({
    name: 'onboard',
    group: 'Requests',
    summary: 'create a subscriber, its stack and its grants on keys, and follow the execution',
    words: [{ name: 'REQUEST.json', optional: true }],
    options: { plan, diff, fault },
    target: 'deployment',
    inTour: true,
    examples: ['onboard acme.json --stage prod', 'onboard examples/acme.json --endpoint http://127.0.0.1:4566'],
    onFailure: brokenOff,
    run: async (given, session) => (await import('./commands/send.ts')).send('onboard-subscriber', given, session),
  }),
  defineCommand({
    name: 'update',
    group: 'Requests',
    summary: 'change the e-mail address, the password or both of a subscriber',
    words: [{ name: 'REQUEST.json', optional: true }],
    options: { plan, diff, fault },
    target: 'deployment',
    inTour: true,
    examples: ['update update-email.json --stage prod'],
    onFailure: brokenOff,
    run: async (given, session) => (await import('./commands/send.ts')).send('update-subscriber', given, session),
  }),
  defineCommand({
    name: 'upgrade',
    group: 'Requests',
    summary: "bring a subscriber's stack to another build, encryption or parameters",
    details: [
      'A change set is looked at before the stack is changed: what would replace or remove the bucket, the table or the role is refused, unless the request allows it.',
    ],
    words: [{ name: 'REQUEST.json', optional: true }],
    options: { plan, diff, fault },
    target: 'deployment',
    inTour: true,
    examples: ['upgrade upgrade-encryption.json --stage prod'],
    onFailure: brokenOff,
    run: async (given, session) => (await import('./commands/send.ts')).send('upgrade-subscriber', given, session),
  }),
  defineCommand({
    name: 'add-user',
    group: 'Requests',
    summary: 'add users under a subscriber',
    words: [{ name: 'REQUEST.json', optional: true }],
    options: { plan, diff, fault },
    target: 'deployment',
    inTour: true,
    examples: ['add-user add-user-team.json --stage prod'],
    onFailure: brokenOff,
    run: async (given, session) => (await import('./commands/send.ts')).send('add-user', given, session),
  }),
  defineCommand({
    name: 'offboard',
    group: 'Requests',
    summary: "remove a subscriber's access, stack and record",
    details: [
      'In a terminal the command asks for the name of the subscriber. Without one it needs --confirm, with the same name. In a throw-away sandbox nothing is asked.',
    ],
    words: [{ name: 'REQUEST.json', optional: true }],
    options: {
      confirm: {
        type: 'string',
        value: 'USERNAME',
        help: 'the subscriber that the request is for, in place of the question',
      },
      plan,
      diff,
      fault,
    },
    target: 'deployment',
    inTour: true,
    examples: ['offboard offboard-acme.json --confirm acme --stage prod'],
    onFailure: brokenOff,
    run: async (given, session) => (await import('./commands/send.ts')).send('offboard-subscriber', given, session),
  }),
  defineCommand({
    name: 'plan',
    group: 'Requests',
    summary: 'show what a request would do, with no effect',
    details: [
      'It makes all checks that the first step makes, and shows everything that is wrong (exit status 2). The hash at the end is for --plan of the other commands: these refuse to start a request that would do something else by then.',
    ],
    words: [{ name: 'REQUEST.json', optional: true }],
    options: {
      operation: {
        type: 'string',
        value: 'COMMAND',
        choices: ['onboard', 'update', 'upgrade', 'add-user', 'offboard'],
        help: "the command that the request is for: onboard, update, upgrade, add-user or offboard (default: that of the file's $schema, else onboard)",
      },
      diff,
    },
    target: 'deployment',
    inTour: true,
    examples: ['plan acme.json --stage prod', 'plan offboard-acme.json --operation offboard --stage prod'],
    onFailure: () => ({ hash: null }),
    run: async (given, session) => (await import('./commands/plan.ts')).plan(given, session),
  }),
  defineCommand({
    name: 'list',
    group: 'What there is',
    summary: 'list the subscribers, with how they stand',
    details: [
      'What is given must hold of each one, and one of several --status. Statuses are as the registry has them: it learns of the end of an execution some seconds after Step Functions.',
      'By name, which is the order if none is given, --jsonl prints each subscriber as soon as it is read.',
    ],
    words: [],
    options: {
      status: {
        type: 'string',
        multiple: true,
        value: 'STATUS',
        choices: statusSchema.options,
        help: `only those of this status: ${statusSchema.options.join(', ')}; may be repeated`,
      },
      'older-than': {
        type: 'string',
        value: 'TIME',
        help: 'only those that were changed so long ago: 90m, 2h, 3d, 1w',
      },
      'newer-than': { type: 'string', value: 'TIME', help: 'only those that were changed since' },
      account: { type: 'string', value: 'ID', help: 'only those whose stack is in this account' },
      key: { type: 'string', value: 'ARN', help: 'only those whose role may use this KMS key' },
      sort: {
        type: 'string',
        value: 'ORDER',
        choices: ['name', 'updated', 'status'],
        help: 'name, updated (the latest first) or status',
      },
      limit: { type: 'string', value: 'N', help: 'at most so many' },
      jsonl: { type: 'boolean', help: 'print one JSON document a line' },
    },
    target: 'deployment',
    examples: ['list --stage prod', 'list --status FAILED --newer-than 2d --sort updated --stage prod'],
    onFailure: () => ({ subscribers: null }),
    run: async (given, session) => (await import('./commands/list.ts')).list(given, session),
  }),
  defineCommand({
    name: 'status',
    group: 'What there is',
    summary: 'show what exists of a subscriber, its latest request, and all its attempts',
    words: [userName],
    options: {},
    target: 'deployment',
    examples: ['status acme --stage prod'],
    onFailure: (_session, [userName = null]) => ({ userName, status: null }),
    run: async ({ words }, session) => (await import('./commands/status.ts')).status(words, session),
  }),
  defineCommand({
    name: 'watch',
    group: 'What there is',
    summary: 'show each change of what runs, or of one subscriber until its execution is over',
    details: [
      'In a terminal, all that runs is shown in place; elsewhere each change is a line. With --json each change is a JSON document in a line. Without a name it goes on until Ctrl-C, which stops nothing else.',
      'It looks every two seconds, and less often while much runs or AWS refuses calls for their rate.',
    ],
    words: [{ ...userName, optional: true }],
    options: { once: { type: 'boolean', help: 'look once, and end' } },
    target: 'deployment',
    examples: ['watch --stage prod', 'watch acme --stage prod'],
    jsonLines: true,
    onFailure: (session) => ({ executionArn: session?.executionArn ?? null }),
    run: async (given, session) => (await import('./commands/watch.ts')).watch(given, session),
  }),
  defineCommand({
    name: 'key-policies',
    group: 'What there is',
    summary: 'show the room on a KMS key, and list its policies that were kept before the onboarding changed them',
    words: [
      {
        name: 'KEY-ARN',
        refuse: (text) =>
          parseKeyArn(text) === undefined ? 'the ARN of a KMS key (arn:<partition>:kms:…:key/…)' : undefined,
      },
    ],
    options: {
      show: { type: 'string', value: 'ID', help: 'print one of them, and how it differs from the policy in force' },
      restore: { type: 'string', value: 'ID', help: 'restore its statements; onboarded subscribers keep their access' },
    },
    target: 'deployment',
    examples: [
      'key-policies $KEY_ARN --stage prod',
      "key-policies $KEY_ARN --restore '2026-11-30T10:00:00.000Z#…' --stage prod",
    ],
    onFailure: (_session, [keyArn = null]) => ({ keyArn }),
    run: async (given, session) => (await import('./commands/key-policies.ts')).keyPolicies(given, session),
  }),
  defineCommand({
    name: 'quotas',
    group: 'What there is',
    summary: 'show what AWS still lets each account have, and how many subscribers fit',
    details: [
      'Which quotas a subscriber takes something of is the param stackUses. --region is that of the stage, as everywhere.',
    ],
    words: [],
    options: {
      account: { type: 'string', value: 'ID', help: 'only this account' },
      'stack-region': { type: 'string', value: 'REGION', help: 'only stacks and keys in this Region' },
    },
    target: 'deployment',
    examples: ['quotas --stage prod', 'quotas --account 222222222222 --stage prod'],
    onFailure: () => ({ accounts: null, keys: null }),
    run: async (given, session) => (await import('./commands/quotas.ts')).quotas(given, session),
  }),
  defineCommand({
    name: 'api',
    group: 'Requests',
    summary: 'send one request to the HTTP API, signed',
    details: [
      'As curl does with --aws-sigv4, but with the credentials and the address of the target. The routes, and the rights that they need, are in docs/api.md. An answer of 400 or 422 ends it with status 2, any other refusal with 1.',
    ],
    words: [
      {
        name: 'METHOD',
        choices: ['GET', 'POST', 'PATCH', 'DELETE'],
        refuse: (text) => (/^(GET|POST|PATCH|DELETE)$/.test(text) ? undefined : 'GET, POST, PATCH or DELETE'),
      },
      { name: 'PATH', refuse: (text) => (text.startsWith('/') ? undefined : 'a PATH such as /subscribers') },
    ],
    options: {
      body: { type: 'string', value: 'FILE', help: 'the body of the request; - for standard input' },
      'idempotency-key': {
        type: 'string',
        value: 'KEY',
        help: 'the Idempotency-Key: with it a request can be repeated safely',
      },
    },
    target: 'deployment',
    examples: [
      'api GET /subscribers/acme --stage prod',
      'api POST /subscribers --body acme.json --idempotency-key build-42 --stage prod',
    ],
    run: async (given, session) => (await import('./commands/api.ts')).api(given, session),
  }),
  defineCommand({
    name: 'template',
    group: 'What there is',
    summary: "print the hash and the parameters of the vendor's template of a build, to compare and to pin them",
    details: ['Without --endpoint it reads the template from S3 in AWS. That of a sandbox is a stand-in.'],
    words: [
      {
        name: 'BUILD',
        optional: true,
        refuse: (text) => (v.is(buildSchema, text) ? undefined : 'a build such as 2.3.72'),
      },
    ],
    options: {
      url: { type: 'string', value: 'URL', help: 'read the template at URL, also one that is signed beforehand' },
    },
    target: 'optional',
    examples: ['template 2.3.72'],
    onFailure: () => ({ sha256: null }),
    run: async (given, session) => (await import('./commands/template.ts')).template(given, session),
  }),
  defineCommand({
    name: 'logs',
    group: 'Failures',
    summary: "print what the functions have logged for a subscriber's latest execution, in order",
    details: [
      'Lines are there some seconds after they were written. Those that name no execution, such as what Lambda itself writes, are not shown.',
    ],
    words: [userName],
    options: {
      execution: {
        type: 'string',
        value: 'NAME',
        help: 'an earlier execution of the subscriber, as `status` lists them',
      },
      since: { type: 'string', value: 'TIME', help: 'only lines of the last while: 30m, 2h' },
      step: { type: 'string', value: 'STEP', help: 'only lines of this state, or of its function' },
      jsonl: { type: 'boolean', help: 'print one JSON document a line' },
    },
    target: 'deployment',
    examples: ['logs acme --stage prod', 'logs acme --step PatchKeyPolicy --jsonl --stage prod'],
    onFailure: () => ({ executionArn: null, lines: null }),
    run: async (given, session) => (await import('./commands/logs.ts')).logs(given, session),
  }),
  defineCommand({
    name: 'retry',
    group: 'Failures',
    summary: 'send the request of the latest recorded attempt again, if that failed',
    details: ['A request that was rejected in its first step is not recorded: send its file again.'],
    words: [userName],
    options: { diff },
    target: 'deployment',
    examples: ['retry acme --stage prod'],
    onFailure: brokenOff,
    run: async (given, session) => (await import('./commands/retry.ts')).retry(given, session),
  }),
  defineCommand({
    name: 'redrive',
    group: 'Failures',
    summary: 'continue the latest execution of a subscriber at the state that failed',
    details: [
      'Where a retry is the right way, because the state cannot succeed when it is repeated, it says so, and does nothing.',
    ],
    words: [
      {
        name: 'USERNAME|EXECUTION-ARN',
        refuse: (text) =>
          v.is(userNameSchema, text) || isExecutionArn(text)
            ? undefined
            : 'the userName of a subscriber, or the ARN of an execution',
      },
    ],
    options: { diff },
    target: 'deployment',
    examples: ['redrive acme --stage prod'],
    onFailure: brokenOff,
    run: async (given, session) => (await import('./commands/redrive.ts')).redrive(given, session),
  }),
  defineCommand({
    name: 'fault',
    group: 'Failures',
    summary: 'make calls in a running sandbox fail, to rehearse the runbook',
    details: [
      "A FAULT is service:Operation:kind[:times]; times is 1 by default. Kinds: throttle, error=NAME, delay=MILLISECONDS, drop (the answer is lost), kill (the function dies), stale (a read returns its previous answer); for events lose, repeat, late; for functions (lambda:create-subscriber) freeze, which lets their connections die unnoticed before the next invocation. InfinStor's errors are HTTP statuses, LoginExpired and EndpointTimedOut (504 after the effect).",
    ],
    words: [{ name: 'FAULT', optional: true, several: true }],
    options: {
      list: { type: 'boolean', help: 'list the faults that have not happened yet' },
      clear: { type: 'boolean', help: 'remove them' },
    },
    target: 'deployment',
    examples: ['fault kms:PutKeyPolicy:throttle:2 --endpoint http://127.0.0.1:4566'],
    onFailure: () => ({ faults: null }),
    run: async (given, session) => (await import('./commands/fault.ts')).faults(given, session),
  }),
  defineCommand({
    name: 'init',
    group: 'Stages',
    summary: 'make the file of a stage from an InfinStor service and a build of its template',
    details: [
      'It asks the service for its version, reads the template, pins its hash, and proposes which parameters of the template get what, with how sure that is. In a terminal it asks for what is missing or unsure. Without one it asks nothing and lists what is missing, each with its option.',
      'PART is a part of the param templateParameters: subscriber, customToken, artifacts.<choice>, tracking.<choice> or boundary. Its value is PARAMETER=VALUE,…; none, where the template does not offer it; or defaults, where nothing is set. subscriber.PARAMETER=VALUE sets one parameter for every subscriber.',
    ],
    words: [{ name: 'STAGE' }],
    isOfStage: true,
    options: {
      url: { type: 'string', value: 'URL', help: 'the InfinStor service, https://mlflow.<your service>' },
      build: { type: 'string', value: 'BUILD', help: 'the build of the template; default: that of stages/default.yml' },
      'template-url': {
        type: 'string',
        value: 'URL',
        help: 'read the template there, also at one that is signed beforehand',
      },
      param: { type: 'string', multiple: true, value: 'NAME=VALUE', help: 'a param of the stage; may be repeated' },
      map: {
        type: 'string',
        multiple: true,
        value: 'PART=VALUE',
        help: "a part of the map of the template's parameters; may be repeated",
      },
      'superadmin-user-name': {
        type: 'string',
        value: 'NAME',
        help: 'the user name of the superadmin, as in its secret',
      },
      force: { type: 'boolean', help: 'replace the file of the stage, if there is one' },
    },
    target: 'optional',
    examples: [
      'init prod --url https://mlflow.acme.example --build 2.3.72 --region us-east-1',
      'init dev --endpoint http://127.0.0.1:4566',
    ],
    onFailure: () => ({ stage: null, file: null, params: null, map: [], questions: [], template: null, next: [] }),
    run: async (given, session) => (await import('./commands/init.ts')).init(given, session),
  }),
  defineCommand({
    name: 'deploy',
    group: 'Stages',
    summary: 'package a stage, deploy it, and look at it as doctor does',
    details: [
      'It runs in a clone of the project: it checks the params in stages/<stage>.yml and what is packaged, and deploys nothing when a check fails. With --endpoint it deploys into a running sandbox.',
    ],
    words: [{ name: 'STAGE', optional: true }],
    isOfStage: true,
    options: { 'dry-run': { type: 'boolean', help: 'package the stage, and deploy nothing' } },
    target: 'deployment',
    examples: ['deploy prod --profile ops', 'deploy dev --endpoint http://127.0.0.1:4566'],
    onFailure: () => ({ stage: null, deployed: false, checks: [], outputs: null }),
    run: async (given, session) => (await import('./commands/stages/deploy.ts')).deploy(given, session),
  }),
  defineCommand({
    name: 'doctor',
    group: 'Stages',
    summary: 'look at a stage as it is, and say what is wrong and what mends it',
    details: [
      'Nothing is changed, but that the superadmin is logged in when it is not; a password is tried no more often than onboardings would. What these credentials may not look at is a warning with the permission that is missing.',
    ],
    words: [{ name: 'STAGE', optional: true }],
    isOfStage: true,
    options: {
      key: {
        type: 'string',
        multiple: true,
        value: 'ARN',
        help: 'a KMS key that is to be used, beside those that are; may be repeated',
      },
    },
    target: 'deployment',
    examples: ['doctor --stage prod', 'doctor prod --json'],
    onFailure: () => ({ checks: [] }),
    run: async (given, session) => (await import('./commands/stages/doctor.ts')).doctor(given, session),
  }),
  defineCommand({
    name: 'rebuild-registry',
    group: 'Stages',
    summary: 'write into the registry what it has lost, from secrets, stacks and key policies',
    details: [
      'For a registry that was restored to an earlier time, or is empty. It shows what it would write; in a terminal it asks for the name of the stage then, and elsewhere it writes with --confirm only. Nothing but the registry is changed, an item only if nobody has written it since, and a second time nothing. It refuses while an execution runs.',
      'What AWS does not show stays lost: e-mail addresses, attempts with their errors, policies that were kept, the spelling of users, and what offboardings have left (docs/deploying.md, "Restore the registry").',
    ],
    words: [{ name: 'STAGE', optional: true }],
    isOfStage: true,
    options: {
      confirm: { type: 'string', value: 'STAGE', help: 'the stage, in place of the question' },
      also: {
        type: 'string',
        multiple: true,
        value: 'ACCOUNT/REGION[=PROFILE]',
        help: 'another account or Region that has stacks, with the profile of its credentials; may be repeated',
      },
    },
    target: 'deployment',
    examples: ['rebuild-registry prod', 'rebuild-registry prod --also 222222222222/eu-west-1=ops-eu --confirm prod'],
    onFailure: () => ({ stage: null, written: null, changes: [], left: [] }),
    run: async (given, session) =>
      (await import('./commands/stages/rebuild-registry.ts')).rebuildRegistry(given, session),
  }),
  defineCommand({
    name: 'remove',
    group: 'Stages',
    summary: 'remove the deployment of a stage; data and secrets stay',
    details: [
      'In a terminal the command asks for the name of the stage. Without one it needs --confirm, with the same name. It refuses while there are subscribers who are not offboarded. It runs in a clone of the project.',
    ],
    words: [{ name: 'STAGE', optional: true }],
    isOfStage: true,
    options: {
      confirm: { type: 'string', value: 'STAGE', help: 'the stage, in place of the question' },
      'with-subscribers-left': {
        type: 'boolean',
        help: 'also while there are subscribers, whom nobody then offboards; their roles keep the permissions boundary from being deleted',
      },
    },
    target: 'deployment',
    examples: ['remove dev --confirm dev'],
    onFailure: () => ({ stage: null, stays: [] }),
    run: async (given, session) => (await import('./commands/stages/remove.ts')).remove(given, session),
  }),
  defineCommand({
    name: 'completion',
    group: 'This command',
    summary: 'print the completion for a shell',
    words: [
      {
        name: 'SHELL',
        choices: ['bash', 'zsh', 'fish'],
        refuse: (text) => (/^(bash|zsh|fish)$/.test(text) ? undefined : 'bash, zsh or fish'),
      },
    ],
    options: {},
    target: 'none',
    examples: ['completion bash > ~/.local/share/bash-completion/completions/infinstor-onboarding'],
    run: async ({ words }) => (await import('./commands/completion.ts')).completion(words, commandTable),
  }),
  defineCommand({
    name: 'version',
    group: 'This command',
    summary: 'print the version',
    words: [],
    options: {},
    target: 'none',
    examples: ['version'],
    run: async () => (await import('./commands/version.ts')).version(),
  }),
];

/** The document of a request that the command could not begin, or follow to its end. */
function brokenOff(session: { executionArn: string | null } | undefined): object {
  return {
    executionArn: session?.executionArn ?? null,
    durationMs: 0,
    transitions: 0,
    output: null,
    credentialsSecretId: null,
    keyPolicies: {},
    history: [],
  };
}
