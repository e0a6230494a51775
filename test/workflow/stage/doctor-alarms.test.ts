import { afterEach, describe, expect, it, vi } from 'vitest';
import { account } from '../../../sandbox/core/account.ts';
import { callsOf, policyOf } from '../../../scripts/cli-permissions.ts';
import { alarmName, withAlarms } from '../operation/alarms/alarmed.ts';
import { useSandbox } from '../sandbox.ts';
import { looksAt } from './looking.ts';

const sandbox = useSandbox(withAlarms);
const { look, asStage } = looksAt(sandbox);
const mail = 'operations@acme.example';
const topicArn = () => sandbox().physicalId('AlarmTopic');
afterEach(() => {
  vi.unstubAllEnvs();
});

function subscribe() {
  sandbox().sns.subscribe(topicArn(), 'email', mail);
  sandbox().sns.confirm(topicArn(), mail);
}

describe('doctor', () => {
  it('warns of alarms that nobody hears of', async () => {
    const { sns } = sandbox();
    for (const { arn } of sns.topic(topicArn()).subscriptions) sns.unsubscribe(arn);
    const warning = {
      ...{ what: 'alarm topic', outcome: 'warn', why: expect.stringContaining('Nobody') },
      mend: expect.stringContaining(`sns subscribe --topic-arn ${topicArn()}`),
    };
    expect((await look()).wrong).toEqual([warning]);
    // One that is not confirmed hears of nothing.
    sns.subscribe(topicArn(), 'email', mail);
    expect((await look()).wrong).toEqual([warning]);
  });

  it('names each alarm that is raised, with the section of the runbook', async () => {
    subscribe();
    const raisedOnes = ['logins-paused', 'wake-somebody'].map((name) => ({
      name,
      alarm: sandbox().cloudWatch.alarms.alarm(alarmName(name)),
    }));
    const before = raisedOnes.map(({ alarm }) => alarm.state);
    for (const { name, alarm } of raisedOnes) {
      alarm.state = { value: 'ALARM', reason: `The reason of ${name}` };
    }
    const { wrong, status } = await look();
    for (const [place, { alarm }] of raisedOnes.entries()) Object.assign(alarm, { state: before[place] });
    const raised = (name: string, section: string) => ({
      ...{ what: `alarm ${alarmName(name)}`, outcome: 'warn', why: expect.stringContaining(`The reason of ${name}`) },
      mend: expect.stringContaining(`docs/runbook.md, "${section}"`),
    });
    expect(wrong).toEqual(
      expect.arrayContaining([
        raised('logins-paused', 'LoginsPaused'),
        raised('wake-somebody', 'When an alarm is raised'),
      ]),
    );
    expect(wrong).toHaveLength(2);
    expect(status).toBe(0);
  });

  it('lets an operator look at them with the policy of docs/cli.md', async () => {
    subscribe();
    const accessKey = { accessKeyId: 'AKIAOPERATORSONLY001', secretAccessKey: 'secret-of-one-who-operates' };
    const { iam } = sandbox();
    const { accountId, region } = account;
    const policy = JSON.stringify(policyOf(callsOf('operator')))
      .replaceAll('<account>', accountId)
      .replaceAll('<region>', region)
      .replaceAll('<stage>', 'sandbox');
    iam.createUser({ userName: 'operates', policies: [{ name: 'own', document: JSON.parse(policy) }], accessKey });
    const { wrong, checks } = await look(asStage(accessKey));
    expect(wrong).toEqual([]);
    expect(checks.map(({ what }) => what)).toEqual(expect.arrayContaining(['alarm topic', 'alarms']));
  });
});
