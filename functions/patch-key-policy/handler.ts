import { setTimeout as wait } from 'node:timers/promises';
import { IAMClient } from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import * as v from 'valibot';
import { clientConfig, regional } from '../shared/clients.ts';
import { documentClient } from '../shared/document-client.ts';
import { keyAccess } from '../shared/key-access-environment.ts';
import { planSchema, roleSchema } from '../shared/plan.ts';
import { step } from '../shared/step.ts';
import { environmentSchema } from './environment.ts';
import { patchKeyPolicy } from './patch-key-policy.ts';

const kms = regional((config) => new KMSClient(config));
const kmsOnce = regional((config) => new KMSClient({ ...config, maxAttempts: 1 }));
const iam = new IAMClient(clientConfig);
const documents = documentClient();

export const handler = step({
  name: 'patch-key-policy',
  environment: environmentSchema,
  input: v.object({ plan: planSchema, role: roleSchema }),
  run: async ({ plan, role: { roleArn, roleId } }, { environment, logger }) => {
    const reconciler = {
      kms: kms(plan.stack.region),
      kmsOnce: kmsOnce(plan.stack.region),
      iam,
      registry: { documents, tableName: environment.REGISTRY_TABLE },
      access: keyAccess(environment),
      clock: { now: Date.now, wait },
    };
    const keys = [];
    for (const keyArn of plan.keyArns) {
      const role = { roleArn, roleId, userName: plan.subscriber.userName };
      const key = await patchKeyPolicy(reconciler, keyArn, role, plan.executionArn);
      logger.info(key.changed ? 'key policy written' : 'role may use the key already', { ...key });
      keys.push(key);
    }
    return keys;
  },
});
