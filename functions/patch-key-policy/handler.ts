import * as v from 'valibot';
import { reconcilers } from '../../lib/keys/reconciler.ts';
import { step } from '../../lib/lambda/step.ts';
import { planSchema, roleSchema } from '../../lib/plans/onboarding.ts';
import { environmentSchema } from './environment.ts';
import { patchKeyPolicy } from './patch-key-policy.ts';

const reconcilerOf = reconcilers();

export const handler = step({
  name: 'patch-key-policy',
  environment: environmentSchema,
  input: v.object({ plan: planSchema, role: roleSchema }),
  run: async ({ plan, role: { roleArn, roleId } }, context) => {
    const reconciler = reconcilerOf(plan.stack, context);
    const keys = [];
    for (const keyArn of plan.keyArns) {
      const role = { roleArn, roleId, userName: plan.subscriber.userName };
      const key = await patchKeyPolicy(reconciler, keyArn, role, plan.executionArn);
      context.logger.info(key.changed ? 'key policy written' : 'role may use the key already', { ...key });
      keys.push(key);
    }
    return keys;
  },
});
