// A sandbox with the alarms of the deployment, which the sandbox's stage has not.

import * as v from 'valibot';
import type { Sandbox, SandboxOptions } from '../../../../sandbox/boot.ts';
import { operationsTemplate } from '../../../../scripts/operations.ts';

const templateSchema = v.looseObject({
  Resources: v.record(v.string(), v.unknown()),
  Outputs: v.record(v.string(), v.unknown()),
});

const service = 'infinstor-onboarding-sandbox';
const made = await operationsTemplate({ alarmTopic: 'own', dashboard: 'true' }, service);

/** Alarms, their topic, the dashboard and the saved queries: what the package would have with the params of a stage. */
export const withAlarms = {
  editTemplate(template) {
    const { Resources, Outputs, ...rest } = v.parse(templateSchema, JSON.parse(template));
    return JSON.stringify({
      ...rest,
      Resources: { ...Resources, ...made.Resources },
      Outputs: { ...Outputs, ...made.Outputs },
    });
  },
} satisfies Partial<SandboxOptions>;

/** The alarm's name in CloudWatch. */
export const alarmName = (name: string) => `${service}-${name}`;

export const stateOf = ({ cloudWatch }: Sandbox, name: string) => cloudWatch.alarms.alarm(alarmName(name)).state.value;

const messageSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.looseObject({ AlarmName: v.string(), NewStateValue: v.string(), AlarmDescription: v.string() }),
);

/** What was published to the topic of the alarms, of one alarm. */
export function messagesOf({ sns, physicalId }: Sandbox, name: string) {
  return sns
    .published(physicalId('AlarmTopic'))
    .map(({ message }) => v.parse(messageSchema, message))
    .filter(({ AlarmName }) => AlarmName === alarmName(name));
}
