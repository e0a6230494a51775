import * as v from 'valibot';
import { operation } from '../../core/operation.ts';
import type { BusStore, NewRule, RuleName } from './bus-store.ts';
import { bus } from './put-events.ts';

const onRule = v.strictObject({ Name: v.string(), EventBusName: bus });
const nameOf = ({ Name, EventBusName }: v.InferOutput<typeof onRule>): RuleName => ({ name: Name, bus: EventBusName });

/** The operations on rules: https://docs.aws.amazon.com/eventbridge/latest/APIReference/ */
export function ruleOperations(store: Pick<BusStore, 'rule' | 'rulesOf' | 'ruleArn'>, accountId: string) {
  const setEnabled = (action: string, enabled: boolean) =>
    operation(onRule, {
      access: ({ Name, EventBusName }) => [
        { action: `events:${action}`, resource: store.ruleArn({ bus: EventBusName, name: Name }) },
      ],
      run(input) {
        store.rule(nameOf(input)).enabled = enabled;
        return {};
      },
    });

  const describedBy = (input: v.InferOutput<typeof onRule>) => {
    const rule = store.rule(nameOf(input));
    return described(rule, store.ruleArn(rule));
  };

  return {
    EnableRule: setEnabled('EnableRule', true),
    DisableRule: setEnabled('DisableRule', false),

    ListRules: operation(v.strictObject({ NamePrefix: v.optional(v.string(), ''), EventBusName: bus }), {
      access: ({ EventBusName, NamePrefix }) => [
        { action: 'events:ListRules', resource: store.ruleArn({ bus: EventBusName, name: `${NamePrefix}*` }) },
      ],
      run({ NamePrefix, EventBusName }) {
        const found = store.rulesOf(EventBusName).filter(({ name }) => name.startsWith(NamePrefix));
        return { Rules: found.map((rule) => described(rule, store.ruleArn(rule))) };
      },
    }),

    DescribeRule: operation(onRule, {
      access: ({ Name, EventBusName }) => [
        { action: 'events:DescribeRule', resource: store.ruleArn({ bus: EventBusName, name: Name }) },
      ],
      run: (input) => ({ ...describedBy(input), CreatedBy: accountId }),
    }),

    ListTargetsByRule: operation(v.strictObject({ Rule: v.string(), EventBusName: bus }), {
      access: ({ Rule, EventBusName }) => [
        { action: 'events:ListTargetsByRule', resource: store.ruleArn({ bus: EventBusName, name: Rule }) },
      ],
      run: ({ Rule, EventBusName }) => ({
        Targets: store.rule({ name: Rule, bus: EventBusName }).targets.map(({ id, arn, roleArn }) => ({
          Id: id,
          Arn: arn,
          ...(roleArn !== undefined && { RoleArn: roleArn }),
        })),
      }),
    }),

    ListRuleNamesByTarget: operation(v.strictObject({ TargetArn: v.string(), EventBusName: bus }), {
      access: ({ EventBusName }) => [
        { action: 'events:ListRuleNamesByTarget', resource: store.ruleArn({ bus: EventBusName, name: '*' }) },
      ],
      run: ({ TargetArn, EventBusName }) => ({
        RuleNames: store
          .rulesOf(EventBusName)
          .filter(({ targets }) => targets.some(({ arn }) => arn === TargetArn))
          .map(({ name }) => name),
      }),
    }),
  };
}

function described(rule: NewRule, arn: string) {
  const when =
    rule.scheduleExpression === undefined
      ? { EventPattern: JSON.stringify(rule.eventPattern) }
      : { ScheduleExpression: rule.scheduleExpression };
  return {
    Name: rule.name,
    Arn: arn,
    ...when,
    State: rule.enabled ? 'ENABLED' : 'DISABLED',
    EventBusName: rule.bus,
  };
}
