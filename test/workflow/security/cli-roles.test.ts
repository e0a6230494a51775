import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../../cli/view/report.ts';
import { account } from '../../../sandbox/core/account.ts';
import { type CliCall, callsOf, policyOf, type Role, roles, uses, usesOf } from '../../../scripts/cli-permissions.ts';
import { casesInScope } from '../../scope.ts';
import { runCommand } from '../command-line.ts';
import { eventually, hold, newKey, onboard, requestWithKey, run, startOnboarding, useSandbox } from '../sandbox.ts';
import { fault, loseRecord, newName, onboarded } from '../subscriber.ts';

const sandbox = useSandbox();
const folder = mkdtempSync(join(tmpdir(), 'requests-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The subscriber that is read, updated and given users, and its key. */
const steady = { userName: 'steady', keyArn: '' };
beforeAll(async () => {
  steady.keyArn = newKey(sandbox());
  await onboarded(sandbox(), requestWithKey(steady.userName, steady.keyArn));
});

let files = 0;
function file(request: object): string {
  files += 1;
  const path = join(folder, `${files}.json`);
  writeFileSync(path, JSON.stringify(request));
  return path;
}

const newRequest = () => requestWithKey(newName('roles'), newKey(sandbox()));
const leaving = (userName: string) => ({ subscriber: { userName }, confirm: userName });

/** Of a subscriber of its own, an execution that failed and can be both redriven and retried. */
async function failed(operation: 'onboard-subscriber' | 'offboard-subscriber'): Promise<string> {
  const request = newRequest();
  const { userName } = request.subscriber;
  if (operation === 'offboard-subscriber') await onboarded(sandbox(), request);
  fault(sandbox(), 'kms:PutKeyPolicy:error=AccessDeniedException');
  const report: Report =
    operation === 'onboard-subscriber'
      ? await onboard(sandbox(), request)
      : await run(sandbox(), operation, leaving(userName));
  expect(report.error?.name).toBe('AccessDeniedException');
  await sandbox().clock.quiet();
  return userName;
}

let mails = 0;
const subscriber = () => ({ userName: steady.userName, emailId: `mail-${++mails}@example.com` });

/** The words of each way to use a command, in a state of its own where the command changes it. */
const lines: Readonly<Record<string, () => string[] | Promise<string[]>>> = {
  onboard: () => ['onboard', file(newRequest())],
  update: () => ['update', file({ subscriber: subscriber() })],
  upgrade: () => [
    'upgrade',
    file({ subscriber: { userName: steady.userName }, encryption: { artifacts: { type: 'sse-s3' } } }),
  ],
  'add-user': () => [
    'add-user',
    file({ subscriber: { userName: steady.userName }, users: [{ ...subscriber(), userName: newName('user') }] }),
  ],
  async offboard() {
    const request = newRequest();
    await onboarded(sandbox(), request);
    const { userName } = request.subscriber;
    return ['offboard', file(leaving(userName)), '--confirm', userName];
  },
  async 'onboard, `--plan`'() {
    const request = file(newRequest());
    const { document } = await runCommand(['plan', request, '--stage', 'sandbox'], environmentOf('reader'));
    const { hash } = v.parse(v.object({ hash: v.string() }), document);
    return ['onboard', request, '--plan', hash];
  },
  plan: () => ['plan', file(newRequest())],
  list: () => ['list'],
  quotas: () => ['quotas'],
  status: () => ['status', steady.userName],
  // Something must run, which waits until the test is over.
  async 'watch, all that runs'() {
    hold(sandbox(), 'iam', 'GetRole');
    await startOnboarding(sandbox(), newRequest());
    await eventually(sandbox(), () => expect(sandbox().faults.left()).toBe(0));
    return ['watch', '--once'];
  },
  'watch, one subscriber': () => ['watch', steady.userName],
  'key-policies': () => ['key-policies', steady.keyArn],
  'key-policies, `--restore`': async () => {
    const { document } = await runCommand(['key-policies', steady.keyArn], environmentOf('operator'));
    const [, id = ''] = /"id":"([^"]+)"/.exec(JSON.stringify(document)) ?? [];
    return ['key-policies', steady.keyArn, '--restore', id];
  },
  doctor: () => ['doctor'],
  logs: () => ['logs', steady.userName],
  // One record is lost.
  async 'rebuild-registry'() {
    const request = newRequest();
    await onboarded(sandbox(), request);
    await loseRecord(sandbox(), request.subscriber.userName);
    return ['rebuild-registry', '--confirm', 'sandbox'];
  },
  retry: async () => ['retry', await failed('onboard-subscriber')],
  'retry, an offboarding': async () => ['retry', await failed('offboard-subscriber')],
  redrive: async () => ['redrive', await failed('onboard-subscriber')],
  'redrive, an offboarding': async () => ['redrive', await failed('offboard-subscriber')],
};

type Use = (typeof uses)[number];
const nameOf = ({ command, when }: Use) => (when === undefined ? command : `${command}, ${when}`);

async function lineOf(use: Use): Promise<string[]> {
  const words = await (lines[nameOf(use)] ?? (() => expect.fail(`${nameOf(use)} has no line here`)))();
  return [...words, '--stage', 'sandbox'];
}

/** What a shell has in which a user with a policy has logged in. */
function environmentWith(calls: readonly CliCall[]): Record<string, string> {
  const text = JSON.stringify(policyOf(calls))
    .replaceAll('<account>', account.accountId)
    .replaceAll('<region>', account.region)
    .replaceAll('<stage>', 'sandbox');
  const { iam, endpoint } = sandbox();
  const { arn } = iam.createUser({
    userName: newName('person'),
    policies: [{ name: 'own', document: JSON.parse(text) }],
  });
  const { accessKeyId, secretAccessKey } = iam.credentials(arn, 'shell');
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: account.region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
}

const environmentOf = (role: Role) => environmentWith(callsOf(role));

/** What persons were denied since. */
function denialsSince(start: number): string[] {
  return sandbox()
    .denials()
    .slice(start)
    .filter(({ principalArn }) => principalArn.includes(':user/person-'))
    .map(({ action }) => action);
}

/** What a role may not begin, and the action that it lacks. */
const refused = [
  ['reader', 'onboard', 'states:StartExecution'],
  ['reader', 'key-policies, `--restore`', 'lambda:InvokeFunction'],
  ['reader', 'redrive', 'states:RedriveExecution'],
  ['operator', 'offboard', 'states:StartExecution'],
  ['operator', 'retry, an offboarding', 'states:StartExecution'],
  ['operator', 'redrive, an offboarding', 'states:RedriveExecution'],
  ['offboarder', 'onboard', 'states:StartExecution'],
  ['offboarder', 'update', 'states:StartExecution'],
  ['offboarder', 'retry', 'states:StartExecution'],
] as const satisfies [Role, string, string][];

/** Usually each use by those whom it is for first of all; of what sends a request, one for each role. */
const enough = roles.flatMap((role) => usesOf(role).map((use) => ({ role, use })));
const isUsual = ({ role, use }: (typeof enough)[number]) =>
  use.role === role && !/^(update|upgrade|add-user|retry|redrive)|--plan/.test(nameOf(use));

describe('the policy', () => {
  it.each(casesInScope(enough, enough.filter(isUsual)).map(({ role, use }) => [role, nameOf(use), use] as const))(
    'of %s is enough for %s',
    async (role, _, use) => {
      const line = await lineOf(use);
      const start = sandbox().denials().length;
      expect(await runCommand(line, environmentOf(role))).toMatchObject({ status: 0 });
      expect(denialsSince(start)).toEqual([]);
    },
  );

  it.each(
    casesInScope(
      refused,
      refused.filter(([, name]) => !/^re/.test(name)),
    ),
  )('of %s is not enough for %s, which begins nothing', async (role, name, action) => {
    const use = uses.find((each) => nameOf(each) === name) ?? expect.fail(name);
    // Since it is refused, it may be for the steady one.
    const line =
      name === 'offboard'
        ? ['offboard', file(leaving(steady.userName)), '--confirm', steady.userName, '--stage', 'sandbox']
        : await lineOf(use);
    const executions = () =>
      sandbox()
        .states.executions()
        .map(({ executionArn, status }) => ({ executionArn, status }));
    const before = executions();
    await expect(runCommand(line, environmentOf(role))).rejects.toMatchObject({
      name: expect.stringMatching(/^AccessDenied/),
      message: expect.stringContaining(action),
    });
    expect(executions()).toEqual(before);
  });
});

/** Each use with each of its calls; usually each action of a reader once. */
const takenAway = uses
  .toSorted((one, other) => Number(one.role === 'reader') - Number(other.role === 'reader'))
  .flatMap((use) => use.calls.filter(({ where }) => where === undefined).map((call) => ({ use, call })));
const ofReaders = takenAway.filter(({ use }) => use.role === 'reader');
const usuallyTaken = [...new Map(ofReaders.map((each) => [each.call.action, each])).values()];
const judged = casesInScope(takenAway, usuallyTaken);

describe.each(judged.map((each) => [each.call.action, nameOf(each.use), each] as const))(
  'without %s, %s',
  (action, _, { use, call }) => {
    it(call.degrades === true ? 'goes on, and says what it could not read' : 'fails, and names it', async () => {
      const line = await lineOf(use);
      const environment = environmentWith(use.calls.filter((each) => each.action !== action));
      const start = sandbox().denials().length;
      const running = runCommand(line, environment);
      if (call.degrades === true) {
        const { text, status } = await running;
        expect(status).toBe(0);
        expect(text).toMatch(new RegExp(`(could not|cannot) be read|(not authorized to perform:|lack) ${action}`));
      } else {
        await expect(running).rejects.toMatchObject({
          name: expect.stringMatching(/^AccessDenied/),
          message: expect.stringContaining(action),
          remedy: expect.stringContaining('docs/cli.md'),
        });
      }
      expect(new Set(denialsSince(start))).toEqual(new Set([action]));
    });
  },
);
