import * as v from 'valibot';
import type { Caller } from '../../core/operation.ts';
import {
  arnAt,
  flag,
  generatedName,
  type OnAccess,
  parseProperties,
  type ResourceContext,
  type ResourceProvider,
} from '../../core/resource-provider.ts';
import { compositeAlarmSchema, metricAlarmSchema } from './alarm-definition.ts';
import type { CloudWatch } from './service.ts';

interface Parts {
  cloudWatch: Pick<CloudWatch, 'alarms' | 'dashboards'>;
  onAccess: OnAccess;
}

const tags = v.optional(v.pipe(v.array(v.strictObject({ Key: v.string(), Value: v.string() })), v.maxLength(50)), []);
/** What a template adds to the parameters of the call, and may leave out. */
const ofTemplate = {
  AlarmName: v.optional(metricAlarmSchema.entries.AlarmName),
  ActionsEnabled: v.optional(flag),
  Tags: tags,
};
const alarmProperties = v.strictObject({ ...metricAlarmSchema.entries, ...ofTemplate });
const compositeAlarmProperties = v.strictObject({ ...compositeAlarmSchema.entries, ...ofTemplate });

/** `AWS::CloudWatch::Alarm`. Fails on a name that is taken, and for what PutMetricAlarm refuses. IAM is asked what the published schema of the type lists. */
export function alarmProvider(parts: Parts): ResourceProvider {
  return async (context) => {
    const { Tags, ...settings } = parseProperties(alarmProperties, context);
    return alarmOf(context, parts, {
      action: 'PutMetricAlarm',
      isTagged: Tags.length > 0,
      name: settings.AlarmName,
      put: (AlarmName) =>
        parts.cloudWatch.alarms.putMetricAlarm(
          v.parse(metricAlarmSchema, { ActionsEnabled: true, ...settings, AlarmName }),
        ),
    });
  };
}

/** `AWS::CloudWatch::CompositeAlarm`, as above. */
export function compositeAlarmProvider(parts: Parts): ResourceProvider {
  return async (context) => {
    const { Tags, ...settings } = parseProperties(compositeAlarmProperties, context);
    return alarmOf(context, parts, {
      action: 'PutCompositeAlarm',
      isTagged: Tags.length > 0,
      name: settings.AlarmName,
      put: (AlarmName) =>
        parts.cloudWatch.alarms.putCompositeAlarm(
          v.parse(compositeAlarmSchema, { ActionsEnabled: true, ...settings, AlarmName }),
        ),
    });
  };
}

interface Put {
  action: string;
  isTagged: boolean;
  name: string | undefined;
  put: (name: string) => void;
}

function alarmOf(
  context: ResourceContext,
  { cloudWatch, onAccess }: Parts,
  { action, isTagged, name = generatedName(context), put }: Put,
) {
  const { caller, previous } = context;
  const resource = arnAt(caller, 'cloudwatch', `alarm:${name}`);
  const ask = (by: Caller, ...actions: readonly string[]) => {
    for (const each of actions) onAccess(by, { action: `cloudwatch:${each}`, resource });
  };
  const withTags = isTagged || context.tags.length > 0 ? ['TagResource'] : [];
  ask(caller, 'DescribeAlarms', action, ...withTags);
  if (previous === undefined && cloudWatch.alarms.has(name)) throw new Error(`${resource} already exists`);
  put(name);
  return {
    physicalId: name,
    attributes: { Arn: resource },
    delete(by: Caller) {
      ask(by, 'DescribeAlarms', 'DeleteAlarms');
      cloudWatch.alarms.delete(name);
    },
  };
}

const dashboardProperties = v.strictObject({ DashboardName: v.optional(v.string()), DashboardBody: v.string() });

/** `AWS::CloudWatch::Dashboard`. Fails on a name that is taken, and for a body that is not valid. */
export function dashboardProvider({ cloudWatch, onAccess }: Parts): ResourceProvider {
  return async (context) => {
    const { DashboardName: name = generatedName(context), DashboardBody } = parseProperties(
      dashboardProperties,
      context,
    );
    const { caller, previous } = context;
    const resource = `arn:aws:cloudwatch::${caller.accountId}:dashboard/${name}`;
    const ask = (by: Caller, ...actions: readonly string[]) => {
      for (const each of actions) onAccess(by, { action: `cloudwatch:${each}`, resource });
    };
    ask(caller, 'PutDashboard', 'GetDashboard');
    if (previous === undefined && cloudWatch.dashboards.has(name)) throw new Error(`${resource} already exists`);
    cloudWatch.dashboards.put(name, DashboardBody);
    return {
      physicalId: name,
      attributes: {},
      delete(by) {
        ask(by, 'GetDashboard', 'DeleteDashboards');
        cloudWatch.dashboards.delete(name);
      },
    };
  };
}
