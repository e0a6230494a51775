import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { accountsReader } from '../../lib/aws/accounts-environment.ts';
import { arnOwner } from '../../lib/aws/arns.ts';
import { clientConfig } from '../../lib/aws/clients.ts';
import { reconcilers } from '../../lib/keys/reconciler.ts';
import { step } from '../../lib/lambda/step.ts';
import { metricsIn } from '../../lib/metrics.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { detectKeyPolicyDrift } from './detect-key-policy-drift.ts';
import { environmentSchema } from './environment.ts';
import { occasionOf, triggerSchema } from './trigger.ts';

const reconcilerOf = reconcilers();
const client = new EventBridgeClient(clientConfig);
const documents = documentClient();

export const handler = step({
  name: 'detect-key-policy-drift',
  environment: environmentSchema,
  complete: accountsReader(new SecretsManagerClient(clientConfig)),
  input: triggerSchema,
  run: (trigger, context) => {
    const { environment, logger } = context;
    return detectKeyPolicyDrift(occasionOf(trigger), {
      registry: { documents, tableName: environment.REGISTRY_TABLE },
      remainingMs: context.invocation.remainingMs,
      clock: { now: Date.now },
      reconcilerOf: (keyArn) => reconcilerOf(arnOwner(keyArn), context),
      events: { client, name: environment.EVENT_BUS },
      // In another account they write as its role.
      writers: [
        ...environment.KEY_POLICY_WRITERS,
        ...Object.values(environment.ACCOUNTS).map(({ roleArn }) => roleArn),
      ],
      repairs: environment.REPAIR_KEY_POLICIES === 'true',
      logger,
      emit: metricsIn(environment.METRIC_NAMESPACE),
    });
  },
});
