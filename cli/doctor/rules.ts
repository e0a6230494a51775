import {
  DescribeRuleCommand,
  EventBridgeClient,
  ListRuleNamesByTargetCommand,
  ListTargetsByRuleCommand,
  ResourceNotFoundException,
} from '@aws-sdk/client-eventbridge';
import { answer } from '../aws/answer.ts';
import { configurationOf, stackNameOf } from '../target/deployment.ts';
import { type At, type Finding, fail, ok } from './finding.ts';
import type { StackResource } from './resources.ts';

/** A rule as it is now. */
export interface RuleState {
  bus: string;
  name: string;
  /** Undefined: there is no such rule. */
  state: string | undefined;
  targets: number;
}

/** Whether the rules that bring events to the deployment are there, enabled, and have their targets. */
export async function checkRules(resources: readonly StackResource[], at: At): Promise<Finding[]> {
  const client = new EventBridgeClient(configurationOf(at.target));
  try {
    const rules = resources.filter(({ type }) => type === 'AWS::Events::Rule');
    const states = await Promise.all(
      rules.map(({ physicalId }) => answer('EventBridge', stateOf(client, placeOfRule(physicalId)), at.target)),
    );
    return judgeRules(states, at);
  } finally {
    client.destroy();
  }
}

/** The id of a rule is its name, and that of one on a bus of its own `<bus>|<name>` (aws-cloudformation/cloudformation-coverage-roadmap#1131). */
function placeOfRule(physicalId: string): { bus: string; name: string } {
  const [bus = '', name] = physicalId.split('|');
  return name === undefined ? { bus: 'default', name: bus } : { bus, name };
}

async function stateOf(client: EventBridgeClient, { bus, name }: { bus: string; name: string }): Promise<RuleState> {
  try {
    const [{ State }, { Targets = [] }] = await Promise.all([
      client.send(new DescribeRuleCommand({ Name: name, EventBusName: bus })),
      client.send(new ListTargetsByRuleCommand({ Rule: name, EventBusName: bus })),
    ]);
    return { bus, name, state: State, targets: Targets.length };
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return { bus, name, state: undefined, targets: 0 };
    throw error;
  }
}

export function judgeRules(
  rules: readonly RuleState[],
  { deployment, aws }: Pick<At, 'deployment' | 'aws'>,
): Finding[] {
  const drift = `Make it again as the stack had it: ${aws(`cloudformation detect-stack-drift --stack-name ${stackNameOf(deployment.stage)}`)} lists what else was changed`;
  const broken = rules.flatMap(({ bus, name, state, targets }) => {
    const what = `rule ${name}`;
    if (state === undefined)
      return [fail(what, `It is gone from the event bus ${bus}: its events reach nobody`, drift)];
    if (!state.startsWith('ENABLED')) {
      const onBus = bus === 'default' ? '' : ` --event-bus-name ${bus}`;
      return [fail(what, `It is ${state}: its events reach nobody`, aws(`events enable-rule --name ${name}${onBus}`))];
    }
    return targets === 0 ? [fail(what, 'It has no target: its events reach nobody', drift)] : [];
  });
  return broken.length > 0 ? broken : [ok('event rules', `All ${rules.length} are enabled and have their targets`)];
}

/**
 * Whether the events of other Regions, where the stage says that they come from, are sent here. Of other accounts only these themselves know.
 * @param regions those that the stage names
 */
export async function checkForwarding(regions: readonly string[], at: At): Promise<Finding[]> {
  const { accountId, region: own } = at.deployment;
  const busArn = defaultBusOf(at.deployment);
  const others = regions.filter((region) => region !== own);
  const states = await Promise.all(
    others.map(async (region) => {
      const client = new EventBridgeClient(configurationOf(at.target, { accountId, region }));
      try {
        const look = async () => {
          const { RuleNames = [] } = await client.send(new ListRuleNamesByTargetCommand({ TargetArn: busArn }));
          return Promise.all(RuleNames.map((name) => stateOf(client, { bus: 'default', name })));
        };
        return { region, rules: await answer('EventBridge', look(), at.target) };
      } finally {
        client.destroy();
      }
    }),
  );
  return states.flatMap(({ region, rules }) => judgeForwarding(region, rules, at));
}

const defaultBusOf = ({ accountId, region, machines }: At['deployment']) =>
  `arn:${machines['onboard-subscriber'].split(':')[1] ?? 'aws'}:events:${region}:${accountId}:event-bus/default`;

export function judgeForwarding(
  region: string,
  rules: readonly RuleState[],
  { deployment, aws }: Pick<At, 'deployment' | 'aws'>,
): Finding[] {
  const what = `events of ${region}`;
  const enabled = rules.filter(({ state }) => state?.startsWith('ENABLED'));
  if (enabled.length > 0 && enabled.length === rules.length)
    return [ok(what, 'Rules there send them to the deployment')];
  const [disabled] = rules.filter((rule) => !enabled.includes(rule));
  if (disabled !== undefined) {
    return [
      fail(
        what,
        `The rule ${disabled.name} there is ${disabled.state}`,
        aws(`events enable-rule --name ${disabled.name} --region ${region}`),
      ),
    ];
  }
  const deploy = aws(
    `cloudformation deploy --region ${region} --stack-name infinstor-onboarding-events --template-file deployment/forward-events.yaml --capabilities CAPABILITY_IAM --parameter-overrides EventBusArn=${defaultBusOf(deployment)}`,
  );
  return [
    fail(
      what,
      'stackEventRegions names it, and no rule there sends events to the deployment: waits for stacks last longer',
      deploy,
    ),
  ];
}
