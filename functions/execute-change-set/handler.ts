import { setTimeout as wait } from 'node:timers/promises';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { perAccountRegion } from '../../lib/aws/account-region-clients.ts';
import { accountsReader } from '../../lib/aws/accounts-environment.ts';
import { clientConfig } from '../../lib/aws/clients.ts';
import { step } from '../../lib/lambda/step.ts';
import { changedStackSchema, homePlanSchema } from '../../lib/plans/stack.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { requireOwn } from '../../lib/subscribers/ownership.ts';
import { environmentSchema } from './environment.ts';
import { executeChangeSet } from './execute-change-set.ts';

const cloudFormation = perAccountRegion((config) => new CloudFormationClient(config));
const documents = documentClient();

export const handler = step({
  name: 'execute-change-set',
  environment: environmentSchema,
  complete: accountsReader(new SecretsManagerClient(clientConfig)),
  input: v.object({
    plan: homePlanSchema,
    stack: v.object({ ...changedStackSchema.entries, changeSetId: v.string() }),
    keys: v.array(v.object({ changed: v.boolean() })),
  }),
  run: ({ plan, stack, keys }, context) =>
    executeChangeSet(
      { executionArn: plan.executionArn, stack, keys },
      {
        environment: context.environment,
        cloudFormation: cloudFormation(plan.stack, context),
        now: new Date(),
        requireOwn: () => requireOwn({ documents, tableName: context.environment.REGISTRY_TABLE }, plan),
        wait,
      },
    ),
});
