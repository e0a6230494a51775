import { KMSClient } from '@aws-sdk/client-kms';
import * as v from 'valibot';
import { regional } from '../shared/clients.ts';
import { planSchema, roleSchema } from '../shared/plan.ts';
import { step } from '../shared/step.ts';
import { patchKeyPolicy } from './patch-key-policy.ts';

const kms = regional((config) => new KMSClient(config));

export const handler = step({
  name: 'patch-key-policy',
  environment: v.object({}),
  input: v.object({ plan: planSchema, role: roleSchema }),
  run: async ({ plan, role }, { logger }) => {
    const keys = [];
    for (const keyArn of plan.keyArns) {
      const key = await patchKeyPolicy(kms(plan.stack.region), keyArn, role.roleArn);
      logger.info(key.changed ? 'role added to the key policy' : 'role was in the key policy already', { ...key });
      keys.push(key);
    }
    return keys;
  },
});
