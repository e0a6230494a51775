import * as v from 'valibot';
import { generatedName, type OnAccess, parseProperties, type ResourceProvider } from '../../core/resource-provider.ts';
import type { Events } from './service.ts';

const ruleProperties = v.strictObject({
  Name: v.optional(v.string()),
  Description: v.optional(v.string()),
  EventBusName: v.optional(v.string(), 'default'),
  EventPattern: v.optional(v.record(v.string(), v.unknown())),
  ScheduleExpression: v.optional(v.pipe(v.string(), v.regex(/^rate\(\d+ minutes\)$/))),
  State: v.optional(v.picklist(['ENABLED', 'DISABLED']), 'ENABLED'),
  Targets: v.array(
    v.strictObject({
      Id: v.string(),
      Arn: v.string(),
      RoleArn: v.optional(v.string()),
      // What cannot be delivered does not occur here.
      DeadLetterConfig: v.optional(v.unknown()),
    }),
  ),
});

interface Parts {
  events: Pick<Events, 'addRule' | 'addSchedule' | 'deleteRule'>;
  onAccess: OnAccess;
}

/** `AWS::Events::Rule`, with a pattern or a schedule. Fails on a bus that does not exist. */
export function ruleProvider({ events, onAccess }: Parts): ResourceProvider {
  return async (context) => {
    const { caller } = context;
    const rule = parseProperties(ruleProperties, context);
    const { Name: name = generatedName(context), EventBusName: bus, EventPattern, ScheduleExpression, State } = rule;
    const resource = `arn:aws:events:${caller.region}:${caller.accountId}:rule/${bus === 'default' ? '' : `${bus}/`}${name}`;
    const targets = rule.Targets.map(({ Id, Arn, RoleArn }) => ({
      id: Id,
      arn: Arn,
      ...(RoleArn !== undefined && { roleArn: RoleArn }),
    }));
    for (const action of ['events:PutRule', 'events:PutTargets']) onAccess(caller, { action, resource });
    for (const { roleArn } of targets) {
      if (roleArn === undefined) continue;
      const context = { 'iam:PassedToService': 'events.amazonaws.com' };
      onAccess(caller, { action: 'iam:PassRole', resource: roleArn, context });
    }
    const enabled = State === 'ENABLED';
    if (EventPattern !== undefined) events.addRule({ name, bus, eventPattern: EventPattern, enabled, targets });
    if (ScheduleExpression !== undefined) {
      events.addSchedule({ name, scheduleExpression: ScheduleExpression, enabled, targets });
    }
    return {
      // On a bus of its own (aws-cloudformation/cloudformation-coverage-roadmap#1131).
      physicalId: bus === 'default' ? name : `${bus}|${name}`,
      attributes: { Arn: resource },
      delete(by) {
        for (const action of ['events:RemoveTargets', 'events:DeleteRule']) onAccess(by, { action, resource });
        events.deleteRule({ name, bus });
      },
    };
  };
}
