import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { KMSClient } from '@aws-sdk/client-kms';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { STSClient } from '@aws-sdk/client-sts';
import { perAccountRegion } from '../../lib/aws/account-region-clients.ts';
import { accountsReader } from '../../lib/aws/accounts-environment.ts';
import { briskConfig, clientConfig } from '../../lib/aws/clients.ts';
import { createS3 } from '../../lib/aws/signed/s3.ts';
import { step } from '../../lib/lambda/step.ts';
import { acceptInputSchema } from '../../lib/plans/accept.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { keptReadings } from '../../lib/stacks/quotas/kept-readings.ts';
import { acceptRequest } from './accept-request.ts';
import { environmentSchema } from './environment.ts';

const cloudFormation = perAccountRegion((config) => new CloudFormationClient(config));
const quotasOf = perAccountRegion((config) => new CloudFormationClient(config), briskConfig);
const kms = perAccountRegion((config) => new KMSClient(config));
const secrets = new SecretsManagerClient(clientConfig);
const sts = new STSClient(clientConfig);
const stepFunctions = new SFNClient(clientConfig);
const s3 = createS3(sts.config);
const documents = documentClient();
const kept = keptReadings();

/** Of its 900 s, reading quotas may take so many until nothing more is begun: there is time left for everything else. */
const readingEndsMs = 600_000;

export const handler = step({
  name: 'accept-request',
  environment: environmentSchema,
  complete: accountsReader(secrets),
  input: acceptInputSchema,
  run: (input, context) =>
    acceptRequest(input, {
      environment: context.environment,
      cloudFormation: (home) => cloudFormation(home, context),
      kms: (home) => kms(home, context),
      secrets,
      sts,
      stepFunctions,
      s3,
      registry: { documents, tableName: context.environment.REGISTRY_TABLE },
      quotas: {
        kept,
        cloudFormation: (home) => quotasOf(home, context),
        hasTime: () => context.invocation.remainingMs() > readingEndsMs,
      },
      logger: context.logger,
      now: new Date(),
    }),
});
