import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { accountsReader } from '../../lib/aws/accounts-environment.ts';
import { arnOwner } from '../../lib/aws/arns.ts';
import { clientConfig } from '../../lib/aws/clients.ts';
import { reconcilers } from '../../lib/keys/reconciler.ts';
import { step } from '../../lib/lambda/step.ts';
import { offboardingPlanSchema } from '../../lib/plans/offboarding.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { requireOwn } from '../../lib/subscribers/ownership.ts';
import { environmentSchema } from './environment.ts';
import { withdrawGrants } from './withdraw-grants.ts';

const reconcilerOf = reconcilers();
const documents = documentClient();

export const handler = step({
  name: 'withdraw-grants',
  environment: environmentSchema,
  complete: accountsReader(new SecretsManagerClient(clientConfig)),
  input: v.object({ plan: v.pick(offboardingPlanSchema, ['subscriber', 'executionArn', 'roleArns', 'keyArns']) }),
  run: async ({ plan }, context) => {
    await requireOwn({ documents, tableName: context.environment.REGISTRY_TABLE }, plan);
    const keys = [];
    for (const keyArn of plan.keyArns) {
      const key = await withdrawGrants(reconcilerOf(arnOwner(keyArn), context), keyArn, plan);
      context.logger.info(key.changed ? 'key policy written' : 'no role of the subscriber has the key', { ...key });
      keys.push(key);
    }
    return keys;
  },
});
