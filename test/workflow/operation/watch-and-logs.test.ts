import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { list } from '../../../cli/commands/list.ts';
import { logs } from '../../../cli/commands/logs.ts';
import { watch } from '../../../cli/commands/watch.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { sessionOn } from '../../unit/cli/commands/deployed.ts';
import {
  ended,
  eventually,
  hold,
  newKey,
  onboard,
  requestFor,
  requestWithKey,
  run,
  spoken,
  startOnboarding,
  useSandbox,
} from '../sandbox.ts';
import { fault } from '../subscriber.ts';

const sandbox = useSandbox();
const prefix = 'infinstor-onboarding-sandbox-';

/** A session on the sandbox; what it shows is looked through for secrets in the end. */
function session(json = false) {
  const made = sessionOn({}, json, { kind: 'endpoint', url: sandbox().endpoint, stage: 'sandbox' });
  const heard = <Outcome extends { document: object; text: string }>(outcome: Outcome): Outcome => {
    spoken.push(JSON.stringify(outcome.document), outcome.text, made.shown(), JSON.stringify(made.printed));
    return outcome;
  };
  return { ...made, heard };
}

const documentSchema = v.object({
  executionArn: v.string(),
  missingLogGroups: v.array(v.string()),
  lines: v.array(v.looseObject({ function: v.string(), timestamp: v.string(), message: v.string() })),
});
async function linesOf(userName: string, options: Parameters<typeof logs>[0]['options'] = {}) {
  const { session: at, heard } = session();
  const now = new Date(sandbox().clock.now());
  const { document } = heard(await logs({ words: [userName], options }, at, now));
  return v.parse(documentSchema, document);
}

/** The functions in whose files there is a line about an execution, but for those that only read. */
function functionsThatLogged(executionArn: string | null): string[] {
  const { logFolder } = sandbox();
  const logged = readdirSync(logFolder).filter((file) =>
    readFileSync(join(logFolder, file), 'utf8').includes(`"executionArn":"${executionArn}"`),
  );
  const names = logged.map((file) => file.replace(prefix, '').replace(/\.log$/, ''));
  return names.filter((name) => name !== 'get-subscriber').toSorted();
}

/** Time that passes when the test says so: what is done instead of each wait. */
const steps = (...all: (() => Promise<unknown>)[]) => ({
  now: () => new Date(sandbox().clock.now()),
  async wait() {
    const step = all.shift();
    await step?.();
    return step !== undefined;
  },
});

describe('of an execution that has failed', () => {
  it('logs has the lines of all functions that have logged for it, in their order, on all pages; watch and list have its error', async () => {
    fault(sandbox(), 'infinstor:register:error=503');
    const failed = await onboard(sandbox(), requestFor('logged'));
    // It is invoked by an event.
    await eventually(sandbox(), () => expect(functionsThatLogged(failed.executionArn)).toContain('record-failure'));
    await sandbox().clock.quiet();
    const { executionArn, lines, missingLogGroups } = await linesOf('logged');
    expect(executionArn).toBe(failed.executionArn);
    expect(missingLogGroups).toEqual([]);
    expect([...new Set(lines.map((line) => line.function))].toSorted()).toEqual(functionsThatLogged(executionArn));
    expect(lines.map(({ timestamp }) => timestamp)).toEqual(lines.map(({ timestamp }) => timestamp).toSorted());
    expect(lines.map((line) => line.function)).toEqual(
      expect.arrayContaining(['await-stack', 'resume-on-stack-event']),
    );

    const file = join(sandbox().logFolder, `${prefix}accept-request.log`);
    const timestamp = new Date(Date.parse(lines.at(-1)?.timestamp ?? '') + 1).toISOString();
    const other = { level: 'INFO', message: 'other', timestamp, executionArn: 'x' };
    const own = { ...other, message: 'the last one', executionArn };
    appendFileSync(file, `${`${JSON.stringify(other)}\n`.repeat(250)}${JSON.stringify(own)}\n`);
    const after = await linesOf('logged');
    expect(after.lines).toHaveLength(lines.length + 1);
    expect(after.lines.at(-1)).toMatchObject({ message: 'the last one', function: 'accept-request' });

    const { session: at, shown, heard } = session();
    const { status, text } = heard(await watch({ words: ['logged'], options: {} }, at, steps()));
    expect(status).toBe(1);
    expect(shown()).toMatch(/ {2}logged {2}onboard-subscriber {2}failed in WaitForStack: StackFailed after/);
    expect(text).toMatch(/Reason +StackFailed: [\s\S]*Next +infinstor-onboarding retry logged/);
    expect((await list({ options: { status: ['FAILED'] } }, at)).document).toMatchObject({
      subscribers: [{ userName: 'logged', error: { name: 'StackFailed', step: 'WaitForStack' } }],
    });
  });
});

describe('of executions that have succeeded', () => {
  it('logs has the lines of one state, of an earlier one, and of the last while, as long as Step Functions knows it; watch has success', async () => {
    const first = await onboard(sandbox(), requestFor('twice'));
    await run(sandbox(), 'update-subscriber', { subscriber: { userName: 'twice', emailId: 'new@example.com' } });
    const execution = (first.executionArn ?? '').split(':').at(-1) ?? '';
    const functionsOf = async (options: Parameters<typeof linesOf>[1]) => [
      ...new Set((await linesOf('twice', options)).lines.map((line) => line.function)),
    ];
    expect(await functionsOf({})).toContain('accept-update');
    expect(await functionsOf({ execution })).toContain('accept-request');
    expect(await functionsOf({ execution, step: 'WaitForStack' })).toEqual(['await-stack']);
    expect(await functionsOf({ execution, step: 'deploy-stack' })).toEqual(['deploy-stack']);
    await expect(linesOf('twice', { execution: 'x' })).rejects.toThrow(/has no execution x; its attempts are twice-/);
    await expect(linesOf('twice', { step: 'X' })).rejects.toThrow(/has no step X; it has AcceptUpdate, accept-update/);

    const { session: at, printed, heard } = session(true);
    expect(heard(await watch({ words: ['twice'], options: {} }, at, steps()))).toMatchObject({ status: 0 });
    expect(printed.at(0)).toMatchObject({ change: 'started', operation: 'update-subscriber' });
    expect(printed.at(-2)).toMatchObject({ change: 'succeeded' });
    expect(printed.at(-1)).toMatchObject({ change: 'over', status: 'SUCCEEDED', error: null });

    sandbox().clock.advance(2 * 60 * 60_000);
    expect(await functionsOf({ since: '1h' })).toEqual([]);
    expect(await functionsOf({ since: '3h' })).toContain('accept-update');
    sandbox().clock.advance(91 * 24 * 60 * 60_000);
    await expect(linesOf('twice')).rejects.toMatchObject({
      name: 'ExecutionDoesNotExist',
      remedy: expect.stringContaining(`/aws/lambda/${prefix}*`),
    });
    await expect(watch({ words: ['twice'], options: {} }, at, steps())).rejects.toMatchObject({
      name: 'ExecutionDoesNotExist',
    });
  });
});

describe('logs', () => {
  it.each([
    [':*', true],
    ['', false],
  ])('needs logs:FilterLogEvents on log groups, whose ARNs end with %j: %s', async (end, isAllowed) => {
    const accessKey = {
      accessKeyId: `AKIALOGS${isAllowed}`.padEnd(20, 'X').toUpperCase(),
      secretAccessKey: 'worth-nothing',
    };
    const Resource = `arn:aws:logs:us-east-1:111111111111:log-group:/aws/lambda/${prefix}obtain-token${end}`;
    const Statement = [{ Effect: 'Allow', Action: 'logs:FilterLogEvents', Resource }];
    sandbox().iam.createUser({
      userName: `reader-${isAllowed}`,
      policies: [{ name: 'logs', document: { Version: '2012-10-17', Statement } }],
      accessKey,
    });
    const client = new CloudWatchLogsClient({ ...operatorAt(sandbox().endpoint), credentials: accessKey });
    const read = client.send(new FilterLogEventsCommand({ logGroupName: `/aws/lambda/${prefix}obtain-token` }));
    if (isAllowed) expect((await read).events).toEqual(expect.any(Array));
    else await expect(read).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });
});

describe('watch and list', () => {
  it('show an onboarding that runs, and its end', async () => {
    const keyArn = newKey(sandbox());
    const release = hold(sandbox(), 'kms', 'PutKeyPolicy');
    const { executionArn } = await startOnboarding(sandbox(), requestWithKey('watched', keyArn));
    await eventually(sandbox(), () => {
      const [entered] = sandbox()
        .states.execution(executionArn)
        .history.filter((event) => /PatchKeyPolicy/.test(JSON.stringify(event)));
      expect(entered).toBeDefined();
    });
    const { session: at, shown, heard } = session();
    const outcome = await watch(
      { words: [], options: {} },
      at,
      steps(async () => {
        const once = session();
        const { text } = once.heard(await watch({ words: [], options: { once: true } }, once.session, steps()));
        expect(text).toMatch(/1 running at .*\n.*\nwatched +onboard-subscriber +PatchKeyPolicy /);
        const listed = once.heard(await list({ options: { status: ['ONBOARDING'] } }, once.session));
        expect(listed.document).toMatchObject({ subscribers: [{ userName: 'watched', executionArn }] });
        release();
        await ended(sandbox(), executionArn);
      }),
    );
    heard(outcome);
    const lines = shown()
      .trimEnd()
      .split('\n')
      .map((line) => line.split('  ').slice(1).join(' '));
    expect(lines.slice(1)).toEqual([
      'watched onboard-subscriber PatchKeyPolicy',
      'watched onboard-subscriber VerifySubscriber',
      'watched onboard-subscriber CompleteOnboarding',
      expect.stringMatching(/^watched onboard-subscriber succeeded after/),
    ]);
  });

  it('do not know who is no subscriber', async () => {
    const { session: at } = session();
    await expect(watch({ words: ['nobody'], options: {} }, at, steps())).rejects.toMatchObject({
      name: 'SubscriberNotFound',
    });
    await expect(linesOf('nobody')).rejects.toMatchObject({ name: 'SubscriberNotFound' });
  });
});
