import * as v from 'valibot';
import { arnAt, type OnAccess, parseProperties, type ResourceProvider } from '../../core/resource-provider.ts';
import type { Kms } from '../kms/service.ts';
import type { States } from './service.ts';

interface Parts {
  states: Pick<States, 'createStateMachine' | 'updateStateMachine' | 'deleteStateMachine'>;
  kms: Pick<Kms, 'useAccess'>;
  onAccess: OnAccess;
}

const stateMachineProperties = v.strictObject({
  StateMachineName: v.string(),
  RoleArn: v.string(),
  DefinitionString: v.string(),
  StateMachineType: v.optional(v.literal('STANDARD')),
  // Logs and traces are for a real deployment.
  LoggingConfiguration: v.optional(v.record(v.string(), v.unknown())),
  EncryptionConfiguration: v.optional(
    v.strictObject({
      Type: v.literal('CUSTOMER_MANAGED_KMS_KEY'),
      // An ARN; AWS has ids and aliases, too.
      KmsKeyId: v.pipe(v.string(), v.startsWith('arn:')),
      KmsDataKeyReusePeriodSeconds: v.optional(v.pipe(v.number(), v.minValue(60), v.maxValue(900))),
    }),
  ),
  TracingConfiguration: v.optional(v.strictObject({ Enabled: v.boolean() })),
});

/** `AWS::StepFunctions::StateMachine`. Fails on a definition with anything that the sandbox does not have. */
export function stateMachineProvider({ states, kms, onAccess }: Parts): ResourceProvider {
  return async (context) => {
    const { caller } = context;
    const properties = parseProperties(stateMachineProperties, context);
    const { StateMachineName: name, RoleArn: roleArn, DefinitionString: definition } = properties;
    const resource = arnAt(caller, 'states', `stateMachine:${name}`);
    const keyArn = properties.EncryptionConfiguration?.KmsKeyId;
    const isNew = context.previous === undefined;
    onAccess(caller, { action: isNew ? 'states:CreateStateMachine' : 'states:UpdateStateMachine', resource });
    const passedTo = { 'iam:PassedToService': 'states.amazonaws.com' };
    onAccess(caller, { action: 'iam:PassRole', resource: roleArn, context: passedTo });
    if (keyArn !== undefined) {
      // Step Functions API reference, CreateStateMachine; the developer guide lists the two.
      const accesses = kms.useAccess(caller, keyArn, ['kms:DescribeKey', 'kms:GenerateDataKey'], {
        'kms:ViaService': `states.${caller.region}.amazonaws.com`,
        'kms:EncryptionContext:aws:states:stateMachineArn': resource,
      });
      for (const access of accesses) onAccess(caller, access);
    }
    if (isNew) states.createStateMachine({ name, roleArn, definition, keyArn });
    else states.updateStateMachine({ name, roleArn, definition, keyArn });
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
