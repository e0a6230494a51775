import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { perAccountRegion } from '../../lib/aws/account-region-clients.ts';
import { accountsReader } from '../../lib/aws/accounts-environment.ts';
import { clientConfig } from '../../lib/aws/clients.ts';
import { step } from '../../lib/lambda/step.ts';
import { offboardingPlanSchema } from '../../lib/plans/offboarding.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { requireOwn } from '../../lib/subscribers/ownership.ts';
import { deleteStack } from './delete-stack.ts';
import { environmentSchema } from './environment.ts';

const cloudFormation = perAccountRegion((config) => new CloudFormationClient(config));
const documents = documentClient();

export const handler = step({
  name: 'delete-stack',
  environment: environmentSchema,
  complete: accountsReader(new SecretsManagerClient(clientConfig)),
  input: v.object({ plan: v.pick(offboardingPlanSchema, ['subscriber', 'executionArn', 'keepData', 'stack']) }),
  run: async ({ plan }, context) => {
    const owned = () => requireOwn({ documents, tableName: context.environment.REGISTRY_TABLE }, plan);
    await owned();
    return deleteStack(plan, {
      environment: context.environment,
      cloudFormation: cloudFormation(plan.stack, context),
      now: new Date(),
      requireOwn: owned,
    });
  },
});
