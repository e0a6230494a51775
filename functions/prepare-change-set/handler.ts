import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { perAccountRegion } from '../../lib/aws/account-region-clients.ts';
import { accountsReader } from '../../lib/aws/accounts-environment.ts';
import { clientConfig } from '../../lib/aws/clients.ts';
import { createS3 } from '../../lib/aws/signed/s3.ts';
import { step } from '../../lib/lambda/step.ts';
import { upgradePlanSchema } from '../../lib/plans/upgrade.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { requireOwn } from '../../lib/subscribers/ownership.ts';
import { environmentSchema } from './environment.ts';
import { prepareChangeSet } from './prepare-change-set.ts';

const cloudFormation = perAccountRegion((config) => new CloudFormationClient(config));
const secrets = new SecretsManagerClient(clientConfig);
const s3 = createS3(secrets.config);
const documents = documentClient();

export const handler = step({
  name: 'prepare-change-set',
  environment: environmentSchema,
  complete: accountsReader(secrets),
  input: v.object({ plan: upgradePlanSchema }),
  run: async ({ plan }, context) => {
    const owned = () => requireOwn({ documents, tableName: context.environment.REGISTRY_TABLE }, plan);
    await owned();
    return prepareChangeSet(plan, {
      environment: context.environment,
      cloudFormation: cloudFormation(plan.stack, context),
      secrets,
      s3,
      now: new Date(),
      requireOwn: owned,
    });
  },
});
