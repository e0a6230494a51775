import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { perAccountRegion } from '../../lib/aws/account-region-clients.ts';
import { accountsReader } from '../../lib/aws/accounts-environment.ts';
import { clientConfig } from '../../lib/aws/clients.ts';
import { createS3 } from '../../lib/aws/signed/s3.ts';
import { step } from '../../lib/lambda/step.ts';
import { planSchema, templateSchema } from '../../lib/plans/onboarding.ts';
import { stackSchema } from '../../lib/plans/stack.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { requireOwn } from '../../lib/subscribers/ownership.ts';
import { deployStack } from './deploy-stack.ts';
import { environmentSchema } from './environment.ts';

const cloudFormation = perAccountRegion((config) => new CloudFormationClient(config));
const secrets = new SecretsManagerClient(clientConfig);
const s3 = createS3(secrets.config);
const documents = documentClient();

export const handler = step({
  name: 'deploy-stack',
  environment: environmentSchema,
  complete: accountsReader(secrets),
  // The machine comes back here with the stack that WaitForStack saw go.
  input: v.object({
    plan: v.object({
      ...v.pick(planSchema, ['subscriber', 'executionArn', 'credentialsSecretId']).entries,
      // An execution that began before templates were checked goes on with the stack that it has, and creates none.
      stack: v.object({ ...planSchema.entries.stack.entries, template: v.optional(templateSchema) }),
    }),
    stack: v.optional(stackSchema),
  }),
  run: async (input, context) => {
    const owned = () => requireOwn({ documents, tableName: context.environment.REGISTRY_TABLE }, input.plan);
    await owned();
    return deployStack(input, {
      environment: context.environment,
      cloudFormation: cloudFormation(input.plan.stack, context),
      secrets,
      s3,
      now: new Date(),
      requireOwn: owned,
    });
  },
});
