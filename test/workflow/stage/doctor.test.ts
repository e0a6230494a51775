import { DisableKeyCommand, EnableKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { DeleteSecretCommand, RestoreSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Target } from '../../../cli/target/target.ts';
import { account, fixtures, otherAccount } from '../../../sandbox/core/account.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { accounts, forwardEvents, setUpOtherAccount } from '../../../tools/permissions/other-account.ts';
import { casesInScope } from '../../scope.ts';
import { accountsPackage } from '../accounts/elsewhere.ts';
import { alarmName, withAlarms } from '../operation/alarms/alarmed.ts';
import { newKey, onboard, putSecret, requestWithKey, useSandbox } from '../sandbox.ts';
import { callsOf, fault } from '../subscriber.ts';
import { looksAt } from './looking.ts';

const elsewhere = { accountId: account.accountId, region: 'eu-west-1' };
const sandbox = useSandbox({
  ...accountsPackage(),
  ...withAlarms,
  environment: { ACCOUNTS: JSON.stringify(accounts), STACK_EVENT_REGIONS: 'us-east-1,eu-west-1' },
});
const stackName = 'infinstor-onboarding-sandbox';
const logGroup = { name: `/aws/lambda/${stackName}-obtain-token`, retentionInDays: 90 };
const { secretId, userName } = fixtures.superadmin;
const mail = 'operations@acme.example';
let usedKey = '';

beforeAll(async () => {
  await setUpOtherAccount(sandbox());
  await forwardEvents(sandbox(), elsewhere);
  usedKey = newKey(sandbox());
  expect((await onboard(sandbox(), requestWithKey('keyed', usedKey))).error).toBeNull();
  subscribe();
});

const topicArn = () => sandbox().physicalId('AlarmTopic');
function subscribe() {
  sandbox().sns.subscribe(topicArn(), 'email', mail);
  sandbox().sns.confirm(topicArn(), mail);
}
/** What takes back what a test has broken. */
const mends: (() => unknown)[] = [];
afterEach(async () => {
  for (const mend of mends.splice(0).toReversed()) await mend();
  sandbox().faults.clear();
  vi.unstubAllEnvs();
});

const { look, asStage } = looksAt(sandbox);

async function storeSecret(value: (password: string) => object) {
  const before = v.parse(contentSchema, sandbox().secretsManager.value(secretId));
  mends.push(() => putSecret(sandbox(), secretId, before));
  await putSecret(sandbox(), secretId, value(before.password));
}
const contentSchema = v.pipe(v.string(), v.parseJson(), v.object({ userName: v.string(), password: v.string() }));

/** The stack as CloudFormation describes it, with something else in it. */
function changeStack(
  change: (stack: Readonly<{ outputs: readonly { OutputKey: string; OutputValue: string }[] }>) => object,
) {
  const stack = sandbox().cloudFormation.stack(stackName);
  if (stack === undefined) throw new Error('The deployment has no stack');
  const { status, outputs } = stack;
  mends.push(() => Object.assign(stack, { status, outputs }));
  Object.assign(stack, change(stack));
}

/** Replaces a rule of the default bus; undefined: deletes it. */
function changeRule(logicalId: string, change: object | undefined) {
  const { events } = sandbox();
  const name = sandbox().physicalId(logicalId);
  const [rule] = events.rulesOf('default').filter((each) => each.name === name);
  if (rule === undefined) throw new Error(`There is no rule ${name}`);
  mends.push(() => events.addRule(rule));
  if (change === undefined) events.deleteRule({ name, bus: 'default' });
  else events.addRule({ ...rule, ...change });
  return name;
}

const kms = () => new KMSClient(operatorAt(sandbox().endpoint));
const secrets = () => new SecretsManagerClient(operatorAt(sandbox().endpoint));
const failing = (why: string) => ({ outcome: 'fail', why: expect.stringMatching(new RegExp(why)) });

/** One thing after the other that is broken, by what doctor calls it. */
const broken: Record<string, { breaking: () => unknown; named: () => object; others?: readonly string[] }> = {
  'the status of the stack': {
    breaking: () => changeStack(() => ({ status: 'UPDATE_ROLLBACK_FAILED' })),
    named: () => ({
      what: 'deployment',
      ...failing('UPDATE_ROLLBACK_FAILED'),
      mend: expect.stringContaining('deploy'),
    }),
  },
  'the version': {
    breaking: () =>
      changeStack(({ outputs }) => ({
        outputs: outputs.map((output) =>
          output.OutputKey === 'Version' ? { ...output, OutputValue: '0.0.9' } : output,
        ),
      })),
    named: () => ({ what: 'version', ...failing('0\\.0\\.9 is deployed') }),
  },
  'the superadmin secret, which is gone': {
    async breaking() {
      await secrets().send(new DeleteSecretCommand({ SecretId: secretId, RecoveryWindowInDays: 7 }));
      mends.push(() => secrets().send(new RestoreSecretCommand({ SecretId: secretId })));
    },
    named: () => ({ what: 'superadmin secret', ...failing(secretId), mend: expect.stringContaining('restore-secret') }),
    others: ['superadmin login'],
  },
  'the form of the superadmin secret': {
    breaking: () => storeSecret((password) => ({ user: userName, password })),
    named: () => ({
      what: 'superadmin secret',
      ...failing('userName'),
      mend: expect.stringContaining('put-secret-value'),
    }),
    others: ['superadmin login'],
  },
  "the superadmin's name": {
    breaking: () => storeSecret((password) => ({ userName: 'somebody', password })),
    named: () => ({ what: 'superadmin secret', ...failing('superadminUserName') }),
    others: ['superadmin login'],
  },
  InfinStor: {
    breaking: () => fault(sandbox(), 'infinstor:get_version:error=503:9'),
    named: () => ({ what: 'InfinStor', ...failing('InfinStorUnavailable.*503') }),
    others: ['superadmin login'],
  },
  'the superadmin, who is disabled': {
    breaking() {
      sandbox().cognito.setEnabled(userName, false);
      mends.push(() => sandbox().cognito.setEnabled(userName, true));
    },
    named: () => ({ what: 'superadmin login', ...failing('LoginRejected.*disabled') }),
  },
  'the pinned template': {
    breaking() {
      const { templates } = sandbox();
      templates.publish(fixtures.build, `${templates.standIn}\n# Changed.\n`);
      mends.push(() => templates.publish(fixtures.build, templates.standIn));
    },
    named: () => ({ what: 'template', ...failing('TemplateChanged'), mend: expect.stringContaining('template') }),
    others: ['parameter map'],
  },
  "the template's bucket": {
    breaking: () => fault(sandbox(), 's3:GetObject:error=AccessDenied:9'),
    named: () => ({ what: 'template', ...failing('TemplateNotReadable') }),
    others: ['parameter map'],
  },
  'the parameter map': {
    breaking: () => fault(sandbox(), 'cloudformation:GetTemplateSummary:error=ValidationError:9'),
    named: () => ({
      what: 'parameter map',
      ...failing('TemplateMismatch'),
      mend: expect.stringContaining('templateParameters'),
    }),
  },
  'the state of a key': {
    async breaking() {
      await kms().send(new DisableKeyCommand({ KeyId: usedKey }));
      mends.push(() => kms().send(new EnableKeyCommand({ KeyId: usedKey })));
    },
    named: () => ({ what: `key ${usedKey}`, ...failing('Disabled'), mend: expect.stringContaining('kms enable-key') }),
  },
  'the role in another account': {
    breaking() {
      // Functions keep the sessions of roles for up to an hour.
      sandbox().clock.advance(61 * 60_000);
      fault(sandbox(), 'sts:AssumeRole:error=AccessDenied:99');
    },
    named: () => ({ what: `account ${otherAccount.accountId} eu-west-1`, ...failing('AccountNotAccessible') }),
    others: [`account ${otherAccount.accountId} us-east-1`],
  },
  'a quota': {
    breaking() {
      const { quotas } = sandbox().accounts;
      quotas.set('tables', account, 2);
      mends.push(() => quotas.set('tables', account, 2_500));
    },
    named: () => ({ what: 'quota of DynamoDB tables, 111111111111 us-east-1', ...failing('No subscriber fits') }),
  },
  'a rule, which is disabled': {
    breaking: () => changeRule('ResumeOnStackEventRule', { enabled: false }),
    named: () => ({
      what: `rule ${sandbox().physicalId('ResumeOnStackEventRule')}`,
      ...failing('DISABLED'),
      mend: expect.stringContaining('events enable-rule'),
    }),
  },
  'a rule, which is gone': {
    breaking: () => changeRule('RecordFailureRule', undefined),
    named: () => ({ what: `rule ${sandbox().physicalId('RecordFailureRule')}`, ...failing('is gone') }),
  },
  'the target of a rule': {
    breaking: () => changeRule('RecordFailureRule', { targets: [] }),
    named: () => ({ what: `rule ${sandbox().physicalId('RecordFailureRule')}`, ...failing('no target') }),
  },
  'the forwarding of another Region': {
    breaking() {
      const { events } = sandbox().world(elsewhere);
      const rules = events.rulesOf('default').map((rule) => ({ ...rule }));
      mends.push(() => rules.map((rule) => events.addRule(rule)));
      for (const rule of rules) events.deleteRule(rule);
    },
    named: () => ({
      what: 'events of eu-west-1',
      ...failing('no rule there'),
      mend: expect.stringContaining('forward-events.yaml'),
    }),
  },
  'a log group, which is gone': {
    breaking() {
      const { logs } = sandbox().world(account);
      logs.deleteLogGroup(logGroup.name);
      mends.push(() => logs.createLogGroup(logGroup));
    },
    named: () => ({ what: `log group ${logGroup.name}`, ...failing('is gone') }),
  },
  'the topic of the alarms, which is gone': {
    breaking() {
      const { sns } = sandbox();
      const { name, displayName, keyId } = sns.topic(topicArn());
      mends.push(() => {
        sns.create(name, { displayName, keyId });
        subscribe();
      });
      sns.delete(topicArn());
    },
    named: () => ({ what: 'alarm topic', ...failing(topicArn()), mend: expect.stringContaining('alarmTopic') }),
  },
  'an alarm, which is gone': {
    breaking() {
      const { alarms } = sandbox().cloudWatch;
      const alarm = alarms.alarm(alarmName('events-refused'));
      mends.push(() => alarm.kind === 'metric' && alarms.putMetricAlarm(alarm.settings));
      alarms.delete(alarmName('events-refused'));
    },
    named: () => ({ what: `alarm ${alarmName('events-refused')}`, ...failing('is gone') }),
  },
};

describe('doctor', () => {
  it('finds nothing on a stage that is in order', async () => {
    const { wrong, status, shown } = await look();
    expect({ wrong, status }).toEqual({ wrong: [], status: 0 });
    expect(shown).toContain('Nothing is wrong.');
  });

  it('finds things of all kinds that are broken at the same time', async () => {
    const names = [
      ...['the status of the stack', 'the version', 'the form of the superadmin secret', 'the pinned template'],
      ...['the state of a key', 'a quota', 'a rule, which is disabled', 'a log group, which is gone'],
      ...['the forwarding of another Region', 'the topic of the alarms, which is gone'],
    ];
    for (const name of names) await broken[name]?.breaking();
    const { wrong } = await look();
    for (const name of names) expect(wrong).toContainEqual(expect.objectContaining(broken[name]?.named()));
    expect(wrong.filter(({ outcome }) => outcome === 'fail')).toHaveLength(names.length);
  });

  it.each(casesInScope(Object.keys(broken), []))('finds %s, and names it alone', async (name) => {
    const { breaking, named, others = [] } = broken[name] ?? {};
    await breaking?.();
    const { wrong, status, shown } = await look();
    const [found] = wrong.filter(({ what }) => !others.includes(what));
    expect(found).toMatchObject(named?.() ?? {});
    expect(wrong.map(({ what }) => what).sort()).toEqual([found?.what, ...others].sort());
    expect(status).toBe(1);
    expect(shown).toContain('FAIL');
    for (const { mend } of wrong) expect(mend).not.toBe('');
  });

  it.each(casesInScope(['a wrong password'], []))(
    'tries %s once each time, and not once logins are paused',
    async () => {
      await storeSecret(() => ({ userName, password: 'Wrong-Password-Marker-1!' }));
      const logins = callsOf(sandbox(), 'InitiateAuth');
      for (const why of ['LoginRejected', 'LoginRejected', 'LoginsPaused', 'LoginsPaused']) {
        const { wrong } = await look();
        expect(wrong).toEqual([expect.objectContaining({ what: 'superadmin login', ...failing(why) })]);
      }
      expect(callsOf(sandbox(), 'InitiateAuth') - logins).toBe(2);
    },
  );

  it('finds that a named key has no tag', async () => {
    const keyArn = newKey(sandbox(), { tags: {} });
    const { wrong } = await look(undefined, [keyArn]);
    expect(wrong).toEqual([expect.objectContaining({ what: `key ${keyArn}`, ...failing('KeyNotUsable') })]);
  });

  it('warns of log events that are kept for ever', async () => {
    const { logs } = sandbox().world(account);
    mends.push(() => logs.createLogGroup(logGroup));
    logs.createLogGroup({ name: logGroup.name });
    const { wrong, status } = await look();
    expect(wrong).toEqual([
      expect.objectContaining({ outcome: 'warn', mend: expect.stringContaining('put-retention-policy') }),
    ]);
    expect(status).toBe(0);
  });

  it('ends with the credentials when these are wrong, and with the deployment when there is none', async () => {
    const wrongKeys = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'not-the-secret-key' };
    expect(await look(asStage(wrongKeys))).toMatchObject({
      checks: [{ what: 'credentials', outcome: 'fail', mend: expect.stringContaining('aws sso login') }],
      status: 1,
    });
    vi.unstubAllEnvs();
    const nowhere: Target = { kind: 'endpoint', url: sandbox().endpoint, stage: 'nowhere' };
    expect((await look(nowhere)).checks).toMatchObject([
      { what: 'credentials', outcome: 'ok' },
      { what: 'deployment', ...failing('infinstor-onboarding-nowhere') },
    ]);
  });

  it('names the permission that is missing where it may not look', async () => {
    const accessKey = { accessKeyId: 'AKIAREADSTACKSONLY01', secretAccessKey: 'secret-of-one-who-reads-stacks' };
    const statement = { Effect: 'Allow', Action: 'cloudformation:*', Resource: '*' } as const;
    sandbox().iam.createUser({
      userName: 'reads-stacks',
      policies: [{ name: 'stacks', document: { Version: '2012-10-17', Statement: [statement] } }],
      accessKey,
    });
    const { wrong, status } = await look(asStage(accessKey));
    expect(status).toBe(0);
    expect(
      wrong
        .map(({ what, why }) => `${what} ${/lack (\S+)/.exec(why)?.[1]?.replace('DescribeRule', 'ListTargetsByRule')}`)
        .sort(),
    ).toEqual([
      'HTTP API execute-api:Invoke',
      'InfinStor lambda:InvokeFunction',
      'accounts lambda:InvokeFunction',
      'alarm topic sns:GetTopicAttributes',
      'alarms cloudwatch:DescribeAlarms',
      'event rules events:ListTargetsByRule',
      'events of other Regions lambda:InvokeFunction',
      'keys lambda:InvokeFunction',
      'log groups logs:DescribeLogGroups',
      'template lambda:InvokeFunction',
    ]);
  });
});
