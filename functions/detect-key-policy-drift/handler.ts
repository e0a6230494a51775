import { setTimeout as wait } from 'node:timers/promises';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { IAMClient } from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import { arnOwner } from '../shared/arns.ts';
import { clientConfig, regional } from '../shared/clients.ts';
import { documentClient } from '../shared/document-client.ts';
import { keyAccess } from '../shared/key-access-environment.ts';
import { step } from '../shared/step.ts';
import { detectKeyPolicyDrift } from './detect-key-policy-drift.ts';
import { environmentSchema } from './environment.ts';
import { countDrift } from './metric.ts';
import { editOf, triggerSchema } from './trigger.ts';

const kms = regional((config) => new KMSClient(config));
const kmsOnce = regional((config) => new KMSClient({ ...config, maxAttempts: 1 }));
const iam = new IAMClient(clientConfig);
const events = new EventBridgeClient(clientConfig);
const documents = documentClient();

export const handler = step({
  name: 'detect-key-policy-drift',
  environment: environmentSchema,
  input: triggerSchema,
  run: (trigger, { environment, logger }) => {
    const registry = { documents, tableName: environment.REGISTRY_TABLE };
    return detectKeyPolicyDrift(editOf(trigger), {
      registry,
      reconcilerOf(keyArn) {
        const { region } = arnOwner(keyArn);
        const access = keyAccess(environment);
        return { kms: kms(region), kmsOnce: kmsOnce(region), iam, registry, access, clock: { now: Date.now, wait } };
      },
      events,
      writers: environment.KEY_POLICY_WRITERS,
      repairs: environment.REPAIR_KEY_POLICIES === 'true',
      logger,
      count: () => countDrift(environment.METRIC_NAMESPACE),
    });
  },
});
