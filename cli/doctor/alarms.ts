import { type AlarmState, confirmedSubscriptions, describeAlarms } from '../aws/alarm-services.ts';
import { stackNameOf } from '../target/deployment.ts';
import { type At, checking, type Finding, fail, ok, warn } from './finding.ts';
import type { StackResource } from './resources.ts';

/** Whether somebody hears of the stage's alarms, and what they say now. */
export async function checkAlarms(resources: Promise<readonly StackResource[]>, at: At): Promise<readonly Finding[]> {
  const topicArn = at.deployment.outputs.AlarmTopicArn;
  if (topicArn === undefined) return [ok('alarms', 'The stage has none: alarmTopic is none')];
  const [ofTopic, ofAlarms] = await Promise.all([
    checking('alarm topic', 'sns:GetTopicAttributes', async () => [
      judgeTopic(topicArn, await confirmedSubscriptions(topicArn, at), at),
    ]),
    checking('alarms', 'cloudwatch:DescribeAlarms', async () => {
      const names = namesOf(await resources);
      return judgeAlarms(names, await describeAlarms(names, at), at);
    }),
  ]);
  return [...ofTopic, ...ofAlarms];
}

/** By the stack, since the names of another stage's alarms may begin as this one's do. */
const namesOf = (resources: readonly StackResource[]) =>
  resources.filter(({ type }) => /^AWS::CloudWatch::(Composite)?Alarm$/.test(type)).map(({ physicalId }) => physicalId);

const makeAgain = ({ deployment, aws }: Pick<At, 'deployment' | 'aws'>) =>
  `make it again as the stack had it; ${aws(`cloudformation detect-stack-drift --stack-name ${stackNameOf(deployment.stage)}`)} lists what else was changed`;

/** @param confirmed how many subscriptions it has; undefined: there is no such topic */
function judgeTopic(
  topicArn: string,
  confirmed: number | undefined,
  { deployment, aws }: Pick<At, 'deployment' | 'aws'>,
): Finding {
  const what = 'alarm topic';
  if (confirmed === undefined) {
    return fail(
      what,
      `There is no ${topicArn}: nobody hears of an alarm`,
      `Correct alarmTopic in stages/${deployment.stage}.yml and deploy. If the topic is the stage's own: ${makeAgain({ deployment, aws })}`,
    );
  }
  if (confirmed > 0) return ok(what, `It has ${confirmed === 1 ? 'a subscription' : `${confirmed} subscriptions`}`);
  return warn(
    what,
    'Nobody has a confirmed subscription: nobody hears of an alarm',
    `${aws(`sns subscribe --topic-arn ${topicArn} --protocol email --notification-endpoint <address>`)}, and confirm it with the link in the e-mail (docs/operations.md)`,
  );
}

/** @param names those of the stack */
function judgeAlarms(
  names: readonly string[],
  states: readonly AlarmState[],
  { deployment, aws }: Pick<At, 'deployment' | 'aws'>,
): Finding[] {
  const again = `Deploy does not bring it back: ${makeAgain({ deployment, aws })}`;
  const found = new Map(states.map((state) => [state.name, state]));
  const broken = names.flatMap((name) => {
    const alarm = found.get(name);
    if (alarm === undefined) {
      return [fail(`alarm ${name}`, 'It is gone: nobody hears of what it watches', again)];
    }
    if (alarm.state !== 'ALARM') return [];
    const { reason, description } = alarm;
    const section = /docs\/runbook\.md, "([^"]+)"/.exec(description)?.[1] ?? 'When an alarm is raised';
    return [
      warn(
        `alarm ${name}`,
        `It is raised: ${description.split(' What to do: ')[0] ?? ''} ${reason}`.trim(),
        `docs/runbook.md, "${section}"; ${aws(`cloudwatch describe-alarm-history --alarm-name ${name}`)} shows since when`,
      ),
    ];
  });
  return broken.length > 0 ? broken : [ok('alarms', `None of ${names.length} is raised`)];
}
