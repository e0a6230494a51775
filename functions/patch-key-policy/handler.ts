import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { accountsReader } from '../../lib/aws/accounts-environment.ts';
import { clientConfig } from '../../lib/aws/clients.ts';
import { reconcilers } from '../../lib/keys/reconciler.ts';
import { step } from '../../lib/lambda/step.ts';
import { metricsIn } from '../../lib/metrics.ts';
import { roleSchema } from '../../lib/plans/onboarding.ts';
import { homePlanSchema } from '../../lib/plans/stack.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { requireOwn } from '../../lib/subscribers/ownership.ts';
import { environmentSchema } from './environment.ts';
import { patchKeyPolicy } from './patch-key-policy.ts';

const reconcilerOf = reconcilers();
const documents = documentClient();

export const handler = step({
  name: 'patch-key-policy',
  environment: environmentSchema,
  complete: accountsReader(new SecretsManagerClient(clientConfig)),
  input: v.object({ plan: v.object({ ...homePlanSchema.entries, keyArns: v.array(v.string()) }), role: roleSchema }),
  run: async ({ plan, role: { roleArn, roleId } }, context) => {
    await requireOwn({ documents, tableName: context.environment.REGISTRY_TABLE }, plan);
    const reconciler = reconcilerOf(plan.stack, context);
    const keys = [];
    for (const keyArn of plan.keyArns) {
      const role = { roleArn, roleId, userName: plan.subscriber.userName };
      const key = await patchKeyPolicy(reconciler, keyArn, role, plan.executionArn);
      context.logger.info(key.changed ? 'key policy written' : 'role may use the key already', { ...key });
      if (key.changed) metricsIn(context.environment.METRIC_NAMESPACE)('KeyPolicyWrites', 1, { keyArn });
      keys.push(key);
    }
    return keys;
  },
});
