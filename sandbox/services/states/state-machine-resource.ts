import * as v from 'valibot';
import { arnAt, type OnAccess, parseProperties, type ResourceProvider } from '../../core/resource-provider.ts';
import type { States } from './service.ts';

interface Parts {
  states: Pick<States, 'createStateMachine' | 'updateStateMachine' | 'deleteStateMachine'>;
  onAccess: OnAccess;
}

const stateMachineProperties = v.strictObject({
  StateMachineName: v.string(),
  RoleArn: v.string(),
  DefinitionString: v.string(),
  StateMachineType: v.optional(v.literal('STANDARD')),
  // Logs and traces are for a real deployment.
  LoggingConfiguration: v.optional(v.record(v.string(), v.unknown())),
  TracingConfiguration: v.optional(v.strictObject({ Enabled: v.boolean() })),
});

/** `AWS::StepFunctions::StateMachine`. Fails on a definition with anything that the sandbox does not have. */
export function stateMachineProvider({ states, onAccess }: Parts): ResourceProvider {
  return async (context) => {
    const { caller } = context;
    const properties = parseProperties(stateMachineProperties, context);
    const { StateMachineName: name, RoleArn: roleArn, DefinitionString: definition } = properties;
    const resource = arnAt(caller, 'states', `stateMachine:${name}`);
    const isNew = context.previous === undefined;
    onAccess(caller, { action: isNew ? 'states:CreateStateMachine' : 'states:UpdateStateMachine', resource });
    const passedTo = { 'iam:PassedToService': 'states.amazonaws.com' };
    onAccess(caller, { action: 'iam:PassRole', resource: roleArn, context: passedTo });
    if (isNew) states.createStateMachine({ name, roleArn, definition });
    else states.updateStateMachine({ name, roleArn, definition });
    return {
      physicalId: resource,
      attributes: { Arn: resource, Name: name },
      delete(by) {
        onAccess(by, { action: 'states:DeleteStateMachine', resource });
        states.deleteStateMachine(resource);
      },
    };
  };
}
